# SPDX-License-Identifier: GPL-2.0-or-later
"""The virtual MAC of VRRP: its interface, and the gate that keeps a standby from using it. What was found is in docs/GATE.md."""
import contextlib
import json
import os
import socket
import struct
import subprocess
import time

import pytest
from gatelab import Capture, Lan, SourceCapture, Space, boot_ns, cable, wait_until
from ringlab.paths import ROOT
from stimuli import BROADCAST, arp, icmp6, ip4, send, udp4

FAR_MS = 50_000
VRID = 51
MAC4, MAC6 = bytes((0, 0, 0x5E, 0, 1, VRID)), bytes((0, 0, 0x5E, 0, 2, VRID))
V4, V6 = f"v4.{VRID}.e0", f"v6.{VRID}.e0"
LINK6 = "fe80::51"
MODES = pytest.mark.parametrize("mode", ["bridge", "private"])


class Switch(Lan):
    """The LAN with a second node and a client, each on a port of the bridge."""

    def __init__(self):
        self.other, self.client = Space("other"), Space("client")
        super().__init__()
        for number, space, port in ((3, self.other, "lo0"), (9, self.client, "lc0")):
            self.plug("e0", space, port)
            space.ip("addr", "add", f"10.84.0.{number}/24", "dev", "e0")
            space.ip("addr", "add", f"fd84::{number}/64", "dev", "e0", "nodad")

    def plug(self, device, space=None, port=None):
        """Its link-local address can be used at once."""
        space, port = space or self.node, port or "l" + device
        detect = "echo {} > /proc/sys/net/ipv6/conf/default/accept_dad"
        space.check("sh", "-c", detect.format(0))
        cable(space, device, self.lan, port)
        space.check("sh", "-c", detect.format(1))
        self.lan.ip("link", "set", port, "master", "br0")

    def group(self, mode="bridge"):
        return f"office=e0:{mode}:{VRID}={self.VIP4},{self.VIP6}"

    def router(self, mode="bridge", *options, node=None):
        """A keeper whose addresses have a virtual MAC."""
        home, self.node = self.node, node or self.node
        keeper = self.keeper(*options, self.group(mode))
        rules = ("arp", "inet")
        wait_until(lambda: all(V4 in text and V6 in text for text in (self.node.run("nft", "list", "set", f, "ringkeep", "gated").stdout for f in rules)),
                   5, "the gate on the virtual MACs, and the guard to know", step_s=0.02)
        self.node = home
        return keeper

    def port_of(self, mac):
        """The port on which the bridge has learned it."""
        for line in self.lan.check("bridge", "fdb", "show", "br", "br0").splitlines():
            if line.startswith(mac.hex(":")):
                return line.split(" dev ")[1].split()[0]
        return None

    def close(self):
        super().close()
        self.other.close()
        self.client.close()


@pytest.fixture()
def lan():
    if os.geteuid() != 0:
        pytest.fail("the lab needs root: namespaces, BPF, nftables")
    with contextlib.closing(Switch()) as lan:
        yield lan


# ---- what a standby says ----

def link(space, device, *words):
    return lambda: space.ip("link", "set", device, *words)


def speak(family, source, target, kind=socket.SOCK_DGRAM, device=None):
    def do():
        with contextlib.closing(socket.socket(family, kind)) as s:
            if device:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
            s.bind((source, 0))
            s.setblocking(False)
            with contextlib.suppress(OSError):  # no route by the virtual MAC's interface
                s.connect((target, 9))
                s.send(b"hi")
    return do


def join(family, group, device):
    """The kernel reports the membership by itself."""
    def do():
        with contextlib.closing(socket.socket(family, socket.SOCK_DGRAM)) as s:
            index = socket.if_nametoindex(device)
            if family == socket.AF_INET:
                s.setsockopt(0, 35, struct.pack("4s4si", socket.inet_aton(group), b"\0" * 4, index))  # IP_ADD_MEMBERSHIP
            else:
                s.setsockopt(41, 20, socket.inet_pton(family, group) + struct.pack("i", index))  # IPV6_JOIN_GROUP
            time.sleep(0.1)
    return do


