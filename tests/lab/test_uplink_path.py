# SPDX-License-Identifier: GPL-2.0-or-later
"""Two ISPs at one node: routes and rules kept by difference, probes that never leave by the other line, a switch that loses nothing, and what
remembered the old line gone. `pathkeeper` drives uplink/ in the node; no agent runs."""
import contextlib
import os
import re
import socket
import subprocess
import threading
import time

import pytest
from gatelab import Capture, boot_ns, built_path
from isplab import PUBLIC, TARGET4, TARGET6, UPLINKS4, UPLINKS6, VOICE, TwoIsps, wait_until

KINDS = (("icmp", 0, ""), ("tcp", 5061, ""), ("dns", 53, "probe.example"), ("http", 80, "probe.example"), ("stun", 3478, ""), ("sip", 5060, ""),
         ("sip-tcp", 5060, ""))


@pytest.fixture(scope="module")
def isps_of_module():
    if os.geteuid() != 0:
        pytest.fail("the lab needs root: namespaces, nftables, routing")
    with contextlib.closing(TwoIsps()) as isps:
        yield isps


@pytest.fixture()
def isps(isps_of_module):
    """Both lines work, nothing of ringkeep is in the kernel."""
    lab = isps_of_module
    yield lab
    for keeper in lab.keepers:
        keeper.kill()
    lab.keepers.clear()
    lab.services.how.clear()
    for n in (1, 2):
        lab.mend(n)
        lab.node.ip("link", "set", f"wan{n}", "up")
        lab.node.ip("addr", "replace", f"fd0{n}::2/64", "dev", f"wan{n}", "nodad")
    keeper = lab.keeper()
    keeper.ask("remove", "removed")
    keeper.kill()
    lab.keepers.clear()


def good(results):
    return [r for r in results if r["error"] == "0"]


def errors(results):
    return {r["error"] for r in results}


# ---- routes and rules ----

def test_unchanged_is_not_written_and_a_killed_one_is_adopted(isps):
    before = isps.routing()
    keeper = isps.keeper()
    first = keeper.ensure(0, 2)
    assert first["r"] == "0" and first["listed"] == "0" and int(first["written"]) > 20, first
    again = keeper.ensure(0, 2)
    assert (again["r"], again["written"], again["removed"], again["writes"]) == ("0", "0", "0", first["writes"])
    made = isps.routing()
    # The kernel counts down what it learned by itself; everything else of others is as it was.
    assert set(line.strip() for line in before.split("\n")) <= set(line.strip() for line in made.split("\n"))
    keeper.kill()
    assert isps.routing() == made, "a killed one takes something with it"
    heir = isps.keeper()
    adopted = heir.ensure()
    assert (adopted["r"], adopted["active4"], adopted["active6"], adopted["writes"]) == ("0", "0", "2", "0")
    assert isps.routing() == made
    heir.ask("remove", "removed")
    assert isps.routing() == before


def test_a_difference_is_all_that_is_written(isps):
    keeper = isps.keeper()
    keeper.ensure(0, 2)
    made = isps.routing()
    isps.node.ip("route", "del", "default", "table", "102", "via", "10.2.0.1")
    isps.node.ip("-6", "rule", "del", "priority", "1401")
    isps.node.ip("rule", "del", "priority", "1300")
    keeper.event("touched", -1, "on")
    done = keeper.ensure()
    assert (done["r"], done["written"], done["removed"]) == ("0", "3", "0")
    assert sorted(isps.routing().split("\n")) == sorted(made.split("\n"))
    # What carries our number and is not wanted is what somebody before us left.
    isps.node.ip("rule", "add", "priority", "1350", "from", "10.99.0.1", "lookup", "77", "protocol", "82")
    isps.node.ip("route", "add", "default", "via", "10.1.0.1", "dev", "wan1", "table", "77", "protocol", "82")
    done = keeper.ensure()
    assert (done["r"], done["written"], done["removed"]) == ("0", "0", "2")


