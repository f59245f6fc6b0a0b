# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs on a PBX node, as somebody who has corosync's key: joins the agents' CPG group, records what they say for SECONDS, then says it again as it
was, and with a bit turned. `heartbeats.py GROUP SECONDS` prints how many messages it sent."""
import ctypes
import sys
import time

cpg = ctypes.CDLL("libcpg.so.4")
AGREED, DISPATCH_ALL, OK = 2, 2, 1


class Name(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint32), ("value", ctypes.c_char * 128)]


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_char_p), ("length", ctypes.c_size_t)]


DELIVER = ctypes.CFUNCTYPE(None, ctypes.c_uint64, ctypes.POINTER(Name), ctypes.c_uint32, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_size_t)
CONFCHG = ctypes.CFUNCTYPE(None, ctypes.c_uint64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t,
                           ctypes.c_void_p, ctypes.c_size_t)


class Callbacks(ctypes.Structure):
    _fields_ = [("deliver", DELIVER), ("confchg", CONFCHG)]


def check(code, what):
    if code != OK:
        sys.exit(f"{what}: CPG error {code}")


def main(group, seconds):
    heard, handle = [], ctypes.c_uint64()
    deliver = DELIVER(lambda h, g, node, pid, data, size: heard.append(ctypes.string_at(data, size)))
    callbacks = Callbacks(deliver, CONFCHG(lambda *a: None))
    check(cpg.cpg_initialize(ctypes.byref(handle), ctypes.byref(callbacks)), "initialize")
    name = Name(len(group), group.encode())
    check(cpg.cpg_join(handle, ctypes.byref(name)), "join")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        cpg.cpg_dispatch(handle, DISPATCH_ALL)
        time.sleep(0.01)
    sent = 0
    for i, message in enumerate(list(heard)[:200]):
        forged = bytearray(message)
        forged[(i * 7) % len(forged)] ^= 1 << (i % 8)
        for data in (message, bytes(forged)):
            iov = Iovec(data, len(data))
            while cpg.cpg_mcast_joined(handle, AGREED, ctypes.byref(iov), 1) != OK:
                cpg.cpg_dispatch(handle, DISPATCH_ALL)
                time.sleep(0.002)
            sent += 1
    cpg.cpg_finalize(handle)
    print(sent)


main(sys.argv[1], float(sys.argv[2]))
