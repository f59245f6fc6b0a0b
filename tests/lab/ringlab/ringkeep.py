# SPDX-License-Identifier: GPL-2.0-or-later
"""ringkeep in the lab: its configuration, its agent, and hactl."""
import dataclasses
import json
import os
import pathlib
import re
import shutil

from . import asterisk
from .paths import program, tool

NOBODY = (65534, 65534)
RUN_DIR = "/run/ringkeep"


@dataclasses.dataclass
class Trunk:
    """A trunk to the lab's carrier (carrier.py) with its account; "" is the IP-authenticated one. on_at_start: the PBX registers by itself."""
    name: str
    user: str
    contact: str = "address"
    carrier: str = ""
    rate: int = 5
    burst: int = 10
    on_at_start: bool = False

    def lines(self):
        yield f"    trunk {self.name} {{"
        if self.user:
            yield f'        registration = "{self.user}-reg"'
        yield f'        peers = {{ "10.77.0.210" }} contact = {self.contact} carrier = {self.carrier or self.name} rate = {self.rate} burst = {self.burst}'
        yield "    }"


@dataclasses.dataclass
class Settings:
    profile: str = "lan"
    timing: str = ""              # more lines for the top, for example 'lease = 160ms'
    addresses: tuple = ("10.77.0.100", "fd77::100")
    failback: str = "manual"
    pbx: str = "kamailio"
    adapter: str = ""             # another than the PBX's own: "sip" knows no registrations
    asterisk: str = "22"                                  # its version, if it is the PBX
    accounts: tuple = ()                                  # asterisk.Account of each phone
    asterisk_install: dict = dataclasses.field(default_factory=dict)  # more arguments of asterisk.install()
    pbx_settings: dict = dataclasses.field(default_factory=dict)      # more settings of its adapter
    options_interval: str = "500ms"
    unseen_calls: str = "30m"
    dmq: bool = False             # Kamailio's registrations are replicated by its own module dmq_usrloc
    pbx_memory_mib: int = 64      # Kamailio's shared memory: about 1.5 KiB for each phone
    # More lines for the group. Nodes fail again and again here, on purpose: damping would rightly keep them out (the simulator has it on).
    group: str = "damping-penalty = 0"
    fence_devices: str = ""       # sections for the top
    fence_levels: dict = dataclasses.field(default_factory=dict)  # name of a node -> lines for its section
    trunks: tuple = ()            # of Trunk


def install(lab):
    """Copies the programs to where also the witness's user may run them: a working copy below /root is closed to it."""
    bin_dir = lab.root / "bin"
    bin_dir.mkdir(exist_ok=True)
    for folder, name in (("agent", "ringkeepd"), ("hactl", "hactl")):
        if not (bin_dir / name).exists():
            shutil.copy2(program(folder, name), bin_dir)
    for later in pathlib.Path(program("tests/mixed", "")).glob("ringkeepd-later-*"):
        if later.is_file() and not (bin_dir / later.name).exists():
            shutil.copy2(later, bin_dir)
    libexec = lab.root / "libexec"
    libexec.mkdir(exist_ok=True)
    for folder in ("pbx", "fencing"):
        for helper in pathlib.Path(program(folder, "")).glob("ringkeep-*"):
            if helper.is_file() and not (libexec / helper.name).exists():
                (libexec / helper.name).symlink_to(helper)


def command(node):
    return [node.lab.root / "bin" / node.daemon, "-c", node.conf, "--state-dir", node.state, "--run-dir", RUN_DIR]


def hactl_command(node):
    return [str(node.lab.root / "bin" / "hactl"), "-s", f"{RUN_DIR}/control.sock"]


def make_key(node):
    """Makes the node's identity if it has none; returns the public half. The witness owns its state as an unprivileged user."""
    hactl = node.lab.root / "bin" / "hactl"
    user = ["setpriv", f"--reuid={NOBODY[0]}", f"--regid={NOBODY[1]}", "--clear-groups"] if node.witness else []
    if node.witness:
        os.chown(node.state, *NOBODY)
    if not (node.state / "node.key").exists():
        node.check(*user, hactl, "key", "generate", "--state-dir", node.state)
    found = re.search(r"rk1:[A-Za-z0-9_=-]+", node.check(*user, hactl, "key", "show", "--state-dir", node.state))
    assert found, "hactl key show prints no public key"
    return found.group()


def pbx_section(s):
    """The lines of a group's PBX."""
    adapter = s.adapter or s.pbx
    pid_file = {"kamailio": "/run/kamailio/kamailio.pid", "asterisk": f"{asterisk.ON_NODE}/run/asterisk.pid"}[s.pbx]
    lines = ["    pbx {", f"        adapter = {adapter}", f'        pid-file = "{pid_file}"']
    if adapter == "kamailio":
        lines += ['        setting rpc { value = "unixgram:/run/kamailio/kamailio_rpc.sock" }',
                  '        setting dump { value = "fifo:/run/kamailio/kamailio_rpc.fifo" }',
                  '        setting sync { value = "udp:127.0.0.1:5070" }',
                  '        setting evapi { value = "tcp:127.0.0.1:8448" }']
    if adapter == "asterisk":
        lines += [f'        setting {key} {{ value = "{value}" }}' for key, value in asterisk.settings(asterisk.ON_NODE).items()]
    lines += [f'        setting {key} {{ value = "{value}" }}' for key, value in s.pbx_settings.items()]
    return lines + [f"        unseen-calls = {s.unseen_calls}", f"        options-interval = {s.options_interval}", "        options-failures = 3", "    }"]


