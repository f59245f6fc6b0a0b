# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines of both families: each family has its own choice, and what befalls one of an ISP's two moves no voice of the other."""
import contextlib
import os
import time

import pytest

from gatelab import Space
from isplab import Services
from ringlab import Lab, ringkeep
from ringlab.isps import MEDIA, MEDIA6, OPERATORS, OPERATORS6, PUBLIC, Call, Isps, Tap, configuration, flows
from ringlab.lab import VIP4, VIP6
from ringlab.machine import wait_until
from ringlab.probe import now_ns
from ringlab.stalls import excused
from test_uplinks import GAP_S, HOLD_MS, all_good

NUMBER = {"isp1": 1, "isp1-6": 2, "isp2": 3, "isp2-6": 4}  # in the order of their names, which gives the mark
BETWEEN = 1  # packet of a flow with a translated address may come between the route and the flush: the kernel drops it


@pytest.fixture(scope="module")
def world():
    if os.geteuid() != 0:
        pytest.fail("the lab needs root")
    with contextlib.ExitStack() as stack:
        lab = stack.enter_context(Lab())
        isps = stack.enter_context(contextlib.closing(Isps(lab, Space, Services, ipv6=True)))
        top, lines = configuration(lab, "slow-interval = 200ms", ipv6=True)
        lab.start_cluster(timing=top, fence_levels=lines)
        yield lab, isps


def voice(node, family):
    return next(v for v in ringkeep.status(node)["voice"] if v["family"] == family)


def moved(node, family, to):
    seen = voice(node, family)
    return seen["uplink"] == to and not (seen["last_switch"] or {}).get("running") and seen


def brought(node, family, to):
    """Is voice there, and at rest? If not it is ordered there; a switch of the node's own may have to end before, as at its start."""
    if not (voice(node, family)["last_switch"] or {}).get("running") and voice(node, family)["uplink"] != to:
        with contextlib.suppress(ringkeep.Refused):
            ringkeep.hactl(node, "uplink", "use", to)
    return moved(node, family, to)


class Both:
    """A call of each family on the holder, and what leaves it by each device."""

    FAMILIES = {"ipv4": (VIP4, MEDIA), "ipv6": (VIP6, MEDIA6)}

    def __init__(self, isps, holder, stack):
        self.isps, self.holder = isps, holder
        self.call = {f: stack.enter_context(contextlib.closing(Call(isps, holder, own))) for f, (own, _) in self.FAMILIES.items()}
        self.taps = {n: stack.enter_context(contextlib.closing(Tap(holder, f"wan{n}"))) for n in PUBLIC}
        for call in self.call.values():
            wait_until(lambda c=call: len(c.near_heard) > 25, 10, "audio both ways", 0.05)
        self.switches = {f: voice(holder, f)["switches"] for f in self.FAMILIES}
        self.began_ns, self.at, self.first = now_ns(), time.monotonic(), {f: c.sent for f, c in self.call.items()}

    def gap_s(self, family):
        return max(self.call[family].gap_s(heard, self.at) for heard in (self.call[family].far_heard, self.call[family].near_heard))

    def lost(self, family):
        return self.call[family].lost(self.first[family], self.call[family].sent - 10)

    def source(self, family, n):
        """Where the carrier hears the call from when it goes over that ISP."""
        return PUBLIC[n] if family == "ipv4" else f"fd0{n}:0:0:{self.holder.id}::2"

    def check_moved(self, family, old, new):
        """The family's voice, and all of it, from one ISP to the other; nothing of the old line is remembered."""
        suffix = "" if family == "ipv4" else "-6"
        done = wait_until(lambda: moved(self.holder, family, f"isp{new}{suffix}"), 15, lambda: str(ringkeep.status(self.holder)["voice"]), 0.02)
        assert done["last_switch"]["outcome"] == "done" and done["switches"] == self.switches[family] + 1, done
        to = self.FAMILIES[family][1]
        assert self.call[family].sources(time.monotonic() - 1) == {self.source(family, new)}
        assert flows(self.holder, to, NUMBER[f"isp{new}{suffix}"]) and not flows(self.holder, to, NUMBER[f"isp{old}{suffix}"]), flows(self.holder, to)
        print(f"{family}: isp{old} -> isp{new}: silent for {self.gap_s(family) * 1000:.0f} ms, {self.lost(family)} packets lost; {done['last_switch']}")

    def check_stayed(self, family, n):
        seen = voice(self.holder, family)
        assert seen["uplink"].startswith(f"isp{n}") and seen["switches"] == self.switches[family], seen
        assert self.call[family].sources(self.at) == {self.source(family, n)}
        with excused(self.began_ns):
            assert self.lost(family) == 0, f"{family} lost packets though it did not move"

    def check_probes(self):
        for n, tap in self.taps.items():
            asked = [p for p in tap.seen if p[3] in (*OPERATORS.values(), *OPERATORS6.values())]
            assert {p[2] for p in asked} == {f"10.{n}.{self.holder.id}.2", f"fd0{n}:0:0:{self.holder.id}::2"}
        assert self.isps.strayed(self.holder) == 0 and all(self.isps.refused(n) == 0 for n in PUBLIC)


