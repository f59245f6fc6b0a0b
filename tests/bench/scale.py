# SPDX-License-Identifier: GPL-2.0-or-later
"""Thousands of phones: how fast their registrations come to the standby, what they cost there, and how long after a fault the last of them can be called;
beside it, in the same run and with the same phones, what their registrations are worth where nothing replicates them, and with Kamailio's dmq_usrloc
behind keepalived. Phones register again every period; the last one that waits for its own REGISTER waits as long as that."""
import dataclasses
import os
import pathlib
import random
import time

from ringlab import asterisk, kamailio, ringkeep
from ringlab.herd import FIRST_USER, Herd
from ringlab.machine import wait_until
from ringlab.probe import now_ns
from ringlab.telephone import Telephone
from subjects import Keepalived, Ringkeep

EXTENSIONS = "[phones](+)\nexten => _1XXXXX,1,Dial(PJSIP/${EXTEN},20)\n same => n,Hangup()\n"
GUESTS = 20               # telephones that come anew while all others refresh: how far behind is the standby?
GUEST_USER = 1001
STEADY_S = 6
SETTLE_S = 120
BUDGET_S = 840           # for the beginning of the last case


@dataclasses.dataclass
class Case:
    pbx: str
    count: int
    subject: str          # "ringkeep"; "no replic.": the same failover, the adapter knows no registrations; "dmq+keepal"
    qualify_s: int = 0    # of each AOR of Asterisk
    period_s: int = 30    # each phone registers again

    @property
    def label(self):
        return f"{self.pbx}{', qualify' if self.qualify_s else ''}, {self.count}"

    @property
    def replicated(self):
        return self.subject != "no replic."

    def called(self):
        """How many phones are called after a fault, evenly chosen, and how many calls a second."""
        return (min(self.count, 250), 500) if self.pbx == "kamailio" else (min(self.count, 50), 50)

    def settings(self):
        if self.pbx == "kamailio":
            settings = {"pbx_memory_mib": 128 + self.count // 250}
        else:
            users = [*range(FIRST_USER, FIRST_USER + self.count), *range(GUEST_USER, GUEST_USER + GUESTS)]
            settings = {"pbx": "asterisk", "accounts": tuple(asterisk.Account(str(u), self.qualify_s, direct_media=False) for u in users),
                        "asterisk_install": {"files": {"extensions_site.conf": EXTENSIONS}}}
        return settings | ({} if self.replicated else {"adapter": "sip"})

    def start(self):
        if self.subject == "dmq+keepal":
            return Keepalived("0.25", check_pbx=True, dmq=True, **self.settings())
        return Ringkeep("lan", **self.settings())


class Fleet:
    """One case that runs: its cluster and its phones."""

    def __init__(self, case):
        self.case, self.subject, self.managers = case, case.start(), {}
        self.lab = self.subject.lab
        try:
            if case.pbx == "asterisk":
                for node in self.lab.pbx_nodes:
                    asterisk.wait_booted(node, 60)
            self.herd = Herd(self.lab, case.count)
        except BaseException:
            self.subject.close()
            raise

    def pbx_has(self, node):
        """Registrations in the PBX itself."""
        if self.case.pbx == "kamailio":
            return kamailio.contacts(node)
        try:
            if node not in self.managers:
                self.managers[node] = asterisk.Manager(asterisk.where(node))
            return self.managers[node].contacts_count()
        except (OSError, AssertionError, KeyError):  # it is being started
            self.drop_manager(node)
            return 0

    def drop_manager(self, node):
        if node in self.managers:
            self.managers.pop(node).close()

    def standby_has(self, node):
        """AORs with qualify are given to Asterisk at the takeover: until then the agent has them."""
        return ringkeep.bindings(node) or 0 if self.case.qualify_s else self.pbx_has(node)

    def wait_in_step(self, node, least):
        wait_until(lambda: self.standby_has(node) >= least, SETTLE_S, lambda: f"{least} registrations at {node.name}, it has {self.standby_has(node)}\n{self.lab.describe()}", 0.02)

    def ready(self):
        """In order, and everything at the standby again."""
        holder, standby = self.subject.ready()
        if self.case.pbx == "asterisk":
            for node in self.lab.pbx_nodes:
                asterisk.wait_booted(node, 60)
        if self.case.replicated:
            for node in (holder, standby):
                self.wait_in_step(node, self.case.count)
        return holder, standby

    def close(self):
        for node in list(self.managers):
            self.drop_manager(node)
        self.herd.close()
        self.subject.close()


def memory(node):
    """Resident bytes of the agent and of its adapter."""
    def rss(pid):
        return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
    pid = node.agent.pid
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    adapter = next(p for p in children if pathlib.Path(f"/proc/{p}/comm").read_text().startswith("ringkeep-adapte"))
    return {"agent": rss(pid), "adapter": rss(adapter)}


def fill(report, fleet, holder, standby):
    """All phones, as fast as they are accepted."""
    case, ours = fleet.case, fleet.case.subject == "ringkeep"
    before = memory(standby) if ours else None
    start = time.monotonic()
    done = fleet.herd.register(0, 2 * case.period_s if case.period_s > 30 else 120, timeout_s=SETTLE_S)
    registered = time.monotonic()
    report.add(f"{case.label}: phones register", case.subject, "1/s", [case.count / done["s"]])
    if not case.replicated:
        return
    fleet.wait_in_step(standby, case.count)
    last = time.monotonic()
    report.add(f"{case.label}: into the standby", case.subject, "1/s", [case.count / (last - start)])
    report.add(f"{case.label}: behind the last REGISTER", case.subject, "ms", [(last - registered) * 1e3])
    if ours:
        wait_until(lambda: ringkeep.bindings(holder) == ringkeep.bindings(standby) == case.count, 30, "both agents to count the same")
        for process, bytes_ in memory(standby).items():
            report.add(f"{case.label}: memory per binding, {process}", case.subject, "bytes", [(bytes_ - before[process]) / case.count])


def guests_lag(fleet, standby):
    """Telephones that register for the first time: ms from the 200 of each until the standby's Asterisk, or agent, has one more."""
    where, lags = f"/proc/{fleet.lab.phones.pid}/ns/net", []
    for user in range(GUEST_USER, GUEST_USER + GUESTS):
        phone, before = Telephone(where, str(user), "10.77.0.200", "10.77.0.100"), fleet.standby_has(standby)
        assert phone.register(600) == 200
        start = time.monotonic()
        wait_until(lambda b=before: fleet.standby_has(standby) > b, 20, f"phone {user} at the standby", 0.001)
        lags.append((time.monotonic() - start) * 1e3)
        phone.close()
    return lags


def steady(report, fleet, standby):
    """How far behind the standby is while each phone registers again every period. The herd goes on with it."""
    case, rate = fleet.case, max(1, fleet.case.count // fleet.case.period_s)
    fleet.herd.refresh(2 * case.period_s if case.period_s > 30 else 120, rate)
    if not case.replicated:
        return
    name = f"{case.label}: standby behind, {rate} REGISTERs/s"
    if case.pbx == "asterisk":
        report.add(name, case.subject, "ms", guests_lag(fleet, standby))
        return
    fleet.herd.sample(standby, max(1, rate // 20))  # about twenty a second are followed
    time.sleep(STEADY_S)
    lags = fleet.herd.lags()
    fleet.herd.sample_end()
    assert lags["n"] > 0 and lags["waiting"] < 40, f"the standby does not follow: {lags}"
    report.add(name, case.subject, "ms", [lags["median_ms"]] * (lags["n"] - 1) + [lags["max_ms"]])


def last_callable(fleet, fault, holder, bound_s):
    """ms from the fault until the last of the called phones was reached, and how many spoke for the address at once."""
    count, rate = fleet.case.called()
    with fleet.subject.probe(sip_us=50000) as probe:
        probe.wait_answer_from(holder)
        time.sleep(0.3 + random.random() * 0.3)
        since = now_ns()
        fault(fleet.subject, holder)
        fleet.herd.call_start(count, rate, since, bound_s)
        called = fleet.herd.call_end()
    if os.environ.get("BENCH_VERBOSE"):
        print(called, probe.record.outage_ms("udp4", since), probe.record.outage_ms("sip", since))
    assert called["reached"] == count, f"{fleet.case.label}, {fleet.case.subject}: {called} after {bound_s} s"
    return called["last_ms"], probe.record.holders_max(0 if fleet.subject.one_holder else since)


def node_dead(subject, holder):
    holder.power_off()


def pbx_killed(subject, holder):
    subject.kill_pbx(holder)


def run(report, case):
    fleet = Fleet(case)
    try:
        holder, standby = fleet.subject.ready()
        fill(report, fleet, holder, standby)
        steady(report, fleet, standby)
        faults = [("PBX killed", pbx_killed), ("node dead", node_dead)] if case.replicated else [("node dead", node_dead)]
        for name, fault in faults:
            if name == "node dead" and case.replicated:
                holder, standby = fleet.ready()
            ms, holders = last_callable(fleet, fault, holder, case.period_s + 30)
            report.add(f"{case.label}: {name}, last phone callable", case.subject, "ms", [ms], holders)
    finally:
        fleet.close()


def cases(quick):
    """Side by side: each size with all subjects before the next size."""
    if quick:
        return [Case("kamailio", 500, "ringkeep", period_s=10), Case("kamailio", 500, "no replic.", period_s=10),
                Case("kamailio", 500, "dmq+keepal", period_s=10), Case("asterisk", 200, "ringkeep", period_s=10)]
    def side_by_side(pbx, count, period_s):
        others = [Case(pbx, count, "dmq+keepal", 0, period_s)] if pbx == "kamailio" else [Case(pbx, count, "ringkeep", 60, period_s)]
        return [Case(pbx, count, "ringkeep", 0, period_s), *others, Case(pbx, count, "no replic.", 0, period_s)]
    return [*side_by_side("kamailio", 1000, 30), *side_by_side("asterisk", 1000, 30), *side_by_side("kamailio", 10000, 30),
            *side_by_side("kamailio", 100000, 60), *side_by_side("asterisk", 10000, 60)]


def scale(report, quick):
    """All cases for which there is time; one that fails does not stop the others."""
    failed, size, end = [], None, time.monotonic() + BUDGET_S
    for case in cases(quick):
        if (case.pbx, case.count) != size:
            size = case.pbx, case.count
            report.title(f"{case.count} phones at {case.pbx}, each registers again every {case.period_s} s; lease 800 ms, keepalived advert 250 ms")
        try:
            assert time.monotonic() < end, f"left out, {BUDGET_S} s are over"
            run(report, case)
        except (AssertionError, RuntimeError) as error:
            failed.append(f"{case.label}, {case.subject}: {str(error).splitlines()[0]}")
            print(failed[-1], flush=True)
    assert not failed, "; ".join(failed)
