# SPDX-License-Identifier: GPL-2.0-or-later
"""VRRP by programs that are not ours, on a node of the lab: keepalived and FRR's vrrpd, set up from one description of a virtual router.

Both have the same verbs: start(), state(), resign() (an orderly end: priority 0), kill() (kill -9, everything stays as it is), clean()."""
import contextlib
import dataclasses
import os
import re
import signal
import time

from .keepalived import host_pid
from .machine import wait_until

LINK_LOCAL = "fe80::100"  # a virtual IPv6 router has a link-local address, and says it first
FRR = "/usr/lib/frr"


@dataclasses.dataclass(frozen=True)
class Router:
    """What a virtual router is to be, whoever runs it. Addresses are in the order in which they are advertised, per family."""
    priority: int = 100
    version: int = 3
    advert_ms: int = 100
    vrid: int = 77
    addresses: tuple = ("10.77.0.100", LINK_LOCAL, "fd77::100")
    preempt: bool = True
    vmac: str = "no"        # no, bridge, private
    unicast: tuple = ()     # the nodes' addresses, both families: all of them are told to everybody

    def of(self, family):
        return [a for a in self.addresses if (":" in a) == (family == 6)]

    families = property(lambda self: [f for f in (4, 6) if self.of(f)])

    def skew_ms(self):
        """How long a Backup with this priority waits after the Active has resigned."""
        return (256 - self.priority) / 256 * (1000 if self.version == 2 else self.advert_ms)

    def down_ms(self):
        """How long it waits for an advertisement."""
        return 3 * self.advert_ms + self.skew_ms()

    def mac(self, family):
        return f"00:00:5e:00:0{1 if family == 4 else 2}:{self.vrid:02x}"


class Peer:
    """What both have in common. The processes are in node.procs; the kernel's state that they leave is removed by clean()."""

    def __init__(self, node, router):
        self.node, self.router = node, router

    def _family(self, family, link="lan"):
        """(own addresses, the others' addresses) for unicast."""
        mine = {self.node.address(link), f"fd77::{self.node.id}"}
        told = [a for a in self.router.unicast if (":" in a) == (family == 6)]
        return [a for a in told if a in mine], [a for a in told if a not in mine]

    def wait(self, state, timeout_s=15):
        wait_until(lambda: self.state() == state, timeout_s, lambda: f"{type(self).__name__} on {self.node.name} to be {state}, it is "
                   f"{self.state()}:\n{self.log()[-3000:]}")


class Keepalived(Peer):
    """keepalived: an instance per family, in a sync group if there are two."""

    def conf(self):
        r = self.router
        # With its own limit of 10 ms of CPU without a pause, the kernel kills it now and then while it starts on a busy machine.
        parts = [f"global_defs {{\n    router_id {self.node.name}\n    vrrp_version {r.version}\n    vrrp_rt_priority 60\n"
                 "    vrrp_rlimit_rttime 1000000\n}\n"]
        if len(r.families) > 1:
            parts.append("vrrp_sync_group both {\n    group {\n" + "".join(f"        ip{f}\n" for f in r.families) + "    }\n}\n")
        return "".join(parts + [self._instance(f) for f in r.families])

    def _instance(self, family):
        r = self.router
        lines = ["state BACKUP", "interface eth0", f"virtual_router_id {r.vrid}", f"priority {r.priority}", f"advert_int {r.advert_ms / 1000}"]
        lines += ["native_ipv6"] if family == 6 else []
        lines += [] if r.preempt else ["nopreempt"]
        lines += [f"use_vmac {self.device(family)}"] if r.vmac != "no" else []
        own, others = self._family(family)
        if others:
            lines += [f"unicast_src_ip {own[0]}", "unicast_peer {", *[f"    {a}" for a in others], "}"]
        lengths = {a: "/24" if family == 4 else "/64" for a in r.of(family)}
        lines += ["virtual_ipaddress {", *[f"    {a}{n}" for a, n in lengths.items()], "}"]
        return f"vrrp_instance ip{family} {{\n" + "".join(f"    {line}\n" for line in lines) + "}\n"

    def device(self, family):
        return f"vrrp{family}.{self.router.vrid}" if self.router.vmac != "no" else "eth0"

    def start(self):
        path = self.node.dir / "keepalived.vrrp.conf"
        path.write_text(self.conf())
        # With a pid file of its own each time: keepalived keeps it locked for a second after its end.
        stamp = f"/run/keepalived.{time.monotonic_ns()}"
        self._log_at = self._log_size()
        return self.node.spawn("keepalived", "keepalived", "-n", "-l", "-D", "-P", "-f", path, "-p", f"{stamp}.pid", "-r", f"{stamp}.vrrp.pid")

    def _log_size(self):
        path = self.node.dir / "log" / "keepalived.log"
        return path.stat().st_size if path.exists() else 0

    def log(self):
        """What it has said since its start."""
        with open(self.node.dir / "log" / "keepalived.log", "rb") as f:
            f.seek(self._log_at)
            return f.read().decode(errors="replace")

    def states(self):
        """Instance -> the state that it entered last, in lower case."""
        return {name: state.lower() for name, state in re.findall(r"\(ip(\d)\) Entering (\w+) STATE", self.log())}

    def state(self):
        """The state that all instances are in, or a dictionary of different ones."""
        found = self.states()
        same = set(found.values())
        return same.pop() if len(same) == 1 and len(found) == len(self.router.families) else found

    def pids(self):
        """All its processes, as the host counts them; the parent first."""
        found = []
        for inner in self.node.run("pgrep", "-x", "keepalived|keepalived_vrr.*").stdout.split():
            with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                found.append(host_pid(self.node, int(inner)))
        return found

    def resign(self):
        self.node.procs["keepalived"].send(signal.SIGTERM)

    def kill(self):
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def clean(self):
        """Ends it and removes what it may have left: addresses and virtual MAC interfaces."""
        if "keepalived" in self.node.procs:
            self.kill()
            self.node.procs.pop("keepalived").end()
        for family in self.router.families:
            for address in self.router.of(family):
                self.node.run("ip", "addr", "del", f"{address}/{24 if family == 4 else 64}", "dev", "eth0")
            if self.router.vmac != "no":
                self.node.run("ip", "link", "del", self.device(family))


