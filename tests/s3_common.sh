# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the stories against real S3 services share. Sourced; $dir is set before a story begins.
: "${abs_top_srcdir:?}" "${abs_top_builddir:?}" "${dir:=}"

# shellcheck source=tests/starter.sh
. "$abs_top_srcdir/tests/starter.sh"

# TOOL...: skips the test when one of them is missing.
need_tools() {
    local tool
    for tool in "$@"; do
        if ! PATH=$PATH:/usr/sbin:/sbin command -v "$tool" >/dev/null; then
            echo "SKIP: $tool is not installed"
            exit 77
        fi
    done
    if [ ! -x "$abs_top_builddir/contract_store" ]; then
        echo "SKIP: contract_store was not built (no cmocka)"
        exit 77
    fi
}

# BUCKET: made at $S3_ENDPOINT. The access key must hold no colon.
make_bucket() {
    local empty
    empty=$(printf '' | sha256sum | cut -d' ' -f1)
    curl -sS --fail --aws-sigv4 "aws:amz:$AWS_DEFAULT_REGION:s3" -H "x-amz-content-sha256: $empty" \
        --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" -X PUT "$S3_ENDPOINT/$1"
}

same_volume() {
    cmp "$dir/disk.img" "$dir/back.img"
    e2fsck -fn "$dir/back.img" >/dev/null 2>&1
}

# URL: an ext4 image of real files, seeded, changed, pushed again after a kill -9, restored, read back.
there_and_back() {
    local url=$1 rc=0
    echo "== $url there and back"
    export XDG_CONFIG_HOME=$dir/config XDG_STATE_HOME=$dir/state
    mkdir "$dir/stage"
    cp "$abs_top_builddir"/godwit* "$dir/stage/"
    mke2fs -q -b 4096 -t ext4 -d "$dir/stage" "$dir/disk.img" 64M >/dev/null
    rm -rf "$dir/stage"
    godwit replica push "$dir/disk.img" "$url"
    godwit replica pull "$url" "$dir/back.img"
    same_volume
    head -c 9000000 /dev/urandom | dd of="$dir/disk.img" bs=4096 seek=9000 conv=notrunc status=none
    if [ -n "${GODWIT_TEST_FAILPOINTS:-}" ]; then
        GODWIT_FAILPOINT=pack_put_done=kill bash -c '"$@"; exit $?' _ godwit replica push "$dir/disk.img" "$url" 2>/dev/null || rc=$?
        [ "$rc" -eq 137 ]
    fi
    godwit replica push "$dir/disk.img" "$url"
    godwit replica pull "$url" "$dir/back.img"
    cmp "$dir/disk.img" "$dir/back.img"
    godwit replica verify "$url" --full --against "$dir/back.img"
    rm -rf "$dir/disk.img" "$dir/back.img" "$dir/state"
}
