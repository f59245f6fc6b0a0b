# SPDX-License-Identifier: GPL-2.0-or-later
"""The power of machines, and the rack of the devices that switch it. What stands for a BMC or a PDU runs in the rack and asks the test itself, over a
unix socket (tools/wire.c), what is to become of a machine; so a test sees every order with its time, and decides which ones are obeyed."""
import socketserver
import subprocess
import threading
import time

from .machine import Machine
from .paths import tool


class Supply:
    """The power of one machine: `on` and `off` are what makes it run and what kills it. A machine with two supplies runs while one has current."""

    def __init__(self, machine, on=None, feeds=1):
        self.machine, self._on = machine, on or machine.boot
        self.feeds = [True] * feeds
        self.orders = []  # (monotonic time, "on" or "off")
        self._lock = threading.Lock()

    name = property(lambda self: self.machine.name)

    def running(self):
        return self.machine.up()

    def switch(self, on, feed=None):
        """All feeds, or one of them: a power button, an outlet."""
        with self._lock:
            self.orders.append((time.monotonic(), "on" if on else "off"))
            for i in range(len(self.feeds)):
                if feed in (None, i):
                    self.feeds[i] = on
            if not any(self.feeds):
                self.machine.power_off()
            elif on and not self.machine.up():
                self._on()

    def reset(self):
        self.switch(False)
        self.switch(True)


class Rack(Machine):
    """Where BMCs and PDUs are: a machine of its own, with everything that answers `wire` kept in the test's process."""

    def __init__(self, root, name="rack", keep=False):
        super().__init__(root, name, keep=keep)
        self.things = {}  # first word on the wire -> who answers: thing(words, stream) -> nothing
        self.socket = str(self.dir / "wire")
        self.devices = []
        self.boot()
        rack = self

        class Answer(socketserver.StreamRequestHandler):
            def handle(self):
                words = self.rfile.readline().decode(errors="replace").split()
                try:
                    rack.things[words[0]](words[1:], self)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # who asked was killed

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

        self._server = Server(self.socket, Answer)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def command(self, *words):
        """What a program of the rack runs to ask a thing."""
        return [tool("wire"), self.socket, *words]

    def plug_into(self, hub, address, link=1):
        """Puts the rack on one of the hub's networks; its port there is named as a node's is."""
        port = f"{self.name}e{link}"
        subprocess.run(["ip", "link", "add", "eth0", "netns", str(self.pid), "type", "veth", "peer", "name", port, "netns", str(hub.pid)], check=True)
        hub.check("ip", "link", "set", port, "master", f"br{link}", "up")
        self.check("ip", "addr", "add", f"{address}/24", "dev", "eth0")
        self.check("ip", "link", "set", "eth0", "up")

    def close(self):
        for device in self.devices:
            device.close()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self.power_off()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()
        return False
