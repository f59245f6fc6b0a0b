# SPDX-License-Identifier: GPL-2.0-or-later
"""Twenty accounts of an Asterisk, one of each sort that there is, with their telephones, and what an office asks of them: each can be called, lamps and
queues are right, a refresh leaves no trace of the move.

    office = Office(where, "10.77.0.200")
    office.register()
    office.unreachable()     # accounts that could not be called
"""
import concurrent.futures
import contextlib
import time

from . import asterisk
from .telephone import Telephone

# Telephones of each account: over UDP; two of them; over TCP, where it listens; behind NAT; over TCP with its own connection only.
SORTS = ("udp", "pair", "tcp", "nat", "own")
COMBINATIONS = ((0, 1), (60, 1), (0, 2), (60, 2))  # qualify_frequency, max_contacts
NUMBERS = range(1, 1 + len(SORTS) * len(COMBINATIONS))


def sort_of(i):
    return SORTS[(i - 1) % len(SORTS)]


def accounts():
    found = []
    for i in NUMBERS:
        qualify, most = COMBINATIONS[(i - 1) // len(SORTS)]
        found.append(asterisk.Account(str(1000 + i), qualify, most, nat=sort_of(i) in ("nat", "own")))
    # Two phones whose calls cross the PBX, two whose calls do not: 1031 and 1032, 1033 and 1034.
    return (*found, *(asterisk.Account(str(n), direct_media=n > 1032) for n in range(1031, 1035)))


def in_parallel(function, things, at_once=10):
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(function, things))


class Office:
    def __init__(self, where, own, server="10.77.0.100", numbers=NUMBERS):
        self.accounts = {}
        for i in numbers:
            user, sort = str(1000 + i), sort_of(i)
            more = {"nat": {"contact_host": f"192.168.5.{i}", "contact_port": 5060}, "own": {"transport": "tcp-own", "contact_host": f"192.168.5.{i}"},
                    "tcp": {"transport": "tcp"}}.get(sort, {})
            count = 2 if sort == "pair" and COMBINATIONS[(i - 1) // len(SORTS)][1] == 2 else 1
            self.accounts[user] = [Telephone(where, user, own, server, **more) for _ in range(count)]
        self.caller = Telephone(where, "1032", own, server)
        self.said = {}  # account -> the last status of a call to it

    @property
    def phones(self):
        return [p for phones in self.accounts.values() for p in phones]

    def register(self, expires_s=300):
        """Statuses that were not 200."""
        return [(p.user, s) for p, s in zip(self.phones, in_parallel(lambda p: p.register(expires_s), self.phones)) if s != 200]

    def _called(self, user):
        before = [p.rang for p in self.accounts[user]]
        try:
            status = self.caller.call(user)
        except (AssertionError, OSError) as error:
            status = str(error)
        self.said[user] = status
        return status == 200 and all(p.rang > b for p, b in zip(self.accounts[user], before))

    def unreachable(self, users=None):
        """Calls each account once; those where not every telephone of it rang and one answered."""
        users = list(users or self.accounts)
        return [u for u, good in zip(users, in_parallel(self._called, users)) if not good]

    def reachable_within(self, timeout_s, users=None):
        """Calls until each was reached once. Accounts that were not, and the seconds until the last was."""
        start = time.monotonic()
        left = list(users or self.accounts)
        while left and time.monotonic() - start < timeout_s:
            left = self.unreachable(left)
        return left, time.monotonic() - start

    def wrong_contacts(self, manager):
        """Accounts that do not have exactly one contact per telephone."""
        have = {}
        for contact in manager.ask("PJSIPShowContacts"):
            aor = contact.get("ObjectName", "").split(";")[0]
            have[aor] = have.get(aor, 0) + 1
        return {u: have.get(u, 0) for u, phones in self.accounts.items() if have.get(u, 0) != len(phones)}

    def wrong_states(self, manager, users=None):
        states = manager.device_states()
        return {u: states.get(u) for u in users or self.accounts if states.get(u) != "Not in use"}

    def users(self, *sorts):
        return [u for u in self.accounts if sort_of(int(u) - 1000) in sorts]

    def close(self):
        for phone in [*self.phones, self.caller]:
            with contextlib.suppress(OSError):
                phone.close()
