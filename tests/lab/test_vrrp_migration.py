# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/MIGRATION.md, step by step, with its commands: a pair of keepalived becomes a pair of ringkeep in mode native, one node at a time, and that
becomes a cluster with a witness in which the lease decides. What each step costs is printed (pytest -s shows it)."""
import re
import signal
import time

import pytest
from ringlab import Lab, corosync, ringkeep
from ringlab.lab import MUTE_S
from ringlab.machine import wait_until
from ringlab.probe import now_ns
from ringlab.stalls import excused
from ringlab.vrrp_peers import Keepalived, Router

BOTH = {"advert_ms": 1000, "preempt": False}    # an interval that many have, and what the text recommends
HIGH, LOW = Router(priority=150, **BOTH), Router(priority=100, **BOTH)
MACHINE_MS = 250
STEPS = []              # (step, start, end)


@pytest.fixture(scope="module")
def lab():
    with Lab() as lab:
        ringkeep.install(lab)
        yield lab


def hactl_local(node, *args):
    return [node.lab.root / "bin" / "hactl", *args, "--state-dir", node.state]


def import_for(node):
    """hactl key generate, hactl config import; returns the text."""
    ringkeep.make_key(node)
    done = node.run(*hactl_local(node, "config", "import", node.dir / "keepalived.vrrp.conf", "--node", node.name, "--id", node.id))
    assert done.returncode == 0, f"nothing of this configuration may be left out:\n{done.stderr}"
    return done.stdout


def group_of(text):
    """The group of the result for a cluster: the lease decides, and no sync-group."""
    group = text[re.search(r"^group ", text, re.M).start():]
    return re.sub(r"^\s*(mode|sync-group) = .*\n", "", group, flags=re.M)


def cluster_text(lab, group, candidates, priorities):
    """One file for all three."""
    lines = ['cluster = "lab"', "pulse-port = 5707"]
    for node in lab.nodes:
        links = "\n".join(f'    link {link} {{ address = "{node.address(link)}" }}' for link in ("ring0", "ring1", "lan"))
        lines += [f"node {node.name} {{\n    id = {node.id}\n    public-key = \"{ringkeep.make_key(node)}\"",
                  "    witness = yes" if node.witness else "", links, "}"]
    group = re.sub(r"candidates = .*", f"candidates = {{ {', '.join(candidates)} }}", group)
    group = re.sub(r"priorities = .*", f"priorities = {{ {', '.join(map(str, priorities))} }}", group)
    return "\n".join(lines) + "\n" + group


class Move:
    """A step of the migration: does something, and waits until a node answers."""

    def __init__(self, probe, text):
        self.probe, self.text = probe, text

    def __enter__(self):
        self.start = now_ns()

    def __exit__(self, *error):
        self.probe.wait_answer_from(None)
        time.sleep(0.3)
        STEPS.append((self.text, self.start, now_ns() - 100_000_000))  # what begins now belongs to the next step
        return False


def native(node):
    status = ringkeep.status(node)
    return status["groups"][0]["vrrp"]["state"] if status else None


def wait_native(node, state):
    wait_until(lambda: native(node) == state, 15, lambda: f"{node.name} to be {state}: {native(node)}\n{node.dir / 'log' / 'agent.log'}")


def wait_joined(node, witness):
    def joined():
        status = ringkeep.status(node)
        states = {n["name"]: n["state"] for n in status["nodes"]} if status else {}
        return states.get(node.name) in ("up", "standby") and states.get(witness.name) == "up"
    wait_until(joined, 20, lambda: f"{node.name} to have joined and to hear {witness.name}: {ringkeep.status(node)}")


def replace_by_native(probe, node, keepalived, state):
    node.conf.write_text(import_for(node))
    node.check(*hactl_local(node, "config", "check", node.conf))
    with Move(probe, f"{node.name}: keepalived is stopped"):
        keepalived.resign()
        node.procs["keepalived"].wait()
    with Move(probe, f"{node.name}: ringkeep in mode native is started"):
        node.start_agent()
        wait_native(node, state)
        time.sleep(4)   # longer than VRRP would wait for a silent router


def to_cluster(lab, probe):
    """Steps 3 to 5 of the text."""
    n1, n2, w1 = lab.n1, lab.n2, lab.w1
    group = group_of(n2.conf.read_text())
    corosync.configure(lab)
    text = cluster_text(lab, group, ["n2"], [LOW.priority])
    for node in (n1, w1):
        node.conf.write_text(text)
    with Move(probe, "corosync, the witness, and n1 in the cluster, as no candidate"):
        n1.start_corosync()
        n2.start_corosync()
        n1.check(*hactl_local(n1, "config", "check", n1.conf))
        n1.agent.end(signal.SIGTERM)
        n1.start_agent()
        w1.start_agent()
        wait_joined(n1, w1)
    text = cluster_text(lab, group, ["n1", "n2"], [HIGH.priority, LOW.priority])
    with Move(probe, "n1 in standby, then a candidate"):
        n1.check(*ringkeep.hactl_command(n1), "standby", "n1", "--wait")
        for node in (n1, w1):
            node.conf.write_text(text)
            node.agent.end(signal.SIGTERM)
            node.start_agent()
        wait_joined(n1, w1)
        time.sleep(MUTE_S)   # the memory of both is new
    with Move(probe, "from VRRP to the lease: n2 stops, n1 takes the lease"):
        n2.agent.end(signal.SIGTERM)
        n1.check(*ringkeep.hactl_command(n1), "unstandby", "n1")
        n2.conf.write_text(text)
        n2.start_agent()
        n2.mute_until = time.monotonic() + MUTE_S
    probe.wait_answer_from(n1)
    lab.wait_settled()


def print_table(record):
    print()
    for step, start, end in STEPS:
        print(f"{step:<64}{record.outage_ms('udp4', start, end):8.0f} ms{record.outage_ms('udp6', start, end):8.0f} ms (IPv6)")


def gap(record, words):
    (start, end), = [(s, e) for step, s, e in STEPS if words in step]
    return record.outage_ms("udp4", start, end)


def test_keepalived_pair_becomes_a_cluster_with_a_lease(lab):
    STEPS.clear()
    n1, n2 = lab.n1, lab.n2
    first, second = Keepalived(n1, HIGH), Keepalived(n2, LOW)
    first.start()
    first.wait("master")
    second.start()
    second.wait("backup")
    with lab.probe(sip_us=0) as probe:
        probe.wait_answer_from(n1)
        replace_by_native(probe, n2, second, "backup")
        replace_by_native(probe, n1, first, "backup")
        to_cluster(lab, probe)
        with Move(probe, "switchover to n2, the lease decides"):
            n1.check(*ringkeep.hactl_command(n1), "switchover", lab_group(n1), "--to", "n2", "--wait")
        time.sleep(1)
    record = probe.record
    print_table(record)
    order = [c.node for c in record.claims()]
    moves = [a for a, b in zip(order, order[1:] + [None]) if a != b]
    assert record.holders_max() == 1, record.overlaps()
    with excused(probe.start_ns):
        assert moves == ["n1", "n2", "n1", "n2"], f"it moved {' -> '.join(order)}"
    goodbye = [f"{n}: keepalived is stopped" for n in ("n1",)] + ["from VRRP"]
    with excused(probe.start_ns):
        for words in goodbye:
            assert gap(record, words) <= LOW.skew_ms() + MACHINE_MS
        assert all(record.outage_ms("udp4", s, e) <= MACHINE_MS for step, s, e in STEPS if not any(w in step for w in goodbye))


def lab_group(node):
    return ringkeep.status(node)["groups"][0]["name"]