def test_voice_stays_where_it_is_until_somebody_moves_it(isps):
    """Also when the line that it takes has left the configuration, or has no way out just now."""
    isps.keeper().ensure(0, 2)
    heir = isps.keeper(UPLINKS4[1], "wan1,6,learn,101,0x300", *VOICE)
    done = heir.ensure()
    assert (done["r"], done["active4"], done["active6"]) == ("0", "-2", "1")
    assert "10.1.0.1 dev wan1 table 100" in isps.node.ip("route", "get", TARGET4)
    assert "wan1" not in isps.node.ip("rule", "show")
    isps.node.ip("-6", "route", "del", "default", "via", "fd01::1", "dev", "wan1")
    heir.event("gateway", 1, "off")
    try:
        assert heir.ensure()["active6"] == "1"
        assert "fd01::1 dev wan1 table 100" in isps.node.ip("-6", "route", "get", TARGET6)
        assert heir.ask("use 0", "used")[0]["active4"] == "0"
        assert "10.2.0.1 dev wan2 table 100" in isps.node.ip("route", "get", TARGET4)
        at = heir.send("use 1")
        heir.expect("ok use", 5, at)
        assert "r=-101" in heir.find("used .*", at)[0].group(0), "it has no way out"
    finally:
        isps.node.ip("-6", "route", "add", "default", "via", "fd01::1", "dev", "wan1")


def test_what_is_of_others_stays_and_is_named_when_in_the_way(isps):
    node = isps.node
    node.ip("route", "add", "10.55.0.0/16", "via", "10.2.0.1", "dev", "wan2", "table", "102")
    node.ip("rule", "add", "priority", "1301", "from", "10.55.0.1", "lookup", "102")
    node.ip("nexthop", "add", "id", "1000", "via", "10.2.0.1", "dev", "wan2", "protocol", "static")
    node.ip("route", "add", "default", "via", "10.2.0.1", "dev", "wan2", "table", "101", "metric", "100")
    theirs = (("route", "show", "table", "102"), ("rule", "show"), ("nexthop", "show"), ("route", "show", "table", "101"))
    try:
        before = [node.ip(*command) for command in theirs]
        keeper = isps.keeper()
        at = keeper.send("ensure 0 none")
        keeper.expect("ok ensure", 10, at)
        answer = keeper.find("ensured .*", at)[0].group(0)
        assert "r=-17" in answer and "IPv4 nexthop 1000" in answer and "not ringkeep's" in answer, answer
        keeper.ask("remove", "removed")
        assert [node.ip(*command) for command in theirs] == before
        node.ip("nexthop", "del", "id", "1000")
        at = keeper.send("ensure 0 none")
        keeper.expect("ok ensure", 10, at)
        answer = keeper.find("ensured .*", at)[0].group(0)
        assert "r=-17" in answer and "default route of metric 100 in table 101" in answer, answer
    finally:
        for command in (("nexthop", "del", "id", "1000"), ("rule", "del", "priority", "1301", "from", "10.55.0.1"),
                        ("route", "del", "10.55.0.0/16", "table", "102"), ("route", "del", "default", "table", "101", "metric", "100", "via", "10.2.0.1")):
            node.run("ip", *command)


def test_a_line_without_a_gateway_takes_everything(isps):
    """As PPP is: the device itself is the way. With a prefix of length 0 voice's table has whatever has no route of its own."""
    keeper = isps.keeper("wan1,4,10.1.0.1,101,0x100", "wan2,4,ppp,102,0x200", "wan2,6,ppp,102,0x300", "to", "0.0.0.0/0", "::/0")
    done = keeper.ensure(1, 2)
    assert (done["r"], done["removed"]) == ("0", "0")
    assert keeper.ensure()["writes"] == done["writes"]
    for family, address in (("-4", "8.8.8.8"), ("-6", "2600::1")):
        way = isps.node.ip(family, "route", "get", address)
        assert "dev wan2 table 100" in way and "via" not in way, way
    assert "dev lan0" in isps.node.ip("route", "get", "10.9.0.2")
    isps.isp[2].check("sysctl", "-qw", "net.ipv4.conf.cust.proxy_arp=1")  # the other end answers for the world, as with PPP
    assert len(good(keeper.probe("icmp", 1, TARGET4))) == 3


