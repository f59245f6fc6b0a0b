# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab proves itself: each fault does what its verb says, and the oracles see what they must see. An oracle that cannot fail is worth nothing."""
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest
from ringlab import Lab, keepalived, stalls
from ringlab.machine import wait_until
from ringlab.paths import LAB
from ringlab.probe import now_ns

VIP = "10.77.0.100"


@pytest.fixture()
def lab(bare_lab):
    """A lab in order again, whatever the test before did."""
    yield bare_lab
    bare_lab.hub.heal()
    for node in bare_lab.nodes:
        if not node.up():
            node.boot()
        node.run("ip", "addr", "del", f"{VIP}/24", "dev", "eth0")
        for link in ("lan", "ring0", "ring1"):
            bare_lab.hub.carrier(node, link, True)
    bare_lab.phones.run("ip", "neigh", "flush", "all")


def give(node):
    node.check("ip", "addr", "add", f"{VIP}/24", "dev", "eth0")


def take(node):
    node.check("ip", "addr", "del", f"{VIP}/24", "dev", "eth0")


def announce(node):
    node.check("arping", "-q", "-c", "1", "-A", "-I", "eth0", VIP)


def hears(receiver, sender, link="ring0"):
    return receiver.run("ping", "-c", "2", "-i", "0.05", "-W", "0.3", "-q", sender.address(link)).returncode == 0


def test_steady_address_has_no_outage_and_one_holder(lab):
    give(lab.n1)
    with lab.probe(sip_us=0) as probe:
        probe.wait_answer_from(lab.n1)
        t = now_ns()
        time.sleep(1)
    record = probe.record
    assert record.holders_max() == 1 and record.overlaps() == []
    with stalls.excused(t, 15):
        assert record.outage_ms("udp4", t) < 15
        assert len(record.answers["udp4"]) > 900
    assert record.neighbour_at(record.end_ns) == lab.n1.mac
    assert {"udp", "arp"} <= {kind for _, _, _, kind in record.frames}


def test_gap_is_seen_when_the_address_moves(lab):
    give(lab.n1)
    with lab.probe(sip_us=0) as probe:
        probe.wait_answer_from(lab.n1)
        t = now_ns()
        take(lab.n1)
        time.sleep(0.3)
        give(lab.n2)
        lab.phones.check("ip", "neigh", "flush", "all")
        probe.wait_answer_from(lab.n2)
    record = probe.record
    with stalls.excused(t):
        assert 300 <= record.outage_ms("udp4", t) < 900
    assert [s[1:] for s in record.switches()] == [(1, 2)]
    assert record.holders_max() == 1
    assert record.neighbour_at(record.end_ns) == lab.n2.mac


def test_two_holders_are_caught_though_the_phones_hear_one(lab):
    """The neighbour entry hides the second holder from the echo; the watcher sees its ARP answers."""
    give(lab.n1)
    with lab.probe(sip_us=0) as probe:
        probe.wait_answer_from(lab.n1)
        give(lab.n2)
        time.sleep(0.3)
    record = probe.record
    assert record.holders_max() == 2
    assert {(a.node, b.node) for a, b, _ in record.overlaps()} == {("n1", "n2")}


def test_a_single_stolen_frame_is_caught(lab):
    """One gratuitous ARP of a node that is not the holder is enough."""
    give(lab.n1)
    with lab.probe(sip_us=0) as probe:
        probe.wait_answer_from(lab.n1)
        lab.n2.check("arping", "-q", "-c", "1", "-U", "-s", VIP, "-I", "eth0", VIP)
        time.sleep(0.2)
    assert probe.record.holders_max() == 2


def test_prober_pause_is_not_an_outage(lab):
    give(lab.n1)
    with lab.probe(sip_us=0) as probe:
        probe.wait_answer_from(lab.n1)
        t = now_ns()
        probe.prober.stop()
        time.sleep(0.2)
        probe.prober.cont()
        time.sleep(0.2)
    with stalls.excused(t, 30):
        assert probe.record.outage_ms("udp4", t) < 50
    assert max(x["ns"] for x in probe.record.late) > 190e6


def test_power_off_takes_everything_at_once(lab):
    give(lab.n1)
    with lab.probe(sip_us=0) as probe:
        probe.wait_answer_from(lab.n1)
        t = now_ns()
        lab.n1.power_off()
        time.sleep(0.3)
    assert probe.record.last_frame_ns("n1") - t < 50e6
    assert probe.record.outages("udp4", t)[-1].ended is False
    assert "n1e0" not in lab.hub.check("ip", "-br", "link")


