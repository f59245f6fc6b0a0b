# SPDX-License-Identifier: GPL-2.0-or-later
"""Three PBX nodes that shoot each other with real fence agents: fence_ipmilan and ipmitool against ipmi_sim, fence_apc_snmp against snmpd, fence_redfish
against the tests' own server. What the devices do, they do to the nodes. Each fault says what becomes of the operation; in each, the address is never
answered by two, and somebody survives."""
import contextlib
import os
import re
import signal
import time

import pytest
from ringlab import Lab, ringkeep
from ringlab.fencestate import alarm_texts, fence_history, fence_state, fence_target, holds, proved
from ringlab.machine import wait_until
from ringlab.powerroom import PowerRoom
from ringlab.story import death_bound_ms

BMC_FIRST = (("bmc",), ("pdu-a", "pdu-b"))
LOST_S = 3.63  # corosync's token, 1 s and 0.65 s for the third node, and its consensus, 1.2 times that
STALL_S = 4    # what a busy machine adds to them, to the core's steps and to status


class Cluster:
    def __init__(self, lab, room):
        self.lab, self.room = lab, room

    def use(self, *levels, but=(), **kwargs):
        """A settled cluster with these levels, whose devices have all said "on". Returns the holder and the others, by number."""
        self.lab.set(**self.room.settings(*levels, **kwargs))
        self.room.reset()
        self.lab.restore()
        wait_until(lambda: all(proved(n, but) for n in self.lab.pbx_nodes), 60, lambda: f"every device to have said on: {self.lab.describe()}", 0.2)
        holder = self.lab.wait_settled()
        return holder, [n for n in self.lab.pbx_nodes if n is not holder]

    @contextlib.contextmanager
    def watched(self):
        """Never two speakers, and somebody lives."""
        with self.lab.probe() as probe:
            yield probe
        assert probe.record.overlaps() == [] and probe.record.holders_max() <= 1, probe.record.overlaps()
        assert any(n.up() for n in self.lab.pbx_nodes)

    def proof_is_in_time(self, by, of, took_s, what):
        """From the fault on: what corosync and ringkeep need, and what the agents took, which is theirs."""
        texts = fence_history(by)
        start = max(i for i, text in enumerate(texts) if text.startswith(f"{of.name} is to be shot"))
        agents_s = sum(int(re.search(r" after (\d+) ms", text)[1]) for text in texts[start:] if text.startswith(f"{of.name}: level")) / 1000
        print(f"measured: {what}: fault to fenced {took_s:.2f} s, of which agents {agents_s:.2f} s")
        assert took_s - agents_s < LOST_S + STALL_S, (took_s, texts[start:])

    def becomes(self, by, of, state, timeout_s=20):
        began = time.monotonic()
        wait_until(lambda: fence_state(by, of) == state, timeout_s, lambda: f"{of.name} to be {state}: {fence_target(by, of)} {fence_history(by)[-12:]}", 0.05)
        return time.monotonic() - began


@pytest.fixture(scope="module")
def whole_cluster():
    with Lab(witness=False, pbx_nodes=3) as lab:
        room = PowerRoom(lab)
        try:
            lab.start_cluster(**room.settings(*BMC_FIRST))
            yield Cluster(lab, room)
        except BaseException:
            print(lab.describe())
            raise
        finally:
            room.close()


@pytest.fixture()
def cluster(whole_cluster):
    yield whole_cluster


@pytest.fixture()
def lab(whole_cluster):
    """For the report of a failure."""
    return whole_cluster.lab


@pytest.mark.parametrize("level", [("bmc",), ("redfish",), ("pdu-a", "pdu-b")], ids=["bmc", "redfish", "pdu"])
def test_a_frozen_holder_is_shot_by(cluster, lab, level):
    holder, others = cluster.use(level)
    with cluster.watched():
        began = time.monotonic()
        holder.freeze()
        wait_until(lambda: any(holds(n) for n in others), 10, "the takeover")
        assert (time.monotonic() - began) * 1000 < death_bound_ms(lab) + 1000 * STALL_S
        cluster.becomes(others[0], holder, "fenced", 60)
        took_s = time.monotonic() - began
    cluster.proof_is_in_time(others[0], holder, took_s, level)
    assert not holder.up() and all(n.up() for n in others)
    assert fence_state(others[1], holder) == "fenced"
    assert any("is proved off" in text for text in fence_history(others[0]))


