# SPDX-License-Identifier: GPL-2.0-or-later
"""Adapters whose PBX hangs, breaks off, floods, drips and talks nonsense: their health says what is wrong, they answer pings within a second, they do
not grow, and all is well again when the PBX is."""
import concurrent.futures
import contextlib
import pathlib
import re
import statistics
import time

import pytest

from pbxlab import bad_peers
from pbxlab.adapter import Adapter
from pbxlab.bad_peers import DATAGRAM_MOODS, STREAM_MOODS, GoodAmi, GoodAri, MoodyDatagram, MoodyTcp, SipAnswers, drip, flood, say
from pbxlab.freeswitch_peer import FreeSwitch
from ringlab import ringkeep
from ringlab.machine import wait_until
from ringlab.netns import inside
from ringlab.paths import program
from ringlab.vrrp_ours import Ours
from ringlab.vrrp_peers import Router

PASSWORD = "lab password"
GREETING = b"Content-Type: auth/request\n\n"
LOGGED_IN = GREETING + b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n"
LOG = b"Content-Type: log/data\nContent-Length: 3\n\nxyz"
BANNER = b"Asterisk Call Manager/9.0.0\r\n"
ACCEPTED = BANNER + b"Response: Success\r\nActionID: 0\r\nMessage: Authentication accepted\r\n\r\n"
MANY_EVENTS = b"Event: Newstate\r\n" + b"Variable: x\r\n" * 20 + b"\r\n"
ARI_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
NO_ESL = "says something else than an event socket"
GROWTH_MAX_KB = 16 * 1024
PING_MAX_S = 1.0
LAG_MORE_MS = 10  # the agent has its priority, the machine has others


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
    def refuse(s):
        s.sendall(BANNER)
        number = re.search(rb"ActionID: *(\S+)", s.recv(1000)).group(1)
        s.sendall(b"Response: Error\r\nActionID: " + number + b"\r\nMessage: Authentication failed\r\n\r\n")
        bad_peers.hang(s)
    moods = {"says nothing": (STREAM_MOODS["says nothing"], "does not answer"), "closes": (STREAM_MOODS["closes"], "connection closed"),
             "garbage": (STREAM_MOODS["garbage"], "is no AMI"), "binary": (STREAM_MOODS["binary"], "AMI"), "1 MB lines": (STREAM_MOODS["1 MB lines"], "AMI"),
             "half a line": (STREAM_MOODS["half a line"], "does not answer"), "hangs after the banner": (say(BANNER), "does not answer"),
             "wrong secret": (refuse, "refuses the login"),
             "flood of events": (flood(MANY_EVENTS, ACCEPTED), "AMI"), "drip": (drip(b"Response: Success\r\n" * 20, BANNER), "does not answer"),
             "breaks off": (say(ACCEPTED + b"Response: Succ", then=lambda s: None), "connection closed")}
    cases = []
    for name, (mood, sentence) in moods.items():
        sip, ami = bench.keep(SipAnswers()), bench.keep(GoodAmi())
        peer = bench.keep(MoodyTcp(ami.address))
        a = bench.adapter("asterisk", ami=f"tcp:127.0.0.1:{peer.port}", ari="http://127.0.0.1:9/ari",
                          **{"ami-user": "rk", "ami-secret-file": bench.secret, "ari-user": "rk", "ari-secret-file": bench.secret, "sip-port": str(sip.port),
                             "ami-failures": "2"})
        cases.append((name, a, peer, mood, sentence))
    endure_all(cases, record_property)


def test_asterisk_that_is_not_fully_booted_is_starting(bench):
    """OPTIONS and AMI are answered, and its modules are still being loaded."""
    sip, ami, ari = bench.keep(SipAnswers()), bench.keep(GoodAmi()), bench.keep(GoodAri())
    ami.booted = False
    a = bench.adapter("asterisk", ami="tcp:%s:%d" % ami.address, ari="http://%s:%d/ari" % ari.address, **{
        "ami-user": "rk", "ami-secret-file": bench.secret, "ari-user": "rk", "ari-secret-file": bench.secret, "sip-port": str(sip.port)})
    a.wait(lambda: a.health and "not fully booted" in a.health["why"], 10, "health to say it")
    pings(a, 2)
    assert a.health["state"] == "starting", a.health
    a.send("apply", full_begin=True, put=[], remove=[], full_end=True)
    ami.boot()
    a.wait(lambda: a.health["state"] == "healthy", 10, "the end of it")


