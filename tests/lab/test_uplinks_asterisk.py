# SPDX-License-Identifier: GPL-2.0-or-later
"""Two nodes with two ISPs each and real Asterisks, a carrier in the Internet, and a call with audio both ways, when the ISP in use goes black: how long
the call is silent, when the carrier has the registration and the re-INVITE from the new address."""
import contextlib
import os
import struct
import threading
import time

import pytest

from gatelab import Space
from isplab import Services
from ringlab import Lab, asterisk, ringkeep
from ringlab.isps import MEDIA, PUBLIC, Isps, Tap, configuration, flows
from ringlab.machine import wait_until
from ringlab.probe import now_ns
from ringlab.stalls import excused
from test_asterisk_uplinks import RTP_PORT, SSRC, Carrier, addresses, trunk_text
from test_uplinks import GAP_S, all_good, uplinks, used, voice

REGISTERED_S = 2.0 + 1.0  # the goal after detection, and what a busy machine may add
TRUNK = f"""    trunk itsp {{
        registration = "itsp-reg" peers = {{ "{MEDIA}" }} contact = address carrier = itsp rate = 5 burst = 10
    }}"""
PEER_PORT = 5060


class FarCarrier(Carrier):
    """Beyond the ISPs' address translation: it speaks to where the latest audio came from, and notes when each request and each packet came."""

    def __init__(self, isps):
        self.heard, self.times = [], []
        super().__init__(f"/run/netns/{isps.inet.name}", MEDIA)
        threading.Thread(target=self._answer, daemon=True).start()

    def _hear(self):
        while self._open:
            try:
                data, source = self._rtp.recvfrom(65536)
            except OSError:
                return
            if len(data) >= 12:
                self.ours = struct.unpack("!I", data[8:12])[0], source
                self.heard.append((time.time(), source[0], struct.unpack("!H", data[2:4])[0]))

    def _answer(self):
        number = 0
        while self._open:
            if self.ours:
                number += 1
                with contextlib.suppress(OSError):
                    self._rtp.sendto(struct.pack("!BBHII", 0x80, 0, number & 0xFFFF, number * 160, SSRC) + b"\xff" * 160, self.ours[1])
            time.sleep(0.02)


@pytest.fixture(scope="module")
def world():
    if os.geteuid() != 0:
        pytest.fail("the lab needs root: namespaces, chroot")
    with contextlib.ExitStack() as stack:
        lab = stack.enter_context(Lab())
        isps = stack.enter_context(contextlib.closing(Isps(lab, Space, Services)))
        carrier = stack.enter_context(contextlib.closing(FarCarrier(isps)))
        top, lines = configuration(lab, "slow-interval = 200ms")
        changes = {"pjsip.conf": [("bind = 10.77.0.100:5060\n\n[tcp]", "bind = 10.77.0.100:5060\nlocal_net = 10.77.0.0/24\n\n[tcp]")],
                   "modules.conf": [("load = app_echo.so\n", "load = app_echo.so\nload = app_milliwatt.so\n")]}
        lab.start_cluster(pbx="asterisk", timing=top, fence_levels=lines, group="damping-penalty = 0\n" + TRUNK,
                          pbx_settings={"uplink-include": f"{asterisk.ON_NODE}/etc/pjsip_uplink.conf", "uplink-transports": "udp"},
                          asterisk_install={"changes": changes, "files": {"pjsip_trunk.conf": trunk_text().replace("10.77.0.210", MEDIA)}})
        yield lab, isps, carrier


def longest_gap_s(times, since, until):
    inside = [since, *(t for t in times if since <= t <= until), until]
    return max(b - a for a, b in zip(inside, inside[1:]))


def requests(carrier, method, since):
    return [m for m in carrier.requests(method, since) if "expires=0" not in m.get("Contact")]


