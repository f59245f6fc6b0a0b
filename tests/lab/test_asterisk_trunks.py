# SPDX-License-Identifier: GPL-2.0-or-later
"""Trunks of a real Asterisk at a real carrier: five accounts that one takeover registers, without a moment in which the carrier has none of them, and
what the carrier sees when it refuses them."""
import os
import pathlib
import re
import signal
import time

import pytest
from ringlab import Lab, asterisk, ringkeep
from ringlab.carrier import TRUSTED, Carrier
from ringlab.machine import wait_until
from ringlab.probe import now_ns
from ringlab.ringkeep import Trunk
from ringlab.stalls import excused

USERS = ("7001", "7002", "7003", "7004", "7005")
WITHIN_S = 2.0
RETRY_S, FORBIDDEN_S, FATAL_S = 10, 24, 26  # of the five; the example has minutes


def registration_text(user):
    """The example's line of a carrier, for another account."""
    text = (asterisk.EXAMPLE / "pjsip_trunk.conf").read_text().replace("office", user).replace("itsp-reg", f"{user}-reg")
    for name, seconds in (("retry_interval", RETRY_S), ("forbidden_retry_interval", FORBIDDEN_S), ("fatal_retry_interval", FATAL_S)):
        text, found = re.subn(rf"(?m)^{name} = \d+", f"{name} = {seconds}", text)
        assert found == 1, name
    return re.sub(r"(?<![-\w])itsp(?![-\w])", user, text)


def running(version):
    if os.geteuid() != 0:
        pytest.fail("the lab needs root: namespaces, chroot")
    lab = Lab()
    lab.carrier = Carrier(lab)
    try:
        lab.carrier.boot()
        files = {"pjsip_trunk.conf": "\n".join(map(registration_text, USERS))}
        trunks = [line for u in USERS for line in Trunk(f"t{u}", u, carrier="itsp").lines()]
        lab.start_cluster(pbx="asterisk", asterisk=version, group="\n".join(["damping-penalty = 0", *trunks]), asterisk_install={"files": files})
    except BaseException:
        lab.carrier.close()
        lab.close()
        raise
    return lab


def ended(lab):
    lab.carrier.close()
    lab.close()


@pytest.fixture(scope="module")
def asterisk22():
    lab = running("22")
    yield lab
    ended(lab)


@pytest.fixture(scope="module")
def asterisk16():
    lab = running("16")
    yield lab
    ended(lab)


@pytest.fixture(params=["22", "16"])
def lab(request):
    lab = request.getfixturevalue("asterisk" + request.param)
    lab.carrier.be_kind()
    lab.restore()
    for node in lab.pbx_nodes:
        asterisk.wait_booted(node)
    holder = lab.wait_settled()
    for user in USERS:
        if trunk(holder, user)["state"] == "failed":
            order(holder, user)
    for node, state in ((holder, "registered"), (other(lab, holder), "unregistered")):
        wait_until(lambda: all(t["state"] == state for t in ringkeep.group(node)["trunks"]), 30, lambda: f"all {state} at {node.name}: {said(node)}", 0.1)
    yield lab
    lab.carrier.be_kind()


def other(lab, node):
    return next(n for n in lab.pbx_nodes if n is not node)


def trunk(node, user):
    return next(t for t in ringkeep.group(node)["trunks"] if t["registration"] == f"{user}-reg")


def said(node):
    return [(t["name"], t["state"], t["why"], t["metrics"]["orders_total"]) for t in ringkeep.group(node)["trunks"]]


def order(node, user):
    ringkeep.hactl(node, "trunk", "office", f"t{user}", "register")


def contact(user):
    return f"sip:{user}@{TRUSTED}:5060"


def taken_over_at(node):
    """When the node took over, as it says itself, by the wall clock."""
    def holding():
        seen = ringkeep.status(node)
        return seen and seen["groups"][0]["gate"] == "open" and time.time() - seen["groups"][0]["since_ms"] / 1000
    return wait_until(holding, 15, f"{node.name} to take over", 0.01)


def accepted(lab, user, since):
    return [r for r in lab.carrier.registers(user, since) if r.status == 200]


FAULTS = {
    "switchover": lambda lab, holder: holder.hactl("switchover", "office", "--wait"),
    "pbx_crash": lambda lab, holder: holder.pbx.kill(),
    "power_off": lambda lab, holder: holder.power_off(),
    "silent_cut": lambda lab, holder: lab.hub.cut(holder),
}


