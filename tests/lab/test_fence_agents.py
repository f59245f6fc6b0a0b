# SPDX-License-Identifier: GPL-2.0-or-later
"""ringkeep-fence-call with agents that misbehave, and with real agents against BMCs and a PDU that lie, hang and die. Where an agent says something that is
not so, the test says that it does: what may be believed is the decider's business (docs/FENCING.md, "What is proof")."""
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading
import time

import pytest

from ringlab import bmc, pdu, redfish
from ringlab.bmc import Bmc
from ringlab.fencing import Call, agents, call
from ringlab.machine import Machine, wait_until
from ringlab.netns import inside
from ringlab.paths import program
from ringlab.pdu import Pdu
from ringlab.power import Rack, Supply
from ringlab.redfish import Redfish

ON, OFF, FAILED = ("ok", 0), ("off", 2), ("failed", 1)
STRANGER = 61234  # a user that nobody is


class Site:
    """n1 with a BMC, Redfish and both supplies at the PDU's outlets 1 and 2; n2 with Redfish and outlet 3; outlet 4 is empty."""

    def __init__(self, root):
        self.root = root
        self.rack = Rack(root)
        self.n1, self.n2 = Machine(root, "n1"), Machine(root, "n2")
        self.s1, self.s2 = Supply(self.n1, feeds=2), Supply(self.n2)
        self.bmc = Bmc(self.rack, self.s1)
        self.redfish = Redfish(self.rack, [self.s1, self.s2])
        self.pdu = Pdu(self.rack, [(self.s1, 0), (self.s1, 1), (self.s2, 0), None])
        self._cables = dict(self.pdu.cables)
        for name, secret in (("bmc", bmc.ADMIN_PASSWORD), ("viewer", bmc.VIEWER_PASSWORD), ("redfish", redfish.PASSWORD), ("pdu", pdu.COMMUNITY),
                             ("wrong", "not-the-password")):
            self.secret(name, secret)

    def secret(self, name, text, mode=0o600):
        path = self.root / f"{name}.secret"
        path.unlink(missing_ok=True)
        path.touch(mode=mode)
        path.write_text(text + "\n")
        return path

    def reset(self):
        self.bmc.fault = None
        if not self.bmc.proc.alive():
            self.bmc.start()
        self.redfish.faults.clear()
        self.pdu.faults.clear()
        self.pdu.cables.update(self._cables)
        for supply in (self.s1, self.s2):
            supply.switch(True)
            supply.orders.clear()
        for outlet in self.pdu.relays:
            self.pdu.relays[outlet] = True

    def script(self, text, name="agent", mode=0o755):
        path = self.root / name
        path.write_text(f"#!/bin/bash\n{text}\n")
        path.chmod(mode)
        return path

    def ipmi(self, action, password="bmc", timeout_ms=20000, **parameters):
        return call(self.rack, "fence_ipmilan", action, self.bmc.parameters(**parameters), password=self.root / f"{password}.secret", timeout_ms=timeout_ms)

    def apc(self, action, plug, password="pdu", **parameters):
        return call(self.rack, "fence_apc_snmp", action, self.pdu.parameters(**parameters), plug=plug, password=self.root / f"{password}.secret",
                    password_parameter="community", timeout_ms=30000)

    def rf(self, action, name="n1", password="redfish", timeout_ms=20000, **parameters):
        return call(self.rack, "fence_redfish", action, self.redfish.parameters(name, **parameters), password=self.root / f"{password}.secret",
                    timeout_ms=timeout_ms)

    def close(self):
        self.rack.close()
        for machine in (self.n1, self.n2):
            machine.power_off()


@pytest.fixture(scope="module")
def whole_site():
    if os.geteuid() != 0:
        pytest.fail("the lab needs root: namespaces")
    root = pathlib.Path(tempfile.mkdtemp(prefix=f"ringlab-{os.getpid()}-", dir="/tmp"))
    root.chmod(0o755)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, root, ignore_errors=True)
        site = Site(root)
        stack.callback(site.close)
        yield site


@pytest.fixture()
def site(whole_site):
    whole_site.reset()
    yield whole_site


