# SPDX-License-Identifier: GPL-2.0-or-later
"""A name in DNS that follows the holder: BIND takes the updates, with the key it was given for this one name, and refuses all others."""
import contextlib
import os
import subprocess
import time

import pytest
from gatelab import Space, built_path
from isplab import Services
from ringlab import Lab, ringkeep
from ringlab.isps import PUBLIC, Isps, configuration
from ringlab.machine import wait_until

HOST, ZONE, SERVER = "pbx.office.example", "office.example", "127.0.0.1"
INTERNET = "203.0.113.53"  # where it is for nodes with uplinks
SECRETS = {"ddns": "bWVhc3VyZWQgaW4gdGhlIGxhYiwgbm93aGVyZSBlbHNl", "stranger": "c29tZWJvZHkgZWxzZSdzIGtleSwgb2Ygbm8gdXNlIGE="}

NAMED = """
options {{ directory "{dir}"; listen-on {{ 127.0.0.1; {internet}; }}; listen-on-v6 {{ none; }}; pid-file none; recursion no; dnssec-validation no; }};
controls {{ }};
key "ddns" {{ algorithm hmac-sha256; secret "{secret}"; }};
zone "{zone}" {{ type primary; file "{dir}/zone"; update-policy {{ grant ddns name {host}. A AAAA; }}; }};
"""
RECORDS = f"""$ORIGIN {ZONE}.
$TTL 300
@ SOA ns root 1 3600 600 86400 60
@ NS ns
ns A {SERVER}
pbx 300 A 203.0.113.99
pbx TXT "not ours"
"""


class Dns:
    def __init__(self, directory, space=None):
        self.dir, self.named = directory, None
        self._own = None if space else Space("dns")
        self.space = space or self._own
        (directory / "zone").write_text(RECORDS)
        (directory / "named.conf").write_text(NAMED.format(dir=directory, internet=INTERNET, secret=SECRETS["ddns"], zone=ZONE, host=HOST))
        for name, secret in SECRETS.items():
            path = directory / f"{name}.key"
            path.touch(mode=0o600)
            path.write_text(f'key "{name}" {{ algorithm hmac-sha256; secret "{secret}"; }};\n')

    def start(self):
        log = open(self.dir / "named.log", "ab")
        with log, self.space.inside():
            self.named = subprocess.Popen(["named", "-g", "-n", "1", "-c", str(self.dir / "named.conf")], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: self.ask("TXT") == ['"not ours"'], 30, "an answer of named")

    def close(self):
        if self.named:
            self.named.kill()
            self.named.wait()
        if self._own:
            self._own.close()

    def ask(self, kind):
        out = self.space.run("dig", f"@{SERVER}", "+short", "+tries=1", "+time=1", HOST, kind)
        return sorted(out.stdout.split("\n")[:-1]) if out.returncode == 0 else None

    def ttl(self):
        return self.space.check("dig", f"@{SERVER}", "+noall", "+answer", HOST, "A").split()[1]

    def publisher(self, *addresses, key="ddns", attempts=1):
        path = str(self.dir / f"{key}.key") if key else ""
        with self.space.inside():
            return subprocess.Popen([built_path("uplink", "publisher"), HOST, ZONE, SERVER, "53", path, str(attempts), *addresses],
                                    stdout=subprocess.PIPE, text=True)

    def publish(self, *addresses, **kwargs):
        out, _ = self.publisher(*addresses, **kwargs).communicate(timeout=60)
        return out.splitlines()


@pytest.fixture()
def dns(tmp_path):
    if os.geteuid() != 0:
        pytest.fail("the lab needs root: namespaces, a port below 1024")
    with contextlib.closing(Dns(tmp_path)) as server:
        yield server


def test_name_has_the_holders_addresses_and_nothing_of_the_former_one(dns):
    dns.start()
    assert dns.publish("A=198.51.100.1", "AAAA=2001:db8:1::1") == ["ok"]
    assert (dns.ask("A"), dns.ask("AAAA"), dns.ttl()) == (["198.51.100.1"], ["2001:db8:1::1"], "60")
    # The other uplink, whose IPv6 address nobody knows.
    assert dns.publish("A=192.0.2.1", "AAAA=") == ["ok"]
    assert (dns.ask("A"), dns.ask("AAAA")) == (["192.0.2.1"], [])
    # A cluster without IPv6 uplinks leaves AAAA to whom it belongs.
    assert dns.publish("AAAA=2001:db8:1::1") == ["ok"]
    assert dns.publish("A=192.0.2.2") == ["ok"]
    assert (dns.ask("A"), dns.ask("AAAA"), dns.ask("TXT")) == (["192.0.2.2"], ["2001:db8:1::1"], ['"not ours"'])


