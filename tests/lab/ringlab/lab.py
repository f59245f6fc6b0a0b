# SPDX-License-Identifier: GPL-2.0-or-later
"""The topology: a hub, the phones, PBX nodes and witnesses, and the start and end of all of it."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from . import asterisk, corosync, kamailio, ringkeep, stalls
from .hub import LINKS, Hub
from .machine import Machine, wait_until
from .paths import tool
from .phones import Phones
from .probe import Probe

MUTE_S = 3.0  # lease-max and its guard, rounded up
RESTORE_TRIES = 3
VIP4, VIP6 = "10.77.0.100", "fd77::100"
NODE_BINDS = ("/etc/corosync", "/var/lib/corosync", "/var/log")  # directories that packages made: nothing is added to the host


class Node(Machine):
    """A machine on the three networks: 10.77.0.ID on the LAN, 10.77.1.ID and 10.77.2.ID on the rings."""

    def __init__(self, lab, name, number, witness=False):
        super().__init__(lab.root, name, NODE_BINDS, lab.keep)
        self.lab, self.id, self.witness = lab, number, witness
        self.state, self.conf = self.dir / "state", self.dir / "ringkeep.conf"
        self.state.mkdir()
        self.mute_until = 0
        self.agent_env = {}  # of a device that a test plays (watchdog.py)
        self.daemon = "ringkeepd"  # or one of tests/mixed

    def address(self, link):
        return f"10.77.{LINKS[link]}.{self.id}"

    def boot(self):
        super().boot()
        for link, number in LINKS.items():
            port = f"{self.name}e{number}"
            subprocess.run(["ip", "link", "add", f"eth{number}", "netns", str(self.pid), "address", f"02:77:0{number}:00:00:{self.id:02x}",
                            "type", "veth", "peer", "name", port, "netns", str(self.lab.hub.pid)], check=True)
            self.lab.hub.check("ip", "link", "set", port, "master", f"br{number}", "up")
            self.check("ip", "addr", "add", f"{self.address(link)}/24", "dev", f"eth{number}")
            self.check("ip", "link", "set", f"eth{number}", "up")
        self.check("ip", "addr", "add", f"fd77::{self.id}/64", "dev", "eth0", "nodad")
        self.run("sysctl", "-q", "-w", "net.unix.max_dgram_qlen=512")  # as systemd does on every host
        self.spawn("echod", tool("echod"), self.id)

    def power_off(self):
        """The kernel takes a dead machine's interfaces down some time later, and until then their other ends keep their names in the hub."""
        was_up = self.up()
        super().power_off()
        if was_up and self.lab.hub.up():
            ports = "".join(f"link del {self.name}e{number}\n" for number in LINKS.values())
            self.lab.hub.run("ip", "-force", "-batch", "-", input=ports)  # those that are gone already are errors that mean nothing

    mac = property(lambda self: f"02:77:00:00:00:{self.id:02x}")

    # The programs of a node, as they are started after a boot. Order does not matter to any of them.
    def start(self):
        if self.witness:
            self.start_agent()
            return
        self.start_corosync()
        if not self.lab.settings.trunks:
            self.start_pbx()
        self.start_agent()
        if self.lab.settings.trunks:  # docs/TRUNKS.md: a PBX that registers by itself is started behind the gate
            wait_until(lambda: ringkeep.gate_on(self, "eth0"), 15, f"the gate of {self.name}")
            self.start_pbx()

    def start_corosync(self):
        return corosync.start(self)

    def start_pbx(self):
        return {"kamailio": kamailio, "asterisk": asterisk}[self.lab.settings.pbx].start(self)

    def start_agent(self, **kwargs):
        return ringkeep.start(self, **kwargs)

    def power_on(self):
        """Boots again after power_off() and starts everything. Its memory is lost: it cannot vote before it has been mute."""
        self.boot()
        self.mute_until = time.monotonic() + MUTE_S
        self.start()

    agent = property(lambda self: self.procs["agent"])
    pbx = property(lambda self: self.procs["pbx"])
    corosync = property(lambda self: self.procs["corosync"])

    def hactl(self, *args, **kwargs):
        return ringkeep.hactl(self, *args, **kwargs)


