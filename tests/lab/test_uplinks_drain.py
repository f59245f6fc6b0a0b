# SPDX-License-Identifier: GPL-2.0-or-later
"""A degraded line is drained, not cut: a real Asterisk with a transport for each uplink keeps a live call, audio and signalling, on the old line, and new
ones take the other."""
import contextlib
import os
import time

import pytest

from gatelab import Space
from isplab import Services
from ringlab import Lab, asterisk, ringkeep
from ringlab.isps import MEDIA, PUBLIC, Isps, configuration
from ringlab.machine import wait_until
from test_asterisk_uplinks import addresses, trunk_text
from test_uplinks import all_good, uplinks, used, voice
from test_uplinks_asterisk import TRUNK, FarCarrier, requests

REGISTER_MS = 500  # Asterisk unregisters, and registers a second later
TRANSPORT = "bind = 10.77.0.100:5060\nlocal_net = 10.77.0.0/24\n"
SECOND = f"\n[udp2]\ntype = transport\nprotocol = udp\n{TRANSPORT.replace('5060', '5062')}"


@pytest.fixture(scope="module")
def world():
    if os.geteuid() != 0:
        pytest.fail("the lab needs root: namespaces, chroot")
    with contextlib.ExitStack() as stack:
        lab = stack.enter_context(Lab())
        isps = stack.enter_context(contextlib.closing(Isps(lab, Space, Services)))
        carrier = stack.enter_context(contextlib.closing(FarCarrier(isps)))
        top, lines = configuration(lab, "slow-interval = 200ms confirm = 2s")
        changes = {"pjsip.conf": [("bind = 10.77.0.100:5060\n\n[tcp]", f"{TRANSPORT}{SECOND}\n[tcp]")],
                   "modules.conf": [("load = app_echo.so\n", "load = app_echo.so\nload = app_milliwatt.so\n")]}
        lab.start_cluster(pbx="asterisk", timing=top, fence_levels=lines, group="damping-penalty = 0\n" + TRUNK,
                          pbx_settings={"uplink-include": f"{asterisk.ON_NODE}/etc/pjsip_uplink.conf", "uplink-each": "isp1:udp,isp2:udp2",
                                        "uplink-endpoints": "itsp"},
                          asterisk_install={"changes": changes, "files": {"pjsip_trunk.conf": trunk_text().replace("10.77.0.210", MEDIA)}})
        yield lab, isps, carrier


def test_a_degraded_line_is_drained(world):
    lab, isps, carrier = world
    for node in lab.pbx_nodes:
        asterisk.wait_booted(node)
    holder = lab.wait_settled()
    wait_until(lambda: all_good(lab) and used(holder) == "isp1", 40, lambda: str(uplinks(holder)), 0.1)
    wait_until(lambda: requests(carrier, "REGISTER", 0), 20, lambda: f"a registration: {ringkeep.group(holder)['trunks']}", 0.1)
    wait_until(lambda: addresses(requests(carrier, "REGISTER", 0)[-1])[0] == PUBLIC[1], 20, lambda: str([m.get("Contact") for m in carrier.seen]), 0.1)
    with contextlib.closing(asterisk.Manager(asterisk.where(holder))) as manager:
        manager.ask("Originate", Channel=f"PJSIP/itsp/sip:100@{MEDIA}", Application="Milliwatt", Async="true")
        invite = wait_until(lambda: carrier.requests("INVITE"), 10, "an INVITE", 0.02)[0]
        assert addresses(invite) == (PUBLIC[1], PUBLIC[1])
        wait_until(lambda: ringkeep.group(holder)["pbx"]["calls"] == 1 and len(carrier.heard) > 50, 10, "a call that is counted", 0.05)
        seen = len(carrier.seen)
        isps.lose(1, 4, holder)  # each way: no speech worth the name, and not dead
        wait_until(lambda: voice(holder)["draining"] == "isp1", 60, lambda: f"{voice(holder)} {uplinks(holder)['isp1']}", 0.1)
        drained = time.time()
        wait_until(lambda: not voice(holder)["last_switch"]["running"], 15, lambda: str(voice(holder)), 0.05)
        wait_until(lambda: any(addresses(m)[0] == PUBLIC[2] for m in requests(carrier, "REGISTER", seen)), 20, "a registration over the other line", 0.1)
        last = voice(holder)["last_switch"]
        assert last["outcome"] == "done" and last["ms"]["trunks"] - last["ms"]["pbx"] > REGISTER_MS, "verified before the trunk was registered"
        time.sleep(2)
        assert {source for t, source, _ in carrier.heard if t > drained} == {PUBLIC[1]}, "the live call was moved"
        manager.command("channel request hangup all")
        bye = wait_until(lambda: carrier.requests("BYE", seen), 10, "its end", 0.05)[0]
        assert bye.get("Call-ID") == invite.get("Call-ID")
        print(f"drain: {voice(holder)['why']}; {voice(holder)['last_switch']}")
        wait_until(lambda: voice(holder)["draining"] is None and voice(holder)["uplink"] == "isp2", 20, lambda: str(voice(holder)), 0.1)
        again = len(carrier.seen)
        manager.ask("Originate", Channel=f"PJSIP/itsp/sip:100@{MEDIA}", Application="Milliwatt", Async="true")
        new = wait_until(lambda: carrier.requests("INVITE", again), 10, "a new call", 0.02)[0]
        assert addresses(new) == (PUBLIC[2], PUBLIC[2])
