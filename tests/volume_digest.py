#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The volume digest of docs/formats.md, written from that page alone. volume_digest.py FILE"""
import hashlib, os, struct, sys

def sha(data): return hashlib.sha256(data).digest()

def tree(leaves):
    if not leaves: return sha(b"")
    if len(leaves) == 1: return leaves[0]
    k = 1
    while k * 2 < len(leaves): k *= 2
    return sha(b"\1" + tree(leaves[:k]) + tree(leaves[k:]))

def digest(path):
    with open(path, "rb") as f:
        leaves = [sha(block) for block in iter(lambda: f.read(65536), b"")]
    return sha(b"godwit-volume-1" + struct.pack("<Q", os.path.getsize(path)) + tree(leaves))

print(digest(sys.argv[1]).hex())
