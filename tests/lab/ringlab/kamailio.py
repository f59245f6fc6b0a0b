# SPDX-License-Identifier: GPL-2.0-or-later
"""Kamailio on a node, with the configuration that packaging/examples shows to an admin."""
import json
import socket

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


DMQ = [  # before which line of the example; what
    ('modparam("jsonrpcs", "transport", 6)', """listen=udp:{own}:5062
loadmodule "dmq.so"
loadmodule "dmq_usrloc.so"
modparam("dmq", "server_address", "sip:{own}:5062")
modparam("dmq", "notification_address", "sip:{other}:5062")
modparam("dmq", "num_workers", 2)
modparam("dmq_usrloc", "enable", 1)
modparam("dmq_usrloc", "sync", 1)
"""),
    ('	if (!mf_process_maxfwd_header("10")) {', """	if (is_method("KDMQ") && $Rp == 5062) {{
		dmq_handle_message();
		exit;
	}}
""")]


def configuration(node):
    """The example; with settings.dmq the same whose registrations are replicated by Kamailio's own modules, over the first ring."""
    if not node.lab.settings.dmq:
        return EXAMPLE
    text, other = EXAMPLE.read_text(), next(n for n in node.lab.pbx_nodes if n is not node)
    for before, what in DMQ:
        assert text.count(before) == 1, f"the example has no single {before!r}"
        text = text.replace(before, what.format(own=node.address("ring0"), other=other.address("ring0")) + before)
    path = node.dir / "kamailio.cfg"
    path.write_text(text)
    return path


def rpc(node, method, *params):
    """The result of one call of the node's Kamailio, by the socket that the adapter uses."""
    own = node.dir / "rpc.sock"
    own.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(str(own))
        s.settimeout(5)
        s.sendto(json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": 1}).encode(), f"/proc/{node.pid}/root/run/kamailio/kamailio_rpc.sock")
        return json.loads(s.recv(65536))["result"]


def contacts(node):
    """How many registrations it has; 0 if it cannot be asked."""
    try:
        return next(int(line.split("=")[1]) for line in rpc(node, "stats.get_statistics", "usrloc:") if "location_contacts" in line)
    except (OSError, KeyError, StopIteration):
        return 0


def start(node):
    """In the foreground as one process group; its main process is node.pbx, and it writes the pid file that the agent watches."""
    node.check("mkdir", "-p", "/run/kamailio")
    return node.spawn("pbx", "kamailio", "-f", configuration(node), "-P", "/run/kamailio/kamailio.pid", "-Y", "/run/kamailio", "-DD", "-E",
                      "-m", str(node.lab.settings.pbx_memory_mib), "-M", "8", "-A", f"RK_VIP={VIP4}", "-A", "RK_CHILDREN=2", *trunk_arguments(node))