def test_nothing_leaks_when_an_uplink_is_gone(isps):
    keeper = isps.keeper()
    keeper.ensure(1, 3)
    assert "wan2" in isps.node.ip("route", "get", TARGET4) and "wan2" in isps.node.ip("-6", "route", "get", TARGET6)
    assert "wan1" in isps.node.ip("route", "get", "8.8.8.8"), "what is not voice is left to whom it belongs"
    isps.node.ip("link", "set", "wan2", "down")
    for address, mark in ((TARGET4, None), (TARGET4, "0x200"), (TARGET6, None), (TARGET6, "0x400")):
        asked = isps.node.run("ip", "route", "get", address, *(["mark", mark] if mark else []))
        assert asked.returncode and re.search("unreachable|No route", asked.stderr), (address, mark, asked.stdout)
    assert "lan0" in isps.node.ip("route", "get", "10.9.0.2", "mark", "0x200"), "the LAN is not behind an ISP"
    isps.node.ip("link", "set", "wan2", "up")
    assert keeper.event("address", 3, "off")
    assert errors(keeper.probe("icmp", 3, TARGET6)) == {"EADDRNOTAVAIL"}, "without an address of its own it would leave with another's"
    isps.node.ip("addr", "replace", "fd02::2/64", "dev", "wan2", "nodad")
    wait_until(lambda: keeper.ensure(1, 3)["r"] == "0", 5, "the routes over wan2 are written", 0.1)
    assert "wan2" in isps.node.ip("route", "get", TARGET4) and "wan2" in isps.node.ip("-6", "route", "get", TARGET6)


# ---- probes ----

@pytest.mark.parametrize("target", (TARGET4, TARGET6))
def test_every_kind_answers_over_each_uplink_and_is_seen_on_no_other(isps, target):
    keeper = isps.keeper()
    keeper.ensure(0, 2)
    needle = [socket.inet_pton(socket.AF_INET6 if ":" in target else socket.AF_INET, target)]
    captures = {n: Capture(isps.isp[n], ["cust"], needle) for n in (1, 2)}
    try:
        for n in (1, 2):
            uplink = n - 1 + (2 if ":" in target else 0)
            for kind, port, host in KINDS:
                other, own = captures[3 - n], captures[n]
                results = keeper.probe(kind, uplink, target, port, host=host)
                assert len(good(results)) == 3 and len(results) == 3, (kind, n, results)
                assert own.take() and not other.take(), f"{kind} of uplink {n} was seen on the other"
                if kind == "stun":
                    public = PUBLIC[n] + ":" if target == TARGET4 else f"[fd0{n}::2]:"
                    assert all(r["public"].startswith(public) for r in results), results
        assert isps.refused(1) == isps.refused(2) == 0
    finally:
        for capture in captures.values():
            capture.close()


def test_every_kind_fails_as_it_should(isps):
    keeper = isps.keeper()
    keeper.ensure(0, 2)
    how = isps.services.how
    how.update(rcode=2, sip=b"503 Service Unavailable", http=b"302 Found", stun="other-id")
    for kind, port, status in (("dns", 53, "2"), ("sip", 5060, "503"), ("sip-tcp", 5060, "503"), ("http", 80, "302")):
        results = keeper.probe(kind, 1, TARGET4, port, host="probe.example")
        assert errors(results) == {"EREMOTEIO"} and {r["status"] for r in results} == {status}, (kind, results)
    assert errors(keeper.probe("stun", 1, TARGET4, 3478, timeout_ms=300)) == {"ETIMEDOUT"}, "somebody else's answer was taken"
    how.update(rcode=3, dns=None)
    assert len(good(keeper.probe("dns", 1, TARGET4, 53, host="probe.example"))) == 3, "no such name is an answer"
    how["dns"] = "other-name"
    assert errors(keeper.probe("dns", 1, TARGET4, 53, timeout_ms=300, host="probe.example")) == {"ETIMEDOUT"}
    for kind in ("tcp", "http", "dns", "stun", "sip"):  # a port where nobody listens says so at once
        assert errors(keeper.probe(kind, 1, TARGET4, 7, gap_ms=50, host="probe.example")) == {"ECONNREFUSED"}, kind
    for host in ("", "a..b", "x" * 64):
        assert keeper.probe("dns", 1, TARGET4, 53, host=host or "..") == [{"error": "EINVAL"}]
    how.clear()
    isps.cut(2)
    for kind, port, host in KINDS:
        assert errors(keeper.probe(kind, 1, TARGET4, port, timeout_ms=200, host=host)) == {"ETIMEDOUT"}, kind
        assert len(good(keeper.probe(kind, 0, TARGET4, port, host=host))) == 3, f"{kind}: the other line is not cut"


