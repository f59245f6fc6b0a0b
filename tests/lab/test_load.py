# SPDX-License-Identifier: GPL-2.0-or-later
"""False failovers: both cores busy with twice as many hogs, profile lan, and nothing may move."""
import contextlib
import os
import subprocess

import pytest
from ringlab.story import Story


@contextlib.contextmanager
def full_load():
    hogs = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(2 * os.cpu_count())]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


def no_failover_under_load(lab, seconds):
    """No move; a stall of the machine itself may cost probes, so the outage is only bounded by the lease."""
    with Story(lab, outage_ms=800) as s, full_load():
        s.stays(seconds)


def test_load60_one_minute_of_full_load_moves_nothing(lab):
    no_failover_under_load(lab, 60)


@pytest.mark.load10
def test_load10_ten_minutes_of_full_load_move_nothing(lab):
    no_failover_under_load(lab, 600)
