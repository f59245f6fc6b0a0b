# SPDX-License-Identifier: GPL-2.0-or-later
"""Whole clusters with a real Asterisk: twenty accounts of every sort (UDP, TCP, NAT, qualify 0 and 60, one and two contacts) are called, lamps and queues
are right, and a refresh leaves no trace, after each thing that can happen to the holder."""
import os
import re
import threading
import time

import pytest

from ringlab import Lab, asterisk, ringkeep
from ringlab.carrier import Carrier
from ringlab.machine import wait_until
from ringlab.office import Office, accounts
from ringlab.probe import now_ns
from ringlab.stalls import excused
from ringlab.story import Story, death_bound_ms
from ringlab.telephone import Telephone

HANDOVER_MS = 250      # of the address; two Asterisks and twenty telephones share two cores with it
CALLABLE_S = 3.0       # from the first answer at the new holder to the last movable phone that was called and answered
RECONNECT_S = 10.0     # the same for phones that have to connect again
TRUNK_S = 2.0          # to the new holder's registration at the carrier
TRUNK = 'damping-penalty = 0\n    trunk itsp { registration = "itsp-reg"  peers = { "10.77.0.210" } }'
MOVABLE = ("udp", "pair", "tcp", "nat")
SOON = {"pjsip.conf": [("contact_expiration_check_interval = 10", "contact_expiration_check_interval = 1")]}


def where(lab):
    return f"/proc/{lab.phones.pid}/ns/net"


def running(version):
    if os.geteuid() != 0:
        pytest.fail("the lab needs root: namespaces, chroot")
    lab = Lab()
    lab.carrier = Carrier(lab)
    try:
        lab.carrier.boot()
        lab.start_cluster(pbx="asterisk", asterisk=version, accounts=accounts(), asterisk_install={"changes": SOON}, group=TRUNK)
        lab.office = Office(where(lab), "10.77.0.200")
        assert lab.office.register() == []
        lab.count = len(lab.office.phones)
        lab.wait_replicated(lab.count)
    except BaseException:
        lab.carrier.close()
        lab.close()
        raise
    return lab


def ended(lab):
    lab.office.close()
    lab.carrier.close()
    lab.close()


@pytest.fixture(scope="module")
def asterisk22():
    lab = running("22")
    yield lab
    ended(lab)


@pytest.fixture(scope="module")
def asterisk16():
    lab = running("16")
    yield lab
    ended(lab)


@pytest.fixture()
def lab(request):
    lab = request.getfixturevalue("asterisk" + request.node.callspec.params.get("version", "22") if hasattr(request.node, "callspec") else "asterisk22")
    lab.restore()
    for node in lab.pbx_nodes:
        asterisk.wait_booted(node)
    lab.wait_replicated(lab.count)
    holder = lab.wait_settled()
    wait_until(lambda: trunk_state(holder) == "registered", 15, lambda: f"the trunk of {holder.name}: {ringkeep.group(holder)['trunks']}", 0.1)
    lab.guests = []
    yield lab
    for phone in lab.guests:  # also of a test that failed
        phone.register(0)
        phone.close()


def trunk_state(node):
    return ringkeep.group(node)["trunks"][0]["state"]


def guest(lab, number, **more):
    """A phone for one test."""
    phone = Telephone(where(lab), number, "10.77.0.200", "10.77.0.100", **more)
    lab.guests.append(phone)
    return phone


FAULTS = {
    "switchover": (lambda s: s.holder.hactl("switchover", "office", "--wait"), lambda lab: HANDOVER_MS),
    "pbx_crash": (lambda s: s.holder.pbx.kill(), lambda lab: HANDOVER_MS),
    "power_off": (lambda s: s.holder.power_off(), death_bound_ms),
    "silent_cut": (lambda s: s.lab.hub.cut(s.holder), death_bound_ms),
}


