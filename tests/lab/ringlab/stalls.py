# SPDX-License-Identifier: GPL-2.0-or-later
"""How long the machine stood still, measured beside the tests by a process of its own (tools/stalls.c), and what that excuses: how fast something was,
and who moved because of it. Never that two spoke at once: what says so is asserted outside of excused().

    since = now_ns()
    ...
    with excused(since):
        assert gap_ms < 200
"""
import atexit
import contextlib
import os
import subprocess
import tempfile
import threading

from .machine import wait_until
from .paths import tool
from .probe import now_ns
from .record import read_lines

EXCUSE_MS = 100  # less is in every bound
TRIES = 3        # of a test that stalls spoil


class Spoiled(AssertionError):
    """The machine stood still while this was measured. The test is run again (conftest.py), TRIES times in all, and each is told."""


class Meter:
    def __init__(self):
        self._out = tempfile.TemporaryFile()
        self._path = f"/proc/self/fd/{self._out.fileno()}"
        self._proc = subprocess.Popen([tool("stalls"), str(os.getpid())], stdin=subprocess.DEVNULL, stdout=self._out, start_new_session=True)
        atexit.register(self.close)
        wait_until(lambda: os.path.getsize(self._path) > 0, 5, "the meter of stalls to start")

    pid = property(lambda self: self._proc.pid)

    def lines(self, kind, since_ns, until_ns):
        """Those that overlap that time. The latest may not be written yet."""
        assert self._proc.poll() is None, "the meter of stalls has ended"
        return [x for x in read_lines(self._path) if x["k"] == kind and x["t"] > since_ns and x["t"] - x["ns"] < until_ns]

    def close(self):
        self._proc.kill()
        self._proc.wait()


_meter, _lock = None, threading.Lock()


def meter():
    """One for all of this process; it runs from the first test or lab on."""
    global _meter
    with _lock:
        _meter = _meter or Meter()
        return _meter


def spans(since_ns, until_ns=None):
    """[start, end] of each time in which ordinary processes of one processor or more stood still."""
    until_ns, found = until_ns or now_ns(), []
    for x in sorted(meter().lines("stall", since_ns, until_ns), key=lambda x: x["t"] - x["ns"]):
        start, end = max(x["t"] - x["ns"], since_ns), min(x["t"], until_ns)
        if found and start <= found[-1][1]:
            found[-1][1] = max(found[-1][1], end)
        else:
            found.append([start, end])
    return found


def longest_ms(since_ns, until_ns=None):
    return max((end - start for start, end in spans(since_ns, until_ns)), default=0) / 1e6


@contextlib.contextmanager
def excused(since_ns, at_least_ms=EXCUSE_MS, errors=(AssertionError,)):
    """What fails inside, though the machine stood still for at_least_ms since then, says nothing: Spoiled."""
    try:
        yield
    except errors as error:
        stall_ms = longest_ms(since_ns)
        if stall_ms < at_least_ms or isinstance(error, Spoiled):
            raise
        raise Spoiled(f"the machine stood still for {stall_ms:.0f} ms meanwhile: {error}") from error


def hogs(since_ns):
    """Real-time processes of the labs of this process that did not let go of a processor: (boot clock, pid, share of it)."""
    return [(x["t"], x["pid"], x["used_ns"] / x["ns"]) for x in meter().lines("hog", since_ns, now_ns())]
