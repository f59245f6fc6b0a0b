# SPDX-License-Identifier: GPL-2.0-or-later
"""A line that cannot be set up (put down, without an address, something of others in its place) is no reason to leave voice on it, nor to measure none."""
import json
import pathlib
import re
import signal
import sys
import tarfile
import time

import pytest

from ringlab import ringkeep
from ringlab.isps import MEDIA, OPERATORS, PUBLIC, flows
from ringlab.machine import wait_until
from test_uplinks import calm, call, uplinks, used, voice, world  # noqa: F401 fixtures

TOOLS = pathlib.Path(__file__).parent / "tools"
NETLINK_ROUTE, NETLINK_SOCK_DIAG = 0, 4


def alarms(node):
    return {a["key"]: a["text"] for a in ringkeep.status(node)["alarms"]}


def switched(node):
    last = voice(node)["last_switch"]
    return used(node) == "isp2" and last and not last["running"]


def way(node):
    """The device by which the kernel sends voice."""
    return node.check("ip", "route", "get", MEDIA).split(" dev ")[1].split()[0]


def restore(node):
    """wan1 as the lab made it; also after its address or routes were taken."""
    node.check("ip", "link", "set", "wan1", "up")
    node.check("ip", "addr", "replace", f"10.1.{node.id}.2/24", "dev", "wan1")
    node.check("ip", "route", "replace", "198.18.0.1/32", "via", f"10.1.{node.id}.1", "dev", "wan1")


@pytest.fixture()
def put_back(calm):
    _lab, _isps, holder = calm
    yield
    holder.run("ip", "route", "del", "default", "table", "102", "metric", "1")
    restore(holder)


LOSE = {"put down": ("ip", "link", "set", "wan1", "down"), "no address": ("ip", "addr", "flush", "dev", "wan1", "scope", "global")}


@pytest.mark.parametrize("how", LOSE)
def test_voice_leaves_a_line_that_cannot_be_set_up(calm, call, put_back, how):
    _lab, _isps, holder = calm
    before = voice(holder)["switches"]
    holder.check(*LOSE[how])
    try:
        wait_until(lambda: switched(holder), 10, lambda: str(voice(holder)), 0.05)
    finally:
        print(how, voice(holder), alarms(holder), holder.check("ip", "nexthop", "show"))
    assert way(holder) == "wan2", "the agent says isp2, and the kernel does not"
    assert voice(holder)["last_switch"]["ok"] and voice(holder)["switches"] == before + 1
    assert call.sources(time.monotonic() - 0.5) == {PUBLIC[2]}
    assert not flows(holder, MEDIA, 1)
    restore(holder)
    wait_until(lambda: uplinks(holder)["isp1"]["class"] == "good", 60, lambda: str(uplinks(holder)["isp1"]), 0.1)
    wait_until(lambda: "uplinks/routes" not in alarms(holder), 10, lambda: str(alarms(holder)), 0.1)


@pytest.mark.parametrize("how", LOSE)
def test_an_agent_that_starts_beside_such_a_line_measures_the_other(calm, put_back, how):
    lab, _isps, holder = calm
    holder.check(*LOSE[how])
    holder.agent.send(signal.SIGKILL)
    time.sleep(0.3)
    holder.start_agent()
    wait_until(lambda: ringkeep.status(holder), 20, "the new agent", 0.1)
    try:
        wait_until(lambda: uplinks(holder) and uplinks(holder)["isp2"]["class"] == "good" and used(holder) == "isp2", 20, lambda: str(alarms(holder)), 0.1)
    finally:
        print(how, alarms(holder))
    restore(holder)
    wait_until(lambda: uplinks(holder)["isp1"]["class"] == "good", 60, lambda: str(uplinks(holder)["isp1"]), 0.1)


def test_what_happens_in_the_midst_of_a_switch_does_not_take_voice_back(calm, call, put_back):
    """Something of ours is taken away and put there again before the switch is verified."""
    _lab, _isps, holder = calm
    ringkeep.hactl(holder, "uplink", "use", "isp2")
    holder.check("ip", "rule", "del", "priority", "1201")
    holder.check("ip", "addr", "add", "10.1.99.2/32", "dev", "wan1")
    try:
        wait_until(lambda: "1201:" in holder.check("ip", "rule", "show"), 10, lambda: holder.check("ip", "rule", "show"), 0.02)
        assert way(holder) == "wan2"
        wait_until(lambda: switched(holder), 10, lambda: str(voice(holder)), 0.05)
        assert way(holder) == "wan2"
        assert call.sources(time.monotonic() - 0.5) == {PUBLIC[2]}
    finally:
        holder.run("ip", "addr", "del", "10.1.99.2/32", "dev", "wan1")