def chatter(lan):
    """What makes a node speak with a virtual MAC: (name, function), called in the node."""
    vip4, lan4 = socket.inet_aton(lan.VIP4), socket.inet_aton(lan.LAN4)
    all_nodes, vip6 = socket.inet_pton(socket.AF_INET6, "ff02::1"), socket.inet_pton(socket.AF_INET6, lan.VIP6)
    advert = icmp6(vip6, all_nodes, b"\x88\0\0\0\x20\0\0\0" + vip6 + b"\2\1" + MAC6)
    garp = b"\x08\x06" + arp(2, MAC4, vip4, BROADCAST, vip4)
    for device, mac, payload, to in ((V4, MAC4, garp, BROADCAST), (V6, MAC6, b"\x86\xdd" + advert, b"\x33\x33\0\0\0\1"),
                                     (V4, MAC4, b"\x08\0" + udp4(vip4, lan4), lan.lan.mac("br0")),
                                     (V4, MAC4, b"\x88\xb5 nothing that IP knows", BROADCAST),
                                     (V6, MAC6, b"\x88\xb5 nothing that IP knows", BROADCAST)):
        for by in (device, "e0"):
            yield f"frame {payload[:4].hex()} of {device} by {by}", lambda by=by, f=to + mac + payload: send(by, f)
        yield f"frame {payload[:4].hex()} of {device} past the queues", lambda by=device, f=to + mac + payload: send(by, f, bypass=True)
    def detect_duplicate():
        lan.node.ip("addr", "add", "fd84::77/128", "dev", V6)
        time.sleep(1.2)  # it begins after a random delay of up to a second

    yield "duplicate detection", detect_duplicate
    yield "IGMP report", join(socket.AF_INET, "239.1.2.3", V4)
    yield "MLD report", join(socket.AF_INET6, "ff05::1234", V6)
    for device in (V4, V6):
        yield f"{device} down", link(lan.node, device, "down")
        yield f"{device} up", link(lan.node, device, "up")
    yield "base down", link(lan.node, "e0", "down")
    yield "base up", link(lan.node, "e0", "up")
    for name, do in (("UDP", speak(socket.AF_INET, lan.VIP4, lan.LAN4)), ("UDP, IPv6", speak(socket.AF_INET6, lan.VIP6, lan.LAN6)),
                     ("UDP to a stranger", speak(socket.AF_INET, lan.VIP4, "10.84.0.77")),
                     ("TCP", speak(socket.AF_INET, lan.VIP4, lan.LAN4, socket.SOCK_STREAM)),
                     ("TCP, IPv6", speak(socket.AF_INET6, lan.VIP6, lan.LAN6, socket.SOCK_STREAM)),
                     ("UDP from any address, bound to the interface", speak(socket.AF_INET, "0.0.0.0", "255.255.255.255", device=V4)),
                     ("multicast, bound to the interface", speak(socket.AF_INET6, "::", "ff02::1234", device=V6))):
        yield name, do


def questions(lan):
    """What the LAN asks, so that the node would answer with a virtual MAC."""
    vip4, lan4, mac = socket.inet_aton(lan.VIP4), socket.inet_aton(lan.LAN4), lan.lan.mac("br0")
    vip6, lan6 = socket.inet_pton(socket.AF_INET6, lan.VIP6), socket.inet_pton(socket.AF_INET6, lan.LAN6)
    question = b"\x08\x06" + arp(1, mac, lan4, b"\0" * 6, vip4)
    solicit = b"\x86\xdd" + icmp6(lan6, vip6, b"\x87\0\0\0\0\0\0\0" + vip6 + b"\1\1" + mac)
    query4 = b"\x08\0" + ip4(lan4, socket.inet_aton("224.0.0.1"), 2, b"\x11\x01\xee\xfe\0\0\0\0", options=b"\x94\4\0\0")
    query6 = b"\x86\xdd" + icmp6(socket.inet_pton(socket.AF_INET6, "fe80::2"), socket.inet_pton(socket.AF_INET6, "ff02::1"),
                                 b"\x82\0\0\0\0\1\0\0" + b"\0" * 16, (0, b"\x3a\0\x05\x02\0\0\1\0"), hops=1)
    yield "ARP who-has", BROADCAST + mac + question
    yield "ARP who-has, unicast", MAC4 + mac + question
    yield "neighbour solicitation, unicast", MAC6 + mac + solicit
    yield "IGMP query", b"\1\0\x5e\0\0\1" + mac + query4
    yield "MLD query", b"\x33\x33\0\0\0\1" + mac + query6


def heard(lan, port="le0"):
    """Frames with a virtual MAC as source that come out of the node, by what caused them."""
    found = {}
    with contextlib.closing(SourceCapture(lan.lan, [port], [MAC4, MAC6])) as capture:
        for name, do in chatter(lan):
            with lan.node.inside():
                with contextlib.suppress(OSError):  # a dead keeper puts no address back
                    do()
            time.sleep(0.04)
            found[name] = len(capture.take())
        for name, frame in questions(lan):
            with lan.lan.inside():
                send("br0", frame)
            time.sleep(0.04)
            found[name] = len(capture.take())
        time.sleep(1.2)  # reports are repeated within a second
        found["repeated reports"] = len(capture.take())
    return found


@MODES
def test_standbys_virtual_mac_is_never_seen_on_the_wire(lan, mode):
    """From before its interface is made, whatever the kernel and others on the node do with it."""
    with contextlib.closing(SourceCapture(lan.lan, ["le0"], [MAC4, MAC6])) as capture:
        lan.router(mode)
        found = heard(lan)
        assert {name: count for name, count in found.items() if count} == {}
        assert len(found) > 30 and not capture.take()


