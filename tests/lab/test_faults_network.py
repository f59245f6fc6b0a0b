# SPDX-License-Identifier: GPL-2.0-or-later
"""Cuts, one-way loss, random loss, partitions."""
from ringlab.story import MACHINE_MS, Story, death_bound_ms, lease_ms


def test_silent_cut_of_every_link_then_heal(lab):
    """Nobody sees a carrier go. The cut-off holder falls silent by its lease, also on its own side of the cut, and stays so after the heal."""
    with Story(lab, moves=1, outage_ms=death_bound_ms(lab)) as s:
        s.mark()
        lab.hub.cut(s.holder)
        s.wait_moved()
        s.stays(1)
        lab.hub.heal()
        s.stays(2)
    assert s.record.last_frame_ns(s.holder.name) - s.fault_ns <= (lease_ms(lab) + 50) * 1e6


def test_lan_carrier_lost_with_rings_up(lab):
    """Seen at once by a living holder: a planned handover."""
    with Story(lab, moves=1, outage_ms=MACHINE_MS) as s:
        lab.hub.carrier(s.holder, "lan", False)
        s.wait_moved()


def test_rings_lost_with_lan_up(lab):
    """Pulses go over every link, so the lease lives on."""
    with Story(lab) as s:
        for link in ("ring0", "ring1"):
            lab.hub.cut(s.holder, link)
        s.stays(4)
        lab.hub.heal()
        s.stays(1)


def test_one_ring_lost_moves_nothing(lab):
    with Story(lab) as s:
        lab.hub.carrier(s.holder, "ring0", False)
        s.stays(3)


def test_holder_is_not_heard_by_the_standby(lab):
    with Story(lab) as s:
        lab.hub.one_way(s.holder, s.standby)
        s.stays(4)


def test_holder_does_not_hear_the_standby(lab):
    with Story(lab) as s:
        lab.hub.one_way(s.standby, s.holder)
        s.stays(4)


def test_holder_is_heard_by_nobody_on_the_pulse_links(lab):
    """Out of the holder nothing arrives at any voter, everything arrives at it: no majority can be won, so it must fall silent."""
    with Story(lab, moves=1, outage_ms=death_bound_ms(lab)) as s:
        s.mark()
        for other in (s.standby, lab.w1):
            lab.hub.one_way(s.holder, other)
        s.wait_moved()
        s.stays(1)


def test_pbx_nodes_cut_from_each_other_with_both_seeing_the_witness(lab):
    with Story(lab) as s:
        lab.hub.partition([s.holder], [s.standby])
        s.stays(4)
        lab.hub.heal()
        s.stays(2)


def test_holder_alone_against_standby_and_witness(lab):
    """The phones see both sides: only the lease keeps the old holder silent."""
    with Story(lab, moves=1, outage_ms=death_bound_ms(lab)) as s:
        s.mark()
        lab.hub.partition([s.holder], [s.standby, lab.w1])
        s.wait_moved()
        s.stays(2)
        lab.hub.heal()
        s.stays(2)


def test_random_loss_of_a_tenth_moves_nothing(lab):
    with Story(lab, calls=False) as s:
        for link in ("ring0", "ring1"):
            for node in lab.nodes:
                lab.hub.lose(node, 10, link)
        s.stays(6)
        lab.hub.heal()
        s.stays(1)