def wrong_password(cluster, target):
    cluster.room.set_password("bmc", "not-the-password")


FIRST_LEVEL_FAULTS = {  # what is done to the BMC of the target
    "hangs": lambda c, n: c.room.bmcs[n.name].hang(),
    "refuses": wrong_password,
    "does nothing": lambda c, n: setattr(c.room.bmcs[n.name], "fault", "noop"),
    "dies with its node": lambda c, n: (n.power_off(), c.room.bmcs[n.name].die()),
}


@pytest.mark.parametrize("fault", FIRST_LEVEL_FAULTS)
def test_a_bmc_that(cluster, lab, fault):
    """... gives way to the PDU."""
    holder, others = cluster.use(*BMC_FIRST)
    with cluster.watched():
        began = time.monotonic()
        FIRST_LEVEL_FAULTS[fault](cluster, holder)
        if holder.up():
            holder.freeze()
        cluster.becomes(others[0], holder, "fenced", 60)
        took_s = time.monotonic() - began
    cluster.proof_is_in_time(others[0], holder, took_s, f"a BMC that {fault}")
    assert not holder.up() and all(n.up() for n in others)
    assert fence_target(others[0], holder)["level"] == 2
    assert not any("level 1, status" in text for text in fence_history(others[0])[-6:])


@pytest.mark.parametrize("fault, answer", [("http500", "failed"), (("slow", 60), "timeout")], ids=["fails", "never ends"])
def test_a_redfish_server_that(cluster, lab, fault, answer):
    """... gives way to the BMC; that the late answer of one that was cut off may still shoot does not matter to a node that is proved off."""
    holder, others = cluster.use(("redfish-6s",), ("bmc",))
    cluster.room.redfish.faults[holder.name] = fault
    with cluster.watched():
        began = time.monotonic()
        holder.freeze()
        cluster.becomes(others[0], holder, "fenced", 60)
        took_s = time.monotonic() - began
    cluster.proof_is_in_time(others[0], holder, took_s, f"a Redfish server with {fault}")
    assert any(t.startswith(f"{holder.name}: level 1, off redfish-6s-{holder.name}: {answer}") for t in fence_history(others[0]))
    assert fence_target(others[0], holder)["level"] == 2 and all(n.up() for n in others)


def test_who_loses_the_quorum_in_the_delay_shoots_nobody(cluster, lab):
    """Two of three are gone: the third is silent, shoots nobody, and goes on when one is back."""
    holder, (shooter, third) = cluster.use(("bmc",), node_more="    fence-delay = 5s")
    with cluster.watched():
        holder.freeze()
        cluster.becomes(shooter, holder, "delay")
        third.freeze()
        time.sleep(8)
        assert not any(cluster.room.shots(n) for n in lab.pbx_nodes) and not holds(shooter)
        third.thaw()
        wait_until(lambda: "fenced" in (fence_state(shooter, holder), fence_state(third, holder)), 40, lambda: f"the shot: {lab.describe()}")
        wait_until(lambda: holds(shooter) or holds(third), 20, "service")
    assert shooter.up() and third.up() and not holder.up()


