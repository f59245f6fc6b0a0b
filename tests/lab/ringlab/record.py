# SPDX-License-Identifier: GPL-2.0-or-later
"""What the prober and the watcher saw, as numbers: outages, who answered when, and whether two ever spoke at once."""
import dataclasses
import json

CLAIM_QUIET_MS = 100.0  # ten missed ARP answers in a row end a node's claim to the address
IN_FLIGHT_MS = 1.0      # a frame of the old holder may be that late: softirq delay on a busy machine


@dataclasses.dataclass
class Outage:
    kind: str
    start_ns: int   # the last answered probe was sent
    end_ns: int     # the next answered probe was sent, or the end of the record
    lost: int
    ended: bool

    @property
    def ms(self):
        return (self.end_ns - self.start_ns) / 1e6


@dataclasses.dataclass
class Claim:
    """A time in which a node spoke for the address without a pause longer than CLAIM_QUIET_MS."""
    node: str
    start_ns: int
    end_ns: int
    frames: int
    macs: set


def read_lines(path):
    """The JSON lines of a file that may still be written to: an unfinished last line is left out."""
    with open(path, encoding="ascii") as f:
        text = f.read()
    lines = text[: text.rfind("\n") + 1].splitlines()
    return json.loads("[" + ",".join(lines) + "]")


class Record:
    def __init__(self, probe_path, watch_path):
        self.answers = {"udp4": [], "udp6": [], "sip": []}
        self.neighbours = {"neigh4": [], "neigh6": []}
        self.late, self.frames, self.sent, self.drops, self.end_ns = [], [], {}, None, None
        for x in read_lines(probe_path):
            kind = x["k"]
            if kind in self.answers:
                self.answers[kind].append(x)
            elif kind in self.neighbours:
                self.neighbours[kind].append(x)
            elif kind == "late":
                self.late.append(x)
            elif kind == "end":
                self.sent, self.end_ns = x, x["t"]
        for x in read_lines(watch_path):
            if x["k"] == "f":
                self.frames.append((x["t"], x["p"].rsplit("e", 1)[0], x["m"], x["y"]))
            elif x["k"] == "end":
                self.drops = x["drops"]
        self.frames.sort()

    def leave_out(self, node, since_ns, until_ns):
        """What a node said while it was cut off: the watcher stands before the cut, and nobody else heard it."""
        self.frames = [f for f in self.frames if f[1] != node or not since_ns <= f[0] <= until_ns]

    def outages(self, kind="udp4", since_ns=0, until_ns=None, min_lost=2):
        """Runs of unanswered probes. One lost datagram is not an outage; a prober that slept sent nothing and lost nothing."""
        found, last = [], None
        for x in sorted(self.answers[kind], key=lambda a: a["s"]):
            if last and x["s"] - last["s"] > min_lost and x["ts"] >= since_ns and (until_ns is None or last["ts"] < until_ns):
                found.append(Outage(kind, last["ts"], x["ts"], x["s"] - last["s"] - 1, True))
            last = x
        if last and self.sent and self.sent[kind] - last["s"] > 20 and (until_ns is None or last["ts"] < until_ns):
            found.append(Outage(kind, last["ts"], self.end_ns, self.sent[kind] - last["s"], False))
        return found

    def outage_ms(self, kind="udp4", since_ns=0, until_ns=None):
        """The longest outage, 0 if none. Infinite if nothing was ever answered."""
        if not self.answers[kind]:
            return float("inf")
        return max((o.ms for o in self.outages(kind, since_ns, until_ns)), default=0.0)

    def switches(self):
        """(when, from, to) each time the echo came from another node than before."""
        found, last = [], None
        for x in sorted(self.answers["udp4"], key=lambda a: a["te"]):
            if last is not None and x["n"] != last:
                found.append((x["te"], last, x["n"]))
            last = x["n"]
        return found

    def claims(self, since_ns=0):
        """Who spoke for the address from when to when, in the order of their beginnings."""
        current, found = {}, []
        for t, node, mac, _ in self.frames:
            if t < since_ns:
                continue
            claim = current.get(node)
            if claim is None or t - claim.end_ns > CLAIM_QUIET_MS * 1e6:
                claim = current[node] = Claim(node, t, t, 0, set())
                found.append(claim)
            claim.end_ns = max(claim.end_ns, t)
            claim.frames += 1
            claim.macs.add(mac)
        return found

    def overlaps(self):
        """Pairs of claims of different nodes that overlap, with the overlap in ms: (first, second, ms)."""
        claims, found = self.claims(), []
        for i, first in enumerate(claims):
            for second in claims[i + 1:]:
                shared = (min(first.end_ns, second.end_ns) - second.start_ns) / 1e6
                if second.node != first.node and second.start_ns < first.end_ns and first.end_ns - second.start_ns > IN_FLIGHT_MS * 1e6:
                    found.append((first, second, shared))
        return found

    def holders_max(self, since_ns=0):
        """The most nodes that spoke for the address at one time."""
        claims = self.claims(since_ns)
        most = 1 if claims else 0
        for claim in claims:
            together = {c.node for c in claims if c.start_ns <= claim.start_ns and c.end_ns - claim.start_ns > IN_FLIGHT_MS * 1e6}
            most = max(most, len(together | {claim.node}))
        return most

    def speakers(self, since_ns=0, until_ns=None):
        return {node for t, node, _, _ in self.frames if t >= since_ns and (until_ns is None or t < until_ns)}

    def sip_speakers(self, since_ns=0):
        """Nodes that sent SIP from the address."""
        return {node for t, node, _, kind in self.frames if kind == "sip" and t >= since_ns}

    def last_frame_ns(self, node):
        return max((t for t, n, _, _ in self.frames if n == node), default=0)

    def neighbour_at(self, t_ns, family=4):
        """The MAC that the phones' kernel had for the address at that time."""
        mac = "none"
        for x in self.neighbours[f"neigh{family}"]:
            if x["t"] <= t_ns:
                mac = x["m"]
        return mac
