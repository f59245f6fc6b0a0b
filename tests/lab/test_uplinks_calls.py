# SPDX-License-Identifier: GPL-2.0-or-later
"""Losses that only the audio of a real Asterisk's calls has, and no probe, are reason enough to leave a line: the carrier reports them by RTCP."""
import contextlib
import time

import pytest

from ringlab import ringkeep
from ringlab.isps import MEDIA, PUBLIC, flows
from ringlab.machine import wait_until
from test_asterisk_uplinks import RTP_PORT, addresses
from test_uplinks import uplinks, used, voice
from test_uplinks_asterisk import Watched, ready, requests, start

REPORT_S = 1.0          # a carrier's RTCP; the usual five would only take longer
SETTLED_S = 11          # after a switch what calls report is not counted for ten seconds


@pytest.fixture(scope="module")
def world():
    with contextlib.ExitStack() as stack:
        yield start(stack, "slow-interval = 200ms confirm = 1s", latches=False, reports_s=REPORT_S)


def calls_counted(holder, n):
    wait_until(lambda: ringkeep.group(holder)["pbx"]["calls"] == n, 20, lambda: str(ringkeep.group(holder)["pbx"]), 0.05)


def test_what_only_calls_lose_is_left(world):
    """Probes are as well as ever: a shaper takes the audio alone."""
    _lab, isps, carrier = world
    ready(world)
    with contextlib.ExitStack() as stack:
        call = Watched(world, stack)
        holder = call.holder
        call.dial(1)
        calls_counted(holder, 1)
        wait_until(lambda: voice(holder)["since_ms"] > SETTLED_S * 1000, 20, "what calls report to count", 0.1)
        wait_until(lambda: uplinks(holder)["isp1"]["calls_mos"], 20, lambda: f"a verdict of the calls: {uplinks(holder)['isp1']}", 0.1)
        before, since, seen = voice(holder)["switches"], time.time(), len(carrier.seen)
        print("before:", uplinks(holder)["isp1"])
        isps.fault(1, holder, f"udp dport {RTP_PORT} numgen random mod 100 < 20 drop")
        stack.callback(isps.heal)
        wait_until(lambda: used(holder) == "isp2", 60, lambda: f"{voice(holder)} {uplinks(holder)['isp1']}", 0.05)
        left = uplinks(holder)["isp1"]
        print(f"left {time.time() - since:.1f} s after the audio got lossy: {left}")
        assert left["why"] == "calls" and left["mos"] > 4 and left["loss_percent"] == 0, left
        call.ended(2)
        time.sleep(2.5)
        assert voice(holder)["switches"] == before + 1
        assert addresses(requests(carrier, "INVITE", seen)[-1]) == (PUBLIC[2], PUBLIC[2])
        assert flows(holder, MEDIA, 2) and not flows(holder, MEDIA, 1), flows(holder, MEDIA)
        assert uplinks(holder)["isp1"]["class"] != "good", "nobody has said that it is well again"
