# SPDX-License-Identifier: GPL-2.0-or-later
"""Two nodes with two ISPs each and real Asterisks, a carrier in the Internet, and a call with audio both ways, when the ISP in use goes black and when an
operator moves voice back: how long the call is silent, when the carrier has the registration and the re-INVITE from the new address, and that
signalling and media are never on two lines."""
import contextlib
import os
import struct
import threading
import time

import pytest

from gatelab import Space
from isplab import Services
from ringlab import Lab, asterisk, ringkeep
from ringlab.isps import MEDIA, OPERATORS, PUBLIC, Isps, Tap, configuration, flows
from ringlab.machine import wait_until
from ringlab.probe import now_ns
from ringlab.sipmessage import media_address
from ringlab.stalls import excused
from test_asterisk_uplinks import RTP_PORT, SSRC, Carrier, addresses, trunk_text
from test_uplinks import GAP_S, all_good, uplinks, used, voice

REGISTERED_S = 2.0 + 1.0  # the goal after detection, and what a busy machine may add
TRUNK = f"""    trunk itsp {{
        registration = "itsp-reg" peers = {{ "{MEDIA}" }} contact = address carrier = itsp rate = 5 burst = 10
    }}"""
PEER_PORT = 5060
OVERLAP_NS = 2_000_000  # two processors send at once: the packets of one instant
BETWEEN = 1             # packet of a flow with a translated address may come between the route and the flush: the kernel drops it
PLANNED_S = 0.2         # of silence in a planned switch: what a busy machine may add to none
FOLLOWED_S = 1.0        # until a carrier is heard again that goes by the re-INVITE alone


class FarCarrier(Carrier):
    """Beyond the ISPs' address translation; notes when each packet came. One that `latches` speaks to where the latest audio came from, another to
    where the latest INVITE wants it. With reports_s it tells by RTCP so often what it got."""

    def __init__(self, isps, latches=True, reports_s=None):
        self.heard, self.unwelcome, self._latches, self._stream = [], {}, latches, []
        super().__init__(f"/run/netns/{isps.inet.name}", MEDIA)
        self._start(self._answer)
        if reports_s:
            self._start(self._report, reports_s)

    @staticmethod
    def _start(target, *args):
        threading.Thread(target=target, args=args, daemon=True).start()

    def refuses(self, message, source):
        """A registration from an address that is not on the carrier's list."""
        return self.unwelcome.get(source) if message.method == "REGISTER" else None

    def _hear(self):
        while self._open:
            try:
                data, source = self._rtp.recvfrom(65536)
            except OSError:
                return
            if len(data) >= 12:
                number, ssrc = struct.unpack("!H", data[2:4])[0], struct.unpack("!I", data[8:12])[0]
                if self.ours is None or self.ours[0] != ssrc:
                    self._stream = []
                self.ours = ssrc, source
                self._stream.append(number)
                self.heard.append((time.time(), source[0], number))

    def _to(self):
        if self._latches:
            return self.ours and self.ours[1]
        offers = [m for m in self.requests("INVITE") if m.body]
        return media_address(offers[-1].body) if offers else None

    def _answer(self):
        number = 0
        while self._open:
            to = self._to()
            if to:
                number += 1
                with contextlib.suppress(OSError):
                    self._rtp.sendto(struct.pack("!BBHII", 0x80, 0, number & 0xFFFF, number * 160, SSRC) + b"\xff" * 160, to)
            time.sleep(0.02)

    def _report(self, every_s):
        while self._open:
            time.sleep(every_s)
            numbers = list(self._stream)
            if len(numbers) > 1:
                highest = numbers[0] + sum(step for step in steps(numbers) if step < 0x8000)
                with contextlib.suppress(OSError):
                    self.report(highest, highest - numbers[0] + 1 - len(set(numbers)))


def start(stack, voice_options, version="22", **carrier_kind):
    """(lab, ISPs, carrier), up until the stack is closed; carrier_kind: arguments of FarCarrier."""
    if os.geteuid() != 0:
        pytest.fail("the lab needs root: namespaces, chroot")
    lab = stack.enter_context(Lab())
    isps = stack.enter_context(contextlib.closing(Isps(lab, Space, Services)))
    carrier = stack.enter_context(contextlib.closing(FarCarrier(isps, **carrier_kind)))
    top, lines = configuration(lab, voice_options)
    changes = {"pjsip.conf": [("bind = 10.77.0.100:5060\n\n[tcp]", "bind = 10.77.0.100:5060\nlocal_net = 10.77.0.0/24\n\n[tcp]")],
               "modules.conf": [("load = app_echo.so\n", "load = app_echo.so\nload = app_milliwatt.so\n")]}
    lab.start_cluster(pbx="asterisk", asterisk=version, timing=top, fence_levels=lines, group="damping-penalty = 0\n" + TRUNK,
                      pbx_settings={"uplink-include": f"{asterisk.ON_NODE}/etc/pjsip_uplink.conf", "uplink-transports": "udp"},
                      asterisk_install={"changes": changes, "files": {"pjsip_trunk.conf": trunk_text().replace("10.77.0.210", MEDIA)}})
    return lab, isps, carrier


