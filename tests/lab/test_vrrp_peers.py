# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab proves itself, VRRP: the peers that we did not write understand each other, tshark tells good packets from bad ones, and the forger does to
keepalived what is known that it can. Nothing of ringkeep runs here."""
import time

import pytest
from ringlab import Lab
from ringlab.vrrp_capture import VrrpCapture, judge
from ringlab.vrrp_effects import measure
from ringlab.vrrp_forger import MAC, Forger, Stranger
from ringlab.vrrp_peers import Frr, Keepalived, Router

UNICAST = ("10.77.0.1", "10.77.0.2", "fd77::1", "fd77::2")


@pytest.fixture(scope="module")
def wire():
    """Two machines and phones, on which nothing runs."""
    with Lab(witness=False) as lab:
        yield lab


@pytest.fixture()
def run(wire):
    """Starts peers, and ends them."""
    peers = []

    def start(*new):
        for peer in new:
            peers.append(peer)
            peer.start()
        return new
    yield start
    for peer in peers:
        peer.clean()
    wire.phones.run("ip", "neigh", "flush", "all")


@pytest.mark.parametrize("change", [{}, {"vmac": "private"}, {"unicast": UNICAST}], ids=["plain", "virtual MAC", "unicast"])
def test_keepalived_and_keepalived(wire, run, change):
    first, second = Keepalived(wire.n1, Router(priority=150, **change)), Keepalived(wire.n2, Router(**change))
    with VrrpCapture(wire) as capture, wire.probe(sip_us=0) as probe:
        run(first, second)
        first.wait("master")
        second.wait("backup")
        probe.wait_answer_from(wire.n1)
        first.resign()
        second.wait("master")
        probe.wait_answer_from(wire.n2)
    packets = capture.packets()
    but = {"TTL 64"} if change.get("unicast") else ()  # keepalived's IPv6 unicast, unless it is told otherwise
    assert judge(packets, "n1", but) >= 4 and judge(packets, "n2", but) >= 2
    assert {p.family for p in packets} == {4, 6} and {p.version for p in packets} == {3}
    assert {p.priority for p in packets if p.sender == "n1"} == {150, 0}
    macs = {p.mac for p in packets}
    assert macs == ({first.router.mac(4), first.router.mac(6)} if change.get("vmac") else {wire.n1.mac, wire.n2.mac})
    assert {p.destination for p in packets} <= (set(UNICAST) if change.get("unicast") else {"224.0.0.18", "ff02::12"})


def test_keepalived_and_frr_in_both_directions(wire, run):
    """With its own virtual MAC on FRR's side. FRR takes over, gives back, and is taken over from."""
    theirs, frr = Keepalived(wire.n1, Router(priority=150, vmac="private")), Frr(wire.n2, Router())
    with VrrpCapture(wire) as capture, wire.probe(sip_us=0) as probe:
        run(theirs, frr)
        theirs.wait("master")
        frr.wait("backup")
        probe.wait_answer_from(wire.n1)
        theirs.kill()
        theirs.clean()
        frr.wait("master")
        probe.wait_answer_from(wire.n2)
        theirs.start()
        theirs.wait("master")
        probe.wait_answer_from(wire.n1)
        theirs.resign()
        frr.wait("master")
        probe.wait_answer_from(wire.n2)
    packets = capture.packets()
    assert judge(packets, "n1") >= 4 and judge(packets, "n2") >= 4
    assert {p.source for p in packets if p.sender == "n2"} == {"10.77.0.2", "fe80::100"}, "FRR speaks IPv6 from the virtual link-local address"


def test_vrrp_2(wire, run):
    """Whole seconds are the smallest interval that it knows."""
    router = Router(version=2, advert_ms=1000, addresses=("10.77.0.100",), priority=200)
    peer = Keepalived(wire.n1, router)
    with VrrpCapture(wire) as capture:
        run(peer)
        peer.wait("master")
        time.sleep(0.1)
        peer.resign()
        time.sleep(0.2)
    packets = capture.packets()
    assert judge(packets, "n1") >= 2 and {(p.version, p.interval_ms) for p in packets} == {(2, 1000)}


@pytest.fixture(scope="module")
def stranger(wire):
    stranger = Stranger(wire)
    yield stranger
    stranger.power_off()


def test_tshark_finds_what_is_wrong(wire, stranger):
    """A judge that cannot say no is worth nothing: each kind of fault in a packet itself is seen, and the two forms of the checksum are told apart."""
    forgeries = {f.name: f for f in Forger(Router(priority=150)).forgeries()}
    seen = {"bad checksum": "checksum", "TTL 254": "TTL 254", "truncated in the addresses": "malformed", "type 2": "type 2",
            "IP header checksum": "IP header", "IPv6: bad checksum": "checksum", "version 4": "checksum", "priority 254": None,
            "IPv6: priority 254": None, "checksum of RFC 9568": "checksum"}
    with VrrpCapture(wire) as capture:
        stranger.send([frame for name in seen for frame in forgeries[name].frames])
    packets = capture.packets()
    assert {p.sender for p in packets} == {"stranger"} and {p.mac for p in packets} == {MAC} and len(packets) == len(seen)
    for (name, fault), packet in zip(seen.items(), packets):
        assert bool(packet.faults) == bool(fault) and any(fault in f for f in packet.faults or [""] if fault) == bool(fault), (name, packet.faults)
    with pytest.raises(AssertionError, match="tshark finds 8 of 10 packets of stranger wrong"):
        judge(packets, "stranger")
    other = dict(zip(seen, capture.packets(rfc9568=True)))
    assert not other["checksum of RFC 9568"].faults and other["priority 254"].faults and not other["IPv6: priority 254"].faults


def test_known_answers_of_keepalived(wire, run, stranger):
    """One packet with interval 0 takes the address away, one with priority 254 does, and so on; what is damaged does not."""
    router = Router(priority=150)
    peer, = run(Keepalived(wire.n1, router))
    peer.wait("master")
    known = {"priority 254": True, "priority 255": True, "interval 0": True, "bad checksum": False, "checksum of RFC 9568": False, "TTL 254": False,
             "count 0": False, "truncated in the addresses": False, "trailing bytes": False, "other addresses": False, "version 4": False,
             "priority 1": False, "IPv6: priority 254": True, "IPv6: bad checksum": False}
    forgeries = {f.name: f for f in Forger(router).forgeries()}
    effects = measure(wire, peer, stranger, [forgeries[name] for name in known])
    assert {e.name: e.moved for e in effects} == known
    assert all(e.gone_ms > 100 for e in effects if e.name == "priority 254")


def test_forger_reaches_ten_thousand_a_second(wire, stranger):
    with VrrpCapture(wire) as capture:
        per_s = stranger.flood(Forger(Router()).forgeries()[0].frames, 10000, 1)
    assert per_s > 9500
    assert capture.frames > 9000
