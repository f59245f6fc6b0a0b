# SPDX-License-Identifier: GPL-2.0-or-later
"""A real Asterisk is told of another public address while it is registered at a carrier and in a call with it."""
import contextlib
import os
import re
import socket
import struct
import subprocess
import threading
import time

import pytest

from pbxlab import PHONES, VIP
from pbxlab.asterisks import AsteriskSite
from ringlab.asterisk import EXAMPLE
from ringlab.machine import wait_until
from ringlab.netns import inside
from ringlab.sipmessage import Message, sdp

CARRIER, NETWORK = "10.77.0.210", "10.77.0.208/29"
FIRST, SECOND = "198.51.100.1", "203.0.113.77"
RTP_PORT = 30000
SSRC = 0x51EE51EE
NAT = f"local_net = {VIP}/32\n"


class Carrier:
    """Takes every registration and every call, writes down what comes, and reports by RTCP of what it gets."""

    def __init__(self, where, address=CARRIER):
        self.seen, self._open, self._lock, self.ours, self._address = [], True, threading.Lock(), None, address
        with inside(where):
            self._sip, self._rtp, self._rtcp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3))
        for s, port in ((self._sip, 5060), (self._rtp, RTP_PORT), (self._rtcp, RTP_PORT + 1)):
            s.bind((address, port))
        for target in (self._speak, self._hear):
            threading.Thread(target=target, daemon=True).start()

    def _speak(self):
        while self._open:
            try:
                data, source = self._sip.recvfrom(65536)
            except OSError:
                return
            m = Message.parse(data)
            if m.status or not m.headers:
                continue
            with self._lock:
                self.seen.append(m)
            if m.method == "ACK":
                continue
            refusal = self.refuses(m, source[0])
            if refusal is not None:
                if refusal:
                    self._sip.sendto(m.answer(refusal, "carrier").bytes(), source)
                continue
            headers = [("Contact", f"<sip:itsp@{self._address}:5060>" if m.method != "REGISTER" else f"{m.get('Contact')};expires=300")]
            body = ""
            if m.method == "INVITE":
                body = sdp(self._address, RTP_PORT, len(self.seen))
                headers.append(("Content-Type", "application/sdp"))
            self._sip.sendto(m.answer("200 OK", "carrier", headers, body).bytes(), source)

    @staticmethod
    def refuses(_message, _source):
        """Another answer than that all is well, "" for none; None: all is well."""
        return None

    def _hear(self):
        """Asterisk's audio is sent back, and its source noted, where the reports go."""
        while self._open:
            try:
                data, source = self._rtp.recvfrom(65536)
            except OSError:
                return
            if len(data) >= 12:
                self.ours = struct.unpack("!I", data[8:12])[0], source

    def speak(self, invite):
        """One packet of audio every 20 ms for the call, until close(): Asterisk's Echo sends it back."""
        port = int(re.search(r"^m=audio (\d+)", invite.body, re.M).group(1))

        def run():
            number = 0
            while self._open:
                number += 1
                with contextlib.suppress(OSError):
                    self._rtp.sendto(struct.pack("!BBHII", 0x80, 0, number & 0xffff, number * 160, SSRC) + b"\xff" * 160, (VIP, port))
                time.sleep(0.02)
        threading.Thread(target=run, daemon=True).start()

    def report(self, highest, lost, jitter=16):
        """A receiver report (RFC 3550, 6.4.2) of Asterisk's stream."""
        ssrc, (host, port) = self.ours
        block = struct.pack("!IIIIII", ssrc, lost & 0xffffff, highest, jitter, 0, 0)
        self._rtcp.sendto(struct.pack("!BBHI", 0x81, 201, 7, SSRC) + block, (host, port + 1))

    def requests(self, method, since=0):
        with self._lock:
            return [m for m in self.seen[since:] if m.method == method]

    def close(self):
        self._open = False
        for s in (self._sip, self._rtp, self._rtcp):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            s.close()


def addresses(message):
    """(of Contact, of SDP) that a request shows."""
    host = re.search(r"<sip:(?:[^@>]*@)?([^:;>]+)", message.get("Contact"))
    media = re.search(r"^c=IN IP4 (\S+)", message.body, re.M)
    return host and host.group(1), media and media.group(1)


def trunk_text():
    """The example's, without the address that its media would bear."""
    text = (EXAMPLE / "pjsip_trunk.conf").read_text().replace("expiration = 120", "expiration = 300")
    assert f"media_address = {VIP}\n" in text
    return text