def check_each_registered_once(lab, since, took_over):
    """Soon, once, and without an unregistration before; the same some seconds later."""
    firsts = [wait_until(lambda: accepted(lab, u, since), 15, lambda: f"{u}: {lab.carrier.registers(u, since)}, {said(lab.wait_settled())}", 0.05)[0] for u in USERS]
    last = max(r.at for r in firsts)
    print(f"five trunks registered {min(r.at for r in firsts) - took_over:.2f} to {last - took_over:.2f} s after the takeover")
    with excused(now_ns() - int((time.time() - took_over) * 1e9)):
        assert last - took_over <= WITHIN_S
    time.sleep(4)
    for user in USERS:
        seen = accepted(lab, user, since)
        assert len(seen) == 1 and seen[0].expires > 0, f"not one registration, without an unregistration before it: {seen}"
        assert lab.carrier.contacts(user) == [contact(user)]


@pytest.mark.parametrize("fault", FAULTS)
def test_carrier_keeps_one_contact_through_a_takeover(lab, fault):
    holder = lab.wait_settled()
    since = time.time()
    FAULTS[fault](lab, holder)
    check_each_registered_once(lab, since, taken_over_at(other(lab, holder)))


def test_what_a_standby_still_had_under_way_does_not_take_a_registration_back(lab):
    """Its agent hung, so the shut gate swallowed an unregistration that Asterisk repeats for 32 s. The carrier gets it when that node has become the holder
    and registered, and it is registered once more."""
    holder = lab.wait_settled()
    new = other(lab, holder)
    new.agent.stop()
    new.check("nft", "flush", "set", "inet", "ringkeep", "refused4")  # as for an agent that hung before it could put the carrier there
    manager = asterisk.Manager(asterisk.where(new))
    begun, begun_ns = time.monotonic(), now_ns()  # repeated 0.5, 1.5, 3.5, 7.5 s after this; refused, and so given up, if its agent is back at that moment
    manager.ask("PJSIPUnregister", Registration="7002-reg")
    manager.close()
    time.sleep(max(0.0, begun + 3.6 - time.monotonic()))
    new.agent.cont()
    lab.wait_settled()
    since = time.time()
    holder.hactl("switchover", "office", "--wait")
    with excused(begun_ns):
        wait_until(lambda: [r for r in accepted(lab, "7002", since) if r.expires == 0], 10, lambda: f"the late one: {lab.carrier.registers('7002', since)}", 0.05)
    wait_until(lambda: accepted(lab, "7002", since)[-1].expires > 0 and trunk(new, "7002")["state"] == "registered", 15,
               lambda: f"another registration: {lab.carrier.registers('7002', since)}, {said(new)}", 0.1)
    print(f"accepted: {[(round(r.at - since, 1), r.expires) for r in accepted(lab, '7002', since)]}")
    time.sleep(5)
    for user in USERS:
        assert lab.carrier.contacts(user) == [contact(user)], lab.carrier.registers(user, since)
        assert trunk(new, user)["state"] == "registered"


def test_trunk_that_is_registered_alone_is_unregistered_for_a_second_only(lab):
    """An order that names one registration begins with Expires: 0; the REGISTER of version 16 then names no time."""
    holder = lab.wait_settled()
    since = time.time()
    order(holder, "7001")
    seen = wait_until(lambda: len(s := accepted(lab, "7001", since)) >= 2 and s, 10, lambda: f"{lab.carrier.registers('7001', since)}", 0.05)
    assert [r.expires > 0 for r in seen] == [False, True]
    assert all(not accepted(lab, u, since) for u in USERS[1:])


def test_too_brief_is_asked_again_at_once_and_longer(lab):
    holder = lab.wait_settled()
    lab.carrier.answer("7004", 423)
    since = time.time()
    holder.hactl("switchover", "office", "--wait")
    wait_until(lambda: accepted(lab, "7004", since), 10, lambda: f"{lab.carrier.registers('7004', since)}", 0.05)
    time.sleep(3)
    seen = [r for r in lab.carrier.registers("7004", since) if r.status != 401]
    assert [(r.status, r.expires) for r in seen] == [(423, 120), (200, 300)], seen
    assert all(len(accepted(lab, u, since)) == 1 for u in USERS)


@pytest.mark.parametrize("broken", ["unreadable", "one more"])
def test_file_that_is_not_what_runs_costs_a_second_and_no_trunk(lab, broken):
    """All registrations at once would be made from the file anew: they would be gone, or more than ringkeep knows of."""
    holder = lab.wait_settled()
    new = other(lab, holder)
    path = asterisk.directory(new) / "etc" / "pjsip_trunk.conf"
    whole = path.read_text()
    path.write_text(whole + ("[7009\n" if broken == "unreadable" else registration_text("7009")))
    since = time.time()
    try:
        holder.hactl("switchover", "office", "--wait")
        for user in USERS:
            wait_until(lambda: [r for r in accepted(lab, user, since) if r.expires > 0], 10, lambda: f"{user}: {lab.carrier.registers(user, since)}", 0.05)
        time.sleep(1)
        assert lab.carrier.registers("7009", since) == []
        wait_until(lambda: all(t["state"] == "registered" for t in ringkeep.group(new)["trunks"]), 5, lambda: f"{said(new)}", 0.1)
    finally:
        path.write_text(whole)