def test_power_on_gives_a_fresh_machine_with_its_disk(lab):
    (lab.n1.state / "kept").write_text("x")
    lab.n1.check("touch", "/run/lost")
    lab.n1.power_off()
    lab.n1.boot()
    assert lab.n1.run("test", "-e", "/run/lost").returncode == 1
    assert lab.n1.run("test", "-e", lab.n1.state / "kept").returncode == 0
    assert hears(lab.n2, lab.n1)


def test_silent_cut_keeps_the_carrier(lab):
    lab.hub.cut(lab.n1)
    assert not any(hears(lab.n2, lab.n1, link) for link in ("lan", "ring0", "ring1"))
    assert "LOWER_UP" in lab.n1.check("ip", "link", "show", "eth0")
    lab.hub.heal()
    assert hears(lab.n2, lab.n1)


def test_cut_of_one_link_spares_the_others(lab):
    lab.hub.cut(lab.n1, "ring0")
    assert not hears(lab.n2, lab.n1, "ring0") and hears(lab.n2, lab.n1, "ring1") and hears(lab.n2, lab.n1, "lan")


def test_carrier_loss_is_seen_by_the_node(lab):
    lab.hub.carrier(lab.n1, "lan", False)
    assert "NO-CARRIER" in lab.n1.check("ip", "link", "show", "eth0")
    assert hears(lab.n2, lab.n1, "ring0")


def sniffed(lab, receiver, sender):
    """Does a broadcast of the sender arrive at the receiver?"""
    listener = receiver.spawn("sniff", "timeout", "1", "/usr/bin/python3", "-c", LISTEN)
    wait_until(lambda: b"ready" in listener.log.read_bytes().splitlines()[-1:], 3, "listener")
    sender.run("/usr/bin/python3", "-c", f"import socket; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
               f"[s.sendto(b'x', ('{receiver.address('ring0')}', 9999)) for _ in range(3)]")
    code = listener.wait()
    del receiver.procs["sniff"]
    return code == 0


LISTEN = ("import socket,sys; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', 9999)); print('ready', flush=True); "
          "s.settimeout(0.5); s.recv(9)")


def test_one_way_loss_is_one_way(lab):
    for node in (lab.n1, lab.n2):
        for other in (lab.n1, lab.n2):
            if other is not node:
                node.check("ip", "neigh", "replace", other.address("ring0"), "lladdr", f"02:77:01:00:00:{other.id:02x}", "dev", "eth1")
    lab.hub.one_way(lab.n1, lab.n2)
    assert not sniffed(lab, lab.n2, lab.n1)
    assert sniffed(lab, lab.n1, lab.n2)


def test_partition_that_is_not_transitive(lab):
    """A and B do not hear each other, both hear the witness."""
    lab.hub.partition([lab.n1], [lab.n2])
    assert not hears(lab.n1, lab.n2) and hears(lab.n1, lab.w1) and hears(lab.n2, lab.w1)


def test_random_loss_loses_some_and_not_all(lab):
    lab.hub.lose(lab.n1, 30, "lan")
    give(lab.n1)
    with lab.probe(sip_us=0) as probe:
        probe.wait_answer_from(lab.n1)
        time.sleep(1)
    answered = len(probe.record.answers["udp4"]) / probe.record.sent["udp4"]
    assert 0.3 < answered < 0.7, answered  # both directions: 0.49


def test_freeze_stops_all_user_space_and_thaw_resumes_it(lab):
    give(lab.n1)
    with lab.probe(sip_us=0) as probe:
        probe.wait_answer_from(lab.n1)
        lab.n1.freeze()
        probe.wait_silence(0.2)
        frozen = now_ns()
        time.sleep(0.1)
        lab.n1.thaw()
        probe.wait_answer_from(lab.n1)
    assert any(t > frozen - 100e6 and kind == "arp" for t, _, _, kind in probe.record.frames), "the kernel must go on answering"


def test_supervisor_restarts_and_can_be_taken_away(lab):
    proc = lab.n1.spawn("sleeper", "sleep", "1000", restart_ms=20)
    first = proc.pid
    proc.kill()
    wait_until(lambda: proc.pid != first and proc.alive(), 2, "a restart")
    proc.unsupervise()
    proc.kill()
    wait_until(lambda: not proc.alive(), 2, "the end")
    time.sleep(0.1)
    assert not proc.alive()
    proc.end()