class After:
    """What the office sees at the new holder."""

    def __init__(self, lab, story, record_property):
        self.lab, self.office, self.holder, self.record = lab, lab.office, story.standby, record_property
        self.manager = asterisk.Manager(asterisk.where(story.standby), events=True)
        self.watcher = guest(lab, "1031")
        assert self.watcher.register() == 200
        self.old_lamp = self.watcher.watch("1001")
        self.watcher.wait(lambda: self.old_lamp.state == "Ready", 3, "the lamp of 1001")
        for phone in self.office.phones:
            phone.stale = phone.cuts = 0

    def note(self, name, value):
        self.record(name, value)
        print(f"{name}: {value if isinstance(value, int) else round(value, 3)}")

    def about(self, users):
        """What the new holder's Asterisk says of the accounts."""
        states = self.manager.device_states()
        events = [(e["Event"], e.get("ContactStatus", e.get("PeerStatus"))) for e in self.manager.events for u in users if f"/{u}" in e.get("Peer", "") or e.get("AOR") == u]
        return f"{ {u: (states[u], [(c['Uri'], c['Status']) for c in self.manager.contacts(u)]) for u in users} }, events {events}"

    def states(self):
        """Right without any call or REGISTER."""
        start, users = time.monotonic(), self.office.users(*MOVABLE)
        wait_until(lambda: not self.office.wrong_states(self.manager, users), CALLABLE_S, lambda: self.about(self.office.wrong_states(self.manager, users)), 0.05)
        self.note("device_states_right_s", time.monotonic() - start)
        members = self.manager.queue_members()
        assert members == {"1001": 1, "1002": 1}, f"queue members are {members}, 1 is free"

    def calls(self):
        left, seconds = self.office.reachable_within(CALLABLE_S, self.office.users(*MOVABLE))
        assert not left, f"after {CALLABLE_S} s these were not called: { {u: self.office.said[u] for u in left} }; {self.about(left)}"
        self.note("movable_phones_called_s", seconds)
        left, seconds = self.office.reachable_within(RECONNECT_S, self.office.users("own"))
        assert not left, f"phones on their own connections that did not come back: {left}"
        self.note("phones_on_own_connections_called_s", seconds)

    def queue(self):
        rang = [sum(p.rang for p in self.office.accounts[u]) for u in ("1001", "1002")]
        call = self.office.caller.dial("700")
        assert call.status == 200
        agents = self.office.accounts["1001"] + self.office.accounts["1002"]
        wait_until(lambda: sum(p.rang for p in agents) == sum(rang) + 1, 5, "a member of the queue to be rung", 0.02)
        assert call.hang_up() == 200

    def lamps(self):
        """A lamp that was lit at the old holder is dark until it is asked for again: then it is right."""
        assert self.old_lamp.subscribe() == 481
        presence, dialog = self.watcher.watch("1001"), self.watcher.watch("1001", "dialog")
        self.watcher.wait(lambda: presence.state == "Ready", 3, "the lamp at the new holder")
        call = self.office.caller.dial("1001")
        self.watcher.wait(lambda: dialog.state == "confirmed", 3, "the lamp to show the call")
        call.hang_up()
        self.watcher.wait(lambda: dialog.state == "terminated", 3, "the lamp to go out")

    def trunk(self, since, since_ns):
        """One registration at the carrier, made by the new holder; the old one neither has one nor asks for it."""
        def done():
            return [r for r in self.lab.carrier.registers("office", since) if r.status == 200 and r.expires > 0]
        wait_until(done, 10, lambda: f"a REGISTER at the carrier: {self.lab.carrier.registers('office')[-5:]}, {ringkeep.group(self.holder)['trunks']}", 0.02)
        self.trunk_since = since
        self.note("trunk_registered_s", done()[0].at - since)
        with excused(since_ns):
            assert done()[0].at - since <= TRUNK_S
        assert not [r for r in self.lab.carrier.registers("office", since) if r.status == 200 and r.expires == 0], "the carrier had none for a while"
        assert self.lab.carrier.contacts("office") == ["sip:office@10.77.0.100:5060"]
        wait_until(lambda: trunk_state(self.holder) == "registered", 3, lambda: f"{ringkeep.group(self.holder)['trunks']}")
        assert len(done()) == 1, f"the carrier was asked {len(done())} times: {done()}"

    def still_one_trunk(self):
        """Some time later: nobody has registered again, and nobody else is registered."""
        seen = self.lab.carrier.registers("office", self.trunk_since)
        assert len([r for r in seen if r.status == 200 and r.expires > 0]) == 1, f"the carrier was asked again: {seen}"
        assert self.lab.carrier.contacts("office") == ["sip:office@10.77.0.100:5060"]

    def refresh(self):
        """Every phone comes with the nonce of the old holder."""
        assert self.office.register() == []
        assert self.office.wrong_contacts(self.manager) == {}
        stale = [p.user for p in self.office.phones if p.stale == 0 and p.transport != "tcp-own"]
        assert not stale, f"no 401 with stale=true for {stale}: was it the old holder that answered?"

    def unregister(self):
        """Two that leave are gone; then they come back."""
        for user in ("1003", "1012"):
            for phone in self.office.accounts[user]:
                assert phone.register(0) == 200
            wait_until(lambda u=user: not self.manager.contacts(u), 3, f"{user} to be gone")
        self.watcher.register(0)
        left = self.lab.count - sum(len(self.office.accounts[u]) for u in ("1003", "1012"))
        wait_until(lambda: ringkeep.bindings(self.holder) == left, 5, lambda: "the agent to know: " + self.lab.describe())
        for user in ("1003", "1012"):
            assert all(p.register() == 200 for p in self.office.accounts[user])

    def nothing_to_ban(self):
        events = [e for e in self.manager.alarming() if e.get("Service") == "PJSIP"]
        assert not events, f"what an attack looks like: {events[:5]}"


