# SPDX-License-Identifier: GPL-2.0-or-later
"""hactl top on a terminal of its own, and hactl watch over a restart of the agent, against a scripted agent."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import model  # noqa: E402
from fake_agent import FakeAgent  # noqa: E402
from screen import Screen, Terminal  # noqa: E402

HACTL = os.environ["HACTL"]
GOLDEN = pathlib.Path(__file__).parent / "golden"
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it would be ignored, by what is started here, too
ENV = {"TZ": "UTC", "LC_ALL": "C.UTF-8"}


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory(prefix="ringkeep-top-")
        self.addCleanup(self.dir.cleanup)
        self.path = f"{self.dir.name}/control.sock"

    def agent(self, script):
        a = FakeAgent(self.path, script)
        self.addCleanup(lambda: os.path.exists(self.path) and a.close())
        return a


def script(data, records=model.HISTORY):
    return {"status": model.ok(data), "history": model.ok(records)}


class Once(Case):
    def once(self, data, rows=24, columns=80, records=model.HISTORY):
        agent = FakeAgent(self.path, script(data, records))
        try:
            done = subprocess.run([HACTL, "-s", self.path, "top", "--once"], capture_output=True, text=True, timeout=60,
                                  env={**os.environ, **ENV, "LINES": str(rows), "COLUMNS": str(columns)})
        finally:
            agent.close()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = done.stdout.splitlines()
        self.assertLessEqual(len(lines), rows)
        self.assertTrue(all(len(line) <= columns for line in lines), done.stdout)
        self.assertNotIn("\x1b", done.stdout)
        return done.stdout

    def test_pictures(self):
        many = {**model.TROUBLE, "groups": model.TROUBLE["groups"] * 8, "nodes": model.TROUBLE["nodes"] * 6, "alarms": model.TROUBLE["alarms"] * 10,
                "uplinks": model.UPLINKS["uplinks"] * 4}
        for name, data in (("healthy", model.HEALTHY), ("trouble", model.TROUBLE), ("uplinks", model.WITH_UPLINKS), ("draining", model.DRAINING),
                           ("many", many), ("native", model.NATIVE)):
            out = self.once(data)
            head, rest = out.split("\n", 1)
            self.assertRegex(head, r" \d\d:\d\d:\d\d$")
            out, file = head[:-8] + "HH:MM:SS\n" + rest, GOLDEN / f"top-{name}.txt"
            if os.environ.get("GOLDEN") == "write":
                file.write_text(out)
            self.assertEqual(out, file.read_text(), f"see {file}")

    def test_any_size(self):
        for rows, columns in ((1, 1), (2, 10), (5, 20), (200, 300), (24, 79)):
            self.once(model.TROUBLE, rows, columns)

    def test_what_an_agent_says_stays_text(self):
        evil = "\x1b]0;x\x07\x1b[2J\r\nü" * 30
        out = self.once({**model.HEALTHY, "cluster": evil, "alarms": [{**model.TROUBLE["alarms"][0], "text": evil}]},
                        records={"records": [{"time": evil, "type": evil, "text": evil, "node": evil}]})
        self.assertTrue(all(c == "\n" or ord(c) >= 32 for c in out))
        for data in ({}, [], {"groups": 5, "nodes": {}, "alarms": "x", "links": [3], "uplinks": [None], "timing": []}):
            self.once(data, records=data)

    def test_no_agent(self):
        done = subprocess.run([HACTL, "-s", self.path, "top", "--once"], capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("is ringkeepd running?", done.stderr)
        done = subprocess.run([HACTL, "-s", self.path, "top"], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("--once", done.stderr)


class Live(Case):
    def terminal(self, **more):
        t = Terminal([HACTL, "-s", self.path, "top"], **more)
        self.addCleanup(t.close)
        t.wait_for(lambda s: s.other and "HISTORY" in s.shows(), 20, "the first picture")
        return t

    def test_the_terminal_is_given_back_whatever_ends_it(self):
        self.agent(script(model.HEALTHY))
        for how, want in (("q", 0), ("\x04", 0), ("\x03", 0), (signal.SIGTERM, -signal.SIGTERM), (signal.SIGHUP, -signal.SIGHUP), (signal.SIGINT, 0),
                          (signal.SIGQUIT, -signal.SIGQUIT), (signal.SIGSEGV, -signal.SIGSEGV), (signal.SIGABRT, -signal.SIGABRT)):
            t = self.terminal()
            self.assertFalse(t.is_restored())
            if isinstance(how, str):
                t.key(how)
            else:
                t.signal(how)
            self.assertEqual(t.end(), want, how)
            self.assertTrue(t.is_restored(), how)
            t.screen.feed("")
            t.close()
            self._cleanups.pop()

    def test_stop_and_continue(self):
        self.agent(script(model.HEALTHY))
        t = self.terminal()
        t.signal(signal.SIGTSTP)
        t.wait_for(lambda s: not s.other, 20, "the usual screen")
        for _ in range(1000):
            if os.waitpid(t.process.pid, os.WNOHANG | os.WUNTRACED)[0]:
                break
            time.sleep(0.01)
        self.assertTrue(t.is_restored())
        t.screen.clear()
        t.signal(signal.SIGCONT)
        t.wait_for(lambda s: s.other and "HISTORY" in s.shows(), 20, "a picture again")
        t.key("q")
        self.assertEqual(t.end(), 0)
        self.assertTrue(t.is_restored())

    def test_another_size(self):
        self.agent(script(model.HEALTHY))
        t = self.terminal()
        for rows, columns in ((10, 40), (40, 132)):
            t.resize(rows, columns)
            time.sleep(0.3)  # what was under way for the old size
            t.read(0)
            t.screen = Screen(rows, columns)
            t.screen.other, t.screen.cursor_shown = True, False
            t.wait_for(lambda s: "GROUP" in s.shows(), 20, "a picture of the new size")
        t.key("q")
        self.assertEqual(t.end(), 0)

    def test_colours(self):
        self.agent(script(model.TROUBLE))
        for env, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({"NO_COLOR": ""}, True)):
            t = self.terminal(env=env)
            self.assertEqual(bool(t.screen.colours), coloured, env)
            t.key("q")
            t.end()

    def test_the_agent_goes_and_comes(self):
        agent = self.agent(script(model.HEALTHY))
        t = self.terminal()
        agent.close()
        t.wait_for(lambda s: "cannot be reached" in s.shows() and "office" in s.shows(), 20, "what was, and that there is nothing newer")
        agent = self.agent(script({**model.HEALTHY, "paused": True}))
        t.wait_for(lambda s: "PAUSED" in s.shows() and "cannot be reached" not in s.shows(), 20, "the new agent")
        t.key("q")
        self.assertEqual(t.end(), 0)


class Watch(Case):
    RECORDS = [{"time": "2026-11-24T12:00:00.000Z", "node": f"n{n}", "node_id": n, "number": i, "type": "alarm", "text": f"n{n} says {i}"}
               for i in range(1, 6) for n in (1, 2)]

    def test_over_a_restart(self):
        """Nothing is lost, nothing told twice, and what was before the start stays untold."""
        r = self.RECORDS
        first = self.agent({"watch": [{"event": e} for e in r[2:4]], "history": model.ok({"records": r[:4]})})
        watch = subprocess.Popen([HACTL, "-s", self.path, "--json", "watch"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(watch.kill)
        told = [json.loads(watch.stdout.readline()) for _ in range(2)]
        self.assertEqual(told, r[2:4])
        first.close()
        # the second agent's history has all; its stream begins with one that the history has, too
        self.agent({"watch": [*({"event": e} for e in r[7:]), {"ok": True, "data": {}, "end": True}], "history": model.ok({"records": r[:8]})})
        out, err = watch.communicate(timeout=30)
        self.assertEqual([json.loads(line) for line in out.splitlines()][:-1], r[4:])
        self.assertEqual(watch.returncode, 0)
        self.assertIn("hung up", err)
        self.assertIn("the agent is back", err)

    def test_no_agent_at_first(self):
        done = subprocess.run([HACTL, "-s", self.path, "watch"], capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (3, ""))


if __name__ == "__main__":
    unittest.main()
