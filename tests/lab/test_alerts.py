# SPDX-License-Identifier: GPL-2.0-or-later
"""Alerts of a real failover at real receivers; one that is dead for a time holds no other up and loses nothing; nor does kill -9."""
import json
import os
import re
import signal

import pytest
from ringlab import Lab, alerts, ringkeep
from ringlab.machine import wait_until
from ringlab.ringkeep import NOBODY

SECRET = "measured in the lab"
WEB, ALERTMANAGER, MAIL, SYSLOG = 8088, 9093, 4650, 5514

SECTIONS = """
role viewer {{ users = {{ "65534" }} }}
alerting {{ interval = 200ms settle = 1s stand-in = 3s }}
alert all {{ type = webhook url = "http://{host}:{web}/all" severity = info secret-file = "{dir}/secret" retry-max = 1s rate = 6000 burst = 1000 }}
alert few {{ type = webhook url = "http://{host}:{web}/few" severity = info events = command rate = 1 burst = 3 retry-max = 1s }}
alert hook {{ type = exec program = "{dir}/hook" severity = info rate = 6000 burst = 1000 }}
alert am {{ type = alertmanager url = "http://{host}:{am}" repeat = 1s retry-max = 1s }}
alert post {{ type = mail url = "smtps://{host}:{mail}" from = "ringkeep@example.com" to = {{ "noc@example.com", "boss@example.com" }}
    ca-file = "{dir}/mail.crt" retry-max = 1s }}
alert log {{ type = syslog address = {host} port = {syslog} severity = info rate = 6000 burst = 1000 }}
alert slow {{ type = exec program = "{dir}/slow" events = dns timeout = 300ms }}
certificate mail {{ file = "{dir}/mail.crt" }}
"""
HOOK = """#!/bin/sh
alert=$(cat)  # one write for each: the hook of a daemon that was killed goes on beside the next one's
printf '%s\\n' "$alert" >>{dir}/heard
echo "$RINGKEEP_ID $RINGKEEP_EVENT" >>{dir}/heard-env
"""


class Office:
    def __init__(self):
        self.lab, self.closing = Lab(), []
        self.dir = self.lab.root / "receivers"  # pytest's own directories are closed to the unprivileged
        self.dir.mkdir(mode=0o755)
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self):
        phones = self.lab.phones
        self.web = self._own(alerts.Web(phones, WEB, {"/all": SECRET}))
        self.mail = self._own(alerts.Smtps(phones, MAIL, self.dir))
        self.syslog = self._own(alerts.Syslog(phones, SYSLOG))
        self.am = self._own(alerts.Alertmanager(phones, ALERTMANAGER, self.dir))
        secret = self.dir / "secret"
        secret.write_text(SECRET + "\n")
        secret.chmod(0o600)
        os.chown(secret, *NOBODY)
        heard = self.dir / "heard"
        for path in (heard, self.dir / "heard-env"):
            path.touch()
            os.chown(path, *NOBODY)
        (self.dir / "hook").write_text(HOOK.format(dir=self.dir))
        (self.dir / "slow").write_text("#!/bin/sh\nsleep 60\n")
        for name in ("hook", "slow"):
            (self.dir / name).chmod(0o755)
        self.lab.start_cluster(timing=SECTIONS.format(host=alerts.HOST, web=WEB, am=ALERTMANAGER, mail=MAIL, syslog=SYSLOG, dir=self.dir))
        for node in self.lab.pbx_nodes:
            alerts.start(node)

    def _own(self, what):
        self.closing.append(what)
        return what

    def close(self):
        for what in self.closing:
            what.close()
        self.lab.close()

    # ---- what was received ----

    def heard(self):
        """By the hook: one JSON object a line."""
        return [json.loads(line) for line in (self.dir / "heard").read_text().splitlines() if line]

    def at_web(self, **wanted):
        return [a for a in self.web.alerts("/all") if all(a.get(k) == v for k, v in wanted.items())]

    def tell(self, node, times):
        """So many records of one node, each an alert."""
        for i in range(times):
            ringkeep.hactl(node, "pause" if i % 2 == 0 else "resume")


@pytest.fixture(scope="module")
def office():
    if os.geteuid() != 0:
        pytest.fail("the lab needs root")
    office = Office()
    yield office
    office.close()