class Frr(Peer):
    """FRR: zebra and vrrpd. It speaks from macvlan interfaces that somebody else has made, with the addresses on them."""

    def conf(self):
        r = self.router
        head = f" vrrp {r.vrid}"
        lines = [f"{head} version {r.version}", f"{head} priority {r.priority}", f"{head} advertisement-interval {r.advert_ms}"]
        lines += [] if r.preempt else [f" no vrrp {r.vrid} preempt"]
        lines += [f"{head} {'ip' if f == 4 else 'ipv6'} {a}" for f in r.families for a in r.of(f)]
        return "interface eth0\n" + "\n".join(lines) + "\n"

    def device(self, family):
        return f"vrrp{family}-{self.router.vrid}"

    def _make_devices(self):
        """In three steps: made and up in one message, the kernel would make an address out of the virtual MAC."""
        for family in self.router.families:
            device = self.device(family)
            self.node.check("ip", "link", "add", device, "link", "eth0", "address", self.router.mac(family), "type", "macvlan", "mode", "bridge")
            self.node.check("ip", "link", "set", device, "addrgenmode", "none")
            self.node.check("ip", "link", "set", device, "protodown", "on")  # as a Backup has it; FRR takes it off
            self.node.check("ip", "link", "set", device, "up")
            for address in self.router.of(family):
                extra = [] if family == 4 else ["nodad"]
                self.node.check("ip", "addr", "add", f"{address}/{24 if family == 4 else 64}", "dev", device, *extra)
        self._ignore_arp(1)

    def _ignore_arp(self, value):
        """Otherwise the interface below answers for the address also when FRR has taken its own down: Linux answers for any address it has."""
        for device in ("eth0", *[self.device(f) for f in self.router.families]):
            self.node.run("sysctl", "-q", "-w", f"net.ipv4.conf.{device}.arp_ignore={value}")

    def start(self):
        run = "/run/frr"
        self.node.check("rm", "-rf", run)  # an old socket there, and vrrpd would try again after ten seconds
        self.node.check("install", "-d", "-o", "frr", "-g", "frr", run)
        self._make_devices()
        paths = {}
        for name, text in (("zebra", ""), ("vrrpd", self.conf())):
            paths[name] = self.node.dir / f"{name}.conf"
            paths[name].write_text(text)
        common = ["-u", "frr", "-g", "frr", "-z", f"{run}/zserv.api", "--vty_socket", run, "--log", "stdout"]
        self.node.spawn("zebra", f"{FRR}/zebra", *common, "-f", paths["zebra"], "-i", f"{run}/zebra.pid")
        wait_until(lambda: self.node.run("test", "-S", f"{run}/zserv.api").returncode == 0, 5, "zebra's socket", 0.05)
        return self.node.spawn("vrrpd", f"{FRR}/vrrpd", *common, "-f", paths["vrrpd"], "-i", f"{run}/vrrpd.pid")

    def log(self):
        return (self.node.dir / "log" / "vrrpd.log").read_text(errors="replace") + self.show()

    def show(self):
        return self.node.run("vtysh", "--vty_socket", "/run/frr", "-c", "show vrrp").stdout

    def state(self):
        """The state of all families, or a dictionary of different ones. FRR says Master."""
        found = {f: s.lower() for f, s in re.findall(r"Status \((v[46])\) +(\w+)", self.show())}
        found = {f: s for f, s in found.items() if int(f[1]) in self.router.families}
        same = set(found.values())
        return same.pop() if len(same) == 1 and len(found) == len(self.router.families) else found

    def resign(self):
        self.node.procs["vrrpd"].send(signal.SIGTERM)

    def kill(self):
        self.node.procs["vrrpd"].kill()

    def clean(self):
        self._ignore_arp(0)
        for name in ("vrrpd", "zebra"):
            if name in self.node.procs:
                self.node.procs.pop(name).end(signal.SIGKILL)
        for family in self.router.families:
            self.node.run("ip", "link", "del", self.device(family))
