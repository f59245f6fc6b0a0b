# SPDX-License-Identifier: GPL-2.0-or-later
"""The FreeSWITCH adapter against a stand-in that was written from FreeSWITCH's source. Nothing here has met the real one."""
import contextlib
import os
import signal
import subprocess
import time

import pytest

from pbxlab.adapter import Adapter, mirror
from pbxlab.freeswitch_peer import FreeSwitch
from ringlab.machine import wait_until
from ringlab.paths import program

PASSWORD = "lab password"
NAT = '"Desk, 1" <sip:1002@192.168.5.5:5060;fs_nat=yes;fs_path=sip%3A1002%40192.0.2.7%3A40123>'


@pytest.fixture()
def stand(tmp_path):
    """Makes stand-ins and adapters; ends them."""
    (tmp_path / "password").touch(mode=0o600)
    (tmp_path / "password").write_text(PASSWORD + "\n")
    with contextlib.ExitStack() as stack:
        class Stand:
            def switch(self, **args):
                return stack.enter_context(FreeSwitch(PASSWORD, **args))

            def adapter(self, switch, holder=False, trunks=(), **settings):
                settings = {"event-socket": f"tcp:127.0.0.1:{switch.port}", "password-file": str(tmp_path / "password"), "probe-address": "127.0.0.1",
                            "sip-port": str(switch.sip_port), **settings}
                a = Adapter(None, program("pbx", "ringkeep-adapter-freeswitch"), node="n1", holder=holder, addresses=["127.0.0.1"],
                            options_interval_ms=100, options_failures=3, settings={k: v for k, v in settings.items() if v is not None},
                            trunks=[{"name": t, "registration": g} for t, g in trunks])
                stack.callback(a.close)
                return a
        yield Stand()


@pytest.fixture(params=[True, False], ids=["multi", "single"])
def pair(stand, request):
    """A holder a and a standby b, what a reports is applied at b; with and without several registrations per account."""
    switches = [stand.switch(multi_registration=request.param) for _ in range(2)]
    switches[1].hostname = "fs-other"
    a, b = stand.adapter(switches[0], True), stand.adapter(switches[1])
    for adapter in (a, b):
        adapter.wait_state("healthy")
        adapter.apply_all([])
        adapter.wait_in_step()
    mirror(a, b)
    return (*switches, a, b)


SAME = ("call_id", "sip_user", "sip_host", "contact", "rpid", "user_agent", "network_ip", "network_port", "sip_username", "sip_realm", "mwi_user", "mwi_host")


def rows_at(switch, user, count=1):
    wait_until(lambda: len(switch.row(user)) == count, 5, lambda: f"{count} rows of {user}, there is {switch.row(user)}")
    return switch.row(user)


def same(one, other):
    return {k: one[k] for k in SAME} == {k: other[k] for k in SAME} and abs(one["expires"] - other["expires"]) < 3


def test_registrations_are_at_the_standby_as_they_are_at_the_holder(pair):
    here, there, a, b = pair
    plain = here.register("1001")
    nated = here.register("1002", contact=NAT, how="UDP-NAT", port="40123")
    odd = here.register("o'brien", contact="sip:ob@192.0.2.9:5060", call_id="x</call-id><user>1009@pbx.example</user>")
    odd.update(sip_username="1003", sip_realm="other.example", mwi_user="900")
    for row in (plain, nated, odd):
        copy = rows_at(there, row["sip_user"])[0]
        if row is not odd:
            assert same(row, copy)
        assert copy["orig_hostname"] == "fs-other", "its pings would be skipped"
        assert copy["contact"] == row["contact"], "an escape was lost or gained"
    a.request("dump")  # reads the odd one again, whose row was changed without an event
    wait_until(lambda: same(odd, there.row("o'brien")[0]), 5, lambda: f"{odd} as {there.row(odd['sip_user'])}")
    assert not there.row("1009"), "a phone wrote a registration of another account"


def test_refresh_move_unregister_and_end_reach_the_standby(pair):
    here, there, a, b = pair
    row = here.register("1001", call_id="same")
    rows_at(there, "1001")
    here.register("1001", call_id="same", ip="192.0.2.8")  # the phone moved: another contact, the same Call-ID
    wait_until(lambda: there.row("1001") and there.row("1001")[0]["network_ip"] == "192.0.2.8", 5, lambda: f"the new contact in {there.row('1001')}")
    here.register("1001", call_id="rebooted", ip="192.0.2.8")  # the same contact, another Call-ID
    wait_until(lambda: "rebooted" in [r["call_id"] for r in there.row("1001")], 5, lambda: f"the new Call-ID in {there.row('1001')}")
    for row in here.row("1001"):
        here.unregister(row)
    rows_at(there, "1001", 0)
    here.register("1002", expires=2)
    rows_at(there, "1002")
    wait_until(lambda: not a.bindings, 6, lambda: f"nothing left in {a.bindings}")
    rows_at(there, "1002", 0)


