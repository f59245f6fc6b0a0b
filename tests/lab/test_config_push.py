# SPDX-License-Identifier: GPL-2.0-or-later
"""hactl config push: one file for all nodes, witness included; taken by all or by none, and nothing moves because of it."""
import os

import pytest
from ringlab import ringkeep
from ringlab.machine import wait_until
from ringlab.story import Story

OLD, NEW = "failback = manual", "failback = manual\n    failback-after = 4m"


def push(node, path, *more):
    return node.run(*ringkeep.hactl_command(node), "config", "push", path, *more, timeout=60)


def told(node, epoch):
    return any(r["type"] == "takeover" and r["epoch"] == epoch for r in ringkeep.hactl(node, "history")["records"])


@pytest.fixture()
def story(lab, tmp_path):
    """The witness's agent is not root: it needs a folder that it may write to, as its unit gives it one."""
    w1 = next(n for n in lab.nodes if n.name == "w1")
    os.chown(w1.conf.parent, *ringkeep.NOBODY)
    before = {n.name: n.conf.read_text() for n in lab.nodes}
    holder = lab.wait_settled()  # the test before may have had all agents started again: what that did is to be in the history first
    wait_until(lambda: all(told(n, ringkeep.group(holder)["epoch"]) for n in lab.pbx_nodes), 5, "the takeover to be in the history", 0.05)
    with Story(lab) as s:
        s.texts, s.path = before, tmp_path / "ringkeep.conf"
        yield s
    os.chown(w1.conf.parent, 0, 0)


def write(s, old=OLD, new=NEW):
    assert old in s.texts["n1"]
    s.path.write_text(s.texts["n1"].replace(old, new))


def equal(lab):
    return all(n.get("config_equal", True) for n in ringkeep.status(lab.n1)["nodes"])


def nothing_changed(s, lab):
    assert {n.name: n.conf.read_text() for n in lab.nodes} == s.texts
    wait_until(lambda: not any((n.conf.parent / "ringkeep.conf.pushed").exists() for n in lab.nodes), 5, "what was staged to be gone", 0.05)
    s.stays(0.3)


def test_all_take_it(lab, story):
    write(story)
    done = push(story.standby, story.path)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert done.stdout.splitlines()[0] == "in force on every node" and all(f"{n.name}  taken" in done.stdout for n in lab.nodes)
    for node in lab.nodes:
        assert node.conf.read_text() == story.path.read_text()
        assert (node.conf.parent / "ringkeep.conf.previous").read_text() == story.texts[node.name]
    wait_until(lambda: equal(lab), 5, "all nodes to have the same configuration")
    assert any(r["type"] == "config-push" for r in ringkeep.hactl(story.standby, "history")["records"])
    story.stays(0.5)
    again = push(story.holder, story.holder.conf)  # the same once more
    assert again.returncode == 0, again


def test_dry_run_says_what_would_be_and_changes_nothing(lab, story):
    write(story)
    done = push(story.holder, story.path, "--dry-run")
    assert done.returncode == 0 and done.stdout.startswith("every node would take it; nothing was changed"), done
    nothing_changed(story, lab)


@pytest.mark.parametrize("old, new, said", [
    (OLD, "failback = sometimes", "failback"),                             # faulty: hactl sees it
    ("pulse-port = 5707", "pulse-port = 5708", "without a restart"),       # good, and no node can take it now
    ('cluster = "lab"', 'cluster = "another"', "another cluster")])
def test_what_a_node_would_not_take_none_takes(lab, story, old, new, said):
    write(story, old, new)
    done = push(story.holder, story.path)
    assert done.returncode == 1 and said in done.stderr, done
    nothing_changed(story, lab)


def test_a_disk_that_cannot_be_written_stops_all(lab, story):
    write(story)
    w1 = next(n for n in lab.nodes if n.name == "w1")
    os.chown(w1.conf.parent, 0, 0)
    done = push(story.holder, story.path)
    assert done.returncode == 1 and "Nothing was changed on any node: w1: " in done.stderr and "Permission denied" in done.stderr, done
    nothing_changed(story, lab)


def test_a_node_that_is_down_stops_all_unless_it_is_left_out(lab, story):
    write(story)
    story.standby.agent.kill()
    done = push(story.holder, story.path)
    assert done.returncode == 1 and f"{story.standby.name}: it does not answer" in done.stderr, done
    nothing_changed(story, lab)
    assert push(story.holder, story.path, "--without", story.standby.name).returncode == 0
    story.standby.start_agent()
    wait_until(lambda: ringkeep.joined(story.standby), 20, "the agent that was left out")
    wait_until(lambda: not equal(lab), 5, "the drift to be shown")
    wait_until(lambda: push(story.holder, story.path).returncode == 0, 10, "it to be pushed again", 0.5)
    wait_until(lambda: equal(lab), 5, "all nodes to have the same configuration")


def test_what_needs_a_restart_can_be_installed(lab, story):
    write(story, "pulse-port = 5707", "pulse-port = 5709")
    done = push(story.holder, story.path, "--install")
    assert done.returncode == 0 and done.stdout.startswith("on the disk of every node"), done
    assert all("5709" in n.conf.read_text() for n in lab.nodes)
    story.stays(0.5)  # and in force is the old one, until each agent is started again


def test_witness_and_viewer_push_nothing(lab, story):
    write(story)
    w1 = next(n for n in lab.nodes if n.name == "w1")
    done = push(w1, story.path)
    assert done.returncode == 1 and "A witness pushes nothing" in done.stderr, done
    nothing_changed(story, lab)

