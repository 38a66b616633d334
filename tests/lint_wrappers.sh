#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The header of a third-party library appears only in the wrapper for that library.
set -eu
# shellcheck source=tests/lint_common.sh
. "${abs_top_srcdir:-$(dirname "$0")/..}/tests/lint_common.sh"

# Header (a regular expression, anchored at its start), then the files that may include it.
# A new library is a new row; a second file for an old one needs a reason.
wrappers='
jansson\.h       base/js.c base/jsw.c
openssl/         base/crypto.c base/cert.c base/cert_tls.c base/cert_priv.h tests/tls_raw.c
event2/          base/loop.c base/httpd.c base/httpd_conn.c base/httpd_error.c base/httpd_priv.h tests/tool_s3.c tests/tool_proxy.c
curl/            base/http.c base/http_multi.c base/http_priv.h
sqlite3\.h       base/db.c
ini\.h           base/conf.c
archive          base/zip_lib.h
expat\.h         base/xml.c
zstd             transport/codec.c
liburing\.h      transport/volume_ring.c
librsync\.h      transport/delta.c
libssh2          transport/ssh.c
bpf/             transport/track_bpf.c transport/track_ebpf.bpf.c
linux/bpf        transport/track_bpf.c transport/track_ebpf.bpf.c
libnbd\.h        transport/nbd_lib.h
nbdkit-          transport/nbdkit_plugin.c
blkid/           inventory/blk.c
libical/         planner/engine/calendar.c
libsmartcols     cli/table.c
cmocka\.h        tests/*
'

# is_home FILE HOMES: is it one of them? Nothing is at home everywhere.
is_home() {
    local home
    [ -n "$1" ] || return 0
    for home in $2; do
        # shellcheck disable=SC2053 # homes may be patterns
        [[ $1 != $home ]] || return 0
    done
    return 1
}

set -f # patterns stay patterns
while read -r header homes; do
    [ -n "$header" ] || continue
    while IFS=: read -r file line _; do
        is_home "$file" "$homes" || complain "$file:$line" "<${header//\\/}> belongs in: $homes"
    done <<<"$(c_sources | xargs grep -nHE "^[ \t]*#[ \t]*include[ \t]*[<\"]$header" || true)"
done <<<"$wrappers"

# What is neither ours, nor C, nor POSIX, nor Linux, nor in the table: a library nobody wrapped.
known=$(sed -nE 's/^([^ ]+) .*/\1/p' <<<"$wrappers" | paste -sd '|')
system='(sys|linux|net|netinet|arpa|asm|bits)/|[a-z_0-9]+\.h'
while IFS=: read -r file line text; do
    [ -z "$file" ] || complain "$file:$line" "no row of this test knows ${text#*include }"
done <<<"$(c_sources | xargs grep -nHE '^[ \t]*#[ \t]*include[ \t]*<' |
    grep -vE "<($system)" | grep -vE "<($known)" || true)"
finish 'Use the wrapper, or add a row to tests/lint_wrappers.sh with its one file.'
