#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every lint can fail: each is run over a copy of the sources into which one fault was put.
set -eu
# shellcheck source=tests/lint_common.sh
. "${abs_top_srcdir:-$(dirname "$0")/..}/tests/lint_common.sh"

copy=$(mktemp -d "${TMPDIR:-/tmp}/godwit-lint-XXXXXX")
trap 'rm -rf "$copy"' EXIT
# Of the sources, those that lints look into by name and what these include: each run reads all.
mkdir -p "$copy"/{base,inventory,transport,planner/engine,planner/service,agent,cli,tests,packaging,docs}
cp .clang-format .clang-tidy README.md "$copy"
cp base/{banned,err,fail,gw}.h base/{err,fail,gw}.c "$copy/base"
cp tests/{.clang-tidy,analyzer_allowed,cppcheck_suppressions,lint_common.sh,lint_itself.sh} "$copy/tests"
chmod -R u+w "$copy"

# refuses_now LINT NAME [FILE]: over the copy as it is, LINT must exit 1 and name NAME.
refuses_now() {
    local lint=$1 name=$2 out status=0
    out=$(env abs_top_srcdir="$copy" abs_top_builddir="$copy" GODWIT_TEST_SANITIZED='' \
        GODWIT_TEST_FLAGS_FROM="$abs_top_builddir" \
        bash "tests/lint_$lint.sh" "${@:3}" 2>&1) || status=$?
    case $status in
    77) echo "lint_$lint: $out" ;;
    1) [[ $out == *"$name"* ]] || complain "lint_$lint" "does not name $name: $out" ;;
    *) complain "lint_$lint" "exits $status, not 1, for $name: $out" ;;
    esac
}

# refuses LINT FILE TEXT: so with TEXT in FILE, which is new and goes again.
refuses() {
    printf '%s\n' "$3" >"$copy/$2"
    refuses_now "$1" "$2"
    rm "${copy:?}/$2"
}

# refuses_alone LINT FILE TEXT: so by a lint that takes the files to look at.
refuses_alone() {
    printf '%s\n' "$3" >"$copy/$2"
    refuses_now "$1" "$2" "$2"
    rm "${copy:?}/$2"
}

spdx='/* SPDX-License-Identifier: Apache-2.0 */'
banned='#include "base/banned.h"'

refuses layers base/x.c '#include "transport/store.h"'
refuses layers planner/engine/x.c '#include "planner/service/plan.h"'
refuses layers agent/x.c '#include "cli/out.h"'
refuses layers transport/x.h '#include "store.h"'
# shellcheck disable=SC2016 # Markdown's quotes
printf '%s\n' '## Families' '| `base/` | | `banned` `err` `fail` `gw` |' >"$copy/docs/architecture.md"
refuses families base/x.c ''
refuses wrappers cli/x.c '#include <jansson.h>'
refuses wrappers base/x.c '#include <openssl/evp.h>'
refuses wrappers base/x.h '  #  include <event2/event.h>'
refuses wrappers agent/x.c '#include <glib/gstring.h>'
refuses headers base/x.h 'struct x { size_t n; };'
refuses headers base/x.h 'struct x { int n; };' # no guard: twice is an error
refuses banned base/x.c "/* no licence */
/* purpose */
$banned"
refuses banned base/x.c "$spdx
int no_purpose;
$banned"
refuses banned base/x.c "$spdx
/* purpose */
$banned
#include <stdio.h>"
refuses banned base/x.h "/* purpose */"
refuses banned tests/x.sh '#!/bin/bash'
refuses banned base/x.mk 'A ='
refuses format base/x.c 'int  x;'
refuses format tests/x.h 'int f(void) { return 1; }'
# shellcheck disable=SC2016 # the fault is that it is not quoted
refuses shell tests/x.sh '#!/bin/bash
echo $1'
refuses spelling docs/x.md "rec""ieve"
refuses functions base/x.c "$(printf 'int x;\n%.0s' {1..601})"
refuses functions base/x.c "int f(void)
{
$(printf '    g();\n%.0s' {1..61})
}"
refuses functions base/x.c 'static int f(int a, int b, int c, int d, int e,
             void (*f)(int, int), int g, struct err *err)
{
}'
refuses functions base/x.c 'int f(void)
{
                    if (x)
}'
refuses_alone tidy base/x.c 'int BadName;'
refuses_alone tidy base/x.c 'int f(int n); int f(int n) { if (n) return 1; else return 1; }'
refuses_alone analyzer base/x.c '#include <stdlib.h>
int f(int n); int f(int n) { char *p = malloc(8); if (!p) return 1; if (n) return 2; free(p); return 0; }'
refuses_alone analyzer base/x.c 'int f(void); int f(void) { return no_such_name; }'
refuses_alone cppcheck base/x.c 'int f(int n); int f(int n) { int a[2] = {1, 2}; return n ? a[2] : 0; }'
refuses catalogue base/x.c 'int x = GW_NO_SUCH_ROW;'
refuses catalogue docs/x.md 'see GW-9876'
sed -i '/^    {GW_USAGE,/s/GW_USAGE/GW_USAGEX/' "$copy/base/gw.c"
refuses_now catalogue 'no row for GW_USAGE'
cp base/gw.c "$copy/base/gw.c"

# mutable CODE: an object with it must be refused, named by its variable x.
mutable() {
    local out status=0
    printf '%s\n' "$1" >"$copy/base/x.c"
    ${CC:-gcc} -std=gnu17 -fPIE -c -o "$copy/base/x.o" "$copy/base/x.c"
    out=$(env abs_top_srcdir="$copy" abs_top_builddir="$copy" GODWIT_TEST_SANITIZED='' \
        bash tests/lint_mutable.sh 2>&1) || status=$?
    [ "$status.${2:-1}" != 77.1 ] || return 0
    [ "$status" = "${2:-1}" ] || complain lint_mutable "exits $status for: $1: $out"
}
mutable 'int x;'
mutable 'static int x = 1; int *f(void) { return &x; }'
mutable 'int *f(void) { static int x; return &x; }'
mutable '_Thread_local int x;'
mutable 'const char *x = "text";'
mutable 'const char *const x = "text";' 0
mutable 'static const struct { const char *s; } t[] = {{"a"}}; const void *f(int i) { return &t[i]; }' 0
finish 'A lint that cannot fail proves nothing.'