class Lab:
    """Everything is held by processes that die with their parent; only the directory has to be removed, so nothing is left by a killed run but
    a directory, which the next run sweeps."""

    def __init__(self, keep=False, witness=True, pbx_nodes=2):
        sweep()
        stalls.meter()
        self.keep = keep
        self.root = pathlib.Path(tempfile.mkdtemp(prefix=f"ringlab-{os.getpid()}-", dir="/tmp"))
        self.root.chmod(0o755)
        self.settings = ringkeep.Settings()
        self._sessions = 0
        self.hub = Hub(self.root, "hub", keep=keep)
        self.phones = Phones(self.root, "phones", keep=keep)
        self.pbx_nodes = [Node(self, f"n{number}", number) for number in range(1, pbx_nodes + 1)]
        self.n1, self.n2 = self.pbx_nodes[:2]
        self.witnesses = [Node(self, "w1", pbx_nodes + 1, witness=True)] if witness else []
        self.w1 = self.witnesses[0] if witness else None
        self.nodes = self.pbx_nodes + self.witnesses
        self.hub.boot()
        self._boot_phones()
        for node in self.nodes:
            node.boot()

    def _boot_phones(self):
        self.phones.boot()
        subprocess.run(["ip", "link", "add", "eth0", "netns", str(self.phones.pid), "type", "veth", "peer", "name", "phones",
                        "netns", str(self.hub.pid)], check=True)
        self.hub.check("ip", "link", "set", "phones", "master", "br0", "up")
        self.phones.check("ip", "addr", "add", "10.77.0.200/24", "dev", "eth0")
        self.phones.check("ip", "addr", "add", "fd77::200/64", "dev", "eth0", "nodad")
        self.phones.check("ip", "link", "set", "eth0", "up")

    def node(self, name):
        return next(n for n in self.nodes if n.name == name)

    def set(self, **settings):
        """What the next configure() or restore() writes."""
        for key, value in settings.items():
            if not hasattr(self.settings, key):
                raise AttributeError(f"no setting {key}")
            setattr(self.settings, key, value)

    def configure(self, **settings):
        """Writes corosync's, Kamailio's and ringkeep's configuration on every node; keys are made once."""
        self.set(**settings)
        corosync.configure(self)
        if self.settings.pbx == "asterisk":
            asterisk.configure(self)
        ringkeep.configure(self)

    def start_cluster(self, **settings):
        """Configures, starts everything and waits until an address is answered and every node knows the holder. Returns the holder."""
        self.configure(**settings)
        for node in self.nodes:
            node.start()
        return self.wait_settled()

    def wait_settled(self, timeout_s=30):
        """Waits until all agents that run agree on a holder that can be left and entered: each candidate up. Returns the holder's Node."""
        return wait_until(self._settled_holder, timeout_s, lambda: "a settled cluster:\n" + self.describe(), 0.05)

    def _settled_holder(self):
        if any(n.up() and time.monotonic() < n.mute_until for n in self.nodes):
            return None
        seen = [ringkeep.status(n) for n in self.nodes if n.up() and "agent" in n.procs and n.agent.alive()]
        if not seen or any(s is None for s in seen):
            return None
        names = {s["groups"][0]["holder"] for s in seen}
        if len(names) != 1 or None in names or "" in names:
            return None
        holder = self.node(names.pop())
        mine = ringkeep.status(holder)
        good = mine and mine["groups"][0]["gate"] == "open" and all(
            c["eligible"] or c["node"] == holder.name for c in mine["groups"][0]["candidates"])
        return holder if good else None

    def wait_replicated(self, count, timeout_s=15):
        """Until every PBX node's agent that runs has that many bindings; only then does the standby know all phones."""
        def replicated():
            counts = [ringkeep.bindings(n) for n in self.pbx_nodes if n.up() and n.agent.alive()]
            return all(c == count for c in counts)
        wait_until(replicated, timeout_s, lambda: f"{count} bindings everywhere:\n" + self.describe())

    def restore(self):
        """After a fault: heals, powers on and restarts what is not running, gives everybody the common configuration and his own key again,
        and waits until all is well. Returns the holder. A watchdog that the test before has left to run out may take a machine's power meanwhile:
        then all of it again."""
        for left in reversed(range(RESTORE_TRIES)):
            boots = [node.boots for node in self.nodes]
            try:
                return self._restore()
            except Exception as error:
                lost = [node.name for node, n in zip(self.nodes, boots) if not node.up() or node.boots > n + 1]
                if not left or not lost:
                    raise
                print(f"lab: {', '.join(lost)} lost power while the lab was put in order, which is begun again: {error!r:.200}")

    def _restore(self):
        self.hub.heal()
        for node in ringkeep.mend(self):
            agent = node.procs.pop("agent", None)
            if agent:
                agent.end()
        self.start_what_is_down()

        def done():
            off = [node.name for node in self.nodes if not node.up()]
            assert not off, f"{off} are off again"
            return self._settled_holder()
        return wait_until(done, 30, lambda: "a settled cluster:\n" + self.describe(), 0.05)

    def start_what_is_down(self):
        """Powers on, thaws, plugs in and starts."""
        for node in self.nodes:
            if not node.up():
                node.power_on()
                continue
            node.thaw()
            for link in LINKS:
                self.hub.carrier(node, link, True)
            starts = {"agent": node.start_agent} if node.witness else {
                "corosync": node.start_corosync, "pbx": node.start_pbx, "agent": node.start_agent}
            for name, start in starts.items():
                if name not in node.procs or not node.procs[name].alive():
                    start()

    def describe(self):
        """For messages of failed tests: what each node says, and the ends of the logs."""
        text = []
        for node in self.nodes:
            if not node.up():
                text.append(f"{node.name}: off")
                continue
            done = node.run(*ringkeep.hactl_command(node), "status")
            text.append(f"--- {node.name}\n{done.stdout}{done.stderr}")
            for name in node.procs:
                log = node.dir / "log" / f"{name}.log"
                text.append(f"    {name}: " + "\n        ".join(log.read_text(errors="replace").splitlines()[-6:]))
        return "\n".join(text)

    def probe(self, sip_us=10000, vip4=VIP4, vip6=VIP6):
        self._sessions += 1
        return Probe(self, f"session{self._sessions}", sip_us, vip4, vip6)

    def close(self):
        for machine in [*self.nodes, self.phones, self.hub]:
            machine.power_off()
        if not os.environ.get("RINGLAB_KEEP_FILES"):
            shutil.rmtree(self.root, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()
        return False


def sweep():
    """Removes what labs of processes that no longer exist left behind: their directory, and machines that were kept on purpose stay."""
    for path in pathlib.Path("/tmp").glob("ringlab-*-*"):
        owner = path.name.split("-")[1]
        if owner.isdigit() and not pathlib.Path(f"/proc/{owner}").exists() and not (path / "kept").exists():
            shutil.rmtree(path, ignore_errors=True)


def take_down_kept(path):
    """Ends a lab that was left up by KEEP=1."""
    path = pathlib.Path(path)
    for pid in (path / "kept").read_text().split():
        comm = pathlib.Path(f"/proc/{pid}/comm")
        if comm.exists() and comm.read_text().strip() == "lab-init":
            os.kill(int(pid), signal.SIGKILL)
    shutil.rmtree(path, ignore_errors=True)