@MODES
def test_without_the_gate_it_would_be_seen(lan, mode):
    """What makes the test above worth something: the gate knows the addresses here, but not the MACs."""
    lan.router(mode, "--no-macs")
    found = heard(lan)
    kernel = {"IGMP report", "MLD report", "duplicate detection", "MLD query"}
    assert {name for name, count in found.items() if count} >= kernel | {f"frame 88b5206e of {V4} by {V4}", f"frame 88b5206e of {V6} by e0"}, found


def test_open_gate_is_not_in_the_way_of_a_virtual_mac(lan):
    keeper = lan.router()
    keeper.do(f"set office {FAR_MS}")
    found = heard(lan)
    assert {name for name, count in found.items() if not count} <= {
        # Nothing is to be said, or the interface below is down.
        f"{V4} down", f"{V4} up", f"{V6} down", f"{V6} up", "base down", "base up", "repeated reports", "IGMP query",
        # Routed by the interface below, with its own MAC.
        "UDP", "UDP, IPv6", "UDP to a stranger", "TCP", "TCP, IPv6",
        # Not even with one of the interface's addresses: their scope is the host.
        "UDP from any address, bound to the interface", "multicast, bound to the interface"}, found


@contextlib.contextmanager
def listener(space, address, port):
    with space.inside():
        s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((address, port))
        s.settimeout(0.3)
    with contextlib.closing(s):
        yield s


@MODES
def test_standby_accepts_no_frame_for_a_virtual_mac(lan, mode):
    """Also one to the node's own address: it would be a second receiver of what a switch floods."""
    keeper = lan.router(mode)
    frame = MAC4 + lan.lan.mac("br0") + b"\x08\0" + udp4(socket.inet_aton(lan.LAN4), socket.inet_aton(lan.NODE4), port=7001)
    received = {}
    with listener(lan.node, lan.NODE4, 7001) as s:
        for ms in (0, FAR_MS):
            keeper.do(f"set office {ms}")
            with lan.lan.inside():
                send("br0", frame)
            try:
                received[ms] = len(s.recv(99))
            except TimeoutError:
                received[ms] = 0
    assert received == {0: 0, FAR_MS: 8}
    status = keeper.status()["group office"]
    assert status["macs"] == "2" and int(status["in"]) > 0


@MODES
def test_adverts_with_the_virtual_mac_as_source_are_heard_on_the_base(lan, mode):
    """By a socket for all protocols, once, and whether the gate is open or shut; the kernel itself would hand them to one interface or the other."""
    keeper = lan.router(mode)
    message = struct.pack("!BBBBBBH4s", 0x31, VRID, 100, 1, 0, 100, 0, socket.inet_aton(lan.VIP4))
    frame = b"\1\0\x5e\0\0\x12" + MAC4 + b"\x08\0" + ip4(socket.inet_aton(lan.LAN4), socket.inet_aton("224.0.0.18"), 112, message)
    with contextlib.closing(SourceCapture(lan.node, ["e0"], [MAC4])) as capture:
        for ms in (0, FAR_MS):
            keeper.do(f"set office {ms}")
            capture.take()
            with lan.lan.inside():
                send("br0", frame)
            time.sleep(0.1)
            assert len([f for f in capture.take() if f[:len(frame)] == frame]) == 1


# ---- who survives whom ----

def test_killed_keeper_leaves_a_virtual_mac_that_falls_silent(lan):
    keeper = lan.router()
    keeper.do("set office 2000")
    assert lan.client.ping(lan.VIP4, 1) == 1
    keeper.kill()
    index = lan.node.index(V4)
    assert lan.client.ping(lan.VIP4, 1) == 1 and lan.client.ping(lan.VIP6, 1) == 1  # until the deadline
    time.sleep(2)
    assert {name: count for name, count in heard(lan).items() if count} == {}
    assert lan.client.ping(lan.VIP4) == 0
    assert lan.node.index(V4) == index  # it is still there


@MODES
def test_next_keeper_takes_gate_and_interfaces_over(lan, mode):
    first = lan.router(mode)
    first.do("renew office 1500 50")
    lan.client.ping(lan.VIP4)
    indexes = [lan.node.index(device) for device in (V4, V6)]
    lost = subprocess.Popen(["ip", "netns", "exec", lan.client.name, "ping", "-c", "100", "-i", "0.02", "-W", "1", lan.VIP4], stdout=subprocess.PIPE, text=True)
    for _ in range(2):
        lan.keepers[-1].kill()
        second = lan.router(mode)
        second.expect(r"ready adopted=1")
        second.do("renew office 1500 50")
        assert not second.find("vmac ")
    assert " 100 received, 0% packet loss" in lost.communicate()[0]
    assert [lan.node.index(device) for device in (V4, V6)] == indexes
    second.kill()
    time.sleep(1.6)
    third = lan.router(mode)
    third.expect(r"ready adopted=1")
    assert lan.client.ping(lan.VIP4) == 0