@pytest.fixture(scope="module", params=[("22", True), ("16", False)], ids=["22-latching carrier", "16-carrier follows SDP"])
def world(request):
    version, latches = request.param
    with contextlib.ExitStack() as stack:
        yield start(stack, "slow-interval = 200ms", version, latches=latches)


def steps(numbers):
    """From each packet's number to the next one's."""
    return [(b - a) & 0xFFFF for a, b in zip(numbers, numbers[1:])]


def longest_gap_s(times, since, until):
    inside = [since, *(t for t in times if since <= t <= until), until]
    return max(b - a for a, b in zip(inside, inside[1:]))


def requests(carrier, method, since):
    return [m for m in carrier.requests(method, since) if "expires=0" not in m.get("Contact")]


def lost(heard, since=0):
    """Packets whose numbers are missing among those heard since then."""
    return sum(step - 1 for step in steps([n for t, _, n in heard if t >= since]) if 1 < step < 1000)


class Watched:
    """A call through Asterisk's trunk with audio both ways, and what leaves the holder by each line while it is up."""

    def __init__(self, world, stack):
        self.lab, self.isps, self.carrier = world
        self.holder = self.lab.wait_settled()
        self.manager = stack.enter_context(contextlib.closing(asterisk.Manager(asterisk.where(self.holder))))
        stack.callback(self.manager.ask, "Hangup", Channel="/^PJSIP\\/.*$/")
        self.taps = {n: stack.enter_context(contextlib.closing(Tap(self.holder, f"wan{n}"))) for n in PUBLIC}
        self.invite, self.begun_ns = None, now_ns()

    def dial(self, n):
        seen = len(self.carrier.seen)
        self.manager.ask("Originate", Channel=f"PJSIP/itsp/sip:100@{MEDIA}", Application="Milliwatt", Async="true")
        self.invite = wait_until(lambda: self.carrier.requests("INVITE", seen), 10, "an INVITE", 0.02)[0]
        assert addresses(self.invite) == (PUBLIC[n], PUBLIC[n])
        heard = len(self.carrier.heard)
        wait_until(lambda: len(self.carrier.heard) > heard + 100, 10, "audio of Asterisk", 0.05)

    def switch(self, to, begin):
        """Does `begin`, waits until the switch has ended and is 2 s old; (when it began, how many requests the carrier had seen)."""
        since, self.begun_ns, seen = time.time(), now_ns(), len(self.carrier.seen)
        begin()
        self.ended(to)
        wait_until(lambda: self.since(seen, "REGISTER"), 20, lambda: str(voice(self.holder)), 0.02)
        wait_until(lambda: self.since(seen, "INVITE"), 20, lambda: f"a re-INVITE: {voice(self.holder)}", 0.02)
        time.sleep(1)
        return since, seen

    def ended(self, to):
        wait_until(lambda: used(self.holder) == f"isp{to}" and not voice(self.holder)["last_switch"]["running"], 20, lambda: str(voice(self.holder)), 0.02)

    def switch_by_hand(self, to):
        """To the line, and the choice is the node's own again."""
        ringkeep.hactl(self.holder, "uplink", "use", f"isp{to}")
        self.ended(to)
        ringkeep.hactl(self.holder, "uplink", "auto")

    def since(self, seen, method):
        return requests(self.carrier, method, seen)

    def gaps_s(self, old, new, since):
        """(at the carrier, from the carrier): what the carrier still sends to the old line when voice has left it is not heard."""
        until = time.time() - 0.1
        left_ns = next(p[0] for p in self.sent(new) if p[0] / 1e9 > since)
        audio = {n: [p[0] for p in tap.came if p[2] == MEDIA and p[4] == RTP_PORT] for n, tap in self.taps.items()}
        came = [t / 1e9 for t in [*(t for t in audio[old] if t < left_ns), *(t for t in audio[new] if t >= left_ns)]]
        return longest_gap_s([t for t, *_ in self.carrier.heard], since, until), longest_gap_s(came, since, until)

    def sent(self, n, *ports):
        """The call's packets that left by that line."""
        return [p for p in self.taps[n].to(MEDIA, *ports) if p[1] == "udp"]

    def check_moved(self, old, new, since, seen):
        """Signalling and media have left the old line together, and all who should know it do."""
        last = voice(self.holder)["last_switch"]
        left = [p for p in self.sent(old) if p[0] / 1e9 > since]
        came = [p for p in self.sent(new) if p[0] / 1e9 > since]
        overlap_ms = (left[-1][0] - came[0][0]) / 1e6 if left else 0
        registers = {m.get("CSeq") for m in self.carrier.requests("REGISTER", seen)}
        print(f"isp{old} -> isp{new}: {len(left)} packets on the old line after the beginning, the last {overlap_ms:+.2f} ms from the first of {len(came)} on "
              f"the new; {len(registers)} REGISTER; SIP {first_s(came, PEER_PORT) - came[0][0] / 1e9:+.3f} s from the first; {last}")
        assert {p[5] for p in came} >= {PEER_PORT, RTP_PORT}, "signalling or media is missing on the new line"
        assert all(p[0] <= came[0][0] + OVERLAP_NS for p in left), "both lines at a time"
        assert last["outcome"] == "done", last
        assert {m.get("Call-ID") for m in self.since(seen, "INVITE")} == {self.invite.get("Call-ID")}
        assert addresses(self.since(seen, "INVITE")[-1]) == (PUBLIC[new], PUBLIC[new])
        assert addresses(self.since(seen, "REGISTER")[-1])[0] == PUBLIC[new]
        assert len(registers) <= 2, "one to end the old registration, one for the new"
        assert flows(self.holder, MEDIA, new) and not flows(self.holder, MEDIA, old), flows(self.holder, MEDIA)
        assert {source for t, source, _ in self.carrier.heard if t > time.time() - 1} == {PUBLIC[new]}
        with excused(self.begun_ns):
            assert last["ms"]["flush"] - last["ms"]["route"] < 100
            assert first_s(came, PEER_PORT) - came[0][0] / 1e9 < REGISTERED_S

    def check_probes(self):
        """None of one line on the other, nor anything from the wrong address."""
        asked = {n: [p for p in tap.seen if p[3] in OPERATORS.values()] for n, tap in self.taps.items()}
        assert all(len(probes) > 20 for probes in asked.values())
        assert {n: {p[2] for p in probes} for n, probes in asked.items()} == {n: {f"10.{n}.{self.holder.id}.2"} for n in PUBLIC}
        assert not {p[4] for p in asked[1]} & {p[4] for p in asked[2]}, "an ICMP identifier or port on both lines"
        assert self.isps.strayed(self.holder) == 0 and all(self.isps.refused(n) == 0 for n in PUBLIC)
        print(f"probes seen: { {n: len(probes) for n, probes in asked.items()} }, strayed 0, refused 0")


