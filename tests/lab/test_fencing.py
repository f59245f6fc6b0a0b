# SPDX-License-Identifier: GPL-2.0-or-later
"""Power fencing of a whole cluster: who is shot, when a takeover waits for the proof, and two nodes of which the survivor may speak only with one. The
power switch is the test itself: it sees every order and obeys as the machine would."""
import contextlib
import time

import pytest
from ringlab import Lab, ringkeep
from ringlab.fencestate import fence_history, fence_state, holds, proved
from ringlab.machine import wait_until
from ringlab.story import death_bound_ms
from ringlab.switch import Switch, settings


@contextlib.contextmanager
def fenced_cluster(witness=True, **kwargs):
    with Lab(witness=witness) as lab:
        switch = Switch(lab)
        try:
            lab.start_cluster(**settings(switch.dir, **kwargs))
            wait_until(lambda: all(proved(n) for n in lab.pbx_nodes), 30, "every device to have said on")
            yield lab, switch
        except BaseException:
            print(lab.describe())
            raise
        finally:
            switch.close()


def pair(lab):
    holder = lab.wait_settled()
    return holder, next(n for n in lab.pbx_nodes if n is not holder)


def test_a_frozen_holder_is_taken_over_by_the_lease_and_shot_behind_it():
    with fenced_cluster() as (lab, switch):
        holder, other = pair(lab)
        began = time.monotonic()
        holder.freeze()
        wait_until(lambda: holds(other), 10, "the takeover")
        assert (time.monotonic() - began) * 1000 < death_bound_ms(lab) + 1000
        wait_until(lambda: fence_state(other, holder) == "fenced", 20, "the proof")
        assert len(switch.shots(holder)) == 1 and not switch.shots(other)
        texts = fence_history(other)
        assert any("is proved off" in t for t in texts), texts
        holder.power_on()
        wait_until(lambda: fence_state(other, holder) == "clean", 30, "the shot node to be welcome")


def test_required_waits_for_the_proof():
    with fenced_cluster(policy="required") as (lab, switch):
        holder, other = pair(lab)
        switch.fault("refuses")
        holder.power_off()
        wait_until(lambda: fence_state(other, holder) == "failed", 20, "the shot to fail")
        time.sleep(2)
        assert not holds(other)
        candidate = next(c for c in ringkeep.group(other)["candidates"] if c["node"] == other.name)
        assert candidate["reason"] == "fence_wait", candidate
        with pytest.raises(ringkeep.Refused):
            other.hactl("fence", "confirm", other.name, "--reason", "I am here")
        other.hactl("fence", "confirm", holder.name, "--reason", "its plug is in my hand")
        wait_until(lambda: holds(other), 10, "the takeover")
        assert fence_state(other, holder) == "confirmed"


def test_a_living_node_cannot_be_confirmed_but_shot():
    with fenced_cluster() as (lab, switch):
        holder, other = pair(lab)
        with pytest.raises(ringkeep.Refused) as refused:
            holder.hactl("fence", "confirm", other.name, "--reason", "no")
        assert "alive" in str(refused.value)
        with pytest.raises(ringkeep.Refused):
            holder.hactl("fence", "nobody")
        holder.hactl("fence", other.name, "--reason", "a test")
        wait_until(lambda: fence_state(holder, other) == "fenced", 20, "the shot")
        assert holds(holder) and len(switch.shots(other)) == 1


def test_two_nodes_the_survivor_speaks_with_a_proof():
    with fenced_cluster(witness=False, two_node=True) as (lab, switch):
        holder, other = pair(lab)
        assert ringkeep.status(other)["safety"] == "fenced"
        with lab.probe() as probe:
            holder.freeze()
            wait_until(lambda: holds(other), 30, "the takeover by proof")
            assert fence_state(other, holder) == "fenced"
            assert len(switch.shots(holder)) == 1
            holder.power_on()
            wait_until(lambda: fence_state(other, holder) == "clean", 30, "the shot node to be back")
            time.sleep(3)
            assert holds(other)
        assert probe.record.holders_max() == 1


def test_two_nodes_cut_from_each_other_one_of_them_lives():
    with fenced_cluster(witness=False, two_node=True) as (lab, switch):
        holder, other = pair(lab)
        with lab.probe() as probe:
            for link in ("ring0", "ring1", "lan"):
                lab.hub.cut(other, link)
            wait_until(lambda: switch.shots(other) and fence_state(holder, other) == "fenced", 30, "the idle one to be shot")
            wait_until(lambda: holds(holder), 10, "the holder to speak again")
            time.sleep(6)  # the idle one's delay
            assert holder.up() and not switch.shots(holder)
        assert probe.record.holders_max() == 1


def test_two_nodes_the_target_comes_back_in_the_delay():
    with fenced_cluster(witness=False, two_node=True, delay="    fence-delay = 6s") as (lab, switch):
        holder, other = pair(lab)
        for link in ("ring0", "ring1", "lan"):
            lab.hub.cut(other, link)
        wait_until(lambda: fence_state(holder, other) == "delay", 20, "the delay to begin")
        lab.hub.heal()
        wait_until(lambda: fence_state(holder, other) == "clean" and fence_state(other, holder) == "clean", 30, "both to be clean")
        assert not switch.shots()
        lab.wait_settled()


def test_a_holder_that_could_not_be_shot_wakes_up_behind_a_shut_gate():
    with fenced_cluster() as (lab, switch):
        holder, other = pair(lab)
        switch.fault("refuses")
        with lab.probe() as probe:
            holder.freeze()
            wait_until(lambda: holds(other), 10, "the takeover")
            wait_until(lambda: fence_state(other, holder) == "failed", 20, "the shot to fail")
            holder.thaw()
            wait_until(lambda: fence_state(other, holder) == "clean", 30, "the woken node to be welcome")
            assert holds(other)
        assert probe.record.holders_max() == 1


def test_nodes_that_lose_each_other_and_not_the_witness_shoot_nobody_that_serves():
    with fenced_cluster() as (lab, switch):
        holder, other = pair(lab)
        with lab.probe() as probe:
            lab.hub.one_way(holder, other)
            lab.hub.one_way(other, holder)
            wait_until(lambda: switch.shots(other), 30, "the idle one to be shot")
            time.sleep(5)
            assert holder.up() and not switch.shots(holder) and holds(holder)
        assert probe.record.holders_max() == 1
