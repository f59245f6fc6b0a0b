# SPDX-License-Identifier: GPL-2.0-or-later
"""Heartbeats over a real corosync: membership, order, snapshots, and a corosync that dies, hangs and comes back, seen by programs that go on running."""
import pathlib
import re
import signal
import subprocess
import time

import pytest
from ringlab import corosync
from ringlab.machine import wait_until
from ringlab.paths import program, tool


class Talker:
    """tests/heartbeat/talker.c on a node. Lines are kept from the start; `since` is where a question begins."""

    def __init__(self, node, *networks):
        self.node = node
        self.path = node.dir / "log" / f"talker-{time.monotonic_ns()}.out"
        command = [tool("machine"), "run", str(node.pid), "--", program("tests/heartbeat", "talker"), str(node.id), "3",
                   *(networks or ("10.77.1", "10.77.2"))]
        with open(self.path, "ab") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=out, text=True, start_new_session=True)

    def lines(self):
        return self.path.read_text(errors="replace").splitlines()

    def say(self, text):
        mark = len(self.lines())
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        return mark

    def wait(self, pattern, since=0, timeout_s=15):
        """The index behind the first line that matches."""
        def found():
            for i, line in enumerate(self.lines()[since:], since):
                if re.fullmatch(pattern, line):
                    return i + 1
            return None
        return wait_until(found, timeout_s, lambda: f"{self.node.name} to say {pattern!r} after line {since}:\n" + "\n".join(self.lines()[-40:]))

    def seen(self, pattern, since=0):
        return [line for line in self.lines()[since:] if re.fullmatch(pattern, line)]

    def mark(self):
        return len(self.lines())

    def end(self, number=signal.SIGKILL):
        if self.process.poll() is None and number == signal.SIGTERM:
            self.say("quit")
        else:
            self.process.kill()
        self.process.wait(5)
        self.process.stdin.close()


@pytest.fixture()
def lab(bare_lab):
    corosync.configure(bare_lab)
    yield bare_lab
    bare_lab.hub.heal()
    for node in bare_lab.pbx_nodes:
        for name in [n for n in node.procs if n == "corosync"]:
            node.procs.pop(name).end(signal.SIGKILL)


@pytest.fixture()
def start():
    """Starts talkers and ends them all."""
    talkers = []

    def begin(node, *networks):
        talkers.append(Talker(node, *networks))
        return talkers[-1]
    yield begin
    for talker in talkers:
        talker.end()


def together(lab, start):
    for node in lab.pbx_nodes:
        corosync.start(node)
    one = start(lab.n1)
    one.wait("joining 0")
    two = start(lab.n2)
    two.wait("joining 0")
    one.wait("members 1 2")
    one.wait("state 2 talker")
    two.wait("state 1 talker")
    return one, two


def test_join_order_and_snapshot(lab, start):
    for node in lab.pbx_nodes:
        corosync.start(node)
    one = start(lab.n1)
    one.wait("connection 1")
    one.wait("quorum 1")
    one.wait("joining 0")  # nobody else to ask
    one.say("bindings alice")
    one.wait("bindings 1 alice")  # its own place in the order
    one.say("intent 77")
    two = start(lab.n2)
    two.wait("joining 0")
    assert one.seen("answering") and two.seen("intent 1 77")
    assert two.seen(r"section 1 0 6 alice.*") and len(two.seen(r"section 1 1 61440 b+")) == 20
    mark = one.mark()
    mine = two.say("pause for the night")
    one.wait("command 2 1 for the night", mark)
    two.wait("command 2 1 for the night", mine)
    one.say("history a line")
    two.wait("history 1 a line")
    assert not one.seen("alarm (bad|wrong|malformed).*") and not two.seen("alarm (bad|wrong|malformed).*")


