# SPDX-License-Identifier: GPL-2.0-or-later
"""The hardware watchdog: a node whose agent does not do its rounds is reset in time, and no other node is."""
import os
import signal
import time

import pytest
from ringlab import Lab, ringkeep
from ringlab.machine import wait_until
from ringlab.probe import now_ns
from ringlab.stalls import excused
from ringlab.story import lease_ms
from ringlab.watchdog import Watchdog

TIMEOUT_S = 2
ARMED = "watchdog { timeout = 2s required = yes }"
STEP_S = 0.2  # of the feeder
SLACK_S = 1.5  # of a noisy machine, late only


@pytest.fixture(scope="module")
def cluster():
    if os.geteuid() != 0:
        pytest.fail("the lab needs root: namespaces, nftables, real-time priority")
    with Lab() as lab:
        lab.dogs = {node.name: Watchdog(node) for node in lab.pbx_nodes}
        try:
            lab.start_cluster(timing=ARMED)
            yield lab
        finally:
            for dog in lab.dogs.values():
                dog.close()


@pytest.fixture()
def lab(cluster):
    for dog in cluster.dogs.values():
        dog.step_s, dog.nowayout, dog.taken = 1, False, False
    cluster.holder = cluster.restore()
    cluster.standby = next(n for n in cluster.pbx_nodes if n is not cluster.holder)
    for dog in cluster.dogs.values():
        wait_until(lambda dog=dog: said(dog.node)["state"] == "armed", 15, lambda: f"an armed watchdog: {cluster.describe()}")
        dog.forget()
    return cluster


def said(node):
    """What status says of the watchdog."""
    seen = ringkeep.status(node)
    return seen["watchdog"] if seen and seen["watchdog"] else {"state": "?"}


def quorate(node):
    seen = ringkeep.status(node)
    return bool(seen) and any(n["name"] == node.name and n.get("quorate") for n in seen["nodes"])


def feeder(node):
    """The host's pid of the node's feeder."""
    inside = node.run("pgrep", "-x", "ringkeep-watchd").stdout.split()
    assert len(inside) == 1, inside
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            status = open(f"/proc/{pid}/status").read()
        except OSError:
            continue
        ns = next((x.split()[1:] for x in status.splitlines() if x.startswith("NSpid:")), [])
        if "ringkeep-watchd" in status and ns[-1] == inside[0] and os.readlink(f"/proc/{pid}/ns/pid") == os.readlink(f"/proc/{node.pid}/ns/pid"):
            return int(pid)
    raise AssertionError("no feeder")


def wait_fired(dog, since, at_least_s, at_most_s):
    wait_until(lambda: dog.fired_at, at_most_s + 2 * SLACK_S, lambda: f"the watchdog to fire: {dog.events[-5:]}")
    took_s = dog.fired_at - since
    assert at_least_s - 0.1 <= took_s <= at_most_s + SLACK_S, took_s
    wait_until(lambda: not dog.node.up(), 5, "the node to be off")


def test_armed_and_fed(lab):
    dog = lab.dogs[lab.holder.name]
    seen = said(lab.holder)
    assert seen["timeout_ms"] == 2000 and seen["identity"] == "lab device" and seen["required"] and seen["realtime"], seen
    since = now_ns()
    time.sleep(1)
    fed = dog.times("feed")
    with excused(since):
        assert len(fed) >= 3 and max(b - a for a, b in zip(fed, fed[1:])) < TIMEOUT_S / 2
    assert not seen["counted"]  # two nodes cannot tell a lost one from a cut link
    records = ringkeep.hactl(lab.holder, "history", "-n", "500")["records"]
    assert any(r["type"] == "watchdog" and r["node"] == lab.holder.name and "armed, timeout 2000 ms" in r["text"] for r in records)


