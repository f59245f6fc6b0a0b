# SPDX-License-Identifier: GPL-2.0-or-later
"""One machine (namespaces held by a PID 1 of its own) and the processes in it."""
import os
import pathlib
import signal
import subprocess
import time

from .paths import tool


def wait_until(condition, timeout_s, what, step_s=0.01):
    """Polls until the condition is true and returns its value; a timeout is an AssertionError that says what was awaited."""
    end = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout_s} s in vain: {what() if callable(what) else what}")
        time.sleep(step_s)


class Proc:
    """A program running in a machine. `pid` is the host's pid of the program itself, also after a supervisor restarted it."""

    def __init__(self, machine, name, command, env=None, user=None, restart_ms=None, net_only=False, stdout=None):
        self.machine, self.name = machine, name
        self.log = machine.dir / "log" / f"{name}.log"
        self._pidfile = machine.dir / f"{name}.pid"
        self._pidfile.unlink(missing_ok=True)
        args = [tool("machine"), "run", str(machine.pid), "--pidfile", str(self._pidfile)]
        if user is not None:
            args += ["--user", f"{user[0]}:{user[1]}"]
        if restart_ms is not None:
            args += ["--restart", str(restart_ms)]
        if net_only:
            args += ["--net"]
        with open(self.log, "ab") as log:
            self._runner = subprocess.Popen(
                args + ["--"] + [str(c) for c in command], stdin=subprocess.DEVNULL, stdout=stdout or log, stderr=log,
                env={**os.environ, **(env or {})}, start_new_session=True)
        wait_until(lambda: self._pidfile.exists() and self._pidfile.read_text().strip(), 5, f"{name} on {machine.name} to start", 0.002)

    @property
    def pid(self):
        return int(self._pidfile.read_text())

    def _state(self):
        """The letter of proc(5), "Z" also if it is gone."""
        try:
            return pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return "Z"

    def alive(self):
        """Is the program running (a zombie is not)?"""
        return self._state() != "Z"

    def blocks(self, number):
        """Does it keep this signal for later?"""
        try:
            blocked = next(line for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines() if line.startswith("SigBlk:"))
        except (FileNotFoundError, ProcessLookupError):
            return False
        return int(blocked.split()[1], 16) >> (number - 1) & 1 == 1

    def stopped(self):
        return self._state() == "T"

    def send(self, number):
        os.kill(self.pid, number)

    def kill(self):
        self.send(signal.SIGKILL)

    def stop(self):
        self.send(signal.SIGSTOP)

    def cont(self):
        self.send(signal.SIGCONT)

    def send_all(self, number):
        """To the program and its children: each program is the leader of a process group."""
        os.killpg(self.pid, number)

    def kill_all(self):
        self.send_all(signal.SIGKILL)

    def stop_all(self):
        self.send_all(signal.SIGSTOP)

    def wait(self, timeout_s=10):
        return self._runner.wait(timeout_s)

    def unsupervise(self):
        """Ends the supervisor, so that the next death is final. The program runs on."""
        self._runner.kill()
        self._runner.wait()

    def end(self, number=signal.SIGTERM, timeout_s=5):
        """Ends the program and its runner, at the latest by SIGKILL. Safe to call twice."""
        pid = self.pid
        if self._runner.poll() is None and number == signal.SIGKILL:
            self._runner.kill()
        try:
            os.killpg(pid, signal.SIGCONT)
            os.kill(pid, number)
        except ProcessLookupError:
            pass
        try:
            wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists() or not self.alive(), timeout_s, "")
        except AssertionError:
            pass
        try:
            os.killpg(pid, signal.SIGKILL)  # what it left behind
        except ProcessLookupError:
            pass
        self._runner.kill()
        self._runner.wait()

    def cpu_s(self):
        """utime + stime so far."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_kib(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1])
        return 0


class Machine:
    """Own network, mount, PID, UTS and IPC namespaces. `binds`: directory on the machine -> kept on the host under dir, so that it survives a
    power cycle; /run and /dev/shm are fresh at each power on."""

    def __init__(self, root, name, binds=(), keep=False):
        self.name, self.keep = name, keep
        self.dir = root / name
        self.binds = {path: self.dir / path.strip("/").replace("/", "-") for path in binds}
        for path in [self.dir / "log", *self.binds.values()]:
            path.mkdir(parents=True, exist_ok=True)
        self.procs = {}
        self._holder = None
        self.pid, self.boots = None, 0

    def boot(self):
        pairs = [f"{kept}:{path}" for path, kept in self.binds.items()]
        flags = ["--keep"] if self.keep else []
        with open(self.dir / "log" / "init.log", "ab") as log:
            self._holder = subprocess.Popen([tool("machine"), "hold", self.name, *flags, *pairs], stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=log, start_new_session=True, text=True)
        line = self._holder.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} did not start: {(self.dir / 'log' / 'init.log').read_text()}")
        self.pid = int(line)
        self.boots += 1
        self.check("ip", "link", "set", "lo", "up")

    def up(self):
        return self.pid is not None

    def power_off(self):
        """The whole machine is gone at once: processes, interfaces, addresses."""
        if self.pid is None:
            return
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._holder.wait()
        self._holder.stdout.close()
        for proc in self.procs.values():
            proc._runner.kill()
            proc._runner.wait()
        self.procs.clear()
        self.pid = None

    def run(self, *command, timeout=30, **kwargs):
        """Runs a command to its end in the machine. The caller judges the exit code."""
        return subprocess.run([tool("machine"), "run", str(self.pid), "--", *map(str, command)], capture_output=True, text=True,
                              timeout=timeout, **kwargs)

    def check(self, *command, **kwargs):
        """Like run(), but a failure is an error; returns stdout."""
        done = self.run(*command, **kwargs)
        if done.returncode != 0:
            raise RuntimeError(f"{self.name}: {' '.join(map(str, command))}: exit {done.returncode}: {done.stderr or done.stdout}")
        return done.stdout

    def spawn(self, name, *command, **kwargs):
        """Starts a program that goes on running; it replaces the one of the same name."""
        if name in self.procs:
            self.procs[name].end()
        self.procs[name] = Proc(self, name, command, **kwargs)
        return self.procs[name]

    def freeze(self):
        """All user space of the machine stands still at one instant; its kernel goes on (ARP, ICMP)."""
        subprocess.run([tool("machine"), "signal", str(self.pid), str(int(signal.SIGSTOP))], check=True)

    def thaw(self):
        subprocess.run([tool("machine"), "signal", str(self.pid), str(int(signal.SIGCONT))], check=True)
