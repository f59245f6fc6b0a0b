# SPDX-License-Identifier: GPL-2.0-or-later
"""Sockets of the tests' own process in another network namespace."""
import contextlib
import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def inside(path):
    """Sockets made inside belong to the namespace (a file: /run/netns/NAME, /proc/PID/ns/net). Per thread: the others stay where they are."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(path, os.O_RDONLY)
    try:
        if _libc.setns(there, 0):
            raise OSError(ctypes.get_errno(), "setns")
        yield
    finally:
        _libc.setns(own, 0)
        os.close(own)
        os.close(there)