@pytest.fixture(scope="module", params=["22", "16"])
def site(request, tmp_path_factory):
    if os.geteuid() != 0:
        pytest.fail("the lab needs root: namespaces, chroot")
    second = f"[udp2]\ntype = transport\nprotocol = udp\nbind = {VIP}:5062\n{NAT}"
    changes = {"pjsip.conf": [(f"bind = {VIP}:5060\n\n[tcp]", f"bind = {VIP}:5060\n{NAT}\n{second}\n[tcp]")]}
    with AsteriskSite(tmp_path_factory.mktemp("uplinks"), request.param, [], changes=changes, files={"pjsip_trunk.conf": trunk_text()}) as s:
        for args in (("-n", s.ns(PHONES), "addr", "add", f"{CARRIER}/32", "dev", "lo"), ("-n", s.ns("a"), "route", "add", NETWORK, "dev", "eth0", "src", VIP)):
            subprocess.run(["ip", *args], check=True)
        s.carrier = Carrier(s.where(PHONES))
        try:
            s.start_asterisk("a")
            yield s
        finally:
            s.carrier.close()


class Uplinks:
    def __init__(self, site, **changes):
        self.site = site
        self.include = site.run_dir("a") / "etc" / "pjsip_uplink.conf"
        self.qualities = []

    def start(self, **changes):
        settings = {"uplink-include": str(self.include), "uplink-transports": "udp", **changes}
        adapter = self.site.adapter("a", True, trunks=[{"name": "itsp", "registration": "itsp-reg", "peers": [NETWORK]}], **settings)
        adapter._on_quality = self.qualities.append
        adapter.wait_state("healthy")
        return adapter


@pytest.fixture
def uplinks(site):
    yield Uplinks(site)
    site.manager("a").ask("Hangup", Channel="/^PJSIP\\/.*$/")
    site.close_clients()


def told(adapter, address, name="isp1", leaving=None):
    """Why not, or None."""
    return adapter.answered(adapter.send("uplink", name=name, public4=address, public6=None, drain=bool(leaving), **{"from": leaving}))


def call(site):
    """The carrier is called, and in the call: its first request."""
    since = len(site.carrier.seen)
    site.manager("a").ask("Originate", Channel="PJSIP/itsp/sip:100@10.77.0.210", Application="Echo", Async="true")
    return wait_until(lambda: site.carrier.requests("INVITE", since), 10, "an INVITE", 0.02)[0]


def channels(site):
    return [m["Uniqueid"] for m in site.manager("a").ask("CoreShowChannels") if m.get("ChannelState") == "6"]


def test_address_is_in_what_asterisk_sends_next_and_calls_stay(site, uplinks):
    adapter = uplinks.start()
    assert told(adapter, FIRST) is None
    old = call(site)
    assert addresses(old) == (FIRST, FIRST)
    up = wait_until(lambda: channels(site), 10, "the call", 0.05)
    since = len(site.carrier.seen)
    begun = time.monotonic()
    assert told(adapter, SECOND) is None
    print(f"told and in force after {(time.monotonic() - begun) * 1000:.0f} ms")
    adapter.request("trunk", name="itsp", register=True)
    registers = wait_until(lambda: [m for m in site.carrier.requests("REGISTER", since) if "expires=0" not in m.get("Contact")], 10, "a REGISTER", 0.05)
    assert addresses(registers[-1])[0] == SECOND
    assert channels(site) == up, "the call of before"
    assert not site.carrier.requests("INVITE", since), "nobody asked for a re-INVITE yet"
    adapter.request("reinvite")
    again = wait_until(lambda: site.carrier.requests("INVITE", since), 10, "a re-INVITE", 0.02)
    assert [m.get("Call-ID") for m in again] == [old.get("Call-ID")] and addresses(again[0]) == (SECOND, SECOND)
    assert channels(site) == up
    assert addresses(call(site)) == (SECOND, SECOND)


def test_what_is_in_force_already_costs_nothing_also_after_a_restart_of_the_adapter(site, uplinks):
    adapter = uplinks.start()
    assert told(adapter, FIRST) is None
    time.sleep(0.5)  # the event of the reload follows its answer
    written, reloads = uplinks.include.stat(), len([e for e in site.manager("a").events if e.get("Event") == "Reload"])
    adapter.close()
    again = uplinks.start()
    assert told(again, FIRST) is None
    assert uplinks.include.stat().st_ino == written.st_ino and uplinks.include.stat().st_mtime_ns == written.st_mtime_ns
    assert len([e for e in site.manager("a").events if e.get("Event") == "Reload"]) == reloads
    assert told(again, None) is None
    assert addresses(call(site)) == (VIP, VIP)


