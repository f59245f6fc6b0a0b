# SPDX-License-Identifier: GPL-2.0-or-later
"""What agents say, in the shapes of the control protocol: a healthy cluster and one in trouble."""
CANDIDATES = [
    {"node": "n1", "eligible": True, "reason": "chosen", "text": "best candidate: it should hold the group", "code": 1},
    {"node": "n2", "eligible": True, "reason": "not_incumbent",
     "text": "fit, but the present holder stays while it is healthy; hactl switchover moves the group", "code": 100},
]
NO_CANDIDATES = [
    {"node": "n1", "eligible": False, "reason": "pbx_dead", "text": "its PBX process is gone; start it and look at why it ended"},
    {"node": "n2", "eligible": False, "reason": "standby", "text": "an operator put it in standby; hactl unstandby lets it hold groups again"},
]


def ok(data):
    return [{"ok": True, "data": data}]


def refused(code, error, nodes=None):
    return [{"ok": False, "code": code, "error": error, **({"nodes": nodes} if nodes else {})}]


def node(name, number, state="up", **more):
    return {"name": name, "id": number, "state": state, "standby": False, "witness": False, **more}


def trunk(name, state, **more):
    return {"name": name, "carrier": name, "registration": "r", "contact": "address", "peers": ["203.0.113.10"], "state": state, "why": "",
            "withdrawn": False, "status": 0, "since_ms": 125000, "next_try_ms": -1, **more}


HEALTHY = {
    "cluster": "office", "version": "0.1.0", "node": "n1", "witness": False, "safety": "leased", "paused": False, "stopping": False,
    "safety_limit": "A paused virtual machine stops its clocks: on resume two gates can be open for at most the rest of one lease.",
    "corosync": True, "timing": {"pulse_ms": 100, "lease_ms": 800, "guard_ms": 112, "takeover_ms_max": 1071}, "loop_lag_ms": 0.2,
    "nodes": [
        node("n1", 1, quorate=True, config_equal=True, loop_lag_ms=0.2),
        node("n2", 2, last_heard_ms=34, hears_us=True, quorate=True, config_equal=True, loop_lag_ms=0.3),
        node("w1", 3, last_heard_ms=51, hears_us=True, witness=True),
    ],
    "links": [
        {"node": "n2", "link": "ring0", "up": True, "heard_ms": 34, "rtt_ms": 0.21, "send_errors": 0},
        {"node": "n2", "link": "ring1", "up": True, "heard_ms": 34, "rtt_ms": 0.25, "send_errors": 0},
        {"node": "w1", "link": "ring0", "up": True, "heard_ms": 51, "rtt_ms": 1.5, "send_errors": 0},
    ],
    "groups": [{
        "name": "office", "holder": "n1", "epoch": "42.1", "state": "holding", "gate": "open", "since": "2026-11-24T12:00:00Z",
        "since_ms": 7384000, "addresses": ["10.77.0.100", "fd77::100"], "device": "eth0",
        "pbx": {"state": "healthy", "why": "", "pid": 712, "calls": 3, "in_step": True, "adapter_ready": True},
        "bindings": 20, "majority": True, "operation": None, "candidates": CANDIDATES,
        "trunks": [trunk("itsp", "registered", carrier="acme", status=200), trunk("gsm", "ip-authenticated", since_ms=-1)],
    }],
    "watchdog": {"device": "/dev/watchdog", "state": "armed", "required": True, "timeout_ms": 10000, "identity": "i6300ESB timer", "nowayout": False,
                 "realtime": True, "card_reset": False, "counted": False, "fed": 9000, "why": ""},
    "uplinks": [], "alarms": [], "counters": {"standstills": 0},
}

