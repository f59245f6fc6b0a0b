# SPDX-License-Identifier: GPL-2.0-or-later
"""Every VRRP frame on the LAN, and what tshark, which shares no line with us, thinks of it.

    with VrrpCapture(lab) as capture: ...
    ours = [p for p in capture.packets() if p.sender == "n1"]
    assert not any(p.faults for p in ours)
"""
import csv
import dataclasses
import io
import os
import signal
import subprocess
import time

from .machine import wait_until
from .paths import LAB
from .probe import now_ns

FIELDS = {  # ours -> tshark's
    "port": "frame.interface_name", "time": "frame.time_epoch", "mac": "eth.src", "src4": "ip.src", "src6": "ipv6.src", "dst4": "ip.dst",
    "dst6": "ipv6.dst", "ttl": "ip.ttl", "hops": "ipv6.hlim", "dscp4": "ip.dsfield.dscp", "dscp6": "ipv6.tclass.dscp", "ip_sum": "ip.checksum.status",
    "version": "vrrp.version", "type": "vrrp.type", "vrid": "vrrp.virt_rtr_id", "priority": "vrrp.prio", "count": "vrrp.addr_count",
    "interval_s": "vrrp.adver_int", "interval_cs": "vrrp.short_adver_int", "sum": "vrrp.checksum.status", "address4": "vrrp.ip_addr",
    "address6": "vrrp.ipv6_addr", "malformed": "_ws.malformed", "expert": "_ws.expert.message",
}
GOOD = "1"  # of *.checksum.status


@dataclasses.dataclass
class Packet:
    sender: str         # the node whose cable it came from, whatever it claims
    t_ns: int           # boot clock
    mac: str
    source: str
    destination: str
    ttl: int
    dscp: int
    version: int
    vrid: int
    priority: int
    interval_ms: int
    addresses: tuple
    faults: tuple       # what tshark says against it

    family = property(lambda self: 6 if ":" in self.source else 4)


class VrrpCapture:
    """vrrp_sniffer.py in the hub. Cuts do not hide from it what a node says: it stands before them. but: a MAC whose frames are left out."""

    def __init__(self, lab, but=None):
        self._but = [but] if but else []
        self.lab, self.frames, self._name = lab, 0, f"vrrp-{now_ns()}"
        self.path = lab.root / f"{self._name}.pcapng"

    def __enter__(self):
        # The kernel stamps with the wall clock. Who is held up between the two readings has a step too small.
        self._to_boot_ns = max(now_ns() - time.time_ns() for _ in range(5))
        log = self.lab.hub.dir / "log" / f"{self._name}.log"
        self._proc = self.lab.hub.spawn(self._name, "/usr/bin/python3", LAB / "ringlab" / "vrrp_sniffer.py", self.path, *self._but)
        wait_until(lambda: "ready" in log.read_text() or not self._proc.alive(), 5, "the sniffer to start")
        assert self._proc.alive(), log.read_text()
        return self

    def __exit__(self, *error):
        if self._name in self.lab.hub.procs:
            self.stop()
        return False

    def stop(self):
        """Then packets() can be asked."""
        self._proc.send(signal.SIGTERM)
        self._proc.wait()
        self.frames, dropped = map(int, self._proc.log.read_text().split()[-2:])
        del self.lab.hub.procs[self._name]
        assert dropped == 0, f"the sniffer lost {dropped} frames beside the {self.frames} it has"

    def packets(self, rfc9568=False):
        """In the order of time. rfc9568: VRRPv3's checksum over IPv4 is without a pseudo-header."""
        command = ["tshark", "-n", "-r", str(self.path), "-o", f"vrrp.v3_checksum_as_in_v2:{'TRUE' if rfc9568 else 'FALSE'}",
                   "-o", "ip.check_checksum:TRUE", "-Tfields", "-Eheader=y", "-Eseparator=;", "-Eoccurrence=a", "-Eaggregator=,", "-Equote=d"]
        for field in FIELDS.values():
            command += ["-e", field]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "HOME": "/nonexistent"})
        back = {v: k for k, v in FIELDS.items()}
        rows = [{back[k]: v for k, v in row.items()} for row in csv.DictReader(io.StringIO(done.stdout), delimiter=";")]
        return sorted((self._packet(row) for row in rows), key=lambda p: p.t_ns)

    def _packet(self, x):
        seconds, nanos = x["time"].split(".")
        number = {k: int(x[k], 0) if x[k] and "," not in x[k] else -1 for k in ("ttl", "hops", "dscp4", "dscp6", "version", "vrid", "priority")}
        interval_ms = int(x["interval_s"]) * 1000 if x["interval_s"] else int(x["interval_cs"]) * 10 if x["interval_cs"] else -1
        addresses = tuple(a for a in (x["address4"] or x["address6"]).split(",") if a)
        six = bool(x["src6"])
        return Packet(sender=x["port"].rsplit("e", 1)[0], t_ns=int(seconds) * 10**9 + int(nanos) + self._to_boot_ns, mac=x["mac"],
                      source=x["src6"] or x["src4"], destination=x["dst6"] or x["dst4"], ttl=number["hops" if six else "ttl"],
                      dscp=number["dscp6" if six else "dscp4"], version=number["version"], vrid=number["vrid"], priority=number["priority"],
                      interval_ms=interval_ms, addresses=addresses, faults=tuple(self._faults(x, number["hops" if six else "ttl"])))

    @staticmethod
    def _faults(x, ttl):
        if x["sum"] != GOOD:
            yield f"VRRP checksum status {x['sum'] or 'unknown'}"
        if not x["src6"] and x["ip_sum"] != GOOD:
            yield "IP header checksum"
        if ttl != 255:
            yield f"TTL {ttl}"
        if x["type"] != "1":
            yield f"type {x['type']}"
        if x["malformed"]:
            yield "malformed"
        if x["expert"]:
            yield x["expert"]
        told = len([a for a in (x["address4"] or x["address6"]).split(",") if a])
        if x["count"] != str(told):
            yield f"{x['count']} addresses announced, {told} there"


def judge(packets, sender, but=()):
    """Every packet of the sender is good in tshark's eyes, but for the faults named; returns how many there were."""
    mine = [p for p in packets if p.sender == sender]
    bad = [p for p in mine if set(p.faults) - set(but)]
    assert not bad, f"tshark finds {len(bad)} of {len(mine)} packets of {sender} wrong, first {bad[0]}"
    return len(mine)
