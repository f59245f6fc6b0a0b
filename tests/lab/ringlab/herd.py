# SPDX-License-Identifier: GPL-2.0-or-later
"""Thousands of phones on one socket: tests/lab/tools/herd.c, driven by lines."""
import json
import select
import subprocess

from .paths import tool
from .phones import OWN, VIP

PORT = 5090
FIRST_USER = 100000  # the phones' names count from here


class Herd:
    """The program runs where the phones are, in the file system of the host: it speaks to a node's Kamailio through /proc/PID/root."""

    def __init__(self, lab, count, vip=VIP, port=PORT):
        self.lab, self.count = lab, count
        self._log = open(lab.root / "herd.log", "ab")
        self._p = subprocess.Popen([tool("machine"), "run", str(lab.phones.pid), "--net", "--", tool("herd"), vip, "5060", OWN, str(port), str(count)],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True, bufsize=1, start_new_session=True)
        self._wait("ready", 5)

    def _say(self, *words):
        self._p.stdin.write(" ".join(map(str, words)) + "\n")

    def _wait(self, kind, timeout_s):
        while True:
            if not select.select([self._p.stdout], [], [], timeout_s)[0]:
                raise AssertionError(f"waited {timeout_s} s in vain for the phones to say {kind!r}\n{self.lab.describe()}")
            line = self._p.stdout.readline()
            if not line:
                raise AssertionError(f"the phones ended: {(self.lab.root / 'herd.log').read_text()[-500:]}")
            answer = json.loads(line)
            if answer["k"] == kind:
                return answer

    def register(self, rate, expires_s=3600, timeout_s=120):
        """Every phone once; all must be accepted. What happened, with the seconds it took."""
        self.register_start(rate, expires_s)
        return self.register_end(timeout_s)

    def register_start(self, rate, expires_s=3600):
        self._say("register", expires_s, rate, 1)

    def register_end(self, timeout_s=120):
        done = self._wait("registered", timeout_s)
        assert done["ok"] == self.count, f"{done['ok']} of {self.count} phones were accepted"
        return done

    def refresh(self, expires_s, rate):
        """Every phone again and again, `rate` of them each second, until stop()."""
        self._say("register", expires_s, rate, 0)

    def stop(self):
        self._say("stop")
        return self._wait("registered", 10)

    def sample(self, node, every):
        """Of each `every`-th REGISTER from now on: how long until the Kamailio of that node has it."""
        self._say("sample", every, f"/proc/{node.pid}/root/run/kamailio/kamailio_rpc.sock", self.lab.root / "herd.sock")

    def sample_end(self):
        self._say("sample", 0, "-", "-")

    def lags(self):
        self._say("lags")
        return self._wait("lags", 5)

    def call_start(self, count, rate, since_ns, timeout_s):
        self._call_timeout_s = timeout_s
        self._say("call", count, rate, since_ns, int(timeout_s * 1000))

    def call_end(self):
        return self._wait("called", self._call_timeout_s + 5)

    def close(self):
        if self._p.poll() is None:
            self._p.stdin.close()
            try:
                self._p.wait(3)
            except subprocess.TimeoutExpired:
                self._p.kill()
                self._p.wait()
        self._p.stdout.close()
        self._log.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()
        return False