def test_what_is_in_the_way_of_the_one_line_keeps_voice_off_no_other(calm, call, put_back):
    _lab, isps, holder = calm
    holder.check("ip", "route", "replace", "unreachable", "default", "table", "101", "metric", "4294967295", "proto", "static")
    wait_until(lambda: "uplinks/routes" in alarms(holder), 20, lambda: holder.check("ip", "route", "show", "table", "101"), 0.1)
    try:
        isps.fault(1)
        wait_until(lambda: switched(holder), 10, lambda: f"{voice(holder)} {alarms(holder)} {holder.check('ip', 'nexthop', 'show')}", 0.05)
        assert way(holder) == "wan2", "the agent says isp2, and the kernel does not"
        assert voice(holder)["last_switch"]["ok"]
        assert not flows(holder, MEDIA, 1)
    finally:
        holder.run("ip", "route", "del", "unreachable", "default", "table", "101", "metric", "4294967295", "proto", "static")


def test_an_order_that_fails_is_not_repeated_at_once(calm):
    """Somebody has taken voice's nexthop for himself."""
    _lab, _isps, holder = calm
    nexthop = ("ip", "nexthop", "replace", "id", "1000", "via", f"10.1.{holder.id}.1", "dev", "wan1", "onlink", "protocol")
    holder.check(*nexthop, "static")
    wait_until(lambda: "uplinks/routes" in alarms(holder), 10, lambda: str(alarms(holder)), 0.1)
    try:
        ringkeep.hactl(holder, "uplink", "use", "isp2")
        time.sleep(5)
        records = [r for r in ringkeep.hactl(holder, "history", "-n", "200")["records"] if "uplink-switch" in str(r) and "refused" in str(r)]
        assert len(records) == 1, f"{len(records)} attempts in 5 s"
        assert voice(holder)["rule"] == "R513" and "voice/IPv4" in alarms(holder)
        assert way(holder) == "wan1"
        holder.check(*nexthop, "82")
        ringkeep.hactl(holder, "uplink", "use", "isp2")
        wait_until(lambda: switched(holder), 10, lambda: str(voice(holder)), 0.05)
        assert way(holder) == "wan2"
    finally:
        holder.run(*nexthop, "82")
        ringkeep.hactl(holder, "uplink", "auto")


def test_the_public_address_of_an_old_address_is_forgotten(calm, put_back):
    _lab, isps, holder = calm
    own = f"10.1.{holder.id}.7"
    assert uplinks(holder)["isp1"]["public_address"] == PUBLIC[1]
    isps.silence(OPERATORS["b"])  # who could tell the new one
    time.sleep(1)
    holder.check("ip", "addr", "add", f"{own}/32", "dev", "wan1")
    holder.check("ip", "addr", "del", f"10.1.{holder.id}.2/24", "dev", "wan1")
    try:
        wait_until(lambda: uplinks(holder)["isp1"]["public_address"] == own, 10, lambda: str(uplinks(holder)["isp1"]), 0.05)
    finally:
        holder.run("ip", "addr", "flush", "dev", "wan1", "scope", "global")
        isps.speak()
    restore(holder)
    wait_until(lambda: uplinks(holder)["isp1"]["public_address"] == PUBLIC[1], 20, lambda: str(uplinks(holder)["isp1"]), 0.05)


