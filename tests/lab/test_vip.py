# SPDX-License-Identifier: GPL-2.0-or-later
"""The virtual addresses, in real namespaces: they are there and stay there, they are announced, rivals are noticed, connections are ended."""
import contextlib
import os
import socket
import statistics
import time

import pytest
from gatelab import Capture, Lan, Space, boot_ns, cable, wait_until
from ringlab.stalls import excused
from stimuli import BROADCAST, arp, icmp6, send

FAR_MS = 50_000


@pytest.fixture()
def lan():
    if os.geteuid() != 0:
        pytest.fail("the lab needs root: namespaces, BPF, nftables")
    with contextlib.closing(Lan()) as lan:
        yield lan


def addresses(space, device="e0"):
    """address/length -> the words that ip says of it."""
    found = {}
    for line in space.ip("-o", "addr", "show", "dev", device).splitlines():
        words = line.split()
        found[words[3]] = line
    return found


def open_keeper(lan, *args):
    keeper = lan.keeper(*args)
    keeper.do(f"set office {FAR_MS}")
    return keeper


# ---- there ----

def test_addresses_are_there_as_they_should_be(lan):
    lan.keeper()
    here = addresses(lan.node)
    v4, v6 = here[f"{lan.VIP4}/32"], here[f"{lan.VIP6}/128"]
    assert "scope host" in v4 and "noprefixroute" in v4 and "e0:rk" in v4
    assert "deprecated" in v6 and "nodad" in v6 and "noprefixroute" in v6 and "tentative" not in v6
    assert lan.VIP4 not in lan.node.ip("route", "show") and lan.VIP6 not in lan.node.ip("-6", "route", "show")


def neighbour(space, address):
    """What the kernel knows of it: the MAC and the state, or nothing."""
    return space.run("ip", "neigh", "show", address, "dev", "e0").stdout


def speak_as_standby(lan, target, count=4):
    """What a standby's PBX does that is bound to the virtual address; returns what of it was seen."""
    lan.node.ip("neigh", "flush", "dev", "e0")
    with contextlib.closing(Capture(lan.lan, ["le0"], [socket.inet_aton(lan.VIP4)])) as capture:
        with lan.node.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((lan.VIP4, 0))
            for _ in range(count):
                s.sendto(b"\r\n", (target, 5060))
                time.sleep(0.1)
        return capture.take()


def announce_of(lan):
    return lan.node.check("cat", "/proc/sys/net/ipv4/conf/e0/arp_announce").strip()


def test_standby_learns_its_neighbours_as_itself(lan):
    """Asked for as the virtual address, they would be unknown when it comes: the shut gate stops the question."""
    keeper = lan.keeper()
    assert announce_of(lan) == "2"
    assert speak_as_standby(lan, lan.LAN4) == []
    assert "lladdr" in neighbour(lan.node, lan.LAN4), neighbour(lan.node, lan.LAN4)
    keeper.do(f"set office {FAR_MS}")
    assert lan.node.ping(lan.LAN4, source=lan.VIP4) == 2
    keeper.do("remove")
    assert announce_of(lan) == "0", "it is as it was"


def test_what_an_administrator_sets_for_arp_stays(lan):
    lan.node.check("sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/e0/arp_announce")
    keeper = lan.keeper()
    assert announce_of(lan) == "2"
    lan.node.check("sh", "-c", "echo 0 > /proc/sys/net/ipv4/conf/e0/arp_announce")
    keeper.do("remove")
    assert announce_of(lan) == "0"


def test_neighbours_of_another_subnet_are_not_asked_for_as_the_node(lan):
    """A router may ignore a question from an address that is not of its subnet."""
    lan.keeper("office=e0=10.85.0.100")
    assert announce_of(lan) == "0"


def source_of(space, target):
    return space.ip("route", "get", target).split("src ")[1].split()[0]


def test_never_chosen_as_source(lan):
    """Also where it came first, and for every kind of route."""
    lan.node.ip("addr", "flush", "dev", "e0", "scope", "global")
    lan.keeper()
    lan.node.ip("addr", "add", f"{lan.NODE4}/24", "dev", "e0")
    lan.node.ip("addr", "add", f"{lan.NODE6}/64", "dev", "e0", "nodad")
    lan.node.ip("route", "add", "default", "via", lan.LAN4)
    lan.node.ip("-6", "route", "add", "default", "via", lan.LAN6)
    lan.node.ip("route", "add", "10.99.0.0/24", "dev", "e0")
    for target in (lan.LAN4, "10.84.0.101", "192.0.2.1", "10.99.0.1", "224.0.0.251", "255.255.255.255"):
        assert source_of(lan.node, target) == lan.NODE4, target
    for target in (lan.LAN6, "2001:db8::1"):
        assert source_of(lan.node, target) == lan.NODE6, target