def test_without_the_right_key_nothing_is_changed_and_the_server_says_why(dns):
    dns.start()
    for key, word in (("stranger", "BADKEY"), (None, "REFUSED")):
        failed, = dns.publish("A=192.0.2.1", key=key)
        assert failed.startswith("failed") and word in failed, failed
    assert dns.ask("A") == ["203.0.113.99"]


def test_a_server_that_comes_back_is_told(dns):
    child = dns.publisher("A=192.0.2.1", attempts=5)
    try:
        assert child.stdout.readline().startswith("failed")
        dns.start()
        out, _ = child.communicate(timeout=120)
    finally:
        child.kill()
        child.wait()
    assert out.splitlines()[-1] == "ok"
    assert dns.ask("A") == ["192.0.2.1"]


HOLD_MS = 3000  # voice { hold }
HOOK = """#!/bin/sh
echo "$RINGKEEP_EVENT $UPLINK_FROM $UPLINK_TO $FAMILY $PUBLIC_ADDRESS $RULE" >>{log}
"""


def voice(node):
    return ringkeep.status(node)["voice"][0]


def steady(node):
    """All uplinks good, no switch under way, and the latest one old enough for another."""
    seen = ringkeep.status(node)
    now = seen["voice"][0]
    return (all(u["class"] == "good" and not u["doubted"] for u in seen["uplinks"]) and now["since_ms"] > HOLD_MS and
            not (now["last_switch"] or {}).get("running"))


def test_the_name_follows_the_uplink_and_the_group(tmp_path):
    """Who holds the group publishes; the new public address is published after a switch, of which the hook is told."""
    if os.geteuid() != 0:
        pytest.fail("the lab needs root")
    with contextlib.ExitStack() as stack:
        lab = stack.enter_context(contextlib.closing(Lab()))
        isps = stack.enter_context(contextlib.closing(Isps(lab, Space, Services)))
        isps.inet.ip("addr", "add", f"{INTERNET}/32", "dev", "lo")
        dns = stack.enter_context(contextlib.closing(Dns(tmp_path, isps.inet)))
        dns.start()
        log, hook = tmp_path / "hook.log", tmp_path / "hook"
        hook.write_text(HOOK.format(log=log))
        hook.chmod(0o755)
        top, lines = configuration(lab, f'hook = "{hook}" failback = manual')
        lab.start_cluster(timing=top, fence_levels=lines, group=f'publish name {{ host = {HOST} zone = {ZONE} server = {INTERNET} '
                          f'key-file = "{tmp_path / "ddns.key"}" }}')
        holder = lab.wait_settled()
        # Whichever line answered first when a node started, and a switch of that moment may be under way.
        for node in lab.pbx_nodes:
            wait_until(lambda n=node: steady(n), 60, lambda: lab.describe(), 0.1)
            if voice(node)["uplink"] != "isp1":
                ringkeep.hactl(node, "uplink", "use", "isp1")
                wait_until(lambda n=node: voice(n)["uplink"] == "isp1" and steady(n), 60, lambda: lab.describe(), 0.1)
                ringkeep.hactl(node, "uplink", "auto")
        wait_until(lambda: dns.ask("A") == [PUBLIC[1]], 40, lambda: f"{dns.ask('A')}\n{lab.describe()}", 0.1)
        at = time.monotonic()
        isps.fault(1, holder)
        wait_until(lambda: dns.ask("A") == [PUBLIC[2]], 40, lambda: f"{dns.ask('A')}\n{lab.describe()}", 0.1)
        print(f"a dead uplink: the name has the other's address {time.monotonic() - at:.1f} s after it died")
        wait_until(lambda: log.exists() and f"switched isp1 isp2 ipv4 {PUBLIC[2]} R" in log.read_text(), 20, "the hook to be told", 0.1)
        # The other node still has the first uplink.
        other = next(n for n in lab.pbx_nodes if n is not holder)
        holder.hactl("switchover", "office", "--to", other.name)
        wait_until(lambda: dns.ask("A") == [PUBLIC[1]], 40, lambda: f"{dns.ask('A')}\n{lab.describe()}", 0.1)
