# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the lints share: the list of files, and complaints that are counted. Sourced, not run.

: "${abs_top_srcdir:=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}"
: "${abs_top_builddir:=$abs_top_srcdir/build}"
cd "$abs_top_srcdir" || exit 1

rooms=(base inventory transport planner agent cli tests)
complaints=0

# complain FILE[:LINE] WHAT
complain() {
    echo "$1: $2"
    complaints=$((complaints + 1))
}

# The last line of every lint: fails when there was a complaint.
finish() {
    if [ "$complaints" -gt 0 ]; then
        echo "$complaints complaints. $1"
        exit 1
    fi
}

# skip WHY
skip() {
    echo "skipped: $1"
    exit 77
}

# files PATTERN...: those of the rooms whose name matches one, in order. Data of tests is no source.
files() {
    local args=() pattern
    for pattern in "$@"; do
        args+=(-o -name "$pattern")
    done
    find "${rooms[@]}" -path tests/data -prune -o -type f \( "${args[@]:1}" \) -print | LC_ALL=C sort
}

# What is compiled for this machine: programs of the kernel (.bpf.c) speak to another compiler.
c_files() { files '*.c' | grep -v '\.bpf\.c$'; }
headers() { files '*.h'; }
c_sources() { files '*.c' '*.h'; }

# Every script of the project, by name or by its first line.
scripts() {
    {
        find "${rooms[@]}" packaging docs -path tests/data -prune -o -type f -name '*.sh' -print
        find . -maxdepth 1 -type f -name '*.sh' -printf '%P\n'
        for file in quickstart .ci/run; do
            [ ! -f "$file" ] || echo "$file"
        done
        find packaging tests -path tests/data -prune -o -type f ! -name '*.*' -print |
            while IFS= read -r file; do
                case $(head -c 64 "$file" | head -n 1 | tr -d '\0') in
                '#!'*sh*) echo "$file" ;;
                esac
            done
    } | LC_ALL=C sort -u
}

# What an analyzer reads: the files named, or all. By themselves the analyzers take a minute and a
# half of a processor, so make check has them read one room unless it was told tests_whole=yes.
files_to_analyze() {
    if [ $# -gt 0 ]; then
        printf '%s\n' "$@"
    elif [ -n "${GODWIT_TEST_WHOLE-yes}" ]; then
        c_files
    else
        c_files | grep '^base/'
    fi
}

# The flags of the build, in the array cppflags, but FORTIFY_SOURCE, whose headers hide the calls.
# make's own variables would make it talk of jobs; what it says when it renews itself is no flag.
read_cppflags() {
    mapfile -t cppflags < <(env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
        make -s -C "${GODWIT_TEST_FLAGS_FROM:-$abs_top_builddir}" list-cppflags |
        grep '^-' | grep -v -e _FORTIFY_SOURCE -e '^-I\.\.')
    cppflags+=("-I${GODWIT_TEST_FLAGS_FROM:-$abs_top_builddir}") # of headers that are generated
    [ ${#cppflags[@]} -gt 4 ] || complain . 'the makefile does not tell its flags'
}

# what_is_allowed LIST: the lines of tests/LIST without comments and what they give as reason.
what_is_allowed() {
    sed -E 's/[[:space:]]*#.*//; /^$/d' "tests/$1"
}