def test_no_source_rather_than_the_address(lan):
    """A node with no other IPv4 address on the device does not speak from the virtual one."""
    lan.node.ip("addr", "flush", "dev", "e0", "scope", "global")
    lan.keeper()
    lan.node.ip("route", "add", "10.84.0.0/24", "dev", "e0")
    done = lan.node.run("ip", "route", "get", lan.LAN4)
    assert lan.VIP4 not in done.stdout, done.stdout


def test_the_address_of_the_device_is_the_nodes_own(lan):
    """SIOCGIFADDR, which old programs ask."""
    import fcntl
    import struct
    lan.keeper()
    with lan.node.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        answer = fcntl.ioctl(s.fileno(), 0x8915, struct.pack("256s", b"e0"))
    assert socket.inet_ntoa(answer[20:24]) == lan.NODE4


# ---- stays there ----

def test_removed_address_is_back_within_100_ms(lan):
    keeper = open_keeper(lan)
    took, since = [], boot_ns()
    for i in range(10):
        for address in (f"{lan.VIP4}/32", f"{lan.VIP6}/128"):
            at = len(keeper.lines)
            lan.node.ip("addr", "del", address, "dev", "e0")
            gone = boot_ns()
            back = keeper.expect(rf"address {address.split('/')[0]} e0 0 removed by somebody", at=at)
            took.append(max(0, int(back.group("ns")) - gone) / 1e6)
            assert address in addresses(lan.node)
        time.sleep(0.05)
    print(f"back {statistics.median(took):.2f} ms after the end of `ip addr del` (max {max(took):.2f})")
    with excused(since):
        assert max(took) < 100
    assert keeper.status()["vip"]["removed"] == "20"
    assert lan.lan.ping(lan.VIP4) == 2 and lan.lan.ping(lan.VIP6) == 2


def test_flushed_device_gets_all_back(lan):
    keeper = lan.keeper("office=e0=" + ",".join(f"10.84.1.{i}" for i in range(1, 21)))
    lan.node.run("ip", "addr", "flush", "dev", "e0")  # may give up after its ten rounds
    wait_until(lambda: sum("/32" in a for a in addresses(lan.node)) == 20, 2, "all addresses to be back")
    assert len(keeper.find("address .* removed by somebody")) >= 20  # ip flushes until nothing is left


def test_a_war_is_fought_once_a_second(lan):
    keeper = lan.keeper()
    end = time.monotonic() + 2
    while time.monotonic() < end:
        lan.node.run("sh", "-c", f"for i in 1 2 3 4 5 6 7 8; do ip addr del {lan.VIP4}/32 dev e0; done")
    assert len(keeper.find("address .* removed by somebody")) <= 20 * 3 + 3
    wait_until(lambda: f"{lan.VIP4}/32" in addresses(lan.node), 3, "the address to be there after the war")


def test_primary_address_of_the_subnet_can_go(lan):
    """Deleting the primary of a subnet takes its secondaries along; a /32 is none."""
    keeper = lan.keeper()
    lan.node.ip("addr", "del", f"{lan.NODE4}/24", "dev", "e0")
    time.sleep(0.1)
    assert f"{lan.VIP4}/32" in addresses(lan.node) and not keeper.find("address ")


def test_link_down_and_up_is_nobodys_fault(lan):
    keeper = open_keeper(lan)
    lan.node.ip("link", "set", "e0", "down")
    keeper.expect(r"link 0 down")
    lan.node.ip("link", "set", "e0", "up")
    keeper.expect(r"link 0 up")
    wait_until(lambda: f"{lan.VIP6}/128" in addresses(lan.node), 2, "the IPv6 address to be back")
    assert not keeper.find("address .* removed by somebody")
    lan.node.ip("addr", "replace", f"{lan.NODE6}/64", "dev", "e0", "nodad")  # the kernel took it as well, and nobody looks after it
    wait_until(lambda: lan.lan.ping(lan.VIP4, 1), 3, "an answer")
    wait_until(lambda: lan.lan.ping(lan.VIP6, 1), 3, "an answer")


