# SPDX-License-Identifier: GPL-2.0-or-later
"""How soon a line's trouble is seen: ringkeep's class of the line and its switch, beside dpinger with pfSense's arguments and with tight ones, on the
same line, the same fault, the same run. RINGKEEP_DPINGER is the program (it is no Debian package); without it this part says so."""
import contextlib
import os
import pathlib
import time

from gatelab import Space
from isplab import Services
from ringlab import Lab, ringkeep
from ringlab.isps import OPERATORS, Call, Isps, configuration
from ringlab.lab import VIP4
from ringlab.machine import wait_until

ARGUMENTS = {"dpinger as pfSense has it": "-s 500 -l 2000 -t 60000 -r 1000 -A 1000 -D 500 -L 20",
             "dpinger, tight": "-s 100 -l 300 -t 2000 -r 0 -A 100 -D 500 -L 50 -H 1000"}
LIMIT_S = 90


class Dpinger:
    def __init__(self, node, name, arguments, directory):
        self.alarms = pathlib.Path(directory) / f"{name.split()[-1]}.alarms"
        script = self.alarms.with_suffix(".sh")
        script.write_text(f'#!/bin/sh\necho "$2 $(date +%s.%N)" >> {self.alarms}\n')
        script.chmod(0o755)
        self.alarms.write_text("")
        node.spawn(f"dpinger-{name.split()[-1]}", os.environ["RINGKEEP_DPINGER"], "-f", "-B", f"10.1.{node.id}.2", *arguments.split(), "-o", "/dev/null",
                   "-C", script, OPERATORS["a"])

    def seen_at(self, since):
        for line in self.alarms.read_text().splitlines():
            flag, at = line.split()
            if flag == "1" and float(at) >= since:
                return float(at)
        return None


def line(node):
    return next(u for u in ringkeep.status(node)["uplinks"] if u["name"] == "isp1")


def one(lab, isps, holder, dpingers, percent):
    """Seconds until each has seen it; None: not within the limit. The last is the audio's silence in a blackout."""
    wait_until(lambda: line(holder)["class"] == "good" and not line(holder)["doubted"], 200, "a good line", 0.2)
    ringkeep.hactl(holder, "uplink", "use", "isp1")
    ringkeep.hactl(holder, "uplink", "auto")
    time.sleep(65)  # dpinger's minute is clean again
    seen, call = {}, Call(isps, holder, VIP4)
    try:
        time.sleep(1)
        since, begun = time.time(), time.monotonic()
        isps.fault(1, holder) if percent == 100 else isps.lose(1, percent / 2, holder)  # each way half: about so much of the round trip
        while time.time() - since < LIMIT_S and len(seen) < len(dpingers) + 1:
            if "ringkeep" not in seen and line(holder)["class"] != "good":
                seen["ringkeep"] = time.time() - since
            for name, d in dpingers.items():
                at = d.seen_at(since)
                if name not in seen and at:
                    seen[name] = at - since
            time.sleep(0.01)
        silent = call.gap_s(call.far_heard, begun) if percent == 100 else None
    finally:
        call.close()
        isps.heal()
    return seen, silent


def detection(report, runs):
    report.title(f"a line's trouble, until it is seen ({LIMIT_S}: not within that time)")
    if not os.environ.get("RINGKEEP_DPINGER"):
        print("left out: RINGKEEP_DPINGER names no dpinger")
        return
    with contextlib.ExitStack() as stack:
        lab = stack.enter_context(Lab())
        isps = stack.enter_context(contextlib.closing(Isps(lab, Space, Services)))
        top, lines = configuration(lab, "failback = manual")
        lab.start_cluster(timing=top, fence_levels=lines)
        holder = lab.wait_settled()
        dpingers = {name: Dpinger(holder, name, arguments, lab.root) for name, arguments in ARGUMENTS.items()}
        for percent, times in ((100, runs), (25, 1), (10, 1)):
            rounds = [one(lab, isps, holder, dpingers, percent) for _ in range(times)]
            for name in ["ringkeep", *dpingers]:
                report.add(f"{percent} % of a line's packets lost", name, "s", [seen.get(name, LIMIT_S) for seen, _ in rounds])
            if percent == 100:
                report.add("audio silent in a blackout", "ringkeep", "s", [silent for _, silent in rounds])
