# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls of fence agents through ringkeep-fence-call, as ringkeepd makes them."""
import dataclasses
import functools
import os
import pathlib
import re
import signal
import subprocess

from .paths import fetched, program, tool

ANSWER = re.compile(r"answer (\w+) code (-?\d+) took_ms (\d+) out (\d+) said (.*)\n")


@functools.cache
def agents():
    """The folder of the fence agents, fetched if they are not there yet."""
    return fetched("fence", timeout_s=600)


@dataclasses.dataclass
class Answer:
    answer: str
    code: int
    took_ms: int
    said: str
    output: str = ""


class Call:
    """One call, running. `rack`: whose network the agent is in. password: path of a file."""

    def __init__(self, rack, agent, action, parameters=None, plug=None, password=None, password_parameter="password", timeout_ms=20000, prefix=(),
                 command=None):
        path = agent if "/" in str(agent) else agents() / agent
        lines = [f"agent {path}", f"action {action}", f"timeout-ms {timeout_ms}"]
        lines += [f"plug {plug}"] if plug is not None else []
        lines += [f"password-file {password}", f"password-parameter {password_parameter}"] if password else []
        lines += [f"parameter {name}={value}" for name, value in (parameters or {}).items()]
        self.timeout_ms = timeout_ms
        self.proc = subprocess.Popen(
            [tool("machine"), "run", str(rack.pid), "--net", "--", *map(str, prefix), str(command or program("fencing", "ringkeep-fence-call"))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.proc.stdin.write(("\n".join(lines) + "\n\n").encode())
        self.proc.stdin.flush()

    def family(self):
        """Pids of the program and all that it has started, sessions of their own included."""
        pids, found = [self.proc.pid], []
        while pids:
            pid = pids.pop()
            try:
                for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                    children = [int(p) for p in (task / "children").read_text().split()]
                    pids += children
                    found += children
            except OSError:
                pass  # it has just ended
        return found

    def cancel(self):
        """Nobody wants to know any more."""
        self.proc.stdin.close()

    def wait(self):
        """Its answer; None if it gave none. The program keeps its time."""
        try:
            output = self.proc.stdout.read().decode(errors="replace")
            self.proc.wait(self.timeout_ms / 1000 + 10)
        finally:
            self.end()
        found = ANSWER.match(output)
        if not found:
            assert not output, output
            return None
        rest = output[found.end():]
        assert len(rest.encode()) == int(found[4]) or len(rest) == int(found[4]), output
        return Answer(found[1], int(found[2]), int(found[3]), found[5], rest)

    def end(self):
        if self.proc.poll() is None:
            for pid in self.family():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.proc.kill()
            self.proc.wait()
        for stream in (self.proc.stdin, self.proc.stdout):
            stream.close()


def call(*args, **kwargs):
    return Call(*args, **kwargs).wait()