FORMER_GATE = r"""
#include "gate_layout.h"
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(map_flags, BPF_F_MMAPABLE); __uint(max_entries, GATE_SLOTS);
	 __type(key, __u32); __type(value, struct gate_slot); } rk_slots SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, GATE_ADDRESSES_MAX);
	 __type(key, __u32); __type(value, __u32); } rk_v4 SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, GATE_ADDRESSES_MAX);
	 __type(key, struct gate_v6); __type(value, __u32); } rk_v6 SEC(".maps");

SEC("tc") int former(struct __sk_buff *skb)
{
	struct gate_v6 v6 = { { 0 } };
	__u32 key = 5;

	return bpf_map_lookup_elem(&rk_slots, &key) && bpf_map_lookup_elem(&rk_v4, &key) && bpf_map_lookup_elem(&rk_v6, &v6) ? 2 : -1;
}
"""


def test_gate_of_before_virtual_macs_is_adopted_with_its_deadlines(lan, tmp_path):
    """It has no map of MACs: that is made and filled before the new program takes the place of the old one."""
    wire_id = 2166136261
    for byte in b"office":
        wire_id = (wire_id ^ byte) * 16777619 & 0xFFFFFFFF
    (tmp_path / "former.c").write_text(FORMER_GATE)
    subprocess.run(["clang", "-target", "bpf", "-O2", "-g", "-I", ROOT / "fencing", "-idirafter", f"/usr/include/{os.uname().machine}-linux-gnu",
                    "-c", tmp_path / "former.c", "-o", tmp_path / "former.o"], check=True)
    lan.node.tc("qdisc", "add", "dev", "e0", "clsact")
    lan.node.tc("filter", "add", "dev", "e0", "ingress", "pref", "1", "handle", "0x524b0001", "protocol", "all", "bpf", "da",
                "obj", tmp_path / "former.o", "sec", "tc")
    program = lan.node.tc("filter", "show", "dev", "e0", "ingress").split(" id ")[1].split()[0]
    bpftool = ["/usr/sbin/bpftool", "-j"]
    maps = json.loads(subprocess.check_output([*bpftool, "prog", "show", "id", program]))["map_ids"]
    slots = next(m for m in maps if json.loads(subprocess.check_output([*bpftool, "map", "show", "id", str(m)]))["name"] == "rk_slots")
    slot = struct.pack("=QQQQ", boot_ns() + 20_000_000_000, 0, 0, 1 << 32 | wire_id)
    subprocess.run([*bpftool, "map", "update", "id", str(slots), "key", "7", "0", "0", "0", "value", *map(str, slot)], check=True, stdout=subprocess.DEVNULL)
    keeper = lan.router()
    keeper.expect("ready adopted=1")
    assert lan.client.ping(lan.VIP4) == 2
    keeper.do("set office 0")
    assert lan.client.ping(lan.VIP4) == 0
    with lan.node.inside(), contextlib.closing(SourceCapture(lan.lan, ["le0"], [MAC4])) as capture:
        send("e0", BROADCAST + MAC4 + b"\x88\xb5 nothing that IP knows")
        assert not capture.take()


def test_adopted_virtual_mac_follows_its_group(lan):
    """The MAC of a group that is no more opens nothing, and after a reload it is nobody's."""
    lan.router().do(f"set office {FAR_MS}")
    lan.keepers[-1].kill()
    keeper = lan.keeper(f"branch=e0:bridge:{VRID}={lan.VIP4}")
    keeper.expect(r"ready adopted=1")
    assert lan.client.ping(lan.VIP4) == 0
    with contextlib.closing(SourceCapture(lan.lan, ["le0"], [MAC4, MAC6])) as capture:
        for mac in (MAC4, MAC6):
            with lan.node.inside():
                send("e0", BROADCAST + mac + b"\x88\xb5 nothing that IP knows")
        assert not capture.take()
        keeper.do(f"reload branch=e0={lan.VIP4}")
        keeper.expect("reloaded 0")
        for mac in (MAC4, MAC6):
            with lan.node.inside():
                send("e0", BROADCAST + mac + b"\x88\xb5 nothing that IP knows")
        assert len(wait_until(capture.take, 1, "frames with MACs that are nobody's")) == 2
    assert "macvlan" not in lan.node.ip("-d", "link")


def test_a_virtual_mac_of_two_groups_is_refused(lan):
    keeper = lan.keeper(f"office=e0:bridge:{VRID}={lan.VIP4}", f"branch=e1:bridge:{VRID}=10.84.0.101", ready=False)
    assert "give them different VRIDs" in keeper.expect("failed -17 (?P<text>.*)", 3)["text"]


