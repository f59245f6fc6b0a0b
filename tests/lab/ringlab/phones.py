# SPDX-License-Identifier: GPL-2.0-or-later
"""The phones: one namespace with SIPp as many telephones. They register once and then wait to be called."""
import csv
import subprocess

from .machine import Machine, wait_until
from .paths import LAB, tool

VIP, OWN, PHONE_PORT, CALLER_PORT = "10.77.0.100", "10.77.0.200", 5080, 5082
SCENARIOS = LAB / "phones"


def user(i):
    return str(1000 + i)


def credentials(i):
    """SIPp takes digest credentials only as a whole keyword, so that is what the injected field holds."""
    return f"[authentication username={user(i)} password=pw{user(i)}]"


class Phones(Machine):
    """Every phone has its contact at OWN:PHONE_PORT, where one SIPp answers for all of them."""

    def register(self, n, expires_s=3600, rate=200):
        """Registers n phones with digest, from the port where they answer; returns how many were accepted."""
        if "uas" in self.procs:
            self.procs.pop("uas").end()
        rows = [(user(i), expires_s, credentials(i)) for i in range(1, n + 1)]
        return self._sipp("register", "register.xml", rows, PHONE_PORT, n, rate)

    def answer(self):
        """Starts the phones' side that answers INVITE and OPTIONS."""
        if "uas" not in self.procs:
            self.spawn("uas", "sipp", "-sf", SCENARIOS / "answer.xml", "-i", OWN, "-p", PHONE_PORT, "-aa", "-nostdin", "-t", "u1",
                       "-trace_err", "-error_file", self.dir / "log" / "uas.err")
            wait_until(lambda: str(PHONE_PORT) in self.check("ss", "-Hlun"), 5, "the phones to listen")

    def call_all(self, n, talk_ms=100, rate=100):
        """Calls each of the n phones once through the virtual address; returns how many calls went from INVITE to BYE without a fault."""
        self.answer()
        return self._sipp("call", "call.xml", self._pairs(n), CALLER_PORT, n, rate, ["-d", str(talk_ms)])

    def _background(self, command):
        return subprocess.Popen([tool("machine"), "run", str(self.pid), "--", *command], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def call_in_background(self, n, talk_ms, rate=100):
        """Like call_all, but returns at once a function that waits for the result."""
        self.answer()
        command, stat = self.command("calls-held", "call.xml", self._pairs(n), CALLER_PORT + 1, n, rate, ["-d", str(talk_ms)])
        proc = self._background(command)

        def result():
            proc.wait(talk_ms / 1000 + 40)
            return successes(stat)
        return result

    @staticmethod
    def _pairs(n):
        """Each phone is called by the one before it."""
        return [(user(i), user(i % n + 1), credentials(i)) for i in range(1, n + 1)]

    def command(self, name, scenario, rows, port, n, rate, more=()):
        """SIPp's command line for n calls, and the file of its statistics."""
        data, stat = self.dir / f"{name}.csv", self.dir / f"{name}.stat"
        stat.unlink(missing_ok=True)
        data.write_text("SEQUENTIAL\n" + "".join(";".join(map(str, row)) + ";\n" for row in rows))
        return ["sipp", "-sf", str(SCENARIOS / scenario), "-inf", str(data), "-i", OWN, "-p", str(port), "-m", str(n), "-r", str(rate),
                "-l", str(n), "-t", "u1", "-nostdin", "-timeout", f"{n // rate + 30}s", "-recv_timeout", "8000", "-trace_stat", "-stf", str(stat), "-fd", "1",
                "-trace_err", "-error_file", str(self.dir / "log" / f"{name}.err"), *more, f"{VIP}:5060"], stat

    def _sipp(self, name, scenario, rows, port, n, rate, more=()):
        command, stat = self.command(name, scenario, rows, port, n, rate, more)
        self.run(*command, timeout=n // rate + 60)
        return successes(stat)


def successes(stat):
    """The calls that ran to their end, from SIPp's statistics."""
    if not stat.exists():
        return 0
    with open(stat, encoding="latin-1") as f:
        last = list(csv.DictReader(f, delimiter=";"))[-1]
    return int(last["SuccessfulCall(C)"])