def test_carrier_is_told(lan):
    keeper = lan.keeper()
    lan.lan.ip("link", "set", "le0", "down")
    keeper.expect(r"link 0 down")
    lan.lan.ip("link", "set", "le0", "up")
    keeper.expect(r"link 0 up")


def test_device_that_comes_later(lan):
    keeper = lan.keeper(f"office=e5={lan.VIP4},{lan.VIP6}")
    assert len(keeper.find("address .* its device is not there")) == 2
    lan.plug("e5")
    keeper.expect(rf"address {lan.VIP4} e5 0 on its device again")
    keeper.expect(rf"address {lan.VIP6} e5 0 on its device again")
    assert set(addresses(lan.node, "e5")) >= {f"{lan.VIP4}/32", f"{lan.VIP6}/128"}
    for name in ("VIP4", "VIP6"):
        assert lan.lan.ping(getattr(lan, name)) == 0  # gated from before


def test_device_deleted_and_recreated(lan):
    keeper = open_keeper(lan)
    for _ in range(2):
        at = len(keeper.lines)
        lan.node.ip("link", "del", "e0")
        keeper.expect(r"address .* its device is not there", at=at)
        lan.plug("e0")
        keeper.expect(rf"address {lan.VIP6} e0 0 on its device again", at=at)
    assert set(addresses(lan.node)) >= {f"{lan.VIP4}/32", f"{lan.VIP6}/128"}
    assert not keeper.find("address .* removed by somebody")


def test_renamed_device_keeps_them_until_another_takes_the_name(lan):
    keeper = open_keeper(lan)
    lan.node.ip("link", "set", "e0", "name", "e9")
    time.sleep(0.2)
    assert set(addresses(lan.node, "e9")) >= {f"{lan.VIP4}/32", f"{lan.VIP6}/128"}
    assert not keeper.find("address ")
    cable(lan.node, "e0", lan.lan, "lnew")
    wait_until(lambda: set(addresses(lan.node, "e0")) >= {f"{lan.VIP4}/32", f"{lan.VIP6}/128"}, 2, "the addresses on the new e0")
    assert f"{lan.VIP4}/32" not in addresses(lan.node, "e9") and f"{lan.VIP6}/128" not in addresses(lan.node, "e9")


# ---- whose they are ----

def test_left_over_addresses_are_removed_at_start(lan):
    lan.plug("e1")
    lan.keeper(f"office=e0={lan.VIP4},{lan.VIP6},10.84.0.150", "branch=e1=10.84.0.151,fd84::151").kill()
    lan.node.ip("addr", "add", "10.84.0.160/32", "dev", "e0")  # an administrator's
    keeper = lan.keeper(f"office=e0={lan.VIP4},10.84.0.151")  # 151 has moved to e0
    assert {m["ip"] for m in keeper.find(r"address (?P<ip>\S+) \S+ 0 left over: removed")} == {lan.VIP6, "10.84.0.150", "10.84.0.151", "fd84::151"}
    assert set(a for a in addresses(lan.node) if "/32" in a or "/128" in a) == {f"{lan.VIP4}/32", "10.84.0.151/32", "10.84.0.160/32"}
    assert "10.84.0.151/32" not in addresses(lan.node, "e1")


def test_next_agent_finds_them_and_leaves_them(lan):
    lan.keeper().kill()
    monitor = lan.node.check("sh", "-c", "timeout 1 ip -o monitor address > /tmp/gt-monitor-$$ & sleep 0.2; echo $$").strip()
    lan.keeper()
    time.sleep(1)
    with open(f"/tmp/gt-monitor-{monitor}", encoding="ascii") as file:
        assert lan.VIP4 not in file.read()
    os.unlink(f"/tmp/gt-monitor-{monitor}")


def test_an_administrators_address_is_used_and_left(lan):
    lan.node.ip("addr", "add", f"{lan.VIP4}/24", "dev", "e0")
    lan.node.ip("addr", "add", f"{lan.VIP6}/64", "dev", "e0", "nodad")
    keeper = lan.keeper()
    assert len(keeper.find("address .* there without our tag")) == 2
    assert f"{lan.VIP4}/24" in addresses(lan.node) and f"{lan.VIP4}/32" not in addresses(lan.node)
    assert lan.lan.ping(lan.VIP4) == 0  # gated all the same
    keeper.do(f"set office {FAR_MS}")
    lan.forget_neighbours()
    assert lan.lan.ping(lan.VIP4) == 2 and lan.lan.ping(lan.VIP6) == 2
    lan.node.ip("addr", "del", f"{lan.VIP4}/24", "dev", "e0")
    keeper.expect(rf"address {lan.VIP4} e0 0 removed by somebody")
    assert f"{lan.VIP4}/32" in addresses(lan.node)
    keeper.do("remove")
    assert f"{lan.VIP6}/64" in addresses(lan.node) and f"{lan.VIP4}/32" not in addresses(lan.node)


