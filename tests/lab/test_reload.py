# SPDX-License-Identifier: GPL-2.0-or-later
"""SIGHUP: the configuration is applied as a difference, or not at all, and nothing moves because of it."""
import os
import pathlib
import signal

import pytest
from ringlab import ringkeep
from ringlab.machine import wait_until
from ringlab.story import Story

SECOND = "10.77.0.101"


def hup(node):
    os.kill(node.agent.pid, signal.SIGHUP)


def alarms(node):
    return " ".join(a["text"] for a in ringkeep.status(node)["alarms"])


@pytest.mark.parametrize("right, changed, key", [
    ("failback = manual", "failback = sometimes", "failback"),       # faulty
    ("pulse-port = 5707", "pulse-port = 5708", "pulse-port")])       # needs a restart
def test_what_cannot_be_applied_changes_nothing_and_is_said(lab, right, changed, key):
    with Story(lab) as s:
        before = s.holder.conf.read_text()
        assert right in before
        s.holder.conf.write_text(before.replace(right, changed))
        hup(s.holder)
        wait_until(lambda: key in alarms(s.holder), 5, lambda: f"an alarm about {key}: {alarms(s.holder)}")
        s.holder.conf.write_text(before)
        hup(s.holder)
        wait_until(lambda: key not in alarms(s.holder), 5, "the alarm to go")
        s.stays(0.5)


def reads_signals(node):
    def target(fd):
        try:
            return os.readlink(fd)
        except FileNotFoundError:
            return ""
    return any("signalfd" in target(fd) for fd in pathlib.Path(f"/proc/{node.agent.pid}/fd").iterdir())


def test_a_signal_that_comes_while_it_starts_waits(lab):
    """It was the end of an agent that had opened half of what it needs."""
    with Story(lab) as s:
        for _ in range(5):
            s.standby.agent.end(signal.SIGUSR1)
            s.standby.start_agent()
            wait_until(lambda: s.standby.agent.blocks(signal.SIGHUP), 10, "the agent's first line", 0.0005)
            early = not reads_signals(s.standby)
            hup(s.standby)
            wait_until(lambda: ringkeep.joined(s.standby), 20, "the agent that was told to read its configuration while it started")
            if early:
                break
        assert early, "it does not wait for signals before it opens anything"


def test_address_added_and_removed_while_phones_are_served(lab):
    """The new address is on every node, answers at the holder only, and goes again; the first one never stops answering."""
    with Story(lab) as s:
        right = {node.name: node.conf.read_text() for node in lab.nodes}
        for node in lab.nodes:
            node.conf.write_text(right[node.name].replace('"10.77.0.100"', f'"10.77.0.100", "{SECOND}"'))
            hup(node)
        wait_until(lambda: all(SECOND in n.check("ip", "addr") for n in lab.pbx_nodes), 5, "the address on both nodes")
        lab.phones.check("ping", "-c", "3", "-i", "0.1", "-W", "1", SECOND)
        mac = lab.phones.check("ip", "neigh", "show", SECOND)
        assert s.holder.mac in mac, mac
        for node in lab.nodes:
            node.conf.write_text(right[node.name])
            hup(node)
        wait_until(lambda: not any(SECOND in n.check("ip", "addr") for n in lab.pbx_nodes), 5, "the address to go")
        assert lab.phones.run("ping", "-c", "1", "-W", "1", SECOND).returncode != 0
        s.stays(0.5)
