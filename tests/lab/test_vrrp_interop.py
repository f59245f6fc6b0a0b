# SPDX-License-Identifier: GPL-2.0-or-later
"""ringkeep in mode native on n1, a VRRP router that we did not write on n2: who fails and who takes over, in both directions, and what the phones see of
it. Every packet of ours in all of these is judged by tshark in the last test."""
import dataclasses
import statistics
import time

import pytest
from ringlab import Lab
from ringlab.probe import now_ns
from ringlab.stalls import excused
from ringlab.vrrp_capture import VrrpCapture, judge
from ringlab.vrrp_ours import Ours
from ringlab.vrrp_peers import Frr, Keepalived, Router

UNICAST = ("10.77.0.1", "10.77.0.2", "fd77::1", "fd77::2")
V2 = {"version": 2, "advert_ms": 1000, "addresses": ("10.77.0.100",)}
MACHINE_MS = 150        # scheduling of a shared machine
PLANNED_MS = 250        # a hand-over in which both live: nobody waits for a timer
# Preempting right after its start, with interfaces that were made a moment ago: the kernel finishes their IPv6 addresses when it has time.
NEW_INTERFACE_MS = 400
FRR_MS = 800            # its IPv6 interface, which it has taken down meanwhile, takes that long to be of use again
SETTLED_S = 0.12
HIGH, LOW = 200, 150


@dataclasses.dataclass
class Case:
    name: str
    router: dict
    peer: type = Keepalived
    peer_router: dict = dataclasses.field(default_factory=dict)

    def ours(self, lab, priority, preempt=True):
        return Ours(lab.n1, Router(priority=priority, preempt=preempt, **self.router))

    def theirs(self, lab, priority, preempt=True):
        return self.peer(lab.n2, Router(priority=priority, preempt=preempt, **(self.router | self.peer_router)))


CASES = [
    Case("v3", {}),
    Case("v3 virtual MAC, bridge", {"vmac": "bridge"}),
    Case("v3 virtual MAC, private", {"vmac": "private"}),
    Case("v3 virtual MAC here, none there", {"vmac": "bridge"}, peer_router={"vmac": "no"}),
    Case("v3 unicast", {"unicast": UNICAST}),
    Case("v3 IPv4 alone", {"addresses": ("10.77.0.100",)}),
    Case("FRR", {}, Frr),
    Case("FRR, virtual MAC here, too", {"vmac": "bridge"}, Frr),
    Case("v2", V2),
    Case("v2 virtual MAC", V2 | {"vmac": "bridge"}),
    Case("v2 unicast", V2 | {"unicast": UNICAST[:2]}),
]


def cases(*but):
    chosen = [c for c in CASES if c.name not in but]
    return pytest.mark.parametrize("case", chosen, ids=[c.name for c in chosen])


def only(*names):
    return cases(*{c.name for c in CASES} - set(names))


GAPS = {}               # what was done -> the gaps that the phones saw, ms


@pytest.fixture(scope="module")
def wire():
    with Lab(witness=False) as lab:
        yield lab


@pytest.fixture(scope="module")
def capture(wire):
    with VrrpCapture(wire) as capture:
        yield capture


@pytest.fixture()
def scene(wire, capture, case):
    scene = Scene(wire, case)
    try:
        yield scene
    finally:
        scene.close()