TROUBLE = {
    **HEALTHY, "watchdog": {"device": "/dev/watchdog", "state": "no-device", "nowayout": False, "card_reset": True}, "paused": True, "safety_note": "with two voters nobody can take over when one dies: add a witness",
    "nodes": [
        node("n1", 1, quorate=True, loop_lag_ms=31.0),
        node("n2", 2, "unreachable", last_heard_ms=95000, hears_us=False, standby=True, quorate=False, config_equal=False),
        node("w1", 3, "never-seen", hears_us=False, witness=True),
    ],
    "links": [
        {"node": "n2", "link": "ring0", "up": False, "heard_ms": 95000, "rtt_ms": 0.2, "send_errors": 3},
        {"node": "w1", "link": "ring0", "up": False, "heard_ms": -1, "rtt_ms": 0.0, "send_errors": 0},
    ],
    "groups": [{
        **HEALTHY["groups"][0], "holder": None, "epoch": "", "state": "idle", "gate": "shut", "since": None, "since_ms": -1,
        "pbx": {"state": "dead", "why": "the process 712 ended", "pid": 0, "calls": -1, "in_step": False},
        "bindings": 1, "majority": False, "candidates": NO_CANDIDATES,
        "operation": {"id": "0100", "to": "n2", "state": "failed", "reason": "timeout"},
    }],
    "alarms": [
        {"key": "corosync", "text": "corosync is not connected: commands and registrations do not reach other nodes", "since_ms": 61000,
         "last_ms": 61000, "count": 1, "event": False},
        {"key": "auth/n2", "text": "pulses in the name of n2 fail authentication: a wrong key, or an attack", "since_ms": 90000,
         "last_ms": 1000, "count": 17, "event": True},
    ],
}

DRAINING = {
    **HEALTHY,
    "groups": [{**HEALTHY["groups"][0], "unseen_calls": {"calls": 5, "from": "n2", "age_ms": 120000, "left_ms": 1680000},
                "registrations": {"per_s": 2.4, "peak_per_s": 21, "since_takeover": 24}, "operation": {
        "id": "0100", "to": "n2", "state": "running", "reason": "", "text": "", "draining": {"calls": 3, "left_ms": 580000}}}],
}

HEARD = {"address": "10.77.0.9", "mac": "02:77:00:00:00:09", "ms": 85, "priority": 254}
ROGUE = {
    **HEALTHY,
    "groups": [{**HEALTHY["groups"][0], "trunks": [
        trunk("itsp", "failed", why="the carrier answered 503, with Retry-After 30 s", status=503, since_ms=9000, next_try_ms=21000),
        trunk("gsm", "rejected", why="the carrier answered 403", status=403, next_try_ms=175000),
        trunk("old", "unregistered", withdrawn=True, why="")], "vrrp": {
        "mode": "announce", "vrid": 77, "version": 3, "priority": 200, "advert_ms": 1000, "state": "advertising",
        "promise": "the lease decides; advertisements of others are reported and never obeyed",
        "heard": HEARD, "rogue": {"address": "10.77.0.9", "mac": "02:77:00:00:00:09", "ms": 85}}}],
}
FENCED = {
    **HEALTHY, "timing": {"pulse_ms": 100, "lease_ms": 800, "guard_ms": 112}, "safety": "fenced", "safety_note": "never two holders, as long as no fence device says \"off\" of a node that has power",
    "nodes": [HEALTHY["nodes"][0], node("n2", 2, "unreachable", last_heard_ms=9000, hears_us=True)],
    "fencing": {
        "nodes": [{"node": "n2", "state": "fenced", "text": "is proved off", "levels": 2, "since_ms": 4000, "shooter": "n1", "level": 2},
                  {"node": "n3", "state": "clean", "text": "is there, or has said goodbye", "levels": 1}],
        "devices": [{"device": "bmc", "targets": [{"node": "n2", "proved": True, "failing": False}]}]},
}
NATIVE = {
    key: value for key, value in {
        **HEALTHY, "safety": "best-effort", "safety_note": "VRRP decides (mode native): two holders are possible", "corosync": False,
        "nodes": [node("n1", 1, config_equal=True)], "links": [],
        "groups": [{
            **HEALTHY["groups"][0], "holder": "10.77.0.9", "epoch": "", "state": "standby", "gate": "shut", "since": None, "since_ms": -1,
            "majority": None, "candidates": [], "vrrp": {
                "mode": "native", "vrid": 77, "version": 3, "priority": 100, "advert_ms": 100, "state": "initialize", "fault": "pbx_dead",
                "down_ms": 360, "promise": "VRRP decides, not a lease", "heard": HEARD, "rogue": None}}],
    }.items() if key not in ("timing", "safety_limit")}

