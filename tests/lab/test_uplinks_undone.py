# SPDX-License-Identifier: GPL-2.0-or-later
"""A switch that cannot be verified is undone on a real kernel with a live call of a real Asterisk: route, flows, addresses, registration, and the call's
own way."""
import contextlib
import time

import pytest

from ringlab import ringkeep
from ringlab.isps import MEDIA, PUBLIC, flows
from ringlab.machine import wait_until
from test_asterisk_uplinks import RTP_PORT, addresses
from test_uplinks import used, voice
from test_uplinks_asterisk import Watched, ready, requests, start


@pytest.fixture(scope="module")
def world():
    with contextlib.ExitStack() as stack:
        yield start(stack, "slow-interval = 200ms hold = 1s failback = delay failback-after = 1s failback-wait = 1s", latches=False)


def alarms(node):
    return {a["key"]: a["text"] for a in ringkeep.status(node)["alarms"]}


def switches_told(node):
    return [str(r) for r in ringkeep.hactl(node, "uplink", "history", "-n", "50")["records"] if "uplink-switch" in str(r)]


def calls_counted(holder, n):
    wait_until(lambda: ringkeep.group(holder)["pbx"]["calls"] == n, 20, lambda: str(ringkeep.group(holder)["pbx"]), 0.05)


@pytest.mark.parametrize("answer", ["403 Forbidden", ""], ids=["forbids", "silent"])
def test_a_carrier_that_wants_none_of_the_other_line_gets_the_first_back(world, answer):
    """Voice is to go back to the preferred line, which is well by all its probes; but its address is on no list of the carrier's any more."""
    _lab, _isps, carrier = world
    ready(world)
    with contextlib.ExitStack() as stack:
        call = Watched(world, stack)
        holder = call.holder
        ringkeep.hactl(holder, "uplink", "use", "isp2")
        call.ended(2)
        call.dial(2)
        calls_counted(holder, 1)
        carrier.unwelcome[PUBLIC[1]] = answer
        stack.callback(carrier.unwelcome.clear)
        before, seen = voice(holder)["switches"], len(carrier.seen)
        ringkeep.hactl(holder, "uplink", "auto")
        wait_until(lambda: voice(holder)["last_switch"]["to"] == "isp1" and not voice(holder)["last_switch"]["running"], 40, lambda: str(voice(holder)), 0.05)
        last = voice(holder)["last_switch"]
        print("undone:", last)
        followed = any(addresses(m)[0] == PUBLIC[1] for m in requests(carrier, "INVITE", seen))
        assert followed or answer, "in ten seconds the call has not followed"
        assert last["outcome"] == "undone" and "trunks do not register" in last["outcome_why"], last
        assert used(holder) == "isp2" and voice(holder)["switches"] == before
        assert holder.check("ip", "route", "get", MEDIA).split(" dev ")[1].split()[0] == "wan2"
        assert (last["ms"]["trunks"] > 9000) == (answer == ""), "a refusal need not be waited for any longer"
        wait_until(lambda: requests(carrier, "INVITE", seen) and addresses(requests(carrier, "INVITE", seen)[-1]) == (PUBLIC[2], PUBLIC[2]), 20,
                   lambda: f"a re-INVITE back: {[addresses(m) for m in requests(carrier, 'INVITE', seen)]}", 0.05)
        at = time.monotonic()
        wait_until(lambda: addresses(requests(carrier, "REGISTER", seen)[-1])[0] == PUBLIC[2], 20,
                   lambda: f"a registration from where voice is: {[m.get('Contact') for m in carrier.requests('REGISTER', seen)]}", 0.05)
        wait_until(lambda: ringkeep.group(holder)["trunks"][0]["state"] == "registered", 20, lambda: str(ringkeep.group(holder)["trunks"]), 0.05)
        print(f"registered {time.monotonic() - at:.2f} s after the re-INVITE back, {len(carrier.requests('REGISTER', seen))} REGISTER in all")
        time.sleep(2)
        assert flows(holder, MEDIA, 2) and not flows(holder, MEDIA, 1), flows(holder, MEDIA)
        assert {source for t, source, _ in carrier.heard if t > time.time() - 1} == {PUBLIC[2]}
        came = [p for p in call.taps[2].came if p[2] == MEDIA and p[4] == RTP_PORT and p[0] / 1e9 > time.time() - 1]
        assert len(came) > 25, "the carrier's audio is not back"
        assert any("undone" in text for text in switches_told(holder)), switches_told(holder)
        assert "uplinks/switch/IPv4" in alarms(holder), alarms(holder)
        call.check_probes()
        carrier.unwelcome.clear()
        ringkeep.hactl(holder, "uplink", "use", "isp1")
        call.ended(1)
        ringkeep.hactl(holder, "uplink", "auto")
