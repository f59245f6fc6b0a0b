# SPDX-License-Identifier: GPL-2.0-or-later
"""Corosync with two rings. The ping settings matter: with corosync's own, a low token makes the links flap."""
import os

CONF = """totem {{
    version: 2
    cluster_name: ringlab
    transport: knet
    crypto_cipher: aes256
    crypto_hash: sha256
    token: 1000
    link_mode: active
    seqno_unchanged_const: 3
{interfaces}}}
quorum {{
    provider: corosync_votequorum
    two_node: {two_node}
    wait_for_all: 0
}}
system {{
    sched_rr: yes
    allow_knet_handle_fallback: yes
}}
logging {{
    to_stderr: yes
    to_logfile: no
    to_syslog: no
    timestamp: hires
}}
nodelist {{
{nodes}}}
"""
INTERFACE = """    interface {{
        linknumber: {number}
        knet_ping_interval: 200
        knet_ping_timeout: 1000
        knet_pong_count: 2
    }}
"""
NODE = """    node {{
        name: {name}
        nodeid: {id}
        ring0_addr: {ring0}
        ring1_addr: {ring1}
    }}
"""


def configure(lab):
    text = CONF.format(
        two_node=int(len(lab.pbx_nodes) == 2),
        interfaces="".join(INTERFACE.format(number=n) for n in (0, 1)),
        nodes="".join(NODE.format(name=n.name, id=n.id, ring0=n.address("ring0"), ring1=n.address("ring1")) for n in lab.pbx_nodes))
    key = lab.root / "corosync.authkey"
    if not key.exists():
        key.write_bytes(os.urandom(256))
    for node in lab.pbx_nodes:
        etc = node.binds["/etc/corosync"]
        (etc / "corosync.conf").write_text(text)
        (etc / "authkey").write_bytes(key.read_bytes())
        (etc / "authkey").chmod(0o400)


def start(node):
    return node.spawn("corosync", "corosync", "-f")