def test_a_probe_without_a_way_is_not_sent(isps):
    """Without a route for it, a socket bound to a device asks by ARP for the target itself, and a router that answers for all the world makes a
    dead line look alive."""
    keeper = isps.keeper()
    keeper.ensure(0, 2)
    isps.isp[2].check("sysctl", "-qw", "net.ipv4.conf.cust.proxy_arp=1")
    assert len(good(keeper.probe("icmp", 1, TARGET4))) == 3
    isps.node.ip("route", "del", "default", "table", "102", "via", "10.2.0.1")
    isps.node.ip("-6", "route", "del", "default", "table", "102", "via", "fd02::1")
    with contextlib.closing(Capture(isps.isp[2], ["cust"], [socket.inet_aton(TARGET4), socket.inet_pton(socket.AF_INET6, TARGET6)])) as capture:
        for kind, port, host in KINDS:
            for uplink, target in ((1, TARGET4), (3, TARGET6)):
                assert errors(keeper.probe(kind, uplink, target, port, host=host, timeout_ms=200)) == {"ENETUNREACH"}, (kind, target)
        assert not capture.take()
    isps.node.ip("route", "add", "default", "table", "102", "via", "10.2.0.9", "dev", "wan2")
    assert errors(keeper.probe("icmp", 1, TARGET4, timeout_ms=200)) == {"ENETUNREACH"}, "another gateway is another line"
    isps.node.ip("route", "del", "default", "table", "102", "via", "10.2.0.9")
    keeper.ensure()
    assert len(good(keeper.probe("icmp", 1, TARGET4))) == 3
    assert len(good(keeper.probe("icmp", 1, "10.2.0.1"))) == 3, "the gateway itself is on the link"


# ---- the switch ----

class Stream:
    """From the node to a sink in the Internet; the sink counts."""

    def __init__(self, isps, per_second, seconds):
        tool = built_path("lab", "tools", "stream")
        self.sink = subprocess.Popen(["ip", "netns", "exec", isps.inet.name, tool, "sink", "9100"], stdout=subprocess.PIPE, text=True)
        assert self.sink.stdout.readline() == "listening\n"
        self.sender = subprocess.Popen(["ip", "netns", "exec", isps.node.name, tool, "send", TARGET4, "9100", str(per_second), str(seconds)],
                                       stdout=subprocess.PIPE, text=True)

    def result(self):
        texts = [p.communicate(timeout=30)[0] for p in (self.sender, self.sink)]
        return {k: int(v) for text in texts for k, v in re.findall(r"(\w+)=(\d+)", text)}

    def close(self):
        for process in (self.sender, self.sink):
            if process.poll() is None:
                process.kill()
            process.wait()
            process.stdout.close()


def backlog_drops():
    """Packets that a processor had no room for, on the whole machine: what a stall of it costs, not a switch."""
    with open("/proc/net/softnet_stat", encoding="ascii") as f:
        return sum(int(line.split()[1], 16) for line in f)


def test_a_switch_of_a_fast_stream_loses_nothing(isps):
    keeper = isps.keeper()
    keeper.ensure(0, 2)
    # Here it is the route that is measured: without translation, both ISPs let the stream pass.
    for n in (1, 2):
        isps.isp[n].check("nft", "insert rule inet isp forward udp dport 9100 accept")
        isps.isp[n].check("nft", "insert rule inet isp nat udp dport 9100 accept")
    for attempt in range(3):
        drops = backlog_drops()
        with contextlib.closing(Stream(isps, 50_000, 4)) as stream:
            time.sleep(0.3)
            before = int(keeper.ensure()["writes"])
            keeper.ask("flip 100 20 1 0", "used", 30)
            assert int(keeper.ensure()["writes"]) == before + 100, "each switch is one message"
            seen = stream.result()
        print(seen, backlog_drops() - drops)
        if seen["dropped"] == 0 and backlog_drops() == drops:
            break
    assert seen["sent"] == 200_000 and seen["refused"] == 0
    assert seen["came"] == seen["sent"], f"{seen}, attempt {attempt}"