def configuration(lab, keys):
    s = lab.settings
    lines = ['cluster = "lab"', f"profile = {s.profile}", s.timing, "pulse-port = 5707", s.fence_devices]
    for node in lab.nodes:
        lines += [f"node {node.name} {{", f"    id = {node.id}", f'    public-key = "{keys[node.name]}"']
        lines += ["    witness = yes"] if node.witness else []
        lines += [f'    link {link} {{ address = "{node.address(link)}" }}' for link in ("ring0", "ring1", "lan")]
        lines += [s.fence_levels.get(node.name, ""), "}"]
    addresses = ", ".join(f'"{a}"' for a in s.addresses)
    candidates = ", ".join(n.name for n in lab.pbx_nodes)
    lines += ["group office {", f"    addresses = {{ {addresses} }}", '    device = "eth0"', f"    candidates = {{ {candidates} }}",
              f"    failback = {s.failback}", s.group, *pbx_section(s),
              *(line for trunk in s.trunks for line in trunk.lines()), "}"]
    return "\n".join(line for line in lines if line) + "\n"


def configure(lab):
    install(lab)
    lab.keys = {node.name: make_key(node) for node in lab.nodes}
    lab.secrets = {node.name: (node.state / "node.key").read_bytes() for node in lab.nodes}
    text = configuration(lab, lab.keys)
    for node in lab.nodes:
        node.conf.write_text(text)
        if not (node.dir / "wallclock").exists():
            (node.dir / "wallclock").write_bytes(bytes(8))


def mend(lab):
    """Puts back configurations and keys that a test changed; returns the nodes that had others."""
    text = configuration(lab, lab.keys)
    mended = []
    for node in lab.nodes:
        key = node.state / "node.key"
        if node.conf.read_text() != text or not key.exists() or key.read_bytes() != lab.secrets[node.name]:
            node.conf.write_text(text)
            key.unlink(missing_ok=True)
            key.write_bytes(lab.secrets[node.name])
            os.chown(key, *(NOBODY if node.witness else (0, 0)))
            mended.append(node)
        key.chmod(0o400)
    return mended


def start(node, supervised=False, restart_ms=100, wall_clock=False):
    node.check("mkdir", "-p", RUN_DIR)
    env = {"RINGKEEP_LIBEXEC": str(node.lab.root / "libexec"), **node.agent_env}
    if node.witness:
        node.check("chown", f"{NOBODY[0]}:{NOBODY[1]}", RUN_DIR)
    if wall_clock:
        env |= {"LD_PRELOAD": tool("wallclock.so"), "LAB_WALLCLOCK": str(node.dir / "wallclock")}
    return node.spawn("agent", *command(node), env=env, user=NOBODY if node.witness else None,
                      restart_ms=restart_ms if supervised else None)


def joined(node):
    """The agent runs and has its snapshot."""
    seen = status(node)
    return bool(seen) and any(n["name"] == node.name and n["state"] == "up" for n in seen["nodes"])


def step_wall_clock(node, seconds):
    """Moves the wall clock that this node's agent sees (started with wall_clock=True)."""
    with open(node.dir / "wallclock", "r+b") as f:
        f.write(int(seconds).to_bytes(8, "little", signed=True))


class Refused(Exception):
    """hactl said no; reply is what it said."""

    def __init__(self, reply, code):
        super().__init__(f"exit {code}: {reply}")
        self.reply, self.code = reply, code


def hactl(node, *args, timeout=30):
    """Runs hactl --json on the node; returns the data of the reply, or raises Refused."""
    done = node.run(*hactl_command(node), "--json", *args, timeout=timeout)
    try:
        reply = json.loads(done.stdout) if done.stdout.strip() else {}
    except json.JSONDecodeError:
        reply = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 0:
        raise Refused(reply or done.stderr, done.returncode)
    return reply["data"] if isinstance(reply, dict) and "data" in reply else reply


def status(node):
    """hactl --json status, or None while the agent cannot be asked."""
    try:
        return hactl(node, "status")
    except (Refused, ValueError):
        return None


def gate_on(node, interface):
    """The gate is in force on that interface; False also while the agent cannot be asked."""
    try:
        return any(i["interface"] == interface and i["gate"] for i in hactl(node, "gate")["interfaces"])
    except (Refused, ValueError, KeyError):
        return False


def group(node):
    return status(node)["groups"][0]


def bindings(node):
    """How many phones the node's agent knows, or None."""
    answer = status(node)
    return answer and answer["groups"][0]["bindings"]
