# SPDX-License-Identifier: GPL-2.0-or-later
"""A rolling upgrade: a node of a later minor version works with the others, one of another major is refused, and everybody is told."""
import contextlib
import pathlib
import subprocess

from ringlab import ringkeep
from ringlab.machine import wait_until
from ringlab.story import Story, death_bound_ms


def node_seen(by, node):
    return next((n for n in (ringkeep.status(by) or {"nodes": []})["nodes"] if n["name"] == node.name), {})


@contextlib.contextmanager
def of_version(node, daemon):
    """The node's agent is replaced by another build, and back at the end."""
    def replace(name):
        agent = node.procs.pop("agent", None)
        if agent:
            agent.end()
        node.daemon = name
        if node.up():
            node.start_agent()
    replace(daemon)
    try:
        yield
    finally:
        replace("ringkeepd")


def test_a_later_minor_takes_over_and_hands_back(lab):
    with Story(lab, moves=2, outage_ms=death_bound_ms(lab)) as s:
        old, new = s.holder, s.standby
        with of_version(new, "ringkeepd-later-minor"), of_version(lab.w1, "ringkeepd-later-minor"):
            for node in (new, lab.w1):
                wait_until(lambda: node_seen(old, node).get("wire") == "1.1" and node_seen(old, node)["state"] == "up", 20,
                           lambda: f"{node.name} as a node of 1.1: {node_seen(old, node)}")
            wait_until(lambda: node_seen(new, new).get("wire") == "1.1" and node_seen(new, old).get("wire") == "1.0", 20, "the newer one's view")
            assert node_seen(old, new)["release"] == node_seen(old, old)["release"]
            lab.wait_settled()
            lab.wait_replicated(20)
            s.mark()
            old.power_off()
            s.wait_moved()
            old.power_on()
            wait_until(lambda: ringkeep.joined(old) and ringkeep.bindings(old) == 20, 30, "the older one with a snapshot of the newer")
            wait_until(lambda: any(c["node"] == old.name and c["eligible"] for c in ringkeep.group(new)["candidates"]), 30, "a candidate")
            lab.wait_settled()  # it has lost its memory and is mute for a while
            new.hactl("switchover", "office", "--to", old.name, "--wait")
            s.expected = old
            s.probe.wait_answer_from(old, 15)
            s.stays(1)


def refusal(by, node):
    """The alarm at one node about another."""
    return [a["text"] for a in (ringkeep.status(by) or {"alarms": []})["alarms"] if a["key"] == f"pulse/version/{node.name}"]


def test_another_major_is_refused_and_moves_nothing(lab):
    with Story(lab) as s:
        for node in (s.standby, lab.w1):  # never both: a majority of one version stays
            with of_version(node, "ringkeepd-later-major"):
                wait_until(lambda: refusal(s.holder, node), 20, lambda: f"an alarm: {(ringkeep.status(s.holder) or {}).get('alarms')}")
                told = refusal(s.holder, node)[0]
                assert f"of {node.name} are of version 2" in told and "this node speaks version 1" in told, told
                assert node_seen(s.holder, node)["wire_refused"] == 2
                wait_until(lambda: node_seen(s.holder, node)["state"] == "unreachable", 20, "a node that is not heard")
                wait_until(lambda: refusal(node, s.holder), 20, "the same on the other side")
                assert "version 1, and this node speaks version 2" in refusal(node, s.holder)[0]
                assert node_seen(node, s.holder)["wire_refused"] == 1
                socket = f"/proc/{s.holder.pid}/root/run/ringkeep/control.sock"
                check = subprocess.run([pathlib.Path(lab.root) / "bin" / "hactl", "-s", socket, "check"], capture_output=True, text=True, timeout=30)
                assert check.returncode == 1 and f"node {node.name} speaks another version" in check.stdout, check.stdout
                s.stays(2)  # more than a lease: it must have gone on without that vote
            wait_until(lambda: node_seen(s.holder, node)["state"] == "up", 30, "the node of this version again")
        lab.wait_settled()
        lab.wait_replicated(20)
