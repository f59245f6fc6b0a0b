# SPDX-License-Identifier: GPL-2.0-or-later
"""Trunk peers at the gate: what a node sends to a carrier leaves only while a group that names the carrier is open, from whatever address."""
import contextlib
import os
import socket
import struct
import subprocess
import time

import pytest
from gatelab import Capture, Lan, cable, wait_until
from stimuli import ip4, send

FAR_MS = 50_000
CARRIER4, CARRIER6 = "10.84.0.2", "fd84::2"  # the LAN's own address plays the carrier
OTHER4, OTHER6 = "10.84.0.3", "fd84::3"
REGISTER = b"REGISTER sip:carrier SIP/2.0\r\nCSeq: 1 REGISTER\r\n\r\n"
UDP, TCP, SCTP, ESP = 17, 6, 132, 50


@pytest.fixture()
def lan():
    if os.geteuid() != 0:
        pytest.fail("the lab needs root: namespaces, BPF, nftables")
    with contextlib.closing(Lan()) as lan:
        lan.lan.ip("addr", "add", f"{OTHER4}/24", "dev", "br0")
        lan.lan.ip("addr", "add", f"{OTHER6}/64", "dev", "br0", "nodad")
        for address in (CARRIER4, CARRIER6, OTHER4, OTHER6):
            lan.node.ping(address)
        yield lan


def office(lan):
    return f"office=e0={lan.VIP4},{lan.VIP6}"


def udp(target, source, data=REGISTER):
    def stimulus():
        with contextlib.closing(socket.socket(socket.AF_INET6 if ":" in target else socket.AF_INET, socket.SOCK_DGRAM)) as s:
            s.bind((source, 0))
            s.sendto(data, (target, 5060))
    return stimulus


def tcp(target, source):
    def stimulus():
        with contextlib.closing(socket.socket(socket.AF_INET6 if ":" in target else socket.AF_INET)) as s:
            s.bind((source, 0))
            s.setblocking(False)
            s.connect_ex((target, 5060))
            time.sleep(0.03)
    return stimulus


def frames(lan, target, source):
    """Frames made by hand: fragments, tags, other protocols, extension headers."""
    head = lan.lan.mac("br0") + lan.node.mac("e0")
    ports = struct.pack("!HHHH", 5060, 5060, 8 + 16, 0) + b"x" * 16
    if ":" not in target:
        a, b = socket.inet_aton(source), socket.inet_aton(target)
        packet = b"\x08\0" + ip4(a, b, UDP, ports)
        return {"first fragment": head + b"\x08\0" + ip4(a, b, UDP, ports, fragment=0x2000, ident=9),
                "later fragment": head + b"\x08\0" + ip4(a, b, UDP, ports, fragment=3, ident=9),
                "IP options": head + b"\x08\0" + ip4(a, b, UDP, ports, options=b"\1\1\1\0"),
                "802.1Q tag": head + b"\x81\0\0\5" + packet,
                "two tags": head + b"\x88\xa8\0\5\x81\0\0\6" + packet,
                "SCTP": head + b"\x08\0" + ip4(a, b, SCTP, ports),
                "TCP": head + b"\x08\0" + ip4(a, b, TCP, ports + b"x" * 8)}
    a, b = socket.inet_pton(socket.AF_INET6, source), socket.inet_pton(socket.AF_INET6, target)

    def packet6(first, rest):
        return b"\x86\xdd" + struct.pack("!IHBB", 0x60000000, len(rest), first, 64) + a + b + rest
    destination = bytes([UDP, 0, 1, 4, 0, 0, 0, 0])
    return {"first fragment, IPv6": head + packet6(44, bytes([UDP, 0, 0, 1, 0, 0, 0, 9]) + ports),
            "later fragment, IPv6": head + packet6(44, bytes([UDP, 0, 0, 0x18, 0, 0, 0, 9]) + ports),
            "later fragment that begins with another extension": head + packet6(44, bytes([60, 0, 0, 0x18, 0, 0, 0, 9]) + ports),
            "destination options": head + packet6(60, destination + ports),
            "more extensions than are looked at": head + packet6(60, bytes([60, 0, 1, 4, 0, 0, 0, 0]) * 9 + destination + ports),
            "802.1Q tag, IPv6": head + b"\x81\0\0\5" + packet6(UDP, ports),
            "SCTP, IPv6": head + packet6(SCTP, ports)}


def stimuli(lan, v4=CARRIER4, v6=CARRIER6, sources=None):
    found = {}
    for target, source in zip((v4, v6), sources or (lan.NODE4, lan.NODE6)):
        found |= {f"REGISTER over UDP to {target}": udp(target, source), f"SYN to {target}": tcp(target, source)}
        found |= {name: lambda f=frame: send("e0", f) for name, frame in frames(lan, target, source).items()}
    return found


