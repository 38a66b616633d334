# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For tests that need a kernel and disks of their own: what follows this file runs as root in a virtual machine with
# Debian's stock kernel and the programs of this build tree; it ends with the test. Sourced first of all, for the script is
# run anew in the guest.
#
# Before it, guest_disks=(NAME:SIZE...): nvme..., virtio..., and slow-nvme..., slow-virtio..., whose writes take two
# seconds. In the guest guest_disk NAME is where one is.
#
# The starter is mkvm: MKVM, mkvm in PATH, or in a tools/ folder beside the source tree. It makes an image once, in MKVM_DIR.
: "${abs_top_srcdir:?run by make check-vm}" "${abs_top_builddir:?run by make check-vm}" "${guest_disks:?}"

if [ -z "${OWN_GUEST-}" ]; then
    # shellcheck source=tests/starter.sh
    . "$abs_top_srcdir/tests/starter.sh"

    guest_skip() {
        echo "skipped: $1"
        exit 77
    }
    # guest_tools PROGRAM:PACKAGE...: all of them are there.
    guest_tools() {
        local tool missing=()
        for tool in "$@"; do
            PATH=$PATH:/usr/sbin:/sbin command -v "${tool%:*}" >/dev/null || missing+=("${tool#*:}")
        done
        [ ${#missing[@]} = 0 ] ||
            guest_skip "not installed: ${missing[*]} (as root: apt-get install --no-install-recommends ${missing[*]})"
    }
    # guest_time SINCE: minutes and seconds.
    guest_time() { printf '%d:%02d' $(((SECONDS - $1) / 60)) $(((SECONDS - $1) % 60)); }
    guest_say() { printf '%6s %s\n' "$(guest_time 0)" "$1"; }
    # guest_told: passed on, each line with its time since the test began, and after each part ("-- ...") what it took.
    guest_told() {
        local line part=
        while IFS= read -r line; do
            if [[ $line == '-- '* ]]; then
                [ -z "$part" ] || guest_say "   took $(guest_time "$part")"
                part=$SECONDS
            fi
            guest_say "$line"
        done
        [ -z "$part" ] || guest_say "   took $(guest_time "$part")"
    }

    mkvm=$(find_starter mkvm "${MKVM:-}")
    [ -n "$mkvm" ] || guest_skip 'no starter of virtual machines: MKVM names one (docs/testing.md, "In virtual machines")'
    export MKVM_DIR=${MKVM_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/godwit-vm}
    guest_needs=(qemu-system-x86_64:qemu-system-x86 qemu-img:qemu-utils nbdkit:nbdkit ssh:openssh-client ss:iproute2 python3:python3)
    if [ -f "$MKVM_DIR/base.img" ]; then
        guest_tools "${guest_needs[@]}"
    else
        guest_tools "${guest_needs[@]}" mmdebstrap:mmdebstrap sgdisk:gdisk
        [ "$(id -u)" = 0 ] || guest_skip 'the image of the guest is not made yet, and takes root to be made'
        MKVM_PKGS=jq,python3 "$mkvm" build
    fi
    guest=godwit-$$
    guest_dir=$(mktemp -d "${TMPDIR:-/tmp}/godwit-test-XXXXXX")
    # shellcheck disable=SC2317 # the trap does
    guest_end() {
        "$mkvm" stop "$guest" --kill 2>/dev/null || true
        jobs -p | xargs -r kill 2>/dev/null || true
        rm -r "$guest_dir"
    }
    trap guest_end EXIT

    # guest_drive NAME SIZE: what QEMU is told of a disk, a word a line; a server for one that is slow.
    guest_drive() {
        local name=$1 size=$2 model=virtio-blk-pci file=$guest_dir/$1
        truncate -s "$size" "$file"
        [[ $name != *nvme* ]] || model=nvme
        if [[ $name == slow-* ]]; then
            setpriv --pdeathsig KILL nbdkit -f -U "$file.sock" --filter=delay memory "$size" wdelay=2 rdelay=0 >/dev/null 2>&1 &
            for _ in $(seq 100); do [ -S "$file.sock" ] && break; read -rt 0.05 <> <(:) || true; done
            file="nbd+unix:///?socket=$file.sock"
        fi
        guest_qemu+=" -drive file=$file,format=raw,if=none,id=$name,cache=unsafe,discard=unmap"
        guest_qemu+=" -device $model,drive=$name,serial=$name"
    }
    guest_qemu=
    for disk in "${guest_disks[@]}"; do
        guest_drive "${disk%%:*}" "${disk#*:}"
    done
    "$mkvm" start "$guest" --mem 2048 --timeout 300 --qemu "$guest_qemu"

    # The guest has the same C library, not the others.
    guest_programs=(godwit godwit-agent tool_track)
    mkdir "$guest_dir/lib"
    (
        cd "$abs_top_builddir" || exit
        ldd "${guest_programs[@]}" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | sort -u |
            grep -vE '/(libc|libm|libresolv|libpthread|libdl|librt)\.so' | xargs cp -Lt "$guest_dir/lib"
    )
    tar -cf - --exclude=tests/data --exclude=tests/bench -C "$abs_top_srcdir" tests -C "$abs_top_builddir" \
        "${guest_programs[@]}" packaging/godwit-agent.service -C "$guest_dir" lib | "$mkvm" ssh "$guest" 'mkdir godwit && tar -C godwit -xf -'
    "$mkvm" ssh "$guest" "cd godwit && export abs_top_srcdir=\$PWD abs_top_builddir=\$PWD LD_LIBRARY_PATH=\$PWD/lib &&
        PATH=\$PWD:\$PATH LC_ALL=C.UTF-8 OWN_GUEST=yes GODWIT_TEST_FAILPOINTS=${GODWIT_TEST_FAILPOINTS-} \
        GODWIT_TRACKER='${GODWIT_TRACKER-}' VM_PARTS='${VM_PARTS-}' bash tests/${0##*/} $* 2>&1" | guest_told
    rc=${PIPESTATUS[0]}
    # As ssh says that it lost the other side. An emulated machine may stand still for minutes where its host is busy.
    [ "$rc" != 255 ] || guest_say 'FAILED: the guest did not answer any more'
    if "$mkvm" log "$guest" | grep -E 'BUG:|Oops|Call Trace|soft lockup'; then
        echo 'FAILED: the kernel of the guest complained'
        exit 1
    fi
    exit "$rc"
fi

# guest_disk NAME: where it is.
guest_disk() {
    lsblk -dnpo NAME,SERIAL | awk -v serial="$1" '$2 == serial { print $1 }'
}
