# SPDX-License-Identifier: GPL-2.0-or-later
"""Starting: all at once, one late, and a second witness of who may begin."""
import pytest
from ringlab import Lab, ringkeep
from ringlab.probe import now_ns
from ringlab.stalls import excused
from ringlab.story import takeovers


@pytest.fixture()
def cold():
    with Lab() as lab:
        lab.configure()
        yield lab


def test_all_started_at_once_gives_one_holder(cold):
    with cold.probe(sip_us=0) as probe:
        for node in cold.nodes:
            node.start()
        holder = cold.wait_settled()
        probe.wait_answer_from(holder)
        first = now_ns()
        probe.wait_answer_from(holder, since_ns=first + int(2e9))
    assert probe.record.holders_max() == 1
    assert {c.node for c in probe.record.claims()} == {holder.name}
    assert [r["node"] for r in takeovers(holder)] == [holder.name]


def test_one_started_late_changes_nothing(cold):
    """n2 and the witness begin, n1 (the first in order of priority) comes ten seconds later and stays standby: failback is manual."""
    cold.n2.start()
    cold.w1.start()
    with cold.probe(sip_us=0) as probe:
        probe.wait_answer_from(cold.n2, 30)
        t = now_ns()
        cold.n1.start()
        assert cold.wait_settled() is cold.n2
        probe.wait_answer_from(cold.n2, since_ns=t + int(10e9))
    assert probe.record.holders_max() == 1
    with excused(t):
        assert probe.record.speakers() == {"n2"}
        assert probe.record.outage_ms("udp4", t) < 150


def test_alone_nobody_speaks(cold):
    """One of three voters is no majority, however long it waits."""
    cold.n1.start()
    with cold.probe(sip_us=0) as probe:
        end = now_ns() + int(6e9)
        from ringlab.machine import wait_until
        wait_until(lambda: now_ns() > end, 10, "time")
        assert ringkeep.group(cold.n1)["gate"] == "shut"
    assert probe.record.speakers() == set()


def test_port_in_use_is_one_sentence_and_nothing_half_done(cold):
    """Another program has the pulse port: exit 1, and neither addresses nor gate nor guard stay."""
    node = cold.n1
    node.spawn("squatter", "/usr/bin/python3", "-c",
               f"import socket,time; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(('{node.address('ring0')}',5707)); time.sleep(60)")
    from ringlab.machine import wait_until
    wait_until(lambda: "5707" in node.check("ss", "-Hlun"), 5, "the squatter")
    node.check("mkdir", "-p", ringkeep.RUN_DIR)
    done = node.run(*ringkeep.command(node), timeout=10)
    assert done.returncode == 1, done.stderr
    assert f"UDP port 5707 at {node.address('ring0')} is in use" in done.stderr, done.stderr
    assert "10.77.0.100" not in node.check("ip", "addr")
    assert "ringkeep" not in node.check("tc", "filter", "show", "dev", "eth0", "ingress")
    assert "ringkeep" not in node.check("nft", "list", "ruleset")
