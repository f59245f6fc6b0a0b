# SPDX-License-Identifier: GPL-2.0-or-later
"""What a cluster says of the shooting of a node."""
from . import ringkeep


def fence_json(by):
    seen = ringkeep.status(by)
    return seen["fencing"] if seen else {"nodes": [], "devices": []}


def fence_target(by, of):
    """What `by` says of the node; {} while it cannot be asked."""
    return next((n for n in fence_json(by)["nodes"] if n["node"] == of.name), {})


def fence_state(by, of):
    return fence_target(by, of).get("state")


def proved(node, but=()):
    """Every device that this node could shoot with, but those named, has said "on" of each of its living targets."""
    devices = fence_json(node)["devices"]
    return bool(devices) and all(t["proved"] for d in devices if d["device"] not in but for t in d["targets"])


def holds(node):
    seen = ringkeep.status(node)
    return bool(seen) and seen["groups"][0]["holder"] == node.name and seen["groups"][0]["state"] in ("holding", "taking-over")


def fence_history(node):
    """Texts of the records of fencing, oldest first."""
    return [r["text"] for r in node.hactl("fence", "history")["records"]]


def alarm_texts(node):
    seen = ringkeep.status(node)
    return [a["text"] for a in seen["alarms"]] if seen else []
