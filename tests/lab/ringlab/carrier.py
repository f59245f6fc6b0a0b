# SPDX-License-Identifier: GPL-2.0-or-later
"""A carrier: a real Kamailio on the lab's LAN that registers accounts by digest, writes down each REGISTER, and answers what it is told to."""
import json
import re
import socket
import subprocess
import time

from .machine import Machine, wait_until
from .paths import LAB

ADDRESS, TRUSTED = "10.77.0.210", "10.77.0.100"  # the second is the one that IP-authenticated trunks may come from
CONFIGURATION = LAB / "carrier" / "kamailio.cfg"


class Register:
    """One REGISTER as the carrier saw it, and its answer."""

    def __init__(self, match):
        self.at, self.source, self.user, self.contact, self.status = (
            int(match["s"]) + int(match["us"]) / 1e6, match["source"], match["user"], match["contact"], int(match["status"]))
        self.expires, self.authorized = int(match["expires"]), match["auth"] == "1"

    def __repr__(self):
        return f"{self.at:.3f} {self.user} from {self.source} contact {self.contact} expires {self.expires} -> {self.status}"


def kamailio_rpc(machine, path, method, *params):
    """The result of an RPC to a Kamailio's datagram socket, or None if it failed or there is none."""
    script = ("import json, os, socket, sys\n"
              "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); name = f'/run/kamailio/ask-{os.getpid()}'; s.bind(name); s.settimeout(5)\n"
              "try: s.sendto(sys.argv[2].encode(), sys.argv[1]); print(s.recv(1 << 17).decode())\n"
              "finally: os.unlink(name)\n")
    done = machine.run("/usr/bin/python3", "-c", script, path, json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}))
    return json.loads(done.stdout).get("result") if done.returncode == 0 else None


class Carrier(Machine):
    def __init__(self, lab):
        super().__init__(lab.root, "carrier", keep=lab.keep)
        self.lab = lab

    def boot(self):
        super().boot()
        hub = self.lab.hub
        subprocess.run(["ip", "link", "add", "eth0", "netns", str(self.pid), "address", "02:77:00:00:00:d2", "type", "veth", "peer", "name",
                        "itsp0", "netns", str(hub.pid)], check=True)
        hub.check("ip", "link", "set", "itsp0", "master", "br0", "up")
        self.check("ip", "addr", "add", f"{ADDRESS}/24", "dev", "eth0")
        self.check("ip", "link", "set", "eth0", "up")
        self.check("mkdir", "-p", "/run/kamailio")
        self.spawn("kamailio", "kamailio", "-f", CONFIGURATION, "-P", "/run/kamailio/kamailio.pid", "-Y", "/run/kamailio", "-DD", "-E",
                   "-m", "32", "-M", "4")
        wait_until(lambda: self.run("test", "-S", "/run/kamailio/rpc.sock").returncode == 0, 20, "the carrier to start", 0.05)

    close = Machine.power_off

    def rpc(self, method, *params):
        return kamailio_rpc(self, "/run/kamailio/rpc.sock", method, *params)

    # ---- what it is told ----

    def answer(self, user, status, retry_after_s=None, times=0):
        """Answers that to the next `times` REGISTERs of the user (0: all). Status 0: says nothing; 423: only to what asks for less than 300 s."""
        self.rpc("htable.sets", "answer", user, f"{status}:{'' if retry_after_s is None else retry_after_s}")
        self.rpc("htable.seti", "times", user, times or 1000000)

    def change_password(self, user):
        """What the account's owner has is wrong from now on."""
        self.answer(user, "password")

    def be_kind(self):
        self.rpc("htable.flush", "answer")

    # ---- what it saw ----

    def registers(self, user=None, since=0.0):
        """All REGISTERs in their order; `since` is a time of time.time()."""
        text = (self.dir / "log" / "kamailio.log").read_text(errors="replace")
        found = [Register(m) for m in re.finditer(
            r"REGISTER (?P<s>\d+)\.(?P<us>\d+) source=(?P<source>\S+) user=(?P<user>\S+) contact=(?P<contact>\S+) expires=(?P<expires>\d+) "
            r"auth=(?P<auth>\d) status=(?P<status>\d+)", text)]
        return [r for r in found if r.at >= since and user in (None, r.user)]

    def contacts(self, user):
        """The contacts that are registered for the account."""
        result = self.rpc("ul.lookup", "location", user)
        return [c["Contact"]["Address"] for c in result["Contacts"]] if result else []

    def forget(self):
        """All registrations end."""
        for user in {r.user for r in self.registers()}:
            self.rpc("ul.rm", "location", user)


def options(address, source, timeout_s=0.5):
    """The status that the carrier answers to OPTIONS over UDP, or None, also if the node refuses to send it; called inside the sender's namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(timeout_s)
        s.bind((source, 0))
        port = s.getsockname()[1]
        request = (f"OPTIONS sip:trunk@{address} SIP/2.0\r\nVia: SIP/2.0/UDP {source}:{port};branch=z9hG4bK{port}-{time.time_ns()}\r\nFrom: <sip:x@{source}>;tag=1\r\n"
                   f"To: <sip:trunk@{address}>\r\nCall-ID: {port}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 9\r\nContent-Length: 0\r\n\r\n")
        try:
            s.sendto(request.encode(), (address, 5060))
            return int(s.recv(4096).split()[1])
        except (TimeoutError, socket.timeout, PermissionError):
            return None
