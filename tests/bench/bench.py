# SPDX-License-Identifier: GPL-2.0-or-later
"""make bench: everything side by side in one run. BENCH_QUICK=1: one or two runs of each, a smoke test of the bench
itself. BENCH_ONLY="native growth": these parts only."""
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lab")]
import cost  # noqa: E402
import failover  # noqa: E402
import scale  # noqa: E402
import uplink  # noqa: E402
from report import Report  # noqa: E402
from subjects import TIMINGS, Keepalived, Ringkeep, RingkeepNative  # noqa: E402

QUICK = bool(os.environ.get("BENCH_QUICK"))
RUNS = 2 if QUICK else 7
NATIVE_RUNS = {1000: 1 if QUICK else 3} | {ms: 1 if QUICK else 5 for ms in (100, 50, 20, 10)}   # advertisement interval in ms -> runs


def side_by_side(report, timing, faults, text):
    report.title(text)
    subjects = []
    try:
        subjects.append(Ringkeep(timing))
        subjects.append(Keepalived(TIMINGS[timing][1], check_pbx=True))
        failover.compare(report, subjects, faults, RUNS, timing)
        cost.idle(report, subjects[0], timing, RUNS, 1 if QUICK else 60 / RUNS)
    finally:
        for subject in subjects:
            subject.close()


def native(report):
    """The same protocol on both sides. holders_max 2 after a kill: the address stays on the dead node."""
    for advert_ms, runs in NATIVE_RUNS.items():
        report.title(f"VRRP, advertisements every {advert_ms} ms: ringkeep in mode native, keepalived")
        subjects = []
        try:
            subjects.append(RingkeepNative(advert_ms))
            subjects.append(Keepalived(str(advert_ms / 1000)))
            failover.compare(report, subjects, failover.NATIVE_FAULTS, runs, f"VRRP {advert_ms} ms")
        finally:
            for subject in subjects:
                subject.close()


def growth(report):
    report.title("ringkeep alone: what grows, lease 160 ms")
    for n in (1, 100, 1000):
        cost.with_addresses(report, n, RUNS)
    subject = Ringkeep("tight")
    try:
        cost.with_bindings(report, subject, 500 if QUICK else 10000, RUNS)
    finally:
        subject.close()


def must_be_one(row):
    """With a lease always. In mode native a preempting router and its predecessor may meet, but nobody may be left behind who is dead."""
    return row["subject"] == "ringkeep" or (row["subject"] == "rk native" and row["name"].startswith(("daemon killed", "node silently")))


def main():
    if os.geteuid() != 0:
        print("bench: needs root: namespaces, nftables, real-time priority")
        return 1
    report, failed = Report(), []
    parts = {
        "tight": lambda: side_by_side(report, "tight", failover.FAULTS,
                                      "tight: ringkeep lease 160 ms, pulse 40 ms; keepalived advert 50 ms (down after 180 ms)"),
        "lan": lambda: side_by_side(report, "lan", failover.FAULTS[3:],
                                    "lan: ringkeep lease 800 ms, pulse 100 ms; keepalived advert 250 ms (down after 900 ms)"),
        "native": lambda: native(report),
        "growth": lambda: growth(report),
        "scale": lambda: scale.scale(report, QUICK),
        "uplink": lambda: uplink.detection(report, 1 if QUICK else 3),
    }
    only = os.environ.get("BENCH_ONLY", "").split()
    parts = {name: part for name, part in parts.items() if not only or name in only}
    for name, part in parts.items():
        try:
            part()
        except (AssertionError, RuntimeError) as error:
            failed.append(f"{name} ended early or in part: {str(error).splitlines()[0]}")
            print(error)
    path = report.write()
    failed += [f"more than one holder: {r['name']}" for r in report.rows if must_be_one(r) and r["holders_max"] not in (None, 1)]
    print(f"\nbench: {'FAIL, ' + '; '.join(failed) if failed else 'done'}, {len(report.rows)} rows in {path}")
    return 1 if failed else 0


sys.exit(main())