def test_same_address_on_another_device_is_said(lan):
    lan.plug("e1")
    lan.node.ip("addr", "add", f"{lan.VIP4}/32", "dev", "e1")
    keeper = lan.keeper()
    keeper.expect(rf"address {lan.VIP4} e1 0 on another device")
    assert f"{lan.VIP4}/32" in addresses(lan.node, "e1")


def test_reload(lan):
    lan.plug("e1")
    keeper = lan.keeper(f"office=e0={lan.VIP4},{lan.VIP6},10.84.0.150")
    keeper.do(f"reload office=e0={lan.VIP4},10.84.0.151 branch=e1={lan.VIP6}")
    keeper.expect("reloaded 0")
    assert set(a for a in addresses(lan.node) if "/32" in a or "/128" in a) == {f"{lan.VIP4}/32", "10.84.0.151/32"}
    assert f"{lan.VIP6}/128" in addresses(lan.node, "e1")
    time.sleep(0.1)
    assert not keeper.find("address .* removed by somebody")


def test_thousand_addresses(lan):
    v4 = [f"10.84.{4 + i // 250}.{1 + i % 250}" for i in range(500)]
    v6 = [f"fd84::1:{i:x}" for i in range(500)]
    keeper = lan.keeper("office=e0=" + ",".join(v4 + v6))
    print("start with 1,000 addresses:", keeper.expect("ready ").string)
    here = addresses(lan.node)
    assert sum("/32" in a for a in here) == 500 and sum("/128" in a for a in here) == 500
    keeper.do(f"set office {FAR_MS}")
    at = len(keeper.lines)
    needles = [socket.inet_aton(a) for a in v4]
    with contextlib.closing(Capture(lan.lan, ["le0"], [b"\x0a\x54"])) as capture:
        start = boot_ns()
        keeper.do("announce office")
        told = keeper.expect("announced 0 0", at=at)
        print(f"announced 1,000 addresses in {(int(told.group('ns')) - start) / 1e6:.1f} ms")
        frames = capture.take()
    assert {f[28:32] for f in frames if f[12:14] == b"\x08\x06"} == set(needles)
    start = boot_ns()
    lan.node.run("ip", "addr", "flush", "dev", "e0")
    wait_until(lambda: len([a for a in addresses(lan.node) if "/32" in a or "/128" in a]) == 1000, 20, "all to be back", 0.2)
    print(f"1,000 flushed addresses back after {(boot_ns() - start) / 1e6:.0f} ms, flush included")
    start = boot_ns()
    keeper.do("remove")
    print(f"removed in {(boot_ns() - start) / 1e6:.0f} ms")
    assert "/32" not in "".join(addresses(lan.node))


def test_lost_events_are_made_up_for(lan):
    """The agent stands still while more happens than its socket can keep; then it looks at everything again."""
    import signal
    keeper = lan.keeper()
    os.kill(keeper.pid, signal.SIGSTOP)
    lan.node.ip("addr", "del", f"{lan.VIP4}/32", "dev", "e0")
    flood = "".join(f"addr add 10.9.{i % 200}.{i // 200 + 1}/32 dev e0\naddr del 10.9.{i % 200}.{i // 200 + 1}/32 dev e0\n" for i in range(6000))
    lan.node.check("ip", "-batch", "-", input=flood)
    lan.node.tc("qdisc", "del", "dev", "e0", "clsact")
    os.kill(keeper.pid, signal.SIGCONT)
    keeper.expect(rf"address {lan.VIP4} e0 0 removed by somebody", 10)
    keeper.expect(r"repaired e0 0", 10)
    wait_until(lambda: f"{lan.VIP4}/32" in addresses(lan.node), 2, "the address to be back")
    assert int(keeper.status()["vip"]["overruns"]) >= 1


# ---- announced ----

