# SPDX-License-Identifier: GPL-2.0-or-later
"""A node and a LAN for the tests of gate, guard and addresses: two namespaces, veth cables, a bridge, a capture, and `gatekeeper`.

Everything is in namespaces whose names carry this process's id; they are deleted at the end, and all in them with them.
"""
import os
import re
import socket
import struct
import subprocess
import threading
import time

from ringlab.netns import inside
from ringlab.paths import BUILD


def built_path(*parts):
    path = BUILD.joinpath("tests", *parts)
    if not path.exists():
        raise RuntimeError(f"{path} is not built: run `make build` first")
    return str(path)


def gatekeeper_path():
    return built_path("gate", "gatekeeper")


def boot_ns():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def wait_until(condition, timeout_s, what, step_s=0.005):
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(step_s)
    raise AssertionError(f"waited {timeout_s} s in vain: {what}")


class Space:
    """A network namespace."""

    def __init__(self, name):
        self.name = f"gt-{os.getpid()}-{name}"
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        self.ip("link", "set", "lo", "up")

    def close(self):
        subprocess.run(["ip", "netns", "del", self.name], check=False)

    def run(self, *command, **kwargs):
        return subprocess.run(["ip", "netns", "exec", self.name, *map(str, command)], capture_output=True, text=True, timeout=30, **kwargs)

    def check(self, *command, **kwargs):
        done = self.run(*command, **kwargs)
        assert done.returncode == 0, f"{command}: {done.stderr}{done.stdout}"
        return done.stdout

    def ip(self, *command):
        return self.check("ip", *command)

    def tc(self, *command):
        return self.check("tc", *command)

    def mac(self, device):
        return bytes.fromhex(re.search(r"link/ether (\S+)", self.ip("link", "show", device)).group(1).replace(":", ""))

    def index(self, device):
        return int(self.ip("link", "show", device).split(":")[0])

    def inside(self):
        """Sockets that are opened within belong to the namespace."""
        return inside(f"/run/netns/{self.name}")

    def ping(self, address, count=2, source=None):
        """How many answers."""
        done = self.run("ping", "-c", count, "-i", "0.05", "-W", "0.3", *(["-I", source] if source else []), address)
        return int(re.search(r"(\d+) received", done.stdout).group(1)) if "received" in done.stdout else 0


def cable(space, device, other, other_device):
    space.ip("link", "add", device, "type", "veth", "peer", "name", other_device, "netns", other.name)
    space.ip("link", "set", device, "up")
    other.ip("link", "set", other_device, "up")


class Lan:
    """`node` has e0 with its own addresses; `lan` is a bridge br0 with the other end, and the LAN's address."""

    NODE4, NODE6, LAN4, LAN6 = "10.84.0.1", "fd84::1", "10.84.0.2", "fd84::2"
    VIP4, VIP6 = "10.84.0.100", "fd84::100"

    def __init__(self):
        self.node, self.lan = Space("node"), Space("lan")
        self.lan.ip("link", "add", "br0", "type", "bridge", "mcast_snooping", "0", "forward_delay", "0")
        self.lan.ip("link", "set", "br0", "up")
        self.plug("e0")
        self.node.ip("addr", "add", f"{self.NODE4}/24", "dev", "e0")
        self.node.ip("addr", "add", f"{self.NODE6}/64", "dev", "e0", "nodad")
        self.lan.ip("addr", "add", f"{self.LAN4}/24", "dev", "br0")
        self.lan.ip("addr", "add", f"{self.LAN6}/64", "dev", "br0", "nodad")
        self.keepers = []

    def plug(self, device):
        cable(self.node, device, self.lan, "l" + device)
        self.lan.ip("link", "set", "l" + device, "master", "br0")

    def keeper(self, *args, **kwargs):
        keeper = Keeper(self.node, *(args or [f"office=e0={self.VIP4},{self.VIP6}"]), **kwargs)
        self.keepers.append(keeper)
        return keeper

    def forget_neighbours(self):
        self.lan.run("ip", "neigh", "flush", "all")

    def close(self):
        for keeper in self.keepers:
            keeper.kill()
        self.node.close()
        self.lan.close()


class Keeper:
    """The driver program in the node, gatekeeper or another. Each line it says starts with its CLOCK_BOOTTIME."""

    def __init__(self, space, *args, ready=True, program=None):
        self.lines = []
        self._changed = threading.Condition()
        self._process = subprocess.Popen(["ip", "netns", "exec", space.name, program or gatekeeper_path(), *args], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True, bufsize=1)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if ready:
            self.expect(r"ready\b", 20)

    def _read(self):
        for line in self._process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self.lines.append("0 end of output")
            self._changed.notify_all()

    @property
    def pid(self):
        return self._process.pid

    def send(self, line):
        """Says it and goes on; returns where in `lines` its answers begin."""
        at = len(self.lines)
        self._process.stdin.write(line + "\n")
        return at

    def do(self, line):
        """Says it and waits until it is done."""
        at = self.send(line)
        self.expect(f"ok {line.split()[0]}$", 10, at)
        return at

    def find(self, pattern, at=0):
        return [m for m in (re.match(r"(?P<ns>\d+) " + pattern, line) for line in self.lines[at:]) if m]

    def expect(self, pattern, timeout_s=2, at=0):
        """The first line from `at` on that matches; waits for it."""
        end = time.monotonic() + timeout_s
        with self._changed:
            while True:
                found = self.find(pattern, at)
                if found:
                    return found[0]
                if time.monotonic() > end:
                    raise AssertionError(f"no line like {pattern!r} from line {at} on:\n" + "\n".join(self.lines[-40:]))
                self._changed.wait(0.05)

    def status(self):
        at = self.do("status")
        return {m["what"]: dict(f.split("=") for f in m["rest"].split() if "=" in f)
                for m in self.find(r"status (?P<what>\S+(?: (?!\w+=)\S+)?) (?P<rest>.*)", at)}

    def kill(self):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._reader.join(5)

    def quit(self):
        self.send("quit")
        assert self._process.wait(10) == 0


class Capture:
    """Frames that a device of a namespace receives and that contain one of the needles behind their MAC addresses."""

    def __init__(self, space, devices, needles):
        self._needles = needles
        self._sockets = []
        self.vlans = set()  # ids of the tags beside the frames taken
        with space.inside():
            for device in devices:
                s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
                s.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
                s.setsockopt(263, 8, 1)  # PACKET_AUXDATA
                s.bind((device, 3))
                s.setblocking(False)
                self._sockets.append(s)

    def wanted(self, frame):
        return any(n in frame[12:] for n in self._needles)

    def take(self):
        """The frames since the last call."""
        frames = []
        for s in self._sockets:
            while True:
                try:
                    frame, aux, _, address = s.recvmsg(4096, 64)
                except BlockingIOError:
                    break
                if address[2] != socket.PACKET_OUTGOING and self.wanted(frame):
                    frames.append(frame)
                    self.vlans |= {struct.unpack_from("<H", data, 16)[0] & 0xFFF for _, kind, data in aux if kind == 8}
        return frames

    def close(self):
        for s in self._sockets:
            s.close()


class SourceCapture(Capture):
    """Frames from one of these MAC addresses."""

    def wanted(self, frame):
        return frame[6:12] in self._needles
