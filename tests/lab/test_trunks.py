# SPDX-License-Identifier: GPL-2.0-or-later
"""Trunks with a real carrier on the LAN: who registers there, how often, and what the carrier sees of a standby."""
import contextlib
import json
import os
import signal
import socket
import time

import pytest
from ringlab import Lab, ringkeep
from ringlab.carrier import ADDRESS, TRUSTED, Carrier, kamailio_rpc, options
from ringlab.machine import wait_until
from ringlab.netns import inside
from ringlab.probe import now_ns
from ringlab.ringkeep import Trunk
from ringlab.stalls import excused

# Both are tried by every Kamailio on its own from its start; the second is known to the carrier by the node's own address.
ITSP, DIRECT = Trunk("itsp", "5001", on_at_start=True), Trunk("direct", "5002", contact="node", on_at_start=True)
BULK = [Trunk(f"bulk{i}", str(6000 + i), carrier="bulk", rate=4, burst=4, on_at_start=i % 2 == 0) for i in range(20)]
WITHIN_S = 2.0  # of which Kamailio's timer is up to one


@pytest.fixture(scope="module")
def site():
    if os.geteuid() != 0:
        pytest.fail("the lab needs root: namespaces, nftables, real-time priority")
    with Lab() as lab, contextlib.closing(Carrier(lab)) as carrier:
        carrier.boot()
        lab.carrier = carrier
        lab.start_cluster(trunks=(ITSP, DIRECT, *BULK, Trunk("plain", "")))
        yield lab


@pytest.fixture()
def lab(site):
    site.carrier.be_kind()
    site.restore()
    holder = holder_of(site)
    for node, state in ((holder, "registered"), (other(site, holder), "unregistered")):
        wait_until(lambda: all(t["state"] == state for t in trunks(node) if t["registration"]), 30,
                   lambda: f"all trunks {state} at {node.name}: {[(t['name'], t['state'], t['why']) for t in trunks(node)]}", 0.2)
    return site


def holder_of(lab):
    return lab.wait_settled()


def other(lab, node):
    return next(n for n in lab.pbx_nodes if n is not node)


def trunks(node):
    return ringkeep.group(node)["trunks"]


def trunk(node, name):
    return next(t for t in trunks(node) if t["name"] == name)


def contact(address, user):
    return f"sip:{user}-reg@{address}:5060"


def sent_to_carrier(lab, node):
    """Frames that left the node for the carrier's SIP, by any protocol, counted at its port of the switch."""
    table = json.loads(lab.hub.check("nft", "-j", "list", "chain", "bridge", "watch", "seen"))
    return sum(e["counter"]["packets"] for r in table["nftables"] if "rule" in r and r["rule"].get("comment") == node.name
               for e in r["rule"]["expr"] if "counter" in e)


@contextlib.contextmanager
def watched(lab):
    rules = "\n".join(f'iifname "{n.name}e0" ip daddr {ADDRESS} ip protocol {{ tcp, udp, sctp }} counter comment "{n.name}"' for n in lab.pbx_nodes)
    lab.hub.check("nft", "-f", "-", input=f"table bridge watch {{ chain seen {{ type filter hook prerouting priority -400; policy accept;\n{rules}\n}}\n}}\n")
    try:
        yield
    finally:
        lab.hub.check("nft", "delete", "table", "bridge", "watch")


def most_at_once(registers):
    """The most contacts that the carrier held for one account at any moment, as its own answers say."""
    held, most = {}, {}
    for r in registers:
        if r.status != 200:
            continue
        mine = held.setdefault(r.user, set())
        (mine.add if r.expires else mine.discard)(r.contact)
        most[r.user] = max(most.get(r.user, 0), len(mine))
    return most


def registered_at(lab, user, since, address):
    """When the carrier accepted that contact, for the first time since then."""
    wanted = contact(address, user)
    found = wait_until(lambda: [r for r in lab.carrier.registers(user, since) if r.status == 200 and r.expires and r.contact == wanted], 15,
                       lambda: f"{wanted} registered; the carrier saw {lab.carrier.registers(user, since)}", 0.05)
    return found[0].at


