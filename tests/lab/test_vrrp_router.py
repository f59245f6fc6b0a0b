# SPDX-License-Identifier: GPL-2.0-or-later
"""The VRRP module alone, in namespaces: what it puts on the wire, what it hears, and what it makes of devices and addresses that come and go.
keepalived is the other router. (Whole clusters with VRRP are the business of the other VRRP tests.)"""
import errno
import json
import os
import re
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest
from gatelab import Capture, Space, boot_ns, wait_until
from ringlab.paths import BUILD
from ringlab.stalls import excused

NODE4, PEER4, FORGER4 = "10.86.0.1", "10.86.0.2", "10.86.0.66"
NODE6, PEER6 = "fd86::1", "fd86::2"
VIP4, VIP6, VIP6_LINK = "10.86.0.100", "fd86::100", "fe80::86:100"
VRID = 51
INITIALIZE, BACKUP, ACTIVE = 0, 1, 2
SHUTDOWN, STANDSTILL, ADOPTED = 2, 8, 10
BAD_TTL, BAD_VERSION, BAD_CHECKSUM = 2, 3, 6
FORGER_MAC = bytes.fromhex("020000000042")


class Router:
    """tests/vrrp/router in a namespace; what it says, as dictionaries."""

    def __init__(self, space, *groups):
        self.lines = []
        self._changed = threading.Condition()
        self._process = subprocess.Popen(["ip", "netns", "exec", space.name, BUILD / "tests" / "vrrp" / "router", *groups], text=True, bufsize=1,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.pid = self.expect("ready", 10)["pid"]

    def _read(self):
        for line in self._process.stdout:
            with self._changed:
                self.lines.append(json.loads(line))
                self._changed.notify_all()

    def find(self, what, at=0, **fields):
        return [x for x in self.lines[at:] if x["what"] == what and all(x[k] == v for k, v in fields.items())]

    def expect(self, what, timeout_s=3.0, at=0, **fields):
        end = time.monotonic() + timeout_s
        with self._changed:
            while True:
                found = self.find(what, at, **fields)
                if found:
                    return found[0]
                if time.monotonic() > end:
                    raise AssertionError(f"no {what} {fields} from line {at} on:\n" + "\n".join(map(str, self.lines[-30:])))
                self._changed.wait(0.05)

    def do(self, command):
        """Says it and waits until it is done; returns where in `lines` its consequences begin."""
        at = len(self.lines)
        self._process.stdin.write(command + "\n")
        done = self.expect("ok", 10, at, command=command.split()[0])
        assert done["error"] == 0, done
        return at

    def ask(self, command, what):
        return self.expect(what, 1, self.do(command))

    def status(self, group=0):
        return self.ask(f"status {group}", "status")

    def end(self):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._reader.join(5)


class Keepalived:
    CONF = """global_defs {{
    router_id peer
    vrrp_version {version}
    vrrp_rt_priority 60
    vrrp_rlimit_rttime 1000000
}}
vrrp_instance ip4 {{
    state BACKUP
    interface e0
    virtual_router_id {vrid}
    priority {priority}
    advert_int {advert}
    virtual_ipaddress {{
        {vip4}/24
    }}
{unicast}}}
"""
    CONF6 = """vrrp_instance ip6 {{
    state BACKUP
    interface e0
    native_ipv6
    virtual_router_id {vrid}
    priority {priority}
    advert_int {advert}
    virtual_ipaddress {{
        {vip6_link}/64
        {vip6}/64
    }}
}}
"""

    def __init__(self, space, folder, version=3, priority=100, advert=0.1, six=False, unicast=False):
        peers = f"    unicast_src_ip {PEER4}\n    unicast_ttl 255\n    unicast_peer {{\n        {NODE4}\n    }}\n" if unicast else ""
        text = (self.CONF + (self.CONF6 if six else "")).format(version=version, vrid=VRID, priority=priority, advert=advert, vip4=VIP4, vip6=VIP6,
                                                               vip6_link=VIP6_LINK, unicast=peers)
        (folder / "keepalived.conf").write_text(text)
        self._log = folder / "keepalived.log"
        with open(self._log, "w", encoding="utf-8") as log:
            self._process = subprocess.Popen(["ip", "netns", "exec", space.name, "keepalived", "-n", "-l", "-D", "-P", "-f", folder / "keepalived.conf",
                                              "-p", folder / "pid", "-r", folder / "vrrp.pid"], stdout=log, stderr=log)

    def states(self):
        return dict(re.findall(r"\((ip\d)\) Entering (\w+) STATE", self._log.read_text()))

    def log(self):
        return self._log.read_text()

    def wait(self, state, timeout_s=8):
        wait_until(lambda: set(self.states().values()) == {state}, timeout_s, f"keepalived to be {state}")

    def end(self):
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Wire:
    """`node` with the router under test, `peer`, and `lan`: a bridge, where the sniffer and the forger stand."""

    def __init__(self):
        self.lan, self.node, self.peer = Space("vrlan"), Space("vrnode"), Space("vrpeer")
        self.ends = []
        self.lan.ip("link", "add", "br0", "type", "bridge", "mcast_snooping", "0", "forward_delay", "0")
        self.lan.ip("link", "set", "br0", "up")
        self.plug(self.peer, "lpeer", PEER4, PEER6)
        self.plug(self.node, "lnode", NODE4, NODE6)

    def plug(self, space, port, *addresses):
        space.ip("link", "add", "e0", "type", "veth", "peer", "name", port, "netns", self.lan.name)
        space.run("sysctl", "-qw", "net.ipv6.conf.e0.dad_transmits=0")
        space.ip("link", "set", "e0", "up")
        self.lan.ip("link", "set", port, "master", "br0", "up")
        for address in addresses:
            space.ip("addr", "add", f"{address}/{24 if '.' in address else 64}", "dev", "e0", *([] if "." in address else ["nodad"]))

    def sniffer(self, port="lnode"):
        """Adverts that come out of the node's cable."""
        sniffer = Sniffer(self.lan, port)
        self.ends.append(sniffer.close)
        return sniffer

    def router(self, *groups, space=None):
        router = Router(space or self.node, *groups)
        self.ends.append(router.end)
        return router

    def keepalived(self, folder, **settings):
        keepalived = Keepalived(self.peer, folder, **settings)
        self.ends.append(keepalived.end)
        return keepalived

    def send(self, frames):
        with self.lan.inside(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
            s.bind(("br0", 0))
            for frame in frames:
                s.send(frame)

    def link_local(self, space):
        return re.search(r"inet6 (fe80::\S+)/64", space.ip("addr", "show", "dev", "e0")).group(1)

    def settle(self):
        for end in reversed(self.ends):
            end()
        self.ends = []
        for space in (self.node, self.peer):
            for address in (f"{VIP4}/24", f"{VIP6}/64", f"{VIP6_LINK}/64"):
                space.run("ip", "addr", "del", address, "dev", "e0")
        self.node.run("ip", "addr", "add", f"{NODE4}/24", "dev", "e0")

    def close(self):
        self.settle()
        for space in (self.node, self.peer, self.lan):
            space.close()


class Sniffer:
    def __init__(self, space, port):
        self._capture, self.seen = Capture(space, [port], [b"\x70"]), []
        self._capture.take()  # what came before it was bound to the port

    def take(self):
        """Adverts since the last call: dictionaries."""
        new = [advert for advert in map(parse, self._capture.take()) if advert]
        self.seen += new
        return new

    def wait(self, condition, timeout_s=2):
        """The adverts since the last call up to the one that the condition holds for."""
        got = []

        def look():
            got.extend(self.take())
            return any(condition(a) for a in got)
        wait_until(look, timeout_s, f"an advert, seen: {got}")
        return got

    def close(self):
        self._capture.close()


def parse(frame):
    kind = frame[12:14]
    if kind == b"\x08\x00" and frame[23] == 112:
        at = 14 + 4 * (frame[14] & 15)
        found = {"family": 4, "ttl": frame[22], "dscp": frame[15] >> 2, "from": socket.inet_ntop(socket.AF_INET, frame[26:30]),
                 "to": socket.inet_ntop(socket.AF_INET, frame[30:34])}
    elif kind == b"\x86\xdd" and frame[20] == 112:
        at = 54
        found = {"family": 6, "ttl": frame[21], "dscp": (struct.unpack_from("!H", frame, 14)[0] >> 6) & 63,
                 "from": socket.inet_ntop(socket.AF_INET6, frame[22:38]), "to": socket.inet_ntop(socket.AF_INET6, frame[38:54])}
    else:
        return None
    found |= {"source": frame[6:12], "destination": frame[:6], "version": frame[at] >> 4, "vrid": frame[at + 1], "priority": frame[at + 2],
              "count": frame[at + 3]}
    return found


def total(data):
    value = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while value >> 16:
        value = (value & 0xFFFF) + (value >> 16)
    return ~value & 0xFFFF


def forge(priority=254, source=FORGER4, ttl=255, version=3, vrid=VRID, centiseconds=10, spoil=0, mac=FORGER_MAC):
    """An IPv4 frame from somebody else."""
    head = struct.pack("!BBBBHH", version << 4 | 1, vrid, priority, 1, centiseconds, 0)
    message = head + socket.inet_aton(VIP4) + (bytes(8) if version == 2 else b"")
    pseudo = socket.inet_aton(source) + socket.inet_aton("224.0.0.18") + struct.pack("!HH", 112, len(message))
    message = message[:6] + struct.pack("!H", total((pseudo if version == 3 else b"") + message) ^ spoil) + message[8:]
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0xC0, 20 + len(message), 0, 0, ttl, 112, 0, socket.inet_aton(source), socket.inet_aton("224.0.0.18"))
    ip = ip[:10] + struct.pack("!H", total(ip)) + ip[12:]
    return bytes.fromhex("01005e000012") + mac + b"\x08\x00" + ip + message


def forge6(source, hop_limit, priority=254):
    """To everybody, so that it needs no neighbour."""
    addresses = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, "ff02::12")
    message = struct.pack("!BBBBHH", 0x31, VRID, priority, 1, 10, 0) + socket.inet_pton(socket.AF_INET6, VIP6_LINK)
    message = message[:6] + struct.pack("!H", total(addresses + struct.pack("!II", len(message), 112) + message)) + message[8:]
    return bytes.fromhex("333300000012") + FORGER_MAC + b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, len(message), 112, hop_limit) + addresses + message


