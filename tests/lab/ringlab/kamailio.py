# SPDX-License-Identifier: GPL-2.0-or-later
"""Kamailio on a node, with the configuration that packaging/examples shows to an admin."""
from .paths import ROOT
from .phones import VIP as VIP4

EXAMPLE = ROOT / "packaging" / "examples" / "kamailio" / "kamailio.cfg"


def start(node):
    """In the foreground as one process group; its main process is node.pbx, and it writes the pid file that the agent watches."""
    node.check("mkdir", "-p", "/run/kamailio")
    return node.spawn("pbx", "kamailio", "-f", EXAMPLE, "-P", "/run/kamailio/kamailio.pid", "-Y", "/run/kamailio", "-DD", "-E",
                      "-m", str(node.lab.settings.pbx_memory_mib), "-M", "8", "-A", f"RK_VIP={VIP4}", "-A", "RK_CHILDREN=2")
