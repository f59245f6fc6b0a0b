# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults of the agent: an agent that is dead or hung is silent within the lease (I10), and restarting it moves nothing."""
import signal

import pytest
from ringlab import ringkeep
from ringlab.machine import wait_until
from ringlab.probe import now_ns
from ringlab.story import MACHINE_MS, Story, death_bound_ms, lease_ms


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
