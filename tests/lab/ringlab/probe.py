# SPDX-License-Identifier: GPL-2.0-or-later
"""One session of prober and watcher, as a context: with lab.probe() as probe: ...; afterwards probe.record."""
import json
import signal
import time

from .machine import wait_until
from .paths import tool
from .record import Record


def now_ns():
    """The clock of all tools of the lab."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class Probe:
    def __init__(self, lab, name, sip_us, vip4, vip6):
        self.lab, self._suffix = lab, name
        self.paths = [lab.root / f"{name}.{what}.jsonl" for what in ("probe", "watch")]
        self._commands = [[tool("prober"), "eth0", vip4, vip6, sip_us], [tool("watcher"), vip4, vip6]]
        self.record = None

    def __enter__(self):
        self._procs = []
        for machine, command, path, name in zip((self.lab.phones, self.lab.hub), self._commands, self.paths, ("prober", "watcher")):
            with open(path, "wb") as out:
                self._procs.append(machine.spawn(f"{name}-{self._suffix}", *command, stdout=out))
        wait_until(lambda: all(p.stat().st_size or not proc.alive() for p, proc in zip(self.paths, self._procs)), 5, "prober to start")
        for proc in self._procs:
            assert proc.alive(), f"{proc.name} died: {proc.log.read_text()}"
        self.prober = self._procs[0]
        self.start_ns = now_ns()
        return self

    def __exit__(self, *error):
        for proc in self._procs:
            proc.send(signal.SIGTERM)
        for proc in self._procs:
            proc.wait()
        for machine, name in ((self.lab.phones, "prober"), (self.lab.hub, "watcher")):
            del machine.procs[f"{name}-{self._suffix}"]
        self.record = Record(*self.paths)
        assert self.record.drops == 0, f"the watcher lost {self.record.drops} frames: it cannot vouch for anything"
        return False

    def last_answer(self, kind="udp4"):
        """The latest answer so far, or None. Reads the end of the file only."""
        with open(self.paths[0], "rb") as f:
            f.seek(0, 2)
            f.seek(max(0, f.tell() - 16384))
            lines = f.read().split(b"\n")[1:-1]
        for line in reversed(lines):
            if b'"k":"' + kind.encode() + b'"' in line:
                return json.loads(line)
        return None

    def wait_answer_from(self, node, timeout_s=20, kind="udp4", since_ns=None):
        """Waits until the node answers (probes sent after since_ns, by default after now); returns the answer."""
        since = now_ns() if since_ns is None else since_ns

        def answered():
            x = self.last_answer(kind)
            return x if x and x["ts"] >= since and (node is None or x.get("n") == node.id) else None
        return wait_until(answered, timeout_s, lambda: f"an answer from {node.name if node else 'anybody'}; last {self.last_answer(kind)}, "
                          f"now {now_ns()}")

    def wait_silence(self, silent_s=0.5, timeout_s=10):
        """Waits until nothing was answered for that long."""
        def silent():
            x = self.last_answer()
            return x is None or now_ns() - x["t"] > silent_s * 1e9
        wait_until(silent, timeout_s, "silence at the address")
