# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults of whole nodes: dead ones cost a lease, dead witnesses and standbys cost nothing, and a majority is needed to speak."""
from ringlab import ringkeep
from ringlab.machine import wait_until
from ringlab.probe import now_ns
from ringlab.stalls import excused
from ringlab.story import Story, death_bound_ms, history, lease_ms


def test_power_off_of_the_holder(lab):
    with Story(lab, moves=1, outage_ms=death_bound_ms(lab)) as s:
        s.mark()
        s.holder.power_off()
        s.wait_moved()
    assert s.history[0]["cause"] == "lease_expired"


def test_power_cycle_of_the_holder_does_not_take_back(lab):
    """It returns with its disk and without its memory, learns the phones, and the other keeps the address."""
    with Story(lab, moves=1, outage_ms=death_bound_ms(lab)) as s:
        s.mark()
        s.holder.power_off()
        s.wait_moved()
        s.holder.power_on()
        wait_until(lambda: (ringkeep.status(s.holder) or {}).get("groups"), 10, "the agent")
        s.stays(3)
    lab.restore()
    lab.wait_replicated(20)


def test_witness_dead_moves_nothing(lab):
    with Story(lab) as s:
        lab.w1.power_off()
        s.stays(2)


def test_standby_dead_moves_nothing(lab):
    with Story(lab) as s:
        s.standby.power_off()
        s.stays(4)  # longer than token + consensus of corosync


def test_two_of_three_dead_is_silence_within_the_lease(lab):
    holder = lab.wait_settled()
    standby = next(n for n in lab.pbx_nodes if n is not holder)
    with lab.probe() as probe:
        probe.wait_answer_from(holder)
        standby.power_off()
        lab.w1.power_off()
        t = now_ns()  # both are dead
        probe.wait_silence(1.0)
    assert probe.record.last_frame_ns(holder.name) - t <= lease_ms(lab) * 1e6
    assert probe.record.holders_max() == 1
    lab.restore()


def test_corosync_killed_on_the_holder(lab):
    """Whether it stays or hands over: one speaker, no long outage, and it heals when corosync comes back."""
    holder = lab.wait_settled()
    with lab.probe() as probe:
        probe.wait_answer_from(holder)
        t = now_ns()
        holder.corosync.kill()
        probe.wait_answer_from(None, since_ns=t + int(4e9))
        holder.start_corosync()
        lab.wait_settled()
    assert probe.record.holders_max() == 1
    with excused(t):
        assert probe.record.outage_ms("udp4", t) <= 300
    assert lab.phones.call_all(20) == 20


def test_corosync_killed_on_the_standby_moves_nothing(lab):
    with Story(lab) as s:
        s.standby.corosync.kill()
        s.stays(4)
        s.standby.start_corosync()
        s.stays(1)


def test_records_of_a_lonely_node_are_everybodys_after_its_restart(lab):
    """What it wrote while corosync reached nobody, before its power went, is on its disk alone; it tells the others when it is back."""
    holder = lab.wait_settled()
    standby = next(n for n in lab.pbx_nodes if n is not holder)
    parted = f"corosync: {holder.name} left"
    times = standby.agent.log.read_text().count(parted)
    for link in ("ring0", "ring1"):
        lab.hub.cut(holder, link)
    wait_until(lambda: standby.agent.log.read_text().count(parted) > times, 15, "corosync to part")
    before = {(r["node"], r["number"]) for r in history(holder)}
    holder.check("nft", "flush", "ruleset")
    lonely = wait_until(lambda: [r for r in history(holder) if r["type"] == "guard-lost" and (r["node"], r["number"]) not in before], 5, "the record")
    assert not {r["number"] for r in lonely} & {r["number"] for r in history(standby) if r["node"] == holder.name}
    holder.power_off()
    lab.hub.heal()
    holder.power_on()
    lab.restore()
    wanted = {r["number"] for r in lonely}
    wait_until(lambda: wanted <= {r["number"] for r in history(standby) if r["node"] == holder.name}, 10, "the lonely record at the other node")