def ends(answer):
    return answer.answer, answer.code


# ---- agents


def test_an_agent_that_hangs_is_killed_at_its_deadline(site):
    done = call(site.rack, site.script("echo before; echo why >&2; sleep 60"), "off", timeout_ms=800)
    assert ends(done) == ("timeout", 0) and done.said == "why"
    assert 800 <= done.took_ms < 6000


def test_no_grandchild_shoots_late(site):
    """A child with a session of its own that ignores TERM shoots two seconds after the agent's deadline, unless it is dead by then."""
    shot = site.root / "shot"
    agent = site.script(f"setsid bash -c 'trap \"\" TERM HUP; sleep 2; touch {shot}' & disown; trap '' TERM; sleep 60")
    running = Call(site.rack, agent, "off", timeout_ms=1000)
    wait_until(lambda: len(running.family()) >= 5, 5, "the grandchild")  # program, init, agent, setsid's bash, sleeps
    family = running.family()
    assert running.wait().answer == "timeout"
    assert not [pid for pid in family if pathlib.Path(f"/proc/{pid}").exists()]
    time.sleep(2)
    assert not shot.exists()
    # The same without a deadline in the way: it would have.
    done = call(site.rack, site.script(f"setsid bash -c 'touch {shot}' & wait"), "off")
    assert ends(done) == ON and shot.exists()
    shot.unlink()


def test_what_an_agent_leaves_behind_dies_with_it(site):
    """An agent that says "done" and leaves something running."""
    shot = site.root / "shot"
    done = call(site.rack, site.script(f"setsid bash -c 'sleep 1; touch {shot}' >/dev/null 2>&1 </dev/null & exit 0"), "off")
    assert ends(done) == ON
    time.sleep(1.5)
    assert not shot.exists()


def test_a_late_shot_of_ipmitool_is_killed(site):
    """The agent is killed while its ipmitool waits for the BMC, which hangs, and then goes on: nobody repeats the order."""
    site.bmc.hang()
    try:
        done = site.ipmi("off", timeout_ms=1500)
    finally:
        site.bmc.go_on()
    assert done.answer == "timeout"
    time.sleep(2)
    assert site.s1.orders == [] and site.n1.up()


def test_a_shot_that_is_in_the_bmc_already_hits_after_the_timeout(site):
    """What nobody can take back: "timeout" is not "not fenced"."""
    site.bmc.fault = ("delay", 2)
    done = site.ipmi("off", timeout_ms=1000)
    assert done.answer == "timeout" and site.n1.up()
    wait_until(lambda: not site.n1.up(), 10, "the late shot")


def test_a_call_is_over_when_nobody_wants_its_answer(site):
    for how in ("stdin", "kill"):
        running = Call(site.rack, site.script("trap '' TERM; setsid sleep 60"), "off", timeout_ms=60000)
        wait_until(lambda: len(running.family()) >= 4, 5, "the agent")
        family = running.family()
        if how == "stdin":
            running.cancel()
        else:
            os.kill(family[0], 9)
        wait_until(lambda: not [pid for pid in family if pathlib.Path(f"/proc/{pid}").exists()], 5, f"all to be dead after {how}")
        assert running.wait() is None


def test_a_flood_is_cut_and_the_deadline_holds(site):
    done = call(site.rack, site.script("yes noise"), "metadata", timeout_ms=1500)
    assert done.answer == "timeout" and len(done.output) == 65536
    assert 1500 <= done.took_ms < 8000
    done = call(site.rack, site.script("for i in {1..40000}; do echo progress $i >&2; done; echo the reason >&2; exit 1"), "off")
    assert ends(done) == FAILED


def test_agents_that_cannot_be_run(site):
    done = call(site.rack, "/usr/sbin/fence_nosuch", "off")
    assert ends(done) == ("broken", 0) and "No such file or directory; install the package fence-agents" in done.said
    done = call(site.rack, site.script("exit 0", mode=0o644), "off")
    assert ends(done) == ("broken", 0) and "make it executable" in done.said
    path = site.root / "agent"
    path.write_text("#!/nosuch/interpreter\n")
    path.chmod(0o755)
    assert call(site.rack, path, "off").answer == "broken"
    path.write_text("no program at all\n")
    assert call(site.rack, path, "off").answer == "broken"


