# SPDX-License-Identifier: GPL-2.0-or-later
"""make chaos [SEED=N] [MINUTES=N] [NODES=3|2] [DAEMON=PATH]: random faults, several at once, against a live cluster with phones that call all the time.

Rounds of some twenty seconds. In each: a few faults from verbs.py at random moments, then everything is healed, and judge.py looks at what the
prober and the watcher recorded from before the first fault to after the last move. Two records overlap at the change of rounds, so that no
moment is unseen. The first violation ends the campaign: it is printed with the seed, and the evidence stays. The last line is
`chaos: PASS ...` or `chaos: FAIL ...`."""
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lab"))
from ringlab import Lab  # noqa: E402
from ringlab.machine import wait_until  # noqa: E402
from ringlab.paths import tool  # noqa: E402
from ringlab.probe import now_ns  # noqa: E402
from ringlab.story import PHONES, epoch, lease_ms  # noqa: E402
from ringlab.switch import Switch, settings  # noqa: E402

import evidence  # noqa: E402
import judge  # noqa: E402
import verbs  # noqa: E402

SETTLE_S = 60  # after everything is healed; a node that lost its memory is mute for 2.8 s, corosync forms again within seconds
MACHINE_MS = 200


class Campaign:
    """The lab, the dice, what is planned, and what was done."""

    def __init__(self, lab, seed):
        self.lab, self.seed, self.random = lab, seed, random.Random(seed)
        self.start = time.monotonic()
        self.lock = threading.RLock()  # what is done to machines: here, and by the cluster's own orders to their power switch
        self.switch = Switch(lab, self.shoot)
        self.settings = self.fence_settings("one")
        self.shot, self.shots = set(), 0  # names of nodes that the cluster shot in this round
        self.crossed = False      # a device shot the wrong node in this round, or could have: then nobody may be left
        self.no_survivor = None
        self.told = []            # (monotonic, text)
        self.plans = []           # (monotonic, text, function)
        self.silences = []        # judge.Silence
        self.known = set()        # epochs of the takeovers so far
        self.power_lost = []      # (node name, ns before, ns after)
        self.meddled = []         # (node name, ns): hands in the kernel of that node
        self.children = []        # commands that nobody waits for
        self.on_purpose = set()   # (node name, program): not running, and that is a fault of ours
        self.kinds = verbs.VERBS  # what may go wrong in this round
        self.probe = None         # the record that goes on
        self.faults = self.rounds = self.moves = self.calls = self.calls_failed = 0

    # ---- what verbs use ----

    def seconds(self, least, most):
        return self.random.uniform(least, most)

    def restart_seconds(self):
        """A service manager starts a dead program again after a tenth of a second; a person later."""
        return self.seconds(0.03, 0.4) if self.random.random() < 0.6 else self.seconds(0.4, 5)

    def any_node(self):
        return self.random.choice(self.lab.nodes)

    def any_pbx_node(self):
        return self.random.choice(self.lab.pbx_nodes)

    def runs(self, node, program):
        return node.up() and program in node.procs and node.procs[program].alive()

    def works(self, node):
        """Its agent runs and is not stopped."""
        return self.runs(node, "agent") and not node.agent.stopped()

    def later(self, seconds, text, function):
        self.plans.append((time.monotonic() + seconds, text, function))

    def planned_start(self, node, program, seconds):
        self.on_purpose.add((node.name, program))
        self.later(seconds, f"{program} of {node.name} starts", lambda: self.start_program(node, program))

    def planned_power_on(self, node, seconds):
        self.later(seconds, f"{node.name} is powered on", lambda: self.may_speak(node) or (None if node.up() else node.power_on()))

    def start_program(self, node, program):
        if not node.up():
            return  # it will start with its machine
        if (node.name, program) not in self.on_purpose:
            return  # two faults ended it, and the start that the other planned was first
        self.may_speak(node)
        proc = node.procs.get(program)
        if proc and proc.alive():
            if program != "agent":
                return
            proc.send_all(signal.SIGCONT)  # another fault may have stopped it meanwhile
            wait_until(lambda: not proc.alive(), 20, f"the former agent of {node.name} to end")  # a stop hands over first
        {"agent": node.start_agent, "pbx": node.start_pbx, "corosync": node.start_corosync}[program]()
        self.on_purpose.discard((node.name, program))

    def fence_settings(self, levels):
        s = settings(self.switch.dir, two_node=not self.lab.witnesses, levels=levels)
        timeout_s = 15 if levels == "one" else 25  # so long a node may be barred after a shot of which nobody knows what became
        s["fence_devices"] += f"\nfence-timeout = {timeout_s}s"
        return s

    def cut_power(self, node):
        begin = now_ns()
        node.power_off()
        self.power_lost.append((node.name, begin, now_ns()))

    def shoot(self, node):
        """The cluster orders this node's power off (on the switch's thread)."""
        with self.lock:
            was_up = node.up()
            self.cut_power(node)
            self.shots += was_up
            others_shot = [n for n in self.shot if n != node.name and not self.lab.node(n).up()]
            if was_up and others_shot and not self.crossed:
                self.no_survivor = f"{node.name} was shot while {others_shot[0]} lay shot"
            self.shot.add(node.name)
            if was_up:
                self.say(f"    the cluster shoots {node.name}")
                self.planned_power_on(node, 3)

    def must_be_silent(self, node, seconds):
        """Its agent does nothing for that long from now on: past the lease the address may not be heard from it."""
        self.silences.append(judge.Silence(node.name, now_ns() + int((lease_ms(self.lab) + MACHINE_MS) * 1e6), now_ns() + int(seconds * 1e9)))

    def may_speak(self, node):
        """Something lets its agent go on, whatever else was meant to keep it silent."""
        for silence in self.silences:
            if silence.node == node.name:
                silence.until_ns = min(silence.until_ns, now_ns())

    def background(self, node, *command):
        self.children.append(subprocess.Popen([tool("machine"), "run", str(node.pid), "--", *map(str, command)], stdin=subprocess.DEVNULL,
                                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    # ---- the course of a round ----

    def say(self, text):
        at = time.monotonic() - self.start
        self.told.append((at, text))
        print(f"[{at:7.2f} s] {text}", flush=True)

    def until(self, end):
        """Does what is planned until then."""
        while True:
            now = time.monotonic()
            due = min(self.plans, default=None, key=lambda p: p[0])
            if due and due[0] <= min(now, end):
                with self.lock:
                    self.plans.remove(due)
                    self.say("    " + due[1])
                    due[2]()
                continue
            if now >= end:
                return
            time.sleep(min(0.02, end - now))

    def fault(self):
        for _ in range(20):  # a verb that has nothing to do here says nothing
            with self.lock:
                text = verbs.draw(self.random, self.kinds)(self)
            if text:
                self.faults += 1
                self.say(text)
                return

    def heal(self):
        """Everything back, by what was planned and then by force, and the operator's wishes withdrawn."""
        last = max((p[0] for p in self.plans), default=0)
        self.until(max(last, time.monotonic()) + 0.01)
        self.lab.hub.heal()
        for node in self.lab.nodes:
            if node.up():
                self.may_speak(node)
                for program in node.procs.values():
                    if program.alive():
                        program.send_all(signal.SIGCONT)
        for child in self.children:
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.children = []
        died = [f"{program} of {node.name}" for node in self.lab.nodes if node.up()
                for program in ("agent", "pbx", "corosync") if program in node.procs and not node.procs[program].alive()
                and (node.name, program) not in self.on_purpose]
        self.say("everything is healed")
        self.switch.fault()
        with self.lock:
            self.lab.start_what_is_down()
        self.on_purpose.clear()
        if any(d.startswith("agent") for d in died):
            raise judge.Violation(f"died by itself: {', '.join(died)}")
        self.withdraw()
        self.settle()

    def settle(self):
        """A shot may still come: somebody powers that node on again."""
        end = time.monotonic() + SETTLE_S
        while True:
            try:
                return self.lab.wait_settled(5)
            except AssertionError as error:
                if time.monotonic() > end:
                    raise judge.Violation(f"I9: {SETTLE_S} s after everything was healed the cluster has not settled") from error
            with self.lock:
                self.lab.start_what_is_down()

    def withdraw(self):
        """Pause and standby survive everything, so they are taken back by a node that all others hear."""
        def done():
            node = next((n for n in self.lab.pbx_nodes if n.up()), None)
            return node and all(node.run(*verbs.ringkeep.hactl_command(node), *words).returncode == 0
                       for words in (["resume"], *(["unstandby", n.name] for n in self.lab.pbx_nodes)))
        try:
            wait_until(done, SETTLE_S, "", 0.3)
        except AssertionError as error:
            raise judge.Violation(f"I9: {SETTLE_S} s after everything was healed no operator is obeyed") from error

    def upgrade(self, daemon):
        """All agents are replaced by another build (broken.py)."""
        new = self.lab.root / "bin" / "new"
        shutil.copy2(daemon, new)
        new.rename(self.lab.root / "bin" / "ringkeepd")
        for node in self.lab.nodes:
            node.agent.end(signal.SIGUSR1)
            node.start_agent()

    def begin_record(self):
        self.probe = self.lab.probe()
        self.probe.__enter__()
        self.probe.wait_answer_from(None)

    def round(self):
        """One round; the record of the next has begun when that of this one ends."""
        held = self.lab.phones.call_in_background(PHONES, talk_ms=300, rate=3)
        self.kinds, pause_s = verbs.kinds(self.random), self.random.choice([0.4, 1, 2.5])
        for _ in range(self.random.randint(4, 12)):
            self.until(time.monotonic() + self.seconds(0.02, pause_s))
            self.fault()
        self.until(time.monotonic() + self.seconds(0.5, 4))
        self.heal()
        ended = held()
        self.calls += PHONES
        self.calls_failed += PHONES - ended
        self.until(time.monotonic() + 1.2)  # ARP is learnt, and a move that must not come has its chance
        probe = self.probe
        self.begin_record()
        probe.__exit__()
        self.moves += judge.judge(self, probe.record)
        self.silences, self.meddled, self.power_lost = [], [], []
        self.rounds += 1
        for path in probe.paths:
            path.unlink()
        judge.everybody_can_be_called(self.lab)

    def run(self, minutes):
        self.lab.start_cluster(**self.settings)
        self.group = self.lab.settings.group
        judge.register(self.lab)
        if os.environ.get("DAEMON"):
            self.upgrade(os.environ["DAEMON"])
        capture = evidence.start_capture(self.lab)
        end = time.monotonic() + minutes * 60
        self.known = {epoch(r) for r in judge.history_of_all(self.lab)}
        self.begin_record()
        try:
            while time.monotonic() < end:
                self.say(f"--- round {self.rounds + 1}")
                self.round()
                self.shot.clear()
                self.crossed = False
                if self.no_survivor:
                    raise judge.Violation(f"no survivor: {self.no_survivor}")
        except Exception as error:
            self.probe.__exit__()
            judge.name_the_cause(self.probe.record, error)
            raise
        finally:
            capture.end()
        self.probe.__exit__()


def main():
    if os.geteuid() != 0:
        print("chaos: FAIL needs root: namespaces, nftables, real-time priority")
        return 1
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
    minutes = float(os.environ.get("MINUTES") or 10)
    nodes = os.environ.get("NODES") or "3"
    if nodes not in ("2", "3"):
        print(f"chaos: FAIL NODES={nodes}: it is 3 (two PBXs and a witness) or 2")
        return 1
    with Lab(witness=nodes == "3") as lab:
        c = Campaign(lab, seed)
        c.say(f"seed {seed}, {minutes:g} minutes, {nodes} voters")
        why = None
        try:
            c.run(minutes)
        except judge.Violation as error:
            why = str(error)
        except Exception as error:  # the campaign itself broke: no verdict, and the evidence may say why
            why = f"the campaign broke: {type(error).__name__}: {error}\n{traceback.format_exc()}"
        if why:
            where = evidence.keep(c, why)
        c.switch.close()
        figures = f"seed={seed} voters={nodes} minutes={(time.monotonic() - c.start) / 60:.1f} rounds={c.rounds} faults={c.faults} moves={c.moves} shots={c.shots} " \
                  f"calls={c.calls} calls_failed={c.calls_failed}"
    if why:
        print(f"evidence: {where}\nchaos: FAIL {figures}: {why.splitlines()[0]}")
        return 1
    print(f"chaos: PASS {figures}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
