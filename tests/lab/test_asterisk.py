# SPDX-License-Identifier: GPL-2.0-or-later
"""The Asterisk adapter with two real Asterisks: what phones register at one can be called through the other, which knows of them as if they had
registered there."""
import contextlib
import os
import re
import signal
import socket
import threading
import time

import pytest

from pbxlab import OWN
from pbxlab.adapter import mirror
from pbxlab.asterisks import AsteriskSite, Storm
from ringlab.asterisk import Account
from ringlab.machine import wait_until
from ringlab.netns import inside

ACCOUNTS = [Account("1001"), Account("1002", 60), Account("1003", 0, 2), Account("1004", 60, 2), Account("1005", nat=True), Account("1006", 60, nat=True),
            *(Account(str(2001 + i), 60 * (i % 2)) for i in range(100))]
CHANGES = {"pjsip.conf": [("contact_expiration_check_interval = 10", "contact_expiration_check_interval = 1")],
           "queues.conf": [("[support]", "[nobody]\njoinempty = yes\n\n[support]")]}
FILES = {"extensions_site.conf": "[phones](+)\nexten => 701,1,Answer()\n same => n,Queue(nobody,,,,60)\n"
                                 "exten => _2XXX,1,Dial(${PJSIP_DIAL_CONTACTS(${EXTEN})},20)\n"}


BOTH = pytest.mark.parametrize("asterisks", ["22", "16"], indirect=True)
NEWEST = pytest.mark.parametrize("asterisks", ["22"], indirect=True)


@pytest.fixture(scope="module")
def asterisks(request, tmp_path_factory):
    if os.geteuid() != 0:
        pytest.fail("the lab needs root: namespaces, chroot")
    with AsteriskSite(tmp_path_factory.mktemp("asterisk"), request.param, ACCOUNTS, changes=CHANGES, files=FILES) as s:
        s.start_asterisk("a", "b")
        yield s


@pytest.fixture()
def site(asterisks):
    """No phone is registered, both run, and the phones speak to a."""
    for name in ("a", "b"):
        if name not in asterisks.kamailios:
            asterisks.start_asterisk(name)
    asterisks.lead_phones_to("a")
    yield asterisks
    asterisks.close_clients()
    for name in ("a", "b"):
        if name in asterisks.kamailios:
            for contact in asterisks.manager(name).ask("PJSIPShowContacts"):
                if "ObjectName" in contact:
                    asterisks.manager(name).command(f"database del registrar/contact {contact['ObjectName']}")


@pytest.fixture()
def pair(site):
    """Adapter of the holder a, adapter of the standby b, and what a reports is applied at b."""
    a, b = site.adapter("a", True), site.adapter("b", False)
    for adapter in (a, b):
        adapter.wait_state("healthy")
        adapter.apply_all([])
        adapter.wait_in_step()
    site.lag = mirror(a, b)
    return a, b


def know(adapter, *users):
    """Until it has reported exactly these accounts."""
    adapter.wait(lambda: sorted(key[0] for key in adapter.bindings) == sorted(users), 8, f"bindings of {users}")


def take_over(site, a, b):
    """b speaks for the address now."""
    site.lead_phones_to("b")
    a.request("standby")
    b.request("activate")


def right(site, name, *users):
    states = site.manager(name).device_states()
    return all(states[u] == "Not in use" for u in users)


@BOTH
def test_phones_are_called_through_the_other_and_their_states_are_right_at_once(site, pair, record_property):
    a, b = pair
    desk, probed, nated, tcp, other = site.phone("1001"), site.phone("1002"), site.phone("1005", contact_host="192.168.5.5", contact_port=5060), \
        site.phone("1003", transport="tcp"), site.phone("1004")
    phones = [desk, probed, nated, tcp, other]
    assert [p.register() for p in phones] == [200] * 5
    users = [p.user for p in phones]
    know(a, *users)
    b.wait(lambda: b.health["bindings"] == 5, 5, "five bindings at the standby")
    start = time.monotonic()
    take_over(site, a, b)
    wait_until(lambda: right(site, "b", *users), 3, lambda: f"device states {site.manager('b').device_states()}", 0.01)
    seconds = time.monotonic() - start
    record_property("device_states_right_ms", seconds * 1000)
    assert site.manager("b").queue_members() == {"1001": 1, "1002": 1}
    lamp = other.watch("1001")
    other.wait(lambda: lamp.state == "Ready", 2, "the lamp")
    for phone in phones[:4]:
        assert other.call(phone.user) == 200 and phone.rang == 1, phone.user
    print(f"five phones: device states right {seconds * 1000:.0f} ms after the move began")
    assert "x-ast-orig-host" in site.uris("b", "1005")[0] or OWN in site.uris("b", "1005")[0]
    assert other.call("1098") == 480, "nobody is registered there"