def test_exit_codes(site):
    """2 is "off" for status alone: for an off it is what a usage error gives."""
    for code, action, expected in ((0, "off", ON), (1, "off", FAILED), (2, "off", ("broken", 2)), (2, "status", OFF), (2, "monitor", OFF),
                                   (3, "status", ("broken", 3)), (127, "off", ("broken", 127)), (255, "status", ("broken", 255))):
        assert ends(call(site.rack, site.script(f"exit {code}"), action)) == expected, (code, action)
    assert ends(call(site.rack, site.script("kill -SEGV $$"), "off")) == ("broken", -11)


def test_what_cannot_be_started_for_want_of_processes(site):
    """fork(2) gives EAGAIN, for the namespace's init or for the agent."""
    agent = site.script("exit 0")
    own = site.root / "fence-call"
    shutil.copy2(program("fencing", "ringkeep-fence-call"), own)
    own.chmod(0o755)
    for limit, answer in ((1, "broken"), (2, "broken"), (50, "ok")):
        prefix = ["setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups", "prlimit", f"--nproc={limit}:{limit}"]
        done = call(site.rack, agent, "off", prefix=prefix, command=own)
        assert done.answer == answer, (limit, done)
        if answer == "broken":
            assert "Resource temporarily unavailable" in done.said, done


def test_without_privileges_the_namespace_is_the_users(site):
    agent = site.script("[ $$ -lt 10 ] || exit 7; setsid sleep 61 & exit 0")
    own = site.root / "fence-call"
    shutil.copy2(program("fencing", "ringkeep-fence-call"), own)
    for prefix in (["setpriv", f"--reuid={STRANGER}", "--clear-groups"], ["setpriv", "--bounding-set=-all"]):
        assert ends(call(site.rack, agent, "off", prefix=prefix, command=own)) == ON, prefix


# ---- hactl config check


CONFIGURATION = """cluster = lab
node n1 {{ id = 1 public-key = "rk1:{a}" link l {{ address = 10.0.0.1 }} fence-level 1 {{ devices = {{ bmc }} }}
    fence-level 2 {{ devices = {{ pdu-a, pdu-b }} }} fence-level 3 {{ devices = {{ redfish }} }} }}
fence-device bmc {{ agent = "{agents}/fence_ipmilan" parameters = {{ "ip=10.0.0.9", "username=admin", "cipher=17", "lanplus=1" }}
    password-file = "{secret}" target n1 {{ }} }}
fence-device pdu-a {{ agent = "{agents}/fence_apc_snmp" parameters = {{ "ip=10.0.0.8" }} password-file = "{secret}" password-parameter = community
    target n1 {{ plug = 1 }} }}
fence-device pdu-b {{ agent = "{agents}/fence_apc_snmp" parameters = {{ "ip=10.0.0.8" }} password-file = "{secret}" password-parameter = community
    target n1 {{ plug = 2 }} }}
fence-device redfish {{ agent = "{agents}/fence_redfish" parameters = {{ "ip=10.0.0.7", "username=admin", "systems_uri=/redfish/v1/Systems/1" }}
    password-file = "{secret}" target n1 {{ }} }}
"""


