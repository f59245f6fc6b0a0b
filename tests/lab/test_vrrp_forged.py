# SPDX-License-Identifier: GPL-2.0-or-later
"""Mode announce, where the lease decides: a stranger on the LAN sends forged VRRP advertisements of every kind, and nothing moves. keepalived is given
the same packets, side by side."""
import time

import pytest
from ringlab import Lab, ringkeep
from ringlab.machine import wait_until
from ringlab.probe import now_ns
from ringlab.stalls import excused
from ringlab.story import epoch, history, lease_ms, takeovers
from ringlab.vrrp_capture import VrrpCapture, judge
from ringlab.vrrp_effects import measure
from ringlab.vrrp_forger import IP4, IP6, MAC, RESIGNS, VALID, Forger, Stranger
from ringlab.vrrp_ours import vrrp_section
from ringlab.vrrp_peers import Keepalived, Router

ROUTER = Router(priority=200, advert_ms=100)
FLOOD_PER_S, FLOOD_S = 10000, 3
PAUSE_MS = 50           # a prober that was late by more: this machine stood still
VERDICTS = {}           # forgery -> what ringkeep did, for the table


@pytest.fixture(scope="module")
def cluster():
    with Lab() as lab:
        lab.start_cluster(addresses=ROUTER.addresses, group="damping-penalty = 0\n" + vrrp_section(ROUTER, mode="announce"))
        yield lab


@pytest.fixture()
def lab(cluster):
    cluster.restore()
    yield cluster


@pytest.fixture(scope="module")
def stranger(cluster):
    stranger = Stranger(cluster)
    yield stranger
    stranger.power_off()


def vrrp(node):
    return ringkeep.group(node)["vrrp"]


def rogue_alarms(node):
    return [a for a in ringkeep.status(node)["alarms"] if a["key"].startswith("rogue-vrrp")]


class Undisturbed:
    """Within, the address stays where it is and every probe is answered."""

    def __init__(self, lab):
        self.lab = lab

    def __enter__(self):
        self.holder = self.lab.wait_settled()
        self.before = ringkeep.group(self.holder)
        self._probe = self.lab.probe(sip_us=0)
        self._probe.__enter__().wait_answer_from(self.holder)
        self.start_ns = now_ns()
        return self

    def __exit__(self, kind, error, trace):
        time.sleep(0.3)
        self._probe.__exit__()
        if kind is None:
            self.record = self._probe.record
            # What the forger says in the name of the address is his.
            self.record.frames = [f for f in self.record.frames if f[1] != "stranger"]
            self._check()
        return False

    def _check(self):
        assert self.record.holders_max() == 1
        with excused(self.start_ns, lease_ms(self.lab) / 2):
            after = ringkeep.group(self.holder)
            assert after["holder"] == self.holder.name and after["epoch"] == self.before["epoch"] and after["gate"] == "open"
            new = [r for r in takeovers(self.holder) if epoch(r) > epoch(self.before)]
            assert new == [], f"takeovers: {new}"
            assert self.record.speakers() == {self.holder.name}
        self.lost = sum(self.lost_of(kind) for kind in ("udp4", "udp6"))
        paused = [x for x in self.record.late if x["ns"] > PAUSE_MS * 1e6]
        with excused(self.start_ns):
            assert self.lost == 0 or paused, f"{self.lost} probes lost, and the machine did not stand still"
            assert max(self.record.outage_ms(k, self.start_ns) for k in ("udp4", "udp6")) < 150

    def lost_of(self, kind):
        """Unanswered probes from the first answered one to the last."""
        seen = {x["s"] for x in self.record.answers[kind] if x["ts"] >= self.start_ns}
        return max(seen) - min(seen) + 1 - len(seen)


def test_standby_hears_the_holder_and_is_calm(lab):
    holder = lab.wait_settled()
    standby = next(n for n in lab.pbx_nodes if n is not holder)
    start = vrrp(standby)["counters"]["received"]
    wait_until(lambda: vrrp(standby)["counters"]["received"] > start + 4, 3, "advertisements of the holder at the standby")
    heard = vrrp(standby)["heard"]
    assert heard["mac"] == holder.mac and heard["address"] in (holder.address("lan"), f"fe80::77:ff:fe00:{holder.id}")
    assert vrrp(holder)["state"] == "advertising" and vrrp(standby)["state"] == "listening"
    assert not rogue_alarms(holder) and not rogue_alarms(standby)


def test_forged_packets_move_nothing(lab, stranger):
    """Each one is judged by what is wrong with it: counted by the check that found it, or an alarm that says who it was."""
    with Undisturbed(lab) as calm:
        for forgery in Forger(ROUTER).forgeries():
            before = vrrp(calm.holder)["counters"]
            stranger.send(forgery.frames)
            what = {VALID: "rogue", RESIGNS: "received"}.get(forgery.verdict, forgery.verdict)
            if what == "rogue":
                again = forgery.frames
            if what:
                after = wait_until(lambda: found(calm.holder, before, what), 2, lambda: f"'{forgery.name}' to be counted as {what}: {before} "
                                   f"then {vrrp(calm.holder)['counters']}")
                assert what == "rogue" or after["rogue"] == before["rogue"], f"'{forgery.name}' was taken for a good packet"
            else:
                time.sleep(0.03)
                assert vrrp(calm.holder)["counters"]["received"] == before["received"], f"'{forgery.name}' was taken for a good packet"
            VERDICTS[forgery.name] = {"rogue": "stays; alarm", "received": "stays; answered", "": "stays"}.get(what, f"stays; dropped, {what}")
        time.sleep(1.05)  # reports are a second apart, and a quick machine is through with all of them before
        stranger.send(again)
        wait_until(lambda: rogue_alarms(calm.holder)[0]["count"] > 1, 3, "the alarm to be counted again")
    assert calm.lost == 0
    alarm, = rogue_alarms(calm.holder)
    assert MAC in alarm["text"]
    assert vrrp(calm.holder)["rogue"]["mac"] == MAC and vrrp(calm.holder)["rogue"]["address"] in (IP6, *ROUTER.addresses)
    assert MAC in calm.holder.check(*ringkeep.hactl_command(calm.holder), "status")
    records = [r for r in history(calm.holder) if r.get("type") == "rogue-vrrp"]
    assert any(MAC in str(r) and IP4 in str(r) for r in records), records