@pytest.fixture(scope="module")
def whole_wire():
    if os.geteuid() != 0:
        pytest.fail("the lab needs root: namespaces, raw sockets")
    wire = Wire()
    yield wire
    wire.close()


@pytest.fixture()
def wire(whole_wire):
    yield whole_wire
    whole_wire.settle()


def group(mode, six=False, **settings):
    fields = {"mode": mode, "device": "e0", "vrid": VRID, "priority": 150, "advert_ms": 100} | settings
    addresses = [VIP4] + ([VIP6, VIP6_LINK] if six else [])
    return ",".join([f"{k}={v}" for k, v in fields.items()] + [f"address={a}" for a in addresses])


# ---- announce ----

def test_announce_is_understood_by_keepalived_in_both_families(wire, tmp_path):
    sniffer, router = wire.sniffer(), wire.router(group("announce", six=True))
    router.do("speak 0 1")
    keepalived = wire.keepalived(tmp_path, six=True)
    keepalived.wait("BACKUP")
    time.sleep(1)
    assert set(keepalived.states().values()) == {"BACKUP"}, keepalived.log()
    seen = sniffer.take()
    assert {a["family"] for a in seen} == {4, 6}
    for a in seen:
        assert (a["ttl"], a["dscp"], a["version"], a["vrid"], a["priority"]) == (255, 48, 3, VRID, 150)
        assert a["source"] == wire.node.mac("e0")
        assert (a["from"], a["to"]) == ((NODE4, "224.0.0.18") if a["family"] == 4 else (wire.link_local(wire.node), "ff02::12"))
        assert a["count"] == (1 if a["family"] == 4 else 2)
    start = boot_ns()
    router.do("speak 0 0")
    keepalived.wait("MASTER")
    with excused(start):
        assert boot_ns() - start < 250e6, "priority 0 is heard: a Skew_Time, no whole down interval"
    assert [a["priority"] for a in sniffer.take()][-2:] == [0, 0]


