# SPDX-License-Identifier: GPL-2.0-or-later
"""make chaos-broken: the campaign against daemons that break the promise on purpose must fail, with I1 or I10, within minutes. A campaign that
cannot fail is no test."""
import os
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ["RINGKEEP_BUILD"])
MINUTES = "10"


def campaign(name):
    """Seconds until the campaign saw what is broken, or None; and its last line."""
    begin = time.monotonic()
    done = subprocess.run([sys.executable, HERE / "chaos.py"], stdout=subprocess.PIPE, text=True, env={
        **os.environ, "DAEMON": str(BUILD / "tests" / "chaos" / f"ringkeepd-{name}"), "MINUTES": MINUTES})
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "nothing was said"
    caught = done.returncode == 1 and re.search(r"^chaos: FAIL .*: I(1|10): ", last)
    return (time.monotonic() - begin if caught else None), last


def main():
    good = True
    for name in ("never-shut", "forgetful"):
        seconds, last = campaign(name)
        print(f"{name}: {'caught after %.0f s' % seconds if seconds else 'NOT CAUGHT'}; {last}", flush=True)
        good &= seconds is not None
    print(f"chaos-broken: {'PASS' if good else 'FAIL'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