def first_s(packets, port):
    return next(p[0] / 1e9 for p in packets if p[5] == port)


def ready(world):
    """All well, voice over ISP 1, the trunk registered with its address."""
    lab, _isps, carrier = world
    for node in lab.pbx_nodes:
        asterisk.wait_booted(node)
    holder = lab.wait_settled()
    wait_until(lambda: all_good(lab) and used(holder) == "isp1", 40, lambda: str(uplinks(holder)), 0.1)
    wait_until(lambda: requests(carrier, "REGISTER", 0), 20, lambda: f"a registration: {ringkeep.group(holder)['trunks']}", 0.1)
    wait_until(lambda: addresses(requests(carrier, "REGISTER", 0)[-1])[0] == PUBLIC[1], 20, lambda: str([m.get("Contact") for m in carrier.seen]), 0.1)


def test_a_call_through_a_blackout_and_back_by_hand(world):
    ready(world)
    with contextlib.ExitStack() as stack:
        call = Watched(world, stack)
        call.dial(1)
        since, seen = call.switch(2, lambda: call.isps.fault(1, call.holder))
        there, here = call.gaps_s(1, 2, since)
        print(f"blackout with Asterisk: silent there {there * 1000:.0f} ms ({lost(call.carrier.heard, since - 1)} packets), here {here * 1000:.0f} ms")
        call.check_moved(1, 2, since, seen)
        with excused(call.begun_ns):
            assert max(there, here) < GAP_S
        call.isps.heal()
        wait_until(lambda: all_good(call.lab), 40, lambda: str(uplinks(call.holder)), 0.1)
        since, seen = call.switch(1, lambda: ringkeep.hactl(call.holder, "uplink", "use", "isp1"))
        there, here = call.gaps_s(2, 1, since)
        print(f"by hand with Asterisk: {lost(call.carrier.heard, since - 1)} packets lost there, silent there {there * 1000:.0f} ms, here {here * 1000:.0f} ms")
        call.check_moved(2, 1, since, seen)
        call.check_probes()
        assert call.lab.wait_settled() is call.holder, "lines are no reason to move the group while one is good"
        with excused(call.begun_ns):
            assert lost(call.carrier.heard, since - 1) <= BETWEEN and there < PLANNED_S and here < FOLLOWED_S