WHY = {**HEALTHY["groups"][0], "rule": 120, "decision": "lease held and PBX healthy: keep", "node": "n1"}

GATE = {
    "groups": [{"group": "office", "addresses": ["10.77.0.100", "fd77::100"], "open": True, "open_for_ms": 731, "drops_in": 12, "drops_out": 0}],
    "peers": [{"peer": "203.0.113.10", "groups": ["office", "branch"], "open": True, "drops_out": 0},
              {"peer": "198.51.100.16/28", "groups": ["branch"], "open": False, "drops_out": 7}],
    "interfaces": [{"interface": "eth0", "gate": True, "error": ""}, {"interface": "eth1", "gate": False, "error": "Operation not permitted"}],
    "guard": {"up": True, "allowed": 2, "losses": 0},
}

HISTORY = {"records": [
    {"time": "2026-11-24T12:00:00.123Z", "node": "n1", "node_id": 1, "number": 1, "type": "takeover", "group": "office", "epoch": "41.1",
     "cause": "vacant", "ok": True, "asked_to_won_ms": 2.1, "won_to_announced_ms": 0.4, "won_to_awake_ms": 12.0, "won_to_verified_ms": 30.25},
    {"time": "2026-11-24T12:30:00.000Z", "node": "n2", "node_id": 2, "number": 1, "type": "command", "group": "office", "peer": "n2",
     "command": "switchover", "operation": "0200000000000001", "ok": True, "who": "alice", "from": "n2", "why": "kernel upgrade"},
    {"time": "2026-11-24T12:30:00.001Z", "node": "n1", "node_id": 1, "number": 2, "type": "letgo", "group": "office", "epoch": "41.1",
     "peer": "n2", "cause": "operator", "ok": True},
    {"time": "2026-11-24T12:30:00.004Z", "node": "n2", "node_id": 2, "number": 2, "type": "takeover", "group": "office", "epoch": "42.2",
     "peer": "n1", "cause": "release", "ok": True, "asked_to_won_ms": 0.8, "won_to_announced_ms": 0.3},
    {"time": "2026-11-24T12:40:00.000Z", "node": "n1", "node_id": 1, "number": 3, "type": "takeover-begun", "group": "office", "epoch": "43.1",
     "peer": "n2", "cause": "lease_expired", "asked_to_won_ms": 0.9, "interrupted": True},
    {"time": "2026-11-24T12:41:00.000Z", "node": "n2", "node_id": 2, "number": 3, "type": "takeover-seen", "group": "office", "about": "n1",
     "epoch": "45.1"},
    {"time": "2026-11-24T13:00:00.000Z", "node": "n2", "node_id": 2, "number": 4, "type": "alarm", "text": "the gate on eth0 was removed; repaired"},
]}

REGISTRATIONS = {"groups": [{"group": "office", "bindings": [
    {"aor": "sip:100@office", "contact": "sip:100@10.77.0.200:5100", "received": "", "socket": "", "user_agent": "Yealink", "expires_s": 3541},
    {"aor": "sip:1001@office", "contact": "sip:1001@10.77.0.200:5101", "received": "", "socket": "", "user_agent": "Snom"},
]}]}

DIFF = {"groups": [{"group": "office", "holder": "n1", "equal": False, "nodes": [
    {"node": "n1", "known": True, "bindings": 20, "equal": True, "pbx_in_step": True},
    {"node": "n2", "known": True, "bindings": 19, "equal": False, "pbx_in_step": False},
]}]}


def _uplink(name, **changes):
    return {"name": name, "isp": name, "family": "ipv4", "device": "wan1", "gateway": "198.51.100.1", "state": "standby", "class": "good", "why": "probes",
            "since_ms": 3720000, "mos": 4.36, "calls_mos": None, "loss_percent": 0.0, "delay_ms": 6.2, "jitter_ms": 0.4, "public_address": "198.51.100.1",
            "damped": False, "doubted": False, "pinned": False, "metered": False, "cost": 0, "preference": 100,
            "targets": [{"name": "itsp", "kind": "sip", "address": "203.0.113.10", "operator": "itsp", "state": "up", "suspect": False, "rtt_ms": 12.4,
                         "loss_percent": 0.0, "answered_total": 18600, "lost_total": 2}]} | changes