def test_announce_never_yields_but_reports(wire, tmp_path):
    router = wire.router(group("announce"))
    router.do("speak 0 1")
    time.sleep(0.15)
    keepalived = wire.keepalived(tmp_path, priority=200)
    keepalived.wait("MASTER")
    rogue = router.expect("rogue")
    assert (rogue["from"], rogue["priority"], rogue["version"], rogue["device"]) == (PEER4, 200, 3, "e0")
    assert bytes.fromhex(rogue["mac"].replace(":", "")) == wire.peer.mac("e0")
    time.sleep(1.2)
    again = router.find("rogue")
    assert len(again) >= 2 and again[1]["at"] - again[0]["at"] >= 900e6 and again[1]["suppressed"] > 0
    status = router.status()
    assert status["speaking"] and status["heard_from"] == PEER4 and status["rogue"] > len(again)
    assert status["sent"] > 20, "it went on all the time"


def test_own_interfaces_and_own_frames_are_no_rogues(wire):
    router = wire.router(group("announce"))
    router.do("speak 0 1")
    time.sleep(0.15)
    wire.send([forge(mac=wire.node.mac("e0")), forge(mac=bytes([0, 0, 0x5E, 0, 1, VRID]), source=NODE4)])
    time.sleep(0.1)
    assert not router.find("rogue") and router.status()["received"] == 0
    wire.send([forge(mac=bytes([0, 0, 0x5E, 0, 1, VRID]))])
    router.expect("rogue")


