# SPDX-License-Identifier: GPL-2.0-or-later
"""Kamailio on a node, with the configuration that packaging/examples shows to an admin."""
from .paths import ROOT
from .phones import VIP as VIP4

EXAMPLE = ROOT / "packaging" / "examples" / "kamailio" / "kamailio.cfg"


COLUMNS = ("l_uuid(string) l_username(string) l_domain(string) r_username(string) r_domain(string) realm(string) auth_username(string) "
           "auth_password(string) auth_ha1(string,null) auth_proxy(string) expires(int) flags(int) reg_delay(int) socket(string,null) "
           "contact_addr(string,null)")


def trunk_records(node, trunks):
    """Table uacreg of db_text: in each field `:` stands between fields, so it is escaped."""
    for t in trunks:
        own = f"{node.address('lan')}:5060" if t.contact == "node" else ""
        fields = [f"{t.user}-reg", t.user, "office", t.user, "10.77.0.210", "carrier", t.user, f"pw{t.user}", "", "sip:10.77.0.210:5060", "60",
                  "0" if t.on_at_start else "1", "0", own and f"udp:{own}", own]
        yield ":".join(f.replace(":", r"\:") for f in fields)


def trunk_arguments(node):
    trunks = [t for t in node.lab.settings.trunks if t.user]
    if not trunks:
        return []
    db = node.dir / "dbtext"
    db.mkdir(exist_ok=True)
    (db / "version").write_text("table_name(string) table_version(int)\nuacreg:5\n")
    (db / "uacreg").write_text("\n".join([COLUMNS, *trunk_records(node, trunks)]) + "\n")
    return ["-A", "RK_TRUNKS", "-A", f'RK_TRUNK_DB="text://{db}"', "-A", f'RK_TRUNK_CONTACT="{VIP4}:5060"',
            "-A", f"RK_NODE={node.address('lan')}"]


def start(node):
    """In the foreground as one process group; its main process is node.pbx, and it writes the pid file that the agent watches."""
    node.check("mkdir", "-p", "/run/kamailio")
    return node.spawn("pbx", "kamailio", "-f", EXAMPLE, "-P", "/run/kamailio/kamailio.pid", "-Y", "/run/kamailio", "-DD", "-E",
                      "-m", str(node.lab.settings.pbx_memory_mib), "-M", "8", "-A", f"RK_VIP={VIP4}", "-A", "RK_CHILDREN=2", *trunk_arguments(node))