def test_corosync_killed_and_back(lab, start):
    one, two = together(lab, start)
    mark, mark2 = one.mark(), two.mark()
    lab.n1.corosync.kill()
    one.wait("connection 0", mark, 2)
    one.wait("quorum 0", mark, 2)
    two.wait("left 1", mark2, 8)
    assert one.process.poll() is None
    one.say("pause refused")
    one.wait("sent -107", mark)
    corosync.start(lab.n1)
    mark = one.wait("connection 1", mark)
    one.wait("members 1 2", mark - 1)
    assert not one.seen("joining 1")  # it never lost what it knew
    one.wait("section 2 1 61440 b+", mark)  # but asked what it missed
    two.wait("members 1 2", mark2)
    mark = one.say("pause again")
    two.wait("command 1 1 again")
    assert not one.seen("lag .*")


def test_hanging_corosync_does_not_hang_us(lab, start):
    one, two = together(lab, start)
    mark = one.mark()
    lab.n1.corosync.stop()
    one.wait("connection 0", mark, 10)  # the child is given up
    one.wait("fd gone", mark)
    time.sleep(3)
    assert not one.seen("lag .*"), one.seen("lag .*")
    mark = one.mark()
    lab.n1.corosync.cont()
    one.wait("connection 1", mark, 30)
    one.wait("members 1 2", mark, 30)
    mark = two.mark()
    one.say("pause thawed")
    two.wait("command 1 1 thawed", mark)


def test_restarted_agent_joins_anew(lab, start):
    one, two = together(lab, start)
    one.say("intent 5")
    mark = one.mark()
    two.end()
    one.wait("left 2", mark, 5)
    two = start(lab.n2)
    two.wait("joining 0")
    two.wait("intent 1 5")
    mark = one.mark()
    two.say("pause new process")
    one.wait("command 2 1 new process", mark)


def test_partition_heals_and_both_sides_ask(lab, start):
    one, two = together(lab, start)
    one.say("intent 10")
    two.say("intent 20")
    marks = one.mark(), two.mark()
    for link in ("ring0", "ring1"):
        lab.hub.carrier(lab.n1, link, False)
    one.wait("left 2", marks[0], 10)
    two.wait("left 1", marks[1], 10)
    marks = one.mark(), two.mark()
    for link in ("ring0", "ring1"):
        lab.hub.carrier(lab.n1, link, True)
    one.wait("members 1 2", marks[0], 20)
    one.wait("intent 2 20", marks[0], 20)
    two.wait("intent 1 10", marks[1], 20)
    assert not one.seen("joining 1") and not two.seen("joining 1")


def test_without_pulses_nothing_is_believed(lab, start):
    """A signature alone could be a recording: without a fresh pulse that vouches for its process a heartbeat does not count."""
    for node in lab.pbx_nodes:
        corosync.start(node)
    one = start(lab.n1)
    one.wait("joining 0")
    two = start(lab.n2, "10.99.1")  # no such network
    two.wait("connection 1")
    two.wait("alarm unproven 1 1", 0, 10)
    one.wait("alarm unproven 2 2", 0, 10)
    assert not one.seen("state 2 .*") and not two.seen("state 1 .*")
    two.wait("joining 0", 0, 20)  # nobody answers: it goes on with what it has


def test_burst_is_taken_in_order_or_refused(lab, start):
    one, two = together(lab, start)
    mark, mark2 = one.say("flood 5000"), two.mark()
    one.wait(r"flooded \d+", mark)
    sent = int(one.seen(r"flooded \d+", mark)[0].split()[1])
    assert 1000 < sent < 5000  # bounded
    two.wait("bindings 1 x+", mark2)
    wait_until(lambda: len(two.seen("bindings 1 x+", mark2)) >= 20 + sent // 100 - 1, 30, "the burst to arrive")
    mark = one.say("pause after the burst")
    two.wait("command 1 1 after the burst", mark2, 30)
    assert not one.seen("connection 0")


def test_nothing_is_left_behind(lab, start):
    one, _two = together(lab, start)
    children = subprocess.run(["pgrep", "-P", str(talker_pid(one))], capture_output=True, text=True).stdout.split()
    assert children
    one.end()
    wait_until(lambda: not any(pathlib.Path(f"/proc/{c}").exists() for c in children), 3, "the child to end with its parent")


def talker_pid(talker):
    """The program itself, below the runner."""
    pid = talker.process.pid
    while True:
        if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == "talker":
            return pid
        pid = int(subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=True).stdout.split()[0])