def test_a_line_in_use_that_flaps_is_an_alarm(calm):
    """Last of this file: the line stays damped for minutes."""
    _lab, isps, holder = calm
    isps.fault(2)
    wait_until(lambda: uplinks(holder)["isp2"]["class"] == "bad", 10, lambda: str(uplinks(holder)["isp2"]), 0.05)
    for _ in range(3):
        isps.fault(1)
        wait_until(lambda: uplinks(holder)["isp1"]["class"] == "bad", 20, lambda: str(uplinks(holder)["isp1"]), 0.05)
        isps.heal(1)
        wait_until(lambda: uplinks(holder)["isp1"]["class"] == "good", 40, lambda: str(uplinks(holder)["isp1"]), 0.05)
    assert used(holder) == "isp1" and uplinks(holder)["isp1"]["damped"]
    wait_until(lambda: "uplinks/flaps/IPv4" in alarms(holder), 5, lambda: str(alarms(holder)), 0.1)
    isps.heal()
    wait_until(lambda: uplinks(holder)["isp2"]["class"] == "good", 40, lambda: str(uplinks(holder)["isp2"]), 0.05)
    ringkeep.hactl(holder, "uplink", "use", "isp2")
    wait_until(lambda: "uplinks/flaps/IPv4" not in alarms(holder), 10, lambda: str(alarms(holder)), 0.1)
    ringkeep.hactl(holder, "uplink", "auto")


def told(node, *more, under=()):
    """The notes of `hactl config check` about uplinks: line of the file and text."""
    done = node.run(*under, str(node.lab.root / "bin" / "hactl"), "--json", "config", "check", node.conf, "--state-dir", node.state, *more)
    return {(n["line"], n["text"].removeprefix("uplinks: ")) for n in json.loads(done.stdout)["notes"] if n["text"].startswith("uplink")}


def new_notes(node, before):
    """Those that were not there before: line and what stands before the first colon or semicolon."""
    return {(line, re.split("[:;]", text)[0]) for line, text in told(node) - before}


def test_config_check_looks_at_the_kernel(calm, tmp_path):
    _lab, _isps, holder = calm
    text = holder.conf.read_text()
    wan2 = 1 + next(i for i, line in enumerate(text.splitlines()) if line.startswith("uplink isp2 "))
    before = told(holder)
    assert not any("rp_filter of wan2" in t or "no device" in t for _, t in before), before

    def setting(name, value):
        holder.check("sysctl", "-qw", f"net.ipv4.conf.wan2.{name}={value}")

    was = {name: holder.check("sysctl", "-n", f"net.ipv4.conf.wan2.{name}").strip() for name in ("rp_filter", "src_valid_mark", "ignore_routes_with_linkdown")}
    try:
        setting("ignore_routes_with_linkdown", 1)
        quiet = told(holder)
        setting("ignore_routes_with_linkdown", 0)
        assert new_notes(holder, quiet) == {(wan2, "routes over wan2 are used even when it has no carrier")}
        strict = (wan2, "rp_filter of wan2 is strict")
        setting("rp_filter", 1)
        setting("src_valid_mark", 0)
        assert new_notes(holder, before) == {strict, (wan2, "rp_filter of wan2 is strict and does not look at marks")}
        setting("src_valid_mark", 1)
        assert new_notes(holder, before) == {strict}
    finally:
        for name, value in was.items():
            setting(name, value)
    for protocol, what in ((NETLINK_SOCK_DIAG, "TCP connections over a dead uplink cannot be ended"), (NETLINK_ROUTE, "nexthop objects cannot be listed")):
        seen = {(line, text.split(" (")[0]) for line, text in told(holder, under=(sys.executable, TOOLS / "without_netlink.py", str(protocol))) - before}
        assert seen == {(0, what)}
    other = tmp_path / "ringkeep.conf"
    other.write_text(text.replace("device = wan2", "device = wan9"))
    done = holder.run(str(holder.lab.root / "bin" / "hactl"), "config", "check", other, "--state-dir", holder.state)
    assert done.returncode == 0 and f"note: {other}:{wan2}: uplink isp2: this node has no device wan9 now" in done.stdout, done
    unseen = "devices and the kernel's settings were not looked at: "
    assert told(holder, "--state-dir", tmp_path) == {(0, unseen + "no key of a node of this configuration was found here")}