@pytest.mark.parametrize("fault", ["hang", "killed", "killed with its feeder", "left"])
def test_an_agent_that_does_nothing_is_a_reset(lab, fault):
    """SIGSTOP, SIGKILL, SIGKILL of the feeder as well, SIGUSR1 with nobody to follow: reset in time, and the other node goes on."""
    dog, at = lab.dogs[lab.holder.name], time.monotonic()
    if fault == "hang":
        lab.holder.agent.stop()
    elif fault == "left":
        lab.holder.agent.end(signal.SIGUSR1)
    else:
        pid = feeder(lab.holder)
        lab.holder.agent.kill()
        if "feeder" in fault:
            os.kill(pid, signal.SIGKILL)
    grace_s = TIMEOUT_S / 2 if fault == "left" else 0
    wait_fired(dog, at, TIMEOUT_S - STEP_S, TIMEOUT_S + STEP_S + grace_s)
    wait_until(lambda: (ringkeep.status(lab.standby) or {"groups": [{}]})["groups"][0].get("holder") == lab.standby.name, 10, "a new holder")
    assert not lab.dogs[lab.standby.name].fired_at


def test_reset_is_told_after_the_boot(lab):
    lab.standby.agent.kill()
    wait_until(lambda: not lab.standby.up(), 10, "the reset")
    lab.restore()
    records = ringkeep.hactl(lab.standby, "history", "-n", "500")["records"]
    assert any(r["type"] == "watchdog-reset" and r["node"] == lab.standby.name for r in records)
    before = sum(r["type"] == "watchdog-reset" for r in records)
    lab.standby.agent.end(signal.SIGUSR1)
    lab.standby.start_agent()
    wait_until(lambda: said(lab.standby)["state"] == "armed", 10, "an armed watchdog")
    records = ringkeep.hactl(lab.standby, "history", "-n", "500")["records"]
    assert sum(r["type"] == "watchdog-reset" for r in records) == before, "told once in a boot"


def test_starved_by_a_real_time_hog(lab):
    """Something with more priority takes the agent's processor: the agent stands, the feeder does not, the node is reset."""
    node, dog = lab.holder, lab.dogs[lab.holder.name]
    cpu = max(os.sched_getaffinity(0))
    node.check("taskset", "-a", "-p", "-c", cpu, node.run("pgrep", "-x", "ringkeepd").stdout.split()[0])
    at = time.monotonic()
    node.spawn("hog", "taskset", "-c", cpu, "chrt", "-r", "50", "python3", "-c", "while True: pass")
    wait_until(lambda: dog.fired_at, TIMEOUT_S * 8, lambda: f"the watchdog to fire: {dog.events[-5:]}")
    assert dog.fired_at - at >= TIMEOUT_S - STEP_S
    # The kernel keeps a twentieth of the processor from real-time tasks of a higher priority as well: it is not one clean stop.
    wait_until(lambda: not node.up(), 5, "the node to be off")


@pytest.mark.parametrize("how", ["restart", "crash", "feeder killed"])
def test_restarts_are_no_reset(lab, how):
    node, dog, since = lab.holder, lab.dogs[lab.holder.name], now_ns()
    if how == "restart":
        node.agent.end(signal.SIGUSR1)
        time.sleep(TIMEOUT_S / 4)
        node.start_agent()
    elif how == "crash":
        node.agent.kill()
        wait_until(lambda: not node.agent.alive(), 5, "the death of the agent")
        node.start_agent()
    else:
        os.kill(feeder(node), signal.SIGKILL)
    wait_until(lambda: said(node)["state"] == "armed", 10, "an armed watchdog")
    time.sleep(TIMEOUT_S + 1)
    assert not dog.fired_at and node.up()
    assert len(dog.times("open")) == (1 if how == "feeder killed" else 0), "the feeder outlives the agent"
    if how != "crash":  # whose lease may have run out before the next agent was there
        with excused(since, lease_ms(lab) / 2):
            assert ringkeep.group(node)["holder"] == node.name


def test_clean_stop_disarms(lab):
    """The letter comes after the addresses are gone, and nothing fires."""
    node, dog = lab.holder, lab.dogs[lab.holder.name]
    addresses = []
    dog.on_letter = lambda: addresses.append(node.run("ip", "addr", "show", "dev", "eth0").stdout)
    node.agent.end(signal.SIGTERM, timeout_s=15)
    wait_until(lambda: dog.times("disarmed"), 5, lambda: f"a disarmed watchdog: {dog.events[-5:]}")
    dog.on_letter = None
    assert len(addresses) == 1 and "10.77.0.100" not in addresses[0]
    time.sleep(TIMEOUT_S + 1)
    assert not dog.fired_at and node.up() and not dog.armed


