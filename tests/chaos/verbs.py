# SPDX-License-Identifier: GPL-2.0-or-later
"""What can go wrong: each verb does one thing to the lab, now, and says what it did. What has to be undone, it plans.

A verb gets the campaign (chaos.py) and draws from campaign.random only, so that a seed draws the same faults as long as the cluster answers in
the same order. None of them waits."""
import signal

from ringlab import ringkeep, switch
from ringlab.probe import now_ns

VERBS = []


def verb(weight):
    def add(function):
        VERBS.append((weight, function))
        return function
    return add


def kinds(random):
    """What may go wrong in one round. Few kinds at once reach further than all of them evenly: what one kind undoes does not spoil the others."""
    if random.random() < 0.3:
        return VERBS
    some = []
    for _ in range(random.randint(2, 6)):
        rest = [v for v in VERBS if v not in some]
        some += random.choices(rest, [weight for weight, _ in rest])
    return some


def draw(random, kinds_of_round):
    return random.choices([f for _, f in kinds_of_round], [w for w, _ in kinds_of_round])[0]


# ---- cables and switches; heal() takes all cuts away ----

@verb(4)
def cut_off(c):
    node = c.any_node()
    link = c.random.choice([None, None, "lan", "ring0", "ring1"])
    direction = c.random.choice(["both", "both", "in", "out"])
    c.lab.hub.cut(node, link, direction)
    return f"{node.name} is cut off silently ({link or 'all links'}, {direction})"


@verb(4)
def partition(c):
    nodes = c.random.sample(c.lab.nodes, len(c.lab.nodes))
    at = c.random.randint(1, len(nodes) - 1)
    c.lab.hub.partition(nodes[:at], nodes[at:])
    return f"partition {names(nodes[:at])} | {names(nodes[at:])}"


@verb(5)
def pair_cut(c):
    a, b = c.random.sample(c.random.choice([c.lab.nodes, c.lab.pbx_nodes]), 2)
    if c.random.random() < 0.4:
        c.lab.hub.one_way(a, b)
        return f"{b.name} hears nothing of {a.name}"
    c.lab.hub.partition([a], [b])
    return f"{a.name} and {b.name} do not hear each other"


@verb(2)
def random_loss(c):
    node, percent = c.any_node(), c.random.choice([2, 10, 30, 60])
    c.lab.hub.lose(node, percent)
    return f"{node.name} loses {percent} % of its frames"


@verb(4)
def heal(c):
    c.lab.hub.heal()
    return "all cuts heal"


@verb(3)
def carrier(c):
    node, link = c.any_node(), c.random.choice(["lan", "ring0", "ring1"])
    if not node.up():
        return None
    c.lab.hub.carrier(node, link, False)
    c.later(c.seconds(0.05, 4), f"{node.name} {link} has a carrier again", lambda: node.up() and c.lab.hub.carrier(node, link, True))
    return f"{node.name} {link} loses its carrier"


# ---- machines ----

@verb(2)
def power_off(c):
    node = c.any_node()
    if not node.up():
        return None
    c.cut_power(node)
    c.planned_power_on(node, c.seconds(0.2, 6))
    return f"{node.name} loses its power"


@verb(2)
def freeze(c):
    node = c.any_node()
    if not node.up():
        return None
    node.freeze()
    end = c.seconds(0.1, 5)
    c.must_be_silent(node, end)
    c.later(end, f"{node.name} thaws", lambda: c.may_speak(node) or (node.up() and node.thaw()))
    return f"{node.name} freezes"


# ---- the agent ----

@verb(5)
def agent_killed(c):
    node = c.any_node()
    if not c.runs(node, "agent"):
        return None
    node.agent.kill()
    end = c.restart_seconds()
    c.must_be_silent(node, end)
    c.planned_start(node, "agent", end)
    return f"kill -9 of the agent of {node.name}"


