# SPDX-License-Identifier: GPL-2.0-or-later
"""The two that are compared, behind the same verbs, each in a lab of its own on the same machine in the same run. What an admin would do for
ringkeep is a command; for keepalived it is the gentlest way there is: lowering the priority through a track_file."""
import os
import signal
import time

from ringlab import Lab, keepalived, ringkeep
from ringlab.machine import wait_until
from ringlab.vrrp_ours import Ours
from ringlab.vrrp_peers import Router

TIMINGS = {  # tolerated silence: (ringkeep's lines, keepalived's advert interval in s: master down after 3.6 of them)
    "tight": ("pulse-interval = 40ms\nlease = 160ms", "0.05"),
    "lan": ("", "0.25"),
}


class Ringkeep:
    name, one_holder = "ringkeep", True

    def __init__(self, timing, **settings):
        self.lab = Lab()
        self.lab.start_cluster(timing=TIMINGS[timing][0], **settings)

    def ready(self):
        """In order again; returns holder and standby."""
        holder = self.lab.restore()
        return holder, next(n for n in self.lab.pbx_nodes if n is not holder)

    def switchover(self, holder, standby):
        holder.hactl("switchover", "office", "--to", standby.name)

    def kill_agent(self, holder):
        holder.agent.kill()

    def kill_pbx(self, holder):
        holder.pbx.kill_all()

    def probe(self, **kwargs):
        return self.lab.probe(**kwargs)

    def close(self):
        self.lab.close()


class RingkeepNative:
    """Mode native: VRRP decides, with the same priorities and intervals as keepalived, without corosync and witness."""
    name, one_holder = "rk native", False

    def __init__(self, advert_ms):
        self.lab = Lab(witness=False)
        self.routers = [Ours(node, Router(priority=priority, advert_ms=advert_ms, addresses=("10.77.0.100",)))
                        for node, priority in zip(self.lab.pbx_nodes, (150, 100))]
        for router in self.routers:
            router.start()
        self.ready()

    def ready(self):
        """In order again, the first is Active: that one comes back by itself, but after a switchover the other has to resign."""
        self.lab.hub.heal()
        first, second = self.routers
        for router in self.routers:
            router.node.thaw()
            if not router.node.agent.alive():
                router.start()
                router.wait_up()
        end = time.monotonic() + 1
        wait_until(lambda: first.state() == "master" or time.monotonic() > end, 20, "the first to be Active", 0.05)
        if first.state() != "master" and second.state() == "master":
            self.switchover(second.node, first.node)
        first.wait("master")
        second.wait("backup")
        return first.node, second.node

    def switchover(self, holder, standby):
        ringkeep.hactl(holder, "switchover", "office")

    def kill_agent(self, holder):
        holder.agent.kill()

    def end_agent(self, holder):
        holder.agent.send(signal.SIGTERM)

    def probe(self, **kwargs):
        return self.lab.probe(**kwargs)

    def close(self):
        self.lab.close()


class Keepalived:
    name, one_holder = "keepalived", False

    def __init__(self, advert, check_pbx=False, **settings):
        """advert: in s, as keepalived.conf has it."""
        self.lab = Lab(witness=False)
        for key, value in settings.items():
            setattr(self.lab.settings, key, value)
        self.advert, self.check_pbx, self.ending = advert, check_pbx, None
        for node in self.lab.pbx_nodes:
            keepalived.configure(node, self.advert, check_pbx=check_pbx)
            node.start_pbx()
            node.check("sh", "-c", "echo 0 >/run/switch")
            keepalived.start(node)
        self.ready()

    def ready(self):
        lab = self.lab
        lab.hub.heal()
        n1, n2 = lab.pbx_nodes
        if self.ending:
            self.ending.wait()
            self.ending = None
        for node in (n1, n2):
            node.thaw()
            if not node.pbx.alive():
                node.start_pbx()  # ends what may be left of the old one
            if not node.procs["keepalived"].alive():
                node.procs["keepalived"].end()
                node.run("ip", "addr", "del", "10.77.0.100/24", "dev", "eth0")  # what kill -9 left
                keepalived.start(node)
            node.check("sh", "-c", "echo 0 >/run/switch")
        keepalived.wait_master(lab, n1)
        time.sleep(1)  # a thawed pair may change its mind once more
        keepalived.wait_master(lab, n1)
        lab.phones.run("ip", "neigh", "flush", "all")  # a thawed master does not announce itself: unfair to start from there
        return n1, n2

    def switchover(self, holder, standby):
        holder.check("sh", "-c", "echo -100 >/run/switch")

    def kill_agent(self, holder):
        for pid in keepalived.pids(holder):
            os.kill(pid, signal.SIGKILL)

    def end_agent(self, holder):
        """It takes a second for its end after it has resigned."""
        holder.procs["keepalived"].send(signal.SIGTERM)
        self.ending = holder.procs["keepalived"]

    def kill_pbx(self, holder):
        holder.pbx.kill_all()

    def probe(self, **kwargs):
        return self.lab.probe(**kwargs)

    def close(self):
        self.lab.close()