@NEWEST
def test_standby_sends_nothing_to_phones(site, pair):
    """OPTIONS from a node that has not got the address would reach the phones' answers nowhere and mark them unreachable."""
    a, b = pair
    phone = site.phone("1002")
    assert phone.register() == 200
    know(a, "1002")
    b.wait(lambda: b.health["bindings"] == 1, 5, "the binding at the standby")
    wait_until(lambda: phone.probed, 3, "the holder's OPTIONS")
    time.sleep(1)
    take_over(site, a, b)
    wait_until(lambda: right(site, "b", "1002"), 3, "the state at the new holder", 0.02)
    assert phone.call("1002") in (200, 486) and phone.rang == 1


@BOTH
def test_refresh_and_unregister_at_the_new_holder(site, pair):
    a, b = pair
    phones = [site.phone("1001", contact_host="192.168.5.5"), site.phone("1003"), site.phone("1003"), site.phone("1004", transport="tcp"),
              site.phone("1006", contact_host="192.168.5.6")]
    assert all(p.register() == 200 for p in phones)
    know(a, "1001", "1003", "1003", "1004", "1006")
    b.wait(lambda: b.health["bindings"] == 5, 5, "the bindings at the standby")
    take_over(site, a, b)
    wait_until(lambda: len(site.uris("b", "1003")) == 2, 3, "two contacts of one account")
    events = len(site.manager("b").events)
    mirror(b, a)
    assert all(p.register() == 200 for p in phones)
    assert all(p.stale == 1 for p in phones), "the old holder's nonce is to be refused once, as stale"
    assert [len(site.uris("b", u)) for u in ("1001", "1003", "1004", "1006")] == [1, 2, 1, 1]
    assert all(p.register(0) == 200 for p in phones)
    assert [len(site.uris("b", u)) for u in ("1001", "1003", "1004", "1006")] == [0, 0, 0, 0]
    a.wait(lambda: a.health["bindings"] == 0, 5, "the end at the old holder")
    alarming = [e for e in site.manager("b").alarming(events) if e["Service"] == "PJSIP"]
    assert not alarming, alarming[:3]


@BOTH
def test_phones_that_leave_while_the_takeover_is_settled_stay_away(site, pair):
    """Unregistered, or refreshed, at the new holder before, while and after it is given its contacts: it is not given one that has left, and does not take
    one that stays for one that has left."""
    a, b = pair
    for turn in range(4):
        phones = [site.phone(str(2001 + i)) for i in range(60)]
        assert all(p.register() == 200 for p in phones)
        know(a, *(p.user for p in phones))
        b.wait(lambda: b.health["bindings"] == 60 and b.health["in_step"], 10, "60 bindings at the standby")
        stay = {p.user for i, p in enumerate(phones) if i % 3 == 0}
        take_over(site, a, b)
        mirror(b, a)
        for phone in phones:
            assert phone.register(300 if phone.user in stay else 0) == 200
            time.sleep(turn * 0.01)
        a.wait(lambda: a.health["bindings"] == len(stay), 5, "those that left to be gone at the old holder")
        time.sleep(2)
        assert {c["Endpoint"] for c in site.manager("b").ask("PJSIPShowContacts") if "ObjectName" in c} == stay, f"turn {turn}"
        assert a.health["bindings"] == len(stay)
        for p in phones:
            if p.user in stay:
                assert p.register(0) == 200
            p.close()
        a.wait(lambda: a.health["bindings"] == 0, 5, "all to be gone")
        a.listener, b.listener = None, None
        a.bindings.clear()
        a.request("activate")
        b.request("standby")
        site.lead_phones_to("a")
        mirror(a, b)


