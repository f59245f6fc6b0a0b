# SPDX-License-Identifier: GPL-2.0-or-later
"""hactl config check beside the corosync.conf that a real corosync of the lab runs with."""
import json
import os

import pytest
from ringlab import Lab
from ringlab.machine import wait_until

PINGS = "        knet_ping_interval: 200\n        knet_ping_timeout: 1000\n"


@pytest.fixture(scope="module")
def node():
    if os.geteuid() != 0:
        pytest.fail("the lab needs root: namespaces, nftables, real-time priority")
    with Lab() as lab:
        lab.configure()
        for n in lab.pbx_nodes:
            n.start_corosync()
        wait_until(lambda: "Nodes:            2" in lab.n1.run("corosync-quorumtool", "-s").stdout, 20, "two nodes in corosync")
        yield lab.n1


def check(node):
    done = node.run(str(node.lab.root / "bin" / "hactl"), "--json", "config", "check", node.conf)
    return done.returncode, json.loads(done.stdout)


def test_the_labs_own_file_is_good(node):
    code, told = check(node)
    assert (code, told["errors"]) == (0, []), told
    assert [n["text"].split(":")[0] for n in told["notes"]] == ["cluster_name"]  # "ringlab" and "lab"


def test_what_corosync_itself_takes_and_we_do_not(node):
    """corosync runs with a token that knet's pings cannot follow, and without encryption; a check names file, line and key."""
    conf = node.binds["/etc/corosync"] / "corosync.conf"
    good = conf.read_text()
    for old, new, key in (("token: 1000\n    link_mode: active", "token: 300\n    link_mode: active", "token"),
                          ("crypto_hash: sha256", "crypto_hash: none", "crypto_hash"),
                          ("nodeid: 2", "nodeid: 7", "nodeid")):
        assert old in good
        bad = good.replace(old, new).replace(PINGS if key == "token" else "\0", "")
        if key == "crypto_hash":
            bad = bad.replace("crypto_cipher: aes256", "crypto_cipher: none")
        conf.write_text(bad)
        line = next(i for i, text in enumerate(bad.splitlines(), 1) if new.splitlines()[0] in text)
        code, told = check(node)
        assert code == 1 and not told["ok"], told
        assert any(e["file"] == "/etc/corosync/corosync.conf" and e["line"] == line and e["text"].startswith(f"{key}: ")
                   for e in told["errors"]), (key, line, told)
    conf.write_text(good)
    assert check(node)[0] == 0