def test_wall_clock_steps_for_one_process_only(lab):
    from ringlab import paths, ringkeep
    (lab.n1.dir / "wallclock").write_bytes(bytes(8))
    env = {"LD_PRELOAD": paths.tool("wallclock.so"), "LAB_WALLCLOCK": str(lab.n1.dir / "wallclock")}
    script = "import time\nwhile True:\n print(int(time.time()), int(time.monotonic()), flush=True)\n time.sleep(0.05)"
    proc = lab.n1.spawn("clock", "/usr/bin/python3", "-c", script, env=env)

    def last():
        lines = proc.log.read_text().splitlines()
        return [int(x) for x in lines[-1].split()] if lines else None
    wait_until(last, 3, "the clock")
    ringkeep.step_wall_clock(lab.n1, 3600)
    wait_until(lambda: abs(last()[0] - time.time() - 3600) < 3, 3, "the step")
    assert abs(last()[1] - time.monotonic()) < 3, "the monotonic clock must not move"
    proc.end()


def test_keepalived_killed_leaves_its_address_answering_from_two_nodes(lab):
    """The reference fault of the project, and the proof that the oracle finds a real double holder of a real daemon."""
    for node in lab.pbx_nodes:
        keepalived.configure(node, "0.05")
        keepalived.start(node)
    keepalived.wait_master(lab, lab.n1)
    with lab.probe(sip_us=0) as probe:
        probe.wait_answer_from(lab.n1)
        for pid in keepalived.pids(lab.n1):
            import os
            os.kill(pid, signal.SIGKILL)
        probe.wait_answer_from(lab.n2)
        time.sleep(0.3)
    for node in lab.pbx_nodes:
        node.procs.pop("keepalived").end()
    assert probe.record.holders_max() == 2


def test_corosync_of_two_nodes_and_an_intruder_in_its_groups(lab):
    from ringlab import corosync
    corosync.configure(lab)
    for node in lab.pbx_nodes:
        node.start_corosync()

    def members():
        return lab.n1.run("corosync-quorumtool", "-l").stdout.count(" n")
    wait_until(lambda: members() == 2, 15, lambda: lab.n1.corosync.log.read_text()[-2000:], 0.1)
    assert "Quorate:          Yes" in lab.n1.run("corosync-quorumtool", "-s").stdout
    assert lab.n1.check("/usr/bin/python3", LAB / "intruder" / "heartbeats.py", "ringkeep/lab", 0.2) == "0\n"
    lab.n2.corosync.kill()
    wait_until(lambda: members() == 1, 10, "the loss of n2", 0.1)
    for node in lab.pbx_nodes:
        node.procs.pop("corosync").end()


RECEIVE = ("import socket,sys; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', 5707)); s.settimeout(8)\n"
           "while True: print(s.recv(2000).hex(), flush=True)")
SEND = ("import socket,time; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "for i in range(20): s.sendto(b'pulse %d' % i, ('10.77.1.2', 5707)); time.sleep(0.05)")


def test_intruder_replays_and_forges_what_it_heard(lab):
    pulses, path = LAB / "intruder" / "pulses.py", lab.root / "pulses"
    receiver = lab.n2.spawn("receiver", "/usr/bin/python3", "-c", RECEIVE)
    wait_until(lambda: ":5707" in lab.n2.check("ss", "-uln"), 3, "the receiver")
    sender = lab.n1.spawn("sender", "/usr/bin/python3", "-c", SEND)
    caught = int(lab.hub.check("/usr/bin/python3", pulses, "capture", path, 1.5))
    sender.wait()

    def received():
        return receiver.log.read_text().split()
    original = received()
    assert 0 < caught <= len(original) == 20
    for how in ("replay", "forge", "garbage"):
        before = len(received())
        lab.hub.check("/usr/bin/python3", pulses, how, path)
        wait_until(lambda: len(received()) == before + caught, 2, lambda: f"{how}: {received()[before:]} of {caught}")
        new = received()[before:]
        assert (how == "replay") == set(new).issubset(original)
    for name in ("receiver", "sender"):
        (lab.n1 if name == "sender" else lab.n2).procs.pop(name).end()


def test_phones_register_and_are_called_through_a_real_kamailio(lab):
    give(lab.n1)
    lab.n1.start_pbx()
    with lab.probe() as probe:
        probe.wait_answer_from(None, kind="sip")
        assert lab.phones.register(20) == 20
        assert lab.phones.call_all(20) == 20
        lab.n1.pbx.kill_all()
        time.sleep(0.3)
        assert lab.phones.procs["uas"].alive()
    lab.n1.procs.pop("pbx").end()
    assert probe.record.sip_speakers() == {"n1"}
    assert probe.record.outages("sip")[-1].ended is False, "a dead PBX must not answer"


def test_phones_that_cannot_be_reached_are_counted(lab):
    """A registrar that knows nobody: no call succeeds, and that is seen."""
    give(lab.n1)
    lab.n1.start_pbx()
    with lab.probe() as probe:
        probe.wait_answer_from(None, kind="sip")
        assert lab.phones.call_all(3) == 0
    lab.n1.procs.pop("pbx").end()


def test_nothing_is_left_when_the_lab_ends():
    with Lab(witness=False) as lab:
        root, pids = lab.root, [m.pid for m in (*lab.nodes, lab.hub, lab.phones)]
        lab.n1.spawn("sleeper", "sleep", "1000")
        sleeper = lab.n1.procs["sleeper"].pid
    assert not root.exists()
    assert not any(pathlib.Path(f"/proc/{pid}").exists() for pid in [*pids, sleeper])


def test_lab_that_was_kept_can_be_taken_down(tmp_path):
    """KEEP=1 of the demo: the machines live without their maker, also through the next lab's sweep, until they are taken down."""
    from ringlab.lab import take_down_kept
    code = ("import os, sys; sys.path[:0] = [sys.argv[1]]\nimport demo\nfrom ringlab import Lab\nlab = Lab(keep=True)\ndemo.keep(lab)\n"
            "print(lab.root, lab.n1.pid, lab.hub.pid, flush=True)\nos._exit(0)")
    out = subprocess.run([sys.executable, "-c", code, str(LAB)], capture_output=True, text=True, check=True).stdout
    root, *pids = out.splitlines()[-1].split()
    assert f"--down {root}" in out
    with Lab(witness=False):
        assert pathlib.Path(root).exists() and all(pathlib.Path(f"/proc/{pid}").exists() for pid in pids)
    take_down_kept(root)
    wait_until(lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in pids), 3, "the machines to end")
    assert not pathlib.Path(root).exists()