def announcements(capture, seconds):
    """(ns, kind) of each announcement that arrives."""
    end, found = time.monotonic() + seconds, []
    while time.monotonic() < end:
        for frame in capture.take():
            if frame[12:14] == b"\x08\x06":
                found.append((boot_ns(), "arp", frame[21], frame))
            elif frame[12:14] == b"\x86\xdd" and frame[54] == 136:
                found.append((boot_ns(), "na", frame[54], frame))
        time.sleep(0.002)
    return found


def test_announced_in_all_forms_and_on_schedule(lan):
    keeper = open_keeper(lan)
    mac = lan.node.mac("e0")
    needles = [socket.inet_aton(lan.VIP4), socket.inet_pton(socket.AF_INET6, lan.VIP6)]
    with contextlib.closing(Capture(lan.lan, ["le0"], needles)) as capture:
        start = boot_ns()
        keeper.do("announce office")
        found = announcements(capture, 5.5)
    for kind, operation in (("arp", 1), ("arp", 2), ("na", 136)):
        at = [round((ns - start) / 1e9, 2) for ns, k, o, _ in found if (k, o) == (kind, operation)]
        assert len(at) == 4, (kind, operation, at)
        assert at == pytest.approx([0, 0.1, 1, 5], abs=0.1)
    assert all(frame[6:12] == mac for _, _, _, frame in found)
    advert = next(frame for _, kind, _, frame in found if kind == "na")
    assert advert[58] == 0x20  # override, not solicited, no router
    assert lan.lan.ip("neigh", "show", lan.VIP4) == "" or mac.hex(":") in lan.lan.ip("neigh", "show", lan.VIP4)


def test_neighbours_learn_the_new_holder(lan):
    """An old entry on the LAN is overwritten by each family's announcement alone."""
    keeper = open_keeper(lan)
    old = "02:00:00:00:00:99"
    lan.lan.ip("neigh", "replace", lan.VIP4, "lladdr", old, "dev", "br0", "nud", "stale")
    lan.lan.ip("neigh", "replace", lan.VIP6, "lladdr", old, "dev", "br0", "nud", "stale")
    keeper.do("announce office")
    mac = lan.node.mac("e0").hex(":")
    for address in (lan.VIP4, lan.VIP6):
        wait_until(lambda a=address: mac in lan.lan.ip("neigh", "show", a), 1, "the neighbour entry")


def test_router_says_that_it_is_one(lan):
    """RFC 4861: a host that sees the router flag go drops its default route through the node."""
    lan.node.check("sysctl", "-qw", "net.ipv6.conf.e0.forwarding=1")
    keeper = open_keeper(lan)
    with contextlib.closing(Capture(lan.lan, ["le0"], [socket.inet_pton(socket.AF_INET6, lan.VIP6)])) as capture:
        keeper.do("announce office")
        found = announcements(capture, 0.05)
    assert {frame[58] for _, kind, _, frame in found if kind == "na"} == {0xA0}


def test_shut_gate_tells_the_announcer(lan):
    keeper = lan.keeper()
    keeper.do("announce office")
    keeper.expect("announced 0 -105")  # ENOBUFS
    assert int(keeper.status()["vip"]["dropped"]) == 3


def test_announced_again_when_the_link_is_back_and_after_a_pause(lan):
    keeper = open_keeper(lan)
    keeper.do("announce office")
    time.sleep(0.2)
    with contextlib.closing(Capture(lan.lan, ["le0"], [socket.inet_aton(lan.VIP4)])) as capture:
        keeper.do("again office")
        assert len([f for f in announcements(capture, 0.05) if f[1] == "arp"]) == 2
        lan.node.ip("link", "set", "e0", "down")
        lan.node.ip("link", "set", "e0", "up")
        assert len([f for f in announcements(capture, 0.5) if f[1] == "arp"]) >= 2
        keeper.do("stop office")
        capture.take()
        lan.node.ip("link", "set", "e0", "down")
        lan.node.ip("link", "set", "e0", "up")
        assert not [f for f in announcements(capture, 0.5) if f[1] == "arp"]


def test_new_mac_is_announced(lan):
    keeper = open_keeper(lan)
    keeper.do("announce office")
    time.sleep(0.2)
    with contextlib.closing(Capture(lan.lan, ["le0"], [socket.inet_aton(lan.VIP4)])) as capture:
        lan.node.ip("link", "set", "e0", "address", "02:00:00:00:aa:01")
        found = wait_until(capture.take, 1, "an announcement")
    assert any(f[22:28] == bytes.fromhex("02000000aa01") for f in found)