def test_a_device_that_cannot_be_disarmed(lab):
    """nowayout: after a clean stop its feeder goes on without a condition, and the next agent takes it over."""
    node, dog = lab.standby, lab.dogs[lab.standby.name]
    dog.nowayout = True
    node.agent.end(signal.SIGTERM, timeout_s=15)
    node.start_agent()
    wait_until(lambda: said(node)["state"] == "armed", 15, "an armed watchdog")
    assert said(node)["nowayout"]
    dog.forget()
    node.agent.end(signal.SIGTERM, timeout_s=15)
    time.sleep(TIMEOUT_S + 1)
    assert not dog.fired_at and node.up() and dog.times("feed")
    node.start_agent()
    wait_until(lambda: said(node)["state"] == "armed", 15, "an armed watchdog")
    assert not dog.times("open"), "the same feeder"
    at = time.monotonic()
    node.agent.kill()  # now it depends on the agent again
    wait_fired(dog, at, TIMEOUT_S - STEP_S, TIMEOUT_S + STEP_S)


def restart_with(lab, node):
    node.agent.end(signal.SIGTERM, timeout_s=15)
    node.start_agent()
    wait_until(lambda: ringkeep.status(node), 10, "the agent")


def candidate(lab, node):
    return next(c for c in ringkeep.group(lab.holder)["candidates"] if c["node"] == node.name)


def test_a_device_that_another_has(lab):
    """EBUSY: required, so the node is no candidate, and says why; it becomes one when the device is free."""
    node, dog = lab.standby, lab.dogs[lab.standby.name]
    dog.taken = True
    restart_with(lab, node)
    wait_until(lambda: said(node)["state"] == "no-device", 10, "the device to be taken")
    assert "another program feeds it" in said(node)["why"], said(node)
    wait_until(lambda: candidate(lab, node)["reason"] == "gate", 10, lambda: candidate(lab, node))
    assert any(a["key"] == "watchdog" and "It is required" in a["text"] for a in ringkeep.status(node)["alarms"])
    dog.taken = False
    wait_until(lambda: said(node)["state"] == "armed" and candidate(lab, node)["eligible"], 20, lambda: candidate(lab, node))
    assert not dog.fired_at


@pytest.mark.parametrize("step_s, state", [(3, "armed"), (60, "bad-timeout")])
def test_a_device_that_rounds(lab, step_s, state):
    node, dog = lab.standby, lab.dogs[lab.standby.name]
    dog.step_s = step_s
    restart_with(lab, node)
    wait_until(lambda: said(node)["state"] == state, 10, lambda: said(node))
    if state == "armed":
        assert said(node)["timeout_ms"] == 3000
        return
    assert "makes 60000 ms of the timeout of 2000 ms" in said(node)["why"]
    wait_until(lambda: dog.times("disarmed") and not dog.armed, 5, lambda: f"a disarmed watchdog: {dog.events[-5:]}")
    wait_until(lambda: candidate(lab, node)["reason"] == "gate", 10, lambda: candidate(lab, node))


def test_lost_corosync_is_no_reset_by_default(lab):
    dog = lab.dogs[lab.standby.name]
    lab.standby.corosync.end(signal.SIGKILL)
    time.sleep(TIMEOUT_S + 1)
    assert not dog.fired_at


@pytest.mark.parametrize("then", ["nothing", "restart", "stop"])
def test_lost_quorum(lab, then):
    """quorum = yes: a node that corosync called quorate and that has lost corosync is reset, as others count on it; neither a restart of
    its agent nor a stop takes that back."""
    node, dog = lab.standby, lab.dogs[lab.standby.name]
    lab.settings.timing = ARMED.replace("}", "quorum = yes }")
    try:
        lab.restore()  # writes it and starts the agents anew
        wait_until(lambda: said(node)["state"] == "armed", 15, "an armed watchdog")
        time.sleep(0.5)
        dog.forget()
        at = time.monotonic()
        node.corosync.end(signal.SIGKILL)
        wait_until(lambda: not quorate(node), 5, "the loss")
        if then == "restart":
            node.agent.end(signal.SIGUSR1)
            node.start_agent()
        elif then == "stop":
            node.agent.end(signal.SIGTERM, timeout_s=15)
        wait_fired(dog, at, TIMEOUT_S - STEP_S, TIMEOUT_S * 1.5 + STEP_S + 1)
        lab.restore()  # with that configuration; the next test changes it where all nodes are up
    finally:
        lab.settings.timing = ARMED
