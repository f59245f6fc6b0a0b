# SPDX-License-Identifier: GPL-2.0-or-later
"""Two thousand phones: every one of them can be called after its node died, while they go on registering. More of them: tests/bench/scale.py."""
import os

import pytest

from ringlab import Lab, kamailio, ringkeep
from ringlab.herd import Herd
from ringlab.machine import wait_until
from ringlab.probe import now_ns
from ringlab.story import Story, death_bound_ms, takeovers

PHONES, PERIOD_S, CALLS_PER_S = 2000, 60, 200
REGISTERS_PER_S, HANDOVER_MS = 400, 250
IN_STEP_S = 20    # a shared machine registers them in two
CALLABLE_S = 22   # beside the silence of a lease: CALLS_PER_S alone takes ten


@pytest.fixture()
def lab():
    if os.geteuid() != 0:
        pytest.fail("the lab needs root: namespaces")
    with Lab() as lab:
        lab.start_cluster(pbx_memory_mib=128)
        yield lab


def test_two_thousand_phones_can_be_called_after_a_node_death(lab, record_property):
    bound_ms = death_bound_ms(lab)
    with Herd(lab, PHONES) as herd:
        herd.register(0, 2 * PERIOD_S, timeout_s=30)
        with Story(lab, moves=1, outage_ms=bound_ms, sip_outage_ms=bound_ms + 1000, calls=False, sip_us=50000) as s:
            wait_until(lambda: kamailio.contacts(s.standby) == PHONES, IN_STEP_S, lambda: f"all phones in the standby's Kamailio: {kamailio.contacts(s.standby)}")
            herd.refresh(2 * PERIOD_S, PHONES // PERIOD_S)
            s.stays(1)
            s.mark()
            died_ns = now_ns()
            s.holder.power_off()
            herd.call_start(PHONES, CALLS_PER_S, died_ns, CALLABLE_S + bound_ms / 1000)
            called = herd.call_end()
            s.wait_moved()
        record_property("called", str(called))
        assert called["reached"] == PHONES, called
        assert kamailio.contacts(s.standby) == PHONES
        assert herd.stop()["failed"] == 0


def test_phones_that_register_while_the_address_moves_are_not_lost(lab):
    """What the old holder accepted in its last moment is on its way when the new one is there already."""
    wait_until(lambda: takeovers(lab.wait_settled()), 5, "the history of the start")
    with Herd(lab, PHONES) as herd:
        with Story(lab, moves=1, outage_ms=HANDOVER_MS, calls=False, sip_us=50000) as s:
            herd.register_start(REGISTERS_PER_S)
            wait_until(lambda: kamailio.contacts(s.holder) > PHONES // 2, 30, "half of the phones at the holder")
            s.mark()
            s.holder.hactl("switchover", "office")
            s.wait_moved()
            herd.register_end(30)
        for node in (s.standby, s.holder):
            wait_until(lambda n=node: (kamailio.contacts(n), ringkeep.bindings(n)) == (PHONES, PHONES), IN_STEP_S,
                       lambda n=node: f"all phones at {n.name}, Kamailio has {kamailio.contacts(n)}, the agent {ringkeep.bindings(n)}")
