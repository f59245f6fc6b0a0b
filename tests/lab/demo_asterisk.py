# SPDX-License-Identifier: GPL-2.0-or-later
"""make demo PBX=asterisk: the demo with a real Asterisk, phones of every sort, a queue, and two calls whose audio goes from phone to phone."""
import time

from demo import PHONES, Demo
from ringlab import asterisk
from ringlab.office import Office, accounts
from ringlab.telephone import Telephone

QUEUE = "700"


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
    def __init__(self, lab):
        super().__init__(lab)
        self.version = version()
        self.pbx = f"Asterisk {self.version}"
        self.office, self.talkers, self.queued, self.gaps = None, [], [], []

    def start_cluster(self):
        holder = self.lab.start_cluster(pbx="asterisk", asterisk=self.version, accounts=accounts())
        where, own = f"/proc/{self.lab.phones.pid}/ns/net", "10.77.0.200"
        self.office = Office(where, own)
        self.talkers = [Telephone(where, user, own, "10.77.0.100", audio=True) for user in ("1033", "1034")]
        self.bindings = len(self.office.phones) + len(self.talkers)
        return holder

    def register(self):
        refused = self.office.register() + [(t.user, 0) for t in self.talkers if t.register() != 200]
        return PHONES if not refused else PHONES - len({user for user, _ in refused})

    def hold_calls(self):
        """One call, phone to phone; what is heard while the holder changes."""
        call = self.talkers[0].dial("1034")
        time.sleep(0.5)
        since = time.monotonic()

        def became():
            ends = [call, *self.talkers[1].calls.values()]
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
        self.say(f"{holder.name} speaks for the address; {reached} of {PHONES} phones can be called: {len(moved) - len(left)} were moved, "
                 f"{back} on their own TCP connections came back" + (f" ({seconds:.1f} s)" if seconds > 0.2 else ""))
        self.call_queue(holder)

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

    def more(self):
        served = sum(self.queued)
        text = f" asterisk={self.version} queue={served}/{len(self.queued)} audio_gap_ms={max(self.gaps):.0f}"
        return served == len(self.queued) and max(self.gaps) < 200, text

    def close(self):
        if self.office:
            self.office.close()
        for phone in self.talkers:
            phone.close()
