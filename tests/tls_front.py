#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""nghttpx on a port that is free: its number is printed once it takes connections.

tls_front.py ARGUMENT...    of nghttpx, without the frontend
"""
import os
import socket
import sys

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(64)
listener.set_inheritable(True)
port = listener.getsockname()[1]
print(port, flush=True)
# As from an nghttpx that replaces itself: the only way to hand it a socket.
os.environ["NGHTTPX_ACCEPT_1"] = "tcp,%d" % listener.fileno()
os.execvp("nghttpx", ["nghttpx", "--conf=/dev/null", "-f127.0.0.1,%d" % port] + sys.argv[1:])