def test_config_check_asks_the_real_agents(site):
    good = CONFIGURATION.format(a="A" * 86, agents=agents(), secret=site.root / "bmc.secret")
    conf = site.root / "ringkeep.conf"
    env = {**os.environ, "RINGKEEP_LIBEXEC": program("fencing", "")}

    def check(text):
        conf.write_text(text)
        done = subprocess.run([program("hactl", "hactl"), "config", "check", conf, "--corosync", site.root / "none"], capture_output=True, text=True,
                              env=env, timeout=120)
        return done.returncode, done.stderr, [line for line in done.stdout.splitlines() if line.startswith(f"note: {conf}")]
    assert check(good) == (0, "", [])
    for old, new, word in (("lanplus=1", "lan-plus=1", "fence_ipmilan knows no parameter lan-plus; did you mean lanplus?"),
                           ("ip=10.0.0.9", "ipport=623", "You have to enter fence address"),  # validate-all: its metadata does not say so
                           ("{ plug = 2 }", "{ }", "fence_apc_snmp needs a plug"),
                           ("plug = 2", 'plug = "2,3"', "of several plugs fence_apc_snmp turns off the first one"),
                           ("fence_redfish", "fence_kdump", "has no action status")):
        assert old in good
        code, errors, _ = check(good.replace(old, new, 1))
        assert code == 1 and word in errors, (new, errors)
    notes = check(good.replace('"cipher=17", ', "").replace(", \"systems_uri=/redfish/v1/Systems/1\"", ', "ssl_insecure=0"'))
    assert notes[:2] == (0, "") and len(notes[2]) == 3, notes


# ---- secrets


def test_secrets_are_nowhere(site):
    """Not in arguments and environments of what runs, not in what it says, even if the agent repeats them."""
    secret = "Zx9-geheim"
    agent = site.script("request=$(cat); echo \"$request\"; echo \"ERROR: $request\" >&2; sleep 1; exit 1")
    running = Call(site.rack, agent, "off", {"ip": "10.0.0.1", "snmp_priv_passwd": "second-secret"}, password=site.secret("told", secret))
    wait_until(lambda: len(running.family()) >= 4, 5, "the agent to sleep")
    seen = b""
    for pid in running.family():
        with contextlib.suppress(OSError):
            seen += pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() + pathlib.Path(f"/proc/{pid}/environ").read_bytes()
    done = running.wait()
    assert b"agent" in seen and secret.encode() not in seen and b"second-secret" not in seen
    assert ends(done) == FAILED
    assert "ip=10.0.0.1" in done.said and "password=**********" in done.said and "snmp_priv_passwd=*************" in done.said
    assert secret not in done.said


def test_secrets_of_a_real_agent_are_not_in_what_we_start(site):
    """fence_ipmilan gives ipmitool the password as an argument, which ipmitool overwrites at its start; we give it to nobody that way."""
    site.bmc.fault = ("slow", 0.5)
    running = Call(site.rack, "fence_ipmilan", "status", site.bmc.parameters(verbose=1, ipmitool_timeout=2), password=site.root / "bmc.secret")
    seen, names = b"", set()
    while running.proc.poll() is None:
        for pid in running.family():
            with contextlib.suppress(OSError):
                line = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
                if b"ipmitool" not in line:
                    seen += line + pathlib.Path(f"/proc/{pid}/environ").read_bytes()
                    names.add(pathlib.Path(f"/proc/{pid}/comm").read_text().strip())
        time.sleep(0.02)
    done = running.wait()
    assert ends(done) == ON, done
    assert {"ringkeep-fence-", "fence-init"} <= names and b"fence_ipmilan" in seen, names
    assert bmc.ADMIN_PASSWORD.encode() not in seen
    assert bmc.ADMIN_PASSWORD not in done.said


def test_password_files_that_are_refused(site):
    agent = site.script("exit 0")
    for name, text, mode, word in (("group", "x", 0o640, "chmod 600"), ("others", "x", 0o604, "chmod 600"), ("empty", "", 0o600, "empty"),
                                   ("lines", "a\nb", 0o600, "one line"), ("long", "x" * 300, 0o600, "255")):
        path = site.secret(name, text, mode)
        path.chmod(mode)
        done = call(site.rack, agent, "off", password=path)
        assert ends(done) == ("broken", 0) and word in done.said and str(path) in done.said, (name, done)
    done = call(site.rack, agent, "off", password=site.root)
    assert done.answer == "broken"
    assert ends(call(site.rack, agent, "off", password=site.secret("good", "x"))) == ON


# ---- a BMC


