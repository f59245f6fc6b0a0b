# SPDX-License-Identifier: GPL-2.0-or-later
"""A real Kamailio is told of another public address while it is registered at a carrier and in a call with it."""
import contextlib
import os
import re
import subprocess
import time

import pytest

from pbxlab import PHONES, VIP, Site
from pbxlab.adapter import Adapter
from ringlab.kamailio import COLUMNS
from ringlab.machine import wait_until
from ringlab.paths import ROOT
from ringlab.sipmessage import Message
from test_asterisk_uplinks import CARRIER, FIRST, NETWORK, SECOND, Carrier, addresses, told

EXAMPLE = str(ROOT / "packaging" / "examples" / "adapter" / "ringkeep-adapter-kamailio.py")
TRUNK = {"name": "itsp", "registration": "itsp-reg", "peers": [NETWORK]}


def database(path):
    """Table uacreg of db_text with the one trunk, off at the start."""
    path.mkdir(exist_ok=True)
    (path / "version").write_text("table_name(string) table_version(int)\nuacreg:5\n")
    fields = ["itsp-reg", "5001", "office", "5001", CARRIER, "carrier", "5001", "pw", "", f"sip:{CARRIER}:5060", "60", "1", "0", "", ""]
    (path / "uacreg").write_text(f"{COLUMNS}\n" + ":".join(f.replace(":", r"\:") for f in fields) + "\n")
    return path


def start(site):
    site.start_kamailio("a", more=["RK_TRUNKS", f'RK_TRUNK_DB="text://{database(site.dir / "db")}"', f'RK_TRUNK_CONTACT="{VIP}:5060"',
                                   f"RK_CARRIER={CARRIER}:5060", f"RK_PUBLIC1={FIRST}", f"RK_PUBLIC2={SECOND}"])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    if os.geteuid() != 0:
        pytest.fail("the lab needs root: namespaces")
    with Site(tmp_path_factory.mktemp("uplinks")) as s:
        for args in (("-n", s.ns(PHONES), "addr", "add", f"{CARRIER}/32", "dev", "lo"), ("-n", s.ns("a"), "route", "add", NETWORK, "dev", "eth0", "src", VIP)):
            subprocess.run(["ip", *args], check=True)
        s.carrier = Carrier(f"/run/netns/{s.ns(PHONES)}")
        with contextlib.closing(s.carrier):
            yield s


@pytest.fixture()
def site(whole):
    start(whole)
    yield whole
    whole.close_clients()
    whole.end_kamailio("a")


def adapter(site, table="rkuplink", **changes):
    a = site.adapter("a", True, trunks=[TRUNK], **{"uplink-table": table, **changes})
    a.wait_state("healthy")
    return a


def inside_and_outside(message):
    """Hosts of a request's Record-Routes, the carrier's side first."""
    return re.findall(r"<sip:([^:;>]+)", ",".join(message.all("Record-Route")))


def invite(site, phone, user="100"):
    """The call, and the INVITE that the carrier got."""
    since = len(site.carrier.seen)
    call = phone.dial(user)
    assert call.status == 200
    return call, site.carrier.requests("INVITE", since)[0]


def registered(site, adapter):
    """The REGISTER that an order makes."""
    since = len(site.carrier.seen)
    adapter.request("trunk", name="itsp", register=True)
    return wait_until(lambda: site.carrier.requests("REGISTER", since), 10, "a REGISTER", 0.02)[0]


def bye_from_carrier(site, seen, to):
    """As the carrier would end the call that this INVITE began: along its Record-Routes, to the address where packets for us arrive."""
    headers = [("Via", f"SIP/2.0/UDP {CARRIER}:5060;branch=z9hG4bKbye{time.time_ns()}"), ("Max-Forwards", "70"), ("From", f"{seen.get('To')};tag=carrier"),
               ("To", seen.get("From")), ("Call-ID", seen.get("Call-ID")), ("CSeq", "1 BYE"), *(("Route", r) for r in seen.all("Record-Route"))]
    site.carrier._sip.sendto(Message(f"BYE {seen.get('Contact').strip('<>')} SIP/2.0", headers).bytes(), (to, 5060))


def table_value(site, key):
    return site.rpc("a", "htable.get", "rkuplink", key).get("result", {}).get("item", {}).get("value")


def heard(phone, method):
    """What the phone gets from now on."""
    messages, on = [], phone._on

    def note(message, reply):
        if message.method == method:
            messages.append(message)
        return on(message, reply)
    phone._on = note
    return messages