# ---- the interface ----

def conf(space, device, setting):
    return space.check("cat", f"/proc/sys/net/{setting.format(device)}").strip()


def test_interface_is_as_it_should_be(lan):
    lan.node.check("sh", "-c", "cd /proc/sys/net; echo 1 > ipv4/conf/all/rp_filter; echo 1 > ipv4/conf/e0/forwarding; echo 1 > ipv6/conf/e0/forwarding")
    keeper = lan.router("private")
    for device, mac, other in ((V4, MAC4, "inet6"), (V6, MAC6, "inet ")):
        shown = lan.node.ip("-d", "addr", "show", device)
        assert f"{device}@e0" in shown and mac.hex(":") in shown and "mode private" in shown and "ringkeep virtual MAC" in shown
        assert other not in shown and "UP" in shown
    assert {conf(lan.node, d, "ipv4/conf/{}/arp_ignore") for d in (V4, V6, "e0")} == {"1"}
    assert conf(lan.node, "e0", "ipv4/conf/{}/arp_announce") == "2"
    assert conf(lan.node, V4, "ipv4/conf/{}/forwarding") == conf(lan.node, V6, "ipv6/conf/{}/forwarding") == "1"  # as the base
    keeper.do(f"set office {FAR_MS}")
    assert lan.client.ping(lan.VIP4) == 2  # although all.rp_filter is strict: answers leave by e0
    keeper.do("remove")
    keeper.expect("removed vip=0 gate=0 guard=0 macs=0")
    assert conf(lan.node, "e0", "ipv4/conf/{}/arp_ignore") == "0" and conf(lan.node, "e0", "ipv4/conf/{}/arp_announce") == "0"
    assert "macvlan" not in lan.node.ip("-d", "link")
    keeper.quit()


def test_settings_of_the_base_come_back_after_restarts_and_as_they_were(lan):
    lan.node.check("sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/e0/arp_announce")
    lan.router().kill()
    keeper = lan.keeper(lan.group(), "branch=e0:bridge:52=10.84.0.101")
    keeper.do("reload branch=e0:bridge:52=10.84.0.101")  # one of two goes
    keeper.expect("reloaded 0")
    assert conf(lan.node, "e0", "ipv4/conf/{}/arp_announce") == "2" and V4 not in lan.node.ip("link")
    lan.node.check("sh", "-c", "echo 3 > /proc/sys/net/ipv4/conf/e0/arp_ignore")  # an administrator's
    keeper.do("remove")
    keeper.expect("removed vip=0 gate=0 guard=0 macs=0")
    assert conf(lan.node, "e0", "ipv4/conf/{}/arp_announce") == "1" and conf(lan.node, "e0", "ipv4/conf/{}/arp_ignore") == "3"


def test_no_address_is_made_of_a_virtual_mac(lan):
    """Not at the start, not when links go up, not after a router advertisement (RFC 9568 section 7.4)."""
    monitor = subprocess.Popen(["ip", "netns", "exec", lan.node.name, "ip", "-o", "monitor", "address"], stdout=subprocess.PIPE, text=True)
    try:
        keeper = lan.router()
        keeper.do(f"set office {FAR_MS}")
        router = socket.inet_pton(socket.AF_INET6, "fe80::2")
        prefix = b"\3\4\x40\xc0\0\1\0\0\0\1\0\0\0\0\0\0" + socket.inet_pton(socket.AF_INET6, "2001:db8:1::")
        advert = icmp6(router, socket.inet_pton(socket.AF_INET6, "ff02::1"), b"\x86\0\0\0\x40\0\7\x08\0\0\0\0\0\0\0\0" + prefix)
        for action in (lambda: None, link(lan.node, V6, "down"), link(lan.node, "e0", "down"), link(lan.node, "e0", "up")):
            action()
            wait_until(lambda: "UP" in lan.node.ip("link", "show", V6), 2, "the interface to be up again")
            with lan.lan.inside():
                send("br0", b"\x33\x33\0\0\0\1" + lan.lan.mac("br0") + b"\x86\xdd" + advert)
            time.sleep(0.1)
        wait_until(lambda: "2001:db8:1:" in lan.node.ip("addr", "show", "e0"), 2, "an address of the router advertisement on the base")
    finally:
        monitor.terminate()
    told = monitor.communicate()[0]
    assert "5eff:fe00" not in told and "2001:db8:1:" in told
    assert {line.split()[3] for d in (V4, V6) for line in lan.node.ip("-o", "addr", "show", d).splitlines()} == {f"{lan.VIP4}/32", f"{lan.VIP6}/128"}
    assert "default" not in lan.node.ip("-6", "route", "show", "dev", V6)


