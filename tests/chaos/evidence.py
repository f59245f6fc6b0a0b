# SPDX-License-Identifier: GPL-2.0-or-later
"""What is kept when a campaign fails: enough to understand it without running it again."""
import os
import pathlib
import shutil

from ringlab import ringkeep
from ringlab.paths import BUILD


def start_capture(lab):
    """Every frame at the switches, in a ring of files: the last minutes."""
    where = lab.root / "capture"
    where.mkdir()
    return lab.hub.spawn("capture", "dumpcap", "-q", "-i", "any", "-s", "400", "-b", "filesize:20000", "-b", "files:6", "-w", where / "frames.pcapng")


def keep(campaign, why):
    """Copies it below the build directory and returns the path."""
    lab = campaign.lab
    where = pathlib.Path(BUILD) / f"chaos-{campaign.seed}-{os.getpid()}"
    shutil.rmtree(where, ignore_errors=True)
    where.mkdir(parents=True)
    story = [f"seed {campaign.seed}", why, ""] + [f"[{at:9.3f} s] {text}" for at, text in campaign.told]
    (where / "story.txt").write_text("\n".join(story) + "\n")
    (where / "nodes.txt").write_text(quietly(lab.describe))
    for node in lab.nodes:
        here = where / node.name
        here.mkdir()
        if node.up():
            (here / "kernel.txt").write_text(kernel(node))
            for words in (["history", "-n", "1000"], ["status"]):
                (here / f"{words[0]}.json").write_text(node.run(*ringkeep.hactl_command(node), "--json", *words).stdout)
        shutil.copytree(node.dir / "log", here / "log", dirs_exist_ok=True)
        shutil.copytree(node.state, here / "state", ignore=shutil.ignore_patterns("node.key"), dirs_exist_ok=True)
        shutil.copy(node.conf, here)
    for path in [*lab.root.glob("*.jsonl"), *(lab.root / "capture").glob("*")]:
        shutil.copy(path, where)
    return where


def kernel(node):
    commands = (["ip", "-d", "addr"], ["ip", "neigh"], ["ip", "route"], ["nft", "list", "ruleset"], ["tc", "filter", "show", "dev", "eth0", "ingress"],
                ["tc", "filter", "show", "dev", "eth0", "egress"], ["ps", "-ef"])
    return "\n".join(f"$ {' '.join(c)}\n{done.stdout}{done.stderr}" for c in commands for done in [node.run(*c)])


def quietly(function):
    try:
        return function()
    except Exception as error:  # evidence is taken from a cluster that may be in any state
        return f"{type(error).__name__}: {error}"