def test_nothing_is_left_when_the_tester_is_killed(tmp_path):
    """kill -9 of the process that made the lab ends all machines; the directory is swept by the next lab."""
    code = ("import sys; sys.path.insert(0, sys.argv[1])\nfrom ringlab import Lab\nimport time\nlab = Lab(witness=False)\n"
            "print(lab.root, lab.n1.pid, lab.hub.pid, flush=True)\ntime.sleep(100)")
    child = subprocess.Popen([sys.executable, "-c", code, str(LAB)], stdout=subprocess.PIPE, text=True)
    root, *pids = child.stdout.readline().split()
    child.kill()
    child.wait()
    child.stdout.close()
    wait_until(lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in pids), 3, "the machines to end")
    assert pathlib.Path(root).exists()
    with Lab(witness=False):
        assert not pathlib.Path(root).exists()


def test_stall_of_the_machine_is_measured_and_excuses_how_fast(lab):
    since = now_ns()
    with pytest.raises(AssertionError) as quiet:
        with stalls.excused(since, 400):
            assert False, "too slow"
    assert not quiet.errisinstance(stalls.Spoiled)
    os.kill(stalls.meter().pid, signal.SIGSTOP)
    time.sleep(0.5)
    os.kill(stalls.meter().pid, signal.SIGCONT)
    wait_until(lambda: stalls.longest_ms(since) > 450, 5, lambda: f"the stall to be measured: {stalls.spans(since)}")
    with pytest.raises(stalls.Spoiled, match="stood still for .* ms meanwhile: too slow"):
        with stalls.excused(since, 400):
            assert False, "too slow"
    later = now_ns()
    assert stalls.longest_ms(later) < 450, "what was before is no excuse"


SPOILED_ONCE = '''
from ringlab import stalls
tries = []

def test_spoiled():
    tries.append(1)
    if len(tries) < {good}:
        raise stalls.Spoiled("the machine stood still")

def test_wrong():
    tries.clear()
    raise AssertionError("wrong")
'''


@pytest.mark.parametrize("good, said", [(stalls.TRIES, "1 failed, 1 passed"), (stalls.TRIES + 1, "2 failed")])
def test_spoiled_test_is_run_again_a_bounded_number_of_times(tmp_path, good, said):
    (tmp_path / "test_it.py").write_text(SPOILED_ONCE.format(good=good))
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "conftest", tmp_path / "test_it.py"], capture_output=True, text=True,
                          cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(LAB)}, timeout=60)
    assert said in done.stdout and done.stdout.count("was run again") == stalls.TRIES - 1, done.stdout


def test_machine_that_dies_while_the_lab_is_put_in_order(capsys):
    """As by its watchdog."""
    with Lab() as lab:
        lab.start_cluster()
        start, n1 = lab.n1.start_agent, lab.n1

        def dies():
            n1.start_agent = start
            n1.power_off()
            n1.check("true")
        n1.start_agent = dies
        n1.agent.end()
        lab.restore()
        assert all(node.up() for node in lab.nodes) and "n1 lost power" in capsys.readouterr().out