@verb(2)
def agent_stopped(c):
    node = c.any_node()
    if not c.runs(node, "agent"):
        return None
    node.agent.stop()
    end = c.seconds(0.1, 4)
    c.must_be_silent(node, end)
    c.later(end, f"the agent of {node.name} goes on", lambda: c.may_speak(node) or (c.runs(node, "agent") and node.agent.cont()))
    return f"the agent of {node.name} hangs"


@verb(2)
def agent_ended(c):
    node = c.any_node()
    if not c.runs(node, "agent"):
        return None
    number = c.random.choice([signal.SIGTERM, signal.SIGUSR1])
    c.may_speak(node)
    node.agent.send(signal.SIGCONT)
    node.agent.send(number)
    c.planned_start(node, "agent", c.restart_seconds())
    return f"the agent of {node.name} is {'stopped' if number == signal.SIGTERM else 'upgraded'}"


@verb(3)
def upgraded_everywhere(c):
    nodes = [n for n in c.random.sample(c.lab.nodes, len(c.lab.nodes)) if c.works(n)]
    for node in nodes:
        node.agent.send(signal.SIGUSR1)
        c.planned_start(node, "agent", 0.1)
    return f"the agents of {names(nodes)} are upgraded at once" if nodes else None


@verb(2)
def reload(c):
    s = c.lab.settings
    after_s = c.random.choice([1, 60, 300])
    s.group = f"{c.group}\n    failback-after = {after_s}s"
    s.failback = c.random.choice(["manual", "auto", "idle"])
    for node in c.lab.nodes:
        node.conf.write_text(ringkeep.configuration(c.lab, c.lab.keys))
        read_again(c, node)
    return f"all read their configuration again: failback {s.failback} after {after_s} s"


def read_again(c, node):
    """A program that has not come to its first line yet will read its configuration anyway, and would die of the signal."""
    if c.runs(node, "agent") and node.agent.blocks(signal.SIGHUP):
        node.agent.send(signal.SIGHUP)