def adapter_pid(node):
    children = [int(p) for task in pathlib.Path(f"/proc/{node.agent.pid}/task").iterdir() for p in (task / "children").read_text().split()]
    return next(p for p in children if b"ringkeep-adapter-asterisk" in pathlib.Path(f"/proc/{p}/cmdline").read_bytes())


@pytest.mark.parametrize("who", ["agent", "adapter", "standby's Asterisk"])
def test_restart_asks_the_carrier_nothing(lab, who):
    """What is registered stays so, and who refused is not asked before its time."""
    holder, carrier = lab.wait_settled(), lab.carrier
    carrier.answer("7001", 503, retry_after_s=25)
    since = time.time()
    order(holder, "7001")
    wait_until(lambda: trunk(holder, "7001")["state"] == "failed", 10, lambda: f"the refusal: {said(holder)}", 0.05)
    refused = carrier.registers("7001", since)[0].at
    since = time.time()
    if who == "agent":
        holder.agent.send(signal.SIGUSR1)
        holder.agent.wait()
        holder.start_agent()
    elif who == "adapter":
        os.kill(adapter_pid(holder), signal.SIGKILL)
    else:
        standby = other(lab, holder)
        standby.pbx.kill()
        standby.pbx.wait()
        standby.start_pbx()
    time.sleep(1)
    wait_until(lambda: [t["state"] for t in ringkeep.group(holder)["trunks"]] == ["failed", *["registered"] * 4], 15, lambda: f"{said(holder)}", 0.1)
    time.sleep(max(0.0, min(6.0, refused + 24 - time.time())))
    assert carrier.registers(since=since) == []
    assert lab.wait_settled() is holder


def tries(lab, user, since):
    """When the carrier was asked, without the second half of a digest."""
    return [r.at for r in lab.carrier.registers(user, since) if not r.authorized]


def test_refusals_are_asterisks_own_business(lab):
    """503 with Retry-After, 403 and a wrong password, each at an account of its own, in one window of time: none is asked again before its time, and
    Asterisk itself asks then."""
    holder, carrier = lab.wait_settled(), lab.carrier
    carrier.answer("7001", 503, retry_after_s=22)
    carrier.answer("7002", 403)
    carrier.change_password("7003")
    due = {"7001": 22, "7002": FORBIDDEN_S, "7003": FATAL_S}
    since = time.time()
    for user in due:
        order(holder, user)
    wait_until(lambda: all(trunk(holder, u)["state"] == "failed" for u in due), 10, lambda: f"the refusals: {said(holder)}", 0.05)
    first = {u: tries(lab, u, since)[0] for u in due}
    orders = {u: trunk(holder, u)["metrics"]["orders_total"] for u in due}
    for user, at in first.items():
        seen = trunk(holder, user)
        assert seen["next_try_ms"] == -1 and "Asterisk tries again" in seen["why"], seen
        assert len(tries(lab, user, since)) == 1, f"{user} was asked again already"
    time.sleep(max(0.0, max(first.values()) + 21 - time.time()))
    for user in due:
        assert tries(lab, user, since) == [first[user]], f"{user} was asked again {[round(t - first[user], 1) for t in tries(lab, user, since)[1:]]} s after the refusal"
    for user, after_s in due.items():
        again = wait_until(lambda: len(t := tries(lab, user, since)) > 1 and t[1], 15, lambda: f"another try: {carrier.registers(user, since)}", 0.1)
        assert again - first[user] > after_s - 0.1, f"{user} was asked again {again - first[user]:.1f} s after the refusal"
    wait_until(lambda: len([a for a in ringkeep.status(holder)["alarms"] if a["key"].startswith("trunk/")]) == len(due), 15,
               lambda: f"an alarm for each: {ringkeep.status(holder)['alarms']}", 0.2)
    assert {u: trunk(holder, u)["metrics"]["orders_total"] for u in due} == orders, "ringkeep ordered in between"
    carrier.be_kind()
    wait_until(lambda: all(t["state"] == "registered" for t in ringkeep.group(holder)["trunks"]), max(due.values()) + 10, lambda: f"{said(holder)}", 0.2)
    assert {u: trunk(holder, u)["metrics"]["orders_total"] for u in due} == orders, "ringkeep ordered what Asterisk does by itself"
    wait_until(lambda: not [a for a in ringkeep.status(holder)["alarms"] if a["key"].startswith("trunk/")], 5, "the alarms to end", 0.1)