def test_address_is_in_what_kamailio_sends_next(site, record_property):
    a, phone = adapter(site), site.phone("1001")
    assert phone.register() == 200
    assert addresses(registered(site, a))[0] == VIP, "nothing was told yet"
    call, seen = invite(site, phone)
    assert inside_and_outside(seen) == [VIP] and call.hang_up() == 200
    for address in (FIRST, SECOND):
        begun = time.monotonic()
        assert told(a, address) is None
        told_ms = (time.monotonic() - begun) * 1000
        register = registered(site, a)
        register_ms = (time.monotonic() - begun) * 1000
        assert register.get("Contact") == f"<sip:itsp-reg@{address}:5060>"
        a.wait(lambda: a.trunks.get("itsp", {}).get("state") == "registered", 10, "the trunk with its new contact")
        call, seen = invite(site, phone)
        assert inside_and_outside(seen) == [address, VIP]
        assert call.hang_up() == 200, "the phone's own BYE goes by the inner side"
        print(f"{address}: in force after {told_ms:.1f} ms, REGISTER after {register_ms:.0f} ms")
        record_property("in_force_ms", told_ms)
        record_property("register_ms", register_ms)
    assert told(a, None) is None
    assert addresses(registered(site, a))[0] == VIP, "no public address is known: Kamailio goes on with its own"
    call, seen = invite(site, phone)
    assert inside_and_outside(seen) == [VIP] and call.hang_up() == 200


def test_calls_that_are_up_go_on_with_the_address_they_began_with(site):
    a, phone = adapter(site), site.phone("1001")
    assert phone.register() == 200
    assert told(a, FIRST) is None
    kept, old = invite(site, phone)
    assert told(a, SECOND) is None
    other, new = invite(site, phone, "101")
    assert inside_and_outside(old) == [FIRST, VIP] and inside_and_outside(new) == [SECOND, VIP]
    byes = heard(phone, "BYE")
    for call, seen in ((kept, old), (other, new)):  # the first one's Route names the address of before
        bye_from_carrier(site, seen, VIP)
        phone.wait(lambda: call.call_id not in phone.calls, 5, "the carrier's BYE")
    assert [m.all("Route") for m in byes] == [[], []], "Kamailio did not know one of its public addresses"


def test_a_kamailio_that_is_started_again_is_told_again(site):
    a, phone = adapter(site), site.phone("1001")
    assert told(a, FIRST) is None
    site.end_kamailio("a")
    a.wait_state("dead")
    why = told(a, SECOND)
    assert why and "does not answer" in why
    start(site)
    a.wait_state("healthy")
    assert phone.register() == 200
    wait_until(lambda: table_value(site, "public4") == SECOND, 10, "the address that was told last", 0.1)
    assert inside_and_outside(invite(site, phone)[1]) == [SECOND, VIP]


def test_what_is_in_force_already_costs_nothing_and_an_older_order_is_answered(site):
    a = adapter(site)
    first = a.send("uplink", name="isp1", public4=FIRST, public6=None, drain=False)
    second = a.send("uplink", name="isp2", public4=SECOND, public6="2001:db8::7", drain=False)
    assert a.answered(first) == "another uplink came" and a.answered(second) is None
    table = {i["name"]: i["value"] for slot in site.rpc("a", "htable.dump", "rkuplink")["result"] for i in slot["slot"]}
    assert table == {"name": "isp2", "public4": SECOND, "public6": "[2001:db8::7]"}
    assert "result" in site.rpc("a", "htable.sets", "rkuplink", "name", "somebody else")
    assert a.answered(a.send("uplink", name="isp2", public4=SECOND, public6="2001:db8::7", drain=False)) is None
    assert table_value(site, "name") == "somebody else", "it was set again"


def test_what_cannot_be_done_is_named(site):
    without = adapter(site, None)
    assert told(without, FIRST) == "this adapter cannot tell its PBX of uplinks"
    nowhere = adapter(site, "nosuch")
    assert "hash table nosuch (uplink-table): No such htable" in told(nowhere, FIRST)
    a = adapter(site)
    assert "cannot keep calls on one uplink" in told(a, FIRST, leaving="isp2")
    assert "cannot make its PBX send re-INVITEs" in a.answered(a.send("reinvite"))
    with pytest.raises(AssertionError, match='setting "uplink-table" must be the name of a hash table'):
        site.adapter("a", True, **{"uplink-table": "no table"})


def test_the_example_in_python_does_the_same(site):
    settings = {"rpc": f"{site.run_dir('a')}/kamailio_rpc.sock"}

    def example(**more):
        a = Adapter(site.ns("a"), EXAMPLE, node="a", holder=True, addresses=[VIP], pid_file=str(site.run_dir("a") / "pid"), settings={**settings, **more})
        site.open.append(a)
        a.wait_state("healthy")
        return a
    phone = site.phone("1001")
    assert phone.register() == 200
    a = example(**{"uplink-table": "rkuplink"})
    assert told(a, FIRST) is None
    call, seen = invite(site, phone)
    assert inside_and_outside(seen) == [FIRST, VIP] and call.hang_up() == 200
    assert "re-INVITE" in a.answered(a.send("reinvite"))
    assert "drain" in told(a, FIRST, leaving="isp2")
    site.end_kamailio("a")
    start(site)
    wait_until(lambda: table_value(site, "public4") == FIRST, 10, "the address in a Kamailio that was started again", 0.1)
    assert "uplink-table" in told(example(), FIRST)
    assert "nosuch" in told(example(**{"uplink-table": "nosuch"}), FIRST)