def check(lab, fault, record_property):
    action, bound = FAULTS[fault]
    with Story(lab, moves=1, outage_ms=bound(lab), sip_outage_ms=bound(lab) + 1000, calls=False, sip_us=50000) as s:
        after = After(lab, s, record_property)
        lab.wait_replicated(lab.count + 1)
        s.mark()
        action(s)
        s.wait_moved()
        moved, moved_ns = time.time(), now_ns()
        after.states()
        after.calls()
        after.queue()
        after.trunk(moved - 0.2, moved_ns - 200_000_000)
        after.lamps()
        after.refresh()
        after.unregister()
        after.nothing_to_ban()
        after.still_one_trunk()
        after.manager.close()


@pytest.mark.parametrize("fault", FAULTS)
def test_every_phone_is_there_after(lab, fault, record_property):
    check(lab, fault, record_property)


@pytest.mark.parametrize("version", ["16"])
@pytest.mark.parametrize("fault", ["pbx_crash", "switchover", "power_off"])
def test_the_oldest_asterisk_does_the_same_after(lab, fault, version, record_property):
    check(lab, fault, record_property)


@pytest.mark.parametrize(("fault", "version"), [(f, v) for v in ("22", "16") for f in ("pbx_crash", "switchover", "power_off")])
def test_registrations_that_were_moved_end_when_they_should(lab, fault, version):
    phone = guest(lab, "1033")
    assert phone.register(6) == 200
    ends = time.monotonic() + 6
    lab.wait_replicated(lab.count + 1)
    with Story(lab, moves=1, outage_ms=FAULTS[fault][1](lab), sip_outage_ms=FAULTS[fault][1](lab) + 1000, calls=False, sip_us=50000) as s:
        s.mark()
        FAULTS[fault][0](s)
        s.wait_moved()
        manager = asterisk.Manager(asterisk.where(s.standby))
        wait_until(lambda: manager.contacts("1033"), 2, "the registration at the new holder", 0.05)
        wait_until(lambda: not manager.contacts("1033"), 10, "its end", 0.1)
        assert time.monotonic() > ends - 1.1, "it ended before its time"  # Asterisk keeps whole seconds
        wait_until(lambda: manager.device_states()["1033"] == "Unavailable", 2, "the device state to follow", 0.05)
        wait_until(lambda: ringkeep.bindings(s.standby) == lab.count, 8, lambda: "the agent to know: " + lab.describe())
        manager.close()