def passed(lan, what, device="le0", needles=(CARRIER4, CARRIER6)):
    """Names of the stimuli of which something came out of the node."""
    keys = [socket.inet_pton(socket.AF_INET6 if ":" in a else socket.AF_INET, a) for a in needles]
    seen = set()
    with contextlib.closing(Capture(lan.lan, [device], keys)) as capture:
        for name, function in what.items():
            time.sleep(0.02)
            capture.take()
            with lan.node.inside(), contextlib.suppress(PermissionError):  # the guard says so to senders
                function()
            time.sleep(0.04)
            if [f for f in capture.take() if f[12:14] != b"\x08\x06" and b"\x3a\xff" != f[20:22]]:  # neither ARP nor neighbour discovery
                seen.add(name)
    return seen


def test_register_of_a_standby_from_its_own_address_would_reach_the_carrier(lan):
    """What the peers are for: without them all of this leaves, though the group is shut."""
    lan.keeper("--no-peers", office(lan), f"peer:office={CARRIER4},{CARRIER6}")
    what = stimuli(lan)
    assert passed(lan, what) == set(what)


def test_shut_group_says_nothing_to_its_carrier_from_any_address(lan):
    keeper = lan.keeper("--no-guard", office(lan), f"peer:office={CARRIER4},{CARRIER6}")
    what = stimuli(lan)
    assert passed(lan, what) == set()
    assert passed(lan, stimuli(lan, sources=(lan.VIP4, lan.VIP6))) == set()
    peers = {name: f for name, f in keeper.status().items() if name.startswith("peer")}
    assert int(peers[f"peer {CARRIER4}"]["drops"]) >= 8 and int(peers[f"peer {CARRIER6}"]["drops"]) >= 8, peers
    # Everything else is not the gate's business.
    assert lan.node.ping(CARRIER4) == 2 and lan.node.ping(CARRIER6) == 2
    assert lan.lan.ping(lan.NODE4) == 2 and lan.lan.ping(lan.NODE6) == 2
    head, a, b = lan.lan.mac("br0") + lan.node.mac("e0"), socket.inet_aton(lan.NODE4), socket.inet_aton(CARRIER4)
    assert passed(lan, {"ESP": lambda: send("e0", head + b"\x08\0" + ip4(a, b, ESP, b"x" * 24))}) == {"ESP"}
    others = stimuli(lan, OTHER4, OTHER6)
    assert passed(lan, others, needles=(OTHER4, OTHER6)) == set(others)


def test_open_group_speaks_to_its_carrier(lan):
    keeper = lan.keeper(office(lan), f"peer:office={CARRIER4},{CARRIER6}")
    keeper.do(f"set office {FAR_MS}")
    what = stimuli(lan)
    assert passed(lan, what) == set(what)
    keeper.do("set office 0")
    assert passed(lan, what) == set()
    keeper.do("set office 9000000000000")  # absurd: counts as shut
    assert passed(lan, what) == set()


def test_any_of_the_groups_that_name_a_peer_opens_it_and_the_longest_prefix_knows_the_wider_ones(lan):
    keeper = lan.keeper(office(lan), "branch=e0=10.84.0.101", "third=e0=10.84.0.102", "peer:office=10.84.0.0/29,fd84::/125",
                        f"peer:branch={CARRIER4},{CARRIER6}")
    one = {"one": udp(CARRIER4, lan.NODE4), "one, IPv6": udp(CARRIER6, lan.NODE6)}
    two = {"two": udp(OTHER4, lan.NODE4), "two, IPv6": udp(OTHER6, lan.NODE6)}

    def open_now():
        return (passed(lan, one) == set(one), passed(lan, one) == set(), passed(lan, two, needles=(OTHER4, OTHER6)) == set(two),
                passed(lan, two, needles=(OTHER4, OTHER6)) == set())
    assert open_now() == (False, True, False, True)
    keeper.do(f"set third {FAR_MS}")  # names nobody
    assert open_now() == (False, True, False, True)
    keeper.do(f"set branch {FAR_MS}")
    assert open_now() == (True, False, False, True)
    keeper.do("set branch 0")
    keeper.do(f"set office {FAR_MS}")
    assert open_now() == (True, False, True, False)


