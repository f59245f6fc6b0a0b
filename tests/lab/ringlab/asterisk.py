# SPDX-License-Identifier: GPL-2.0-or-later
"""A real Asterisk of another Debian suite on a node, with the configuration that packaging/examples shows to an admin, its phones, and a manager
connection for what the tests themselves want to know. Nodes share the suite's tree; each has its own etc, db, run, log, mounted as /node."""
import dataclasses
import re
import socket
import threading

from .machine import wait_until
from .netns import inside
from .paths import ROOT, fetched

EXAMPLE = ROOT / "packaging" / "examples" / "asterisk"
VIP = "10.77.0.100"
SUITES = {"22": "sid", "16": "bullseye"}
SECRETS = {"ami": "change-this-ami-secret", "ari": "change-this-ari-secret"}  # as in the examples
AMI_PORT = 5038
ON_NODE = "/run/asterisk"  # the node's directory, in its own eyes: the same on all nodes, as the configuration is


def tree(version):
    """The unpacked Asterisk, fetched if it is not there yet."""
    return fetched("asterisk", SUITES[version], timeout_s=900)


@dataclasses.dataclass
class Account:
    user: str
    qualify_s: int = 0
    max_contacts: int = 1
    nat: bool = False
    direct_media: bool = None  # None: as the template has it

    def text(self):
        replace = "yes" if self.max_contacts == 1 else "no"
        media = "" if self.direct_media is None else f"direct_media={'yes' if self.direct_media else 'no'}\n"
        return (f"[{self.user}]({'phone-nat' if self.nat else 'phone'})\nauth={self.user}\naors={self.user}\ncallerid={self.user} <{self.user}>\n{media}"
                f"[{self.user}](phone-auth)\nusername={self.user}\npassword=pw{self.user}\n"
                f"[{self.user}](phone-aor)\nmax_contacts={self.max_contacts}\nremove_existing={replace}\nqualify_frequency={self.qualify_s}\n"
                "minimum_expiration=1\n")


def install(directory, name, accounts, vip=VIP, changes=None, files=None):
    """Writes a node's files: the examples, the accounts in place of theirs, and what no admin needs: an account that may ask everything.
    changes: file -> [(text, text instead)]; files: more files, name -> text."""
    etc = directory / "etc"
    for folder in ("etc", "db", "run", "log", "spool", "lib"):
        (directory / folder).mkdir(parents=True, exist_ok=True)
    for example in EXAMPLE.glob("*.conf"):
        text = example.read_text().replace("10.77.0.100", vip)
        for old, new in (changes or {}).get(example.name, []):
            assert old in text, f"{example.name} has no {old}"
            text = text.replace(old, new)
        (etc / example.name).write_text(text)
    (etc / "asterisk.conf").write_text("[directories]\n" + "".join(f"ast{key}dir => /node/{folder}\n" for key, folder in (
        ("etc", "etc"), ("db", "db"), ("run", "run"), ("log", "log"), ("spool", "spool"), ("key", "lib"), ("agi", "lib")))
        + (etc / "asterisk.conf").read_text().replace("systemname = n1", f"systemname = {name}"))
    # The prober's OPTIONS come from the phones' address: known, as an office's monitoring is.
    prober = "[prober]\ntype=endpoint\ncontext=ringkeep-probe\ndisallow=all\nallow=ulaw\n"
    (etc / "pjsip_phones.conf").write_text(prober + "".join(a.text() for a in accounts))
    (etc / "manager_site.conf").write_text("[lab]\nsecret = lab\nread = all\nwrite = all\n")
    for file in ("ccss", "cel", "cdr", "features", "indications", "udptl", "pjproject", "stasis", "codecs", "acl", "websocket_client", "queuerules"):
        # Without them Asterisk complains in its log, where a test's failure is looked for.
        (etc / f"{file}.conf").write_text({"cdr": "[general]\nenable = no\n", "cel": "[general]\nenable = no\n", "acl": ""}.get(file, "[general]\n"))
    for file, text in (files or {}).items():
        (etc / file).write_text(text)
    (directory / "hosts").write_text(f"127.0.0.1 localhost {name} {socket.gethostname()} A.ROOT-SERVERS.NET\n")
    for kind, secret in SECRETS.items():
        path = directory / f"{kind}.secret"
        path.write_text(secret + "\n")
        path.chmod(0o600)


def command(tree_path, directory):
    """One process, no shell stays: its pid is Asterisk's. The mounts are its own. The pid file is directory/run/asterisk.pid."""
    (tree_path / "node").mkdir(exist_ok=True)
    script = ('mount --bind "$2" "$1/node" && mount --bind "$2/hosts" "$1/etc/hosts" && rm -f "$2"/run/* && '
              'exec chroot "$1" /usr/sbin/asterisk -f -C /node/etc/asterisk.conf')
    return ["unshare", "--mount", "sh", "-c", script, "asterisk", str(tree_path), str(directory)]