@pytest.mark.parametrize("changes, says", [({"uplink-include": "/nowhere/pjsip_uplink.conf"}, "cannot write /nowhere/pjsip_uplink.conf"),
                                           ({"uplink-transports": "dup"}, 'no transport "dup"')])
def test_what_is_in_the_way_is_said(site, uplinks, changes, says):
    adapter = uplinks.start(**changes)
    assert says in told(adapter, FIRST)


def test_file_that_nobody_includes_is_an_error_and_not_silence(site, uplinks, tmp_path):
    adapter = uplinks.start(**{"uplink-include": str(tmp_path / "other.conf")})
    assert "does pjsip.conf #include" in told(adapter, "192.0.2.99")


def test_nothing_registers_by_itself_because_of_a_new_address(site, uplinks):
    adapter = uplinks.start()
    adapter.request("trunk", name="itsp", register=False)
    time.sleep(2)
    since = len(site.carrier.seen)
    assert told(adapter, FIRST) is None and told(adapter, SECOND) is None
    time.sleep(2)
    assert not site.carrier.requests("REGISTER", since)


def test_asterisk_that_starts_without_the_file_gets_it(site, uplinks):
    """Its adapter was told before, and nobody tells it again."""
    adapter = uplinks.start()
    assert told(adapter, SECOND) is None
    site.end_asterisk("a")
    uplinks.include.unlink()
    site.start_asterisk("a")
    wait_until(uplinks.include.exists, 15, lambda: f"the file: {adapter.said}", 0.05)
    wait_until(lambda: addresses(call(site)) == (SECOND, SECOND), 10, "the address in an INVITE", 0.2)


def via_port(message):
    return int(re.search(r"UDP [^;:]+:(\d+)", message.get("Via")).group(1))


def test_with_a_transport_for_each_uplink_calls_stay_where_they_are(site, uplinks):
    each = {"uplink-transports": None, "uplink-each": "isp1:udp,isp2:udp2", "uplink-endpoints": "itsp"}
    adapter = uplinks.start(**each)
    assert "names no transport" in told(adapter, FIRST, "isp3")
    assert told(adapter, FIRST) is None
    old = call(site)
    wait_until(lambda: channels(site), 10, "the first call", 0.05)
    adapter.close()
    again = uplinks.start(**each)  # it has to know isp1's address from its file
    assert told(again, SECOND, "isp2", leaving="isp1") is None
    new = call(site)
    assert [(via_port(m), addresses(m)) for m in (old, new)] == [(5060, (FIRST, FIRST)), (5062, (SECOND, SECOND))]
    wait_until(lambda: len(channels(site)) == 2, 10, "two calls", 0.05)
    since = len(site.carrier.seen)
    again.request("reinvite")
    wait_until(lambda: len(site.carrier.requests("INVITE", since)) == 2, 10, "two re-INVITEs", 0.02)
    seen = {m.get("Call-ID"): (via_port(m), addresses(m)) for m in site.carrier.requests("INVITE", since)}
    assert seen == {old.get("Call-ID"): (5060, (FIRST, FIRST)), new.get("Call-ID"): (5062, (SECOND, SECOND))}
    since = len(site.carrier.seen)
    assert told(again, SECOND, "isp2") is None  # the first is dead: its calls leave by the second as well, or not at all
    again.request("reinvite")
    wait_until(lambda: len(site.carrier.requests("INVITE", since)) == 2, 10, "two re-INVITEs", 0.02)
    assert {addresses(m) for m in site.carrier.requests("INVITE", since)} == {(SECOND, SECOND)}
    assert told(again, FIRST) is None
    assert via_port(call(site)) == 5060


def test_reports_of_the_carrier_are_told_as_differences(site, uplinks):
    adapter = uplinks.start()
    site.carrier.speak(call(site))
    wait_until(lambda: site.carrier.ours, 10, "audio", 0.05)
    for highest, lost in ((65500, 4), (65600, 6), (65850, 16)):
        site.carrier.report(highest, lost, 80)
        time.sleep(0.3)
    adapter.wait(lambda: len(uplinks.qualities) >= 2, 5, "two differences")
    assert [(q["peer"], q["packets"], q["lost"], q["jitter_us"]) for q in uplinks.qualities] == [(CARRIER, 100, 2, 10000), (CARRIER, 250, 10, 10000)]
