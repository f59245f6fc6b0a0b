# SPDX-License-Identifier: GPL-2.0-or-later
"""ringkeep as a VRRP router like any other: mode native, a configuration with one node, no corosync, no links. The same verbs as the peers."""
import signal

from . import ringkeep
from .machine import wait_until
from .vrrp_peers import Peer

STATES = {"active": "master", "backup": "backup", "initialize": "init"}


def vrrp_section(router, **more):
    """The vrrp section for a group of a configuration."""
    lines = {"vrid": router.vrid, "version": router.version, "advert-interval": f"{router.advert_ms}ms", "virtual-mac": router.vmac} | more
    if router.unicast:
        lines["unicast-peers"] = "{ " + ", ".join(f'"{a}"' for a in router.unicast) + " }"
    return "    vrrp {\n" + "".join(f"        {key} = {value}\n" for key, value in lines.items()) + "    }"


class Ours(Peer):
    def __init__(self, node, router, **more):
        """more: other keys of the vrrp section, with _ for -."""
        super().__init__(node, router)
        self.more = {key.replace("_", "-"): value for key, value in more.items()}

    def conf(self):
        r, node = self.router, self.node
        addresses = ", ".join(f'"{a}"' for a in r.addresses)
        section = vrrp_section(r, mode="native", priorities=f"{{ {r.priority} }}", preempt="yes" if r.preempt else "no", **self.more)
        key = ringkeep.make_key(node)
        return (f'cluster = "{node.name}"\nnode {node.name} {{\n    id = {node.id}\n    public-key = "{key}"\n}}\n'
                f'group office {{\n    addresses = {{ {addresses} }}\n    device = "eth0"\n    candidates = {{ {node.name} }}\n{section}\n}}\n')

    def start(self):
        self._in_order = False
        ringkeep.install(self.node.lab)
        self.node.conf.write_text(self.conf())
        return ringkeep.start(self.node)

    def log(self):
        return (self.node.dir / "log" / "agent.log").read_text(errors="replace")

    def status(self):
        status = ringkeep.status(self.node)
        return status and status["groups"][0]

    def state(self):
        """Called as the peers call it."""
        group = self.status()
        return STATES.get(group["vrrp"]["state"]) if group else "not there"

    def resign(self):
        self._in_order = True
        self.node.agent.send(signal.SIGTERM)

    def kill(self):
        self.node.agent.kill()

    def stop(self):
        self.node.agent.stop()

    def cont(self):
        self.node.agent.cont()

    def clean(self):
        """An orderly end, which leaves nothing: an agent that was killed is started once more for it."""
        if "agent" not in self.node.procs:
            return
        if not self.node.agent.alive() and not self._in_order:
            self.start()
            self.wait_up()
        self.node.procs.pop("agent").end()

    def wait_up(self, timeout_s=10):
        wait_until(self.status, timeout_s, lambda: f"the agent on {self.node.name}:\n{self.log()[-3000:]}")