def check_after(lab, was, since):
    """After a fault: one registration each, from the new holder, soon after it took over."""
    new = other(lab, was)
    took_over = taken_over_at(lab, new)
    itsp, direct = (registered_at(lab, user, since, address) - took_over for user, address in (("5001", TRUSTED), ("5002", new.address("lan"))))
    print(f"registered {itsp:.2f} s (address) and {direct:.2f} s (node) after the takeover")
    with excused(now_ns() - int((time.time() - took_over) * 1e9)):
        assert max(itsp, direct) <= WITHIN_S
    assert lab.carrier.contacts("5001") == [contact(TRUSTED, "5001")]
    assert most_at_once(lab.carrier.registers("5001"))["5001"] == 1
    return new


def taken_over_at(lab, node):
    """When the node took over, as it says itself, by the wall clock."""
    def holding():
        seen = ringkeep.status(node)
        return seen and seen["groups"][0]["gate"] == "open" and time.time() - seen["groups"][0]["since_ms"] / 1000
    return wait_until(holding, 15, f"{node.name} to take over", 0.01)


def test_only_the_holder_is_registered_and_a_standby_that_tries_says_nothing(lab):
    holder = holder_of(lab)
    standby = other(lab, holder)
    assert lab.carrier.contacts("5001") == [contact(TRUSTED, "5001")]
    assert lab.carrier.contacts("5002") == [contact(holder.address("lan"), "5002")]
    # Its PBX alone would ask for the carrier's MAC as the virtual address, which the gate stops as well: then there is no frame to be judged.
    standby.check("ping", "-c", "1", "-W", "2", ADDRESS)
    with watched(lab):
        standby.pbx.kill_all()
        wait_until(lambda: ringkeep.group(standby)["pbx"]["state"] != "healthy", 10, "the standby's PBX to be missed", 0.05)
        drops = gate_drops(standby)  # to the carrier from another address than the group's: that is judged first
        standby.agent.stop()  # and nobody orders it off: only the gate is there,
        standby.check("nft", "flush", "set", "inet", "ringkeep", "refused4")  # for nobody refuses it either
        standby.start_pbx()
        wait_until(lambda: is_trying(standby, "5002"), 30, "the standby's PBX to try", 0.2)
        time.sleep(1)
        assert sent_to_carrier(lab, standby) == 0
        standby.agent.cont()
        wait_until(lambda: gate_drops(standby) > drops, 5, "the gate to have dropped what the standby's PBX tried", 0.05)
        wait_until(lambda: all(t["state"] == "unregistered" for t in trunks(standby) if t["registration"]), 15,
                   lambda: f"the standby's registrations to be off: {trunks(standby)}", 0.1)
        with inside(f"/proc/{standby.pid}/ns/net"):
            assert options(ADDRESS, standby.address("lan")) is None
        settled = gate_drops(standby)
        time.sleep(3)
        assert sent_to_carrier(lab, standby) == 0
        # Those that were under way are sent again until their transactions end; nothing new begins.
        assert gate_drops(standby) - settled < 60
    assert not [a for a in ringkeep.status(standby)["alarms"] if a["key"].startswith("trunk")]


def is_trying(node, user):
    """Its Kamailio has a REGISTER under way."""
    records = kamailio_rpc(node, "/run/kamailio/kamailio_rpc.sock", "uac.reg_dump") or []
    return any(r["l_uuid"] == f"{user}-reg" and r["flags"] & 2 for r in records)


def gate_drops(node):
    return sum(p["drops_out"] for p in ringkeep.hactl(node, "gate")["peers"])


def test_planned_switchover_unregisters_what_is_the_nodes_own_and_never_has_two(lab):
    holder = holder_of(lab)
    since = time.time()
    ringkeep.hactl(holder, "switchover", "office", "--wait")
    new = check_after(lab, holder, since)
    last_of_old = [r for r in lab.carrier.registers("5002", since) if r.source == holder.address("lan")]
    assert [r for r in last_of_old if r.status == 200 and r.expires == 0], f"not unregistered: {lab.carrier.registers('5002', since)}"
    assert lab.carrier.contacts("5002") == [contact(new.address("lan"), "5002")]
    assert most_at_once(lab.carrier.registers("5002", since - 3600))["5002"] == 1
    # Twenty trunks of one carrier take turns: four at once and four a second, collected by Kamailio's timer of one second. Not twenty in one.
    done = wait_until(lambda: bulk(lab, since), 30, lambda: f"all of them registered: {trunks(new)}", 0.2)
    busiest = max(sum(1 for r in done if 0 <= r.at - first.at < 1) for first in done)
    print(f"{len(done)} trunks registered within {done[-1].at - done[0].at:.1f} s, at most {busiest} in one second")
    assert done[-1].at - done[0].at >= 2 and busiest <= 4 + 4 * 3


