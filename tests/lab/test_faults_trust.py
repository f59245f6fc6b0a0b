# SPDX-License-Identifier: GPL-2.0-or-later
"""Nothing changes because of a message that is not authentic, a clock on the wall, or a node that is configured differently (I12)."""
import re

import pytest
from ringlab import ringkeep
from ringlab.machine import wait_until
from ringlab.paths import LAB
from ringlab.story import Story

PULSES, HEARTBEATS = LAB / "intruder" / "pulses.py", LAB / "intruder" / "heartbeats.py"


def counters(node):
    """All counters of the node, flat: "pulse.bad_tag" -> number."""
    flat = {}

    def walk(name, value):
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(f"{name}.{key}" if name else key, inner)
        else:
            flat[name.replace("-", "_")] = value
    walk("", ringkeep.status(node)["counters"])
    return flat


def total(node, pattern):
    return sum(v for k, v in counters(node).items() if re.search(pattern, k))


def has_alarm(node, pattern):
    return any(re.search(pattern, str(alarm)) for alarm in ringkeep.status(node)["alarms"])


def seen(node, other):
    """What node says of the other."""
    return next(n for n in ringkeep.status(node)["nodes"] if n["name"] == other.name)


@pytest.mark.parametrize("how, counted", [("replay", "duplicate|replay|stale"), ("forge", "bad_tag|unknown|malformed|wrong_cluster"),
                                          ("garbage", "malformed|bad_tag")])
def test_pulses_of_an_intruder(lab, how, counted):
    with Story(lab) as s:
        before = {n.name: total(n, counted) for n in lab.nodes}
        path = lab.root / "pulses"
        caught = int(lab.hub.check("/usr/bin/python3", PULSES, "capture", path, 2))
        assert caught > 50
        s.stays(1)
        assert int(lab.hub.check("/usr/bin/python3", PULSES, how, path)) == caught
        s.stays(1)
        for node in lab.nodes:
            assert total(node, counted) > before[node.name], counters(node)


def test_pulses_replayed_after_a_restart_of_the_receiver(lab):
    """A new process has no replay window of the old one; what was recorded before is refused all the same."""
    with Story(lab) as s:
        path = lab.root / "pulses"
        lab.hub.check("/usr/bin/python3", PULSES, "capture", path, 2)
        s.standby.agent.end(10)  # SIGUSR1
        s.standby.start_agent()
        wait_until(lambda: ringkeep.status(s.standby), 5, "the agent")
        lab.hub.check("/usr/bin/python3", PULSES, "replay", path)
        s.stays(1)


def test_heartbeats_of_an_intruder(lab):
    with Story(lab) as s:
        sent = int(s.standby.check("/usr/bin/python3", HEARTBEATS, "ringkeep/lab", 3))
        assert sent > 4
        s.stays(2)
        assert total(s.holder, "heartbeat.*(replay|duplicate|stale|signature|bad|malformed)") > 0, counters(s.holder)
        assert seen(s.holder, s.standby)["state"] == "up"


def test_wrong_key_on_the_standby_is_an_alarm_and_no_takeover(lab):
    node = next(n for n in lab.pbx_nodes if n is not lab.wait_settled())
    state, conf = node.state, node.conf
    right = {p: p.read_bytes() for p in (state / "node.key", conf)}
    with Story(lab, calls=False) as s:
        node.agent.end()
        (state / "node.key").unlink()
        keys = {**lab.keys, node.name: ringkeep.make_key(node)}
        conf.write_text(ringkeep.configuration(lab, keys))
        node.start_agent()
        wait_until(lambda: has_alarm(s.holder, "authentic"), 10, lambda: f"an alarm: {ringkeep.status(s.holder)['alarms']}")
        s.stays(2)
        node.agent.end()
        for path, content in right.items():
            path.unlink(missing_ok=True)
            path.write_bytes(content)
            path.chmod(0o400 if path.name == "node.key" else 0o644)
        node.start_agent()
    lab.restore()


def test_key_readable_by_others_is_refused(lab):
    node = next(n for n in lab.pbx_nodes if n is not lab.wait_settled())
    key = node.state / "node.key"
    node.agent.end()
    key.chmod(0o444)
    done = node.run(*ringkeep.command(node), timeout=10)
    key.chmod(0o400)
    assert done.returncode != 0 and "node.key" in done.stderr
    assert "10.77.0.100" not in node.check("ip", "addr"), "nothing half done"


def test_configuration_that_differs_is_shown_and_moves_nothing(lab):
    node = next(n for n in lab.pbx_nodes if n is not lab.wait_settled())
    conf = node.conf
    right = conf.read_text()
    with Story(lab) as s:
        conf.write_text(right.replace("options-failures = 3", "options-failures = 4"))
        node.agent.end(10)
        node.start_agent()
        wait_until(lambda: seen(s.holder, node).get("config_equal") is False, 10, lambda: f"{seen(s.holder, node)}")

        def why():
            return next(c for c in ringkeep.group(s.holder)["candidates"] if c["node"] == node.name)
        wait_until(lambda: "config" in why()["reason"], 10, lambda: f"{why()}")  # its pulses may take longer than its words: unreachable
        assert not why()["eligible"], why()
        conf.write_text(right)
        node.agent.end(10)
        node.start_agent()
        lab.wait_settled()


@pytest.mark.parametrize("hours", [1, -1])
def test_wall_clock_stepped_on_the_holder_moves_nothing(lab, hours):
    with Story(lab) as s:
        s.holder.agent.end(10)
        s.holder.start_agent(wall_clock=True)
        wait_until(lambda: ringkeep.status(s.holder), 5, "the agent")
        s.stays(1)
        ringkeep.step_wall_clock(s.holder, 3600 * hours)
        s.stays(3)
        ringkeep.step_wall_clock(s.holder, 0)


def test_full_disk_is_a_warning_and_no_lost_lease(lab):
    """The holder's state directory is full: it goes on and says so."""
    with Story(lab) as s:
        node, disk = s.holder, "/run/disk"
        node.agent.end(10)
        node.check("sh", "-ec", f"mkdir {disk}; mount -t tmpfs -o size=64m t {disk}; cp -a {node.state}/. {disk}; mount --bind {disk} {node.state}")
        node.start_agent()
        wait_until(lambda: ringkeep.joined(node), 10, "the agent to have joined: before that it takes no command")
        node.run("dd", "if=/dev/zero", f"of={disk}/full", "bs=64k")
        node.hactl("standby", s.standby.name)  # something to write
        wait_until(lambda: has_alarm(node, "written"), 10, lambda: f"an alarm: {ringkeep.status(node)['alarms']}")
        s.stays(2)
        node.check("rm", f"{disk}/full")
        node.hactl("unstandby", s.standby.name)
        wait_until(lambda: not has_alarm(node, "(intent|history|epoch) in"), 10, lambda: f"the end: {ringkeep.status(node)['alarms']}")
        node.agent.end(10)
        node.check("sh", "-ec", f"umount {node.state}; cp -a {disk}/. {node.state}; umount {disk}; rmdir {disk}")
        node.start_agent()
        wait_until(lambda: ringkeep.status(node), 5, "the agent")
