# SPDX-License-Identifier: GPL-2.0-or-later
"""make demo PBX=asterisk: the demo with a real Asterisk, phones of every sort, a queue, a trunk to a carrier, and a call whose audio goes from phone to
phone."""
import time

from demo import PHONES, Demo
from ringlab import asterisk
from ringlab.carrier import ADDRESS, Carrier
from ringlab.machine import wait_until
from ringlab.office import Office, accounts
from ringlab.telephone import Telephone

QUEUE, ACCOUNT = "700", "office"
TRUNK = 'damping-penalty = 0\n    trunk itsp { registration = "itsp-reg"  peers = { "10.77.0.210" } }'


def version():
    """The newest that can be had."""
    try:
        asterisk.tree("22")
        return "22"
    except RuntimeError as error:
        print(f"{error}; trying 16")
        asterisk.tree("16")
        return "16"


class AsteriskDemo(Demo):
    sip_us = 20000  # each OPTIONS goes through its whole stack

    def __init__(self, lab):
        super().__init__(lab)
        self.version = version()
        self.pbx = f"Asterisk {self.version}"
        self.office, self.talkers, self.queued, self.gaps, self.trunk = None, [], [], [], []
        self.carrier = Carrier(lab)

    def start_cluster(self):
        self.carrier.boot()
        holder = self.lab.start_cluster(pbx="asterisk", asterisk=self.version, accounts=accounts(), group=TRUNK)
        where, own = f"/proc/{self.lab.phones.pid}/ns/net", "10.77.0.200"
        self.office = Office(where, own)
        self.outside = Telephone(f"/proc/{self.carrier.pid}/ns/net", "0301234", ADDRESS, "10.77.0.100")
        self.talkers = [Telephone(where, user, own, "10.77.0.100", audio=True) for user in ("1033", "1034")]
        self.bindings = len(self.office.phones) + len(self.talkers)
        return holder

    def register(self):
        refused = self.office.register() + [(t.user, 0) for t in self.talkers if t.register() != 200]
        return PHONES if not refused else PHONES - len({user for user, _ in refused})

    def hold_calls(self):
        """One call, phone to phone; what is heard while the holder changes."""
        call = self.talkers[0].dial("1034")
        ends = [call, *self.talkers[1].calls.values()]
        wait_until(lambda: all(end.reinvites for end in ends), 5, "Asterisk to lead the audio past itself")
        since = time.monotonic()

        def became():
            self.gaps.append(max(end.media.gap_ms(since) for end in ends))
            statuses = [end.hang_up() for end in ends]
            return f"a call between two phones went on, longest silence {self.gaps[-1]:.0f} ms; its signalling ended with the move (BYE: {statuses[0]})"
        return became

    def call_everybody(self, holder):
        """Those that were moved at once; those on their own TCP connections have to come back first."""
        moved = self.office.users("udp", "pair", "tcp", "nat")
        left, _ = self.office.reachable_within(3, moved)
        lost, seconds = self.office.reachable_within(10, self.office.users("own"))
        reached = PHONES - len(left) - len(lost)
        self.reached.append(reached)
        back = len(self.office.users("own")) - len(lost)
        for user in left + lost:
            self.say(f"{user} was not reached: {self.office.said[user]}")
        self.say(f"{holder.name} speaks for the address; {reached} of {PHONES} phones can be called: {len(moved) - len(left)} were moved, "
                 f"{back} on their own TCP connections came back" + (f" ({seconds:.1f} s)" if seconds > 0.2 else ""))
        self.call_queue(holder)
        self.call_from_outside(holder)

    def call_queue(self, holder):
        manager = asterisk.Manager(asterisk.where(holder))
        free = [m for m, state in manager.queue_members().items() if state == 1]
        manager.close()
        agents = self.office.accounts["1001"] + self.office.accounts["1002"]
        before = sum(p.rang for p in agents)
        call = self.office.caller.dial(QUEUE)
        end = time.monotonic() + 5
        while sum(p.rang for p in agents) == before and time.monotonic() < end:
            time.sleep(0.02)
        served = sum(p.rang for p in agents) > before and len(free) == 2
        if call.up:
            call.hang_up()
        self.queued.append(served)
        self.say(f"the queue sees {len(free)} free members; a caller was {'served' if served else 'NOT served'}")

    def fault(self, step, text, action):
        self.fault_wall_s = time.time()
        super().fault(step, text, action)

    def call_from_outside(self, holder):
        """The carrier has one registration, the holder's, and a call from there rings."""
        def asked():
            return [r for r in self.carrier.registers(ACCOUNT, self.fault_wall_s) if r.status == 200 and r.expires > 0]
        end = time.monotonic() + 10
        while not asked() and time.monotonic() < end:
            time.sleep(0.02)
        contacts, status = self.carrier.contacts(ACCOUNT), self.outside.call("4930555")
        self.trunk.append(status == 200 and len(contacts) == 1)
        took = f", made by {holder.name} {asked()[0].at - self.fault_wall_s:.1f} s after the fault" if asked() else ""
        self.say(f"the carrier has {len(contacts)} registration of the trunk{took}; a call from outside: {status}")

    def more(self):
        served = sum(self.queued)
        outside = sum(self.trunk)
        text = f" asterisk={self.version} queue={served}/{len(self.queued)} trunk={outside}/{len(self.trunk)} audio_gap_ms={max(self.gaps):.0f}"
        return served == len(self.queued) and outside == len(self.trunk) and max(self.gaps) < 200, text

    def close(self):
        if self.office:
            self.office.close()
        for phone in self.talkers:
            phone.close()
        if self.carrier.up():
            self.carrier.close()
