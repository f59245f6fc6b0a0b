# SPDX-License-Identifier: GPL-2.0-or-later
"""One fault, told and checked: who held the address, what was done, what the phones saw, and whether the invariants of the design held.

    with Story(lab, moves=1, outage_ms=950) as s:
        s.holder.power_off()
        s.wait_moved()
    # on leaving the block: I1 I2 I3 I5 I6 I7 I8 I13 are checked on what the prober, the watcher and the history recorded
"""
from . import ringkeep
from .machine import wait_until
from .probe import now_ns
from .stalls import excused

PHONES = 20
# Beside what the protocol takes, on a shared machine with two cores: scheduling of all the daemons of the lab.
MACHINE_MS = 150


def lease_ms(lab):
    """What the agents run with (lab.settings.timing overrides the profile)."""
    known = {"metal": 200, "lan": 800, "vm": 2500}
    for line in lab.settings.timing.splitlines():
        if line.strip().startswith("lease"):
            return int(line.split("=")[1].strip().removesuffix("ms"))
    return known[lab.settings.profile]


def death_bound_ms(lab):
    """A dead node's lease plus the voters' guard for clocks that differ by 10 %, plus the machine."""
    return lease_ms(lab) * 1.14 + MACHINE_MS


class Story:
    def __init__(self, lab, moves=0, outage_ms=None, sip_outage_ms=None, calls=True, sip_us=10000):
        """moves: how often the holder changes. outage_ms: bound of the longest outage of the address (default: none allowed but the machine's
        noise); sip_outage_ms: the same for OPTIONS answered by the PBX."""
        self.lab, self.moves, self.calls = lab, moves, calls
        self.outage_ms = MACHINE_MS if outage_ms is None else outage_ms
        self.sip_outage_ms = self.outage_ms if sip_outage_ms is None else sip_outage_ms
        self._probe = lab.probe(sip_us=sip_us)

    def __enter__(self):
        self.begun_ns = now_ns()
        self.holder = self.lab.wait_settled()
        self.standby = next(n for n in self.lab.pbx_nodes if n is not self.holder)
        self.before = {epoch(r) for n in self.lab.pbx_nodes for r in takeovers(n)}
        self.probe = self._probe.__enter__()
        self.probe.wait_answer_from(self.holder)
        self.fault_ns = now_ns()
        self.expected = self.holder
        return self

    def mark(self):
        """The fault begins now, not when the block began."""
        self.fault_ns = now_ns()

    def wait_moved(self, timeout_s=15):
        """Until the other PBX node answers at the address."""
        self.expected = self.standby
        self.probe.wait_answer_from(self.standby, timeout_s, since_ns=self.fault_ns)

    def stays(self, seconds):
        """Nothing may happen for that long."""
        end = now_ns() + seconds * 1e9
        wait_until(lambda: now_ns() > end, seconds + 5, "time", 0.05)

    def __exit__(self, kind, error, trace):
        if kind is not None:
            self._probe.__exit__()
            if issubclass(kind, (AssertionError, ringkeep.Refused)):
                self._judge_failed(error)
            return False
        # Long enough for the last outage to end, for ARP to be learnt, and for a move that must not come.
        self.stays(1.1)
        self._probe.__exit__()
        self.record = self._probe.record
        self.check_one_speaker()
        with excused(self.begun_ns):
            self.check_outage()
        self.check_moves()
        with self._moves_excused():
            self.check_neighbours()
        if self.calls:
            self.check_calls()
        return False

    def _judge_failed(self, error):
        """What the test itself found matters more than a spoiled measurement, two speakers matter more than that."""
        self.record = self._probe.record
        self.check_one_speaker()
        with self._moves_excused((AssertionError, ringkeep.Refused)):
            raise error

    def _moves_excused(self, errors=(AssertionError,)):
        """Who stands still for most of a lease has lost it when he goes on, and so may everybody on this machine have."""
        return excused(self.begun_ns, lease_ms(self.lab) / 2, errors)

    def check_one_speaker(self):
        """I1, I6: never two at once, whatever they send: echo, ARP, ND or SIP."""
        assert self.record.overlaps() == [], f"two spoke at once: {self.record.overlaps()}"
        assert self.record.holders_max() == 1

    def check_outage(self):
        """I3."""
        self.outage = self.record.outage_ms("udp4", self.fault_ns)
        self.outage6 = self.record.outage_ms("udp6", self.fault_ns)
        self.sip_outage = self.record.outage_ms("sip", self.fault_ns)
        assert self.outage <= self.outage_ms, f"the address was silent for {self.outage:.0f} ms, allowed {self.outage_ms:.0f}"
        assert self.outage6 <= self.outage_ms + 10, f"the IPv6 address was silent for {self.outage6:.0f} ms, allowed {self.outage_ms:.0f}"
        assert self.sip_outage <= self.sip_outage_ms + 40, \
            f"no PBX answered for {self.sip_outage:.0f} ms, allowed {self.sip_outage_ms:.0f}"

    def check_moves(self):
        """I2, I4, I7, I8: what the watcher saw is what the history says: one record per change, each with a cause, epochs growing."""
        order = [claim.node for claim in self.record.claims()]
        seen = [b for a, b in zip(order, order[1:]) if a != b]
        with self._moves_excused():
            assert len(seen) == self.moves, f"the address went {' -> '.join(order)}, expected {self.moves} moves"

        def recorded():
            new = sorted((r for r in takeovers(self.expected) if epoch(r) not in self.before), key=epoch)
            again = [r for r in new if r["peer"] == r["node"]]
            with self._moves_excused():
                assert not again, f"the holder lost its lease and won it again: {again}"
            return new if len(new) >= self.moves else None
        self.history = wait_until(recorded, 5, lambda: f"{self.moves} takeovers in the history: {takeovers(self.expected)}") \
            if self.moves else recorded()
        assert len(self.history) == self.moves, f"history has {self.history}, the watcher saw {self.moves} moves"
        assert [r["node"] for r in self.history] == seen
        assert all(r["cause"] not in (None, "", "none", "vacant") for r in self.history), self.history
        epochs = [epoch(r) for r in self.history]
        assert all(e > max(self.before) for e in epochs) and len(set(epochs)) == len(epochs), f"epochs must grow: {self.before} then {epochs}"

    def check_neighbours(self):
        """I5: a second after the move the phones' kernel has the holder's MAC for both addresses."""
        for family in (4, 6):
            mac = self.record.neighbour_at(self.record.end_ns, family)
            assert mac == self.expected.mac, f"IPv{family} neighbour is {mac}, the holder has {self.expected.mac}"

    def check_calls(self):
        """I13: each phone can be called, none registered again."""
        reached = self.lab.phones.call_all(PHONES)
        assert reached == PHONES, f"{reached} of {PHONES} phones could be called"


def epoch(record):
    counter, node = str(record["epoch"]).split(".")
    return int(counter), int(node)


def history(node):
    return ringkeep.hactl(node, "history", "-n", "1000")["records"]


def takeovers(node):
    """The takeovers that the node's history knows, oldest first; an adopted lease is no change."""
    return [r for r in history(node) if r.get("type") == "takeover" and r.get("cause") != "adopted"]
