# SPDX-License-Identifier: GPL-2.0-or-later
"""Namespaces px-PID-a, -b (a Kamailio each, with the same address) and -phones, whose route decides who is spoken to."""
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

from ringlab.netns import inside
from ringlab.paths import BUILD, ROOT

VIP, OWN, PHONES = "10.77.0.100", "10.77.0.200", "phones"
CONFIG = ROOT / "packaging" / "examples" / "kamailio" / "kamailio.cfg"
def _ip(*args):
    subprocess.run(["ip", *args], check=True)


def in_namespace(ns):
    return inside(f"/run/netns/{ns}")


class Site:
    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        self.prefix = f"px-{os.getpid()}-"
        self.kamailios, self.open = {}, []
        self._counter, self._lock = 0, threading.Lock()

    def ns(self, name):
        return self.prefix + name

    def __enter__(self):
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _build(self):
        for name in ("a", "b", PHONES):
            _ip("netns", "add", self.ns(name))
            _ip("-n", self.ns(name), "link", "set", "lo", "up")
        _ip("-n", self.ns(PHONES), "addr", "add", f"{OWN}/32", "dev", "lo")
        for name in ("a", "b"):
            _ip("link", "add", "eth0", "netns", self.ns(name), "type", "veth", "peer", "name", f"to-{name}", "netns", self.ns(PHONES))
            _ip("-n", self.ns(name), "link", "set", "eth0", "up")
            _ip("-n", self.ns(PHONES), "link", "set", f"to-{name}", "up")
            _ip("-n", self.ns(name), "addr", "add", f"{VIP}/32", "dev", "eth0")
            _ip("-n", self.ns(name), "route", "add", f"{OWN}/32", "dev", "eth0")
        self.lead_phones_to("a")

    def lead_phones_to(self, name):
        _ip("-n", self.ns(PHONES), "route", "replace", f"{VIP}/32", "dev", f"to-{name}", "src", OWN)

    def run_dir(self, name):
        path = self.dir / name
        path.mkdir(exist_ok=True)
        return path

    def start_kamailio(self, name, min_expires_s=1, more=()):
        """`more` are defines beside those that every test has."""
        path = self.run_dir(name)
        defines = [f"RK_VIP={VIP}", f'RK_RUN_DIR="{path}/"', f"RK_MIN_EXPIRES={min_expires_s}", "RK_EXPIRY_INTERVAL=1", "RK_CHILDREN=2", *more]
        with open(path / "log", "ab") as log:
            self.kamailios[name] = subprocess.Popen(
                ["ip", "netns", "exec", self.ns(name), "kamailio", "-f", CONFIG, "-P", path / "pid", "-Y", path, "-DD", "-E", "-m", "256",
                 "-M", "16", *[word for d in defines for word in ("-A", d)]], stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        end = time.monotonic() + 10
        while not self._answers(name):
            assert time.monotonic() < end, f"Kamailio {name} does not start:\n{(path / 'log').read_text()[-2000:]}"
            time.sleep(0.02)

    def _answers(self, name):
        try:
            return "result" in self.rpc(name, "core.uptime")
        except OSError:
            return False

    def signal_kamailio(self, name, number):
        """To all its processes."""
        os.killpg(self.kamailios[name].pid, number)

    def end_kamailio(self, name):
        proc = self.kamailios.pop(name, None)
        if proc:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(proc.pid, signal.SIGKILL)
            proc.wait()

    def rpc(self, name, method, *params):
        with self._lock:
            self._counter += 1
            client = self.run_dir(name) / f"client{self._counter}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            try:
                s.bind(str(client))
                s.settimeout(5)
                s.sendto(json.dumps({"jsonrpc": "2.0", "method": method, "params": list(params), "id": 1}).encode(),
                         str(self.run_dir(name) / "kamailio_rpc.sock"))
                return json.loads(s.recv(1 << 20))
            finally:
                client.unlink(missing_ok=True)

    def contacts(self, name, user):
        """What that Kamailio has of the account."""
        answer = self.rpc(name, "ul.lookup", "location", user)
        return [c["Contact"] for c in answer["result"]["Contacts"]] if "result" in answer else []

    def settings(self, name, **changes):
        path = self.run_dir(name)
        settings = {"rpc": f"unixgram:{path}/kamailio_rpc.sock", "dump": f"fifo:{path}/kamailio_rpc.fifo", "sync": "udp:127.0.0.1:5070",
                    "evapi": "tcp:127.0.0.1:8448", **changes}
        return {key: value for key, value in settings.items() if value is not None}

    def adapter(self, name, holder, kind="kamailio", interval_ms=200, trunks=(), **changes):
        from .adapter import Adapter
        settings = self.settings(name, **changes) if kind == "kamailio" else changes
        program = BUILD / "pbx" / f"ringkeep-adapter-{kind}"
        assert program.exists(), f"{program} is not built: run `make build` first"
        adapter = Adapter(self.ns(name), str(program), node=name, holder=holder, addresses=[VIP],
                          pid_file=str(self.run_dir(name) / "pid"), options_interval_ms=interval_ms, options_failures=3, trunks=list(trunks), settings=settings)
        self.open.append(adapter)
        return adapter

    def phone(self, user, **args):
        from .phone import Phone
        phone = Phone(self, user, **args)
        self.open.append(phone)
        return phone

    def close_clients(self):
        """Adapters and phones; the Kamailios stay."""
        for thing in reversed(self.open):
            with contextlib.suppress(OSError):
                thing.close()
        self.open.clear()

    def __exit__(self, *error):
        self.close_clients()
        for name in list(self.kamailios):
            self.end_kamailio(name)
        for name in ("a", "b", PHONES):
            subprocess.run(["ip", "netns", "del", self.ns(name)], stderr=subprocess.DEVNULL)