def bulk(lab, since):
    """The first acceptance of each of the twenty, in the order of time; None while some are missing."""
    first = {}
    for r in lab.carrier.registers(since=since):
        if r.user.startswith("60") and r.status == 200 and r.expires:
            first.setdefault(r.user, r)
    return sorted(first.values(), key=lambda r: r.at) if len(first) == len(BULK) else None


def test_trunk_without_registration_is_the_holders_alone(lab):
    holder = holder_of(lab)
    for node in lab.pbx_nodes:
        with inside(f"/proc/{node.pid}/ns/net"):
            expected = (200, 403) if node is holder else (None, None)
            assert (options(ADDRESS, TRUSTED), options(ADDRESS, node.address("lan"))) == expected, node.name
        assert trunk(node, "plain")["state"] == "ip-authenticated"


def test_dead_pbx(lab):
    holder = holder_of(lab)
    since = time.time()
    holder.pbx.kill_all()
    check_after(lab, holder, since)


def test_dead_node(lab):
    holder = holder_of(lab)
    since = time.time()
    holder.power_off()
    new = check_after(lab, holder, since)
    # The one case with two: nobody could take back what the dead node said of itself, and it stands until it expires.
    assert set(lab.carrier.contacts("5002")) == {contact(holder.address("lan"), "5002"), contact(new.address("lan"), "5002")}
    lab.carrier.rpc("ul.rm_contact", "location", "5002", contact(holder.address("lan"), "5002"))


def test_restarted_agent_registers_nothing_again(lab):
    holder = holder_of(lab)
    since = time.time()
    holder.agent.send(signal.SIGUSR1)
    holder.agent.wait()
    holder.start_agent()
    wait_until(lambda: ringkeep.joined(holder) and trunk(holder, "itsp")["state"] == "registered", 15, "the agent to know its trunks", 0.05)
    time.sleep(2.5)
    assert lab.carrier.registers(since=since) == []


def test_reload_brings_peers_and_another_try(lab):
    """What was rejected is tried at once after a reload: whatever was wrong may have been mended."""
    holder = holder_of(lab)
    lab.carrier.answer("6003", 403)
    ringkeep.hactl(holder, "trunk", "office", "bulk3", "register")
    wait_until(lambda: trunk(holder, "bulk3")["state"] == "rejected", 10, lambda: f"the rejection: {trunk(holder, 'bulk3')}", 0.05)
    lab.carrier.be_kind()
    text = holder.conf.read_text()
    since = time.time()
    for node in lab.nodes:
        node.conf.write_text(text.replace('"10.77.0.210"', '"10.77.0.210", "10.77.0.212/30"'))
        node.agent.send(signal.SIGHUP)
    wait_until(lambda: trunk(holder, "bulk3")["state"] == "registered", 10, lambda: f"another try: {trunk(holder, 'bulk3')}", 0.05)
    peers = {p["peer"]: p["open"] for p in ringkeep.hactl(holder, "gate")["peers"]}
    assert peers == {"10.77.0.210": True, "10.77.0.212/30": True}, peers
    assert {r.user for r in lab.carrier.registers(since=since)} == {"6003"}, "a reload registers again what is registered"
    for node in lab.nodes:
        node.conf.write_text(text)
        node.agent.send(signal.SIGHUP)
    wait_until(lambda: len(ringkeep.hactl(holder, "gate")["peers"]) == 1, 5, "the peer to go")


def test_stopped_agent_leaves_a_pbx_that_says_nothing(lab):
    """It takes the gate along; the PBX runs on, and has been ordered off before."""
    holder = holder_of(lab)
    since = time.time()
    holder.procs.pop("agent").end()
    with watched(lab):
        with inside(f"/proc/{holder.pid}/ns/net"):
            assert options(ADDRESS, holder.address("lan")) == 403, "the gate is still there"
        sent = sent_to_carrier(lab, holder)
        check_after(lab, holder, since)
        time.sleep(2)
        assert sent_to_carrier(lab, holder) == sent


