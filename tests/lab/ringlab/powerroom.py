# SPDX-License-Identifier: GPL-2.0-or-later
"""The real fence agents of a whole cluster: a rack on the first ring's network with a BMC of each node, one Redfish server for all, and a PDU whose outlets
2N-1 and 2N feed node N; and the configuration that uses them. What a device is ordered to do is done to the nodes of the lab."""
from . import bmc, pdu, redfish
from .bmc import Bmc
from .fencing import agents
from .pdu import Pdu
from .power import Rack, Supply
from .redfish import Redfish

RACK, PDU, REDFISH = "10.77.1.50", "10.77.1.60", "10.77.1.61"
SECTION = """fence-device {name} {{
    agent = "{agent}"
    parameters = {{ {parameters} }}
    password-file = "{password}"
    password-parameter = {password_parameter}
    off-timeout = {off_timeout}
    status-timeout = 10s
    monitor-interval = 5s
    retries = 0
{targets}
}}"""


class PowerRoom:
    def __init__(self, lab):
        self.lab = lab
        self.rack = Rack(lab.root)
        self.rack.plug_into(lab.hub, RACK)
        self.supplies = [Supply(node, on=node.power_on, feeds=2) for node in lab.pbx_nodes]
        for address in (PDU, REDFISH, *(self._bmc_address(node) for node in lab.pbx_nodes)):
            self.rack.check("ip", "addr", "add", f"{address}/24", "dev", "eth0")
        self.bmcs = {s.name: Bmc(self.rack, s, address=self._bmc_address(s.machine)) for s in self.supplies}
        self.pdu = Pdu(self.rack, [(s, feed) for s in self.supplies for feed in (0, 1)], address=PDU)
        self.redfish = Redfish(self.rack, self.supplies, address=REDFISH)
        self._cables = dict(self.pdu.cables)
        self._secrets = {"bmc": bmc.ADMIN_PASSWORD, "viewer": bmc.VIEWER_PASSWORD, "redfish": redfish.PASSWORD, "pdu": pdu.COMMUNITY}
        self.reset()

    @staticmethod
    def _bmc_address(node):
        return f"10.77.1.{50 + node.id}"

    # ---- passwords, read by the agents at every call

    def _password(self, name):
        return self.lab.root / f"{name}.secret"

    def set_password(self, name, text):
        self._password(name).touch(mode=0o600)
        self._password(name).write_text(text + "\n")

    # ---- configuration

    def _section(self, name, agent, parameters, password, plugs, password_parameter="password", off_timeout="20s"):
        quoted = ", ".join(f'"{key}={value}"' for key, value in parameters.items())
        targets = "\n".join(f"    target {node} {{ {f'plug = {plug}' if plug else ''} }}" for node, plug in plugs.items())
        return SECTION.format(name=name, agent=agent if "/" in agent else agents() / agent, parameters=quoted, password=self._password(password),
                              password_parameter=password_parameter, off_timeout=off_timeout, targets=targets)

    def _outlets(self, feeds):
        return {node.name: 2 * node.id - 1 + feeds for node in self.lab.pbx_nodes}

    def _sections(self, kind):
        """The devices of that kind: name -> section, and the names of those in the level of each node."""
        nodes = {node.name: node.id for node in self.lab.pbx_nodes}
        if kind == "bmc":
            return {f"bmc-{n}": self._section(f"bmc-{n}", "fence_ipmilan", self.bmcs[n].parameters(), "bmc", {n: ""}) for n in nodes}
        if kind == "viewer":  # an account that may look and not touch
            look = {"user": bmc.VIEWER, "privlvl": "user"}
            return {f"viewer-{n}": self._section(f"viewer-{n}", "fence_ipmilan", self.bmcs[n].parameters(**look), "viewer", {n: ""}) for n in nodes}
        if kind in ("redfish", "redfish-6s"):
            return {f"{kind}-{n}": self._section(f"{kind}-{n}", "fence_redfish", self.redfish.parameters(n), "redfish", {n: ""},
                                                 off_timeout="20s" if kind == "redfish" else "6s") for n in nodes}
        if kind == "missing":
            return {"missing": self._section("missing", "/usr/sbin/fence_nosuch", {"ip": RACK}, "pdu", nodes)}
        if kind == "no-outlet":  # under version 2c the agent takes an outlet that is not there for off
            return {"no-outlet": self._section("no-outlet", "fence_apc_snmp", self.pdu.parameters(snmp_version="2c"), "pdu",
                                               {name: 90 + number for name, number in nodes.items()}, "community")}
        feed = {"pdu-a": 0, "pdu-b": 1}[kind]
        return {kind: self._section(kind, "fence_apc_snmp", self.pdu.parameters(), "pdu", self._outlets(feed), "community")}

    def settings(self, *levels, more="", node_more="", policy="after"):
        """For Lab.configure(). levels: tuples of kinds, all of which have to say off."""
        sections, text = {}, dict.fromkeys((node.name for node in self.lab.pbx_nodes), node_more)
        for number, kinds in enumerate(levels, 1):
            for node in text:
                names = []
                for kind in kinds:
                    devices = self._sections(kind)
                    sections |= devices
                    names += [name for name in devices if name.endswith(f"-{node}") or len(devices) == 1]
                text[node] += f"\n    fence-level {number} {{ devices = {{ {', '.join(names)} }} }}"
        return {"fence_devices": "\n".join([*sections.values(), more]), "fence_levels": text, "group": f"damping-penalty = 0\n    fence = {policy}"}

    # ---- what became of it

    def shots(self, node):
        """Orders to take power from the node, carried out or not by what is behind the relay."""
        return [order for order in self._supply(node).orders if order[1] == "off"]

    def _supply(self, node):
        return next(s for s in self.supplies if s.machine is node)

    def reset(self):
        """Everything as new. Who was shot stays off; Lab.restore() starts it."""
        for name, secret in self._secrets.items():
            self.set_password(name, secret)
        for device in self.bmcs.values():
            device.fault = None
            if device.proc.alive():
                device.go_on()
            else:
                device.start()
        self.redfish.faults.clear()
        self.pdu.faults.clear()
        self.pdu.cables.update(self._cables)
        for outlet in self.pdu.relays:
            self.pdu.relays[outlet] = True
        for supply in self.supplies:
            supply.feeds = [True] * len(supply.feeds)
            supply.orders.clear()

    def close(self):
        self.rack.close()
