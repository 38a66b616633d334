#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What tracking costs who writes: random 4 KiB writes to a loop device in memory (no disk is faster), which one writer
# makes all the time, while copies of the program come and go: none, one, and all three, in rounds whose order is drawn.
# Slices of a third of a second lie so close together that what else the machine does is in all of them. Writes a second
# are what a writer sees; on a machine that does other work, processor time for a write (of the writer, and of the threads
# of the kernel that write for it) tells more; and the kernel says what the programs took. `make bench-track` calls it.
#   track.sh [ROUNDS]
set -eu
own_mounts_size=1g
# shellcheck source=tests/own_mounts.sh
. "${abs_top_srcdir:?}/tests/own_mounts.sh"
for need in fio jq bpftool; do
    command -v $need >/dev/null || skip "no $need"
done
mount -t bpf bpf /sys/fs/bpf || skip 'no BPF file system here'
truncate -s 512M "$dir/image"
attach "$dir/image" 7
mkdir "$dir/state"
tool_track ebpf "$dev" "$dir/state" "$dir/replica" take >/dev/null 2>&1 || skip 'no change tracking in the kernel here'
mv /sys/fs/bpf/godwit/* /sys/fs/bpf/held # none of ours any more: links are made and ended below
rm /sys/fs/bpf/held/link?

stats=$(sysctl -n kernel.bpf_stats_enabled)
setpriv --pdeathsig KILL fio --name=w --filename="$dev" --rw=randwrite --bs=4k --direct=1 --ioengine=io_uring --iodepth=16 \
    --time_based --runtime=1d --randrepeat=0 --output="$dir/fio" &
writer=$!
trap 'kill $writer; sysctl -q kernel.bpf_stats_enabled=$stats' EXIT
python3 - "${1:-100}" "$dev" "$writer" <<'P'
import ctypes, glob, json, os, platform, random, statistics, subprocess, sys, time

ROUNDS, DEV, WRITER = int(sys.argv[1]), os.path.basename(sys.argv[2]), int(sys.argv[3])
SETTLE_S, SLICE_S, COPIES = 0.05, 0.33, 3
BPF = {'x86_64': 321, 'aarch64': 280}[platform.machine()]
OBJ_GET, RAW_TRACEPOINT_OPEN = 7, 17
PROGRAMS = [f'/sys/fs/bpf/held/program{i}' for i in range(COPIES)]
libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, pointer, number):
    attr = pointer.to_bytes(8, sys.byteorder) + number.to_bytes(4, sys.byteorder) + bytes(52)
    fd = libc.syscall(BPF, command, attr, len(attr))
    if fd < 0:
        raise OSError(ctypes.get_errno(), f'bpf command {command}')
    return fd


def open_program(path):
    name = ctypes.create_string_buffer(path.encode())
    return bpf(OBJ_GET, ctypes.addressof(name), 0)


programs = [open_program(p) for p in PROGRAMS]
links = []


def attach(copies):
    while len(links) > copies:
        os.close(links.pop())
    while len(links) < copies:
        links.append(bpf(RAW_TRACEPOINT_OPEN, 0, programs[len(links)]))


def written():
    with open(f'/sys/block/{DEV}/stat') as f:
        return int(f.read().split()[4])


def processor_ns():
    """Of the writer, and of the kernel's threads that any processor may run: loop devices write in those."""
    total = 0
    tasks = glob.glob(f'/proc/{WRITER}/task/*') + [t for c in children for t in glob.glob(f'/proc/{c}/task/*')]
    for task in tasks + workers():
        try:
            with open(task + '/schedstat') as f:
                total += int(f.read().split()[0])
        except OSError:
            pass
    return total


def workers():
    found = []
    for task in glob.glob('/proc/[0-9]*'):
        try:
            with open(task + '/comm') as f:
                if f.read().startswith(('kworker/u', 'ksoftirqd')):
                    found.append(task)
        except OSError:
            pass
    return found


def sample():
    time.sleep(SETTLE_S)
    ns, begun, before = processor_ns(), time.monotonic(), written()
    time.sleep(SLICE_S)
    n, took, ns = written() - before, time.monotonic() - begun, processor_ns() - ns
    return (n / took, ns / n) if n > 0 else sample()  # nobody had a turn


time.sleep(2)
children = subprocess.run(['pgrep', '-P', str(WRITER)], capture_output=True, text=True).stdout.split()
rng = random.Random(1)


def change(values):
    medians = sorted(statistics.median(rng.choices(values, k=len(values))) for _ in range(5000))
    return f'{100 * statistics.median(values):+6.2f}% ({100 * medians[125]:+.2f}% to {100 * medians[4874]:+.2f}%)'


KINDS = ['without', 'again', 1, COPIES]
got = {kind: [] for kind in KINDS}
for _ in range(ROUNDS):
    for kind in rng.sample(KINDS, len(KINDS)):
        attach(kind if isinstance(kind, int) else 0)
        got[kind].append(sample())
attach(COPIES)


def shown():
    all_of = [json.loads(subprocess.check_output(['bpftool', '-j', 'prog', 'show', 'pinned', p])) for p in PROGRAMS]
    return sum(p.get('run_time_ns', 0) for p in all_of), max(p.get('run_cnt', 0) for p in all_of)


subprocess.run(['sysctl', '-q', 'kernel.bpf_stats_enabled=1'], check=True)
before, begun = shown(), time.monotonic_ns()
time.sleep(5)
ns, runs, wall = *(b - a for a, b in zip(before, shown())), time.monotonic_ns() - begun
print(f'{ROUNDS} rounds of slices of {SLICE_S} s; random 4 KiB writes, direct, depth 16, a loop device in memory; '
      f'{os.cpu_count()} processors at a load of {os.getloadavg()[0]:.0f}')
print('medians; in brackets: 95% sure')
print(f'{"without":14} {statistics.median(g[0] for g in got["without"]):8.0f} writes/s  {statistics.median(g[1] for g in got["without"]):8.0f} ns of processor a write')
for kind, label in ('again', 'without, again'), (1, 'one copy'), (COPIES, 'three copies'):
    rates, costs = ([w[i] / wo[i] - 1 for w, wo in zip(got[kind], got['without'])] for i in (0, 1))
    print(f'{label:14} writes/s {change(rates)}; processor a write {change(costs)}')
print(f'the programs   {ns / runs:8.0f} ns a completion, all {COPIES}, with the counting of it: '
      f'{100 * ns / wall:.2f}% of one processor at {runs / wall * 1e9:.0f} completions/s')
P