# ---- rivals ----

RIVAL = bytes.fromhex("020000000066")


def claims(lan):
    v4, v6 = socket.inet_aton(lan.VIP4), socket.inet_pton(socket.AF_INET6, lan.VIP6)
    all_nodes = socket.inet_pton(socket.AF_INET6, "ff02::1")
    head = b"\x33\x33\0\0\0\1" + RIVAL + b"\x86\xdd"
    advert = b"\x88\0\0\0\x20\0\0\0" + v6
    return {
        "gratuitous ARP, request": (lan.VIP4, BROADCAST + RIVAL + b"\x08\x06" + arp(1, RIVAL, v4, b"\0" * 6, v4)),
        "gratuitous ARP, reply": (lan.VIP4, BROADCAST + RIVAL + b"\x08\x06" + arp(2, RIVAL, v4, BROADCAST, v4)),
        "ARP question from the address": (lan.VIP4, BROADCAST + RIVAL + b"\x08\x06" + arp(1, RIVAL, v4, b"\0" * 6, socket.inet_aton(lan.LAN4))),
        "neighbour advertisement": (lan.VIP6, head + icmp6(v6, all_nodes, advert + b"\2\1" + RIVAL)),
        "neighbour advertisement without option": (lan.VIP6, head + icmp6(v6, all_nodes, advert)),
    }


def test_rival_is_reported_and_answered(lan):
    keeper = open_keeper(lan)
    keeper.do("announce office")
    time.sleep(0.3)
    for name, (address, frame) in claims(lan).items():
        time.sleep(1.05)
        at = len(keeper.lines)
        with contextlib.closing(Capture(lan.lan, ["le0"], [socket.inet_aton(lan.VIP4)])) as capture:
            with lan.lan.inside():
                send("br0", frame)
            keeper.expect(rf"contended {address} e0 {RIVAL.hex(':')}", at=at), name
            wait_until(lambda c=capture: any(f[22:28] == lan.node.mac("e0") for f in c.take()), 1, f"an answer to {name}")


def test_flood_of_claims_is_no_flood_of_reports(lan):
    keeper = open_keeper(lan)
    keeper.do("announce office")
    _, frame = claims(lan)["gratuitous ARP, reply"]
    at = len(keeper.lines)
    with contextlib.closing(Capture(lan.lan, ["le0"], [socket.inet_aton(lan.VIP4)])) as capture:
        began = time.monotonic()
        with lan.lan.inside():
            for _ in range(1000):
                send("br0", frame)
                time.sleep(0.001)
        answers = [f for f in announcements(capture, 0.2) if f[1] == "arp"]
    seconds = time.monotonic() - began  # closing a packet socket waits for the kernel: one second, or fifteen on a busy machine
    assert 1 <= len(keeper.find("contended", at)) <= seconds + 3
    assert len(answers) <= 2 * (10 * seconds + 15)  # both forms, at most each 100 ms
    assert int(keeper.status()["vip"]["contentions"]) > 500


def test_what_is_no_rival(lan):
    keeper = open_keeper(lan)
    keeper.do("announce office")
    v4 = socket.inet_aton(lan.VIP4)
    own = lan.node.mac("e0")
    with lan.lan.inside():
        send("br0", BROADCAST + RIVAL + b"\x08\x06" + arp(1, own, v4, b"\0" * 6, v4))  # our own, come back
        send("br0", BROADCAST + RIVAL + b"\x08\x06" + arp(1, RIVAL, b"\0" * 4, b"\0" * 6, v4))  # a probe claims nothing
        send("br0", BROADCAST + RIVAL + b"\x08\x06" + arp(2, RIVAL, socket.inet_aton("10.84.0.50"), BROADCAST, v4))
        send("br0", BROADCAST + RIVAL + b"\x81\0\0\7\x08\x06" + arp(2, RIVAL, v4, BROADCAST, v4))  # another VLAN
        send("br0", BROADCAST + RIVAL + b"\x08\x06" + arp(2, RIVAL, v4, BROADCAST, v4)[:16])  # cut short
    assert lan.lan.ping(lan.VIP4) == 2
    assert not keeper.find("contended")
    keeper.do("stop office")  # a standby hears the holder all the time
    with lan.lan.inside():
        send("br0", claims(lan)["gratuitous ARP, reply"][1])
    time.sleep(0.1)
    assert not keeper.find("contended")