def test_what_is_wrong_is_counted_and_dropped(wire):
    router = wire.router(group("announce"))
    router.do("speak 0 1")
    time.sleep(0.15)
    wire.send([forge(ttl=254), forge(spoil=0x0101), forge(version=4), forge(vrid=VRID + 1)])
    wait_until(lambda: sum(router.status()["dropped"]) == 3, 2, "three bad packets to be counted")
    dropped = router.status()["dropped"]
    assert (dropped[BAD_TTL], dropped[BAD_CHECKSUM], dropped[BAD_VERSION]) == (1, 1, 1)
    assert not router.find("rogue")


def test_a_rogue_is_answered_at_once(wire):
    router, sniffer = wire.router(group("announce", advert_ms=5000)), wire.sniffer()
    router.do("speak 0 1")
    time.sleep(0.15)
    sniffer.take()
    wire.send([forge()])
    sniffer.wait(lambda a: a["priority"] == 150, 0.5)


def test_a_stall_is_not_made_up_for(wire):
    router, sniffer = wire.router(group("announce", advert_ms=500)), wire.sniffer()
    router.do("speak 0 1")
    os.kill(router.pid, signal.SIGSTOP)
    time.sleep(1.6)
    sniffer.take()
    os.kill(router.pid, signal.SIGCONT)
    sniffer.wait(lambda a: True, 1)
    time.sleep(0.3)
    assert not sniffer.take()


# ---- native ----

def active_until(router):
    return max(x["until"] for x in router.find("gate"))


@pytest.mark.parametrize("settings", [{}, {"version": 2, "advert_ms": 1000}, {"unicast": True}, {"six": True}, {"checksum": "rfc5798", "dscp": 0}],
                         ids=["VRRPv3", "VRRPv2", "unicast", "both families", "DSCP 0"])
