# SPDX-License-Identifier: GPL-2.0-or-later
"""Phones that hang on a TCP connection of their own: they cannot be moved, so they are told to come back, at once and without a keep-alive."""
import pytest
from ringlab import ringkeep
from ringlab.machine import wait_until
from ringlab.phones import OWN, VIP
from ringlab.story import Story, death_bound_ms
from ringlab.telephone import Telephone

USERS = ("1101", "1102", "1103")
BACK_S = 5  # far below any keep-alive or refresh; the reset itself is a round trip after the takeover


@pytest.fixture()
def hanging(lab):
    """Phones behind a NAT that only their own connection leads to, and one that cannot tell that from theirs."""
    where = f"/proc/{lab.phones.pid}/ns/net"
    phones = [Telephone(where, user, OWN, VIP, transport="tcp-own", contact_host=f"192.168.5.{i}", contact_port=5060) for i, user in enumerate(USERS, 1)]
    caller = Telephone(where, "1104", OWN, VIP)
    before = ringkeep.bindings(lab.n1)
    assert [p.register() for p in (*phones, caller)] == [200] * 4
    lab.wait_replicated(before + 4)
    yield phones, caller
    lab.restore()
    for p in (*phones, caller):
        p.transport = "udp" if p is caller else "tcp"  # not to come back any more
        p.register(0)
        p.close()
    lab.wait_replicated(before)


def unmovable(node):
    return ringkeep.group(node)["pbx"]["unmovable"]


def came_back(lab, phones, caller, node):
    wait_until(lambda: [p.cuts for p in phones] == [1] * 3, BACK_S, lambda: f"each connection to be reset once: {[p.cuts for p in phones]}")
    wait_until(lambda: unmovable(node) == 3, BACK_S, lambda: f"three phones on connections at {node.name}: {unmovable(node)}")
    assert [caller.call(user) for user in USERS] == [200] * 3, "a phone that came back cannot be called"


def test_they_come_back_after_a_switchover(lab, hanging):
    phones, caller = hanging
    wait_until(lambda: unmovable(lab.wait_settled()) == 3, BACK_S, "three phones on connections of their own")
    with Story(lab, moves=1) as s:
        s.holder.hactl("switchover", "office", "--to", s.standby.name)
        s.wait_moved()
        came_back(lab, phones, caller, s.standby)


def test_they_come_back_after_a_silent_death(lab, hanging):
    phones, caller = hanging
    with Story(lab, moves=1, outage_ms=death_bound_ms(lab)) as s:
        lab.hub.cut(s.holder)
        s.wait_moved()
        came_back(lab, phones, caller, s.standby)