def test_own_second_card_is_no_rival(lan):
    lan.plug("e1")
    lan.node.ip("addr", "add", "10.84.0.3/24", "dev", "e1")
    keeper = open_keeper(lan)
    keeper.do("announce office")
    for _ in range(5):
        lan.forget_neighbours()
        assert lan.lan.ping(lan.VIP4, 1) == 1  # both cards answer the LAN's question
    assert not keeper.find("contended")


def test_verified_when_nobody_else_answers(lan):
    keeper = open_keeper(lan)
    with contextlib.closing(Capture(lan.lan, ["le0"], [socket.inet_aton(lan.VIP4), socket.inet_pton(socket.AF_INET6, lan.VIP6)])) as capture:
        start = boot_ns()
        keeper.do("verify office")
        done = keeper.expect("verified 0 0 ")
        frames = capture.take()
    assert 0.1 < (int(done.group("ns")) - start) / 1e9 < 0.4
    questions = [f for f in frames if f[12:14] == b"\x08\x06"]
    assert len(questions) == 2 and all(f[28:32] == socket.inet_aton(lan.NODE4) for f in questions)
    assert len([f for f in frames if f[12:14] == b"\x86\xdd" and f[54] == 135]) == 2


@pytest.mark.parametrize("address", ["VIP4", "VIP6"])
def test_verify_finds_another_holder(lan, address):
    ip = getattr(lan, address)
    lan.lan.ip("addr", "add", f"{ip}/{128 if ':' in ip else 32}", "dev", "br0", *(["nodad"] if ":" in ip else []))
    keeper = open_keeper(lan)
    keeper.do("verify office")
    keeper.expect(rf"verified 0 -98 {ip} {lan.lan.mac('br0').hex(':')}")


def test_verify_without_device_says_so(lan):
    keeper = lan.keeper(f"office=e7={lan.VIP4}")
    keeper.do("verify office")
    keeper.expect("verified 0 -19 ")
    keeper.do("announce office")
    keeper.expect("announced 0 -19")


# ---- connections ----

@pytest.mark.parametrize("family", ["4", "6", "mapped"])
def test_connections_on_the_address_are_ended_and_nothing_else(lan, family):
    keeper = open_keeper(lan)
    ip = lan.VIP6 if family == "6" else lan.VIP4
    with contextlib.ExitStack() as stack:
        with lan.node.inside():
            kind = socket.AF_INET if family == "4" else socket.AF_INET6
            server = stack.enter_context(socket.socket(kind))
            if family == "mapped":
                server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            server.bind(("::" if family == "mapped" else ip, 5061))
            server.listen(16)
            other = stack.enter_context(socket.socket())
            other.bind((lan.NODE4, 5062))
            other.listen(1)
        with lan.lan.inside():
            clients = [stack.enter_context(socket.create_connection((ip, 5061), 2)) for _ in range(5)]
            spared = stack.enter_context(socket.create_connection((lan.NODE4, 5062), 2))
        accepted = [stack.enter_context(server.accept()[0]) for _ in clients]
        keeps = stack.enter_context(other.accept()[0])
        keeper.do("set office 0")
        keeper.do("destroy office")
        keeper.expect("destroyed 0 count=5")
        for connection in accepted:
            with pytest.raises(OSError):
                connection.send(b"x")
        spared.send(b"still here")
        assert keeps.recv(99) == b"still here"
        # The listener is there for the next tenure.
        keeper.do(f"set office {FAR_MS}")
        with lan.lan.inside():
            stack.enter_context(socket.create_connection((ip, 5061), 2))


def test_more_connections_than_one_sweep(lan):
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
    keeper = open_keeper(lan)
    with contextlib.ExitStack() as stack:
        with lan.node.inside():
            server = stack.enter_context(socket.socket())
            server.bind((lan.VIP4, 5061))
            server.listen(4096)
        accepted = []
        for _ in range(1500):
            with lan.lan.inside():
                client = stack.enter_context(socket.create_connection((lan.VIP4, 5061), 2))
            accepted.append(stack.enter_context(server.accept()[0]))
            assert client
        start = boot_ns()
        keeper.do("destroy office")
        keeper.expect("destroyed 0 count=1500")
        print(f"1,500 connections ended in {(boot_ns() - start) / 1e6:.0f} ms")