def test_what_a_carrier_says_is_kept(lab):
    """503 with Retry-After, 403, 423 and a wrong password, each at a trunk of its own, in one window of time."""
    holder, carrier = holder_of(lab), lab.carrier
    carrier.answer("6000", 503, retry_after_s=9)
    carrier.answer("6001", 403)
    carrier.answer("6002", 423, times=1)
    carrier.change_password("6003")
    since = time.time()
    for name in ("bulk0", "bulk1", "bulk2", "bulk3"):
        ringkeep.hactl(holder, "trunk", "office", name, "register")
    wait_until(lambda: [trunk(holder, n)["state"] for n in ("bulk0", "bulk1", "bulk3")] == ["failed", "rejected", "rejected"], 10,
               lambda: f"503, 403 and 401 to be known: {trunks(holder)[:6]}", 0.05)
    failed, rejected, unknown = (trunk(holder, n) for n in ("bulk0", "bulk1", "bulk3"))
    assert unknown["status"] == 401 and unknown["next_try_ms"] > 250_000, unknown
    assert failed["status"] == 503 and 3000 < failed["next_try_ms"] <= 9000, failed
    assert rejected["status"] == 403 and rejected["next_try_ms"] > 250_000, rejected
    for seen, code in ((failed, 503), (rejected, 403)):
        m = seen["metrics"]
        assert m["last_code"] == code and m["failures_total"] >= 1 and m["registrations_total"] >= 1 <= m["orders_total"], m
        assert int(since) <= m["since_timestamp_seconds"] <= time.time() and 0 < m["last_registration_timestamp_seconds"] <= since, m
    for name in ("bulk1", "bulk3"):
        assert any(name in a["text"] and "rejected" in a["text"] for a in ringkeep.status(holder)["alarms"])
    tried = carrier.registers("6000", since)[0].at
    wait_until(lambda: [r for r in carrier.registers("6002", since) if r.status == 200], 10, "the longer interval to be accepted", 0.1)
    asked = [r for r in carrier.registers("6002", since) if r.status == 200][-1]
    assert asked.expires >= 300, asked
    time.sleep(max(0.0, tried + 8.5 - time.time()))
    assert [r.status for r in carrier.registers("6000", since)] == [503], carrier.registers("6000", since)
    assert [r.status for r in carrier.registers("6001", since)] == [403], carrier.registers("6001", since)
    assert [(r.status, r.authorized) for r in carrier.registers("6003", since)] == [(401, False), (401, True)], carrier.registers("6003", since)
    carrier.be_kind()
    for name in ("bulk1", "bulk3"):
        ringkeep.hactl(holder, "trunk", "office", name, "register")  # at once, in spite of the wait
    wait_until(lambda: trunk(holder, "bulk1")["state"] == "registered", 5, lambda: f"the order by hand: {trunk(holder, 'bulk1')}", 0.05)
    wait_until(lambda: trunk(holder, "bulk0")["state"] == "registered", 10, lambda: f"the second try: {trunk(holder, 'bulk0')}", 0.05)
    again = next(r for r in carrier.registers("6000", since) if r.status != 503)
    assert again.at - tried >= 9, f"tried again after {again.at - tried:.2f} s"
    assert not any("bulk1" in a["text"] for a in ringkeep.status(holder)["alarms"])
    with pytest.raises(ringkeep.Refused):
        ringkeep.hactl(other(lab, holder), "trunk", "office", "itsp", "register")


def refused(node):
    """Is a program on that node told that it may not speak to the carrier?"""
    with inside(f"/proc/{node.pid}/ns/net"), contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as s:
        try:
            s.sendto(b"\r\n", (ADDRESS, 5060))
        except PermissionError:
            return True
    return False


def test_a_standbys_pbx_is_told_at_once_that_the_carrier_is_not_for_it(lab):
    """Else it would repeat for 32 s what the shut gate swallows, and take no other order meanwhile."""
    holder = holder_of(lab)
    standby = other(lab, holder)
    wait_until(lambda: refused(standby), 3, "the standby to be refused", 0.02)
    assert not refused(holder)
    ringkeep.hactl(holder, "switchover", "office", "--wait")
    wait_until(lambda: not refused(standby), 3, "the new holder to be let through", 0.02)
    wait_until(lambda: refused(holder), 3, "the old holder to be refused", 0.02)
