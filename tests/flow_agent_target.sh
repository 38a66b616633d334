#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What an agent must not write over: a target with data of somebody else, and a file or device that
# another of its workloads uses by another name.
set -eu
# shellcheck source=tests/agent_story.sh
. "${abs_top_srcdir:?}/tests/agent_story.sh"

refused() { # WORDS: the last round said so, and left the target alone
    grep -q "$1" "$dir/log" || fail "not refused: $(cat "$dir/log")"
    cmp "$dir/b.img" "$dir/kept" || fail "the target was written"
}

head -c 3000000 /dev/urandom >"$dir/a.img"
truncate -s 20000000 "$dir/a.img"
config a push 0
config b follow 0
order a adopt 0
expect_done
round a

# -- data at the beginning, and data at the very end only ---------------------------------
for at in 1000 19999999; do
    rm -f "$dir/b.img"
    truncate -s 20000000 "$dir/b.img"
    printf 'x' | dd of="$dir/b.img" bs=1 seek="$at" conv=notrunc status=none
    cp "$dir/b.img" "$dir/kept"
    round b
    refused "holds data that this replica did not write"
    order b verify 0
    expect '.state == "failed" and .error.code == "GW-3032"'
    cmp "$dir/b.img" "$dir/kept" || fail "a verification wrote the target"
done

# -- the document says that it may: once, and then it is the replica's ---------------------
sed -i 's/"mount": null}/"mount": null, "overwrite": true}/' "$dir/b.json"
round b
same "after the overwrite"
config b follow 0
rm -rf "$dir/b/workloads/shop/volumes" # as after a repair: the next pull compares every block
write_some a 700
round a
round b
same "after what was believed is forgotten"

# -- another device under the same name is asked about again --------------------------------
device[b]="$dir/b2.img"
config b follow 0
printf 'theirs' >"$dir/b2.img"
round b
grep -q "b2.img' holds data" "$dir/log" || fail "the mark of one device counted for another"
[ "$(cat "$dir/b2.img")" = theirs ] || fail "another device was written"
truncate -s 0 "$dir/b2.img"
round b
cmp "$dir/a.img" "$dir/b2.img" || fail "an empty target was not taken"

# -- what follows belongs to the replica: who writes to it is told of, and not overwritten -------
printf 'theirs' | dd of="$dir/b2.img" bs=1 seek=5000000 conv=notrunc status=none
cp "$dir/b2.img" "$dir/kept"
altered() { # AFTER: it is told of, and stays as it is
    grep -q "somebody else wrote to it since it was point" "$dir/log" || fail "$1: $(cat "$dir/log")"
    cmp "$dir/b2.img" "$dir/kept" || fail "$1: what somebody else wrote is gone"
}
round b
altered "without a new point"
write_some a 800
round a
round b
altered "with a new point"
order b verify 0
expect '.state == "failed" and .error.code == "GW-3026" and .error.exit == 9'
cmp "$dir/b2.img" "$dir/kept" || fail "a verification overwrote it"
order b verify 0 '{"resync": true}'
expect '.state == "done" and .result.volumes[0].ok'
cmp "$dir/a.img" "$dir/b2.img" || fail "not mended"
write_some a 900
round a
round b
cmp "$dir/a.img" "$dir/b2.img" || fail "not followed after it was mended"
rm "$dir/b2.img"
round b
grep -q "it is gone since it was point" "$dir/log" || fail "gone: $(cat "$dir/log")"
[ ! -e "$dir/b2.img" ] || fail "a volume that is gone was made anew"
order b verify 0 '{"resync": true}'
expect_done
cmp "$dir/a.img" "$dir/b2.img" || fail "not made anew when it was asked for"

# -- one file under two names ---------------------------------------------------------------
before_order() {
    sed -i "s/\"workload\": \"shop\"/\"workload\": \"${workload:-shop}\"/" "$dir/order.json"
}

twin() { # PATH
    config a push 0
    jq --arg path "$1" '.assignments += [.assignments[0] | .workload = "twin"
        | .volumes[0].replica = "twin/data" | .volumes[0].device = $path]' "$dir/a.json" >"$dir/two.json"
    mv "$dir/two.json" "$dir/a.json"
}

ln -s a.img "$dir/soft.img"
ln "$dir/a.img" "$dir/hard.img"
cp "$dir/a.img" "$dir/copy.img"
twin "$dir/copy.img"
workload=twin order a adopt 0
expect_done
round a
! grep -q "same file" "$dir/log" || fail "a copy is no link: $(cat "$dir/log")"
for link in soft hard; do
    twin "$dir/$link.img"
    round a
    grep -q "is the same file or device as volume 'data' of workload" "$dir/log" ||
        fail "$link link: $(cat "$dir/log")"
done
echo "nothing of others was written over"