def conntrack(isps):
    with isps.node.inside(), open("/proc/thread-self/net/nf_conntrack", encoding="ascii") as f:
        return [line for line in f if TARGET4 in line or expand6(TARGET6) in line]


def expand6(address):
    packed = socket.inet_pton(socket.AF_INET6, address).hex()
    return ":".join(packed[i:i + 4] for i in range(0, 32, 4))


def marked(isps, mark):
    return [line for line in conntrack(isps) if f"mark={mark}" in line]


def test_a_flush_takes_the_old_uplinks_flows_and_no_others(isps):
    keeper = isps.keeper()
    keeper.ensure(0, 2)
    for uplink in range(4):
        keeper.ask(f"flush {uplink}", "flushed")
    with isps.node.inside():
        flows = [socket.socket(socket.AF_INET6 if ":" in t else socket.AF_INET, socket.SOCK_DGRAM) for t in (TARGET4,) * 20 + (TARGET6,) * 5]
    pinned = flows[:5]
    for s in pinned:
        s.setsockopt(socket.SOL_SOCKET, 36, 0x200)  # SO_MARK
    isps.services.came.clear()
    try:
        def arrived():
            return [peer for port, peer, _ in isps.services.came if port == 9000]

        def talk():
            for s in flows:
                with contextlib.suppress(OSError):
                    s.sendto(b"x", (TARGET6 if s.family == socket.AF_INET6 else TARGET4, 9000))

        talk()
        def counted():
            there = [len(marked(isps, mark)) for mark in (256, 512, 768, 1024)]
            assert [int(keeper.ask(f"count {uplink}", "counted")[0]["n"]) for uplink in range(4)] == there
            return there

        assert counted() == [15, 5, 5, 0]
        # Route first: what is flushed before it goes out by the old line again.
        keeper.ask("use 1", "used")
        keeper.ask("use 3", "used")
        assert keeper.ask("flush 0", "flushed")[0]["r"] == "0"
        assert counted() == [0, 5, 5, 0], "IPv6 is an uplink of its own"
        assert keeper.ask("flush 2", "flushed")[0]["r"] == "0"
        talk()
        assert counted() == [0, 20, 0, 5]
        peers = wait_until(lambda: arrived() if len(arrived()) == 50 else None, 5, "all arrive")
        assert set(peers[:25]) == {PUBLIC[1], PUBLIC[2], "fd01::2"}
        assert set(peers[25:]) == {PUBLIC[2], "fd02::2"}, "the old public address is still in use"
    finally:
        for s in flows:
            s.close()


def test_a_stuck_connection_is_ended_and_others_are_not(isps):
    keeper = isps.keeper()
    keeper.ensure(0, 2)
    with isps.node.inside():
        stuck = [socket.create_connection((TARGET4, 5061), 5), socket.socket(socket.AF_INET6, socket.SOCK_STREAM),
                 socket.create_connection((TARGET6, 5061), 5)]
        stuck[1].connect((f"::ffff:{TARGET4}", 5061))  # as a PBX that listens on [::] has them
        other = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        other.setsockopt(socket.SOL_SOCKET, 36, 0x200)
        other.connect((TARGET4, 5061))
        listener = socket.create_server(("10.1.0.2", 5062))
    try:
        isps.cut(1)
        for s in stuck:
            s.settimeout(5)
            s.send(b"REGISTER")
        keeper.ask("use 1", "used")
        assert keeper.ask(f"destroy 10.1.0.2 {TARGET4}/32", "destroyed")[0]["n"] == "2"
        assert keeper.ask(f"destroy fd01::2 {TARGET6}/128", "destroyed")[0]["n"] == "1"
        start = boot_ns()
        for s in stuck:
            with pytest.raises(ConnectionAbortedError):
                s.recv(1)
        assert boot_ns() - start < 2e9, "that was a time-out"
        assert keeper.ask("destroy 10.1.0.2 203.0.113.0/24", "destroyed")[0]["n"] == "0"
        assert keeper.ask("destroy 10.2.0.2 198.51.100.0/24", "destroyed")[0]["n"] == "0", "not a trunk's"
        other.send(b"x")
        other.settimeout(0.3)
        with pytest.raises(TimeoutError):
            other.recv(1)
        assert listener.getsockname()[1] == 5062 and listener.fileno() >= 0
        with isps.node.inside(), socket.create_connection(("10.1.0.2", 5062), 2):
            pass
    finally:
        for s in (*stuck, other, listener):
            s.close()