def test_wrong_interfaces_are_mended_and_others_left_alone(lan):
    lan.plug("e1")
    keeper = lan.router("bridge")
    keeper.kill()
    lan.node.ip("link", "del", V4)
    lan.node.ip("link", "add", "link", "e1", "name", V4, "address", MAC4.hex(":"), "type", "macvlan", "mode", "bridge")
    lan.node.ip("link", "set", V4, "alias", "ringkeep virtual MAC")  # as if e0 had been another card
    lan.node.ip("link", "set", V6, "address", "00:00:5e:00:02:77")
    lan.node.ip("link", "add", "link", "e0", "name", "v4.99.e0", "address", "00:00:5e:00:01:63", "type", "macvlan", "mode", "private")
    lan.node.ip("link", "set", "v4.99.e0", "alias", "somebody else's", "up")
    lan.keeper("gone=e1:bridge:53=10.84.0.103").kill()
    assert "v4.53.e1" in lan.node.ip("link")
    keeper = lan.router("private")
    shown = lan.node.ip("-d", "link")
    assert f"{V4}@e0" in shown and MAC6.hex(":") in shown and shown.count("mode private") == 3 and "v4.53.e1" not in shown
    keeper.do(f"set office {FAR_MS}")
    assert lan.client.ping(lan.VIP4) == 2
    keeper.do("remove")
    assert "v4.99.e0" in lan.node.ip("link") and V4 not in lan.node.ip("link")


def test_what_is_in_the_way_is_said(lan):
    lan.node.ip("link", "add", "link", "e0", "name", V4, "address", "02:00:00:00:00:77", "type", "macvlan")
    lan.node.ip("link", "add", "link", "e0", "name", "vrrp6", "address", MAC6.hex(":"), "type", "macvlan")
    lan.node.ip("link", "set", "vrrp6", "up")
    keeper = lan.keeper(lan.group(), ready=False)
    assert "that is not ringkeep's" in keeper.expect("vmac -17 (?P<text>.*)", 3)["text"]
    assert "does another VRRP program run here" in keeper.expect("vmac -98 (?P<text>.*)", 3)["text"]
    lan.node.ip("link", "add", "br7", "type", "bridge")
    lan.plug("e1")
    lan.node.ip("link", "set", "e1", "master", "br7")
    keeper = lan.keeper(f"office=e1:bridge:{VRID}={lan.VIP4}", ready=False)
    assert "a port of a bridge or bond" in keeper.expect("vmac -16 (?P<text>.*)", 3)["text"]
    keeper = lan.keeper(f"office={V4}:bridge:{VRID}={lan.VIP4}", ready=False)
    assert "cannot carry a virtual MAC" in keeper.expect("vmac -95 (?P<text>.*)", 3)["text"]


def test_base_interface_goes_and_comes_back(lan):
    keeper = lan.router()
    keeper.do("renew office 1500 50")
    for _ in range(2):
        at = len(keeper.lines)
        lan.node.ip("link", "del", "e0")
        keeper.expect(rf"address {lan.VIP6} {V6} -19 its device is not there", at=at)
        lan.plug("e0")
        lan.node.ip("addr", "add", f"{lan.NODE4}/24", "dev", "e0")
        keeper.expect(rf"attached \d+ {V4}", at=at)
        keeper.expect(rf"address {lan.VIP4} {V4} 0 on its device again", at=at)
        wait_until(lambda: lan.client.ping(lan.VIP4, 1), 3, "an answer")
    at = len(keeper.lines)
    lan.node.ip("link", "del", V6)
    keeper.expect(rf"address {lan.VIP6} {V6} 0 on its device again", at=at)


def test_carrier_of_the_base_is_the_carrier(lan):
    keeper = lan.router()
    for port, device in ((lan.lan, "le0"), (lan.node, "e0")):
        for state in ("down", "up"):
            at = len(keeper.lines)
            port.ip("link", "set", device, state)
            keeper.expect(f"link 0 {state}", at=at)
    keeper.do(f"set office {FAR_MS}")
    wait_until(lambda: lan.client.ping(lan.VIP4, 1), 3, "an answer")


def test_base_that_is_down_has_no_carrier(lan):
    """Not every interface loses its own when it is taken down; then the one on it keeps its, too."""
    lan.node.ip("link", "add", "vx5", "type", "vxlan", "id", "5", "dstport", "4789", "local", lan.NODE4)
    lan.node.ip("link", "set", "vx5", "up")
    keeper = lan.keeper(f"office=vx5:bridge:{VRID}={lan.VIP4}")
    for state in ("down", "up", "down"):
        at = len(keeper.lines)
        lan.node.ip("link", "set", "vx5", state)
        keeper.expect(f"link 0 {state}", at=at)
    assert "LOWER_UP" in lan.node.ip("link", "show", f"v4.{VRID}.vx5")


