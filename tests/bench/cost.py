# SPDX-License-Identifier: GPL-2.0-or-later
"""What the agent costs while nothing happens, and what grows with addresses and phones."""
import pathlib
import time

from failover import measure, pbx_crash, planned
from ringlab import ringkeep
from ringlab.machine import wait_until
from subjects import Ringkeep


def cpu_ns(pid):
    """All threads of the process, to the nanosecond."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in pathlib.Path(f"/proc/{pid}/task").iterdir())


def idle(report, subject, label, runs, window_s):
    """CPU of holding, standing by and witnessing, and resident memory."""
    holder, standby = subject.ready()
    time.sleep(3)
    nodes = {"holder": holder, "standby": standby, "witness": subject.lab.w1}
    spent = {role: [] for role in nodes}
    for _ in range(runs):
        before = {role: cpu_ns(node.agent.pid) for role, node in nodes.items()}
        t = time.monotonic()
        time.sleep(window_s)
        for role, node in nodes.items():
            spent[role].append((cpu_ns(node.agent.pid) - before[role]) / 1e7 / (time.monotonic() - t))
    for role, node in nodes.items():
        report.add(f"agent CPU, idle {role}, {label}", "ringkeep", "%", spent[role])
    for role, node in nodes.items():
        report.add(f"agent resident memory, {role}, {label}", "ringkeep", "MiB", [node.agent.rss_kib() / 1024])


def addresses_of(n):
    """The first is the phones' own; the rest are routed to the same wire."""
    return ("10.77.0.100", *(f"10.78.{i // 200}.{i % 200 + 1}" for i in range(n - 1)))


class LastAddress:
    """A subject whose prober asks the last of its addresses: it is opened and announced last."""

    def __init__(self, subject, address):
        self._subject, self.lab, self.name = subject, subject.lab, subject.name
        self.one_holder = subject.one_holder
        self.ready, self.switchover, self.kill_pbx = subject.ready, subject.switchover, subject.kill_pbx
        self.probe = lambda **kw: subject.lab.probe(vip4=address, vip6="-", **kw)


def with_addresses(report, n, runs):
    subject = Ringkeep("tight", addresses=addresses_of(n))
    try:
        subject.lab.phones.check("ip", "route", "add", "10.78.0.0/16", "dev", "eth0")
        last = LastAddress(subject, addresses_of(n)[-1])
        results = [measure(last, planned, "udp4") for _ in range(runs)]
        outages, holders = zip(*results)
        report.add(f"planned switchover, {n} addresses, the last", "ringkeep", "ms", outages, max(holders))
    finally:
        subject.close()


def with_bindings(report, subject, n, runs):
    """n phones register at the holder; the standby has them all when its agent counts n."""
    holder, standby = subject.ready()
    phones = subject.lab.phones
    t = time.monotonic()
    accepted = phones.register(n, rate=500)
    registered = time.monotonic()
    assert accepted == n, f"{accepted} of {n} phones registered"
    wait_until(lambda: ringkeep.bindings(standby) == n, 120, lambda: f"{n} bindings at the standby, has {ringkeep.bindings(standby)}", 0.02)
    done = time.monotonic()
    report.add(f"{n} bindings replicated", "ringkeep", "1/s", [n / (done - t)])
    report.add(f"{n} bindings, lag after the last REGISTER", "ringkeep", "ms", [(done - registered) * 1e3])
    for name, fault, kind in (("planned switchover", planned, "udp4"), ("PBX crash", pbx_crash, "sip")):
        results = []
        for _ in range(runs):
            results.append(measure(subject, fault, kind))
            subject.lab.restore()
            subject.lab.wait_replicated(n, 60)
        outages, holders = zip(*results)
        report.add(f"{name}, {n} bindings", "ringkeep", "ms", outages, max(holders))
    reached = phones.call_all(200)
    report.add(f"phones reached of 200 called, {n} bindings", "ringkeep", "calls", [reached])
