# SPDX-License-Identifier: GPL-2.0-or-later
"""make bench: everything side by side in one run. BENCH_QUICK=1: two runs of each, a smoke test of the bench itself."""
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lab")]
import cost  # noqa: E402
import failover  # noqa: E402
from report import Report  # noqa: E402
from subjects import Keepalived, Ringkeep  # noqa: E402

QUICK = bool(os.environ.get("BENCH_QUICK"))
RUNS = 2 if QUICK else 7


def side_by_side(report, timing, faults, text):
    report.title(text)
    subjects = []
    try:
        subjects.append(Ringkeep(timing))
        subjects.append(Keepalived(timing, check_pbx=True))
        failover.compare(report, subjects, faults, RUNS, timing)
        cost.idle(report, subjects[0], timing, RUNS, 1 if QUICK else 60 / RUNS)
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
        "growth": lambda: growth(report),
    }
    for name, part in parts.items():
        try:
            part()
        except (AssertionError, RuntimeError) as error:
            failed.append(f"{name} ended early: {str(error).splitlines()[0]}")
            print(error)
    path = report.write()
    failed += [f"more than one holder: {r['name']}" for r in report.rows if r["subject"] == "ringkeep" and r["holders_max"] not in (None, 1)]
    print(f"\nbench: {'FAIL, ' + '; '.join(failed) if failed else 'done'}, {len(report.rows)} rows in {path}")
    return 1 if failed else 0


sys.exit(main())
