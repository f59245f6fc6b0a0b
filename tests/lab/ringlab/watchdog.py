# SPDX-License-Identifier: GPL-2.0-or-later
"""A watchdog device of a node, played from outside of it: when it is not fed in time, the node's power goes off at once."""
import os
import select
import socket
import threading
import time

from .paths import tool

CARDRESET = 0x20


class Watchdog:
    """Events are (monotonic time, what): open, busy, timeout N, feed, letter, disarmed, closed-armed, fired."""

    def __init__(self, node, step_s=1, timeout_max_s=600, nowayout=False, taken=False):
        self.node, self.step_s, self.timeout_max_s, self.nowayout, self.taken = node, step_s, timeout_max_s, nowayout, taken
        self.path = node.dir / "watchdog.sock"
        self.path.unlink(missing_ok=True)
        self.on_letter = None
        self.events, self.boot_status, self.timeout_s, self.deadline = [], 0, 60, None
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(self.path))
        self._listener.listen(4)
        self._opener, self._letter = None, False
        self._wake_r, self._wake_w = os.pipe()
        node.agent_env = {"LD_PRELOAD": tool("watchdogdev.so"), "LAB_WATCHDOG": str(self.path)}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    armed = property(lambda self: self.deadline is not None)
    fired_at = property(lambda self: next((t for t, what in self.events if what == "fired"), None))

    def times(self, what):
        return [t for t, event in list(self.events) if event == what]

    def forget(self):
        self.events.clear()

    def close(self):
        os.write(self._wake_w, b"x")
        self._thread.join()
        for thing in filter(None, (self._opener, self._listener)):
            thing.close()
        os.close(self._wake_r), os.close(self._wake_w)
        self.node.agent_env = {}

    def _note(self, what):
        self.events.append((time.monotonic(), what))

    def _feed(self):
        self.deadline = time.monotonic() + self.timeout_s

    def _run(self):
        while True:
            watched = [self._wake_r, self._listener] + ([self._opener] if self._opener else [])
            left = None if self.deadline is None else max(0, self.deadline - time.monotonic())
            ready, _, _ = select.select(watched, [], [], left)
            if self._wake_r in ready:
                return
            if self.deadline is not None and time.monotonic() >= self.deadline:
                self._fire()
            elif self._listener in ready:
                self._accept()
            elif self._opener in ready:
                self._hear()

    def _fire(self):
        self._note("fired")
        self.deadline, self.boot_status = None, CARDRESET
        if self._opener:
            self._opener.close()
            self._opener = None
        self.node.power_off()

    def _accept(self):
        opener, _ = self._listener.accept()
        if self._opener or self.taken:
            self._note("busy")
            opener.send(b"busy")
            opener.close()
            return
        self._opener, self._letter = opener, False
        self._note("open")
        self._feed()
        opener.send(f"open {self.boot_status} {int(self.nowayout)}".encode())

    def _hear(self):
        try:
            text = self._opener.recv(64).decode()
        except ConnectionError:
            text = ""
        if not text:
            self._opener.close()
            self._opener = None
            if self._letter and not self.nowayout:
                self.deadline = None
            self._note("closed-armed" if self.armed else "disarmed")
        elif text == "timeout?":
            self._opener.send(str(self.timeout_s).encode())
        elif text.startswith("timeout "):
            wanted = int(text.split()[1])
            self.timeout_s = min(-(-wanted // self.step_s) * self.step_s, self.timeout_max_s)
            self._note(f"timeout {self.timeout_s}")
            self._letter = False
            self._feed()
            self._opener.send(str(self.timeout_s).encode())
        else:
            self._note(text)
            if text == "letter" and self.on_letter:
                self.on_letter()
            self._letter = text == "letter"
            self._feed()