def test_dead_agent_falls_silent_towards_the_carrier_at_the_deadline(lan):
    keeper = lan.keeper(office(lan), f"peer:office={CARRIER4}")
    keeper.do("renew office 400 50")
    what = {"REGISTER": udp(CARRIER4, lan.NODE4)}
    assert passed(lan, what) == set(what)
    keeper.kill()
    time.sleep(0.45)
    assert passed(lan, what) == set()
    after = lan.keeper(office(lan), f"peer:office={CARRIER4}")  # the next agent finds them, and its own
    assert "adopted=1" in after.expect("ready .*").group()
    assert passed(lan, what) == set()
    after.do(f"set office {FAR_MS}")
    assert passed(lan, what) == set(what)


def test_agent_of_before_trunks_is_followed_without_a_gap(lan):
    """Its maps are adopted, the peers' are new and filled before the filters change."""
    first = lan.keeper("--no-peers", office(lan))
    first.do(f"set office {FAR_MS}")
    first.kill()
    after = lan.keeper(office(lan), "branch=e0=10.84.0.101", f"peer:branch={CARRIER4}")
    assert "adopted=1" in after.expect("ready .*").group()
    assert lan.lan.ping(lan.VIP4) == 2, "the adopted deadline was lost"
    assert passed(lan, {"REGISTER": udp(CARRIER4, lan.NODE4)}) == set()


def test_reload_adds_moves_and_removes_peers(lan):
    keeper = lan.keeper(office(lan), "branch=e0=10.84.0.101", f"peer:office={CARRIER4}")
    one, two = {"one": udp(CARRIER4, lan.NODE4)}, {"two": udp(OTHER4, lan.NODE4)}

    def open_now():
        return bool(passed(lan, one)), bool(passed(lan, two, needles=(OTHER4,)))
    assert open_now() == (False, True)
    keeper.do(f"set branch {FAR_MS}")
    keeper.do(f"reload {office(lan)} branch=e0=10.84.0.101 peer:office={CARRIER4},{OTHER4}")
    keeper.expect("reloaded 0")
    assert open_now() == (False, False)
    keeper.do(f"reload {office(lan)} branch=e0=10.84.0.101 peer:branch={CARRIER4} peer:office={OTHER4}")
    assert open_now() == (True, False)
    keeper.do(f"reload {office(lan)} branch=e0=10.84.0.101 peer:branch={CARRIER4}")
    assert open_now() == (True, True)
    keeper.do(f"reload {office(lan)} peer:office={CARRIER4}")  # the open group is gone
    assert open_now() == (False, True)


def test_interface_without_a_gate_is_guarded(lan):
    """Another filter keeps the gate off e1: there the guard holds, open or shut, but for its own programs' loopback."""
    cable(lan.node, "e1", lan.lan, "le1")
    lan.node.ip("addr", "add", "10.86.0.1/24", "dev", "e1")
    lan.lan.ip("addr", "add", "10.86.0.2/24", "dev", "le1")
    lan.node.tc("qdisc", "add", "dev", "e1", "clsact")
    lan.node.tc("filter", "add", "dev", "e1", "egress", "pref", "1", "protocol", "ip", "bpf", "da", "bytecode", "1,6 0 0 0")
    assert lan.node.ping("10.86.0.2") == 2
    what = {"UDP": udp("10.86.0.2", "10.86.0.1"), "TCP": tcp("10.86.0.2", "10.86.0.1")}
    bare = lan.keeper("--no-peers", office(lan), "peer:office=10.86.0.0/24")
    assert passed(lan, what, "le1", ("10.86.0.2",)) == set(what)
    bare.kill()
    keeper = lan.keeper(office(lan), "peer:office=10.86.0.0/24,10.86.0.2,10.86.0.0/28,fd86::/64,fd86::1")  # nft refuses overlaps: the widest counts
    wait_until(lambda: keeper.status()["guard"]["up"] == "1", 5, "the guard with the peers: behind a gate that was adopted it comes a moment later")
    assert passed(lan, what, "le1", ("10.86.0.2",)) == set()
    assert lan.node.ping("10.86.0.2") == 2
    keeper.do(f"set office {FAR_MS}")
    assert passed(lan, what, "le1", ("10.86.0.2",)) == set()


def test_a_thousand_peers_cost_no_noticeable_start(lan):
    peers = [f"198.{18 + i // 250 % 2}.{i % 250}.{i % 200}" for i in range(1000)]
    keeper = lan.keeper(office(lan), f"peer:office={','.join(dict.fromkeys(peers))}")
    ready = keeper.expect(r"ready .*gate_us=(?P<us>\d+)")
    print(f"a thousand peers: the gate was up after {int(ready['us']) / 1000:.1f} ms")
    assert int(ready["us"]) < 1_000_000
