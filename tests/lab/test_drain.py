# SPDX-License-Identifier: GPL-2.0-or-later
"""Moves that wait for calls, and what registers after a move: real Kamailios count the calls, SIPp makes them."""
import os
import signal
import time

import pytest
from conftest import started
from ringlab import ringkeep
from ringlab.machine import wait_until
from ringlab.story import PHONES, Story, takeovers

CALLS = 5
HANDOVER_MS = 150
UNSEEN_S = 12


@pytest.fixture(scope="module")
def cluster_of_module():
    with started(unseen_calls=f"{UNSEEN_S}s") as lab:
        yield lab


def hold_calls(lab, holder, seconds, count=CALLS):
    """Calls that are up and counted; returns the function that waits for their end and tells how many went well."""
    held = lab.phones.call_in_background(count, talk_ms=int(seconds * 1000))
    wait_until(lambda: ringkeep.group(holder)["pbx"]["calls"] == count, 5,
               lambda: f"{count} calls at {holder.name}: {ringkeep.group(holder)['pbx']}")
    # The other nodes, and whoever asks there, hear of it with the next heartbeat.
    time.sleep(1.1)
    return held


def operation(node):
    return ringkeep.group(node)["operation"]


def registrations(node):
    return ringkeep.group(node)["registrations"]


def test_drain_waits_for_the_calls_that_are_up_and_nobody_has_to_register(lab):
    with Story(lab, moves=1, outage_ms=HANDOVER_MS) as s:
        held = hold_calls(lab, s.holder, 5)
        s.standby.hactl("switchover", "office", "--drain=60s")
        drain = wait_until(lambda: operation(s.standby)["draining"], 3, "the drain to begin")
        assert drain["calls"] == CALLS and 50000 < drain["left_ms"] <= 60000, drain
        assert f"draining: {CALLS} calls up" in s.holder.check(*ringkeep.hactl_command(s.holder), "status")
        assert lab.phones.call_all(1) == 1, "a new call must go on while others are waited for"
        assert ringkeep.group(s.holder)["holder"] == s.holder.name
        assert held() == CALLS
        s.mark()
        s.wait_moved()
    assert s.history[0]["cause"] == "operator"
    assert operation(s.holder)["state"] == operation(s.standby)["state"] == "done"
    assert registrations(s.standby) == {"per_s": 0.0, "peak_per_s": 0, "since_takeover": 0}, "a phone was made to register"
    assert registrations(s.holder) is None
    # What registers anyway is told: one phone, then all at once.
    assert lab.phones.register(1) == 1
    wait_until(lambda: registrations(s.standby)["since_takeover"] == 1, 3, lambda: f"one: {registrations(s.standby)}")
    assert lab.phones.register(PHONES) == PHONES
    storm = wait_until(lambda: registrations(s.standby)["since_takeover"] == PHONES + 1 and registrations(s.standby), 3,
                       lambda: f"a storm: {registrations(s.standby)}")
    assert storm["peak_per_s"] >= PHONES // 2 and storm["per_s"] > 1, storm
    assert f"{PHONES + 1} since the takeover" in s.standby.check(*ringkeep.hactl_command(s.standby), "status")


def test_drain_that_times_out_or_is_cancelled_moves_nothing(lab):
    with Story(lab, moves=0) as s:
        held = hold_calls(lab, s.holder, 9)
        with pytest.raises(ringkeep.Refused) as refused:
            s.holder.hactl("switchover", "office", "--drain=2s", "--wait")
        assert "calls were still up" in str(refused.value)
        wait_until(lambda: operation(s.standby)["state"] == "failed", 5, "the standby to know the end")
        with pytest.raises(ringkeep.Refused) as refused:
            s.standby.hactl("cancel", "office")
        assert "nothing to cancel" in str(refused.value)
        s.holder.hactl("switchover", "office", "--drain=1h")
        with pytest.raises(ringkeep.Refused) as refused:
            s.holder.hactl("switchover", "office")
        assert "hactl cancel" in str(refused.value)
        s.standby.hactl("cancel", "office", "--why", "second thoughts")
        for node in (s.holder, s.standby):
            wait_until(lambda: operation(node)["reason"] == "cancelled", 3, lambda: f"the end: {operation(node)}")
        assert held() == CALLS
        s.stays(3.5)
    done = [r for r in s.holder.hactl("history")["records"] if r["type"] == "operation"][-2:]
    assert [r["reason"] for r in done] == ["calls_up", "cancelled"], done