class Scene:
    """A story in steps: each has a name, something that is done, and a node that has to answer afterwards."""

    def __init__(self, lab, case):
        self.lab, self.case, self.peers, self.steps, self.cuts = lab, case, [], [], []

    def run(self, peer):
        self.peers.append(peer)
        peer.start()
        return peer

    def cut(self, node):
        """keepalived announces itself a second time five seconds after it has become Master, also when it is cut off: the phones do not hear that."""
        self.lab.hub.cut(node, "lan")
        self.cuts.append([node.name, now_ns(), None])

    def heal(self):
        self.cuts[-1][2] = now_ns()
        self.lab.hub.heal()

    def step(self, name, action, answers, state=None):
        """state: (peer, its state afterwards)."""
        start = now_ns()
        action()
        self.probe.wait_answer_from(answers.node, 15, since_ns=start)
        if state:
            state[0].wait(state[1])
        time.sleep(SETTLED_S)  # what comes late belongs to this step
        self.steps.append((name, start, now_ns()))

    def __enter__(self):
        self.begun_ns = now_ns()
        self._probe = self.lab.probe(sip_us=0)
        self.probe = self._probe.__enter__()
        return self

    def __exit__(self, kind, error, trace):
        self._probe.__exit__()
        if kind is None:
            self.record = self._probe.record
            for node, since_ns, until_ns in self.cuts:
                self.record.leave_out(node, since_ns, until_ns)
            self._check_neighbours()
        return False

    def gap_ms(self, name):
        """The longest outage that began in a step, of both families."""
        start, end = next((s, e - SETTLED_S / 2 * 1e9) for n, s, e in self.steps if n == name)
        families = ["udp4"] + (["udp6"] if 6 in self.peers[0].router.families else [])
        gap = max((o.ms for kind in families for o in self.record.outages(kind, start, end) if o.start_ns >= start - 1e7), default=0.0)
        GAPS.setdefault((self.case.peer.__name__, self.peers[0].router.version, name), []).append(gap)
        return gap

    def overlap_ms(self, name):
        """For how long both spoke for the address."""
        start, end = next((s, e) for n, s, e in self.steps if n == name)
        return max((ms for a, b, ms in self.record.overlaps() if start <= b.start_ns <= end), default=0.0)

    def _check_neighbours(self):
        """The phones' kernel knows us by the right MAC if we spoke last. (FRR's macvlan interfaces answer ARP for each other.)"""
        ours = next(p for p in self.peers if p.node is self.lab.n1)
        if self.record.switches() and self.record.switches()[-1][2] == ours.node.id:
            for family in ours.router.families:
                mac = ours.router.mac(family) if ours.router.vmac != "no" else ours.node.mac
                assert self.record.neighbour_at(self.record.end_ns, family) == mac

    def close(self):
        self.lab.hub.heal()
        for peer in self.peers:
            peer.clean()
        self.lab.phones.run("ip", "neigh", "flush", "all")


@cases("v2 unicast")
def test_we_have_the_higher_priority(scene, case):
    """We take the address from them, die, come back, hang, and resign; they take over each time, and we are silent before they speak."""
    theirs, ours = scene.run(case.theirs(scene.lab, LOW)), case.ours(scene.lab, HIGH)
    theirs.wait("master")
    with scene as s:
        s.step("ours preempts", lambda: s.run(ours), ours, (theirs, "backup"))
        s.step("ours stays", lambda: time.sleep(theirs.router.advert_ms / 1000 * 1.1), ours)
        s.step("ours killed", ours.kill, theirs)
        s.step("ours returns", ours.start, ours, (theirs, "backup"))
        s.step("ours resigns", ours.resign, theirs, (theirs, "master"))
    for step in ("ours killed", "ours resigns"):
        assert s.overlap_ms(step) == 0, f"{step}: both spoke for {s.overlap_ms(step):.0f} ms"
    router = theirs.router
    with excused(s.begun_ns):
        assert s.gap_ms("ours preempts") < PLANNED_MS + (NEW_INTERFACE_MS if ours.router.vmac != "no" else 0)
        assert s.gap_ms("ours returns") < PLANNED_MS
        slack = MACHINE_MS + (FRR_MS if case.peer is Frr else 0)
        assert s.gap_ms("ours killed") < router.down_ms() + slack
        assert s.gap_ms("ours resigns") < router.skew_ms() + slack
    with excused(s.begun_ns):  # theirs hears of ours and lets go: that it speaks until then is VRRP
        for step in ("ours preempts", "ours returns"):
            assert s.overlap_ms(step) < PLANNED_MS


@cases("v3 IPv4 alone", "v3 virtual MAC here, none there", "v2", "v2 virtual MAC")
def test_they_have_the_higher_priority(scene, case):
    """They die without a word, come back, and resign."""
    theirs, ours = scene.run(case.theirs(scene.lab, HIGH)), scene.run(case.ours(scene.lab, LOW))
    theirs.wait("master")
    with scene as s:
        s.probe.wait_answer_from(theirs.node)
        s.step("theirs cut off", lambda: s.cut(theirs.node), ours, (ours, "master"))
        s.step("theirs healed", s.heal, theirs, (ours, "backup"))
        s.step("theirs resigns", theirs.resign, ours, (ours, "master"))
    assert s.overlap_ms("theirs cut off") == 0
    router = ours.router
    with excused(s.begun_ns):
        assert s.gap_ms("theirs cut off") < router.down_ms() + MACHINE_MS
        assert s.gap_ms("theirs resigns") < router.skew_ms() + MACHINE_MS
    s.gap_ms("theirs healed")  # theirs does not announce itself again (keepalived): what the phones see then is not ours