def test_native_and_keepalived(wire, tmp_path, settings):
    """It preempts keepalived, hands back with priority 0, and its gate is never open when keepalived is master."""
    settings = dict(settings)
    unicast, six = settings.pop("unicast", False), settings.pop("six", False)
    advert_s, version = settings.get("advert_ms", 100) / 1000, settings.get("version", 3)
    keepalived = wire.keepalived(tmp_path, version=version, advert=advert_s if version == 3 else 1, six=six, unicast=unicast)
    keepalived.wait("MASTER")
    spec = group("native", six=six, **settings) + (f",peer={NODE4},peer={PEER4}" if unicast else "")
    router, sniffer = wire.router(spec), wire.sniffer()
    router.do("run 0 1")
    router.expect("state", 8 * advert_s + 1, state=ACTIVE)
    keepalived.wait("BACKUP")
    time.sleep(advert_s * 2)
    assert boot_ns() < active_until(router), "renewed"
    at = router.do("run 0 0")
    assert [x["until"] for x in router.find("gate", at)][-1:] == [0]
    assert router.find("state", at, state=INITIALIZE, cause=SHUTDOWN)
    keepalived.wait("MASTER", 1.5 + advert_s)
    assert router.find("gate")[-1]["until"] == 0
    seen = sniffer.take()
    assert {a["priority"] for a in seen} == {150, 0} and {a["ttl"] for a in seen} == {255}
    assert {a["dscp"] for a in seen} == {settings.get("dscp", 48)} and {a["version"] for a in seen} == {version}
    if unicast:
        assert {(a["from"], a["to"]) for a in seen} == {(NODE4, PEER4)}


def test_native_with_another_interval(wire, tmp_path):
    """VRRPv3 learns the Active's, VRRPv2 drops it."""
    keepalived = wire.keepalived(tmp_path, priority=200, advert=0.3)
    keepalived.wait("MASTER")
    router = wire.router(group("native"))
    router.do("run 0 1")
    time.sleep(1.5)
    status = router.status()
    assert status["state"] == BACKUP and status["interval_mismatch"] >= 3 and status["down_ns"] > 900e6


def test_native_drops_who_is_no_peer(wire):
    router = wire.router(group("native") + f",peer={NODE4},peer={PEER4}")
    router.do("run 0 1")
    router.expect("state", state=ACTIVE)
    wire.send([forge(priority=255)])
    wait_until(lambda: router.status()["not_a_peer"] == 1, 1, "the stranger to be counted")
    assert router.status()["state"] == ACTIVE


def test_two_of_ours_and_the_higher_address_wins(wire):
    """Both are Active while the switch keeps them apart."""
    one, two = wire.router(group("native")), wire.router(group("native"), space=wire.peer)
    isolate(wire, "on")
    one.do("run 0 1")
    two.do("run 0 1")
    one.expect("state", state=ACTIVE)
    two.expect("state", state=ACTIVE)
    at = len(one.lines)
    isolate(wire, "off")
    one.expect("state", 1, at, state=BACKUP)
    time.sleep(0.3)
    assert (one.status()["state"], two.status()["state"]) == (BACKUP, ACTIVE)


def test_unicast_of_both_families(wire):
    peers = "".join(f",peer={a}" for a in (NODE4, PEER4, NODE6, PEER6))
    one, two = wire.router(group("native", six=True) + peers), wire.router(group("native", six=True, priority=100) + peers, space=wire.peer)
    sniffer = wire.sniffer()
    one.do("run 0 1")
    two.do("run 0 1")
    one.expect("state", state=ACTIVE)
    time.sleep(0.3)
    status = two.status()
    assert status["state"] == BACKUP and status["received"] >= 4 and not status["not_a_peer"]
    assert memberships(wire.node) == (False, False)
    assert {(a["from"], a["to"], a["ttl"], a["dscp"]) for a in sniffer.take()} == {(NODE4, PEER4, 255, 48), (NODE6, PEER6, 255, 48)}