@NEWEST
def test_phone_on_its_own_connection_is_reported_and_not_moved(site, pair):
    a, b = pair
    phone = site.phone("1005", transport="tcp-own", contact_host="192.168.5.5")
    assert phone.register() == 200
    know(a, "1005")
    binding = next(iter(a.bindings.values()))
    assert binding["connection"].startswith(f"tcp:{OWN}:"), binding
    assert a.wait(lambda: a.health.get("unmovable") == 1, 3, "one unmovable phone")
    time.sleep(0.5)
    take_over(site, a, b)
    time.sleep(0.5)
    assert site.uris("b", "1005") == [], "a connection cannot be given to another PBX"
    site.lead_phones_to("a")


@BOTH
def test_who_is_in_a_call_is_served_first_and_known_to_an_adapter_that_comes_later(site, pair):
    a, b = pair
    phones = [site.phone("1001"), site.phone("1003"), site.phone("1004")]
    assert all(p.register() == 200 for p in phones)
    know(a, "1001", "1003", "1004")
    call = phones[0].dial("1003")
    assert call.status == 200

    def priorities(adapter):
        return {aor: binding.get("priority", 0) for (aor, _), binding in adapter.bindings.items()}
    a.wait(lambda: priorities(a)["1001"] == priorities(a)["1003"] == 9, 6, "those in the call to be first")
    assert priorities(a)["1004"] < 9
    later = site.adapter("a", True)
    later.wait(lambda: priorities(later).get("1001") == priorities(later).get("1003") == 9, 10, "the same from an adapter that has not seen the call begin")
    assert call.hang_up() == 200


@contextlib.contextmanager
def given(where):
    """AORs of the contacts that are put into an Asterisk, in the order of the requests on its loopback."""
    with inside(where):
        lo = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        lo.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE: nothing of what AMI says beside may push a request out
        lo.bind(("lo", 0))
    lo.settimeout(0.1)
    aors, ended = [], threading.Event()

    def listen():
        while not ended.is_set():
            with contextlib.suppress(TimeoutError):
                for aor in re.findall(rb"PUT /ari/asterisk/config/dynamic/res_pjsip/contact/(\d+)%3B", lo.recv(65536)):
                    if aor.decode() not in aors:  # each frame is seen twice on a loopback
                        aors.append(aor.decode())
    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield aors
    finally:
        ended.set()
        thread.join()
        lo.close()


@BOTH
def test_phones_that_matter_most_are_given_to_the_new_holder_first(site, pair):
    """In a call, or waiting in a queue; called lately; member of a queue; the others. All are qualified, so the standby gets them when it takes over."""
    a, b = pair
    others = {str(n): site.phone(str(n)) for n in range(2010, 2100, 2)}
    assert [p.register() for p in list(others.values())[:22]] == [200] * 22
    waiting, caller, called, lately, member = (site.phone(n) for n in ("2002", "2004", "2006", "2008", "1002"))
    assert [p.register() for p in (waiting, caller, called, lately, member)] == [200] * 5
    assert [p.register() for p in list(others.values())[22:]] == [200] * 23
    assert caller.call("2008") == 200
    talk, queued = caller.dial("2006"), waiting.dial("701")
    assert (talk.status, queued.status) == (200, 200)
    expected = {"2002": 9, "2004": 9, "2006": 9, "2008": 6, "1002": 3} | dict.fromkeys(others, 0)
    a.wait(lambda: {aor: binding.get("priority", 0) for (aor, _), binding in a.bindings.items()} == expected, 15, "the priorities")
    b.wait(lambda: b.health["bindings"] == len(expected), 10, "all bindings at the standby")
    time.sleep(0.5)  # and with the newest priorities
    with given(site.where("b")) as order:
        take_over(site, a, b)
        wait_until(lambda: len(order) == len(expected), 10, lambda: f"{len(expected)} contacts to be given: {order}", 0.02)
    print(f"given first: {order[:12]}")
    at_once = 8  # requests; those of one round come in any order
    for user, priority in expected.items():
        ahead = sum(p >= priority for p in expected.values())
        assert order.index(user) < ahead + at_once - 1, f"{user} of priority {priority} came as number {order.index(user) + 1}: {order}"
    queued.hang_up()
    talk.hang_up()


@NEWEST
def test_registrations_end_on_both(site, pair):
    a, b = pair
    phone = site.phone("1001")
    assert phone.register(expires_s=3) == 200
    know(a, "1001")
    a.wait(lambda: not a.bindings, 9, "the end of the registration")
    b.wait(lambda: b.health["bindings"] == 0, 9, "the end at the standby")


