# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab: a cluster in network namespaces, faults as one-line verbs, and a prober that records every answer.

    lab = Lab()                      # hub, phones, n1, n2 (PBX nodes), w1 (witness)
    lab.start_cluster()              # corosync, Kamailio, ringkeepd
    with lab.probe() as probe:
        lab.n1.power_off()
        probe.wait_answer_from("n2")
    probe.record.outage("udp4")      # ms
"""
from .lab import Lab  # noqa: F401
