# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults of the agent: an agent that is dead or hung is silent within the lease (I10), and restarting it moves nothing."""
import json
import signal

import pytest
from ringlab import ringkeep
from ringlab.machine import wait_until
from ringlab.probe import now_ns
from ringlab.story import MACHINE_MS, PHONES, Story, death_bound_ms, history, lease_ms, takeovers


def wait_agent(node):
    wait_until(lambda: ringkeep.status(node), 10, f"the agent of {node.name}")


def test_killed_and_not_restarted(lab):
    """The kernel shuts the gate by itself; the other takes over."""
    with Story(lab, moves=1, outage_ms=death_bound_ms(lab)) as s:
        s.mark()
        s.holder.agent.kill()
        s.wait_moved()
    assert s.record.last_frame_ns(s.holder.name) - s.fault_ns <= lease_ms(lab) * 1e6
    assert s.history[0]["cause"] == "lease_expired"


def test_killed_and_restarted_by_a_supervisor(lab):
    """The next agent adopts the open gate: nothing moves and no probe is lost."""
    with Story(lab) as s:
        s.holder.agent.end(signal.SIGUSR1)
        s.holder.start_agent(supervised=True, restart_ms=100)
        wait_agent(s.holder)
        s.stays(1)
        old = s.holder.agent.pid
        s.holder.agent.kill()
        wait_until(lambda: s.holder.agent.pid != old and ringkeep.status(s.holder), 5, "the restarted agent")
        s.stays(1)
    s.holder.agent.unsupervise()


def gone_in_a_takeover(lab, end):
    """A node that got the group a moment ago is ended by `end`, and another holds it. Returns that node and the epoch that it had, or None: it had
    finished before."""
    holder = lab.wait_settled()
    heir = next(n for n in lab.pbx_nodes if n is not holder)
    holder.hactl("switchover", "office", "--to", heir.name)
    took = wait_until(lambda: ringkeep.group(heir)["state"] in ("taking-over", "holding") and ringkeep.group(heir), 10, f"{heir.name} to take over", 0.001)
    end(heir)
    wait_until(lambda: ringkeep.group(holder)["state"] == "holding", 10, f"{holder.name} to take over again")
    own = [r for r in history(holder) if r["node"] == heir.name and r.get("epoch") == took["epoch"]]
    assert [r["type"] for r in own if r["type"].startswith("takeover")] and own[0]["cause"] in ("operator", "release"), own
    return (heir, took["epoch"]) if own[0]["type"] == "takeover-begun" else None


@pytest.mark.parametrize("end", ["kill -9", "power"])
def test_gone_in_the_middle_of_a_takeover(lab, end):
    """The others know of it and why, before who took over is back; then all say that it was interrupted (I8)."""
    for _ in range(5):
        gone = gone_in_a_takeover(lab, lambda node: node.power_off() if end == "power" else node.agent.kill())
        lab.start_what_is_down()
        lab.wait_settled()
        if gone:
            break
    assert gone, "five takeovers were finished before the test could end them"
    heir, epoch = gone
    for node in lab.pbx_nodes:
        record = wait_until(lambda: [r for r in history(node) if r["node"] == heir.name and r.get("epoch") == epoch and r.get("interrupted")], 10, "the record")
        assert [r["type"] for r in record] == ["takeover-begun"]
        text = node.run(*ringkeep.hactl_command(node), "history").stdout
        assert "begins to take over: " in text and "interrupted: its agent ended before it was done" in text, text


