# SPDX-License-Identifier: GPL-2.0-or-later
"""Two nodes with two ISPs each, seen on the wire: which packets leave by which device while lines fail, what a planned switch costs a fast stream, and
what is left in connection tracking."""
import contextlib
import os
import re
import subprocess
import time

import pytest

from gatelab import Space
from isplab import Services
from ringlab import Lab, ringkeep
from ringlab.isps import MEDIA, MEDIA_PORT, OPERATORS, PUBLIC, Call, Isps, Tap, configuration, flows
from ringlab.lab import VIP4
from ringlab.machine import wait_until
from ringlab.paths import tool
from test_uplink_path import backlog_drops
from test_uplinks import call, calm, uplinks, used, voice  # noqa: F401  (fixtures)

SIP_PORT, STREAM_PORT, STREAM_PPS, STREAM_S, STREAM_TRIES = 5060, 9100, 50_000, 4, 3
OVERLAP_NS = 2_000_000  # two processors send at once: the packets of one instant


@pytest.fixture(scope="module")
def world():
    if os.geteuid() != 0:
        pytest.fail("the lab needs root")
    with contextlib.ExitStack() as stack:
        lab = stack.enter_context(Lab())
        isps = stack.enter_context(contextlib.closing(Isps(lab, Space, Services)))
        dns = f'probe names {{ kind = dns address = {OPERATORS["b"]} host = "example.com" }}'
        top, lines = configuration(lab, "failback-after = 2s slow-interval = 200ms", dns)
        lab.start_cluster(timing=top, fence_levels=lines)
        yield lab, isps


@contextlib.contextmanager
def tapped(node):
    with contextlib.ExitStack() as stack:
        yield {n: stack.enter_context(contextlib.closing(Tap(node, f"wan{n}"))) for n in PUBLIC}


def switched(holder, isps, n):
    isps.fault(n, holder)
    wait_until(lambda: used(holder) != f"isp{n}" and not (voice(holder)["last_switch"] or {}).get("running"), 15, lambda: str(voice(holder)), 0.02)


def test_no_probe_of_one_line_leaves_by_another(calm):
    lab, isps, holder = calm
    with tapped(holder) as taps:
        time.sleep(1)
        switched(holder, isps, 1)
        isps.carrier(2, holder, False)
        time.sleep(1)
        isps.carrier(2, holder, True)
        time.sleep(2)
    probes = {n: {p[4] for p in tap.seen if p[3] in OPERATORS.values()} for n, tap in taps.items()}
    asked = {n: len([p for p in tap.seen if p[3] in OPERATORS.values()]) for n, tap in taps.items()}
    print(f"probes seen: {asked}, strayed {[isps.strayed(node) for node in lab.pbx_nodes]}, refused {[isps.refused(n) for n in PUBLIC]}")
    assert all(count > 20 for count in asked.values())
    assert not probes[1] & probes[2], "an ICMP identifier or port on both lines"
    for n, tap in taps.items():
        assert {p[2] for p in tap.seen if p[3] in OPERATORS.values()} == {f"10.{n}.{holder.id}.2"}
    assert all(isps.strayed(node) == 0 for node in lab.pbx_nodes)
    assert all(isps.refused(n) == 0 for n in PUBLIC)


def test_signalling_and_media_move_together_and_leave_nothing(calm, call):
    _lab, isps, holder = calm
    with contextlib.closing(Call(isps, holder, VIP4, SIP_PORT + 10, SIP_PORT + 10)) as signalling, tapped(holder) as taps:
        wait_until(lambda: len(signalling.near_heard) > 25, 10, "both flows", 0.05)
        switched(holder, isps, 1)
        time.sleep(2)
        assert flows(holder, MEDIA, 2) and not flows(holder, MEDIA, 1)
        assert signalling.sources(time.monotonic() - 1) == call.sources(time.monotonic() - 1) == {PUBLIC[2]}
    old, new = (taps[n].to(MEDIA, MEDIA_PORT, SIP_PORT + 10) for n in PUBLIC)
    assert {p[5] for p in old} == {p[5] for p in new} == {MEDIA_PORT, SIP_PORT + 10}
    overlap_ms = (old[-1][0] - new[0][0]) / 1e6
    print(f"{len(old)} packets of call and signalling over wan1, then {len(new)} over wan2; last of the old {overlap_ms:+.2f} ms from the first of the new")
    assert max(p[0] for p in old) <= min(p[0] for p in new) + OVERLAP_NS, "both lines at a time"


def stream(isps, holder, there):
    """A fast stream to the Internet, and a switch by hand meanwhile: what was sent and what came."""
    sink = subprocess.Popen(["ip", "netns", "exec", isps.inet.name, tool("stream"), "sink", str(STREAM_PORT)], stdout=subprocess.PIPE, text=True)
    sender = None
    try:
        assert sink.stdout.readline() == "listening\n"
        sender = subprocess.Popen([tool("machine"), "run", str(holder.pid), "--", tool("stream"), "send", MEDIA, str(STREAM_PORT), str(STREAM_PPS),
                                   str(STREAM_S)], stdout=subprocess.PIPE, text=True)
        time.sleep(1)
        ringkeep.hactl(holder, "uplink", "use", there)
        texts = [p.communicate(timeout=40)[0] for p in (sender, sink)]
        return {k: int(v) for text in texts for k, v in re.findall(r"(\w+)=(\d+)", text)}
    finally:
        for process in (sender, sink):
            if process:
                process.kill()
                process.wait()


def test_a_planned_switch_of_a_fast_stream_loses_nothing(calm):
    _lab, isps, holder = calm
    for attempt in range(STREAM_TRIES):
        wait_until(lambda: voice(holder)["since_ms"] > 3000, 10, "the latest switch to be old enough", 0.1)
        there = "isp2" if used(holder) == "isp1" else "isp1"
        drops = backlog_drops()
        seen = stream(isps, holder, there)
        lost, busy = seen["sent"] - seen["came"], backlog_drops() - drops
        print(f"planned, {STREAM_PPS} packets a second: {lost} of {seen['sent']} lost, {seen['refused']} refused, {busy + seen['dropped']} for a busy machine; "
              f"{voice(holder)['last_switch']}")
        assert used(holder) == there
        if seen["dropped"] == 0 and busy == 0:
            break
    assert seen["sent"] == STREAM_PPS * STREAM_S and seen["refused"] == 0 and lost == 0, f"{seen}, attempt {attempt}"


def test_dead_names_are_no_dead_line(calm):
    _lab, isps, holder = calm
    before = voice(holder)["switches"]
    isps.silence(OPERATORS["b"], "udp dport 53")
    wait_until(lambda: all(t["state"] == "down" for u in uplinks(holder).values() for t in u["targets"] if t["kind"] == "dns"), 20,
               lambda: str(uplinks(holder)), 0.1)
    time.sleep(4)
    assert voice(holder)["switches"] == before and used(holder) == "isp1"
    assert {u["class"] for u in uplinks(holder).values()} == {"good"}