def first_seen_s(tap, port, since):
    """When the first packet for the carrier's port left by that device, after `since`."""
    return next((p[0] / 1e9 for p in tap.to(MEDIA, port) if p[0] / 1e9 >= since), None)


def test_a_call_through_a_blackout(world):
    lab, isps, carrier = world
    for node in lab.pbx_nodes:
        asterisk.wait_booted(node)
    holder = lab.wait_settled()
    wait_until(lambda: all_good(lab) and used(holder) == "isp1", 40, lambda: str(uplinks(holder)), 0.1)
    wait_until(lambda: requests(carrier, "REGISTER", 0), 20, lambda: f"a registration: {ringkeep.group(holder)['trunks']}", 0.1)
    wait_until(lambda: addresses(requests(carrier, "REGISTER", 0)[-1])[0] == PUBLIC[1], 20, lambda: str([m.get("Contact") for m in carrier.seen]), 0.1)
    with contextlib.closing(asterisk.Manager(asterisk.where(holder))) as manager, contextlib.closing(Tap(holder, "wan1")) as old, \
            contextlib.closing(Tap(holder, "wan2")) as new:
        manager.ask("Originate", Channel=f"PJSIP/itsp/sip:100@{MEDIA}", Application="Milliwatt", Async="true")
        invite = wait_until(lambda: carrier.requests("INVITE"), 10, "an INVITE", 0.02)[0]
        assert addresses(invite) == (PUBLIC[1], PUBLIC[1])
        wait_until(lambda: len(carrier.heard) > 100, 10, "audio of Asterisk", 0.05)
        since, begun_ns, seen = time.time(), now_ns(), len(carrier.seen)
        isps.fault(1, holder)
        wait_until(lambda: used(holder) == "isp2", 14, lambda: str(voice(holder)), 0.02)
        wait_until(lambda: requests(carrier, "REGISTER", seen), 20, lambda: str(voice(holder)), 0.02)
        again = wait_until(lambda: requests(carrier, "INVITE", seen), 20, lambda: f"a re-INVITE: {voice(holder)}", 0.02)
        wait_until(lambda: not voice(holder)["last_switch"]["running"], 15, lambda: str(voice(holder)), 0.05)
        time.sleep(1)
        until = time.time() - 0.1
        there = longest_gap_s([t for t, *_ in carrier.heard], since, until)
        here = longest_gap_s([p[0] / 1e9 for p in sorted(old.came + new.came) if p[2] == MEDIA and p[4] == RTP_PORT], since, until)
        media_at, sip_at = first_seen_s(new, RTP_PORT, since), first_seen_s(new, PEER_PORT, since)
        numbers = [n for t, _, n in carrier.heard]
        lost = sum((b - a - 1) & 0xFFFF for a, b in zip(numbers, numbers[1:]) if (b - a) & 0xFFFF < 1000)
        old_flows, new_flows = flows(holder, MEDIA, 1), flows(holder, MEDIA, 2)
        print(f"blackout with Asterisk: silent there {there * 1000:.0f} ms ({lost} packets), here {here * 1000:.0f} ms; audio over wan2 {media_at - since:.2f} s after "
              f"the fault, SIP {sip_at - media_at:+.2f} s from it; {voice(holder)['last_switch']}")
        assert [m.get("Call-ID") for m in again][0] == invite.get("Call-ID") and addresses(again[-1]) == (PUBLIC[2], PUBLIC[2])
        assert addresses(requests(carrier, "REGISTER", seen)[-1])[0] == PUBLIC[2]
        assert {source for t, source, _ in carrier.heard if t > until - 1} == {PUBLIC[2]}
        assert new_flows and not old_flows, old_flows
        assert voice(holder)["last_switch"]["outcome"] == "done", voice(holder)["last_switch"]
        with excused(begun_ns):
            assert max(there, here) < GAP_S
            assert sip_at - media_at < REGISTERED_S
        manager.ask("Hangup", Channel="/^PJSIP\\/.*$/")