def test_a_unicast_peer_may_have_any_hop_limit_over_ipv6(wire):
    """keepalived's have 64, unless it is told otherwise."""
    router = wire.router(group("native", six=True) + "".join(f",peer={a}" for a in (NODE4, NODE6, PEER4, PEER6)))
    router.do("run 0 1")
    router.expect("state", state=ACTIVE)
    wire.send([forge6("fd86::66", 64)])
    wait_until(lambda: router.status()["dropped"][BAD_TTL] == 1, 1, "a stranger's to be dropped")
    wire.send([forge6(PEER6, 64)])
    router.expect("state", 1, state=BACKUP)


def isolate(wire, state):
    for port in ("lnode", "lpeer"):
        wire.lan.check("bridge", "link", "set", "dev", port, "isolated", state)


def test_a_backup_that_was_stopped_hears_before_it_acts(wire, tmp_path):
    wire.keepalived(tmp_path, priority=200, advert=0.2).wait("MASTER")
    router = wire.router(group("native", advert_ms=200))
    router.do("run 0 1")
    for _ in range(2):
        time.sleep(0.5)
        os.kill(router.pid, signal.SIGSTOP)
        time.sleep(1.2)
        os.kill(router.pid, signal.SIGCONT)
    time.sleep(0.3)
    assert not router.find("state", state=ACTIVE) and not router.find("gate")


def test_an_active_that_was_stopped_finds_itself_replaced(wire, tmp_path):
    keepalived = wire.keepalived(tmp_path)
    router, sniffer = wire.router(group("native")), wire.sniffer()
    router.do("run 0 1")
    router.expect("state", state=ACTIVE)
    keepalived.wait("BACKUP")
    os.kill(router.pid, signal.SIGSTOP)
    keepalived.wait("MASTER")
    until = active_until(router)
    assert until < boot_ns(), "the gate was shut before"
    sniffer.take()
    at = len(router.lines)
    os.kill(router.pid, signal.SIGCONT)
    router.expect("state", 1, at, state=BACKUP)
    router.expect("state", 2, at, state=ACTIVE)
    assert {a["priority"] for a in sniffer.take()} == {150}, "no priority 0: another is Active"


def test_adoption(wire):
    router = wire.router(group("native"))
    router.do("run 0 1 250")
    assert router.find("state", state=ACTIVE, cause=ADOPTED)


# ---- devices and addresses ----

def memberships(space):
    return ("120000E0" in space.check("cat", "/proc/net/igmp"), "ff020000000000000000000000000012" in space.check("cat", "/proc/net/igmp6"))


def test_a_device_down_up_and_made_anew(wire):
    router, sniffer = wire.router(group("native", six=True)), wire.sniffer()
    router.do("run 0 1")
    router.expect("state", state=ACTIVE)
    assert memberships(wire.node) == (True, True)
    at = len(router.lines)
    wire.node.ip("link", "set", "e0", "down")
    router.expect("state", 1, at, state=INITIALIZE)
    assert router.find("gate", at, until=0)
    wire.node.ip("link", "set", "e0", "up")
    router.expect("state", 5, at, state=ACTIVE)
    at = len(router.lines)
    wire.lan.ip("link", "set", "lnode", "down")  # no carrier
    router.expect("state", 1, at, state=INITIALIZE)
    wire.lan.ip("link", "set", "lnode", "up")
    router.expect("state", 5, at, state=ACTIVE)
    at = len(router.lines)
    wire.node.ip("link", "del", "e0")
    router.expect("state", 1, at, state=INITIALIZE)
    assert memberships(wire.node) == (False, False)
    sniffer.close()
    wire.plug(wire.node, "lnode", NODE4, NODE6)
    router.expect("state", 5, at, state=ACTIVE)
    assert memberships(wire.node) == (True, True)
    sniffer = wire.sniffer()
    assert {a["family"] for a in sniffer.wait(lambda a: a["family"] == 6)} == {4, 6}
    at = len(router.lines)
    wire.send([forge(priority=200)])
    router.expect("state", 1, at, state=BACKUP)
    assert not router.find("trouble")


