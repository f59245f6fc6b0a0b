# SPDX-License-Identifier: GPL-2.0-or-later
"""hactl against a scripted agent (fake_agent.py): what it asks, what it prints, its exit codes.

What it prints is compared with golden/; GOLDEN=write in the environment writes them anew, to be reviewed as a diff.
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import model  # noqa: E402
from fake_agent import FakeAgent  # noqa: E402

HACTL = os.environ["HACTL"]
GOLDEN = pathlib.Path(__file__).parent / "golden"
KEEPALIVED = pathlib.Path(__file__).parent.parent / "fuzz" / "corpus" / "keepalived"


def wait_for_state(pid, state):
    """Of the process, as ps shows it; at most five seconds, and what follows says what was wrong."""
    for _ in range(500):
        if pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == state:
            return
        time.sleep(0.01)


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory(prefix="ringkeep-hactl-")
        self.addCleanup(self.dir.cleanup)
        self.path = f"{self.dir.name}/control.sock"

    def hactl(self, *args, env=None, socket=True):
        command = [HACTL, *(["-s", self.path] if socket else []), *args]
        return subprocess.run(command, capture_output=True, text=True, timeout=60,
                              env={**os.environ, "TZ": "UTC", "LC_ALL": "C", **(env or {})})

    def ask(self, script, *args):
        """Runs hactl against a fake agent: (exit code, stdout, stderr, requests)."""
        agent = FakeAgent(self.path, script)
        try:
            done = self.hactl(*args)
        finally:
            agent.close()
        return done.returncode, done.stdout, done.stderr, agent.requests

    def golden(self, name, text):
        file = GOLDEN / f"{name}.txt"
        text = text.replace(self.dir.name, "DIR")
        if os.environ.get("GOLDEN") == "write":
            file.write_text(text)
        self.assertEqual(text, file.read_text(), f"see {file}")


class Shows(Case):
    def shows(self, name, command, data, *args):
        code, out, err, requests = self.ask({command: model.ok(data)}, command, *args)
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(requests[0]["command"], command)
        self.golden(name, out)

    def test_status_healthy(self):
        self.shows("status-healthy", "status", model.HEALTHY)

    def test_status_of_a_fenced_node(self):
        self.shows("status-fenced", "status", model.FENCED)

    def test_status_with_a_rogue_router(self):
        self.shows("status-rogue", "status", model.ROGUE)

    def test_status_of_a_native_group_that_leaves_the_election(self):
        self.shows("status-native", "status", model.NATIVE)

    def test_status_in_trouble(self):
        self.shows("status-trouble", "status", model.TROUBLE)

    def test_status_while_calls_are_waited_for(self):
        self.shows("status-draining", "status", model.DRAINING)

    def test_status_with_uplinks(self):
        self.shows("status-uplinks", "status", model.WITH_UPLINKS)

    def test_status_while_voice_moves(self):
        self.shows("status-moving", "status", {**model.WITH_UPLINKS, "voice": model.SWITCHING["voice"]})

    def test_uplinks(self):
        self.shows("uplink-list", "uplink", model.UPLINKS, "list")
        self.shows("uplink-none", "uplink", {"uplinks": [], "voice": []}, "list")
        self.shows("uplink-verbose", "uplink", model.UPLINKS, "list", "-v")
        self.shows("uplink-use", "uplink", model.SWITCHING, "use", "isp1")
        self.shows("uplink-use-undone", "uplink", model.UNDOING, "list")
        self.shows("uplink-auto", "uplink", model.NOT_ORDERED, "auto")
        self.shows("uplink-history", "uplink", model.UPLINK_HISTORY, "history")

    def test_uplinks_refused(self):
        for args, text in ((["use", "isp11"], 'There is no uplink "isp11"; did you mean "isp1"?'), (["auto", "isp1"], "Only use names an uplink.")):
            code, out, err, requests = self.ask({"uplink": model.refused("refused", text)}, "uplink", *args)
            self.assertEqual((code, out, err), (1, "", f"hactl: {text}\n"))
        _, out, _, _ = self.ask({"uplink": model.ok(model.UPLINKS)}, "--json", "uplink", "list")
        self.assertEqual(json.loads(out), model.UPLINKS)
        for name in ("uplink-list", "uplink-verbose", "uplink-use", "uplink-auto", "uplink-use-undone"):
            for line in (GOLDEN / f"{name}.txt").read_text().splitlines():
                self.assertTrue(len(line) <= 80 or line.startswith("    R"), line)

    def test_why(self):
        self.shows("why", "why", model.WHY, "office")
        self.shows("why-uplinks", "why", model.WHY_WITH_UPLINKS, "office")

    def test_gate(self):
        self.shows("gate", "gate", model.GATE)

    def test_history(self):
        self.shows("history", "history", model.HISTORY)

    def test_registrations(self):
        self.shows("registrations-list", "registrations", model.REGISTRATIONS, "list")
        self.shows("registrations-diff", "registrations", model.DIFF, "diff", "office")

    def test_an_agent_of_another_version(self):
        """Keys that are missing or of another type: less is shown, nothing breaks."""
        for command, args in (("status", []), ("why", ["office"]), ("gate", []), ("history", []), ("registrations", ["list"]), ("uplink", ["list"])):
            for data in ({}, [], {"groups": 5, "nodes": {}, "alarms": "x", "links": [3], "records": [1], "timing": []}):
                code, _, err, _ = self.ask({command: model.ok(data)}, command, *args)
                self.assertEqual((code, err), (0, ""), (command, data))

    def test_json_is_the_data(self):
        _, out, _, _ = self.ask({"status": model.ok(model.HEALTHY)}, "--json", "status")
        self.assertEqual(json.loads(out), model.HEALTHY)

    def test_watch_is_a_stream(self):
        events = [{"event": r} for r in model.HISTORY["records"]]
        code, out, _, _ = self.ask({"watch": [*events, {"ok": True, "data": {}, "end": True}]}, "watch")
        self.assertEqual(code, 0)
        self.assertEqual(out, (GOLDEN / "history.txt").read_text())
        _, out, _, _ = self.ask({"watch": [*events, {"ok": True, "data": {}, "end": True}]}, "--json", "watch")
        self.assertEqual([json.loads(line) for line in out.splitlines()][:-1], model.HISTORY["records"])


class Check(Case):
    """hactl check: a monitoring plugin. Everything that its user sees is on stdout."""

    def check(self, data, *args):
        code, out, err, requests = self.ask({"status": data if isinstance(data, list) else model.ok(data)}, "check", *args)
        self.assertEqual(err, "")
        first = out.splitlines()[0]
        self.assertTrue(first.startswith(f"RINGKEEP {('OK', 'WARNING', 'CRITICAL', 'UNKNOWN')[code]} - "), out)
        self.assertLessEqual(first.count("|"), 1)
        self.assertNotIn("|", "".join(out.splitlines()[1:]))
        return code, out, requests

    def test_states(self):
        cases = [
            ("ok", 0, model.HEALTHY, []), ("standby", 1, model.on_standby(model.HEALTHY), []), ("trouble", 2, model.TROUBLE, []),
            ("paused", 1, {**model.HEALTHY, "paused": True}, ["office"]), ("trunks", 2, model.ROGUE, []), ("fenced", 1, model.FENCED, []),
            ("native", 0, model.NATIVE, []), ("uplinks", 1, model.WITH_UPLINKS, []), ("voice-silent", 2, model.VOICE_SILENT, []),
            ("gate-shut", 2, model.group_of(model.HEALTHY, gate="shut"), []), ("witness", 0, model.WITNESS, []),
            ("no-successor", 1, model.group_of(model.HEALTHY, candidates=[model.CANDIDATES[0], model.NO_CANDIDATES[1]]), []),
            ("no-group", 3, model.HEALTHY, ["offices"]),
        ]
        for name, want, data, args in cases:
            code, out, requests = self.check(data, *args)
            self.assertEqual((code, requests), (want, [{"command": "status", "args": {}}]), (name, out))
            self.golden(f"check-{name}", out)

    def test_limits(self):
        cases = [
            (["--warning", "calls=2"], 1, "office.calls is 3, the limit is 2"), (["-w", "calls=2", "-c", "calls=2"], 2, "office.calls is 3"),
            (["-w", "calls=3"], 0, "office.calls=3;3;;0"), (["-c", "calls=@2:4"], 2, "the limit is @2:4"), (["-c", "calls=@4:"], 0, ";@4:;"),
            (["-w", "rtt=0.001"], 1, "w1/ring0.rtt is 0.0015s"), (["-c", "nodes_up=4:"], 2, "nodes_up is 3, the limit is 4:"),
            (["-w", "calls=~:2,alarms=0"], 1, "the limit is ~:2"),
            (["-w", "clals=2"], 3, "a limit for clals: there is no such value here"), (["-w", "calls"], 3, "is not NAME=RANGE"),
            (["-w", "calls=x"], 3, "is not a range"), (["-w", "calls=5:2"], 3, "is not a range"), (["-w", "calls=:"], 3, "is not a range"),
            (["-w", "calls=nan"], 3, "is not a range"), (["-w", "=1"], 3, "is not NAME=RANGE"),
        ]
        for args, want, text in cases:
            code, out, _ = self.check(model.HEALTHY, *args)
            self.assertEqual(code, want, (args, out))
            self.assertIn(text, out)

    def test_performance_data(self):
        """As the guidelines of the monitoring plugins have it, value by value."""
        for data in (model.HEALTHY, model.TROUBLE, model.WITH_UPLINKS):
            _, out, _ = self.check(data, "-w", "rtt=0.1")
            for item in out.splitlines()[0].split(" | ")[1].split():
                self.assertRegex(item, r"^[^=' ]+=(U|[0-9.e-]+(s|%|c)?)(;[0-9.:~@]*){2};[0-9.]*;[0-9.]*$")

    def test_no_agent(self):
        done = self.hactl("check")
        self.assertEqual((done.returncode, done.stderr), (2, ""))
        self.golden("check-unreachable", done.stdout)
        for command in ("check", "--json check"):
            self.assertEqual(self.hactl(*command.split()).stdout, done.stdout)
        code, out, _ = self.check([])
        self.assertEqual(code, 2)
        self.assertIn("hung up", out)
        code, out, _ = self.check(model.refused("forbidden", "You may not."))
        self.assertEqual((code, out), (3, "RINGKEEP UNKNOWN - You may not.\n[UNKNOWN] You may not.\n"))
        done = self.hactl("check", "--nosuch")
        self.assertEqual((done.returncode, done.stderr), (3, ""))
        self.assertIn("has no option", done.stdout)

    def test_texts_that_would_break_the_format(self):
        evil = {**model.HEALTHY, "alarms": [{"key": "x", "text": "a | b=1;2\nc \u001b[31m", "since_ms": 5, "last_ms": 5, "count": 1, "event": False}] * 400}
        code, out, _ = self.check(evil)
        self.assertEqual((code, len(out.splitlines())), (1, 258))
        self.assertIn("alarm: a / b=1;2 c  [31m (for 5 ms)", out)
        for data in ({}, [], {"groups": 5, "nodes": {}, "alarms": "x", "links": [3], "uplinks": [None], "timing": []}):
            self.assertEqual(self.check(model.ok(data))[0], 3, data)


class Asks(Case):
    """The request that each command line becomes."""

    def test_requests(self):
        cases = [
            ("switchover office --to n2 --wait --why x", "switchover", {"group": "office", "to": "n2", "wait": True, "why": "x"}),
            ("switchover --to=n2 office", "switchover", {"group": "office", "to": "n2"}),
            ("switchover office --drain", "switchover", {"group": "office", "drain_ms": 600000}),
            ("switchover office --drain=90s --wait", "switchover", {"group": "office", "drain_ms": 90000, "wait": True}),
            ("cancel office --why x", "cancel", {"group": "office", "why": "x"}),
            ("failover office --force", "failover", {"group": "office", "force": True}),
            ("standby n2", "standby", {"node": "n2"}),
            ("pause", "pause", {}),
            ("history -n 5", "history", {"count": 5}),
            ("history -n5", "history", {"count": 5}),
            ("history --count=5", "history", {"count": 5}),
            ("registrations diff office", "registrations", {"action": "diff", "group": "office"}),
            ("fence n2", "fence", {"action": "off", "node": "n2"}),
            ("fence confirm n2 --reason x", "fence", {"action": "confirm", "node": "n2", "reason": "x"}),
            ("fence history -n 3", "fence", {"action": "history", "count": 3}),
            ("why -- --odd", "why", {"group": "--odd"}),
        ]
        for line, command, args in cases:
            _, _, err, requests = self.ask({command: model.ok({})}, *line.split())
            self.assertEqual(requests, [{"command": command, "args": args}], (line, err))

    def test_usage(self):
        cases = ["", "nosuch", "switchover", "switchover a b", "switchover a --nosuch", "switchover a --to", "pause --wait=1",
                 "switchover a --wait=1", "history -n 0", "history -n x", "switchover a --drain=soon",
                 "switchover a --drain=8d", "switchover a --drain=10", "failover a --drain=10s", "cancel", "registrations", "registrations some", "fence", "fence confirm", "fence n1 n2", "--nosuch", "key forget"]
        for line in cases:
            done = self.hactl(*line.split())
            self.assertEqual(done.returncode, 2, line)
            self.assertTrue(done.stderr, line)
            self.assertEqual(done.stdout, "", line)


    def test_a_command_that_is_nearly_right(self):
        for line, hint in (("stauts", 'did you mean "status"?'), ("help uplinks", 'did you mean "uplink"?'), ("nosuch", "see hactl help")):
            done = self.hactl(*line.split())
            self.assertEqual((done.returncode, done.stderr), (2, f"hactl: there is no command {line.split()[-1]}; {hint}\n"))


class Changes(Case):
    def test_done(self):
        moved = {"operation": "01", "group": "office", "to": "n2", "state": "done"}
        cases = [
            ("switchover-done", "switchover office --wait", moved),
            ("trunk", "trunk office itsp register", {"group": "office", "trunk": "itsp", "action": "register"}),
            ("switchover-accepted", "switchover office", {**moved, "state": "accepted"}),
            ("switchover-dry-run", "switchover office --dry-run", {"dry_run": True, "group": "office", "to": "n2", "nodes": model.CANDIDATES}),
            ("switchover-drain-dry-run", "switchover office --drain=1h --dry-run",
             {"dry_run": True, "group": "office", "to": "n2", "nodes": model.CANDIDATES, "drain_ms": 3600000, "calls": 3}),
            ("cancel", "cancel office", {**moved, "state": "done"}),
            ("standby", "standby n2", {**moved, "state": "accepted"}),
            ("unstandby", "unstandby n2", {**moved, "state": "accepted"}),
            ("pause", "pause", {**moved, "state": "accepted"}),
            ("resume", "resume", {**moved, "state": "accepted"}),
        ]
        for name, line, data in cases:
            code, out, err, _ = self.ask({line.split()[0]: model.ok(data)}, *line.split())
            self.assertEqual((code, err), (0, ""), line)
            self.golden(name, out)

    def test_refused(self):
        reply = model.refused("refused", "Refused: no other candidate can take over now; the list says why for each", model.NO_CANDIDATES)
        code, out, err, _ = self.ask({"switchover": reply}, "switchover", "office")
        self.assertEqual((code, out), (1, ""))
        self.golden("switchover-refused", err)
        code, out, err, _ = self.ask({"switchover": reply}, "--json", "switchover", "office")
        self.assertEqual((code, err), (1, ""))
        self.assertEqual(json.loads(out), reply[0])

    def test_codes(self):
        for code, expected in (("refused", 1), ("forbidden", 1), ("internal", 1), ("usage", 2)):
            got, _, err, _ = self.ask({"pause": model.refused(code, "because")}, "pause")
            self.assertEqual((got, err), (expected, "hactl: because\n"))


class Unreachable(Case):
    def test_no_agent(self):
        done = self.hactl("status")
        self.assertEqual(done.returncode, 3)
        self.golden("unreachable", done.stderr)
        done = self.hactl("--json", "status")
        self.assertEqual((done.returncode, json.loads(done.stdout)["code"]), (3, "unreachable"))

    def test_agent_hangs_up(self):
        code, _, err, _ = self.ask({}, "status")
        self.assertEqual(code, 3)
        self.assertIn("hung up", err)

    def test_stopped_and_continued_while_the_agent_thinks(self):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.path)
            listener.listen()
            client = subprocess.Popen([HACTL, "-s", self.path, "--json", "gate"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            agent, _ = listener.accept()
            with agent:
                agent.recv(4096)
                for part in (b'{"ok":true,"da', b'ta":{"a":1}}\n'):
                    wait_for_state(client.pid, "S")
                    client.send_signal(signal.SIGSTOP)
                    wait_for_state(client.pid, "T")
                    client.send_signal(signal.SIGCONT)
                    wait_for_state(client.pid, "S")
                    agent.send(part)
                self.assertEqual(client.communicate(timeout=10), ('{"a":1}\n', ""))

    def test_agent_says_garbage(self):
        code, _, _, _ = self.ask({"status": [[1, 2], "x"]}, "status")
        self.assertEqual(code, 3)


class Local(Case):
    CORPUS = pathlib.Path(__file__).parent.parent / "fuzz" / "corpus" / "config"
    COROSYNC = CORPUS.parent / "corosync"

    def config(self, action, file, *args):
        return self.hactl("config", action, str(self.CORPUS / file), *args, socket=False)

    def test_config(self):
        corosync = ["--corosync", str(self.COROSYNC / "good.conf")]
        done = self.config("check", "good.conf", *corosync)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.golden("config-check", done.stdout.replace(str(self.CORPUS), "CORPUS"))
        shown = self.config("show", "good.conf").stdout
        self.golden("config-show", shown)
        copy = pathlib.Path(self.dir.name) / "copy.conf"
        copy.write_text(shown)
        again = self.hactl("config", "show", str(copy), socket=False)
        self.assertEqual(again.stdout, shown)
        self.golden("config-explain", self.config("explain", "good.conf", *corosync).stdout.replace(str(self.COROSYNC), "COROSYNC"))

    def test_corosync_conf(self):
        """What is unsafe in corosync's configuration is an error, what is only risky a note, and none at all a note."""
        for name, code in (("unsafe", 1), ("qdevice", 0)):
            done = self.config("check", "good.conf", "--corosync", str(self.COROSYNC / f"{name}.conf"))
            self.assertEqual(done.returncode, code, done.stderr)
            both = f"{done.stdout}--- stderr\n{done.stderr}"
            self.golden(f"corosync-{name}", both.replace(str(self.CORPUS.parent), "CORPUS"))
            as_json = self.hactl("--json", "config", "check", str(self.CORPUS / "good.conf"), "--corosync",
                                 str(self.COROSYNC / f"{name}.conf"), socket=False)
            told = json.loads(as_json.stdout)
            self.assertEqual((as_json.returncode, told["ok"]), (code, code == 0))
            for x in told["errors"]:
                self.assertIn(f"{x['file']}:{x['line']}: {x['text']}\n", done.stderr)
            for x in told["notes"]:
                self.assertIn(f"note: {x['file']}:{x['line']}: {x['text']}\n", done.stdout)
            self.assertEqual(len(told["errors"]), len(done.stderr.splitlines()))
        done = self.config("check", "good.conf", "--corosync", f"{self.dir.name}/nosuch.conf")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("nosuch.conf: No such file or directory, so corosync's configuration was not looked at", done.stdout)
        os.mkfifo(f"{self.dir.name}/fifo")
        for path in (self.dir.name, f"{self.dir.name}/fifo"):
            done = self.config("check", "good.conf", "--corosync", path)
            self.assertEqual(done.returncode, 1)
            self.assertIn("was not looked at", done.stderr)
        explained = self.config("explain", "good.conf", "--corosync", str(self.COROSYNC / "qdevice.conf")).stdout
        self.assertIn("quorum device: corosync-qdevice, model net, host qnetd.example.org, algorithm ffsplit, heuristics sync", explained)

    def test_config_of_fencing(self):
        shown = self.config("show", "fencing.conf").stdout
        self.golden("config-show-fencing", shown)
        copy = pathlib.Path(self.dir.name) / "copy.conf"
        copy.write_text(shown)
        self.assertEqual(self.hactl("config", "show", str(copy), socket=False).stdout, shown)

    METADATA = CORPUS.parent / "fence" / "power.xml"

    def check_fencing(self, agents, devices):
        """config check of devices, a text in which DIR stands for the folder of agents (name -> shell text): (exit code, what it says)."""
        place = pathlib.Path(self.dir.name)
        for name, text in agents.items():
            (place / name).write_text(f"#!/bin/sh\nrequest=$(cat)\naction=$(echo \"$request\" | sed -n 's/^action=//p')\n{text}\n")
            (place / name).chmod(0o755)
        conf = place / "fence.conf"
        conf.write_text((self.CORPUS / "good.conf").read_text() + devices.replace("DIR", str(place)))
        env = {"RINGKEEP_LIBEXEC": str(pathlib.Path(HACTL).parent.parent / "fencing")}
        done = self.hactl("config", "check", str(conf), "--corosync", str(self.COROSYNC / "good.conf"), socket=False, env=env)
        said = [line for line in (done.stdout + done.stderr).splitlines() if "fence.conf:" in line and ": good;" not in line]
        return done.returncode, "\n".join(said).replace(str(place), "DIR") + "\n"

    def test_fence_agents(self):
        """Each agent is asked what it knows; a good device gives no word, and every mistake gives its own."""
        good = f'case $action in metadata) cat {self.METADATA};; validate-all) [ -n "$(echo "$request" | grep ^ip=10)" ] || {{ echo bad ip >&2; exit 1; }};; esac'
        agents = {"fence_good": good, "fence_apc_snmp": good, "fence_hurt": "kill -9 $$", "fence_fails": "echo out of order >&2; exit 1", "fence_prose": "echo I fence",
                  "fence_old": "echo '<resource-agent><parameters><parameter name=\"tty\" required=\"1\"/></parameters><actions>"
                               "<action name=\"off\"/></actions></resource-agent>'"}
        devices = """
fence-device good { agent = "DIR/fence_good" parameters = { "ip=10.0.0.1", "power-timeout=9", "kind=a" } target n1 { plug = 1 } }
"""
        code, said = self.check_fencing(agents, devices)
        self.assertEqual((code, said), (0, "note: DIR/fence.conf:26: fence-device good: no fence-level of a node names it, so it fences nobody\n"))
        devices += """
fence-device unknown { agent = "DIR/fence_good" parameters = { "ip=10.0.0.1", "ipp=3",
    "power_timeuot=9", "ipaddr=10.0.0.1" } target n1 { plug = 1 } }
fence-device incomplete { agent = "DIR/fence_good" target n1 { } target n2 { plug = 3 } }
fence-device refused { agent = "DIR/fence_good" parameters = { "ip=nowhere" } target n1 { plug = 1 } }
fence-device missing { agent = "DIR/fence_none" target n1 { } }
fence-device noexec { agent = "DIR/fence.conf" target n1 { } }
fence-device hurt { agent = "DIR/fence_hurt" target n1 { } }
fence-device fails { agent = "DIR/fence_fails" target n1 { } }
fence-device prose { agent = "DIR/fence_prose" target n1 { } }
fence-device commas { agent = "DIR/fence_apc_snmp" parameters = { "ip=10.0.0.1", "fast=no" } target n1 { plug = "1,2" } }
fence-device old { agent = "DIR/fence_old" password-file = "/nosuch" target n1 { plug = 4 } }
"""
        code, said = self.check_fencing(agents, devices)
        self.assertEqual(code, 1)
        self.golden("config-check-fencing", "".join(line + "\n" for line in said.splitlines() if "fences nobody" not in line))

    def test_config_errors(self):
        done = self.config("check", "many-errors.conf")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.golden("config-errors", done.stderr.replace(str(self.CORPUS), "CORPUS"))
        done = self.hactl("--json", "config", "check", str(self.CORPUS / "many-errors.conf"), socket=False)
        self.assertEqual(json.loads(done.stdout)["errors"][0]["line"], 3)

    def test_config_check_of_uplinks_without_root(self):
        """Nothing of this machine was looked at, and that is said."""
        place = pathlib.Path(self.dir.name)
        place.chmod(0o755)
        command = [shutil.copy(HACTL, place / "hactl"), "--json", "config", "check", shutil.copy(self.CORPUS / "uplinks.conf", place), "--state-dir", place]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid", "65534", "--clear-groups", *command]
        notes = json.loads(subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout)["notes"]
        self.assertEqual([n["text"] for n in notes if n["text"].startswith("uplink")],
                         ["uplinks: devices and the kernel's settings were not looked at: that takes root"])

    def test_import(self):
        """Real-looking keepalived configurations, each with what becomes of it and what is said about it. All but mistakes.conf are
        what `keepalived -t` has nothing to say about."""
        state, result = f"{self.dir.name}/state", pathlib.Path(self.dir.name) / "result.conf"
        key = self.hactl("key", "generate", "--state-dir", state, socket=False).stdout.strip()
        codes = {"sync-pair": 0}
        files = sorted(f for f in KEEPALIVED.glob("*.conf") if f.stem not in ("odd", "circle"))
        self.assertGreaterEqual(len(files), 7)
        for file in files:
            node = [] if " router_id" in file.read_text() else ["--node", "n2"]
            words = ["config", "import", str(file), "--state-dir", state, "--config-id", "sbc-a", *node]
            done = self.hactl(*words, socket=False)
            self.assertEqual(done.returncode, codes.get(file.stem, 1), file)
            both = f"{done.stdout}\n--- stderr\n{done.stderr}"
            self.golden(f"import-{file.stem}", both.replace(key, "KEY").replace(str(KEEPALIVED), "CORPUS"))
            result.write_text(done.stdout)
            checked = self.hactl("config", "check", str(result), socket=False)
            self.assertEqual(checked.returncode, 0, (file, checked.stderr))
            as_json = json.loads(self.hactl("--json", *words, socket=False).stdout)
            self.assertEqual((as_json["ok"], as_json["config"]), (done.returncode == 0, done.stdout))
            told = [x for kind in ("left_out", "notes") for x in as_json[kind]]
            self.assertEqual(len(told), len(done.stderr.splitlines()))
            for x in told:
                self.assertIn(f"{x['file']}:{x['line']}: ", done.stderr)
                self.assertIn(x["text"], done.stderr)

    def test_import_without_a_key(self):
        file = str(KEEPALIVED / "sync-pair.conf")
        done = self.hactl("config", "import", file, "--state-dir", self.dir.name, "--node", "n2", "--id", "2", socket=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("node n2 {\n    id = 2\n    # public-key = ", done.stdout)
        self.assertIn("hactl key generate", done.stderr)

    def test_import_refuses(self):
        place = pathlib.Path(self.dir.name)
        (place / "empty.conf").write_text("global_defs {\n}\n")
        (place / "binary.conf").write_bytes(b"\x7fELF\x00\x01")
        os.mkfifo(place / "fifo.conf")
        for name, word in (("nosuch.conf", "No such file"), ("empty.conf", "no vrrp_instance"), ("binary.conf", "control character"),
                           ("fifo.conf", "Invalid argument"), (".", "Is a directory")):
            done = self.hactl("config", "import", str(place / name), socket=False)
            self.assertEqual((done.returncode, done.stdout), (2, ""), name)
            self.assertIn(word, done.stderr)
        for option in (["--id", "64"], ["--node", "a b"]):
            done = self.hactl("config", "import", str(KEEPALIVED / "sync-pair.conf"), *option, socket=False)
            self.assertEqual((done.returncode, done.stdout), (2, ""), option)

    def test_import_includes(self):
        """Patterns, relative to the file that has them; each finding names the file that it is about; circles end."""
        place = pathlib.Path(self.dir.name)
        (place / "conf.d").mkdir()
        (place / "main.conf").write_text("include conf.d/*.conf\ninclude nothing-*.conf\nincluder gone.conf\n")
        (place / "conf.d" / "one.conf").write_text("vrrp_instance one {\n interface eth0\n virtual_router_id 5\n include addresses\n}\n")
        (place / "conf.d" / "addresses").write_text("virtual_ipaddress {\n 10.0.0.9\n 10.0.0.999\n}\n")
        done = self.hactl("config", "import", str(place / "main.conf"), "--state-dir", self.dir.name, socket=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("addresses = { 10.0.0.9 }", done.stdout)
        self.assertIn(f"# {place}/conf.d/one.conf:1 vrrp_instance one\n", done.stdout)
        self.assertIn(f"{place}/conf.d/addresses:3: error: \"10.0.0.999\" is not", done.stderr)
        self.assertIn(f"{place}/main.conf:2: note: include: no file matches", done.stderr)
        self.assertIn(f"{place}/main.conf:3: error: include: no file matches", done.stderr)
        (place / "circle.conf").write_text("include circle.conf\ninclude circle.conf\n")
        done = self.hactl("config", "import", str(place / "circle.conf"), socket=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("circle", done.stderr)

    def test_key(self):
        state = f"{self.dir.name}/state"
        made = self.hactl("key", "generate", "--state-dir", state, socket=False)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertRegex(made.stdout, r"^rk1:[A-Za-z0-9_-]{86}\n$")
        self.assertEqual(os.stat(f"{state}/node.key").st_mode & 0o777, 0o400)
        self.assertTrue(os.path.exists(f"{state}/epoch"))
        shown = self.hactl("key", "show", "--state-dir", state, socket=False)
        self.assertEqual(shown.stdout, made.stdout)
        again = self.hactl("key", "generate", "--state-dir", state, socket=False)
        self.assertEqual(again.returncode, 1)
        self.assertIn("there is a key already", again.stderr)
        os.chmod(f"{state}/node.key", 0o644)
        shown = self.hactl("key", "show", "--state-dir", state, socket=False)
        self.assertEqual((shown.returncode, shown.stdout), (1, ""))

    def test_history_verify(self):
        done = self.hactl("history", "--verify", "--state-dir", self.dir.name, socket=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no record to verify", done.stderr)
        pathlib.Path(self.dir.name, "history").write_text("{}\n")
        done = self.hactl("history", "--verify", "--state-dir", self.dir.name, socket=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("CHANGED, line 1 is not a record", done.stdout)

    def test_replay_of_no_journal(self):
        done = self.hactl("replay", str(self.CORPUS / "good.conf"), socket=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("this is no journal of ringkeep", done.stderr)

    def test_help(self):
        self.golden("help", self.hactl("help").stdout)
        self.golden("help-history", self.hactl("help", "history").stdout)
        self.assertEqual(self.hactl("help", "nosuch").returncode, 2)
        self.assertRegex(self.hactl("--version").stdout, r"^hactl \d+\.\d+\.\d+\n$")

    def complete(self, *words):
        """What is offered for the last word, against an agent that has all kinds of names."""
        agent = FakeAgent(self.path, {"status": model.ok(model.WITH_UPLINKS)})
        try:
            done = self.hactl("completion", "words", "--", *words)
        finally:
            agent.close()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertTrue(all(len(line) < 120 for line in done.stdout.splitlines()))
        return [line.split("\t")[0] or line for line in done.stdout.splitlines()]

    def test_completion(self):
        cases = [
            (["switchov"], ["switchover"]), (["switchover", ""], ["office"]), (["switchover", "office", ""], ["--to", "--drain", "--dry-run", "--wait", "--why"]),
            (["switchover", "office", "--to", ""], ["n1", "n2", "w1"]), (["switchover", "--to", "n2", ""], ["office"]),
            (["switchover", "office", "--to", "=", "w"], ["w1"]), (["switchover", "office", "--to", "="], ["n1", "n2", "w1"]),
            (["switchover", "office", "--to=n"], ["--to=n1", "--to=n2"]), (["switchover", "office", "--to", "n2", "--to"], []),
            (["switchover", "office", "--drain", ""], ["--to", "--dry-run", "--wait", "--why"]), (["switchover", "--dry"], ["--dry-run"]),
            (["--json", "registrations", ""], ["list", "diff"]), (["registrations", "diff", "o"], ["office"]),
            (["uplink", "use", ""], ["isp1", "isp2", "lte"]), (["uplink", "u"], ["use"]), (["trunk", "office", ""], ["itsp", "gsm"]),
            (["trunk", "nosuch", ""], []), (["trunk", "office", "itsp", "r"], ["register"]), (["fence", ""], ["n1", "n2", "w1", "confirm", "history"]),
            (["fence", "confirm", "n"], ["n1", "n2"]), (["replay", ""], ["\tfiles"]), (["report", "--config", "/"], ["\tfiles"]), (["-s", ""], ["\tfiles"]),
            (["--socket", "=", "x"], ["\tfiles"]), (["--j"], ["--json"]), (["help", "unst"], ["unstandby"]), (["check", "off"], ["office"]), (["nosuch", ""], []),
            (["pause", "x", "y", ""], ["--why"]), (["completion", ""], ["bash", "zsh", "words"]), (["why", "--", ""], ["office"]),
        ]
        for words, want in cases:
            self.assertEqual(sorted(self.complete("-s", self.path, *words)), sorted(want), words)
        commands = self.complete("")
        self.assertTrue({"status", "check", "top", "completion", "help"} <= set(commands))
        for command in commands:  # whatever the table has: an answer, and none that is not known
            for words in ([command, ""], [command, "--"], [command, "x", "y", "z", ""], [command, "--to"], [command, "-"]):
                self.complete("-s", self.path, *words)

    def test_completion_without_an_agent(self):
        """One that hangs costs a second, none at all nothing."""
        for hangs in (False, True):
            with socket.socket(socket.AF_UNIX) as listener:
                if hangs:
                    listener.bind(self.path)
                    listener.listen()
                begun = time.monotonic()
                done = self.hactl("completion", "words", "--", "-s", self.path, "why", "")
                took = time.monotonic() - begun
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
            self.assertLess(took, 4)

    def shell(self, *command):
        env = {**os.environ, "PATH": f"{os.path.dirname(os.path.abspath(HACTL))}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env, cwd=self.dir.name)
        self.assertEqual(done.stderr, "", command)
        return done.stdout.splitlines()

    def test_completion_in_bash(self):
        script = pathlib.Path(self.dir.name) / "bash"
        script.write_text(self.hactl("completion", "bash").stdout)
        pathlib.Path(self.dir.name, "my file.conf").write_text("")
        evil = {**model.WITH_UPLINKS, "groups": [{"name": "$(touch evil)"}, {"name": "*"}, {"name": "off ice"}]}
        cases = [(model.HEALTHY, ["hactl", "switchov"], ["switchover"]), (model.HEALTHY, ["hactl", "-s", self.path, "standby", "n"], ["n1", "n2"]),
                 (model.HEALTHY, ["hactl", "-s", self.path, "switchover", "office", "--to", "=", ""], ["n1", "n2", "w1"]),
                 (model.HEALTHY, ["hactl", "replay", "my"], ["my file.conf"]), (evil, ["hactl", "-s", self.path, "why", ""], ["$(touch evil)", "*", "off ice"])]
        for data, words, want in cases:
            quoted = " ".join("'" + w + "'" for w in words)
            line = f"source {script}; complete -p hactl >/dev/null; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _hactl; printf '%s\\n' \"${{COMPREPLY[@]}}\""
            agent = FakeAgent(self.path, {"status": model.ok(data)})
            try:
                self.assertEqual(self.shell("bash", "-c", line), want)
            finally:
                agent.close()
        self.assertEqual(sorted(os.listdir(self.dir.name)), ["bash", "my file.conf"])

    def test_completion_in_zsh(self):
        script = pathlib.Path(self.dir.name) / "_hactl"
        script.write_text(self.hactl("completion", "zsh").stdout)
        self.assertEqual(self.shell("zsh", "-n", str(script)), [])
        stubs = "_describe() { print -rl -- ${(P)2} }; _files() { print files };"
        for words, want in ((["hactl", "switchov"], "switchover:hand the group over"), (["hactl", "-s", self.path, "uplink", "use", "l"], "lte:uplink"),
                            (["hactl", "replay", ""], "files")):
            agent = FakeAgent(self.path, {"status": model.ok(model.WITH_UPLINKS)})
            quoted = " ".join(f"'{w}'" for w in words)
            try:
                out = self.shell("zsh", "-fc", f"source {script}; {stubs} words=({quoted}); CURRENT={len(words)}; _hactl")
            finally:
                agent.close()
            self.assertEqual(len(out), 1, out)
            self.assertTrue(out[0].startswith(want), out)

    def test_no_colour_in_a_pipe(self):
        self.assertNotIn("\033", self.config("check", "good.conf", "--corosync", str(self.COROSYNC / "good.conf")).stdout)


if __name__ == "__main__":
    unittest.main()