@only("v3", "FRR", "v3 unicast")
def test_no_preemption_where_it_is_not_wanted(scene, case):
    """Ours with the higher priority leaves them alone; theirs leaves us alone."""
    theirs = scene.run(case.theirs(scene.lab, LOW, preempt=False))
    theirs.wait("master")
    ours = scene.run(case.ours(scene.lab, HIGH, preempt=False))
    ours.wait("backup")
    with scene as s:
        s.probe.wait_answer_from(theirs.node)
        s.step("ours waits", lambda: time.sleep(0.6), theirs, (ours, "backup"))
        s.step("theirs resigns", theirs.resign, ours, (ours, "master"))
        theirs.clean()
        s.step("theirs waits", lambda: (theirs.start(), theirs.wait("backup"), time.sleep(0.6)), ours, (ours, "master"))
    with excused(s.begun_ns):
        assert s.gap_ms("ours waits") < 50 and s.gap_ms("theirs waits") < 50
    moves = [there for _, _, there in s.record.switches()]
    # FRR, which takes its interfaces down as soon as it is a Backup, may answer for a moment before that.
    assert moves == [ours.node.id] or case.peer is Frr and set(moves[1:]) <= {ours.node.id, theirs.node.id}, moves


@only("v3", "v3 virtual MAC, private")
def test_agent_that_hangs_is_silent_before_they_speak(scene, case):
    theirs, ours = scene.run(case.theirs(scene.lab, LOW)), scene.run(case.ours(scene.lab, HIGH))
    ours.wait("master")
    with scene as s:
        s.probe.wait_answer_from(ours.node)
        s.step("ours hangs", ours.stop, theirs, (theirs, "master"))
        s.step("ours goes on", ours.cont, ours, (theirs, "backup"))
    assert s.overlap_ms("ours hangs") == 0
    with excused(s.begun_ns):
        assert s.gap_ms("ours hangs") < theirs.router.down_ms() + MACHINE_MS and s.gap_ms("ours goes on") < PLANNED_MS


def test_every_packet_of_ours_is_good_in_tsharks_eyes(wire, capture):
    """Of all tests above."""
    capture.stop()
    packets = [p for p in capture.packets() if p.sender == "n1"]
    ours = judge(packets, "n1")
    seen = {(p.version, p.family, "virtual" if p.mac.startswith("00:00:5e") else "own", p.destination in ("224.0.0.18", "ff02::12")) for p in packets}
    assert {(3, 4, "own", True), (3, 6, "own", True), (3, 4, "virtual", True), (3, 6, "virtual", True), (3, 4, "own", False),
            (3, 6, "own", False), (2, 4, "own", True), (2, 4, "virtual", True), (2, 4, "own", False)} <= seen
    assert {p.dscp for p in packets} == {48} and {p.priority for p in packets} == {0, LOW, HIGH}
    assert {p.addresses for p in packets if p.family == 6} == {("fe80::100", "fd77::100")}
    assert {p.source for p in packets} == {"10.77.0.1", "fe80::77:ff:fe00:1", "fd77::1"}


def test_checksum_of_rfc_9568(wire):
    """Neither keepalived nor FRR can read it; tshark can."""
    ours = Ours(wire.n1, Router(priority=HIGH), checksum="rfc9568")
    with VrrpCapture(wire) as capture:
        ours.start()
        try:
            ours.wait("master")
            time.sleep(0.3)
        finally:
            ours.clean()
    assert judge(capture.packets(rfc9568=True), "n1") >= 6
    assert any(p.faults for p in capture.packets()), "RFC 5798's form was sent"


def test_gaps(record_property):
    rows = ["longest silence at the address that the phones saw, ms (min / median / max)"]
    rows += [f"  {peer:<11} {'v2, 1 s' if version == 2 else 'v3, 100 ms':<11} {name:<15} n={len(gaps):<3} "
             f"{min(gaps):6.1f} / {statistics.median(gaps):6.1f} / {max(gaps):6.1f}" for (peer, version, name), gaps in sorted(GAPS.items())]
    record_property("table", "\n".join(rows))