def test_one_contact_of_several_ends_and_the_other_stays(stand):
    switch = stand.switch(multi_registration=False)
    b = stand.adapter(switch)
    b.wait_state("healthy")
    b.apply_all([])
    desk = {"aor": "1001@pbx.example", "contact": "sip:1001@192.0.2.7:5060", "call_id": "desk", "expires_ms": 600000}
    b.request("apply", put=[{**desk, "contact": "sip:1001@192.0.2.9:5060", "call_id": "old", "expires_ms": 600000}])
    b.request("apply", put=[desk])
    b.request("apply", remove=[{"aor": "1001@pbx.example", "contact": "sip:1001@192.0.2.9:5060"}])
    b.wait_in_step()
    time.sleep(0.2)
    assert [r["call_id"] for r in switch.row("1001")] == ["desk"], "where an account has one row, a removal took the other contact's"


def test_restarted_freeswitch_gets_back_what_was_injected(pair):
    here, there, a, b = pair
    rows = [here.register(str(1001 + i), how="UDP-NAT") for i in range(20)]
    rows_at(there, "1020")
    there.restart()
    b.wait(lambda: any("restarted: giving back" in s for s in b.said), 5, "the word of the restart")
    for row in rows:
        assert same(row, rows_at(there, row["sip_user"])[0])
    here.restart()
    a.wait(lambda: any("restarted: giving back" in s for s in a.said), 5, "the word of the restart at the holder")
    a.wait_state("healthy")
    assert len(a.bindings) == 20, "the restart was reported as if the phones had gone"


def test_what_the_standby_lacks_or_has_too_much_is_healed(pair):
    here, there, a, b = pair
    row = here.register("1001")
    rows_at(there, "1001")
    there.rows = []
    there.register("1009")  # nobody else knows it
    b.request("dump")
    rows_at(there, "1009", 0)
    assert same(row, rows_at(there, "1001")[0])


def test_events_lost_while_away_are_made_up_for(pair):
    here, there, a, b = pair
    gone, stays = here.register("1001"), here.register("1002")
    rows_at(there, "1002")
    a.request("dump")  # a whole list was read: from now on what lacks is gone, and not given back
    here.disconnect()
    here.rows = [r for r in here.rows if r is not gone]
    a.wait(lambda: [k[0] for k in a.bindings] == ["1002@pbx.example"], 5, "the registration that ended meanwhile")
    rows_at(there, "1001", 0)
    assert same(stays, rows_at(there, "1002")[0])


def test_roles_recovery_and_calls(stand):
    switch = stand.switch()
    a = stand.adapter(switch, recover="yes")
    a.wait_state("healthy")
    wait_until(lambda: switch.paused, 3, lambda: "a paused standby")
    time.sleep(0.5)
    assert a.health["state"] == "healthy" and "503" in a.health["why"], "a paused FreeSWITCH is not sick"
    switch.recoverable = 2
    a.request("activate")
    assert not switch.paused, "activate was answered before FreeSWITCH may serve"
    a.wait(lambda: a.health.get("calls") == 2, 5, "the recovered calls")
    a.wait(lambda: "sofia recover: Recovered 2 call(s)" in a.said, 3, "the word on recovery")
    a.request("standby")
    wait_until(lambda: switch.paused, 3, lambda: "paused again")
    switch.restart()  # it forgets that it is paused
    wait_until(lambda: switch.paused, 5, lambda: "paused after its restart")
    plain = stand.adapter(stand.switch(), holder=True, standby="no")
    plain.wait_state("healthy")
    plain.request("standby")
    plain.request("activate")


def test_gateways_are_trunks(stand):
    switch = stand.switch(gateways=["itsp-reg", "other"])
    a = stand.adapter(switch, holder=True, trunks=[("itsp", "itsp-reg"), ("ghost", "no-such")])

    def state(name):
        return a.trunks.get(name, {}).get("state")
    a.wait(lambda: state("itsp") == "registered" and state("ghost") == "unknown", 5, "the states")
    a.request("trunk", name="itsp", register=False)
    assert a.answered(a.send("trunk", name="ghost", register=True)) == "FreeSWITCH says: Invalid gateway!"
    a.request("standby")  # at once: the gateway takes its registration back first
    a.wait(lambda: state("itsp") == "unregistered" and "not registered" in a.trunks["itsp"]["why"], 4, "the registration taken back")
    wait_until(lambda: switch.paused, 5, lambda: "paused afterwards")
    assert switch.gateways["itsp-reg"] == "DOWN" and switch.gateways["other"] == "REGED", "another gateway was touched"
    switch.carrier = 403
    a.request("activate")
    a.request("trunk", name="itsp", register=True)
    a.wait(lambda: state("itsp") == "rejected" and a.trunks["itsp"]["status"] == 403, 4, "the refusal")
    switch.carrier = 503
    a.request("trunk", name="itsp", register=True)
    a.wait(lambda: state("itsp") == "failed" and a.trunks["itsp"]["status"] == 503, 4, "the failure")


