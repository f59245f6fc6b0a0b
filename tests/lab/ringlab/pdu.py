# SPDX-License-Identifier: GPL-2.0-or-later
"""A switched PDU: net-snmp's snmpd, with an APC rPDU behind pass_persist. Outlet N, counted from 1, feeds one supply of a machine. A PDU knows its relays
and nothing of the machine behind them.

faults, for each outlet: "stuck" (the order is taken and the relay stays), "lie" (says off, and the relay stays). swap(a, b) crosses two cables.
An outlet beyond the last does not exist."""
from .machine import wait_until

COMMUNITY = "s3cret-community"
APC_RPDU = ".1.3.6.1.4.1.318.1.3.4.5"
TREE = ".1.3.6.1.4.1.318.1.1.12.3"
NAME, STATUS, COMMAND = "5.1.1.2", "5.1.1.4", "3.1.1.4"

CONF = """agentAddress udp:{address}:{port}
rwcommunity {community}
sysObjectID {oid}
pass_persist {tree} {command}
"""
MODULES = "sysORTable,sysUpTime,system_mib,override,pass_persist,vacm_conf,usmConf,snmpEngine"


class Pdu:
    def __init__(self, rack, outlets, address="127.0.0.1", port=161, name="pdu"):
        """outlets: [(supply, feed)]: what each one feeds, from outlet 1 on; None is an outlet with nothing in it."""
        self.rack, self.name, self.address, self.port = rack, name, address, port
        self.cables = dict(enumerate(outlets, 1))
        self.relays = {outlet: True for outlet in self.cables}
        self.faults = {}
        rack.things[name] = self._serve
        rack.devices.append(self)
        directory = rack.dir / name
        directory.mkdir()
        (directory / "snmpd.conf").write_text(CONF.format(
            address=address, port=port, community=COMMUNITY, oid=APC_RPDU, tree=TREE, command=" ".join(map(str, rack.command(name)))))
        env = {"SNMP_PERSISTENT_DIR": str(directory), "MIBS": ""}
        self.proc = rack.spawn(name, "/usr/sbin/snmpd", "-f", "-C", "-c", directory / "snmpd.conf", "-Lo", "-I", MODULES, env=env)
        wait_until(lambda: address in rack.check("ss", "-Hlun", f"sport = :{port}"), 10, f"{name} to listen", 0.02)

    def swap(self, a, b):
        self.cables[a], self.cables[b] = self.cables[b], self.cables[a]

    def hang(self):
        self.proc.stop()

    def go_on(self):
        self.proc.cont()

    # ---- net-snmp's pass_persist protocol

    def _serve(self, words, stream):
        """snmpd keeps one process for good: this runs until it ends. After a set it sends an empty line, which means nothing."""
        def line():
            return stream.rfile.readline().decode(errors="replace")
        while (text := line()):
            command = text.strip()
            if command == "PING":
                answer = "PONG\n"
            elif command in ("get", "getnext"):
                answer = self._get(line().strip(), command == "getnext")
            elif command == "set":
                answer = self._set(line().strip(), line().split())
            elif command:
                answer = "NONE\n"
            else:
                continue
            stream.wfile.write(answer.encode())

    def _objects(self):
        return sorted(((column, outlet) for column in (COMMAND, NAME, STATUS) for outlet in self.cables),
                      key=lambda o: ([int(n) for n in o[0].split(".")], o[1]))

    @staticmethod
    def _key(oid):
        return [int(n) for n in oid.strip(".").split(".")]

    def _get(self, oid, following):
        for column, outlet in self._objects():
            here = f"{TREE}.{column}.{outlet}"
            if (self._key(here) > self._key(oid)) if following else (here == oid):
                kind, value = ("string", f"outlet{outlet}") if column == NAME else ("integer", 1 if self._says_on(outlet) else 2)
                return f"{here}\n{kind}\n{value}\n"
        return "NONE\n"

    def _says_on(self, outlet):
        return self.relays[outlet] and self.faults.get(outlet) != "lie"

    def _set(self, oid, value):
        outlet = int(oid.rsplit(".", 1)[1])
        if outlet not in self.cables or oid != f"{TREE}.{COMMAND}.{outlet}":
            return "not-writable\n"
        if outlet not in self.faults:
            on = value[1] == "1"
            self.relays[outlet] = on
            if self.cables[outlet]:
                supply, feed = self.cables[outlet]
                supply.switch(on, feed)
        return "DONE\n"

    def parameters(self, **more):
        """For fence_apc_snmp. Version 1: under 2c an outlet that does not exist reads as off."""
        return {"ip": self.address, "ipport": self.port, "snmp_version": 1, "power_wait": 0, "power_timeout": 4, **more}

    def close(self):
        if self.proc.alive():
            self.proc.end(9)