def test_calls_that_are_up_outlive_their_kamailio(lab):
    with Story(lab, moves=1, outage_ms=HANDOVER_MS) as s:
        held = hold_calls(lab, s.holder, 4)
        s.mark()
        s.holder.pbx.kill_all()
        s.wait_moved()
        assert held() == CALLS, "Record-Route is enough for a BYE"


def apply(lab, failback, group):
    """Another policy, by reload."""
    lab.settings.failback, lab.settings.group = failback, group
    for node in lab.nodes:
        node.conf.write_text(ringkeep.configuration(lab, lab.keys))
        os.kill(node.agent.pid, signal.SIGHUP)
    lab.wait_settled()


def decision(node):
    return node.hactl("why", "office")["decision"]


def test_failback_idle_waits_for_the_calls_and_says_so(lab):
    before = lab.settings.failback, lab.settings.group
    if lab.wait_settled() is lab.n1:
        lab.n1.hactl("switchover", "office", "--wait")
        wait_until(lambda: takeovers(lab.n2)[-1:] and takeovers(lab.n2)[-1]["epoch"] == ringkeep.group(lab.n2)["epoch"], 5, "its record")
    with Story(lab, moves=1, outage_ms=HANDOVER_MS) as s:
        assert s.holder is lab.n2
        held = hold_calls(lab, lab.n2, 6)
        try:
            apply(lab, "idle", before[1] + "\n    failback-after = 500ms")
            wait_until(lambda: "calls are up" in decision(lab.n2), 5, lambda: f"the reason to stay: {decision(lab.n2)}")
            assert held() == CALLS
            assert ringkeep.group(lab.n2)["holder"] == "n2"
            s.mark()
            s.wait_moved(UNSEEN_S + 10)
        finally:
            apply(lab, *before)
    left = [r for r in lab.n2.hactl("history")["records"] if r["type"] == "letgo"][-1]
    assert (left["node"], left["cause"], left["peer"]) == ("n2", "failback", "n1"), left


# The last one: the old holder's Kamailio takes its calls for up until it has asked in vain.
def test_calls_that_came_with_a_move_are_told_and_waited_for(lab):
    old = lab.wait_settled()
    new = next(n for n in lab.pbx_nodes if n is not old)
    wait_until(lambda: ringkeep.group(old)["unseen_calls"] is None, UNSEEN_S + 5, "calls of an earlier move to be given up")
    held = hold_calls(lab, old, 6)
    old.hactl("switchover", "office", "--wait")
    moved = time.monotonic()
    wait_until(lambda: operation(new)["state"] == "done", 5, lambda: f"the end of the first move: {operation(new)}")
    group = ringkeep.group(new)
    assert group["pbx"]["calls"] == 0, f"counted after all: {group['pbx']}"
    came = group["unseen_calls"]
    assert (came["calls"], came["from"]) == (CALLS, old.name) and 0 < came["left_ms"] <= UNSEEN_S * 1000, came
    assert f"{CALLS} came from {old.name}" in new.check(*ringkeep.hactl_command(new), "status")
    assert ringkeep.group(old)["unseen_calls"] is None
    with pytest.raises(ringkeep.Refused) as refused:
        new.hactl("switchover", "office", "--drain=2s", "--wait")
    assert "calls were still up" in str(refused.value)
    assert held() == CALLS
    assert ringkeep.group(new)["holder"] == new.name
    new.hactl("switchover", "office", "--drain=60s")
    wait_until(lambda: ringkeep.group(old)["holder"] == old.name, UNSEEN_S + 10, lambda: f"the move: {operation(new)}")
    assert time.monotonic() - moved >= UNSEEN_S - 1, "calls that nobody saw end were not waited for"
