# SPDX-License-Identifier: GPL-2.0-or-later
"""A BMC with IPMI over LAN: OpenIPMI's ipmi_sim, whose chassis is a machine of the lab.

fault, one of
    lie-off    says "off" while the machine runs; an order to power off does nothing
    lie-on     says "on", always
    noop       takes the order to power off and does nothing; what it says is true
    fail       orders and questions are errors
    ("slow", S)   needs S seconds for everything; it is one thread, so it is deaf meanwhile
    ("delay", S)  takes the order to power off at once and carries it out S seconds later
hang() and die() are the whole BMC's: silence, and a port that nobody listens on."""
import subprocess
import threading
import time

from .machine import wait_until

ADMIN, ADMIN_PASSWORD = "admin", "s3cret-bmc"
VIEWER, VIEWER_PASSWORD = "viewer", "look-only"

LAN = """name "{name}"
set_working_mc 0x20
  startlan 1
    addr {address} {port}
    priv_limit admin
    allowed_auths_callback md5
    allowed_auths_user md5
    allowed_auths_operator md5
    allowed_auths_admin md5
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "{chassis}"
  user 1 false "" "" user 10 md5
  user 2 true "{ADMIN}" "{ADMIN_PASSWORD}" admin 10 md5
  user 3 true "{VIEWER}" "{VIEWER_PASSWORD}" user 10 md5
"""
EMULATION = "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02\nsel_enable 0x20 1000 0x0a\nmc_enable 0x20\n"


class Bmc:
    def __init__(self, rack, supply, address="127.0.0.1", port=623):
        self.rack, self.supply, self.address, self.port = rack, supply, address, port
        self.name = f"bmc-{supply.name}"
        self.fault = None
        self.log = []  # (monotonic time, words of the order)
        self._timers = []
        rack.things[self.name] = self._chassis
        rack.devices.append(self)
        directory = rack.dir / self.name
        directory.mkdir()
        chassis = " ".join(map(str, rack.command(self.name)))
        (directory / "lan.conf").write_text(LAN.format(name=self.name, address=address, port=port, chassis=chassis, **globals()))
        (directory / "emu").write_text(EMULATION)
        self._dir = directory
        self.start()

    def start(self):
        d = self._dir
        self.proc = self.rack.spawn(self.name, "ipmi_sim", "-c", d / "lan.conf", "-f", d / "emu", "-s", d, "-p", "-n")
        listens = ["ss", "-Hlun", f"sport = :{self.port}"]
        wait_until(lambda: self.address in self.rack.check(*listens), 10, f"{self.name} to listen", 0.02)

    # What ipmi_sim asks: "get power", "set power 0", "set reset 1", several pairs at once.
    def _chassis(self, words, stream):
        self.log.append((time.monotonic(), " ".join(words)))
        kind, amount = self.fault if isinstance(self.fault, tuple) else (self.fault, 0)
        if kind == "slow":
            time.sleep(amount)
        if kind == "fail":
            answer = "error: injected\n"
        elif words[0] == "get":
            answer = "".join(f"{what}:{self._value(what, kind)}\n" for what in words[1:])
        else:
            for what, value in zip(words[1::2], words[2::2]):
                self._order(what, value, kind, amount)
            answer = ""
        stream.wfile.write(answer.encode())

    def _value(self, what, kind):
        if what != "power":
            return "default"
        return {"lie-off": 0, "lie-on": 1}.get(kind, int(self.supply.running()))

    def _order(self, what, value, kind, amount):
        if (what, value) == ("power", "0"):
            if kind == "delay":
                self._timers.append(threading.Timer(amount, self.supply.switch, (False,)))
                self._timers[-1].start()
            elif kind not in ("lie-off", "noop"):
                self.supply.switch(False)
        elif (what, value) == ("power", "1"):
            self.supply.switch(True)
        elif (what, value) == ("reset", "1"):
            self.supply.reset()

    def hang(self):
        self.proc.stop()

    def go_on(self):
        self.proc.cont()

    def die(self):
        self.proc.end(9)

    def parameters(self, user=ADMIN, **more):
        """For fence_ipmilan. ipmi_sim takes cipher 3 only, and does not answer a question for its ciphers."""
        return {"ip": self.address, "ipport": self.port, "username": user, "lanplus": 1, "cipher": 3, "power_wait": 0, "power_timeout": 6,
                "ipmitool_timeout": 1, **more}

    def close(self):
        for timer in self._timers:
            timer.cancel()
        if self.proc.alive():
            self.proc.end(9)
