# SPDX-License-Identifier: GPL-2.0-or-later
"""Results as a table for people and build/bench.json for programs."""
import json
import os
import statistics

from ringlab.paths import BUILD


class Report:
    def __init__(self):
        self.rows = []

    def add(self, name, subject, unit, values, holders_max=None):
        values = sorted(values)
        self.rows.append({"name": name, "subject": subject, "unit": unit, "n": len(values), "min": round(values[0], 3),
                          "median": round(statistics.median(values), 3), "max": round(values[-1], 3), "holders_max": holders_max})
        self.print_row(self.rows[-1])

    def title(self, text):
        one, five, _ = os.getloadavg()
        print(f"\n{text}   (load {one:.1f}, {five:.1f})")
        print(f"{'what':<58}{'subject':<12}{'unit':<8}{'n':>3}{'min':>10}{'median':>10}{'max':>10}  holders_max")

    @staticmethod
    def print_row(r):
        holders = "-" if r["holders_max"] is None else r["holders_max"]
        print(f"{r['name']:<58}{r['subject']:<12}{r['unit']:<8}{r['n']:>3}{r['min']:>10.1f}{r['median']:>10.1f}{r['max']:>10.1f}  {holders}",
              flush=True)

    def write(self):
        path = BUILD / "bench.json"
        path.write_text(json.dumps(self.rows, indent=1) + "\n")
        return path