def test_a_takeover_that_only_others_saw(lab):
    """A holder whose record never left it, and is on no disk: the next one tells that it was seen, until the record is there."""
    holder = lab.wait_settled()
    lost = next(n for n in lab.pbx_nodes if n is not holder)
    wait_until(lambda: {r["epoch"] for r in takeovers(holder)} == {r["epoch"] for r in takeovers(lost)}, 10, "the history of the start")
    known, before = {r["epoch"] for r in takeovers(holder)}, (lost.state / "history").read_bytes()
    holder.corosync.stop()  # nothing but pulses comes from the other
    holder.agent.kill()
    wait_until(lambda: ringkeep.group(lost)["holder"] == lost.name and ringkeep.group(lost)["state"] == "holding", 15, f"{lost.name} to take over")
    holder.start_agent()
    wait_until(lambda: ringkeep.status(holder) and ringkeep.group(holder)["holder"] == lost.name, 10, "its pulses")
    lost.power_off()
    record = (lost.state / "history").read_bytes()
    (lost.state / "history").write_bytes(before)
    holder.corosync.cont()
    seen = wait_until(lambda: [r for r in history(holder) if r["type"] == "takeover-seen"], 30, lambda: f"the record: {history(holder)[-5:]}")
    assert lab.phones.call_all(PHONES) == PHONES, "its new agent was told nothing of the phones: its PBX must keep what it has"
    assert [r["about"] for r in seen] == [lost.name] and ringkeep.group(holder)["holder"] == holder.name
    (lost.state / "history").write_bytes(record)
    lab.start_what_is_down()
    wait_until(lambda: not [r for r in history(holder) if r["type"] == "takeover-seen"], 30, "its own record")
    assert [r for r in takeovers(holder) if r["node"] == lost.name and r["epoch"] not in known]
    numbers = [r["number"] for r in map(json.loads, record.decode().splitlines()) if r["node"] == lost.name]
    later = wait_until(lambda: [r["number"] for r in history(holder) if r["node"] == lost.name and r["number"] > max(numbers)], 10, "its next records")
    assert min(later) > max(numbers) + 1, "numbers that it may have used before its power went must not be used again"
    lab.wait_settled()


def test_restart_for_an_upgrade_moves_nothing(lab):
    """SIGUSR1 leaves gate, addresses and lease for the next agent, on the holder and on the standby."""
    with Story(lab) as s:
        for node in (s.holder, s.standby, lab.w1):
            node.agent.end(signal.SIGUSR1)
            node.start_agent()
            wait_agent(node)
            s.stays(0.5)


def test_sigterm_hands_over(lab):
    with Story(lab, moves=1, outage_ms=MACHINE_MS) as s:
        s.holder.agent.end(signal.SIGTERM)
        s.wait_moved()
        assert "10.77.0.100" not in s.holder.check("ip", "addr", "show", "dev", "eth0"), "addresses must be gone"
        for direction in ("ingress", "egress"):
            assert "bpf" not in s.holder.check("tc", "filter", "show", "dev", "eth0", direction), "the gate must be gone"


def test_stopped_for_half_a_lease(lab):
    """SIGSTOP for 0.5 x lease: the lease runs on."""
    with Story(lab) as s:
        s.holder.agent.stop()
        s.stays(lease_ms(lab) * 0.5 / 1000)
        s.holder.agent.cont()
        s.stays(1)


@pytest.mark.parametrize("times", [2, 10])
def test_stopped_for_longer_than_the_lease(lab, times):
    """The gate shuts by itself, the other takes over, and the awakened agent stays silent."""
    with Story(lab, moves=1, outage_ms=death_bound_ms(lab)) as s:
        s.mark()
        s.holder.agent.stop()
        stopped = now_ns()
        s.stays(lease_ms(lab) * times / 1000)
        s.holder.agent.cont()
        s.wait_moved()
        s.stays(1)
    assert s.record.last_frame_ns(s.holder.name) - stopped <= lease_ms(lab) * 1e6


def test_frozen_machine_thaws_after_ten_leases(lab):
    """All user space of the holder stands still and wakes up in a world that has gone on."""
    with Story(lab, moves=1, outage_ms=death_bound_ms(lab)) as s:
        s.mark()
        s.holder.freeze()
        s.wait_moved()
        s.stays(lease_ms(lab) * 10 / 1000 - 1)
        s.holder.thaw()
        s.stays(2)