@pytest.fixture()
def lab(office):
    """In order before each test, with both daemons running."""
    office.lab.restore()
    for node in office.lab.pbx_nodes:
        if "alertd" not in node.procs or not node.procs["alertd"].alive():
            alerts.start(node)
    yield office.lab


def records(node):
    return ringkeep.hactl(node, "history", "--count", "100")["records"]


def numbers(told, node):
    """Record numbers of what one node told of its own, in the order of arrival; in doubt another tells it, too."""
    found = [re.fullmatch(rf"record/{node}\.(\d+)", a["id"]) for a in told if a["told_by"] == node]
    return [int(m.group(1)) for m in found if m]


def test_a_failover_is_told_once_everywhere_and_its_end_too(office, lab):
    holder = lab.wait_settled()
    other = lab.n2 if holder is lab.n1 else lab.n1
    agent = other.agent.pid
    holder.power_off()
    taken = wait_until(lambda: office.at_web(event="takeover", severity="critical", node=other.name), 20, "the takeover at the webhook")[0]
    assert taken["group"] == "office" and taken["cluster"] == "lab" and taken["state"] == "event"
    assert f"the lease of {holder.name} ran out" in taken["text"], taken
    lost = wait_until(lambda: office.at_web(event="node", state="firing", node=holder.name), 20, "the lost node at the webhook")[0]
    assert lost["told_by"] == other.name
    for what, seen in (("the hook", lambda: [a for a in office.heard() if a["id"] == taken["id"]]),
                       ("mail", lambda: [m for m in office.mail.mails if taken["id"] in m.get_payload()]),
                       ("syslog", lambda: [line for line in office.syslog.lines if f'id="{taken["id"]}"' in line])):
        told = wait_until(seen, 20, f"the takeover by {what}")
        assert len(told) == 1, (what, told)
    mail = next(m for m in office.mail.mails if taken["id"] in m.get_payload())
    assert mail["Subject"].startswith("[lab] critical takeover: ") and mail["To"].replace("\r\n", "") == "<noc@example.com>, <boss@example.com>"
    assert f"{taken['id']} takeover\n" in (office.dir / "heard-env").read_text()
    line = next(line for line in office.syslog.lines if taken["id"] in line)
    assert re.match(r"<26>1 \d{4}-\d\d-\d\dT[\d:.]+Z n\d ringkeep-alertd \d+ takeover \[ringkeep@32473 id=", line), line
    names = wait_until(lambda: (n := office.am.names()) and "RingkeepTakeover" in n and "RingkeepNode" in n and n, 20, "both at Alertmanager", 0.1)
    assert names["RingkeepNode"]["node"] == holder.name and names["RingkeepNode"]["severity"] == "critical"
    holder.power_on()
    alerts.start(holder)
    over = wait_until(lambda: office.at_web(event="node", state="resolved", node=holder.name), 30, "its return at the webhook")
    assert over[0]["key"] == lost["key"]
    wait_until(lambda: "RingkeepNode" not in office.am.names(), 20, "its end at Alertmanager", 0.1)
    ids = [a["id"] for a in office.at_web(told_by=other.name)]
    assert len(ids) == len(set(ids)), f"told twice: {ids}"
    assert office.web.unsigned == 0
    assert other.agent.pid == agent and other.agent.alive()


def test_a_dead_pbx_and_its_end_are_told(office, lab):
    holder = lab.wait_settled()
    before = len(office.web.posts)
    holder.pbx.kill_all()

    def told(**wanted):
        return [a for _, a in office.web.posts[before:] if all(a.get(k) == v for k, v in wanted.items())]
    gone = wait_until(lambda: told(event="letgo", severity="critical"), 20, "that the holder let go")
    assert gone[0]["node"] == holder.name and "its PBX died" in gone[0]["text"]
    wait_until(lambda: told(event="takeover"), 20, "who took over")
    dead = wait_until(lambda: told(event="pbx", state="firing"), 20, "the dead PBX")
    assert dead[0]["node"] == holder.name and dead[0]["group"] == "office"
    holder.start_pbx()
    over = wait_until(lambda: told(event="pbx", state="resolved"), 30, "its end")
    assert over[0]["key"] == dead[0]["key"] and over[0]["since"] == dead[0]["since"]


