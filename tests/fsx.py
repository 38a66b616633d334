#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# A writer that does to a file what file systems find hard, as fsx does: all ways of writing, sizes
# that are no round numbers, holes, ranges that move, one after the other and without any order.
#   fsx.py FILE OPERATIONS SEED
# Operations that the file system does not have are left out.
import ctypes
import errno
import mmap
import os
import random
import sys

SIZE = 12 << 20
PAGE = 4096
KEEP_SIZE, PUNCH_HOLE, COLLAPSE, ZERO, INSERT = 1, 2, 8, 16, 32
libc = ctypes.CDLL(None, use_errno=True)
libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
path, operations, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = random.Random(seed)
fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
direct = os.open(path, os.O_RDWR | os.O_DIRECT)


def place(most, align=1):
    at = rng.randrange(SIZE // align) * align
    return at, max(align, min(rng.randrange(1, most), SIZE - at) // align * align)


def fallocate(mode, at, n):
    if libc.fallocate(fd, mode, at, n) < 0:
        code = ctypes.get_errno()
        if code not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSPC):
            raise OSError(code, os.strerror(code))


def write():
    at, n = place(100000)
    os.pwrite(fd, rng.randbytes(n), at)


def write_direct():
    at, n = place(200000, PAGE)
    with mmap.mmap(-1, n) as m:
        m[:] = rng.randbytes(n)
        os.pwrite(direct, m, at)


def write_mapped():
    at, n = place(60000)
    if os.fstat(fd).st_size < at + n:
        os.ftruncate(fd, at + n)
    with mmap.mmap(fd, at + n) as m:
        m[at:at + n] = rng.randbytes(n)
        if rng.random() < 0.3:
            m.flush()


def truncate():
    os.ftruncate(fd, rng.randrange(SIZE))


def copy():
    at, n = place(300000)
    os.copy_file_range(fd, direct, n, rng.randrange(SIZE // 2), at) if rng.random() < 0.5 else None


def holes():
    at, n = place(400000, rng.choice((1, 512, PAGE)))
    fallocate(rng.choice((PUNCH_HOLE | KEEP_SIZE, ZERO, ZERO | KEEP_SIZE, KEEP_SIZE, 0)), at, n)


def move():
    if os.fstat(fd).st_size < SIZE * 2:
        at, n = place(200000, 65536)
        fallocate(rng.choice((COLLAPSE, INSERT)), at, n)


def sync():
    rng.choice((os.fsync, os.fdatasync))(fd)


ways = (write, write, write_direct, write_direct, write_mapped, truncate, copy, holes, holes, move, sync)
for _ in range(operations):
    try:
        rng.choice(ways)()
    except OSError as e:
        if e.errno not in (errno.EINVAL, errno.ENOSPC, errno.EOPNOTSUPP):
            raise
