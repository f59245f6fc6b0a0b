# SPDX-License-Identifier: GPL-2.0-or-later
"""Every adapter against the rules of docs/adapter-protocol.md, and the example in Python with two real Kamailios."""
import os
import subprocess

import pytest

from pbxlab import Site
from pbxlab.adapter import Adapter, mirror
from pbxlab.freeswitch_peer import FreeSwitch
from pbxlab.site import VIP
from ringlab.machine import wait_until
from ringlab.paths import ROOT, program

EXAMPLES = ROOT / "packaging" / "examples" / "adapter"
EXAMPLE = str(EXAMPLES / "ringkeep-adapter-kamailio.py")
PASSWORD = "lab password"


def check(*arguments, ns=None):
    """Starts the checker; its result is read later, so that several run at the same time."""
    return subprocess.Popen([*(["ip", "netns", "exec", ns] if ns else []), EXAMPLES / "ringkeep-adapter-check", *map(str, arguments)],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def passes(name, child):
    output, _ = child.communicate(timeout=150)
    assert child.returncode == 0, f"{name} breaks the protocol:\n{output}"
    assert output.count("\nok ") >= 12, output
    return output


def secret_file(directory):
    (directory / "secret").touch(mode=0o600)
    (directory / "secret").write_text(PASSWORD + "\n")


def options(settings):
    return [word for name, value in settings.items() for word in ("--setting", f"{name}={value}")]


def test_every_adapter_keeps_the_rules_without_its_pbx(tmp_path):
    """Nothing answers them: that is no excuse."""
    secret_file(tmp_path)
    nobody = {"probe-address": "127.0.0.1", "sip-port": "9"}
    cases = {
        "sip": nobody,
        "kamailio": {**nobody, "rpc": f"unixgram:{tmp_path}/none", "uplink-table": "rkuplink", "sync": "udp:127.0.0.1:9", "evapi": "tcp:127.0.0.1:9"},
        "freeswitch": {**nobody, "event-socket": "tcp:127.0.0.1:9", "password-file": tmp_path / "secret"},
        "asterisk": {**nobody, "ami": "tcp:127.0.0.1:9", "ami-user": "rk", "ami-secret-file": tmp_path / "secret", "ari": "http://127.0.0.1:9/ari",
                     "ari-user": "rk", "ari-secret-file": tmp_path / "secret"},
    }
    running = {name: check(program("pbx", f"ringkeep-adapter-{name}"), *options(s)) for name, s in cases.items()}
    running["example"] = check(EXAMPLE, "--setting", f"rpc={tmp_path}/none", "--setting", "uplink-table=rkuplink")
    can = {"kamailio": "one", "example": "one"}  # the others need settings for it, or cannot
    for name, child in running.items():
        assert f"(uplinks: {can.get(name, 'none')})" in passes(name, child)


def test_the_checker_finds_what_breaks_the_rules(tmp_path):
    silent, rude, boaster = tmp_path / "silent", tmp_path / "rude", tmp_path / "boaster"
    silent.write_text("#!/bin/sh\nexec sleep 600\n")
    rude.write_text("#!/usr/bin/python3\nimport json, sys\nprint(json.dumps({'type': 'hello', 'version': 1, 'name': 'rude'}), 'well', flush=True)\n"
                    "print(json.dumps({'type': 'hello', 'version': 1, 'name': 'rude'}), flush=True)\nfor line in sys.stdin:\n"
                    "    m = json.loads(line)\n    for _ in 1, 2:\n        print(json.dumps({'type': 'pong', 'id': m['id']}), flush=True)\n")
    boaster.write_text("#!/usr/bin/python3\nimport json, sys\ndef say(**m): print(json.dumps(m), flush=True)\nsay(type='hello', version=1, name='boaster')\n"
                       "configured = False\nfor line in sys.stdin:\n    try:\n        m = json.loads(line)\n        kind, number = m['type'], m['id']\n"
                       "    except (ValueError, KeyError, TypeError):\n        continue\n    if kind == 'ping':\n        say(type='pong', id=number)\n"
                       "    elif kind == 'configure' and 'no-such-setting' in m['settings']:\n        say(type='failed', id=number, why='no-such-setting')\n"
                       "    elif kind == 'configure':\n        configured = True\n        say(type='done', id=number, uplinks='one', reinvite=True)\n"
                       "        say(type='health', state='healthy', why='fine')\n        say(type='quality', call='', peer='203.0.113.5')\n"
                       "    elif not configured:\n        say(type='failed', id=number, why='not configured')\n"
                       "    elif kind not in ('uplink', 'reinvite', 'sing'):\n        say(type='failed', id=number, why='it keeps no bindings')\n")
    for script in (silent, rude, boaster):
        script.chmod(0o755)
    running = [check(script) for script in (silent, rude, boaster)]
    outputs = [child.communicate(timeout=150)[0] for child in running]
    assert [child.returncode for child in running] == [1, 1, 1]
    assert "FAIL  says hello within 5 s" in outputs[0]
    assert "FAIL  refuses a setting it does not know" in outputs[1] and "FAIL  says nothing but messages" in outputs[1]
    assert "FAIL  survives lines that are no messages" in outputs[1]
    assert "FAIL  answers uplink" in outputs[2] and "FAIL  answers reinvite" in outputs[2] and "a quality that is none" in outputs[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if os.geteuid() != 0:
        pytest.fail("the lab needs root: namespaces")
    with Site(tmp_path_factory.mktemp("rules")) as s:
        s.start_kamailio("a")
        s.start_kamailio("b")
        yield s


def test_every_adapter_keeps_the_rules_with_its_pbx(site, tmp_path):
    secret_file(tmp_path)
    with FreeSwitch(PASSWORD) as switch:
        def at(name):
            return ["--pbx", "--address", VIP, "--pid-file", site.run_dir(name) / "pid"]
        running = {
            "kamailio": check(program("pbx", "ringkeep-adapter-kamailio"), *at("a"),
                              *options(site.settings("a", **{"uplink-table": "rkuplink"})), ns=site.ns("a")),
            "example": check(EXAMPLE, *at("b"), "--setting", f"rpc={site.run_dir('b')}/kamailio_rpc.sock", "--setting",
                             "uplink-table=rkuplink", ns=site.ns("b")),
            "freeswitch": check(program("pbx", "ringkeep-adapter-freeswitch"), "--pbx", "--account", "{}@pbx.example", *options({
                "event-socket": f"tcp:127.0.0.1:{switch.port}", "password-file": tmp_path / "secret", "probe-address": "127.0.0.1",
                "sip-port": switch.sip_port})),
        }
        for name, child in running.items():
            passes(name, child)


@pytest.fixture()
def examples(site):
    """The example adapter at both, a holds, and what it reports is applied at b."""
    pair = []
    for name in ("a", "b"):
        pair.append(Adapter(site.ns(name), EXAMPLE, node=name, holder=name == "a", addresses=[VIP], pid_file=str(site.run_dir(name) / "pid"),
                            settings={"rpc": f"{site.run_dir(name)}/kamailio_rpc.sock"}))
        site.open.append(pair[-1])
    for adapter in pair:
        adapter.wait_state("healthy")
        adapter.apply_all([])
        adapter.wait_in_step()
    mirror(*pair)
    yield pair
    site.close_clients()
    site.lead_phones_to("a")


def test_with_the_example_a_phone_registered_at_one_is_called_through_the_other(site, examples):
    a, b = examples
    desk, nated, other = site.phone("1001"), site.phone("1002", contact_host="192.168.5.5"), site.phone("1003")
    assert [p.register() for p in (desk, nated, other)] == [200] * 3
    b.wait(lambda: b.health["bindings"] == 3 and b.health["in_step"], 10, "three phones at the standby")
    wait_until(lambda: site.contacts("b", "1003"), 5, lambda: "the third phone at b")
    site.lead_phones_to("b")
    a.request("standby")
    b.request("activate")
    assert other.call("1001") == 200 and desk.rang == 1
    assert other.call("1002") == 200 and nated.rang == 1, "the NATed phone was not called at its received address"
    mirror(b, a)
    assert desk.register(expires_s=0) == 200
    wait_until(lambda: not site.contacts("a", "1001"), 8, lambda: f"the unregister at the old holder: {site.contacts('a', '1001')}")
    site.end_kamailio("b")
    b.wait_state("dead", 5)
    site.start_kamailio("b")
    wait_until(lambda: site.contacts("b", "1002"), 10, lambda: "the phones given back to a restarted Kamailio")
    assert ("1002", nated.contact) in b.bindings or b.health["bindings"] == 2, "the restart was reported as if the phone had gone"
