#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""without_netlink.py PROTOCOL COMMAND...: runs it as on a kernel that was built without this netlink protocol."""
import ctypes
import errno
import os
import struct
import sys

AF_NETLINK, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 16, 38, 22, 2
SYS_SOCKET = {"x86_64": 41, "aarch64": 198}[os.uname().machine]
LOAD, EQUAL, RETURN, ALLOW, FAIL = 0x20, 0x15, 0x06, 0x7fff0000, 0x00050000


class Program(ctypes.Structure):
    _fields_ = [("count", ctypes.c_ushort), ("code", ctypes.c_char_p)]


# Of struct seccomp_data: the call is at 0, its first argument at 16, its third at 32 (low half).
steps = [(LOAD, 0, 0, 0), (EQUAL, 0, 5, SYS_SOCKET), (LOAD, 0, 0, 16), (EQUAL, 0, 3, AF_NETLINK), (LOAD, 0, 0, 32), (EQUAL, 0, 1, int(sys.argv[1])),
         (RETURN, 0, 0, FAIL | errno.EPROTONOSUPPORT), (RETURN, 0, 0, ALLOW)]
program = Program(len(steps), b"".join(struct.pack("=HBBI", *s) for s in steps))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(program), 0, 0):
    sys.exit(f"no filter: {os.strerror(ctypes.get_errno())}")
os.execvp(sys.argv[2], sys.argv[2:])