def test_bmc_status_off_on(site):
    assert ends(site.ipmi("status")) == ON
    assert ends(site.ipmi("monitor")) == ON
    assert site.n1.up()
    assert ends(site.ipmi("off")) == ON and not site.n1.up()
    assert ends(site.ipmi("status")) == OFF
    assert ends(site.ipmi("off")) == ON  # "Already OFF"
    assert ends(site.ipmi("on")) == ON and site.n1.up()
    assert ends(site.ipmi("reboot")) == ON
    wait_until(site.n1.up, 10, "n1 to boot")
    assert [order for _, order in site.s1.orders] == ["off", "on", "off", "on"]


def test_bmc_credentials(site):
    """An account that may look and not touch: monitoring is fine, and the shot fails."""
    assert ends(site.ipmi("off", password="wrong")) == FAILED
    viewer = {"username": bmc.VIEWER, "privlvl": "user"}
    assert ends(site.ipmi("monitor", password="viewer", **viewer)) == ON
    assert ends(site.ipmi("status", password="viewer", **viewer)) == ON
    assert ends(site.ipmi("off", password="viewer", **viewer)) == FAILED
    assert site.n1.up() and site.s1.orders == []


def test_bmc_that_is_not_there(site):
    site.bmc.die()  # its port is closed, as after a reset of the BMC
    assert ends(site.ipmi("off")) == FAILED
    assert ends(site.ipmi("off", ip="192.0.2.1")) == FAILED  # no route
    site.bmc.start()
    assert ends(site.ipmi("status")) == ON and site.n1.up()


def test_bmc_that_hangs(site):
    """The agent gives up by itself, or is killed: what comes first."""
    site.bmc.hang()
    try:
        assert site.ipmi("off", timeout_ms=1000).answer == "timeout"
        assert ends(site.ipmi("status", timeout_ms=20000)) == FAILED
    finally:
        site.bmc.go_on()
    wait_until(lambda: ends(site.ipmi("status")) == ON, 20, "the BMC to answer again")
    assert site.n1.up()


def test_bmc_that_is_slow(site):
    site.bmc.fault = ("slow", 0.6)
    done = site.ipmi("off", ipmitool_timeout=4)
    assert ends(done) == ON and not site.n1.up() and done.took_ms > 1200


def test_bmc_that_does_nothing(site):
    site.bmc.fault = "noop"
    done = site.ipmi("off", power_timeout=2)
    assert ends(done) == FAILED and site.n1.up(), done


def test_bmc_that_fails(site):
    site.bmc.fault = "fail"
    assert ends(site.ipmi("off", power_timeout=2)) == FAILED and site.n1.up()


def test_bmc_that_carries_it_out_later(site):
    site.bmc.fault = ("delay", 1.5)
    done = site.ipmi("off", power_timeout=10)
    assert ends(done) == ON and not site.n1.up() and done.took_ms > 1500


def test_bmc_that_lies(site):
    """rc 0 and a live node: the agent believes its device. A device that never said "on" is no witness."""
    site.bmc.fault = "lie-off"
    assert ends(site.ipmi("off")) == ON and site.n1.up()
    assert ends(site.ipmi("status")) == OFF and site.n1.up()
    site.bmc.fault = "lie-on"
    assert ends(site.ipmi("off", power_timeout=2)) == FAILED and not site.n1.up()


def test_two_masters_at_once(site):
    calls = [Call(site.rack, "fence_ipmilan", "off", site.bmc.parameters(), password=site.root / "bmc.secret") for _ in range(2)]
    assert [ends(c.wait()) for c in calls] == [ON, ON]
    assert not site.n1.up()


# ---- a PDU


def test_pdu_status_off_on(site):
    assert ends(site.apc("status", 3)) == ON
    assert ends(site.apc("monitor", 3)) == ON
    assert ends(site.apc("off", 3)) == ON and not site.n2.up() and site.n1.up()
    assert ends(site.apc("status", 3)) == OFF
    assert ends(site.apc("on", 3)) == ON and site.n2.up()


def test_pdu_wrong_community(site):
    assert ends(site.apc("off", 3, password="wrong")) == FAILED and site.n2.up()


def test_pdu_relay_that_sticks(site):
    site.pdu.faults[3] = "stuck"
    assert ends(site.apc("off", 3, power_timeout=2)) == FAILED and site.n2.up()