def test_a_slow_bmc_is_waited_for_and_a_late_one_too(cluster, lab):
    """It needs 0.6 s for each answer, then carries the order out 2 s after it took it: the agent asks until it is off."""
    holder, others = cluster.use(*BMC_FIRST)
    cluster.room.bmcs[holder.name].fault = ("slow", 0.6)
    with cluster.watched():
        began = time.monotonic()
        holder.freeze()
        cluster.becomes(others[0], holder, "fenced", 60)
        print(f"measured: a BMC that is slow: fault to fenced {time.monotonic() - began:.2f} s")
        assert fence_target(others[0], holder)["level"] == 1
        cluster.room.reset()
        lab.restore()
        holder, others = lab.wait_settled(), [n for n in lab.pbx_nodes if n is not lab.wait_settled()]
        cluster.room.bmcs[holder.name].fault = ("delay", 2)
        began = time.monotonic()
        holder.freeze()
        cluster.becomes(others[0], holder, "fenced", 60)
        print(f"measured: a BMC that obeys 2 s late: fault to fenced {time.monotonic() - began:.2f} s")
        assert fence_target(others[0], holder)["level"] == 1
    assert not holder.up() and all(n.up() for n in others)


def test_a_bmc_that_lies_is_found_out_when_the_frozen_holder_wakes(cluster, lab):
    """The lease has moved long before, so the one that wakes finds its gate shut; it is heard: disputed, an alarm, and the PDU at once."""
    holder, others = cluster.use(*BMC_FIRST)
    cluster.room.bmcs[holder.name].fault = "lie-off"
    with cluster.watched():
        holder.freeze()
        cluster.becomes(others[0], holder, "fenced", 60)
        assert holder.up()
        woken = time.monotonic()
        holder.thaw()
        wait_until(lambda: not holder.up(), 20, lambda: f"the PDU's shot: {fence_history(others[0])[-8:]}")
        print(f"measured: a lie: waking to power off {time.monotonic() - woken:.2f} s")
        cluster.becomes(others[0], holder, "fenced", 60)
        assert fence_target(others[0], holder)["level"] == 2
    texts = fence_history(others[0])
    assert any("was declared off and has been heard since" in text for text in texts), texts
    assert all(n.up() for n in others)


def test_an_outlet_that_is_not_there_a_missing_agent_and_an_account_that_may_only_look(cluster, lab):
    """Four levels in one operation: "off" of an outlet that never was on is believed by nobody."""
    doubtful = ("no-outlet", "missing")
    holder, others = cluster.use(("no-outlet",), ("missing",), ("viewer",), ("redfish",), but=doubtful)
    wait_until(lambda: all(any(f"Fence device {d} does not say" in t for t in alarm_texts(others[0])) for d in doubtful), 30,
               lambda: f"alarms about both: {alarm_texts(others[0])}")
    with cluster.watched():
        began = time.monotonic()
        holder.freeze()
        cluster.becomes(others[0], holder, "fenced", 60)
        print(f"measured: three levels that prove nothing: fault to fenced {time.monotonic() - began:.2f} s")
    assert fence_target(others[0], holder)["level"] == 4
    texts = [t.split(" after ")[0] for t in fence_history(others[0]) if t.startswith(f"{holder.name}: level")]
    assert texts[-6:] == [f"{holder.name}: level {step}" for step in (
        "1, off no-outlet: ok", "1, status no-outlet: off", "2, off missing: broken", f"3, off viewer-{holder.name}: failed",
        f"4, off redfish-{holder.name}: ok", f"4, status redfish-{holder.name}: off")], texts
    assert not holder.up() and all(n.up() for n in others)


def test_one_of_two_supplies_left_on_is_no_proof_while_the_node_is_heard(cluster, lab):
    """A level that forgets the second supply: the outlet is off, the node goes on, and is heard for longer than corosync needs."""
    holder, others = cluster.use(("pdu-a",), ("redfish",))
    target, other = others
    with cluster.watched():
        began = time.monotonic()
        holder.hactl("fence", target.name, "--reason", "a test")
        cluster.becomes(holder, target, "verifying")
        assert target.up()
        cluster.becomes(holder, target, "fenced", 60)
        print(f"measured: one supply left on: order to fenced {time.monotonic() - began:.2f} s")
    assert fence_target(holder, target)["level"] == 2
    assert not target.up() and holds(holder) and other.up()


