# SPDX-License-Identifier: GPL-2.0-or-later
"""Outages as the phones see them, for both subjects, run by run in turn."""
import random
import time

from ringlab.probe import now_ns


def planned(subject, holder, standby):
    subject.switchover(holder, standby)


def pbx_crash(subject, holder, standby):
    subject.kill_pbx(holder)


def pbx_main_killed(subject, holder, standby):
    """Its workers go on answering until the address moves."""
    holder.pbx.kill()


def agent_killed(subject, holder, standby):
    subject.kill_agent(holder)


def agent_ended(subject, holder, standby):
    """As for an upgrade or a shutdown: it resigns."""
    subject.end_agent(holder)


def node_silent(subject, holder, standby):
    """As a machine that stops dead behind a switch that keeps its carrier up."""
    subject.lab.hub.cut(holder)
    holder.freeze()


# name, fault, what is measured
FAULTS = [("planned switchover", planned, "udp4"), ("PBX main process killed", pbx_main_killed, "sip"),
          ("PBX crash, all its processes at once", pbx_crash, "sip"), ("agent killed, not restarted", agent_killed, "udp4"),
          ("node silently dead", node_silent, "udp4")]

NATIVE_FAULTS = [("planned switchover", planned, "udp4"), ("daemon ended in order", agent_ended, "udp4"),
                 ("daemon killed, not restarted", agent_killed, "udp4"), ("node silently dead", node_silent, "udp4")]


def measure(subject, fault, kind, timeout_s=20):
    """One run: the longest outage after the fault in ms, and how many spoke at once; where one holder is not promised, since the
    fault, for an interval of 10 ms is too short for a busy machine also without one."""
    holder, standby = subject.ready()
    with subject.probe(sip_us=2000) as probe:
        probe.wait_answer_from(holder)
        if kind == "sip":
            probe.wait_answer_from(None, kind="sip")
        time.sleep(0.3 + random.random() * 0.3)  # any phase of pulses and adverts
        t = now_ns()
        fault(subject, holder, standby)
        probe.wait_answer_from(standby, timeout_s, since_ns=t)
        if kind == "sip":
            probe.wait_answer_from(None, timeout_s, kind="sip")
        time.sleep(0.5)
    record = probe.record
    return record.outage_ms(kind, t), record.holders_max(0 if subject.one_holder else t)


def compare(report, subjects, faults, runs, label):
    for name, fault, kind in faults:
        results = {s.name: [] for s in subjects}
        for _ in range(runs):
            for subject in subjects:
                results[subject.name].append(measure(subject, fault, kind))
        for subject in subjects:
            outages, holders = zip(*results[subject.name])
            report.add(f"{name}, {label}", subject.name, "ms", outages, max(holders))