def test_rest_interface_of_asterisk(bench, record_property):
    """ARI gets contacts only: what does not reach it is said, and it is no illness."""
    moods = {**{name: mood for name, mood in STREAM_MOODS.items()},
             "wrong password": say(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nWWW-Authenticate: Basic realm=x\r\n\r\n"),
             "endless body": flood(b"x" * 1000, ARI_OK + b"\r\n"), "endless head": flood(b"X-More: of it\r\n", ARI_OK),
             "drips": drip(b"X-Slow: " + b"y" * 200, ARI_OK),
             "breaks off": say(ARI_OK + b"Content-Length: 300\r\n\r\n[", then=lambda s: None)}
    binding = {"aor": "1001", "contact": "sip:1001@192.0.2.7:5060", "expires_ms": 3000000, "data": "endpoint=1001"}
    with concurrent.futures.ThreadPoolExecutor(len(moods)) as pool:
        def one(case):
            name, mood = case
            sip, ami, ari = bench.keep(SipAnswers()), bench.keep(GoodAmi()), bench.keep(GoodAri())
            peer = bench.keep(MoodyTcp(ari.address))
            peer.set(mood)
            a = bench.adapter("asterisk", ami="tcp:%s:%d" % ami.address, ari=f"http://127.0.0.1:{peer.port}/ari",
                              **{"ami-user": "rk", "ami-secret-file": bench.secret, "ari-user": "rk", "ari-secret-file": bench.secret, "sip-port": str(sip.port)})
            a.wait(lambda: a.health and a.health["state"] == "healthy", 15, f"{name}: good health before")
            before = rss_kb(a.pid)
            a.send("apply", full_begin=True, put=[binding], remove=[], full_end=True)
            slowest = pings(a, 15, lambda: "ARI" in a.health["why"])
            assert a.health["state"] == "healthy" and "ARI" in a.health["why"], f"{name}: {a.health}"
            slowest = max(slowest, pings(a, 2))
            grown = rss_kb(a.pid) - before
            assert slowest < PING_MAX_S and grown < GROWTH_MAX_KB, f"{name}: {slowest:.2f} s, {grown} kB"
            peer.set(None)
            a.wait(lambda: "ARI" not in a.health["why"], 25, f"{name}: no more of it afterwards")
            return slowest, grown
        results = list(pool.map(one, moods.items()))
    slowest, grown = max(r[0] for r in results), max(r[1] for r in results)
    record_property("slowest_ping_ms", slowest * 1000)
    print(f"{len(moods)} bad peers: slowest ping {slowest * 1000:.0f} ms, largest growth {grown} kB")


class WithPbx(Ours):
    """A router of one node, whose group has a PBX."""
    pbx = ""

    def conf(self):
        text = super().conf().rstrip()
        return text[:-1] + f"    pbx {{\n{self.pbx}    }}\n}}\n"


def freeswitch_peers(bench):
    """What a group's PBX is: (adapter, settings, the peer whose mood changes, moods, what its health says of a bad one, what makes the adapter ask it)."""
    switch = bench.keep(FreeSwitch(PASSWORD))
    peer = bench.keep(MoodyTcp(("127.0.0.1", switch.port)))
    settings = {"event-socket": f"tcp:127.0.0.1:{peer.port}", "password-file": bench.secret, "sip-port": switch.sip_port, "rpc-failures": 1}
    return "freeswitch", settings, peer, {
        "hangs": say(LOGGED_IN), "1 MB lines": STREAM_MOODS["1 MB lines"], "flood": flood(LOG, LOGGED_IN), "drip": drip(b"Content-Type: x" * 50),
        "breaks off": say(LOGGED_IN, then=lambda s: None), "binary": STREAM_MOODS["binary"]}, "event socket", lambda: None


def asterisk_peers(bench):
    sip, ami, ari = bench.keep(SipAnswers()), bench.keep(GoodAmi()), bench.keep(GoodAri())
    peers = bench.keep(MoodyTcp(ami.address)), bench.keep(MoodyTcp(ari.address))
    return {"ami": f"tcp:127.0.0.1:{peers[0].port}", "ari": f"http://127.0.0.1:{peers[1].port}/ari", "ami-user": "rk", "ami-secret-file": bench.secret,
            "ari-user": "rk", "ari-secret-file": bench.secret, "sip-port": sip.port, "ami-failures": 2}, *peers


def ami_peers(bench):
    settings, ami, _ = asterisk_peers(bench)
    return "asterisk", settings, ami, {
        "hangs": say(ACCEPTED), "1 MB lines": STREAM_MOODS["1 MB lines"], "flood": flood(MANY_EVENTS, ACCEPTED), "drip": drip(b"Response: Success\r\n" * 20, BANNER),
        "breaks off": say(ACCEPTED + b"Response: Succ", then=lambda s: None), "binary": STREAM_MOODS["binary"]}, "AMI", lambda: None


def ari_peers(bench):
    """It is asked when AMI comes back, and each second while it answers nonsense."""
    settings, ami, ari = asterisk_peers(bench)
    return "asterisk", settings, ari, {
        "hangs": STREAM_MOODS["says nothing"], "1 MB lines": STREAM_MOODS["1 MB lines"], "flood": flood(b"x" * 1000, ARI_OK + b"\r\n"),
        "drip": drip(b"X-Slow: " + b"y" * 200, ARI_OK), "breaks off": say(ARI_OK + b"Content-Length: 300\r\n\r\n[", then=lambda s: None),
        "binary": STREAM_MOODS["binary"]}, "ARI", lambda: ami.set(None)


def kamailio_peers(bench):
    sip, peer = bench.keep(SipAnswers()), bench.keep(MoodyDatagram(bench.dir / "rpc"))
    return "kamailio", {"rpc": f"unixgram:{peer.path}", "sip-port": sip.port, "rpc-failures": 2}, peer, {
        "hangs": DATAGRAM_MOODS["says nothing"], "100 kB": DATAGRAM_MOODS["100 kB"], "half an answer": DATAGRAM_MOODS["half an answer"],
        "garbage": DATAGRAM_MOODS["garbage"], "binary": DATAGRAM_MOODS["binary"]}, "no answer on", lambda: None


@pytest.mark.parametrize("peers", [freeswitch_peers, ami_peers, ari_peers, kamailio_peers], ids=["event-socket", "ami", "ari", "json-rpc"])
def test_loop_of_a_whole_agent_does_not_lag(bare_lab, bench, peers, record_property):
    node = bare_lab.n1
    with inside(f"/proc/{node.pid}/ns/net"):
        adapter, settings, peer, moods, sentence, ask = peers(bench)
    ours = WithPbx(node, Router(priority=200, addresses=("10.77.0.100",)))
    ours.pbx = f"        adapter = {adapter}\n        options-interval = 200ms\n" + "".join(
        f'        setting {name} {{ value = "{value}" }}\n' for name, value in {"probe-address": "127.0.0.1", **settings}.items())
    lags = {}

    def why():
        return ours.status()["pbx"]["why"]

    def watch(name, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            lags.setdefault(name, []).append(ringkeep.status(node)["loop_lag_ms"])
            time.sleep(0.25)
    try:
        ours.start()
        ours.wait_up()
        wait_until(lambda: ours.status()["pbx"]["state"] == "healthy", 20, lambda: ours.status()["pbx"])
        watch("a good peer", 2)
        for name, mood in moods.items():
            peer.set(mood)
            ask()
            watch(name, 2)
            wait_until(lambda: sentence in why(), 15, lambda n=name: f"{n}: health to speak of it: {ours.status()['pbx']}")
        peer.set(None)
        wait_until(lambda: ours.status()["pbx"]["state"] == "healthy" and sentence not in why().replace("event socket answers", "").replace("AMI answers", ""),
                   25, lambda: ours.status()["pbx"])
    finally:
        ours.clean()
    medians = {name: statistics.median(values) for name, values in lags.items()}
    for name, value in medians.items():
        record_property(f"loop_lag_ms {name}", value)
    print("loop lag, median of the published maxima: " + ", ".join(f"{name} {value:.2f} ms" for name, value in medians.items()))
    worst = max(medians, key=medians.get)
    assert medians[worst] < medians["a good peer"] + LAG_MORE_MS, f"{worst}: {medians}"