def holder_at_rest(lab):
    """The holder, once no node is at a move."""
    def moving():
        return [n for n in lab.pbx_nodes if (ringkeep.group(n).get("operation") or {}).get("state") == "running"]
    wait_until(lambda: not moving(), 10, "the move before to be done everywhere", 0.05)
    return lab.wait_settled()


@pytest.mark.parametrize("version", ["22", "16"])
def test_a_phone_that_registers_just_before_a_switchover_is_known_to_the_new_holder(lab, version):
    for number in ("1033", "1034", "1031"):
        phone = guest(lab, number)
        holder = holder_at_rest(lab)
        other = next(n for n in lab.pbx_nodes if n is not holder)
        assert phone.register() == 200
        holder.hactl("switchover", "office", "--wait")
        manager = asterisk.Manager(asterisk.where(other))
        wait_until(lambda n=number: manager.contacts(n), 5, lambda: f"{number} at {other.name}: " + lab.describe(), 0.05)
        manager.close()


def counted(node):
    return ringkeep.group(node)["pbx"]["calls"]


@pytest.mark.parametrize("version", ["22", "16"])
def test_a_call_is_counted_once_whoever_takes_part_in_it(lab, version):
    """Two phones, one alone with an announcement, one in a queue while its members ring and after one has answered."""
    phones = [guest(lab, str(n)) for n in range(1031, 1035)]
    assert [p.register() for p in phones] == [200] * 4
    holder = lab.wait_settled()
    agents = lab.office.accounts["1001"] + lab.office.accounts["1002"]

    def wait_counted(count):
        wait_until(lambda: counted(holder) == count, 5, lambda: f"{count} calls: {ringkeep.group(holder)['pbx']}", 0.05)
        time.sleep(1.5)  # the next count is the same
        assert counted(holder) == count
    wait_counted(0)
    calls = [phones[0].dial("1033")]
    wait_counted(1)
    calls.append(phones[1].dial("600"))
    wait_counted(2)
    rang = sum(p.rang for p in agents)
    try:
        for phone in agents:
            phone.ring_s = 6
        calls.append(phones[3].dial("700"))
        wait_until(lambda: sum(p.rang for p in agents) > rang, 5, "a member to be rung", 0.05)
        wait_counted(3)
        wait_until(lambda: any(call.up for p in agents for call in p.calls.values()), 10, "a member to answer", 0.05)
        wait_counted(3)
    finally:
        for phone in agents:
            phone.ring_s = 0
    assert [c.hang_up() for c in calls] == [200] * 3
    wait_counted(0)


