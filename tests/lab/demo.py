# SPDX-License-Identifier: GPL-2.0-or-later
"""make demo [PBX=asterisk]: a cluster of two PBX nodes and a witness in network namespaces, twenty SIP phones, and three things that go wrong. The last
line is `demo: PASS ...` or `demo: FAIL ...`. KEEP=1 leaves the cluster up; demo.py --down DIR takes it down."""
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from ringlab import Lab, ringkeep  # noqa: E402
from ringlab.lab import take_down_kept  # noqa: E402
from ringlab.paths import tool  # noqa: E402
from ringlab.probe import now_ns  # noqa: E402
from ringlab.story import PHONES, death_bound_ms  # noqa: E402

HANDOVER_LIMIT_MS = 250  # what counts as a pass on a busy two-core machine; make bench has the medians
STEPS = ("switchover", "pbx_crash", "node_death")
ASKED_BEFORE_NS = 60_000_000  # three OPTIONS of the slower PBX


class Demo:
    pbx, sip_us = "Kamailio", 5000

    def __init__(self, lab):
        self.lab, self.start = lab, time.monotonic()
        self.faults, self.reached = {}, []
        self.bindings = PHONES

    def start_cluster(self):
        """Returns the holder."""
        return self.lab.start_cluster()

    def register(self):
        """Returns how many phones did."""
        return self.lab.phones.register(PHONES)

    def hold_calls(self):
        """Calls that are up while the holder changes; returns what says what became of them."""
        held = self.lab.phones.call_in_background(PHONES, talk_ms=5000)
        return lambda: f"{held()} of {PHONES} calls that were up ended normally"

    def say(self, text):
        print(f"[{time.monotonic() - self.start:6.2f} s] {text}", flush=True)

    def other(self, node):
        return next(n for n in self.lab.pbx_nodes if n is not node)

    def fault(self, step, text, action):
        """One fault at a healthy cluster: waits until the other node answers and every phone can be called."""
        holder = self.lab.restore()
        self.lab.wait_replicated(self.bindings)
        other = self.other(holder)
        self.say(text.format(holder=holder.name, other=other.name))
        t = now_ns()
        action(holder, other)
        self.probe.wait_answer_from(other, since_ns=t)
        self.faults[step] = (t, holder, other)
        self.call_everybody(other)

    def call_everybody(self, holder):
        reached = self.lab.phones.call_all(PHONES)
        self.reached.append(reached)
        self.say(f"{holder.name} speaks for the address; {reached} of {PHONES} phones can be called, none registered again")

    def run(self):
        lab = self.lab
        self.say(f"starting corosync, {self.pbx} and ringkeepd on n1 and n2, a witness on w1")
        holder = self.start_cluster()
        self.say(f"{holder.name} holds the address 10.77.0.100; {self.register()} phones register there, once")
        lab.wait_replicated(self.bindings)
        self.say("hactl status:")
        print(holder.check(*ringkeep.hactl_command(holder), "status"))
        with lab.probe(sip_us=self.sip_us) as self.probe:
            held = self.hold_calls()
            time.sleep(1)
            self.fault("switchover", "planned switchover from {holder} to {other}, with calls up",
                       lambda a, b: a.hactl("switchover", "office", "--to", b.name))
            self.say(held())
            self.fault("pbx_crash", f"kill -9 of {self.pbx} on {{holder}}", lambda a, b: a.pbx.kill_all())
            self.fault("node_death", "{holder} is cut off: every link silently dead, carriers up", lambda a, b: lab.hub.cut(a))
            time.sleep(1)
            self.say("the cut heals")
            self.call_everybody(lab.restore())
            time.sleep(1)
        self.outages = {step: self.outage(step) for step in self.faults}

    def outage(self, step):
        """The address for moves, the PBX's answers for its crash: from the last answered probe to the next. What was asked just before the next fault
        and not answered any more is that fault's."""
        t = self.faults[step][0]
        later = [f[0] - ASKED_BEFORE_NS for f in self.faults.values() if f[0] > t]
        kind = "sip" if step == "pbx_crash" else "udp4"
        return self.probe.record.outage_ms(kind, t, min(later, default=None))

    def timeline(self):
        print("\ntimeline")
        first = min(f[0] for f in self.faults.values())
        for step, (t, holder, other) in self.faults.items():
            print(f"  {(t - first) / 1e9:7.3f} s  {step.replace('_', ' '):<12} {holder.name} -> {other.name}  silent for {self.outages[step]:6.1f} ms")
        for a, b, ms in self.probe.record.overlaps():
            print(f"  TWO HOLDERS: {a.node} and {b.node} for {ms:.1f} ms")
        print("history (hactl history)")
        for line in self.lab.wait_settled().check(*ringkeep.hactl_command(self.lab.n1), "history").splitlines()[-8:]:
            print("  " + line)
        print()

    def verdict(self):
        record = self.probe.record
        limits = dict(zip(STEPS, (HANDOVER_LIMIT_MS, HANDOVER_LIMIT_MS, death_bound_ms(self.lab))))
        more_good, more = self.more()
        good = (record.holders_max() == 1 and min(self.reached) == PHONES
                and all(self.outages[step] <= limits[step] for step in STEPS) and more_good)
        return good, (f"phones={min(self.reached)}/{PHONES} " + " ".join(f"{s}_ms={self.outages[s]:.0f}" for s in STEPS)
                      + f" holders_max={record.holders_max()}" + more)

    def more(self):
        """What else has to be good, and the words for it."""
        return True, ""

    def close(self):
        pass


def keep(lab):
    """Leaves the machines running without us."""
    machines = [*lab.nodes, lab.phones, lab.hub]
    (lab.root / "kept").write_text("\n".join(str(m.pid) for m in machines))
    print("The lab stays up. To look around:")
    for node in lab.nodes:
        print(f"  {tool('machine')} run {node.pid} -- bash        # a shell on {node.name}; "
              f"there: {' '.join(ringkeep.hactl_command(node))} status")
    print(f"  {tool('machine')} run {lab.phones.pid} -- ping 10.77.0.100     # as a phone\nTo take it down:")
    print(f"  python3 {pathlib.Path(__file__).resolve()} --down {lab.root}")


def kind_of_demo():
    pbx = os.environ.get("PBX") or "kamailio"
    if pbx == "kamailio":
        return Demo
    if pbx != "asterisk":
        raise ValueError(f"PBX={pbx}: it is kamailio or asterisk")
    import demo_asterisk
    return demo_asterisk.AsteriskDemo


def main():
    if os.geteuid() != 0:
        print("demo: FAIL needs root: namespaces, nftables, real-time priority")
        return 1
    if sys.argv[1:2] == ["--down"]:
        take_down_kept(sys.argv[2])
        print(f"demo: {sys.argv[2]} is down")
        return 0
    kept = os.environ.get("KEEP") not in (None, "", "0")
    lab = Lab(keep=kept)
    demo = None
    try:
        demo = kind_of_demo()(lab)
        demo.run()
        demo.timeline()
        good, text = demo.verdict()
        if kept:
            keep(lab)
    except (Exception, KeyboardInterrupt) as error:
        print(f"demo: what the nodes say:\n{lab.describe()}")
        good, text, kept = False, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}", False
    if demo:
        demo.close()
    if not kept:
        lab.close()
    print(f"demo: {'PASS' if good else 'FAIL'} {text}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