@verb(1)
def bad_reload(c):
    node = c.any_node()
    if not c.runs(node, "agent") or not node.agent.blocks(signal.SIGHUP):
        return None
    good = node.conf.read_text()
    node.conf.write_text(c.random.choice(["", good[: len(good) // 2], good.replace("id = 1", "id = 3"), "\0\xff{{{\n" + good]))
    node.agent.send(signal.SIGHUP)
    c.later(0.3, f"{node.name} has its configuration back", lambda: node.conf.write_text(ringkeep.configuration(c.lab, c.lab.keys)))
    return f"{node.name} reads a broken configuration"


# ---- what it stands on ----

@verb(2)
def pbx_killed(c):
    node = c.any_pbx_node()
    if not c.runs(node, "pbx"):
        return None
    node.pbx.kill_all()
    c.planned_start(node, "pbx", c.seconds(0.2, 4))
    return f"kill -9 of the PBX of {node.name}"


@verb(1)
def pbx_hung(c):
    node = c.any_pbx_node()
    if not c.runs(node, "pbx"):
        return None
    node.pbx.stop_all()
    c.later(c.seconds(0.5, 4), f"the PBX of {node.name} goes on", lambda: c.runs(node, "pbx") and node.pbx.send_all(signal.SIGCONT))
    return f"the PBX of {node.name} hangs"


@verb(2)
def corosync_killed(c):
    node = c.any_pbx_node()
    if not c.runs(node, "corosync"):
        return None
    node.corosync.kill()
    c.planned_start(node, "corosync", c.seconds(0.2, 4))
    return f"kill -9 of corosync on {node.name}"


@verb(1)
def corosync_hung(c):
    node = c.any_pbx_node()
    if not c.runs(node, "corosync"):
        return None
    node.corosync.stop()
    c.later(c.seconds(0.2, 4), f"corosync on {node.name} goes on", lambda: c.runs(node, "corosync") and node.corosync.cont())
    return f"corosync on {node.name} hangs"


# ---- power ----

@verb(2)
def switch_broken(c):
    what = c.random.choice(["refuses", "hangs"])
    c.switch.fault(what)
    c.later(c.seconds(1, 8), "the power switch works again", c.switch.fault)
    return f"the power switch {what}"


@verb(3)
def switch_lies(c):
    """Of two nodes, whose proof is what the device says, none says "off" of a machine that lives: that makes two holders (docs/FAILURE-MODEL.md)."""
    what = c.random.choice(["says-on", "crossed"] + (["says-off", "inverted"] if c.lab.witnesses else []))
    c.crossed |= what == "crossed"
    c.switch.fault(what)
    c.later(c.seconds(1, 12), "the power switch says the truth again", c.switch.fault)
    return f"the power switch lies: {what}"


@verb(1)
def fence_devices_changed(c):
    """Which devices and levels there are is read at the start only: a reload says so and changes nothing, a restart of all agents takes it."""
    levels = c.random.choice(sorted(switch.LEVELS))
    s = c.fence_settings(levels)
    c.lab.settings.fence_devices, c.lab.settings.fence_levels = s["fence_devices"], s["fence_levels"]
    for node in c.lab.nodes:
        node.conf.write_text(ringkeep.configuration(c.lab, c.lab.keys))
        read_again(c, node)
    for node in (n for n in c.lab.nodes if c.runs(n, "agent")):
        after = c.seconds(0.1, 1)
        c.later(after, f"the agent of {node.name} is restarted for its fence devices", lambda node=node: restart(c, node))
    return f"all read of other fence devices: {levels}"


def restart(c, node):
    if not c.runs(node, "agent"):
        return
    c.may_speak(node)
    node.agent.send(signal.SIGCONT)
    node.agent.send(signal.SIGUSR1)
    c.planned_start(node, "agent", 0.05)


@verb(1)
def fenced_by_hand(c):
    return order(c, "fence", c.any_pbx_node().name, "--reason", "chaos")


@verb(1)
def confirmed_by_hand(c):
    """An operator who looks first: only of a node that has no power."""
    off = [n for n in c.lab.pbx_nodes if not n.up()]
    return order(c, "fence", "confirm", off[0].name, "--reason", "chaos") if off else None


# ---- hands that should not be there ----

@verb(2)
def kernel_meddled(c):
    node = c.any_pbx_node()
    if not c.works(node):
        return None
    c.meddled.append((node.name, now_ns()))
    what = c.random.choice([["ip", "addr", "del", "10.77.0.100/32", "dev", "eth0"], ["ip", "-6", "addr", "del", "fd77::100/128", "dev", "eth0"],
                            ["nft", "flush", "ruleset"], ["tc", "filter", "del", "dev", "eth0", c.random.choice(["ingress", "egress"])],
                            ["tc", "qdisc", "del", "dev", "eth0", "clsact"]])
    c.background(node, *what)
    return f"{node.name}: {' '.join(what)}"


# ---- the operator ----

def order(c, *words):
    """Given and not waited for: the cluster may be in no state to answer."""
    node = c.any_node()
    if not c.runs(node, "agent"):
        return None
    c.background(node, *ringkeep.hactl_command(node), *words)
    return f"operator at {node.name}: {' '.join(words)}"


@verb(5)
def switchover(c):
    more = c.random.choice([[], [], ["--to", c.any_pbx_node().name], ["--drain=2s"], ["--dry-run"]])
    return order(c, "switchover", "office", *more)


@verb(1)
def failover(c):
    return order(c, "failover", "office", "--force")


@verb(1)
def cancel(c):
    return order(c, "cancel", "office")


@verb(2)
def standby(c):
    return order(c, c.random.choice(["standby", "unstandby", "unstandby"]), c.any_pbx_node().name)


@verb(2)
def pause(c):
    return order(c, c.random.choice(["pause", "resume", "resume"]))


def names(nodes):
    return "+".join(n.name for n in nodes)