# ---- events and findings ----

def test_the_kernels_events_come_at_once(isps):
    keeper = isps.keeper("wan1,4,learn,101,0x100", "wan2,4,learn,102,0x200", "wan1,6,learn,101,0x300", *VOICE)
    keeper.event("device", 0, "on")
    keeper.event("carrier", 1, "on")
    keeper.event("address", 0, "on")
    assert "gateway=10.1.0.1 " in keeper.event("gateway", 0, "on")["rest"]
    assert "gateway=fd01::1 " in keeper.event("gateway", 2, "on")["rest"]
    assert keeper.ensure(0)["active4"] == "0"
    assert len(good(keeper.probe("icmp", 0, TARGET4))) == 3
    node = isps.node
    at = len(keeper.lines)
    node.ip("route", "add", "default", "via", "10.2.0.1", "dev", "wan2", "metric", "300", "protocol", "dhcp")
    assert "gateway=10.2.0.1 " in keeper.event("gateway", 1, "on", at=at)["rest"]
    keeper.ensure()
    assert len(good(keeper.probe("icmp", 1, TARGET4))) == 3
    at = len(keeper.lines)
    node.ip("addr", "add", "10.2.0.77/24", "dev", "wan2")
    assert "addresses=2" in keeper.event("address", 1, "on", at=at)["rest"]
    node.ip("addr", "del", "10.2.0.77/24", "dev", "wan2")
    node.ip("route", "del", "default", "via", "10.2.0.1", "dev", "wan2", "metric", "300")
    keeper.event("gateway", 1, "off", at=at)
    assert not keeper.find("event touched", at), "what is of others is not ours"
    done = keeper.ensure()
    assert (done["removed"], done["written"]) == ("1", "0"), "the way out that is gone, and nothing else"
    at = len(keeper.lines)
    isps.isp[1].ip("link", "set", "cust", "down")  # the other end: this one loses its carrier
    try:
        keeper.event("carrier", 0, "off", at=at)
    finally:
        isps.isp[1].ip("link", "set", "cust", "up")
        isps.isp[1].ip("addr", "replace", "fd01::1/64", "dev", "cust", "nodad")
    keeper.event("carrier", 0, "on", at=at)
    # A gateway that answers no ARP: the neighbour entry fails.
    at = len(keeper.lines)
    isps.isp[1].ip("addr", "del", "10.1.0.1/24", "dev", "cust")
    try:
        node.ip("neigh", "flush", "dev", "wan1")
        keeper.probe("icmp", 0, TARGET4, times=1, timeout_ms=100)
        keeper.event("neighbour", 0, "off", 10, at=at)
    finally:
        isps.isp[1].ip("addr", "add", "10.1.0.1/24", "dev", "cust")
    wait_until(lambda: good(keeper.probe("icmp", 0, TARGET4, times=1, timeout_ms=300)), 10, "the gateway answers again", 0.1)
    keeper.event("neighbour", 0, "on", 10, at=at)


def test_settings_that_drop_packets_are_found_and_left_alone(isps):
    keeper = isps.keeper()

    def found():
        at = keeper.send("check")
        keeper.expect("ok check", 5, at)
        return {(m["kind"], m["device"]) for m in keeper.find(r"finding (?P<kind>\S+) (?P<device>\S+) .*", at)}

    def setting(name, value):
        isps.node.check("sysctl", "-qw", f"net.ipv4.conf.wan1.{name}={value}")

    base = found()
    assert not {kind for kind, _ in base} & {"socket-destroy", "nexthop", "rp-filter", "src-valid-mark"}, base
    setting("rp_filter", 1)
    try:
        assert found() - base == {("rp-filter", "wan1"), ("src-valid-mark", "wan1")}
        setting("src_valid_mark", 1)
        assert found() - base == {("rp-filter", "wan1")}
        setting("rp_filter", 2)
        assert found() == base
        setting("ignore_routes_with_linkdown", 1)
        assert base - found() == {("linkdown", "wan1")}
    finally:
        for name in ("rp_filter", "src_valid_mark", "ignore_routes_with_linkdown"):
            setting(name, 0)
