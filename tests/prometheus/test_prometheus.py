# SPDX-License-Identifier: GPL-2.0-or-later
"""The alert rules and the dashboard: promtool has nothing to say, the alerts fire when they should, and every name is one that ringkeep-api exports."""
import json
import pathlib
import re
import subprocess
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RULES = ROOT / "packaging" / "prometheus" / "ringkeep.rules.yml"
DASHBOARD = ROOT / "packaging" / "grafana" / "ringkeep.json"
NAME = re.compile(r"\bringkeep_[a-z_]+")


def exported():
    """What api/metrics.c has: name -> whether it is a counter."""
    found = re.findall(r'family\(m, "([a-z_]+)", (true|false)', (ROOT / "api" / "metrics.c").read_text())
    return {f"ringkeep_{name}{'_total' if counter == 'true' else ''}" for name, counter in found}


def expressions():
    """Of the dashboard, with its variables as Grafana fills them in."""
    dashboard = json.loads(DASHBOARD.read_text())
    return [target["expr"].replace("$job", "c") for panel in dashboard["panels"] for target in panel["targets"]]


class Prometheus(unittest.TestCase):
    def promtool(self, *args):
        done = subprocess.run(["promtool", *map(str, args)], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_rules(self):
        self.promtool("check", "rules", "--lint=all", "--lint-fatal", RULES)
        self.promtool("test", "rules", HERE / "rules_test.yml")

    def test_every_alert_says_what_to_do(self):
        alerts = RULES.read_text().split("- alert: ")[1:]
        self.assertGreater(len(alerts), 20)
        for alert in alerts:
            self.assertRegex(alert, r"severity: (info|warning|critical)\n")
            self.assertRegex(alert, r'summary: ".+"\n +description: ".+"')

    def test_expressions_of_the_dashboard(self):
        """Prometheus reads each: as a recording rule."""
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as f:
            json.dump({"groups": [{"name": "d", "rules": [{"record": f"d:{i}", "expr": e} for i, e in enumerate(expressions())]}]}, f)
            f.flush()
            self.promtool("check", "rules", f.name)

    def test_names_are_exported(self):
        names = exported()
        self.assertGreater(len(names), 30)
        for text in (RULES.read_text(), (HERE / "rules_test.yml").read_text(), *expressions()):
            self.assertEqual(set(NAME.findall(text)) - names, set())

    def test_dashboard(self):
        dashboard = json.loads(DASHBOARD.read_text())
        panels = dashboard["panels"]
        self.assertEqual(len({p["id"] for p in panels}), len(panels))
        taken = set()
        for p in panels:
            pos = p["gridPos"]
            cells = {(x, y) for x in range(pos["x"], pos["x"] + pos["w"]) for y in range(pos["y"], pos["y"] + pos["h"])}
            self.assertLessEqual(pos["x"] + pos["w"], 24)
            self.assertFalse(cells & taken, p["title"])
            taken |= cells
            self.assertEqual(p["datasource"]["uid"], "${datasource}")


if __name__ == "__main__":
    unittest.main()