def test_announce_goes_on_when_the_device_is_back(wire):
    router = wire.router(group("announce", advert_ms=5000))
    router.do("speak 0 1")
    wire.node.ip("link", "set", "e0", "down")
    time.sleep(0.2)
    sniffer = wire.sniffer()
    wire.node.ip("link", "set", "e0", "up")
    sniffer.wait(lambda a: a["from"] == NODE4, 1)


def test_the_source_follows_the_addresses(wire):
    router, sniffer = wire.router(group("announce", source="10.86.0.9")), wire.sniffer()
    router.do("speak 0 1")
    sniffer.wait(lambda a: a["from"] == NODE4)
    wire.node.ip("addr", "add", "10.86.0.9/24", "dev", "e0")
    sniffer.wait(lambda a: a["from"] == "10.86.0.9")
    wire.node.ip("addr", "add", "10.86.0.5/24", "dev", "e0")
    wire.node.ip("addr", "del", "10.86.0.9/24", "dev", "e0")
    sniffer.wait(lambda a: a["from"] == NODE4)
    wire.node.ip("addr", "del", f"{NODE4}/24", "dev", "e0")
    wire.node.run("ip", "addr", "add", "10.86.0.5/24", "dev", "e0")  # went along, as a secondary one
    sniffer.wait(lambda a: a["from"] == "10.86.0.5")
    wire.node.ip("addr", "add", f"{NODE4}/24", "dev", "e0")
    time.sleep(0.25)
    assert {a["from"] for a in sniffer.take()} == {"10.86.0.5"}, "it stays where it is"
    wire.node.ip("addr", "del", "10.86.0.5/24", "dev", "e0")
    wire.node.run("ip", "addr", "add", f"{NODE4}/24", "dev", "e0")
    sniffer.wait(lambda a: a["from"] == NODE4)


def test_a_device_without_an_address_is_told_and_waited_for(wire):
    wire.node.ip("addr", "del", f"{NODE4}/24", "dev", "e0")
    router = wire.router(group("native"))
    router.do("run 0 1")
    time.sleep(0.5)
    assert not router.find("state") and not router.find("trouble")
    told = router.expect("trouble", 6)
    assert (told["of"], told["error"]) == ("source address", -errno.EADDRNOTAVAIL)
    before = router.ask("cpu", "cpu")
    time.sleep(1)
    after = router.ask("cpu", "cpu")
    assert sum(after[k] - before[k] for k in ("user_us", "system_us")) < 50_000, "it does not spin"
    router.do("reload " + group("native", priority=140))
    assert len(router.find("trouble")) == 1
    wire.node.ip("addr", "add", f"{NODE4}/24", "dev", "e0")
    router.expect("trouble", 1, error=0)
    router.expect("state", 1, state=BACKUP)


def test_the_virtual_address_is_never_the_source(wire):
    wire.node.ip("addr", "del", f"{NODE4}/24", "dev", "e0")
    wire.node.ip("addr", "add", f"{VIP4}/24", "dev", "e0")
    wire.node.ip("addr", "add", f"{NODE4}/24", "dev", "e0")
    router, sniffer = wire.router(group("announce")), wire.sniffer()
    router.do("speak 0 1")
    time.sleep(0.25)
    assert {a["from"] for a in sniffer.take()} == {NODE4}
    wire.node.ip("addr", "del", f"{VIP4}/24", "dev", "e0")
    wire.node.run("ip", "addr", "add", f"{NODE4}/24", "dev", "e0")


# ---- virtual MAC, reload ----

