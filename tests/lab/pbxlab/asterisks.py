# SPDX-License-Identifier: GPL-2.0-or-later
"""A site with Asterisks in place of the Kamailios."""
import contextlib
import socket
import subprocess
import threading
import time

from ringlab import asterisk
from ringlab.machine import wait_until
from ringlab.netns import inside

from .adapter import Adapter
from .site import BUILD, PHONES, VIP, Site


class Storm:
    """Requests of one Call-ID, faster than the one task processor that they all go to."""

    def __init__(self, site):
        with inside(site.where(PHONES)):
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect((VIP, 5060))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._send)

    def _send(self):
        host, port = self._socket.getsockname()
        number = 0
        while not self._over.wait(0.005):
            for _ in range(100):
                number += 1
                self._socket.send((f"OPTIONS sip:storm@{VIP} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{number}-{time.time_ns()}\r\nMax-Forwards: 70\r\n"
                                   f"From: <sip:nobody@{host}>;tag=1\r\nTo: <sip:storm@{VIP}>\r\nCall-ID: storm\r\nCSeq: {number} OPTIONS\r\n"
                                   "Content-Length: 0\r\n\r\n").encode())

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        self._socket.close()


class AsteriskSite(Site):
    def __init__(self, directory, version, accounts, **install):
        super().__init__(directory)
        self.version, self.accounts, self.install, self.managers = version, accounts, install, {}

    def where(self, name):
        return f"/run/netns/{self.ns(name)}"

    def start_asterisk(self, *names):
        tree = asterisk.tree(self.version)
        for name in names:
            asterisk.install(self.run_dir(name), name, self.accounts, **self.install)
            with open(self.run_dir(name) / "stdout", "ab") as log:
                self.kamailios[name] = subprocess.Popen(
                    ["ip", "netns", "exec", self.ns(name), *asterisk.command(tree, self.run_dir(name))],
                    stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        for name in names:
            wait_until(lambda n=name: asterisk.booted(self.where(n)), 30, lambda n=name: f"Asterisk {n}: {(self.run_dir(n) / 'log' / 'messages.log').read_text()[-1500:]}", 0.1)

    def manager(self, name):
        """The tests' own connection, with events since it was asked for first."""
        if name not in self.managers:
            self.managers[name] = asterisk.Manager(self.where(name), events=True)
        return self.managers[name]

    def end_asterisk(self, name):
        if name in self.managers:
            self.managers.pop(name).close()
        self.end_kamailio(name)

    def uris(self, name, user):
        return [c["Uri"] for c in self.manager(name).contacts(user)]

    def adapter(self, name, holder, interval_ms=200, trunks=(), **changes):
        program = BUILD / "pbx" / "ringkeep-adapter-asterisk"
        assert program.exists(), f"{program} is not built: run `make build` first"
        settings = {k: v for k, v in (asterisk.settings(self.run_dir(name)) | changes).items() if v is not None}
        adapter = Adapter(self.ns(name), str(program), node=name, holder=holder, addresses=[VIP], pid_file=str(self.run_dir(name) / "run" / "asterisk.pid"),
                          options_interval_ms=interval_ms, options_failures=3, settings=settings, trunks=list(trunks))
        self.open.append(adapter)
        return adapter

    def __exit__(self, *error):
        for manager in self.managers.values():
            with contextlib.suppress(OSError):
                manager.close()
        super().__exit__(*error)