def test_bridge_as_base(lan):
    """A node that runs virtual machines: its own addresses are on a bridge."""
    lan.node.ip("link", "add", "br5", "type", "bridge", "mcast_snooping", "0", "forward_delay", "0")
    lan.node.ip("addr", "flush", "dev", "e0")
    lan.node.ip("link", "set", "e0", "master", "br5")
    lan.node.ip("link", "set", "br5", "up")
    lan.node.ip("addr", "add", f"{lan.NODE4}/24", "dev", "br5")
    keeper = lan.keeper(f"office=br5:bridge:{VRID}={lan.VIP4}")
    wait_until(lambda: "BROADCAST,MULTICAST,UP,LOWER_UP" in lan.node.ip("link", "show", f"v4.{VRID}.br5"), 3, "the interface to be up")
    keeper.do(f"set office {FAR_MS}")
    wait_until(lambda: lan.client.ping(lan.VIP4, 1), 3, "an answer")
    for state in ("down", "up"):
        at = len(keeper.lines)
        lan.node.ip("link", "set", "br5", state)
        keeper.expect(f"link 0 {state}", at=at)
    wait_until(lambda: lan.client.ping(lan.VIP4, 1), 3, "an answer")
    keeper.do("set office 0")
    with contextlib.closing(SourceCapture(lan.lan, ["le0"], [MAC4])) as capture:
        for device in ("e0", "br5", f"v4.{VRID}.br5"):
            with lan.node.inside():
                send(device, BROADCAST + MAC4 + b"\x88\xb5 nothing that IP knows")
        assert lan.client.ping(lan.VIP4) == 0 and not capture.take()


# ---- what it is for ----

def test_a_move_changes_no_neighbour_entry(lan):
    """From one node to the other and back: the bridge learns the new port from the announcement, the client learns nothing."""
    first = lan.router()
    second = lan.router("private", node=lan.other)
    for holder, port, standby in ((first, "le0", second), (second, "lo0", first), (first, "le0", second)):
        standby.do("set office 0")
        holder.do("renew office 1500 50")
        at = holder.do("announce office")
        holder.expect("announced 0 0", at=at)
        wait_until(lambda: lan.client.ping(lan.VIP4, 1) and lan.client.ping(lan.VIP6, 1), 2, "an answer")
        assert lan.client.ping(lan.VIP4) == 2 and lan.client.ping(lan.VIP6) == 2
        assert lan.port_of(MAC4) == port and lan.port_of(MAC6) == port
        neighbours = lan.client.ip("neigh")
        assert f"{lan.VIP4} dev e0 lladdr {MAC4.hex(':')}" in neighbours and f"{lan.VIP6} dev e0 lladdr {MAC6.hex(':')}" in neighbours
        standby.do("stop office")


@MODES
def test_holder_never_tells_the_lan_another_mac(lan, mode):
    """Not when it is asked by broadcast, and not when it asks for a stranger to whom the address is to speak."""
    keeper = lan.router(mode)
    keeper.do(f"set office {FAR_MS}")
    vip4, vip6 = socket.inet_aton(lan.VIP4), socket.inet_pton(socket.AF_INET6, lan.VIP6)
    with contextlib.closing(Capture(lan.client, ["e0"], [vip4, vip6])) as capture, \
            contextlib.closing(Capture(lan.lan, ["le0"], [vip4, vip6])) as ports:
        for _ in range(3):
            lan.client.run("ip", "neigh", "flush", "all")
            assert lan.client.ping(lan.VIP4, 1) == 1 and lan.client.ping(lan.VIP6, 1) == 1
        lan.node.run("ping", "-c", "1", "-W", "0.3", "-I", lan.VIP4, "10.84.0.9")
        for do in (speak(socket.AF_INET, lan.VIP4, "10.84.0.77"), speak(socket.AF_INET6, lan.VIP6, "fd84::77")):
            with lan.node.inside():
                do()
        time.sleep(0.2)
        frames = capture.take() + ports.take()
    said = [f for f in frames if f[12:14] == b"\x08\x06" and f[28:32] == vip4]
    advertised = [f for f in frames if f[12:14] == b"\x86\xdd" and f[54] == 136]
    assert {f[22:28] for f in said} == {MAC4} and {f[-6:] for f in advertised} == {MAC6}
    neighbours = lan.client.ip("neigh")
    assert f"{lan.VIP4} dev e0 lladdr {MAC4.hex(':')}" in neighbours and f"{lan.VIP6} dev e0 lladdr {MAC6.hex(':')}" in neighbours