@pytest.mark.parametrize("mac", ["bridge", "private"])
def test_the_virtual_mac_speaks_and_hears(wire, mac):
    """The first advert leaves before the gate is open, and so not from the virtual MAC."""
    virtual = {4: bytes([0, 0, 0x5E, 0, 1, VRID]), 6: bytes([0, 0, 0x5E, 0, 2, VRID])}
    one, two = wire.router(group("native", six=True, mac=mac)), wire.router(group("native", six=True, mac=mac, priority=100), space=wire.peer)
    sniffer = wire.sniffer()
    one.do("run 0 1")
    two.do("run 0 1")
    one.expect("state", state=ACTIVE)
    time.sleep(0.5)
    seen = [a for a in sniffer.take() if a["priority"]]
    assert {a["source"] for a in seen[:2]} == {wire.node.mac("e0")}
    assert all(a["source"] == virtual[a["family"]] for a in seen[2:]) and len(seen) >= 6
    assert {a["from"] for a in seen} == {NODE4, wire.link_local(wire.node)}
    assert two.status()["state"] == BACKUP, "an advert from a MAC that it has itself is heard"
    at = len(one.lines)
    wire.node.ip("link", "del", f"v4.{VRID}.e0")
    wait_until(lambda: f"v4.{VRID}.e0" in wire.node.ip("link"), 3, "the interface to be made again")
    wait_until(lambda: one.status()["state"] == ACTIVE, 5, "the router to be Active again")
    assert not one.find("trouble", at)
    one.do("remove")
    two.do("remove")
    assert f"v4.{VRID}.e0" not in wire.node.ip("link") and f"v6.{VRID}.e0" not in wire.peer.ip("link")


def test_a_reload_resigns_for_what_goes_and_begins_what_comes(wire):
    router, sniffer = wire.router(group("native", six=True)), wire.sniffer()
    router.do("run 0 1")
    router.expect("state", state=ACTIVE)
    at = router.do("reload " + group("native", priority=140))
    assert router.find("state", at, state=ACTIVE, cause=ADOPTED) and not router.find("gate", at, until=0)
    got = sniffer.wait(lambda a: a["priority"] == 140)
    assert [(a["family"], a["priority"]) for a in got if a["priority"] in (0, 140)][:2] == [(6, 0), (4, 140)]
    at = router.do("reload " + group("native", vrid=VRID + 1))
    assert router.find("gate", at, until=0)
    assert [a["vrid"] for a in sniffer.take() if not a["priority"]] == [VRID]
    router.expect("state", 2, at, state=ACTIVE)
    sniffer.wait(lambda a: a["vrid"] == VRID + 1)


# ---- load ----

FLOOD_S, FLOOD_PER_S = 2, 10_000


def test_ten_thousand_forged_adverts_a_second_cost_little_and_move_nothing(wire):
    router, since = wire.router(group("announce")), boot_ns()
    router.do("speak 0 1")
    time.sleep(0.2)
    before = router.ask("cpu", "cpu")
    sent = flood(wire, [forge(), forge(spoil=1)])
    after = router.ask("cpu", "cpu")
    used_s = sum(after[k] - before[k] for k in ("user_us", "system_us")) / 1e6
    status = router.status()
    heard = status["received"] + sum(status["dropped"])
    print(f"{sent / FLOOD_S:.0f}/s sent, {heard / FLOOD_S:.0f}/s heard, {100 * used_s / FLOOD_S:.1f} % of a CPU, {1e6 * used_s / heard:.2f} us each")
    with excused(since):
        assert sent > 0.7 * FLOOD_S * FLOOD_PER_S and heard > 0.9 * sent
    assert used_s < 0.25 * FLOOD_S
    assert len(router.find("rogue")) <= FLOOD_S + 1
    assert status["speaking"] and status["sent"] <= 10 + 20 * (FLOOD_S + 1.5), "answers are bounded"


def flood(wire, frames):
    """Returns how many were sent."""
    with wire.lan.inside(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind(("br0", 0))
        begin, sent = time.monotonic(), 0
        while time.monotonic() < begin + FLOOD_S:
            while sent < (time.monotonic() - begin) * FLOOD_PER_S:
                s.send(frames[sent % len(frames)])
                sent += 1
            time.sleep(0.001)
    return sent
