# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults of the PBX and planned moves: the holder lives and hands over, so the outage is milliseconds."""
import socket
import threading
import time

from ringlab import ringkeep
from ringlab.machine import wait_until
from ringlab.netns import inside
from ringlab.phones import VIP
from ringlab.story import PHONES, Story

HANDOVER_MS = 150  # with the noise of this lab; `make bench` has the medians


def test_planned_switchover_under_calls(lab):
    held = lab.phones.call_in_background(PHONES, talk_ms=4000)
    with Story(lab, moves=1, outage_ms=HANDOVER_MS) as s:
        s.stays(1)
        s.mark()
        s.holder.hactl("switchover", "office", "--wait")
        s.wait_moved()
    assert s.history[0]["cause"] == "operator"
    assert held() == PHONES, "calls that were up must end normally"


def test_switchover_dry_run_moves_nothing(lab):
    with Story(lab, calls=False) as s:
        s.holder.hactl("switchover", "office", "--dry-run")
        s.stays(0.5)


def test_standby_moves_and_survives_a_restart_of_the_agent(lab):
    with Story(lab, moves=1, outage_ms=HANDOVER_MS) as s:
        s.holder.hactl("standby", s.holder.name)
        s.wait_moved()
    s.holder.agent.end()
    s.holder.start_agent()
    wait_until(lambda: ringkeep.status(s.holder), 5, "the agent")
    states = {n["name"]: n for n in ringkeep.status(s.holder)["nodes"]}
    assert states[s.holder.name]["standby"] is True
    s.holder.hactl("unstandby", s.holder.name)


def test_pause_stops_automatic_moves_and_resume_allows_them(lab):
    with Story(lab, moves=0, sip_outage_ms=4000, calls=False) as s:
        s.holder.hactl("pause")
        s.holder.pbx.kill_all()
        s.stays(2)
        s.holder.start_pbx()
        s.probe.wait_answer_from(None, kind="sip")
        # A holder that still takes its PBX for dead would rightly hand over at resume.
        wait_until(lambda: ringkeep.group(s.holder)["pbx"]["state"] == "healthy", 5, "the agent to know that its PBX is back")
        s.holder.hactl("resume")


def test_pbx_killed(lab):
    with Story(lab, moves=1, outage_ms=HANDOVER_MS) as s:
        s.holder.pbx.kill_all()
        s.wait_moved()
    assert s.history[0]["cause"] == "release"


def test_pbx_hung(lab):
    """OPTIONS every 500 ms, three missed: seen within 2 s; then a planned handover."""
    with Story(lab, moves=1, outage_ms=HANDOVER_MS, sip_outage_ms=2500 + HANDOVER_MS) as s:
        s.holder.pbx.stop_all()
        s.wait_moved()
        s.holder.pbx.kill_all()


class Storm:
    """Requests to the address from the phones' machine, more each second than a PBX that hangs would handle, and OPTIONS of the node's own agent are
    dropped: what a Kamailio shows that has more to do than it can."""
    RATE = 400

    def __init__(self, lab, node):
        self.node, self.rules = node, "ringlab_storm"
        with inside(f"/proc/{lab.phones.pid}/ns/net"):
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect((VIP, 5060))
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._send)

    def _send(self):
        number = 0
        while not self.over.is_set():
            number += 1
            host, port = self.socket.getsockname()
            self.socket.send((f"OPTIONS sip:storm@{VIP} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bKstorm{number}-{time.time_ns()}\r\nMax-Forwards: 70\r\n"
                              f"From: <sip:storm@{host}>;tag={number}\r\nTo: <sip:storm@{VIP}>\r\nCall-ID: storm{number}\r\nCSeq: 1 OPTIONS\r\n"
                              "Content-Length: 0\r\n\r\n").encode())
            time.sleep(1 / self.RATE)

    def __enter__(self):
        self.node.check("nft", f"table inet {self.rules} {{ chain in {{ type filter hook input priority 0; iif lo udp dport 5060 drop; }}; }}")
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.socket.close()
        self.node.check("nft", "delete", "table", "inet", self.rules)


def overload_alarms(node):
    return [a for a in ringkeep.status(node)["alarms"] if a["key"].startswith("overloaded/")]


def test_overloaded_pbx_is_an_alarm_and_moves_nothing(lab):
    with Story(lab, moves=0, calls=False) as s:
        with Storm(lab, s.holder):
            alarm = wait_until(lambda: overload_alarms(s.holder), 20, lambda: f"an alarm: {ringkeep.group(s.holder)['pbx']}")[0]
            assert alarm["key"] == "overloaded/office" and "the group stays where it is" in alarm["text"], alarm
            pbx = ringkeep.group(s.holder)["pbx"]
            assert pbx["overloaded"] is True and pbx["state"] == "healthy", pbx
            assert "overloaded" in s.holder.check(*ringkeep.hactl_command(s.holder), "status")
            s.stays(4)
            assert ringkeep.group(s.holder)["holder"] == s.holder.name
            assert not overload_alarms(s.standby), "the standby's PBX has nothing to do"
        wait_until(lambda: not overload_alarms(s.holder), 20, lambda: f"its end: {ringkeep.group(s.holder)['pbx']}")
        assert ringkeep.group(s.holder)["pbx"]["overloaded"] is False
    events = [r for r in s.holder.hactl("history")["records"] if r["type"] == "overloaded" and r["node"] == s.holder.name]
    assert len(events) == 1 and events[0]["group"] == "office", events


def test_standby_pbx_killed_moves_nothing(lab):
    with Story(lab) as s:
        s.standby.pbx.kill_all()
        s.stays(1)


def test_address_deleted_by_hand_comes_back(lab):
    """Within 100 ms, and counted."""
    with Story(lab, outage_ms=100 + 150) as s:
        s.holder.check("ip", "addr", "del", "10.77.0.100/32", "dev", "eth0")
        s.stays(1)
        assert "10.77.0.100/" in s.holder.check("ip", "addr", "show", "dev", "eth0")
        assert s.standby.check("ip", "addr", "show", "dev", "eth0").count("10.77.0.100/") == 1


def test_refusals_say_why(lab):
    """A switchover to a node that cannot: refused with a reason per node, nothing moves."""
    with Story(lab, calls=False) as s:
        s.standby.hactl("standby", s.standby.name)
        try:
            s.holder.hactl("switchover", "office", "--to", s.standby.name)
            raise AssertionError("the switchover was not refused")
        except ringkeep.Refused as refused:
            assert refused.code == 1
            assert any(n["node"] == s.standby.name and n["reason"] for n in refused.reply["nodes"]), refused.reply
        s.standby.hactl("unstandby", s.standby.name)
