# SPDX-License-Identifier: GPL-2.0-or-later
"""The agent's side of docs/adapter-protocol.md, as small as it can be."""
import json
import subprocess
import threading
import time


class Adapter:
    """`bindings` is what the adapter reported: (aor, contact) -> binding. `health` is the newest report."""

    def __init__(self, ns, program, **configure):
        """ns None: where the test runs."""
        command = [*(["ip", "netns", "exec", ns] if ns else []), program]
        self._p = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self._changed = threading.Condition()
        self._answers, self._id, self._ended = {}, 0, False
        self.health, self.bindings, self.said, self.listener, self.trunks = None, {}, [], None, {}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.request("configure", version=1, group="office", **configure)

    def _read(self):
        for line in self._p.stdout:
            message = json.loads(line)
            with self._changed:
                getattr(self, "_on_" + message["type"], lambda m: None)(message)
                self._changed.notify_all()
            if message["type"] == "bindings" and self.listener:
                self.listener(message)
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _on_health(self, m):
        self.health = m

    def _on_trunks(self, m):
        self.trunks.update({t["name"]: t for t in m["trunks"]})

    def _on_pong(self, m):
        self._answers[m["id"]] = None

    def _on_log(self, m):
        self.said.append(m["text"])

    def _on_done(self, m):
        self._answers[m["id"]] = None

    def _on_failed(self, m):
        self._answers[m["id"]] = m["why"]

    def _on_bindings(self, m):
        for key in m.get("remove", []):
            self.bindings.pop((key["aor"], key["contact"]), None)
        for b in m.get("put", []):
            self.bindings[b["aor"], b["contact"]] = b

    def wait(self, condition, timeout_s, what):
        """Until the condition, asked after each message, holds: its value, and the seconds it took."""
        start = time.monotonic()
        with self._changed:
            while True:
                value = condition()
                if value:
                    return value, time.monotonic() - start
                left = start + timeout_s - time.monotonic()
                if left <= 0 or self._ended:
                    raise AssertionError(f"{'it ended; ' if self._ended else ''}waited {timeout_s} s in vain for {what}; health {self.health}; it said {self.said[-5:]}")
                self._changed.wait(left)

    def send(self, kind, **args):
        self._id += 1
        self._p.stdin.write(json.dumps({"type": kind, "id": self._id, **args}) + "\n")
        return self._id

    def answered(self, request, timeout_s=15):
        """Waits for the answer; the reason if it failed, else None."""
        self.wait(lambda: request in self._answers, timeout_s, f"the answer to request {request}")
        return self._answers[request]

    def request(self, kind, **args):
        why = self.answered(self.send(kind, **args))
        assert why is None, f"{kind}: {why}"

    def apply_all(self, bindings, piece=100, in_flight=8):
        """All of them as one full list, in pieces."""
        pieces = [bindings[i:i + piece] for i in range(0, len(bindings), piece)] or [[]]
        sent = []
        for n, put in enumerate(pieces):
            if len(sent) >= in_flight:
                assert self.answered(sent.pop(0), 60) is None
            flags = {"full_begin": n == 0, "full_end": n == len(pieces) - 1}
            sent.append(self.send("apply", put=put, **flags))
        for request in sent:
            assert self.answered(request, 60) is None

    def wait_state(self, state, timeout_s=10):
        return self.wait(lambda: self.health and self.health["state"] == state and self.health, timeout_s, f"state {state}")

    def wait_in_step(self, timeout_s=20):
        return self.wait(lambda: self.health and self.health["in_step"], timeout_s, "the PBX to be in step")

    @property
    def pid(self):
        return self._p.pid

    def close(self):
        self._p.stdin.close()
        try:
            self._p.wait(5)
        except subprocess.TimeoutExpired:
            self._p.kill()
            self._p.wait()


def mirror(source, target):
    """What the source reports is applied to the target, as two agents would do it; `lag` collects seconds from report to done."""
    lag = []

    def relay(message):
        start = time.monotonic()
        request = target.send("apply", remove=message.get("remove", []), put=message.get("put", []))

        def finish():
            try:
                if target.answered(request) is None:
                    lag.append(time.monotonic() - start)
            except AssertionError:
                pass  # the test is over; what matters of it was asserted by the test itself
        threading.Thread(target=finish, daemon=True).start()
    source.listener = relay
    return lag
