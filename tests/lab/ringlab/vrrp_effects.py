# SPDX-License-Identifier: GPL-2.0-or-later
"""What a list of forged advertisements does to a keepalived that holds the address, in words for a table."""
import dataclasses
import re
import time

from .machine import wait_until
from .probe import now_ns

QUIET_S = 0.06          # after a frame has been sent: what it does at once, it has done
PATIENCE_S = 1.2        # several times what an election takes
REASONS = ("checksum", "version", "type", "TTL", "hop limit", "too short", "truncated", "length", "address", "interval", "auth", "count",
           "VIPs", "Invalid", "mismatch")


@dataclasses.dataclass
class Effect:
    name: str
    moved: bool         # it gave the address up
    gone_ms: float      # for so long nobody answered
    stuck: bool         # it did not come back within PATIENCE_S
    said: str           # the first thing it logged against the frame

    def text(self):
        if self.stuck:
            return f"address given up, not back within {PATIENCE_S * 1000:.0f} ms"
        if self.moved:
            return f"address given up, nobody for {self.gone_ms:.0f} ms"
        return f"stays; {self.said or 'nothing logged'}"


def complaint(log):
    """The first line that says what was wrong with a packet, without time and instance."""
    for line in log.splitlines():
        text = re.sub(r"^.*? \d{4}: ", "", line)
        if "Entering" not in text and any(word in text for word in REASONS):
            return re.sub(r"^\(ip\d\) ", "", text)[:70]
    return ""


def measure(lab, peer, stranger, forgeries):
    """Sends each forgery to the only keepalived there is and waits until that holds the address again. Returns the effects, in order."""
    marks, effects = [], []
    with lab.probe(sip_us=0) as probe:
        probe.wait_answer_from(peer.node)
        for forgery in forgeries:
            at, said = now_ns(), len(peer.log())
            stranger.send(forgery.frames)
            time.sleep(QUIET_S)
            stuck = not wait_back(peer)
            log = peer.log()[said:]
            effects.append(Effect(forgery.name, "Entering BACKUP" in log, 0, stuck, complaint(log)))
            if stuck:
                peer.clean()
                peer.start()
                peer.wait("master")
            if effects[-1].moved:
                probe.wait_answer_from(peer.node)  # so that the next one is not blamed for this one's silence
            marks.append((at, now_ns()))
    for effect, (start, end) in zip(effects, marks):
        begun = [o.ms for o in probe.record.outages("udp4", start, end) if start - 1e7 <= o.start_ns < end - 1e7]
        effect.gone_ms = max(begun, default=0.0)
    return effects


def wait_back(peer):
    try:
        wait_until(lambda: peer.state() == "master", PATIENCE_S, "")
        return True
    except AssertionError:
        return False
