# SPDX-License-Identifier: GPL-2.0-or-later
"""The switches: one bridge per network, and everything that can go wrong with cables and switches."""
from .machine import Machine

LINKS = {"lan": 0, "ring0": 1, "ring1": 2}


class Hub(Machine):
    """Ports are called <node>e<link number>. Cuts are rules in one nftables bridge table that is replaced as a whole, atomically, so that any
    mixture of faults starts and ends at one instant. A silent cut keeps the carrier; only carrier() takes it away."""

    def boot(self):
        super().boot()
        for number in LINKS.values():
            bridge = f"br{number}"
            self.check("ip", "link", "add", bridge, "type", "bridge", "stp_state", "0", "forward_delay", "0", "mcast_snooping", "0")
            self.check("ip", "link", "set", bridge, "up")
        # A switch does not read IP. Linux's bridge does where this is on: it throws away packets with a broken header, and puts fragments together.
        for family in ("ip", "ip6"):
            self.run("sysctl", "-q", "-w", f"net.bridge.bridge-nf-call-{family}tables=0")
        self._rules = []

    def carrier(self, node, link, up):
        self.check("ip", "link", "set", f"{node.name}e{LINKS[link]}", "up" if up else "down")

    def cut(self, node, link=None, direction="both", match=""):
        """Silently drops the frames of a node: on one link or all, `out` of the node, `in` to it, or both; `match` narrows it in nft's words."""
        port = f"{node.name}e{LINKS[link]}" if link else f"{node.name}e*"
        if direction in ("out", "both"):
            self._rules.append(("port_in", f'iifname "{port}" {match} drop'))
        if direction in ("in", "both"):
            self._rules.append(("port_out", f'oifname "{port}" {match} drop'))
        self._apply()

    def lose(self, node, percent, link=None):
        """Random loss, both directions."""
        self.cut(node, link, match=f"numgen random mod 1000 < {round(percent * 10)}")

    def partition(self, *sets):
        """Nodes of different sets do not hear each other, on any link. The phones hear everybody. Sets may leave nodes out."""
        for one in sets:
            for other in sets:
                if one is not other:
                    for a in one:
                        for b in other:
                            self._rules.append(("between", f'iifname "{a.name}e*" oifname "{b.name}e*" drop'))
        self._apply()

    def partition_link(self, one, other, link=None, match=""):
        """Two nodes do not hear each other on one link (or on any, where `match` narrows it); the phones hear both."""
        for a, b in ((one, other), (other, one)):
            ports = [f"{n.name}e{LINKS[link]}" if link else f"{n.name}e*" for n in (a, b)]
            self._rules.append(("between", f'iifname "{ports[0]}" oifname "{ports[1]}" {match} drop'))
        self._apply()

    def one_way(self, sender, receiver):
        """What the sender sends does not arrive at the receiver; the other direction works."""
        self._rules.append(("between", f'iifname "{sender.name}e*" oifname "{receiver.name}e*" drop'))
        self._apply()

    def heal(self):
        self._rules = []
        self._apply()

    def _apply(self):
        hooks = {"port_in": ("prerouting", -300), "between": ("forward", 0), "port_out": ("postrouting", 300)}
        text = "table bridge lab\ndelete table bridge lab\n"
        if self._rules:
            text += "table bridge lab {\n"
            for chain, (hook, priority) in hooks.items():
                rules = "\n".join(rule for where, rule in self._rules if where == chain)
                text += f"chain {chain} {{ type filter hook {hook} priority {priority}; policy accept;\n{rules}\n}}\n"
            text += "}\n"
        self.check("nft", "-f", "-", input=text)
