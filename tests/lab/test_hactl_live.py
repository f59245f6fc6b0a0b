# SPDX-License-Identifier: GPL-2.0-or-later
"""What an operator and a monitoring system see of a failover: hactl top on a terminal, hactl watch over a restart of the agent, hactl check."""
import json
import pathlib
import subprocess
import sys

from ringlab import ringkeep
from ringlab.machine import wait_until
from ringlab.story import Story, death_bound_ms

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "hactl"))
from screen import Terminal  # noqa: E402


def hactl(node, *args):
    """On this side of the node's namespaces, so that terminal and signals are the test's own."""
    return [str(node.lab.root / "bin" / "hactl"), "-s", f"/proc/{node.pid}/root/run/ringkeep/control.sock", *args]


class Watching:
    def __init__(self, node):
        self.file = node.lab.root / "watch.json"
        self.process = subprocess.Popen(hactl(node, "--json", "watch"), stdout=open(self.file, "wb"), stderr=subprocess.DEVNULL)

    def records(self):
        return [json.loads(line) for line in self.file.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.wait()


def check(node):
    done = subprocess.run(hactl(node, "check"), capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout


def held_by(screen, name):
    row = next((line for line in screen.lines if line.startswith("office ") and " from " not in line), "")
    return row.split()[1:2] == [name]


def test_a_failover_on_a_terminal_and_in_a_stream(lab):
    with Story(lab, moves=1, outage_ms=death_bound_ms(lab)) as s:
        wait_until(lambda: check(s.standby)[0] == 0, 20, lambda: f"nothing to complain of: {check(s.standby)[1]}", 0.2)
        top = Terminal(hactl(s.standby, "top"))
        try:
            with Watching(s.standby) as watch:
                top.wait_for(lambda screen: held_by(screen, s.holder.name), 20, "the holder")
                s.mark()
                s.holder.power_off()
                s.wait_moved()
                top.wait_for(lambda screen: held_by(screen, s.standby.name) and "unreachable" in screen.shows(), 20, "the other holder")
                top.wait_for(lambda screen: "took over" in screen.shows(), 20, "the record")
                code, said = check(s.standby)
                assert code == 1 and f"node {s.holder.name} is unreachable" in said and f"held by {s.standby.name}" in said, said
                took = wait_until(lambda: [r for r in watch.records() if r["type"] == "takeover"], 20, "the takeover in the stream")
                assert [r["node"] for r in took] == [s.standby.name]
            top.key("q")
            assert top.end() == 0 and top.is_restored()
        finally:
            top.close()


def test_a_stream_goes_on_when_the_agent_does(lab):
    """The records of the agent's end and start are told, each once, in order."""
    with Story(lab) as s:
        with Watching(s.standby) as watch:
            for command in ("pause", "resume"):  # until the stream is there
                ringkeep.hactl(s.standby, command)
            wait_until(lambda: watch.records() or ringkeep.hactl(s.standby, "resume") is None, 20, "the stream", 0.5)
            assert check(s.standby)[0] != 2
            s.standby.agent.end()
            assert check(s.standby)[0] == 2
            s.standby.start_agent()
            wait_until(lambda: ringkeep.joined(s.standby), 20, "the agent again")
            wait_until(lambda: any(r["type"] == "agent-started" and r["node"] == s.standby.name for r in watch.records()), 20,
                       lambda: f"its start in the stream: {watch.records()}")
            names = [(r["node_id"], r["number"]) for r in watch.records()]
            assert len(names) == len(set(names)), f"told twice: {names}"
        s.stays(0.5)