def test_a_node_with_another_key_and_configuration_is_told(office, lab):
    holder = lab.wait_settled()
    other = lab.n2 if holder is lab.n1 else lab.n1
    before = len(office.web.posts)
    other.agent.end()
    (other.state / "node.key").unlink()  # restore() gives it back
    key = ringkeep.make_key(other)
    other.conf.write_text(other.conf.read_text().replace(lab.keys[other.name], key))
    other.start_agent()

    def told(**wanted):
        return [a for _, a in office.web.posts[before:] if all(a.get(k) == v for k, v in wanted.items())]
    alert = wait_until(lambda: told(event="authentication", node=holder.name), 20, "a pulse that does not authenticate")
    assert alert[0]["severity"] == "critical" and other.name in alert[0]["text"]
    wait_until(lambda: told(event="node", state="firing", node=other.name), 20, "a node that is not heard")


def test_a_certificate_that_ends_soon_is_told(office, lab):
    told = wait_until(lambda: office.at_web(event="certificate"), 10, "the certificate")
    assert {a["node"] for a in told} <= {"n1", "n2"} and told[0]["severity"] == "critical" and " ends on 20" in told[0]["text"]


def test_an_alertmanager_that_has_forgotten_everything_is_told_again_what_goes_on(office, lab):
    wait_until(lambda: "RingkeepCertificate" in office.am.names(), 20, "the certificate at Alertmanager", 0.1)
    office.am.close()
    office.am.start()
    wait_until(lambda: "RingkeepCertificate" in office.am.names(), 30, "the certificate once more", 0.1)


def test_a_dead_receiver_holds_no_other_up_and_gets_all_in_order_when_it_is_back(office, lab):
    node = lab.wait_settled()
    office.web.die()
    office.tell(node, 10)
    wanted = [r["number"] for r in records(node) if r["node"] == node.name and r["type"] == "command"][-10:]
    wait_until(lambda: set(wanted) <= set(numbers(office.heard(), node.name)), 20, "the hook, while the webhook is dead")
    wait_until(lambda: len(alerts.waiting(node, "all")) >= 10, 10, "ten that wait")
    office.web.start()
    wait_until(lambda: not alerts.waiting(node, "all"), 20, "an empty queue")
    assert [n for n in numbers(office.at_web(), node.name) if n in wanted] == wanted
    assert [n for n in numbers(office.heard(), node.name) if n in wanted] == wanted


def test_kill_9_loses_nothing(office, lab):
    node = lab.wait_settled()
    office.web.die()
    first = office.heard()
    for round_ in range(4):
        office.tell(node, 4)
        if round_ == 1:
            wait_until(lambda: alerts.waiting(node, "all"), 10, "something that waits")
        node.procs["alertd"].kill()
        node.procs["alertd"].wait()
        office.tell(node, 2)
        alerts.start(node)
    office.web.start()
    wait_until(lambda: ringkeep.joined(node), 20, "the agent")
    wanted = [r["number"] for r in records(node) if r["node"] == node.name and r["type"] == "command"][-24:]
    wait_until(lambda: set(wanted) <= set(numbers(office.at_web(), node.name)), 30,
               lambda: f"records {wanted}; told are {numbers(office.at_web(), node.name)}")
    wait_until(lambda: set(wanted) <= set(numbers(office.heard(), node.name)), 30, "the same at the hook")
    told = [n for n in numbers(office.at_web(), node.name) if n in wanted]
    once = list(dict.fromkeys(told))
    assert once == sorted(once), f"not in order: {told}"
    assert len(told) - len(once) <= 4, f"one per kill may come twice: {told}"
    assert len(office.heard()) > len(first)


def test_what_a_node_wrote_before_it_died_is_told_by_another(office, lab):
    holder = lab.wait_settled()
    other = lab.n2 if holder is lab.n1 else lab.n1
    other.procs["alertd"].kill()
    before = set(numbers(office.at_web(), other.name))
    office.tell(other, 2)
    number = max(r["number"] for r in records(other) if r["node"] == other.name and r["type"] == "command")
    wait_until(lambda: number in [r["number"] for r in records(holder) if r["node"] == other.name], 10, "its record on the other node")
    other.power_off()
    told = wait_until(lambda: office.at_web(id=f"record/{other.name}.{number}"), 20, "what the dead node wrote")
    assert number not in before and told[0]["node"] == other.name and told[0]["told_by"] == holder.name


