# SPDX-License-Identifier: Apache-2.0
"""A real client (libnbd) against an export whose content is known.

  nbd_client.py reads URI IMAGE SEED   two connections at once, random reads compared with IMAGE
  nbd_client.py rest URI IMAGE OUT     all of it in pieces; OUT gets a line "offset" for each that fails
                                       with EIO; what is read must be IMAGE's, else exit 1
  nbd_client.py write URI              write, then read it back
"""
import os
import random
import sys
import threading

import nbd

PIECE = 64 * 1024


def connect(uri):
    h = nbd.NBD()
    h.connect_uri(uri)
    return h


def random_reads(uri, image, seed, failures):
    try:
        h = connect(uri)
        size = h.get_size()
        fd = os.open(image, os.O_RDONLY)
        rand = random.Random(seed)
        for _ in range(400):
            offset = rand.randrange(size)
            length = min(rand.choice([1, 511, 4096, 12345, 65536, 1000003]), size - offset)
            if h.pread(length, offset) != os.pread(fd, length, offset):
                failures.append("%d bytes at %d differ" % (length, offset))
    except Exception as e:  # a thread's own failure must reach the test
        failures.append(str(e))


def reads(uri, image, seed):
    failures = []
    threads = [
        threading.Thread(target=random_reads, args=(uri, image, int(seed) + i, failures))
        for i in range(2)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for f in failures:
        print(f)
    return 1 if failures else 0


def rest(uri, image, out):
    h = connect(uri)
    size = h.get_size()
    wrong = 0
    with open(image, "rb") as f, open(out, "w") as o:
        for offset in range(0, size, PIECE):
            length = min(PIECE, size - offset)
            f.seek(offset)
            try:
                if h.pread(length, offset) != f.read(length):
                    print("wrong bytes at", offset)
                    wrong = 1
            except nbd.Error as e:
                if e.errno != "EIO":
                    raise
                o.write("%d\n" % offset)
    return wrong


def write(uri):
    h = connect(uri)
    text = b"written by a client" * 100
    h.pwrite(text, 12345)
    return 0 if h.pread(len(text), 12345) == text else 1


VERBS = {"reads": reads, "rest": rest, "write": write}
sys.exit(VERBS[sys.argv[1]](*sys.argv[2:]))