def test_crossed_cables_take_a_third_node(cluster, lab):
    """The PDU says off of a frozen standby, and the other standby is dead. When the frozen one wakes, the lie is told; the holder, which had a majority with
    neither, is silent meanwhile and speaks again."""
    holder, (shooter_or_third, target) = cluster.use(("pdu-a", "pdu-b"), ("bmc",))
    third = shooter_or_third
    if third.id < holder.id:  # the lowest one shoots: let it be the holder
        holder.hactl("switchover", "office", "--to", third.name, "--wait")
        holder, third = third, holder
    for feed in (0, 1):
        cluster.room.pdu.swap(2 * target.id - 1 + feed, 2 * third.id - 1 + feed)
    with cluster.watched():
        target.freeze()
        wait_until(lambda: not third.up(), 20, "the wrong node to be shot")
        cluster.becomes(holder, target, "fenced", 60)
        target.thaw()
        wait_until(lambda: any("was declared off and has been heard since" in t for t in fence_history(holder)), 20, lambda: str(fence_history(holder)))
        assert holder.up()
    assert not cluster.room.shots(holder)


def test_crossed_cables_take_the_shooter(cluster, lab):
    """It is gone in the middle of its own shot. One of three is left and hears nobody: it shoots nobody and says nothing, until the frozen one wakes."""
    holder, others = cluster.use(("pdu-a", "pdu-b"))
    shooter, last, target = lab.pbx_nodes
    for feed in (0, 1):
        cluster.room.pdu.swap(2 * target.id - 1 + feed, 2 * shooter.id - 1 + feed)
    with cluster.watched():
        target.freeze()
        wait_until(lambda: not shooter.up(), 20, "the shooter to shoot itself")
        cluster.becomes(last, target, "unknown", 30)
        time.sleep(3)
        assert last.up() and target.up()
        cluster.room.pdu.cables.update(cluster.room._cables)  # somebody puts them right
        target.thaw()
        wait_until(lambda: fence_state(last, shooter) == "fenced" or fence_state(target, shooter) == "fenced", 90,
                   lambda: f"the survivors to be done: {lab.describe()}")
        wait_until(lambda: holds(last) or holds(target), 90, lambda: f"service: {lab.describe()}")


def test_a_target_that_is_back_within_the_delay_is_spared(cluster, lab):
    holder, others = cluster.use(("redfish",), node_more="    fence-delay = 5s")
    with cluster.watched():
        holder.freeze()
        cluster.becomes(others[0], holder, "delay")
        holder.thaw()
        cluster.becomes(others[0], holder, "clean")
        time.sleep(4)
    assert not any(cluster.room.shots(n) for n in lab.pbx_nodes)
    assert all(n.up() for n in lab.pbx_nodes)


@pytest.mark.parametrize("how", ["agent killed", "power lost"])
def test_the_shooter_dies_in_the_middle_of_its_shot(cluster, lab, how):
    """The order is in the BMC, which obeys 3 s later. Its end is nobody's any more: unknown, at once, and then done again by another."""
    cluster.use(*BMC_FIRST)
    shooter, other, target = lab.pbx_nodes
    cluster.room.bmcs[target.name].fault = ("delay", 3)
    with cluster.watched():
        target.freeze()
        wait_until(lambda: any(words.startswith("set power 0") for _, words in cluster.room.bmcs[target.name].log[-3:]), 20, "the order to be taken")
        began = time.monotonic()
        if how == "agent killed":
            shooter.agent.kill()
        else:
            shooter.power_off()
        if how == "agent killed":
            shooter.start_agent()
        else:
            cluster.becomes(other, target, "unknown")
            print(f"measured: shooter's death ({how}) to unknown {time.monotonic() - began:.2f} s")
            wait_until(lambda: not target.up(), 10, "the late shot")
            assert other.up() and not holds(other)
            began = time.monotonic()
            shooter.power_on()
        cluster.becomes(other, target, "fenced", 60)
        print(f"measured: shooter is back ({how}) to fenced {time.monotonic() - began:.2f} s")
        wait_until(lambda: holds(other) or holds(shooter), 20, "service")
    assert not target.up() and shooter.up() and other.up()