def test_phones_on_a_connection_are_counted_and_stay_where_they_are(pair):
    here, there, a, b = pair
    here.register("1001", contact='"" <sip:q@q3.invalid;transport=wss;fs_nat=yes>', how="WSS-NAT", port="50123")
    a.wait(lambda: a.health.get("unmovable") == 1, 5, "the count")
    bound = a.bindings["1001@pbx.example", "sip:q@q3.invalid;transport=wss;fs_nat=yes"]
    assert bound["connection"] == "wss:192.0.2.7:50123"
    b.wait(lambda: b.health["bindings"] == 1, 5, "it is known at the standby")
    here.register("1002")
    rows_at(there, "1002")
    assert not there.row("1001"), "a phone's own connection was given to another FreeSWITCH"
    b.request("activate")
    b.wait(lambda: ("1001@pbx.example", "sip:q@q3.invalid;transport=wss;fs_nat=yes") not in b.bindings and b.health["bindings"] == 1, 5,
           "the new holder's word that it has not got it")


def test_another_domain_is_left_alone(stand):
    switch = stand.switch()
    theirs = switch.register("2001", host="theirs.example")
    b = stand.adapter(switch, domain="pbx.example")
    b.wait_state("healthy")
    b.apply_all([])
    b.wait_in_step()
    b.request("dump")
    assert switch.row("2001") == [theirs]


def test_health_says_what_is_wrong(stand, tmp_path):
    pid = tmp_path / "pid"
    sleeper = subprocess.Popen(["sleep", "600"])
    try:
        pid.write_text(f"{sleeper.pid}\n")
        switch = stand.switch()
        a = stand.adapter(switch, holder=True, **{"rpc-failures": "1"})
        h, _ = a.wait_state("healthy")
        assert "event socket answers" in h["why"] and "experimental" in h["why"]
        switch.running = False
        a.wait_state("sick", 40)
        assert "profile internal of FreeSWITCH does not run" in a.health["why"]
        switch.running = True
        a.wait_state("healthy")
        switch.password = "another"
        switch.disconnect()
        a.wait(lambda: f"event socket tcp:127.0.0.1:{switch.port} refuses the password" in a.health["why"], 5, "the refused password")
        time.sleep(1.5)
        assert a.health["state"] == "healthy", "phones would move because of a password"
        switch.password = PASSWORD
        a.wait_state("healthy", 12)
    finally:
        os.kill(sleeper.pid, signal.SIGKILL)
        sleeper.wait()


def test_settings_it_cannot_do_are_refused_by_name(stand, tmp_path):
    switch = stand.switch()
    (tmp_path / "empty").touch(mode=0o600)
    (tmp_path / "open").write_text(PASSWORD)
    cases = [({"event-socket": "tcp:192.0.2.1:8021"}, "event-socket"), ({"event-socket": "tcp:127.0.0.1"}, "event-socket"),
             ({"password-file": None}, "password-file"), ({"password-file": "/nonexistent"}, "No such file"),
             ({"password-file": str(tmp_path / "empty")}, "it is empty"), ({"password-file": str(tmp_path / "open")}, "others than its owner may use it"), ({"profile": "a b"}, "profile"),
             ({"recover": "maybe"}, "recover"), ({"colour": "red"}, "colour"), ({"hostname": "x\ny"}, "hostname")]
    for settings, word in cases:
        with pytest.raises(AssertionError, match=word):
            stand.adapter(switch, **settings)
    with pytest.raises(AssertionError, match="no name of a gateway"):
        stand.adapter(switch, trunks=[("itsp", "a\n\napi shutdown")])


def test_two_thousand_registrations(stand, record_property):
    count = 2000
    switch = stand.switch()
    b = stand.adapter(switch)
    b.wait_state("healthy")
    bindings = [{"aor": f"{10000 + i}@pbx.example", "contact": f"sip:{10000 + i}@192.0.2.7:{20000 + i}", "received": f"sip:192.0.2.7:{20000 + i}",
                 "call_id": f"{i}@phone", "expires_ms": 3000000} for i in range(count)]
    start = time.monotonic()
    b.apply_all(bindings)
    took_s = time.monotonic() - start
    b.wait_in_step(30)
    assert len(switch.rows) == count
    start = time.monotonic()
    b.request("dump")
    listed_s = time.monotonic() - start
    assert len(b.bindings) == count
    record_property("apply_per_s", count / took_s)
    print(f"{count} registrations given to the stand-in in {took_s:.2f} s, listed in {listed_s:.2f} s")