UPLINKS = {
    "uplinks": [_uplink("isp1", **{"class": "bad", "why": "silent", "since_ms": 4100, "mos": 1.0, "loss_percent": 100.0, "delay_ms": None, "jitter_ms": None,
                                   "damped": True, "not_taken": "too bad for speech"}),
                _uplink("isp2", state="in-use", pinned=True, delay_ms=21.0, not_taken=None),
                _uplink("lte", state="missing", **{"class": "none", "why": "no-carrier", "mos": None, "not_taken": "nothing can leave there"})],
    "voice": [{"family": "ipv4", "uplink": "isp2", "since_ms": 3000, "rule": "R512", "why": "an operator wants this uplink: nothing is automatic; hactl uplink "
               "auto ends this", "action": "stay", "switches": 1, "calls": 3, "draining": None, "pinned": "isp2", "last_switch": None}],
}
WITH_UPLINKS = {**HEALTHY, **UPLINKS, "nodes": [n | {"uplinks": [{"isp": "isp1", "name": "isp1", "family": "ipv4", "class": "bad", "in_use": False, "age_ms": 4100},
                                                                 {"isp": "isp2", "name": None, "family": None, "class": "good", "in_use": True, "age_ms": 3720000}]} if not n.get("witness") else n
                                                for n in HEALTHY["nodes"]]}
WHY_WITH_UPLINKS = {**WHY, **UPLINKS}
UPLINK_HISTORY = {"records": [
    {"time": "2026-11-24T12:00:00.123Z", "node": "n1", "node_id": 1, "number": 7, "type": "uplink", "text": "alice wants voice over isp2"},
    {"time": "2026-11-24T12:00:02.200Z", "node": "n1", "node_id": 1, "number": 8, "type": "uplink-switch", "text": "ipv4: voice moved from isp1 to isp2"}]}
SWITCHING = {**UPLINKS, "voice": [{**UPLINKS["voice"][0], "rule": "R500", "why": "a switch is being carried out: wait for its end", "last_switch": {
    "from": "isp2", "to": "isp1", "rule": 510, "why": "an operator wants this uplink: switch", "running": True,
    "pending": {"undoing": False, "waits_for": ["trunks", "flows"], "verified_in_ms_min": 1600, "ended_in_ms_max": 9000}}}]}
UNDOING = {**UPLINKS, "voice": [{**SWITCHING["voice"][0], "last_switch": {**SWITCHING["voice"][0]["last_switch"], "pending": {
    "undoing": True, "waits_for": ["PBX"], "verified_in_ms_min": None, "ended_in_ms_max": 4000}}}]}
NOT_ORDERED = {**UPLINKS, "note": "No uplink was ordered by hand: nothing changes."}


def group_of(data, **changes):
    return {**data, "groups": [{**g, **changes} for g in data["groups"]]}


def on_standby(data):
    """The same cluster, seen from the node that does not hold: its PBX is not in step, the other line of the holder is silent."""
    seen = group_of(data, gate="shut", state="standby", pbx={**data["groups"][0]["pbx"], "state": "starting", "calls": 0, "in_step": False})
    nodes = [{**n, "standby": n["name"] == "n2"} for n in data["nodes"]]
    links = [{**l, "node": "n1", "up": l["link"] == "ring0"} for l in data["links"][:2]]
    return {**seen, "node": "n2", "nodes": nodes, "links": links}


WITNESS = {**group_of(HEALTHY, gate="none", pbx={"state": "none"}, candidates=[], trunks=[]), "node": "w1", "witness": True, "links": HEALTHY["links"][:2]}
VOICE_SILENT = {**HEALTHY, "uplinks": [{**UPLINKS["uplinks"][0], "state": "in-use"}, _uplink("isp2", **{"class": "degraded", "mos": 3.2})], "voice": [
    {"family": "ipv4", "uplink": "isp1", "why": ""}, {"family": "ipv6", "uplink": "", "why": ""}]}