def settings(directory):
    """Of the adapter."""
    return {"ami": f"tcp:127.0.0.1:{AMI_PORT}", "ami-user": "ringkeep", "ami-secret-file": f"{directory}/ami.secret",
            "ari": "http://127.0.0.1:8088/ari", "ari-user": "ringkeep", "ari-secret-file": f"{directory}/ari.secret"}


class Manager:
    """AMI as the account that may ask everything. With events=True `events` collects them."""

    def __init__(self, where, events=False):
        with inside(where):
            self._s = socket.create_connection(("127.0.0.1", AMI_PORT), 5)
        self._s.settimeout(None)
        self._file, self._id, self._answers, self.events = self._s.makefile("rb"), 0, {}, []
        self._changed, self._open = threading.Condition(), True
        self._file.readline()
        threading.Thread(target=self._read, daemon=True).start()
        assert self.ask("Login", Username="lab", Secret="lab", Events="on" if events else "off")[0]["Response"] == "Success"

    def _read(self):
        message = {}
        try:
            for raw in self._file:
                line = raw.decode(errors="replace").rstrip("\r\n")
                if line:
                    name, _, value = line.partition(":")
                    message[name] = f"{message[name]}\n{value.strip()}" if name == "Output" and name in message else value.strip()
                    continue
                if message:
                    with self._changed:
                        (self._answers.setdefault(message["ActionID"], []) if "ActionID" in message else self.events).append(message)
                        self._changed.notify_all()
                message = {}
        except (OSError, ValueError):
            pass
        with self._changed:
            self._open = False
            self._changed.notify_all()

    def ask(self, action, timeout_s=10, **fields):
        """The messages of the answer: one, or those of a list without its frame."""
        self._id += 1
        key = str(self._id)
        lines = [f"Action: {action}", f"ActionID: {key}", *(f"{k}: {v}" for k, v in fields.items())]
        self._s.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

        def whole():
            got = self._answers.get(key, [])
            return got and (got[0].get("EventList", "").lower() != "start" or got[-1].get("EventList", "").lower() == "complete") or not self._open
        with self._changed:
            assert self._changed.wait_for(whole, timeout_s), f"AMI does not answer {action}"
            got = self._answers.pop(key, [])
        assert got, f"AMI ended at {action}"
        return [m for m in got[1:] if m.get("EventList", "").lower() != "complete"] if "EventList" in got[0] else got

    def command(self, text):
        return self.ask("Command", Command=text)[0].get("Output", "")

    def contacts_count(self):
        """Of all AORs, as its database has them."""
        output = self.command("database query \"SELECT count(*) AS n FROM astdb WHERE key LIKE '/registrar/contact/%'\"")
        found = re.search(r"n *: (\d+)", output)
        assert found, output
        return int(found.group(1))

    def contacts(self, aor):
        """URIs of the dynamic contacts."""
        return [m for m in self.ask("PJSIPShowContacts") if m.get("ObjectName", "").startswith(aor + ";")]

    def device_states(self):
        """User -> "Not in use", "Unavailable", "In use"."""
        return {m["ObjectName"]: m["DeviceState"] for m in self.ask("PJSIPShowEndpoints") if "DeviceState" in m}

    def queue_members(self, queue="support"):
        """Member -> device state number of the queue: 1 = free, 5 = unavailable."""
        return {m["Name"].removeprefix("PJSIP/"): int(m["Status"]) for m in self.ask("QueueStatus", Queue=queue) if m["Event"] == "QueueMember"}

    def alarming(self, since=0):
        """Events that make a ban: what an attack looks like."""
        bad = ("ChallengeResponseFailed", "InvalidAccountID", "InvalidPassword", "FailedACL", "RequestNotSupported", "RequestNotAllowed",
               "RequestBadFormat", "AuthMethodNotAllowed", "UnexpectedAddress", "SessionLimit")
        return [e for e in self.events[since:] if e.get("Event") in bad]

    def close(self):
        try:
            self._s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._s.close()


def booted(where):
    """Does it answer, with everything loaded?"""
    try:
        manager = Manager(where)
    except (OSError, AssertionError, ValueError):
        return False
    try:
        return "System has been up" in manager.command("core waitfullybooted") or "fully booted" in manager.command("core waitfullybooted")
    except (OSError, AssertionError):
        return False
    finally:
        manager.close()


# ---- On a node of the cluster

def directory(node):
    return node.dir / "asterisk"


def where(node):
    return f"/proc/{node.pid}/ns/net"


def configure(lab):
    for node in lab.pbx_nodes:
        install(directory(node), node.name, lab.settings.accounts, **lab.settings.asterisk_install)


def start(node):
    node.check("sh", "-c", f'mkdir -p {ON_NODE} && {{ mountpoint -q {ON_NODE} || mount --bind "$1" {ON_NODE}; }}', "sh", directory(node))
    return node.spawn("pbx", *command(tree(node.lab.settings.asterisk), directory(node)))


def wait_booted(node, timeout_s=20):
    wait_until(lambda: booted(where(node)), timeout_s, lambda: f"Asterisk on {node.name}: {(node.dir / 'log' / 'pbx.log').read_text()[-1500:]}", 0.1)