@pytest.fixture()
def both(world):
    """All well, voice of both families over ISP 1, and a call of each."""
    lab, isps = world
    isps.heal()
    for n in PUBLIC:
        for node in lab.pbx_nodes:
            isps.carrier(n, node, True)
    wait_until(lambda: all_good(lab), 60, lambda: "all uplinks good:\n" + lab.describe(), 0.1)
    holder = lab.wait_settled()
    for family, name in (("ipv4", "isp1"), ("ipv6", "isp1-6")):
        wait_until(lambda f=family, n=name: brought(holder, f, n), 20, lambda: str(ringkeep.status(holder)["voice"]), 0.1)
    ringkeep.hactl(holder, "uplink", "auto")
    wait_until(lambda: all(voice(holder, f)["since_ms"] > HOLD_MS for f in Both.FAMILIES), 10, "the latest switches to be old enough", 0.05)
    with contextlib.ExitStack() as stack:
        yield Both(isps, holder, stack)


@pytest.mark.parametrize("family, other", [("ipv6", "ipv4"), ("ipv4", "ipv6")])
def test_a_blackout_of_one_family_moves_that_one_alone(both, family, other):
    both.isps.fault(1, both.holder, f"meta nfproto {family} drop")
    wait_until(lambda: voice(both.holder, family)["uplink"] != ("isp1" if family == "ipv4" else "isp1-6"), 15, lambda: str(voice(both.holder, family)), 0.02)
    time.sleep(2.5)
    both.check_moved(family, 1, 2)
    both.check_stayed(other, 1)
    both.check_probes()
    with excused(both.began_ns):
        assert both.gap_s(family) < GAP_S


def test_a_planned_switch_of_ipv6_loses_nothing_and_is_its_own(both):
    ringkeep.hactl(both.holder, "uplink", "use", "isp2-6")
    time.sleep(2.5)
    both.check_moved("ipv6", 1, 2)
    both.check_stayed("ipv4", 1)
    both.check_probes()
    with excused(both.began_ns):
        assert both.lost("ipv6") <= BETWEEN


def test_a_line_without_carrier_is_one_of_both_families(both):
    both.isps.carrier(1, both.holder, False)
    for family, name in (("ipv4", "isp2"), ("ipv6", "isp2-6")):
        wait_until(lambda f=family, n=name: voice(both.holder, f)["uplink"] == n, 10, lambda: str(ringkeep.status(both.holder)["voice"]), 0.02)
    time.sleep(2.5)
    for family in Both.FAMILIES:
        both.check_moved(family, 1, 2)
        with excused(both.began_ns):
            assert both.gap_s(family) < 1.0
