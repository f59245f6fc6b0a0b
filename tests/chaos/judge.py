# SPDX-License-Identifier: GPL-2.0-or-later
"""What must be true in every round, whatever went wrong in it: the invariants of docs/ARCHITECTURE.md that can be seen from outside."""
import dataclasses

from ringlab import ringkeep
from ringlab.machine import wait_until
from ringlab.record import IN_FLIGHT_MS
from ringlab.story import PHONES, epoch, history

MOVES_MANY = 12   # more changes of the speaker than faults of a round can make
NO_PULSE_MS = 150  # who loses its power before its first pulse as holder, and before its disk has the record, leaves none (docs/FAILURE-MODEL.md)
MEDDLED_MS = 100  # somebody with root who takes a standby's gate away is noticed and undone after milliseconds (docs/GATE.md)


class Violation(Exception):
    pass


@dataclasses.dataclass
class Silence:
    """From `since` to `until` nobody renews this node's lease, so it may not be heard."""
    node: str
    since_ns: int
    until_ns: int


def judge(campaign, record):
    """Raises Violation; returns how often the address moved."""
    silent_where_it_must(campaign, record)
    told = history_of_all(campaign.lab)
    new = [winner(campaign.lab, r) for r in sorted(told, key=epoch) if epoch(r) not in campaign.known]
    campaign.known = {epoch(r) for r in told}
    changes = speakers(record, campaign.meddled)
    order = [node for node, _ in changes]
    if not follows([node for node, t in changes if not died_at_once(campaign, node, t)], new):
        two = record.overlaps()
        what = f"I1: {two[0][0].node} and {two[0][1].node} spoke at once, for {two[0][2]:.1f} ms at {two[0][1].start_ns}" if two else "I8: a move unrecorded"
        raise Violation(f"{what}: the address went {' -> '.join(order[:20])}, and the new takeovers are {' -> '.join(new[:20]) or 'none'}")
    neighbours(campaign.lab, record)
    return len(order) - 1


def died_at_once(campaign, node, since_ns):
    return any(name == node and begin - NO_PULSE_MS * 1e6 <= since_ns <= end for name, begin, end in campaign.power_lost)


def speakers(record, meddled):
    """Whose frames came, one after the other, each time it changed, and when that was. A frame of the former speaker may be on its way for a moment."""
    order, former, changed_ns = [], None, 0
    for t, node, _, _ in record.frames:
        if order and node == order[-1][0]:
            continue
        if (node == former and t - changed_ns <= IN_FLIGHT_MS * 1e6) or any(n == node and at <= t <= at + MEDDLED_MS * 1e6 for n, at in meddled):
            continue
        former, changed_ns = (order[-1][0] if order else None), t
        order.append((node, t))
    return order


def name_the_cause(record, error):
    """Two speakers break much else, and that may be seen first: registrations that went to the other, calls that nobody answers."""
    two, order = record.overlaps(), speakers(record, [])
    if str(error).startswith(("I1:", "I10:")):
        return
    if two and len(order) > MOVES_MANY:
        raise Violation(f"I1: {two[0][0].node} and {two[0][1].node} spoke at once, for {two[0][2]:.1f} ms at {two[0][1].start_ns}; it was seen by: {error}")


def follows(order, takeovers_new):
    """I1, I2, I6, I8: every change of the speaker is a takeover that the history has, in its order. Two that speak at once change far more often."""
    rest = iter(takeovers_new)
    return all(any(node == taken for taken in rest) for node in order[1:])


def silent_where_it_must(campaign, record):
    """I10: an agent that is dead, hung or frozen for longer than the lease is not heard."""
    for silence in campaign.silences:
        heard = [t for t, node, _, _ in record.frames if node == silence.node and silence.since_ns < t < silence.until_ns]
        if heard:
            raise Violation(f"I10: {silence.node} was heard {(heard[0] - silence.since_ns) / 1e6:.1f} ms after its silence began (at {heard[0]}), "
                            f"{len(heard)} frames")


def changes_told(node):
    """All takeovers that its history knows: those that ended, those that were interrupted, and those that others saw; an adopted lease is none."""
    return [r for r in history(node) if r["type"] in ("takeover", "takeover-begun", "takeover-seen") and r.get("cause") != "adopted"]


def winner(lab, record):
    return next(n.name for n in lab.nodes if n.id == epoch(record)[1])


def history_of_all(lab):
    """I2, I7, I9: one history everywhere, a cause for each takeover, no epoch twice. Returns the takeovers."""
    def agreed():
        seen = [changes_told(n) for n in lab.pbx_nodes]
        return seen[0] if all({epoch(r) for r in s} == {epoch(r) for r in seen[0]} for s in seen) else None
    try:
        told = wait_until(agreed, 20, "")
    except AssertionError as error:
        raise Violation(f"I9: the nodes do not agree on the history: {[len(history(n)) for n in lab.pbx_nodes]} records") from error
    epochs = [epoch(r) for r in told]
    if len(set(epochs)) != len(epochs):
        raise Violation(f"I7: an epoch was used twice: {sorted(epochs)}")
    for r in told:
        if r["type"] != "takeover-seen" and r.get("cause") in (None, "", "none"):
            raise Violation(f"I2: a takeover without a cause: {r}")
    return told


def neighbours(lab, record):
    """I5, at the end of the record, unless the address has just moved again (failback)."""
    claims = record.claims()
    if not claims or record.end_ns - claims[-1].start_ns < 1e9:
        return
    holder = lab.node(claims[-1].node)
    for family in (4, 6):
        mac = record.neighbour_at(record.end_ns, family)
        if mac != holder.mac:
            raise Violation(f"I5: the phones' IPv{family} neighbour is {mac}, the holder {holder.name} has {holder.mac}")


def everybody_can_be_called(lab):
    """I13. Both PBXs may have been down at once, with everything they knew; then the phones' next registrations are what brings them back."""
    counts = [s for s in (ringkeep.bindings(n) for n in lab.pbx_nodes) if s is not None]
    if max(counts, default=0) < PHONES:
        register(lab)
    reached = lab.phones.call_all(PHONES)
    if reached != PHONES:
        raise Violation(f"I13: {reached} of {PHONES} phones could be called")


def register(lab):
    reached = lab.phones.register(PHONES)
    if reached != PHONES:
        raise Violation(f"{reached} of {PHONES} phones could register at a healthy cluster")
    lab.wait_replicated(PHONES)