def found(node, before, what):
    """The counters, once `what` has grown: one of them, or a reason for dropping."""
    counters = vrrp(node)["counters"]
    new, old = ({**c, **c["dropped"]} for c in (counters, before))
    return counters if new.get(what, 0) > old.get(what, 0) else None


@pytest.mark.parametrize("kind", ["priority 254", "interval 0", "IPv6: priority 255"])
def test_ten_thousand_a_second(lab, stranger, kind):
    """For three seconds. The holder answers with its own advertisements at a bounded rate, and all agents go on renewing the lease."""
    frames = {f.name: f.frames for f in Forger(ROUTER).forgeries()}[kind]
    with Undisturbed(lab) as calm, VrrpCapture(lab, but=MAC) as capture:
        cpu = calm.holder.agent.cpu_s()
        per_s = stranger.flood(frames, FLOOD_PER_S, FLOOD_S)
        cpu = calm.holder.agent.cpu_s() - cpu
    ours = capture.packets()
    assert judge(ours, calm.holder.name) == len(ours), "nobody but the holder speaks"
    print(f"{per_s:.0f}/s of '{kind}': {len(ours)} advertisements of ours in {FLOOD_S} s, {cpu / FLOOD_S * 100:.0f} % CPU, {calm.lost} probes lost")
    assert per_s > FLOOD_PER_S / 2, "the machine, which carries all of the lab, does not give the forger more"
    assert len(ours) < FLOOD_S * 250
    if kind != "interval 0":
        assert any(a["count"] > 0 for a in rogue_alarms(calm.holder))


def test_priority_0_is_on_the_wire_after_the_gate_has_shut(lab):
    """A planned switchover: the old holder resigns once it has fallen silent, and neither takes the other for a rogue."""
    holder = lab.wait_settled()
    other = next(n for n in lab.pbx_nodes if n is not holder)
    alarms = [len(rogue_alarms(n)) for n in lab.pbx_nodes]
    with VrrpCapture(lab) as capture, lab.probe(sip_us=0) as probe:
        probe.wait_answer_from(holder)
        start = now_ns()
        holder.hactl("switchover", "office", "--to", other.name)
        probe.wait_answer_from(other, since_ns=start)
        time.sleep(0.5)
    packets = [p for p in capture.packets() if p.t_ns > start]
    judge(packets, holder.name)
    judge(packets, other.name)
    resigned = [p for p in packets if p.sender == holder.name and p.priority == 0]
    assert {p.family for p in resigned} == {4, 6} and len(resigned) == 2
    assert min(p.t_ns for p in resigned) > probe.record.last_frame_ns(holder.name) - 1e6
    assert not [p for p in packets if p.sender == holder.name and p.t_ns > resigned[-1].t_ns]
    theirs = [p for p in packets if p.sender == other.name]
    assert theirs and min(p.t_ns for p in theirs) > min(p.t_ns for p in resigned)
    assert [len(rogue_alarms(n)) for n in lab.pbx_nodes] == alarms


def test_death_of_the_holder_is_no_rogue(lab):
    """The new holder speaks at once; the dead one does not speak again."""
    holder = lab.wait_settled()
    other = next(n for n in lab.pbx_nodes if n is not holder)
    before = len(rogue_alarms(other))
    with VrrpCapture(lab) as capture, lab.probe(sip_us=0) as probe:
        probe.wait_answer_from(holder)
        start = now_ns()
        holder.agent.kill()
        probe.wait_answer_from(other, since_ns=start)
        time.sleep(0.3)
    packets = [p for p in capture.packets() if p.t_ns > start]
    assert {p.sender for p in packets} == {other.name} and judge(packets, other.name) >= 4
    assert len(rogue_alarms(other)) == before


def test_side_by_side_with_keepalived(record_property):
    """A keepalived of the same priority and interval gets the same packets. What it does is printed, not judged; that it can be moved is."""
    forgeries = Forger(ROUTER).forgeries()
    with Lab(witness=False) as lab:
        stranger, peer = Stranger(lab), Keepalived(lab.n1, ROUTER)
        peer.start()
        peer.wait("master")
        effects = measure(lab, peer, stranger, forgeries)
        peer.clean()
        stranger.power_off()
    rows = [f"{'one forged packet':<40} {'ringkeep (announce)':<30} keepalived 2.2.7 (advertisement 100 ms)"]
    rows += [f"{effect.name:<40} {VERDICTS.get(effect.name, '-'):<30} {effect.text()}" for effect in effects]
    record_property("table", "\n".join(rows))
    assert any(e.moved for e in effects) and any(e.stuck for e in effects)
