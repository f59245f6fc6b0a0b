# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures of the lab: one lab per module, so that its start is paid once; a failed test prints what every node says."""
import os
import pathlib
import sys

import pytest
from _pytest.runner import runtestprotocol

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from ringlab import Lab, stalls  # noqa: E402
from ringlab.probe import now_ns  # noqa: E402
from ringlab.story import PHONES  # noqa: E402


ON_DEMAND = {"load10": "the ten-minute run under full load, only on demand",
             "long_flaps": "an ISP that comes and goes for minutes, only on demand"}


def pytest_configure(config):
    for name, what in ON_DEMAND.items():
        config.addinivalue_line("markers", f"{name}: {what}")


def pytest_collection_modifyitems(config, items):
    """`make test ONLY=WORD` asks for such a test by its marker's name; otherwise it is left out."""
    wanted = config.getoption("-k") or ""
    left_out = [i for i in items if any(i.get_closest_marker(name) and name not in wanted for name in ON_DEMAND)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [i for i in items if i not in left_out]


@pytest.fixture(scope="module")
def bare_lab():
    """Machines and networks, nothing running on them but the echo servers."""
    if os.geteuid() != 0:
        pytest.fail("the lab needs root: namespaces, nftables, real-time priority")
    with Lab() as lab:
        yield lab


def started(**settings):
    """A whole cluster with phones that registered once and are never registered again."""
    if os.geteuid() != 0:
        pytest.fail("the lab needs root: namespaces, nftables, real-time priority")
    lab = Lab()
    try:
        lab.start_cluster(**settings)
        assert lab.phones.register(PHONES) == PHONES, "the phones could not register\n" + lab.describe()
        lab.wait_replicated(PHONES)
    except BaseException:
        lab.close()
        raise
    return lab


@pytest.fixture(scope="module")
def cluster_of_module():
    with started() as lab:
        yield lab


@pytest.fixture()
def lab(cluster_of_module):
    """The module's cluster, in order again before each test, whatever the test before did to it."""
    cluster_of_module.restore()
    yield cluster_of_module


@pytest.fixture(autouse=True)
def nobody_hogs_a_processor():
    """An agent at real-time priority that turns its loop without end is the stall that others suffer; it ends after 950 ms on a kernel with its usual
    limit for real-time processes, so no other test would see it."""
    stalls.meter()
    since = now_ns()
    yield
    assert not stalls.hogs(since), f"agents took a processor for themselves (boot clock in ns, pid, share): {stalls.hogs(since)}"


def pytest_runtest_protocol(item, nextitem):
    """A test whose measurement was spoiled by a stall of the machine is run again, a bounded number of times, each told."""
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    again = []
    for left in reversed(range(stalls.TRIES)):
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        spoiled = next((r.spoiled for r in reports if getattr(r, "spoiled", None)), None)
        if not spoiled or not left or any(r.failed and not getattr(r, "spoiled", None) for r in reports):
            break
        again.append(("again", spoiled))
    reports[-1].user_properties = [*reports[-1].user_properties, *again]
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_terminal_summary(terminalreporter):
    """What was measured, and what was run again; by way of the reports, for tests run in processes of their own that have no terminal."""
    for report in (r for name in ("passed", "failed", "") for r in terminalreporter.stats.get(name, []) if getattr(r, "when", None) == "teardown"):
        for name, value in report.user_properties:
            if name == "table":
                terminalreporter.write_line(f"\n{value}")
            elif name == "again":
                terminalreporter.write_line(f"{report.nodeid} was run again: {value}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and call.excinfo and call.excinfo.errisinstance(stalls.Spoiled):
        report.spoiled = str(call.excinfo.value).splitlines()[0]
    lab = item.funcargs.get("lab") if hasattr(item, "funcargs") else None
    if report.when == "call" and report.failed and lab is not None:
        try:
            report.sections.append(("what the nodes say", lab.describe()))
        except Exception as error:  # the report of the test itself matters more
            report.sections.append(("what the nodes say", f"cannot be asked: {error}"))
