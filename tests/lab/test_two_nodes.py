# SPDX-License-Identifier: GPL-2.0-or-later
"""Two nodes and nothing else (two-node = best-effort): what the survivor does, what a node does that is cut off, and the one case in which both
hold, with how long it lasts after they hear each other again. The gateway is the machine that the phones are on."""
import contextlib
import time

import pytest
from ringlab import Lab, ringkeep
from ringlab.machine import wait_until
from ringlab.probe import now_ns
from ringlab.story import history

LEASE_MS = 800
SILENCE_MS = 4300       # `hactl config explain`: within that an idle node takes over, if nothing is against it
CUT_OFF_MS = 2600       # ... and what a holder goes on that reaches nothing
STALL_MS = 1000         # all processes of the machine may stand still for so long
GATEWAY = 'two-node = best-effort'
GROUP = 'damping-penalty = 0\n    gateways = { "10.77.0.200", "fd77::200" }'


@contextlib.contextmanager
def pair_alone():
    with Lab(witness=False) as lab:
        try:
            lab.start_cluster(timing=GATEWAY, group=GROUP)
            holder = lab.wait_settled()
            yield lab, holder, next(n for n in lab.pbx_nodes if n is not holder)
        except BaseException:
            print(lab.describe())
            raise


def group(node):
    seen = ringkeep.status(node)
    return seen["groups"][0] if seen else None


def holds(node):
    seen = group(node)
    return bool(seen) and seen["gate"] == "open" and seen["holder"] == node.name


def alone(node):
    seen = group(node)
    return seen and seen["alone"]


def causes(node, kind):
    return [r["cause"] for r in history(node) if r["type"] == kind and r["node"] == node.name]


def elapsed_ms(began):
    return (time.monotonic() - began) * 1000


def ready(node):
    seen = alone(node)
    return bool(seen) and seen["gateway"]


def test_the_level_is_said_everywhere():
    with pair_alone() as (lab, holder, other):
        seen = ringkeep.status(other)
        assert seen["safety"] == "best-effort" and "two holders are possible" in seen["safety_note"]
        assert "best-effort: two holders are possible" in other.agent.log.read_text()
        text = other.check(str(lab.root / "bin" / "hactl"), "config", "check", str(other.conf))
        assert "two holders are possible" in text and "witness" in text, text


def test_the_holder_dies():
    with pair_alone() as (lab, holder, other):
        wait_until(lambda: ready(other), 10, "the gateway to answer")
        with lab.probe() as probe:
            began = time.monotonic()
            holder.power_off()
            wait_until(lambda: holds(other), 15, "the takeover")
            took = elapsed_ms(began)
            wait_until(lambda: causes(other, "takeover"), 10, "the record")
        print(f"measured: takeover after {took:.0f} ms")
        assert took < SILENCE_MS + 2 * STALL_MS
        assert probe.record.holders_max() == 1
        assert causes(other, "takeover")[-1] == "peer_absent"


def test_the_agent_dies():
    with pair_alone() as (lab, holder, other):
        wait_until(lambda: ready(other), 10, "the gateway to answer")
        with lab.probe() as probe:
            killed = now_ns()
            holder.agent.kill()
            wait_until(lambda: holds(other), 15, "the takeover")
        assert probe.record.holders_max() == 1
        assert probe.record.last_frame_ns(holder.name) - killed <= (LEASE_MS + 50) * 1e6


def test_the_idle_one_dies_and_nobody_notices():
    with pair_alone() as (lab, holder, other):
        wait_until(lambda: ready(holder), 10, "the gateway to answer")
        with lab.probe() as probe:
            probe.wait_answer_from(holder)
            other.power_off()
            wait_until(lambda: alone(holder)["alone"], 10, "the holder to go on alone")
            time.sleep(3)
            other.power_on()
            wait_until(lambda: not alone(holder)["alone"], 30, "the other to be heard")
            time.sleep(2)
        assert holds(holder) and probe.record.holders_max() == 1
        assert probe.record.speakers() == {holder.name}
        assert probe.record.outage_ms() <= STALL_MS


@pytest.mark.parametrize("links", [("ring0", "ring1"), ("ring0",), ("lan",)], ids=["rings", "ring", "lan"])
def test_some_links_are_cut(links):
    """The rings alone: the service network still carries pulses and answers. The service network of the holder: it goes on as nobody else can
    know better, since both hear each other; a cut cable without a carrier moves the group instead."""
    with pair_alone() as (lab, holder, other):
        with lab.probe() as probe:
            for link in links:
                lab.hub.partition_link(holder, other, link)
            time.sleep(SILENCE_MS / 1000 + 3)
            assert holds(holder) and not holds(other)
            lab.hub.heal()
            time.sleep(2)
            assert holds(holder)
        assert probe.record.speakers() == {holder.name}