def test_a_flood_is_summarized(office, lab):
    node = lab.wait_settled()
    start, path, agent = len(office.web.alerts("/few")), "/few", node.agent.pid
    sent = 30
    office.tell(node, sent)

    def summary():
        return [a for a in office.web.alerts(path)[start:] if a["event"] == "held-back"]
    text = wait_until(summary, 30, "the summary")[-1]["text"]
    single = [a for a in office.web.alerts(path)[start:] if a["event"] == "command"]
    held = sum(int(re.match(r"(\d+) alert", a["text"]).group(1)) for a in summary())
    assert len(single) < sent and held >= sent - len(single), (len(single), held, text)
    assert "command" in text
    assert node.agent.pid == agent and node.agent.alive()


def test_each_receiver_can_be_tried_and_a_wrong_certificate_is_refused(office, lab):
    node = lab.n1

    def alertd(*words):
        return node.run("setpriv", f"--reuid={NOBODY[0]}", f"--regid={NOBODY[1]}", "--clear-groups", *map(str, alerts.command(node, *words)))
    for name, answer in (("all", "204"), ("hook", "exit code 0"), ("am", "200"), ("post", "250 ok"), ("log", "sent")):
        done = alertd("--test", name)
        assert done.returncode == 0 and answer in done.stdout, (name, done.stdout, done.stderr)
    assert any(m["Subject"].startswith("[lab] info test: ") for m in office.mail.mails)
    office.web.status = 500
    done = alertd("--test", "all")
    office.web.status = 204
    assert done.returncode == 1 and "status 500" in done.stderr, done.stderr
    right = node.conf.read_text()
    node.conf.write_text(right.replace(f'ca-file = "{office.dir}/mail.crt"', ""))
    done = alertd("--test", "post")
    node.conf.write_text(right)
    assert done.returncode == 1 and "certificate" in done.stderr, done.stderr
    secret = office.dir / "secret"
    secret.chmod(0o644)
    done = alertd("--test", "all")
    secret.chmod(0o600)
    assert done.returncode == 1 and "chmod 600" in done.stderr, done.stderr
    done = alertd("--test", "slow")
    assert done.returncode == 1 and "killed: it took too long" in done.stderr, done.stderr
    assert alertd("--test", "nobody").returncode == 1


def test_what_a_receiver_refuses_for_good_holds_nothing_up_and_is_counted(office, lab):
    node = lab.wait_settled()
    before = len(office.web.posts)
    office.web.status = 400
    office.tell(node, 1)
    wait_until(lambda: alerts.waiting(node, "all"), 10, "an alert that waits")
    wait_until(lambda: not alerts.waiting(node, "all"), 30, "its end")
    office.web.status = 204
    told = wait_until(lambda: [a for a in office.web.alerts("/all") if a["event"] == "held-back"], 30, "the summary")
    assert re.search(r"[1-9]\d* of them waited in vain", told[-1]["text"]), told
    ringkeep.hactl(node, "resume")
    wait_until(lambda: [a for _, a in office.web.posts[before:] if a["event"] == "command"], 10, "the next one")


def test_a_reload_adds_a_receiver_and_a_faulty_file_changes_nothing(office, lab):
    node = lab.wait_settled()
    right = node.conf.read_text()
    try:
        node.conf.write_text(right + f'alert new {{ type = webhook url = "http://{alerts.HOST}:{WEB}/new" severity = info events = command }}\n')
        node.agent.send(signal.SIGHUP)  # as the agent reads it again, so does it
        wait_until(lambda: (node.dir / "alerts" / "queue" / "new").is_dir(), 10, "the new receiver's queue")
        node.conf.write_text(right + "alert broken { }\n")
        node.procs["alertd"].send(signal.SIGHUP)
        office.tell(node, 2)
        wait_until(lambda: len(office.web.alerts("/new")) >= 2, 10, "two at the new receiver")
    finally:
        node.conf.write_text(right)
        node.agent.send(signal.SIGHUP)


def test_an_agent_that_is_gone_is_told(office, lab):
    holder = lab.wait_settled()
    other = lab.n2 if holder is lab.n1 else lab.n1
    before = len(office.web.posts)

    def told(state):
        return [a for _, a in office.web.posts[before:] if a["event"] == "agent" and a["state"] == state and a["node"] == other.name]
    other.agent.end()
    gone = wait_until(lambda: told("firing"), 30, "that the agent is gone")
    assert gone[0]["severity"] == "critical" and "cannot be reached" in gone[0]["text"]
    other.start_agent()
    assert wait_until(lambda: told("resolved"), 30, "its return")[0]["key"] == gone[0]["key"]
