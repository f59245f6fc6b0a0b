# SPDX-License-Identifier: GPL-2.0-or-later
"""What live calls of a real Asterisk have to do with the choice of a line: a carrier that does not take the other line's address brings voice back with
them, and losses that only their audio has are reason enough to leave."""
import contextlib
import os
import time

import pytest

from gatelab import Space
from isplab import Services
from ringlab import Lab, asterisk, ringkeep
from ringlab.isps import MEDIA, PUBLIC, Isps, configuration, flows
from ringlab.machine import wait_until
from test_asterisk_uplinks import RTP_PORT, addresses, trunk_text
from test_uplinks import uplinks, used, voice
from test_uplinks_asterisk import TRUNK, FarCarrier, Watched, ready, requests

REPORT_S = 1.0          # a carrier's RTCP; the usual five would only take longer
SETTLED_S = 11          # after a switch what calls report is not counted for ten seconds


@pytest.fixture(scope="module")
def world():
    if os.geteuid() != 0:
        pytest.fail("the lab needs root: namespaces, chroot")
    with contextlib.ExitStack() as stack:
        lab = stack.enter_context(Lab())
        isps = stack.enter_context(contextlib.closing(Isps(lab, Space, Services)))
        carrier = stack.enter_context(contextlib.closing(FarCarrier(isps, latches=False, reports_s=REPORT_S)))
        top, lines = configuration(lab, "slow-interval = 200ms hold = 1s failback = delay failback-after = 1s failback-wait = 1s")
        changes = {"pjsip.conf": [("bind = 10.77.0.100:5060\n\n[tcp]", "bind = 10.77.0.100:5060\nlocal_net = 10.77.0.0/24\n\n[tcp]")],
                   "modules.conf": [("load = app_echo.so\n", "load = app_echo.so\nload = app_milliwatt.so\n")]}
        lab.start_cluster(pbx="asterisk", timing=top, fence_levels=lines, group="damping-penalty = 0\n" + TRUNK,
                          pbx_settings={"uplink-include": f"{asterisk.ON_NODE}/etc/pjsip_uplink.conf", "uplink-transports": "udp"},
                          asterisk_install={"changes": changes, "files": {"pjsip_trunk.conf": trunk_text().replace("10.77.0.210", MEDIA)}})
        yield lab, isps, carrier


def alarms(node):
    return {a["key"]: a["text"] for a in ringkeep.status(node)["alarms"]}


def switches_told(node):
    return [str(r) for r in ringkeep.hactl(node, "uplink", "history", "-n", "50")["records"] if "uplink-switch" in str(r)]


def calls_counted(holder, n):
    wait_until(lambda: ringkeep.group(holder)["pbx"]["calls"] == n, 20, lambda: str(ringkeep.group(holder)["pbx"]), 0.05)


def test_a_carrier_that_refuses_the_other_line_gets_the_first_back(world):
    """Voice is to go back to the preferred line, which is well by all its probes; but its address is on no list of the carrier's any more."""
    ready(world)
    _lab, isps, carrier = world
    with contextlib.ExitStack() as stack:
        call = Watched(world, stack)
        holder = call.holder
        ringkeep.hactl(holder, "uplink", "use", "isp2")
        call.ended(2)
        call.dial(2)
        calls_counted(holder, 1)
        carrier.forbidden.add(PUBLIC[1])
        stack.callback(carrier.forbidden.clear)
        before, seen = voice(holder)["switches"], len(carrier.seen)
        ringkeep.hactl(holder, "uplink", "auto")
        wait_until(lambda: any(addresses(m)[0] == PUBLIC[1] for m in requests(carrier, "INVITE", seen)), 20, "a re-INVITE from the other line", 0.05)
        wait_until(lambda: not voice(holder)["last_switch"]["running"], 30, lambda: str(voice(holder)), 0.05)
        last = voice(holder)["last_switch"]
        print("undone:", last)
        assert last["outcome"] == "undone" and "trunks do not register" in last["outcome_why"], last
        assert used(holder) == "isp2" and voice(holder)["switches"] == before
        assert holder.check("ip", "route", "get", MEDIA).split(" dev ")[1].split()[0] == "wan2"
        wait_until(lambda: requests(carrier, "INVITE", seen) and addresses(requests(carrier, "INVITE", seen)[-1]) == (PUBLIC[2], PUBLIC[2]), 20,
                   lambda: f"a re-INVITE back: {[addresses(m) for m in requests(carrier, 'INVITE', seen)]}", 0.05)
        at = time.monotonic()
        wait_until(lambda: addresses(requests(carrier, "REGISTER", seen)[-1])[0] == PUBLIC[2], 20,
                   lambda: f"a registration from where voice is: {[m.get('Contact') for m in carrier.requests('REGISTER', seen)]}", 0.05)
        wait_until(lambda: ringkeep.group(holder)["trunks"][0]["state"] == "registered", 20, lambda: str(ringkeep.group(holder)["trunks"]), 0.05)
        print(f"registered {time.monotonic() - at:.2f} s after the re-INVITE back: {[(m.get('CSeq'), m.get('Contact')) for m in carrier.requests('REGISTER', seen)]}")
        time.sleep(2)
        assert flows(holder, MEDIA, 2) and not flows(holder, MEDIA, 1), flows(holder, MEDIA)
        assert {source for t, source, _ in carrier.heard if t > time.time() - 1} == {PUBLIC[2]}
        came = [p for p in call.taps[2].came if p[2] == MEDIA and p[4] == RTP_PORT and p[0] / 1e9 > time.time() - 1]
        assert len(came) > 25, "the carrier's audio is not back"
        assert any("undone" in text for text in switches_told(holder)), switches_told(holder)
        assert "uplinks/switch/IPv4" in alarms(holder), alarms(holder)
        call.check_probes()


def test_what_only_calls_lose_is_left(world):
    """Probes are as well as ever: a shaper takes the audio alone."""
    _lab, isps, carrier = world
    isps.heal()
    with contextlib.ExitStack() as stack:
        call = Watched(world, stack)
        holder = call.holder
        wait_until(lambda: all(u["class"] == "good" for u in uplinks(holder).values()), 40, lambda: str(uplinks(holder)), 0.1)
        call.switch_by_hand(1)
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
