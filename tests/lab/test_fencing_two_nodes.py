# SPDX-License-Identifier: GPL-2.0-or-later
"""Two nodes with nothing but their power switches between them (two-node = fenced), with fence_ipmilan, ipmitool and ipmi_sim: who lives, how long the address
is silent, and what a BMC that lies can and cannot do."""
import contextlib
import time

import pytest
from ringlab import Lab
from ringlab.fencestate import fence_history, fence_state, holds, proved
from ringlab.machine import wait_until
from ringlab.powerroom import PowerRoom
from ringlab.probe import now_ns

LOST_S = 2.2   # corosync's token and consensus in this lab
CUT_S = 1      # what a BMC needs from the order to the dark machine
STALL_S = 5    # what a busy machine adds to starts of Python, to corosync and to status
OFF_S = 8      # an agent's "off" of such a BMC, and its status after it, on a busy machine


@pytest.fixture(scope="module")
def whole_cluster():
    with Lab(witness=False) as lab:
        room = PowerRoom(lab)
        try:
            lab.start_cluster(**room.settings(("bmc",), more="two-node = fenced"))
            yield lab, room
        except BaseException:
            print(lab.describe())
            raise
        finally:
            room.close()


@pytest.fixture()
def cluster(whole_cluster):
    lab, room = whole_cluster
    room.reset()
    holder = lab.restore()
    for node in lab.pbx_nodes:
        room.bmcs[node.name].fault = ("delay", CUT_S)
        wait_until(lambda node=node: proved(node), 30, lambda: f"every device to have said on: {lab.describe()}", 0.1)
    yield lab, room, holder, next(n for n in lab.pbx_nodes if n is not holder)


@pytest.fixture()
def lab(cluster):
    """For the report of a failure."""
    return cluster[0]


@contextlib.contextmanager
def one_speaker(lab, what, survivor, bound_s):
    """Never two, and the survivor answers within the bound."""
    with lab.probe() as probe:
        fault_ns = now_ns()
        yield probe
        wait_until(lambda: holds(survivor), bound_s + 10, lambda: f"service at {survivor.name}: {lab.describe()}")
        probe.wait_answer_from(survivor)
        time.sleep(1.1)  # for the outage to end in the record
    assert probe.record.overlaps() == [] and probe.record.holders_max() == 1, probe.record.overlaps()
    silent_s = probe.record.outage_ms("udp4", fault_ns) / 1000
    print(f"measured: {what}: silent for {silent_s:.2f} s")
    assert silent_s < bound_s, silent_s


def test_cut_from_each_other_both_shoot_and_the_holder_lives(cluster):
    """The idle one waits for longer than a shot takes, its BMC's cut included."""
    lab, room, holder, other = cluster
    with one_speaker(lab, "cut from each other", holder, LOST_S + OFF_S + STALL_S):
        lab.hub.partition([holder], [other])
        wait_until(lambda: not other.up(), 30, "the idle one to be shot")
        wait_until(lambda: fence_state(holder, other) == "fenced", 20, "the proof")
    assert holder.up() and not room.shots(holder)


def test_the_holder_dies_and_the_idle_one_speaks_after_its_delay(cluster):
    """The delay: twice the longest shot that was seen, and 2 s."""
    lab, room, holder, other = cluster
    with one_speaker(lab, "the holder is dead", other, LOST_S + 2 * OFF_S + 2 + OFF_S + STALL_S):
        holder.power_off()
        wait_until(lambda: fence_state(other, holder) == "delay", 10, "the delay to begin", 0.02)
        began = time.monotonic()
        wait_until(lambda: fence_state(other, holder) == "fenced", 40, "the proof", 0.02)
        print(f"measured: delay, shot and status {time.monotonic() - began:.2f} s")
        assert time.monotonic() - began >= 2.9


def test_a_frozen_holder_whose_bmc_lies_wakes_beside_a_survivor_with_a_false_proof(cluster):
    """Its gate shut with its lease, and without the survivor's vote it has none: silent, found out, and no second speaker."""
    lab, room, holder, other = cluster
    room.bmcs[holder.name].fault = "lie-off"
    with one_speaker(lab, "a frozen holder whose BMC lies", other, LOST_S + 2 * OFF_S + 2 + OFF_S + STALL_S):
        holder.freeze()
        wait_until(lambda: holds(other), 40, lambda: f"the takeover with a false proof: {lab.describe()}")
        assert holder.up() and fence_state(other, holder) == "fenced"
        time.sleep(1)
        holder.thaw()
        wait_until(lambda: any("was declared off and has been heard since" in t for t in fence_history(other)), 20, lambda: f"the alarm: {lab.describe()}")
        time.sleep(3)
        assert holds(other) and not holds(holder)
    holder.power_off()  # which is all that ends a dispute


def test_the_agent_of_the_idle_one_is_upgraded_just_before_the_holder_dies(cluster):
    """What its BMC said of the holder is believed by the new agent, too, and the delay is as long as before."""
    lab, room, holder, other = cluster
    with one_speaker(lab, "dead while the agent of the other is upgraded", other, LOST_S + 10 + 2 * OFF_S + 2 + OFF_S + STALL_S):
        other.agent.kill()
        holder.power_off()
        other.start_agent()
        wait_until(lambda: fence_state(other, holder) == "fenced", 50, lambda: f"the proof: {lab.describe()}", 0.02)
