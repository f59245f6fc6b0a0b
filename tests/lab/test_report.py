# SPDX-License-Identifier: GPL-2.0-or-later
"""hactl report: one archive of each node, with the agent, without it and with one that hangs; planted secrets are in none."""
import base64
import json
import signal
import tarfile
import time

import pytest
from ringlab.ringkeep import hactl_command

WORD = "Tr0ub4dor&3"
CONFIG = f"""
# password = "{WORD}"
# fence-device bmc {{ agent = fence_ipmilan parameters = {{ "login=admin", "passwd={WORD}" }} password-file = "PW" }}
# setting ami-secret {{ value = "{WORD}" }}
# setting rest {{ value = "http://admin:{WORD}@127.0.0.1/" }}
"""
ALWAYS = ("00-INDEX.txt", "config/ringkeep.conf", "config/check.txt", "kernel/addresses.txt", "kernel/nft.txt", "kernel/neighbours.txt",
          "kernel/routes.txt", "kernel/tc-eth0-ingress.txt", "state/history", "state/journal.0", "versions/corosync.txt", "system/processes.txt")
AGENT = ("agent/status.txt", "agent/status.json", "agent/gate.txt", "agent/voters.txt", "agent/why-office.txt")
COROSYNC = ("corosync/corosync.conf", "corosync/quorum.txt", "corosync/cmap.txt")


def plant(node):
    """A copy of the configuration with secrets, a password file, and a key in corosync's. Returns the options that name them."""
    password = node.dir / "bmc.password"
    password.write_text(WORD + "\n")
    password.chmod(0o600)
    conf = node.dir / "planted.conf"
    conf.write_text(node.conf.read_text() + CONFIG.replace("PW", str(password)))
    corosync = node.binds["/etc/corosync"] / "planted.conf"
    corosync.write_text(f"totem {{\n    key: {WORD}\n}}\n")
    return ["--config", str(conf), "--corosync", "/etc/corosync/planted.conf", "--state-dir", str(node.state)]


def report(lab, node, name):
    """name -> bytes of what is in the archive, and how long it took."""
    archive = node.dir / f"{name}.tar.gz"
    begun = time.monotonic()
    done = node.run(*hactl_command(node), "report", *plant(node), str(archive), timeout=100)
    took_s = time.monotonic() - begun
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(archive) and archive.stat().st_mode & 0o777 == 0o600
    with tarfile.open(archive) as tar:
        files = {m.name.split("/", 1)[1]: tar.extractfile(m).read() for m in tar.getmembers() if m.isfile()}
        assert len({m.name.split("/")[0] for m in tar.getmembers()}) == 1, "one folder"
    again = node.run(*hactl_command(node), "report", str(archive), timeout=100)
    assert again.returncode == 1 and "exists" in again.stderr, "nothing is overwritten"
    return files, took_s


def check(lab, node, files, expected):
    index = files["00-INDEX.txt"].decode()
    for name in expected:
        assert files.get(name), f"{node.name}: {name} is empty or missing\n{index}"
        assert name == "00-INDEX.txt" or f"{name} " in index, index
    key, authkey = (node.state / "node.key").read_bytes(), (lab.root / "corosync.authkey").read_bytes()
    secrets = {"word": WORD.encode(), "word in base64": base64.b64encode(WORD.encode()), "node.key": key.strip(),
               "authkey": authkey, "authkey in base64": base64.b64encode(authkey)[:60]}
    secrets |= {f"line {i} of node.key": line for i, line in enumerate(key.split()) if len(line) >= 16}
    for name, data in files.items():
        for what, secret in secrets.items():
            assert secret not in data, f"{node.name}: {what} is in {name}"
    assert b"(removed)" in files["config/ringkeep.conf"] and b"password-file" in files["config/ringkeep.conf"]
    return index


def test_each_node(lab):
    for node in lab.pbx_nodes:
        files, took_s = report(lab, node, "alive")
        index = check(lab, node, files, ALWAYS + AGENT + COROSYNC)
        assert f"ringkeep report of {node.name}," in index and "group office: held by" in index and took_s < 60
        assert json.loads(files["agent/status.json"])["node"] == node.name
        assert b"key: (removed)" in files["corosync/corosync.conf"] and b"Quorate" in files["corosync/quorum.txt"]
        assert b"bpf" in files["kernel/tc-eth0-ingress.txt"]
        assert files["state/history"].startswith(b"{")


def test_the_witness(lab):
    files, _ = report(lab, lab.w1, "witness")
    check(lab, lab.w1, files, [n for n in ALWAYS if n not in ("kernel/nft.txt", "kernel/tc-eth0-ingress.txt")] + ["agent/status.txt"])


@pytest.mark.parametrize("how, says", [("dead", "Connection refused"), ("hung", "Connection timed out")])
def test_without_an_agent(lab, how, says):
    node = lab.n2
    if how == "dead":
        node.agent.kill()
    else:
        node.agent.stop()
    files, took_s = report(lab, node, how)
    index = check(lab, node, files, ALWAYS + COROSYNC)
    assert f"The agent gives no answer: {says}" in index and not any(n.startswith("agent/") for n in files)
    assert took_s < 60, "it was waited for once"
    if how == "hung":
        node.agent.send(signal.SIGCONT)
