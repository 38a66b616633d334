#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An independent reader of vault format 1, written from docs/formats.md alone.

    read_vault.py VAULT_DIR KEY_FILE|- REPLICA SEQ OUT     one point's volume into the file OUT
    read_vault.py VAULT_DIR KEY_FILE|- control WORKLOAD EPOCH   both control records, checked

Shares no code with the project. Needs the cryptography module and the zstd program.
"""

import base64
import hashlib
import hmac
import json
import os
import struct
import subprocess
import sys

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SECTOR = 4096
REGION_SECTORS = 16384
DIR_REGIONS = 1024
PACK_MAX = 16 << 20


class Refused(Exception):
    pass


def check(ok, what):
    if not ok:
        raise Refused(what)


def sha(data):
    return hashlib.sha256(data).digest()


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def hkdf(ikm, salt, info):
    return mac(mac(salt, ikm), info + b"\x01")


class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, n):
        check(self.at + n <= len(self.data), "cut short")
        self.at += n
        return self.data[self.at - n : self.at]

    def num(self, fmt):
        return struct.unpack("<" + fmt, self.take(struct.calcsize("<" + fmt)))[0]

    def column(self, fmt, n):
        return struct.unpack("<%d%s" % (n, fmt), self.take(n * struct.calcsize("<" + fmt)))

    def end(self):
        check(self.at == len(self.data), "bytes left over")


def unzstd(data, raw_len):
    run = subprocess.run(["zstd", "-dc"], input=data, stdout=subprocess.PIPE, check=True)
    check(len(run.stdout) == raw_len, "wrong raw length")
    return run.stdout


def key_of(path):
    if path == "-":
        return None
    with open(path, encoding="ascii") as f:
        kind, text, tail = f.read().rstrip("\n").split(".")
    key = base64.urlsafe_b64decode(text + "=")
    check(kind == "gwk1" and len(key) == 32 and sha(key).hex()[:8] == tail, "not a key")
    return key


class Unit:
    pass


class Vault:
    def __init__(self, root, key):
        self.root = root
        lines = self.get("vault").split(b"\n")
        check(lines[0] == b"godwit vault 1", "not format 1")
        check(len(lines) == 6 and lines[5] == b"", "not five lines")
        words = [line.split(b" ") for line in lines[1:5]]
        check([w[0] for w in words] == [b"id", b"encryption", b"check", b"sum"], "lines")
        self.id = bytes.fromhex(words[0][1].decode())
        self.encrypted = words[1][1] == b"aes-256-gcm"
        check(self.encrypted or words[1][1] == b"none", "encryption")
        check(self.encrypted == (key is not None), "key or no key")
        self.master = key or bytes(32)
        head = b"\n".join(lines[:3]) + b"\n"
        check(sha(b"\n".join(lines[:4]) + b"\n").hex().encode() == words[3][1], "sum")
        check(mac(self.key("check"), head).hex().encode() == words[2][1], "wrong key")

    def key(self, name):
        return hkdf(self.master, self.id, b"godwit 1 " + name.encode())

    def get(self, key, offset=0, length=None):
        with open(os.path.join(self.root, key), "rb") as f:
            f.seek(offset)
            return f.read() if length is None else f.read(length)

    def open(self, use, salt, index, last, raw_len, codec, sealed, context=b"", form=1):
        ad = b"GWSG" + bytes([form, self.encrypted, use, last]) + self.id + salt
        ad += struct.pack("<IIB", index, raw_len, codec)
        ad += struct.pack("<I", len(context))[:3] + context
        if self.encrypted:
            key = hkdf(self.key("point" if use == 3 else "pack"), salt, b"godwit 1 object")
            nonce = struct.pack("<I", index) + bytes(7) + bytes([last])
            plain = AESGCM(key).decrypt(nonce, sealed, ad)
        else:
            plain = sealed[:-16]
            check(sha(ad + plain)[:16] == sealed[-16:], "tag")
        if codec == 1:
            return unzstd(plain, raw_len)
        check(codec == 0 and len(plain) == raw_len, "raw length")
        return plain

    def fetch(self, u):
        key = "packs/%s/%s" % (u.pack.hex()[:2], u.pack.hex())
        sealed = self.get(key, u.offset, u.stored)
        return self.open(u.kind, u.salt, u.segment, 0, u.raw_len, u.codec, sealed)


def units_of(r, n, kind):
    p = r.num("I")
    check(p <= n, "packs")
    packs = [(r.take(32), r.take(32)) for _ in range(p)]
    ids = [r.take(24) for _ in range(n)]
    columns = [r.column(f, n) for f in "HIIIHB"]
    units = []
    for i in range(n):
        u = Unit()
        index, u.offset, u.stored, u.raw_len, u.segment, u.codec = [c[i] for c in columns]
        u.id = ids[i]
        u.kind = kind
        u.pack, u.salt = packs[index]
        check(u.offset >= 48 and u.offset + u.stored <= PACK_MAX, "offset")
        units.append(u)
    return units


def place(r, n, kind):
    """A column of presence, then the units of those present: a list with None for zeroes."""
    present = r.take(n[0])
    units = units_of(r, n[1], kind)
    check(sum(present) == n[1] and max(present, default=0) <= 1, "presence")
    it = iter(units)
    return [next(it) if p else None for p in present]


class Point:
    def __init__(self, v, name, seq):
        key = "replicas/%s/points/%016x" % (name, seq)
        data = v.get(key)
        self.hash = sha(data)
        r = Reader(data)
        check(r.take(8) == b"GODWITPT", "not a point")
        form = r.num("H")
        check(form in (1, 2), "format")
        check(r.num("B") == v.encrypted and r.num("B") == 0, "flags")
        raw_len = r.num("I")
        salt = r.take(32)
        body = v.open(3, salt, 0, 1, raw_len, 0, data[48:], key.encode(), form)
        r = Reader(body)
        self.seq, self.epoch, self.taken, self.size, self.changed, self.stored = r.column("Q", 6)
        check(self.seq == seq, "sequence")
        self.parent = r.take(32)
        self.digest = r.take(32)
        self.kind = r.num("B")
        self.writer = r.take(r.num("B")).decode()
        n = r.column("I", 2)
        check(n[0] == -(-self.size // (SECTOR * REGION_SECTORS * DIR_REGIONS)), "directories")
        self.dirs = place(r, n, 2)
        ranges = r.num("I") if form == 2 else 0
        check((ranges > 0) == (form == 2), "ranges")
        numbers = r.column("Q", 2 * ranges)
        self.unreadable = list(zip(numbers[::2], numbers[1::2]))
        r.end()
        at = -1
        for offset, length in self.unreadable:
            check(offset > at and length > 0 and offset + length <= self.size, "ranges")
            at = offset + length


def directory(v, unit, index, regions):
    raw = v.fetch(unit)
    r = Reader(raw)
    check(r.take(4) == b"GWMD" and r.column("I", 3) == (1, index, regions), "directory")
    pages = place(r, (regions, r.num("I")), 2)
    r.end()
    return pages


def slots(v, unit, region, sectors, depth_max=8):
    """For each sector of the region (unit, sector inside) or None; and the depth of the page."""
    r = Reader(v.fetch(unit))
    check(r.take(4) == b"GWMP", "page")
    layout, r_region, r_sectors, n, e = r.column("I", 5)
    check((r_region, r_sectors) == (region, sectors), "region")
    depth = 0
    out = [None] * sectors
    if layout == 2:
        depth, base_sectors = r.column("I", 2)
        check(1 <= depth <= depth_max, "depth")
        base = units_of(r, 1, 2)[0]
        out, below = slots(v, base, region, base_sectors, depth - 1)
        check(below == depth - 1, "depth of the base")
        out = (out + [None] * sectors)[:sectors]
    else:
        check(layout == 1, "layout")
    units = units_of(r, n, 1)
    skips = r.column("H", e) if layout == 2 else (0,) * e
    rows = list(zip(skips, r.column("H", e), r.column("H", e), r.column("B", e)))
    r.end()
    at = 0
    for skip, count, index, first in rows:
        at += skip
        check(at + count <= sectors, "extent")
        if index == 65535:
            out[at : at + count] = [None] * count
        else:
            check((first + count) * SECTOR <= units[index].raw_len, "extent")
            out[at : at + count] = [(units[index], first + i) for i in range(count)]
        at += count
    check(layout == 2 or at == sectors, "cover")
    return out, depth


def merkle(leaves):
    if not leaves:
        return sha(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha(b"\x01" + merkle(leaves[:k]) + merkle(leaves[k:]))


def digest_of(path):
    leaves = []
    size = 0
    with open(path, "rb") as f:
        while True:
            block = f.read(65536)
            if not block:
                break
            size += len(block)
            leaves.append(sha(block))
    return sha(b"godwit-volume-1" + struct.pack("<Q", size) + merkle(leaves))


def check_packs(v):
    """Every pack: its name, and that its index describes it."""
    top = os.path.join(v.root, "packs")
    for where, _, names in os.walk(top):
        for name in names:
            with open(os.path.join(where, name), "rb") as f:
                data = f.read()
            check(sha(data).hex() == name and os.path.basename(where) == name[:2], "pack name")
            r = Reader(data)
            check(r.take(8) == b"GODWITPK" and r.num("H") == 1, "pack")
            check(r.num("B") == v.encrypted, "pack flags")
            kind = r.num("B")
            check(r.num("I") == 0, "zero")
            salt = r.take(32)
            tail = Reader(data[-32:])
            at, stored, raw_len, n, codec, zero = tail.column("I", 6)
            check(tail.take(8) == b"GODWITPE" and zero == 0, "trailer")
            check(at + stored + 32 == len(data) and raw_len == 33 * n, "index")
            index = Reader(v.open(kind, salt, n, 1, raw_len, codec, data[at : at + stored]))
            ids = [index.take(24) for _ in range(n)]
            columns = [index.column(f, n) for f in "IIB"]
            index.end()
            check(48 + sum(columns[0]) == at, "units and index")
            offset = 48
            for i in range(n):
                s, raw, c = [col[i] for col in columns]
                plain = v.open(kind, salt, i, 0, raw, c, data[offset : offset + s])
                pieces = b"".join(sha(plain[k : k + 65536]) for k in range(0, raw, 65536))
                check(mac(v.key("id"), struct.pack("<I", raw) + pieces)[:24] == ids[i], "id")
                offset += s


def restore(v, name, seq, out):
    check_packs(v)
    point = Point(v, name, seq)
    if seq > 1:
        check(point.parent == Point(v, name, seq - 1).hash, "chain")
    cache = {}
    regions = -(-point.size // (SECTOR * REGION_SECTORS))
    with open(out, "wb") as f:
        for d, dir_unit in enumerate(point.dirs):
            if dir_unit is None:
                continue
            count = min(DIR_REGIONS, regions - d * DIR_REGIONS)
            for slot, page in enumerate(directory(v, dir_unit, d, count)):
                if page is None:
                    continue
                region = d * DIR_REGIONS + slot
                start = region * REGION_SECTORS * SECTOR
                sectors = min(REGION_SECTORS, -(-(point.size - start) // SECTOR))
                for at, slot_at in enumerate(slots(v, page, region, sectors)[0]):
                    if slot_at is None:
                        continue
                    unit, inside = slot_at
                    where = (unit.pack, unit.segment)
                    if where not in cache:
                        cache[where] = v.fetch(unit)
                    f.seek(start + at * SECTOR)
                    f.write(cache[where][inside * SECTOR : (inside + 1) * SECTOR])
        f.truncate(point.size)
    check(digest_of(out) == point.digest, "digest of the volume")
    print("point %d of %d bytes by '%s'" % (point.seq, point.size, point.writer))
    for offset, length in point.unreadable:
        print("unreadable %d+%d" % (offset, length))


def control(v, workload, epoch):
    for kind in ("epochs", "decisions"):
        key = "%s/%s/%016x" % (kind, workload, epoch)
        data = v.get(key)
        body = data[8:-75]
        seal = mac(v.key("control"), key.encode() + b"\n" + body).hex().encode()
        check(data == b'{"body":' + body + b',"hmac":"' + seal + b'"}', "hmac")
        record = json.loads(body)
        check(record["workload"] == workload and record["epoch"] == epoch, "key and body")
        print(body.decode())


def main():
    root, key, what, number = sys.argv[1:5]
    v = Vault(root, key_of(key))
    if what == "control":
        control(v, number, int(sys.argv[5]))
    else:
        restore(v, what, int(number), sys.argv[5])


if __name__ == "__main__":
    main()
