# SPDX-License-Identifier: GPL-2.0-or-later
"""Adapters whose PBX hangs, breaks off, floods, drips and talks nonsense: their health says what is wrong, they answer pings within a second, they do
not grow, and all is well again when the PBX is."""
import concurrent.futures
import contextlib
import pathlib
import re
import time

import pytest

from pbxlab import bad_peers
from pbxlab.adapter import Adapter
from pbxlab.bad_peers import DATAGRAM_MOODS, STREAM_MOODS, GoodAmi, MoodyDatagram, MoodyTcp, SipAnswers, drip, flood, say
from pbxlab.freeswitch_peer import FreeSwitch
from ringlab.paths import program

PASSWORD = "lab password"
GREETING = b"Content-Type: auth/request\n\n"
LOGGED_IN = GREETING + b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n"
LOG = b"Content-Type: log/data\nContent-Length: 3\n\nxyz"
NO_ESL = "says something else than an event socket"
GROWTH_MAX_KB = 16 * 1024
PING_MAX_S = 1.0


def rss_kb(pid):
    return int(next(line for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")).split()[1])


def pings(adapter, seconds, until=lambda: False):
    """Asks again and again; the slowest answer."""
    slowest, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.monotonic()
        adapter.answered(adapter.send("ping"), 5)
        slowest = max(slowest, time.monotonic() - start)
        if until():
            return slowest
        time.sleep(0.05)
    return slowest


def endure(name, adapter, peer, mood, sentence, healthy=lambda h: h["state"] == "healthy"):
    """One adapter with one bad peer: (what happened, None or what was wrong)."""
    def says():
        return sentence in adapter.health["why"]
    adapter.wait(lambda: adapter.health and healthy(adapter.health), 20, f"{name}: good health before")
    before = rss_kb(adapter.pid)
    peer.set(mood)
    slowest = pings(adapter, 16, says)
    assert says(), f"{name}: health says {adapter.health['why']!r}, without {sentence!r}"
    slowest = max(slowest, pings(adapter, 2))
    grown = rss_kb(adapter.pid) - before
    assert slowest < PING_MAX_S, f"{name}: a ping took {slowest:.2f} s"
    assert grown < GROWTH_MAX_KB, f"{name}: grew by {grown} kB"
    peer.set(None)
    adapter.wait(lambda: healthy(adapter.health), 25, f"{name}: good health afterwards")
    return slowest, grown


def endure_all(cases, record_property):
    """All at the same time: most of it is waiting."""
    with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
        results = list(pool.map(lambda case: endure(*case), cases))
    slowest, grown = max(r[0] for r in results), max(r[1] for r in results)
    record_property("slowest_ping_ms", slowest * 1000)
    record_property("grown_kb", grown)
    print(f"{len(cases)} bad peers: slowest ping {slowest * 1000:.0f} ms, largest growth {grown} kB")


@pytest.fixture()
def bench(tmp_path):
    """Makes things that are closed afterwards."""
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text(PASSWORD + "\n")
    with contextlib.ExitStack() as stack:
        class Bench:
            def keep(self, thing):
                stack.callback(thing.close)
                return thing

            def adapter(self, kind, **settings):
                return self.keep(Adapter(None, program("pbx", f"ringkeep-adapter-{kind}"), node="n1", holder=True, addresses=["127.0.0.1"],
                                         options_interval_ms=200, options_failures=3, settings={"probe-address": "127.0.0.1", **settings}))
        b = Bench()
        b.secret, b.dir = str(secret), tmp_path
        yield b


def test_event_socket_of_freeswitch(bench, record_property):
    moods = {**{name: (mood, NO_ESL) for name, mood in STREAM_MOODS.items()},
             "says nothing": (STREAM_MOODS["says nothing"], "accepts the connection and says nothing"),
             "closes": (STREAM_MOODS["closes"], "ends the connection at once"),
             "half a line": (STREAM_MOODS["half a line"], "does not come to the end of its greeting"),
             "drips its greeting": (drip(b"Content-Type: auth/request" + b" " * 200), "does not come to the end of its greeting"),
             "wrong password": (say(GREETING + b"Content-Type: command/reply\nReply-Text: -ERR invalid\n\n"), "refuses the password"),
             "access list": (say(b"Content-Type: text/rude-rejection\nContent-Length: 3\n\nno\n"), "refuses our address"),
             "hangs after the login": (say(LOGGED_IN), "does not answer commands"),
             "drips an answer": (drip(b"Content-Type: api/response\nContent-Length: 90000\n\n" + b"<" * 200, LOGGED_IN), "does not answer commands"),
             "flood": (flood(LOG, LOGGED_IN), "sends a flood"),
             "flood of events": (flood(b"Content-Length: 20\nContent-Type: text/event-plain\n\nEvent-Name: CUSTOM\n\n", LOGGED_IN), "does not answer commands"),
             "endless answer": (flood(b"<x>\n", LOGGED_IN + b"Content-Type: api/response\nContent-Length: 60000000\n\n"), "event socket"),
             "answer without end": (say(LOGGED_IN + b"Content-Type: api/response\nContent-Length: 99999999999\n\n"), "says more in one answer"),
             "answers nobody asked for": (flood(b"Content-Type: command/reply\nReply-Text: +OK\n\n", LOGGED_IN), "answers what nobody asked"),
             "breaks off": (say(LOGGED_IN + b"Content-Type: api/response\nContent-Length: 500\n\n<?xml", then=lambda s: None), "ended the connection"),
             "garbage after the login": (say(LOGGED_IN + b"\x00\xff\n\n\n"), NO_ESL)}
    cases = []
    for name, (mood, sentence) in moods.items():
        switch = bench.keep(FreeSwitch(PASSWORD))
        peer = bench.keep(MoodyTcp(("127.0.0.1", switch.port)))
        a = bench.adapter("freeswitch", **{"event-socket": f"tcp:127.0.0.1:{peer.port}", "password-file": bench.secret, "sip-port": str(switch.sip_port),
                                           "rpc-failures": "1"})
        cases.append((name, a, peer, mood, sentence))
    endure_all(cases, record_property)


def test_rpc_of_kamailio(bench, record_property):
    cases = []
    for i, (name, mood) in enumerate(DATAGRAM_MOODS.items()):
        sip, peer = bench.keep(SipAnswers()), bench.keep(MoodyDatagram(bench.dir / f"rpc{i}"))
        a = bench.adapter("kamailio", rpc=f"unixgram:{peer.path}", **{"sip-port": str(sip.port), "rpc-failures": "2"})
        cases.append((name, a, peer, mood, f"no answer on {peer.path}, 2 times in a row"))
    endure_all(cases, record_property)


def test_change_feed_of_kamailio(bench, record_property):
    """A bad feed is no illness: the lists are read all the same."""
    good = bench.keep(MoodyTcp(("127.0.0.1", 9)))
    good.set(bad_peers.hang)
    moods = {**STREAM_MOODS, "netstring of 1 MB": say(b"1048576:" + b"x" * bad_peers.MEGABYTE), "endless digits": flood(b"0"),
             "flood": flood(b'38:{"ringkeep":"changed","aor":"a"      },'), "events of others": flood(b"7:[1,2,3],"), "half": say(b'30:{"ringkeep"')}
    cases = []
    for i, (name, mood) in enumerate(moods.items()):
        sip, rpc = bench.keep(SipAnswers()), bench.keep(MoodyDatagram(bench.dir / f"feed{i}"))
        peer = bench.keep(MoodyTcp(("127.0.0.1", good.port)))
        a = bench.adapter("kamailio", rpc=f"unixgram:{rpc.path}", evapi=f"tcp:127.0.0.1:{peer.port}", **{"sip-port": str(sip.port), "rpc-failures": "5"})
        cases.append((name, a, peer, mood, "answered with 200, RPC answers"))
    endure_all(cases, record_property)


def test_manager_of_asterisk(bench, record_property):
    banner = b"Asterisk Call Manager/9.0.0\r\n"
    accepted = banner + b"Response: Success\r\nActionID: 0\r\nMessage: Authentication accepted\r\n\r\n"
    event = b"Event: Newstate\r\n" + b"Variable: x\r\n" * 20 + b"\r\n"

    def refuse(s):
        s.sendall(banner)
        number = re.search(rb"ActionID: *(\S+)", s.recv(1000)).group(1)
        s.sendall(b"Response: Error\r\nActionID: " + number + b"\r\nMessage: Authentication failed\r\n\r\n")
        bad_peers.hang(s)
    moods = {"says nothing": (STREAM_MOODS["says nothing"], "does not answer"), "closes": (STREAM_MOODS["closes"], "connection closed"),
             "garbage": (STREAM_MOODS["garbage"], "is no AMI"), "binary": (STREAM_MOODS["binary"], "AMI"), "1 MB lines": (STREAM_MOODS["1 MB lines"], "AMI"),
             "half a line": (STREAM_MOODS["half a line"], "does not answer"), "hangs after the banner": (say(banner), "does not answer"),
             "wrong secret": (refuse, "refuses the login"),
             "flood of events": (flood(event, accepted), "AMI"), "drip": (drip(b"Response: Success\r\n" * 20, banner), "does not answer"),
             "breaks off": (say(accepted + b"Response: Succ", then=lambda s: None), "connection closed")}
    cases = []
    for name, (mood, sentence) in moods.items():
        sip, ami = bench.keep(SipAnswers()), bench.keep(GoodAmi())
        peer = bench.keep(MoodyTcp(ami.address))
        a = bench.adapter("asterisk", ami=f"tcp:127.0.0.1:{peer.port}", ari="http://127.0.0.1:9/ari",
                          **{"ami-user": "rk", "ami-secret-file": bench.secret, "ari-user": "rk", "ari-secret-file": bench.secret, "sip-port": str(sip.port),
                             "ami-failures": "2"})
        cases.append((name, a, peer, mood, sentence))
    endure_all(cases, record_property)