def test_a_holder_that_no_device_could_shoot_wakes_behind_a_shut_gate_and_is_not_to_be_confirmed(cluster, lab):
    holder, others = cluster.use(*BMC_FIRST)
    for name in ("bmc", "pdu"):
        cluster.room.set_password(name, "not-the-password")
    with pytest.raises(ringkeep.Refused) as refused:
        holder.hactl("fence", "confirm", others[0].name, "--reason", "no")
    assert "alive" in str(refused.value)
    with cluster.watched():
        began = time.monotonic()
        holder.freeze()
        cluster.becomes(others[0], holder, "failed", 40)
        print(f"measured: two levels with wrong passwords: fault to failed {time.monotonic() - began:.2f} s")
        assert any(holds(n) for n in others)
        assert any("could not be proved off" in text for text in alarm_texts(others[0]))
        holder.thaw()
        cluster.becomes(others[0], holder, "clean", 30)
        time.sleep(1)
        assert not holds(holder)
        with pytest.raises(ringkeep.Refused) as refused:
            others[0].hactl("fence", "confirm", holder.name, "--reason", "no")
        assert "alive" in str(refused.value)
    assert all(n.up() for n in lab.pbx_nodes)


def test_agents_that_start_again_believe_their_devices_as_before(cluster, lab):
    """All at once, while the holder is dead, whom no new agent could have asked a device about: what was said of it is in the run directory."""
    target, (first, second) = cluster.use(("bmc",), policy="required")
    with cluster.watched():
        began = time.monotonic()
        for node in (first, second):
            node.agent.kill()
        target.power_off()
        for node in (first, second):
            node.start_agent()
        cluster.becomes(first, target, "fenced", 60)
        wait_until(lambda: holds(first) or holds(second), 10, "service")
        print(f"measured: agents that start while the holder is dead: fault to service {time.monotonic() - began:.2f} s")


def test_what_a_device_said_is_void_when_it_is_configured_otherwise(cluster, lab):
    """The same, and the new agents have another address of the BMC: nothing that the old one said counts for it."""
    target, (first, second) = cluster.use(("bmc",), policy="required")
    with cluster.watched():
        for node in (first, second):
            node.agent.kill()
            node.conf.write_text(node.conf.read_text().replace('"cipher=3"', '"cipher=3", "retry_on=1"'))
        target.power_off()
        for node in (first, second):
            node.start_agent()
        cluster.becomes(first, target, "failed", 40)
        assert any(t.startswith(f"{target.name}: level 1, status bmc-{target.name}: off") for t in fence_history(first))
        assert not holds(first) and not holds(second)


def test_a_reload_with_other_devices_leaves_the_shot_alone(cluster, lab):
    """While it waits and while it shoots: what fences whom needs a restart, which is said, and the operation ends as it began."""
    holder, others = cluster.use(("bmc",), ("redfish",), node_more="    fence-delay = 3s")
    shooter = others[0]
    cluster.room.bmcs[holder.name].fault = ("delay", 3)
    right = shooter.conf.read_text()

    def reload(old, new):
        assert old in right
        shooter.conf.write_text(right.replace(old, new))
        os.kill(shooter.agent.pid, signal.SIGHUP)
        wait_until(lambda: any("cannot be changed without a restart" in t for t in alarm_texts(shooter)), 5, lambda: f"a refusal: {alarm_texts(shooter)}")
        shooter.conf.write_text(right)
        os.kill(shooter.agent.pid, signal.SIGHUP)
        wait_until(lambda: not any("cannot be changed without a restart" in t for t in alarm_texts(shooter)), 5, "the refusal to go")
    with cluster.watched():
        holder.freeze()
        cluster.becomes(shooter, holder, "delay")
        reload(f"    fence-level 2 {{ devices = {{ redfish-{holder.name} }} }}", "")
        cluster.becomes(shooter, holder, "shooting")
        reload('"cipher=3"', '"cipher=17"')
        reload("fence-delay = 3s", "fence-delay = 9s")
        cluster.becomes(shooter, holder, "fenced", 60)
    assert len(cluster.room.shots(holder)) == 1 and fence_target(shooter, holder)["shooter"] == shooter.name