def test_report_has_the_uplinks(calm, tmp_path):
    _lab, _isps, holder = calm
    archive = tmp_path / "report.tar.gz"
    done = holder.run(*ringkeep.hactl_command(holder), "report", "--config", str(holder.conf), "--state-dir", str(holder.state), str(archive), timeout=100)
    assert done.returncode == 0, done.stderr
    with tarfile.open(archive) as tar:
        files = {m.name.split("/", 1)[1]: tar.extractfile(m).read().decode(errors="replace") for m in tar.getmembers() if m.isfile()}
    assert "dev wan1" in files["kernel/nexthops.txt"] and "proto 82" in files["kernel/nexthops.txt"]
    assert "lookup 101" in files["kernel/rules.txt"] and "table 101 proto 82" in files["kernel/routes.txt"], files["kernel/rules.txt"] + files["kernel/routes.txt"]
    assert "table inet ringkeep_uplink" in files["kernel/nft.txt"]
    assert "voice ipv4 over isp1" in files["agent/uplinks.txt"] and "stun  up" in files["agent/uplinks.txt"], files["agent/uplinks.txt"]
    assert "uplink-switch: " in files["agent/uplink-history.txt"]


def test_auto_says_nothing_where_nothing_was_ordered(calm):
    _lab, _isps, holder = calm
    said = len(ringkeep.hactl(holder, "uplink", "history", "-n", "1000")["records"])
    assert "nothing changes" in ringkeep.hactl(holder, "uplink", "auto")["note"]
    assert len(ringkeep.hactl(holder, "uplink", "history", "-n", "1000")["records"]) == said
    refused = holder.run(*ringkeep.hactl_command(holder), "uplink", "use", "isp22")
    assert refused.returncode == 1 and 'did you mean "isp2"?' in refused.stderr, refused
    peer = next(n for n in ringkeep.status(holder)["nodes"] if n["name"] not in (holder.name, "w1"))
    assert {(u["name"], u["isp"], u["family"], u["class"]) for u in peer["uplinks"]} == {(n, n, "ipv4", "good") for n in ("isp1", "isp2")}, peer
    assert all(u["age_ms"] >= 0 for u in peer["uplinks"]), peer
    taken = {u["name"]: u["not_taken"] for u in ringkeep.hactl(holder, "why", "office")["uplinks"]}
    assert taken == {"isp1": None, "isp2": "as good as the one in use, which is preferred"}


def test_a_switch_says_what_it_waits_for(calm):
    _lab, _isps, holder = calm
    ringkeep.hactl(holder, "uplink", "use", "isp2")
    seen = []
    wait_until(lambda: seen.append(voice(holder)["last_switch"]) or not seen[-1]["running"], 30, lambda: str(seen[-1]), 0.05)
    running = [s["pending"] for s in seen[:-1]]
    if seen[-1]["ms"]["verified"] < 3000:  # no stall of this machine hid it
        assert running, seen
    for p in running:
        assert not p["undoing"] and set(p["waits_for"]) <= {"PBX", "trunks", "flows", "answer"} and p["verified_in_ms_min"] <= 2000, p
        assert p["verified_in_ms_min"] <= p["ended_in_ms_max"] <= 15000, p
    assert seen[-1]["pending"] is None and seen[-1]["ok"], seen[-1]
    assert "note" not in ringkeep.hactl(holder, "uplink", "auto")


def pinned(node):
    return voice(node)["pinned"]


def killed_and_started(node):
    node.agent.kill()
    node.start_agent()
    wait_until(lambda: ringkeep.status(node) and uplinks(node), 10, "the new agent to know its uplinks", 0.05)


def test_an_order_by_hand_outlives_the_agent(calm):
    lab, _isps, holder = calm
    ringkeep.hactl(holder, "uplink", "use", "isp2")
    wait_until(lambda: used(holder) == "isp2" and not voice(holder)["last_switch"]["running"], 10, lambda: str(voice(holder)), 0.05)
    wait_until(lambda: (holder.state / "uplinks").exists(), 5, "the order to be on disk", 0.05)
    killed_and_started(holder)
    assert pinned(holder) == "isp2" and used(holder) == "isp2", voice(holder)
    wait_until(lambda: all(u["class"] == "good" for u in uplinks(holder).values()), 30, "both lines to be good", 0.1)
    time.sleep(2)
    assert used(holder) == "isp2" and way(holder) == "wan2", "isp1 is preferred, and an operator has said isp2"
    lab.wait_settled()
    ringkeep.hactl(holder, "uplink", "auto")
    wait_until(lambda: "isp2" not in (holder.state / "uplinks").read_text(), 5, "the order to be gone", 0.05)
    killed_and_started(holder)
    assert pinned(holder) is None
