# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls at a steady rate through the virtual address, each with its end: answered or not, and why not."""
import collections
import csv
import dataclasses
import re
import subprocess

from .paths import tool
from .phones import CALLER_PORT, credentials, user

PORT = CALLER_PORT + 2


@dataclasses.dataclass
class Outcome:
    """attempts: calls that were begun; answered: those that came up; cut: those that came up and ended by 481 (or nothing) instead of their BYE;
    why: of each that was not answered or not ended as usual, what SIPp saw instead."""
    attempts: int
    answered: int
    cut: int
    again: int                # requests that were sent again
    setup_ms: dict            # "< 300", "< 700"...: how many were answered within that
    why: dict

    @property
    def failed(self):
        return self.attempts - self.answered

    def __str__(self):
        slow = ", ".join(f"{n} {bound} ms" for bound, n in self.setup_ms.items() if n)
        return (f"{self.attempts} calls, {self.failed} not answered, {self.cut} cut while they were up, {self.again} requests sent again; answered in {slow}; "
                f"{self.why or 'nothing went wrong'}")


class Callers:
    """`rate` calls a second for `seconds`; each phone is called by the one before it and talks for talk_ms."""

    def __init__(self, lab, count, rate, seconds, talk_ms=300):
        phones, calls = lab.phones, int(rate * seconds)
        phones.answer()
        rows = [(user(i), user(i % count + 1), credentials(i)) for i in range(1, count + 1)]
        command, self._stat = phones.command("callers", "call_again.xml", rows, PORT, calls, rate, ["-d", str(talk_ms)])
        self._errors, self._bound_s = phones.dir / "log" / "callers.err", seconds + 60
        self._errors.unlink(missing_ok=True)
        self._p = subprocess.Popen([tool("machine"), "run", str(phones.pid), "--", *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, start_new_session=True)

    def outcome(self):
        """Waits for the end of the last call."""
        self._p.wait(self._bound_s)
        with open(self._stat, encoding="latin-1") as f:
            last = list(csv.DictReader(f, delimiter=";"))[-1]
        number = lambda column: int(last[column])  # noqa: E731
        answered, cut = number("GenericCounter1(C)"), number("GenericCounter2(C)")
        unended = number("FailedCall(C)") - (number("TotalCallCreated") - answered)
        setup = {column.removeprefix("ResponseTimeRepartition1_").replace("_", ""): int(n) for column, n in last.items()
                 if column and column.startswith("ResponseTimeRepartition1_")}
        return Outcome(number("TotalCallCreated"), answered, cut + max(unended, 0), number("Retransmissions(C)"), setup, self._why(last))

    def _why(self, last):
        """SIPp's own counters, and the first lines of what it did not expect."""
        counted = {name.removeprefix("Failed").removesuffix("(C)"): int(n) for name, n in last.items()
                   if name and name.startswith("Failed") and name.endswith("(C)") and name != "FailedCall(C)" and int(n)}
        text = self._errors.read_text(encoding="latin-1") if self._errors.exists() else ""
        seen = collections.Counter(re.findall(r"received '(SIP/2\.0 \d+ [^\r\n]*|[A-Z]+ )", text))
        return counted | {f"got {what.strip()}": n for what, n in seen.most_common(5)}

    def close(self):
        if self._p.poll() is None:
            self._p.kill()
            self._p.wait()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()
        return False