@BOTH
def test_restarted_asterisk_gets_its_registrations_back(site, pair):
    """Killed, and its database lost: as a new disk would be."""
    a, b = pair
    phones = [site.phone("1001"), site.phone("1002"), site.phone("1006", contact_host="192.168.5.5")]
    assert all(p.register() == 200 for p in phones)
    know(a, "1001", "1002", "1006")
    site.end_asterisk("a")
    a.wait_state("dead")
    (site.run_dir("a") / "db" / "astdb.sqlite3").unlink()
    site.start_asterisk("a")
    a.wait_state("healthy")
    a.wait_in_step()
    wait_until(lambda: right(site, "a", "1001", "1002", "1006"), 5, lambda: f"states {site.manager('a').device_states()}")
    other = site.phone("1004")
    for p in phones:
        assert other.call(p.user) == 200 and p.rang == 1
    assert len(a.bindings) == 3, "the restart was reported as if the phones had gone"


@NEWEST
def test_dead_and_hung_asterisk_are_reported(site, record_property):
    a = site.adapter("a", True)
    health, _ = a.wait_state("healthy")
    assert health["pid"] == site.kamailios["a"].pid
    site.signal_kamailio("a", signal.SIGSTOP)
    _, sick_s = a.wait_state("sick", 3)
    site.signal_kamailio("a", signal.SIGCONT)
    a.wait_state("healthy", 3)
    site.end_asterisk("a")
    _, dead_s = a.wait_state("dead", 3)
    site.start_asterisk("a")
    a.wait_state("healthy", 5)
    record_property("hung_reported_s", sick_s)
    record_property("killed_reported_s", dead_s)
    print(f"OPTIONS every 200 ms, 3 failures: hung reported after {sick_s:.2f} s, killed after {dead_s:.2f} s (by the pid file)")


@BOTH
def test_overloaded_asterisk_is_told_from_a_dead_one(site, record_property):
    """Over its high water mark it drops OPTIONS over UDP and answers 503 over TCP; below it, a moment later, it answers again."""
    a = site.adapter("a", True)
    a.wait_state("healthy")
    pid = a.health["pid"]
    with Storm(site):
        health, seconds = a.wait(lambda: a.health.get("overloaded") and a.health, 60, "overload to be reported")
        assert health["state"] == "healthy" and "overloaded for" in health["why"] and health["pid"] == pid, health
        until = time.monotonic() + 2
        while time.monotonic() < until:
            assert a.health["state"] == "healthy" and a.health["overloaded"], f"it goes up and down many times a second: {a.health}"
            time.sleep(0.01)
    a.wait(lambda: a.health["state"] == "healthy" and not a.health.get("overloaded"), 30, "its end")
    assert a.health["pid"] == pid
    record_property("overload_reported_s", seconds)
    print(f"overloaded {seconds:.1f} s after the storm began: {health['why']}")


@NEWEST
def test_health_probe_is_no_attack(site):
    a = site.adapter("a", True)
    a.wait_state("healthy")
    events = len(site.manager("a").events)
    time.sleep(0.7)
    assert site.manager("a").alarming(events) == []


@NEWEST
def test_many_phones_registering_reach_the_standby(site, pair, record_property):
    a, b = pair
    phones = [site.phone(str(2001 + i)) for i in range(100)]
    start = time.monotonic()
    assert all(p.register() == 200 for p in phones)
    b.wait(lambda: b.health["bindings"] == 100 and b.health["in_step"], 10, "100 bindings at the standby")
    total_s = time.monotonic() - start
    start = time.monotonic()
    take_over(site, a, b)
    wait_until(lambda: right(site, "b", *(p.user for p in phones)), 5, "100 device states", 0.02)
    record_property("states_of_100_right_ms", (time.monotonic() - start) * 1000)
    print(f"100 phones known at the standby in {total_s:.2f} s; device states right {(time.monotonic() - start) * 1000:.0f} ms after the move began")
    # States that the test before has left behind may be right too early.
    wait_until(lambda: [len(site.uris("b", p.user)) for p in phones[::9]] == [1] * len(phones[::9]), 5, lambda: f"one contact each: {[(p.user, site.uris('b', p.user)) for p in phones[::9]]}", 0.05)