def test_pdu_that_lies(site):
    site.pdu.faults[3] = "lie"
    assert ends(site.apc("off", 3)) == ON and site.n2.up()


def test_pdu_with_crossed_cables(site):
    """The relay is off, and the wrong machine with it."""
    site.pdu.swap(2, 3)
    site.s1.switch(False, 0)  # n1 runs on one supply
    assert ends(site.apc("off", 3)) == ON and site.n2.up() and not site.n1.up()


def test_pdu_with_one_supply_left_on(site):
    """A node with two supplies needs two devices in its level. The API's "several plugs with commas" is not for fence_apc_snmp: it looks the outlet up
    once, turns the first one off, asks the first one again for each, and says that all are off."""
    assert ends(site.apc("off", 1)) == ON and site.n1.up()
    assert ends(site.apc("off", 2)) == ON and not site.n1.up()
    site.reset()
    assert ends(site.apc("off", "1,2")) == ON and site.n1.up() and site.pdu.relays[2]


def test_pdu_outlet_that_is_not_there(site):
    """Version 1 says so; under version 2c the agent takes it for off, and the "off" for done."""
    assert ends(site.apc("off", 9)) == FAILED
    assert ends(site.apc("status", 9)) == FAILED
    assert ends(site.apc("off", 9, snmp_version="2c")) == ON
    assert ends(site.apc("status", 9, snmp_version="2c")) == OFF
    assert site.n1.up() and site.n2.up()


def test_pdu_that_hangs(site):
    site.pdu.hang()
    try:
        assert ends(site.apc("off", 3)) == FAILED and site.n2.up()
    finally:
        site.pdu.go_on()


# ---- Redfish


def test_redfish_status_off_on(site):
    assert ends(site.rf("status")) == ON
    assert ends(site.rf("monitor")) == ON
    assert ends(site.rf("off")) == ON and not site.n1.up() and site.n2.up()
    assert ends(site.rf("status")) == OFF
    assert ends(site.rf("on")) == ON and site.n1.up()


def test_redfish_faults(site):
    assert ends(site.rf("off", password="wrong")) == FAILED
    for fault in ("http500", "badjson"):
        site.redfish.faults["n1"] = fault
        done = site.rf("off")
        assert ends(done) == FAILED, (fault, done)
    site.redfish.faults["n1"] = "noop"
    assert ends(site.rf("off", power_timeout=2)) == FAILED
    assert site.n1.up() and site.s1.orders == []
    site.redfish.faults["n1"] = "lie-off"
    assert ends(site.rf("off")) == ON and site.n1.up()


def test_redfish_without_end(site):
    """The agent waits for an answer without any limit of its own."""
    site.redfish.faults["n1"] = ("slow", 6)
    done = site.rf("off", timeout_ms=2500)
    assert done.answer == "timeout" and 2500 <= done.took_ms < 8000 and site.n1.up()


def test_redfish_without_tls(site):
    """Something else on the port; and a certificate that nobody knows, where that matters."""
    with inside(f"/proc/{site.rack.pid}/ns/net"):
        listener = socket.create_server(("127.0.0.1", 8443))

    def answer():
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                with peer, contextlib.suppress(OSError):
                    peer.sendall(b"220 not what you think\r\n")
    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        done = site.rf("off", ipport=8443)
        assert done.answer == "failed", done
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
    parameters = site.redfish.parameters("n1")
    del parameters["ssl_insecure"]
    done = call(site.rack, "fence_redfish", "off", parameters, password=site.root / "redfish.secret")
    assert done.answer == "failed" and site.n1.up(), done
    # And a trap: the agent only looks whether ssl_insecure is there, so that 0 means yes.
    assert ends(site.rf("off", ssl_insecure=0)) == ON and not site.n1.up()


def test_redfish_without_a_system_takes_the_last(site):
    """Who leaves systems_uri out of a chassis with many nodes shoots the wrong one."""
    assert ends(site.rf("off", name=None)) == ON
    assert site.n1.up() and not site.n2.up()