def test_announcements_and_questions_leave_by_the_addresss_interface(lan):
    """A group of both families has two."""
    keeper = lan.keeper(f"office=e0:bridge:{VRID}={lan.VIP4},{lan.VIP6},10.84.0.101,fd84::101")
    keeper.do(f"set office {FAR_MS}")
    sent = []
    with lan.node.inside():
        taps = {device: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) for device in (V4, V6)}
    for device, tap in taps.items():
        tap.bind((device, 3))
        tap.settimeout(0.2)
    keeper.do("announce office")
    keeper.do("verify office")
    keeper.expect("verified 0 0")
    for device, tap in taps.items():
        with contextlib.closing(tap), contextlib.suppress(TimeoutError):
            while True:
                frame, address = tap.recvfrom(999)
                if address[2] == socket.PACKET_OUTGOING:
                    sent.append((device, frame[6:12], frame[12:14]))
    assert sent.count((V4, MAC4, b"\x08\x06")) >= 4 + 4 and sent.count((V6, MAC6, b"\x86\xdd")) >= 2 + 4
    assert set(sent) == {(V4, MAC4, b"\x08\x06"), (V6, MAC6, b"\x86\xdd")}


@MODES
def test_own_virtual_mac_is_no_rival_and_a_strangers_is_one(lan, mode):
    keeper = lan.router(mode)
    keeper.do(f"set office {FAR_MS}")
    keeper.do("announce office")
    vip4, vip6, stranger = socket.inet_aton(lan.VIP4), socket.inet_pton(socket.AF_INET6, lan.VIP6), lan.client.mac("e0")
    all_nodes = socket.inet_pton(socket.AF_INET6, "ff02::1")

    def claim(mac4, mac6):
        with lan.client.inside():
            send("e0", BROADCAST + mac4 + b"\x08\x06" + arp(2, mac4, vip4, BROADCAST, vip4))
            send("e0", b"\x33\x33\0\0\0\1" + mac6 + b"\x86\xdd" + icmp6(vip6, all_nodes, b"\x88\0\0\0\x20\0\0\0" + vip6 + b"\2\1" + mac6))

    claim(MAC4, MAC6)
    time.sleep(0.2)
    assert not keeper.find("contended") and keeper.status()["vip"]["contentions"] == "0"
    claim(stranger, stranger)
    keeper.expect(f"contended {lan.VIP4} .* {stranger.hex(':')}")
    keeper.expect(f"contended {lan.VIP6} .* {stranger.hex(':')}")


@MODES
def test_verify_hears_a_stranger_at_the_address(lan, mode):
    keeper = lan.router(mode)
    keeper.do(f"set office {FAR_MS}")
    keeper.do("verify office")
    keeper.expect("verified 0 0 ")
    lan.client.ip("addr", "add", f"{lan.VIP4}/32", "dev", "e0")
    at = keeper.do("verify office")
    keeper.expect(f"verified 0 -98 {lan.VIP4} {lan.client.mac('e0').hex(':')}", at=at)
    lan.client.ip("addr", "del", f"{lan.VIP4}/32", "dev", "e0")
    lan.client.ip("addr", "add", f"{lan.VIP6}/128", "dev", "e0", "nodad")
    at = keeper.do("verify office")
    keeper.expect(f"verified 0 -98 {lan.VIP6} {lan.client.mac('e0').hex(':')}", at=at)


def test_standby_is_a_member_where_a_snooping_switch_can_see_it(lan):
    """Reports of the address's solicited-node group leave with the node's own MAC, and no leave when a keeper follows another."""
    group = socket.inet_pton(socket.AF_INET6, "ff02::1:ff00:100")
    own = lan.node.mac("e0")
    with contextlib.closing(Capture(lan.lan, ["le0"], [group])) as capture:
        lan.router()
        reports = wait_until(capture.take, 3, "a report")
        assert {f[6:12] for f in reports} == {own}
        lan.keepers[-1].do(f"reload office=e0:bridge:{VRID}={lan.VIP6},fd84::200")
        lan.keepers[-1].expect("reloaded 0")
        lan.keepers[-1].do(f"reload office=e0:bridge:{VRID}=fd84::100")
        time.sleep(0.3)
        left = [f for f in capture.take() for at in range(70, len(f) - 19, 20) if f[at] == 3 and f[at + 4:at + 20] == group]  # CHANGE_TO_INCLUDE
        assert not left
    assert "ff02::1:ff00:100" in lan.node.ip("maddr", "show", "dev", "e0")


def test_link_local_address_of_the_virtual_router_answers(lan):
    keeper = lan.keeper(f"office=e0:bridge:{VRID}={LINK6},{lan.VIP6}")
    keeper.do(f"set office {FAR_MS}")
    wait_until(lambda: lan.client.ping(f"{LINK6}%e0", 1), 3, "an answer")
    assert f"{LINK6} dev e0 lladdr {MAC6.hex(':')}" in lan.client.ip("neigh")
    keeper.do("set office 0")
    assert lan.client.ping(f"{LINK6}%e0") == 0