def in_background(function, *args):
    """The thread, and the list that its result comes to."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function(*args)), daemon=True)
    thread.start()
    return thread, results


def held(node):
    """Addresses at which a node lets no call begin."""
    return [a for name in ("held4", "held6") for a in re.findall(r"[0-9a-f.:]+ timeout", node.check("nft", "list", "set", "inet", "ringkeep", name))]


def calls_around_a_switchover(lab, ring_s):
    """One that rings when it is ordered, and one that begins just after: (their statuses, seconds to the move)."""
    phones = [guest(lab, str(n)) for n in range(1031, 1035)]
    assert [p.register() for p in phones] == [200] * 4
    lab.wait_replicated(lab.count + 4)
    holder = holder_at_rest(lab)
    phones[2].ring_s = ring_s
    ringing, first = in_background(phones[0].dial, "1033")
    wait_until(lambda: phones[2].rang, 5, "the phone to ring")
    ordered = time.monotonic()
    holder.hactl("switchover", "office")
    late, second = in_background(phones[1].dial, "1034")
    wait_until(lambda: ringkeep.group(holder)["holder"] not in (holder.name, None), 10, lambda: "the move: " + lab.describe())
    took_s = time.monotonic() - ordered
    late.join(20)
    if ring_s < 1:
        ringing.join(20)
    wait_until(lambda: not any(held(n) for n in lab.pbx_nodes), 2, "calls to be let in again", 0.05)
    for phone in lab.guests:
        phone.register(0)
        phone.close()
    lab.guests.clear()
    return [c.status for c in first + second], took_s


@pytest.mark.parametrize("version", ["22", "16"])
def test_who_calls_is_answered_before_a_switchover_or_after_it(lab, version):
    for _ in range(3):  # a machine that stands still for a second outlasts the wait
        statuses, _ = calls_around_a_switchover(lab, 0.3)
        if statuses == [200, 200]:
            return
    raise AssertionError(f"a call that rang, and one that came at the hand-over: {statuses}")


def test_a_phone_that_rings_for_long_holds_no_switchover_up(lab):
    statuses, took_s = calls_around_a_switchover(lab, 8)
    assert statuses == [200], "the call that came at the hand-over, or the one that rang was answered"
    assert took_s < 4, "one second was waited, and the machine stood still for one or two"


@pytest.mark.parametrize("version", ["22", "16"])
def test_drain_waits_for_the_calls_that_an_asterisk_counts(lab, version):
    caller, called = guest(lab, "1031"), guest(lab, "1033")
    assert [p.register() for p in (caller, called)] == [200] * 2
    for node in lab.pbx_nodes:  # phones of other tests went without a BYE: their calls would be waited for, too
        manager = asterisk.Manager(asterisk.where(node))
        try:
            manager.command("channel request hangup all")
        finally:
            manager.close()
    holder = lab.wait_settled()
    wait_until(lambda: counted(holder) == 0, 10, lambda: f"no call: {ringkeep.group(holder)['pbx']}", 0.05)
    call = caller.dial("1033")
    assert call.status == 200
    wait_until(lambda: counted(holder), 5, lambda: f"the call: {ringkeep.group(holder)['pbx']}", 0.05)
    assert counted(holder) == 1
    holder.hactl("switchover", "office", "--drain=60s")
    wait_until(lambda: ringkeep.group(holder)["operation"]["draining"], 3, "the drain to begin", 0.05)
    time.sleep(4)  # twice as long as it waits without a call
    assert ringkeep.group(holder)["holder"] == holder.name, "moved under a call"
    assert call.hang_up() == 200
    wait_until(lambda: ringkeep.group(holder)["holder"] != holder.name, 15, lambda: f"the move: {ringkeep.group(holder)['operation']}", 0.05)


def test_audio_between_phones_goes_on_while_the_pbx_dies(lab, record_property):
    """direct_media=yes: the audio does not cross the PBX. =no: it ends with the PBX. Signalling is lost in both: a BYE gets 481."""
    make = [guest(lab, str(n), audio=True) for n in range(1031, 1035)]
    assert [p.register() for p in make] == [200] * 4
    lab.wait_replicated(lab.count + 4)
    holder = lab.wait_settled()
    through, direct = make[0].dial("1032"), make[2].dial("1034")
    assert (through.status, direct.status) == (200, 200)
    far = {c: next(iter(p.calls.values())) for c, p in ((through, make[1]), (direct, make[3]))}
    wait_until(lambda: direct.reinvites and far[direct].reinvites, 3, "the audio to be led past the PBX")
    time.sleep(0.3)
    for call, source in ((through, "10.77.0.100"), (direct, "10.77.0.200")):
        for end in (call, far[call]):
            assert end.media.sources(time.monotonic() - 0.2) == {source}
    killed, killed_ns = time.monotonic(), now_ns()
    holder.pbx.kill()
    lab_moved = wait_until(lambda: next((n for n in lab.pbx_nodes if n is not holder and ringkeep.group(n)["holder"] == n.name), None), 10, "the move")
    time.sleep(1)
    gaps = {name: max(end.media.gap_ms(killed) for end in (call, far[call])) for name, call in (("through", through), ("direct", direct))}
    print(f"longest silence after the PBX was killed, {lab_moved.name} took over: {gaps['direct']:.0f} ms direct, {gaps['through']:.0f} ms (to the end) through the PBX")
    record_property("direct_media_gap_ms", gaps["direct"])
    with excused(killed_ns):
        assert gaps["direct"] < 200, "audio that does not cross the PBX was interrupted"
    assert gaps["through"] > 900, "audio that crosses a dead PBX was heard"
    assert [c.hang_up() for c in (through, direct, *far.values())] == [481] * 4
