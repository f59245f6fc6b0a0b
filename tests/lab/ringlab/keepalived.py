# SPDX-License-Identifier: GPL-2.0-or-later
"""keepalived on the same nodes, as an admin sets it up: what ringkeep is measured against, and what the lab tests itself with."""
import os
import pathlib

from .machine import wait_until

CONF = """global_defs {{
    router_id {name}
    vrrp_version 3
    vrrp_rt_priority 60
    enable_script_security
    script_user root
}}
track_file switch {{
    file /run/switch
    init_file 0
}}
{checks}vrrp_instance lab {{
    state BACKUP
    interface eth0
    virtual_router_id 77
    priority {priority}
    advert_int {advert}
    virtual_ipaddress {{
{addresses}    }}
    track_file {{
        switch weight 1
    }}
{tracks}}}
"""
# track_process needs the kernel's process events, which exist outside PID namespaces only, so the usual script it is.
CHECK = """vrrp_script pbx {{
    script "{script}"
    interval 1
    timeout 1
    fall 1
    rise 1
}}
"""


def configure(node, advert="0.05", addresses=("10.77.0.100/24",), check_pbx=False):
    """Node 1 has the higher priority. /run/switch is the admin's lever: -100 in it lowers the priority below the other's."""
    check = node.dir / "check-pbx"
    check.write_text("#!/bin/sh\nkill -0 \"$(cat /run/kamailio/kamailio.pid)\"\n")
    check.chmod(0o755)
    text = CONF.format(name=node.name, priority={1: 150}.get(node.id, 100), advert=advert,
                       addresses="".join(f"        {a}\n" for a in addresses), checks=CHECK.format(script=check) if check_pbx else "",
                       tracks="    track_script {\n        pbx\n    }\n" if check_pbx else "")
    (node.dir / "keepalived.conf").write_text(text)


def start(node):
    return node.spawn("keepalived", "keepalived", "-n", "-l", "-f", node.dir / "keepalived.conf")


def pids(node):
    """All processes of keepalived on the node, parent first."""
    done = node.run("pgrep", "-x", "keepalived|keepalived_vrr.*")
    inner = [int(p) for p in done.stdout.split()]
    return [host_pid(node, p) for p in inner]


def host_pid(node, inner):
    """The host's pid of a process of the node."""
    for path in pathlib.Path("/proc").glob("[0-9]*/status"):
        try:
            for line in path.read_text().splitlines():
                if line.startswith("NSpid:"):
                    numbers = line.split()[1:]
                    if len(numbers) > 1 and int(numbers[-1]) == inner and same_pid_namespace(path.parent.name, node.pid):
                        return int(numbers[0])
        except (FileNotFoundError, ProcessLookupError):
            pass
    raise ProcessLookupError(f"{inner} on {node.name}")


def same_pid_namespace(pid, other):
    return os.stat(f"/proc/{pid}/ns/pid").st_ino == os.stat(f"/proc/{other}/ns/pid").st_ino


def has_address(node, address="10.77.0.100"):
    return f"{address}/" in node.check("ip", "-o", "addr", "show", "dev", "eth0")


def wait_master(lab, node, timeout_s=20):
    others = [n for n in lab.pbx_nodes if n is not node and n.up()]
    wait_until(lambda: has_address(node) and not any(has_address(o) for o in others), timeout_s, f"keepalived on {node.name} to be master")