def test_one_direction_is_cut():
    with pair_alone() as (lab, holder, other):
        for sender, receiver in ((holder, other), (other, holder)):
            with lab.probe() as probe:
                lab.hub.one_way(sender, receiver)
                time.sleep(SILENCE_MS / 1000 + 3)
                lab.hub.heal()
                wait_until(lambda: holds(holder) or holds(other), 10, "a holder")
                time.sleep(2)
            assert probe.record.holders_max() == 1


def test_the_holder_loses_everything():
    """Peer, gateway, phones: it is shut before the other one opens."""
    with pair_alone() as (lab, holder, other):
        wait_until(lambda: ready(other) and ready(holder), 10, "the gateways to answer")
        with lab.probe() as probe:
            began = time.monotonic()
            lab.hub.cut(holder)
            wait_until(lambda: not holds(holder), 10, "the holder to give up")
            gave_up = elapsed_ms(began)
            assert not holds(other)
            wait_until(lambda: holds(other), 10, "the takeover")
            took = elapsed_ms(began)
            wait_until(lambda: causes(holder, "letgo"), 10, "the record")
            assert causes(holder, "letgo")[-1] == "cut_off"
            lab.hub.heal()
            time.sleep(3)
            assert holds(other) and not holds(holder)
        print(f"measured: gave up after {gave_up:.0f} ms, takeover after {took:.0f} ms")
        assert gave_up < CUT_OFF_MS + STALL_MS and took < SILENCE_MS + 2 * STALL_MS
        assert probe.record.holders_max() == 1


def test_the_gateway_dies():
    """Both hear each other: nothing moves. Then the holder dies, and who reaches nobody takes nothing, until the gateway is back."""
    with pair_alone() as (lab, holder, other):
        lab.phones.check("ip", "link", "set", "eth0", "down")
        wait_until(lambda: not alone(holder)["gateway"], 10, "the gateway to be missed")
        time.sleep(CUT_OFF_MS / 1000 + 1)
        assert holds(holder)
        holder.power_off()
        time.sleep(SILENCE_MS / 1000 + 3)
        assert not holds(other)
        lab.phones.check("ip", "link", "set", "eth0", "up")
        wait_until(lambda: holds(other), 10, "the takeover")


def test_both_hold_and_one_gives_way():
    """Everything between them is cut, and both reach the gateway: two holders, as documented. When they hear each other again, the lower epoch
    gives way at once."""
    with pair_alone() as (lab, holder, other):
        wait_until(lambda: ready(other) and ready(holder), 10, "the gateways to answer")
        with lab.probe() as probe:
            lab.hub.partition([holder], [other])
            wait_until(lambda: holds(holder) and holds(other), 15, "the two holders")
            time.sleep(2)
            lab.hub.heal()
            healed = now_ns()
            wait_until(lambda: not holds(holder), 10, "the lower epoch to give way")
            time.sleep(3)
            assert holds(other) and not holds(holder)
        after_ms = (probe.record.last_frame_ns(holder.name) - healed) / 1e6
        print(f"measured: the last frame of the lower epoch {after_ms:.0f} ms after the cut was over")
        assert after_ms < LEASE_MS + STALL_MS
        wait_until(lambda: causes(holder, "letgo"), 10, "the record")
        let_go = next(r for r in reversed(history(holder)) if r["type"] == "letgo" and r["node"] == holder.name)
        assert let_go["cause"] == "two_holders" and let_go["overlap_ms"] > 2000, let_go
        assert any(r["type"] == "two-holders" for r in history(other)), history(other)
        assert any("both held" in x["text"] for x in ringkeep.status(holder)["alarms"])


def test_one_node_boots_alone():
    with pair_alone() as (lab, holder, other):
        for node in (holder, other):
            node.power_off()
        began = time.monotonic()
        other.power_on()
        wait_until(lambda: holds(other), 40, "the takeover")
        assert elapsed_ms(began) > SILENCE_MS - 1000
        wait_until(lambda: "peer_absent" in causes(other, "takeover"), 10, "the record")
        holder.power_on()
        time.sleep(5)
        assert holds(other) and not holds(holder)


def test_somebody_answers_for_the_address():
    """The pulses and corosync are blocked, and the holder is still there on the service network: its answer is a veto."""
    with pair_alone() as (lab, holder, other):
        with lab.probe() as probe:
            for protocol in ("udp", "sctp", "icmp"):
                lab.hub.partition_link(holder, other, None, f"ip protocol {protocol}")
            wait_until(lambda: alone(other)["other"], 10, "the holder's answer")
            time.sleep(SILENCE_MS / 1000 + 3)
            assert holds(holder) and not holds(other)
            lab.hub.heal()
            time.sleep(2)
        assert probe.record.speakers() == {holder.name}
