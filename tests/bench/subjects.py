# SPDX-License-Identifier: GPL-2.0-or-later
"""The two that are compared, behind the same verbs, each in a lab of its own on the same machine in the same run. What an admin would do for
ringkeep is a command; for keepalived it is the gentlest way there is: lowering the priority through a track_file."""
import os
import signal
import time

from ringlab import Lab, keepalived

TIMINGS = {  # tolerated silence: (ringkeep's lines, keepalived's advert interval in s: master down after 3.6 of them)
    "tight": ("pulse-interval = 40ms\nlease = 160ms", "0.05"),
    "lan": ("", "0.25"),
}


class Ringkeep:
    name = "ringkeep"

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


class Keepalived:
    name = "keepalived"

    def __init__(self, timing, check_pbx=False):
        self.lab = Lab(witness=False)
        self.advert, self.check_pbx = TIMINGS[timing][1], check_pbx
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

    def kill_pbx(self, holder):
        holder.pbx.kill_all()

    def probe(self, **kwargs):
        return self.lab.probe(**kwargs)

    def close(self):
        self.lab.close()
