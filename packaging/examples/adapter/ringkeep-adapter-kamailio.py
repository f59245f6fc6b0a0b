#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A whole adapter of ringkeep: Kamailio through its JSON-RPC, with nothing but Python's standard library.

It is here to be read beside docs/adapter-protocol.md, and to be the start of one for your PBX. It works, but ringkeep-adapter-kamailio does more:
it keeps Call-ID and CSeq, hears of changes at once, and reads lists that are longer than the 128 KiB of a datagram (about 250 phones).

    pbx {
        adapter = "exec:/usr/local/lib/ringkeep-adapter-kamailio.py"
        pid-file = "/run/kamailio/kamailio.pid"
        setting rpc { value = "/run/kamailio/kamailio_rpc.sock" }
        setting uplink-table { value = "rkuplink" }    # only with uplinks; what kamailio.cfg does with it is in the example
    }

Its shape is the one that every adapter needs: one loop that waits for all at once (the agent, the PBX, the next deadline) and never blocks, so that a
ping is answered whatever the PBX does; `known`, what the agent and we agree on; and a comparison of `known` with what the PBX has, which does
all the work: on a standby it makes the PBX like `known`, on the holder it makes `known` like the PBX, and tells the agent.
"""
import contextlib
import json
import os
import select
import socket
import sys
import tempfile
import time

POLL_S, RPC_S, HEALTH_S, HEAL_S = 2, 2, 3, 10  # between two comparisons; for an answer; between reports; what ends sooner is not given back
REFRESHED_MS = 2500                            # Kamailio counts whole seconds: an expiry that moved by more is a refresh
WINDOW, LINE_MAX = 8, 256 * 1024               # requests at Kamailio at a time; bytes of a line, both ways
SETTINGS = {"rpc", "table", "uplink-table"}
TEXTS = {"received": "Received", "path": "Path", "socket": "Socket", "call_id": "Call-ID", "user_agent": "User-Agent"}


def say(kind, **fields):
    """One message to the agent."""
    sys.stdout.write(json.dumps({"type": kind, **fields}) + "\n")
    sys.stdout.flush()


class Adapter:
    def __init__(self):
        self.configured = self.active = self.told_everything = False
        self.known = {}                # (aor, contact) -> binding, with "until", the time.monotonic() of its end, in place of expires_ms
        self.listed = None             # what is in a complete list that is just being told
        self.restoring = True          # Kamailio may have lost what it had: give it back instead of reporting it as gone
        self.queue, self.flying = [], {}  # requests for Kamailio: waiting, and id -> (deadline, then)
        self.dumps, self.next_rpc = [], 0
        self.pid, self.served_by, self.problem, self.reported = 0, 0, "nothing heard of Kamailio yet", None
        self.poll_at = self.health_at = self.uptime_at = 0
        self.sweeping, self.differences = False, 1
        self.uplink, self.told_again = None, True  # what Kamailio's hash table is to have

    # ---- Kamailio's JSON-RPC over a unix datagram socket

    def ask(self, method, params, then):
        """then(result, error): one of them is None; both are None if nothing was answered in time."""
        self.queue.append((method, params, then))

    def send_queued(self, now):
        while self.queue and len(self.flying) < WINDOW:
            method, params, then = self.queue.pop(0)
            self.next_rpc += 1
            try:
                self.rpc.sendto(json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": self.next_rpc}).encode(), self.rpc_path)
            except OSError as error:
                self.problem = f"Kamailio does not hear on {self.rpc_path}: {error.strerror}"
                then(None, None)
                continue
            self.flying[self.next_rpc] = now + RPC_S, then

    def receive(self):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # whatever is no answer is none
            answer = json.loads(self.rpc.recv(1 << 20).decode(errors="replace"))
            _, then = self.flying.pop(answer.get("id"), (0, None))
            if then:
                self.problem = None
                then(answer.get("result"), answer.get("error"))

    def give_up_late(self, now):
        for number in [n for n, (deadline, _) in self.flying.items() if deadline <= now]:
            self.problem = f"Kamailio does not answer on {self.rpc_path}"
            self.flying.pop(number)[1](None, None)

    # ---- towards Kamailio

    def put(self, b, then=lambda result, error: None):
        """Numbers must be JSON numbers: the string "300" would make a registration without end. "." is: not set."""
        left_s = max(1, round(b["until"] - time.monotonic())) if b["until"] else 0
        self.ask("ul.add", [self.table, b["aor"], b["contact"], left_s, b["q"] / 1000 if "q" in b else -1, b.get("path") or ".",
                            b.get("flags", 0), b.get("cflags", 0), b.get("methods") or 4294967295, b.get("received") or ".",
                            b.get("socket") or "."], then)

    def remove(self, aor, contact, then=lambda result, error: None):
        self.ask("ul.rm_contact", [self.table, aor, contact], then)

    # ---- what Kamailio has

    def compare(self):
        self.sweeping, self.differences = True, 0
        self.ask("ul.dump", [], self.compared)

    def compared(self, result, error):
        self.sweeping = False
        self.poll_at = time.monotonic() + POLL_S
        if result is None:
            self.finish_dumps("Kamailio does not list its contacts")
            return
        found = {}
        for domain in result.get("Domains", []):
            for aor in domain["Domain"]["AoRs"] if domain["Domain"]["Domain"] == self.table else []:
                for item in aor["Info"]["Contacts"]:
                    b = self.binding_of(aor["Info"]["AoR"], item["Contact"])
                    if b:
                        found[b["aor"], b["contact"]] = b
        (self.compare_active if self.active else self.compare_standby)(found)
        if self.differences == 0 and not self.queue:
            self.restoring = False
        self.finish_dumps(None)

    def binding_of(self, aor, contact):
        """Kamailio's words in ours. What lives on the phone's own connection cannot be moved: it is told as `connection`."""
        expires = contact["Expires"]
        if expires in ("expired", "deleted"):
            return None
        b = {"aor": aor, "contact": contact["Address"], "until": 0 if expires == "permanent" else time.monotonic() + expires}
        b.update({ours: contact[theirs] for ours, theirs in TEXTS.items() if contact.get(theirs, "[not set]") not in ("[not set]", "n/a")})
        b.update({ours: contact[theirs] for ours, theirs in (("cseq", "CSeq"), ("methods", "Methods"), ("flags", "Flags"), ("cflags", "CFlags"))
                  if isinstance(contact.get(theirs), int) and contact[theirs] >= 0})
        received = b.get("received", "")
        if "transport=tcp" in received.lower() or "transport=tls" in received.lower():
            b["connection"] = f"{received.lower().split('transport=')[1][:3]}:{received[4:].split(';')[0]}"
        return b

    def compare_active(self, found):
        """Kamailio is the truth: tell what is new, refreshed or gone. What it lost with a restart is given back."""
        puts = [b for key, b in found.items() if not self.same(self.known.get(key), b)]
        gone = [key for key, b in self.known.items() if key not in found and (not self.restoring or "connection" in b)]
        for b in self.known.values():
            if (b["aor"], b["contact"]) not in found and self.restoring and self.movable(b):
                self.differences += 1
                self.put(b)
        self.known.update({(b["aor"], b["contact"]): b for b in puts})
        for key in gone:
            del self.known[key]
        for i in range(0, max(len(puts), len(gone)), 100):
            say("bindings", put=[self.wire(b) for b in puts[i:i + 100]], remove=[{"aor": a, "contact": c} for a, c in gone[i:i + 100]])

    def compare_standby(self, found):
        """`known` is the truth: make Kamailio have it, and nothing else."""
        for key, b in found.items():
            if key not in self.known and self.told_everything:
                self.differences += 1
                self.remove(*key)
        for key, b in self.known.items():
            if self.movable(b) and (key not in found or found[key]["until"] < b["until"] - 5):
                self.differences += 1
                self.put(b)

    def movable(self, b):
        return "connection" not in b and (not b["until"] or b["until"] - time.monotonic() > HEAL_S)

    def same(self, old, b):
        skip = ("until", "age_ms", "priority")
        return old and abs(old["until"] - b["until"]) * 1000 < REFRESHED_MS and all(old.get(k) == b[k] for k in b if k not in skip)

    def wire(self, b):
        """As it travels: no wall clock, what remains in milliseconds."""
        left = {"expires_ms": max(0, round((b["until"] - time.monotonic()) * 1000))} if b["until"] else {}
        return {**{k: v for k, v in b.items() if k != "until"}, **left}

    def finish_dumps(self, why):
        for number in self.dumps:
            if why:
                say("failed", id=number, why=why)
                continue
            every = [self.wire(b) for b in self.known.values()]
            pieces = [every[i:i + 100] for i in range(0, len(every), 100)] or [[]]
            for i, piece in enumerate(pieces):
                say("bindings", put=piece, full_begin=i == 0, full_end=i == len(pieces) - 1)
            say("done", id=number)
        self.dumps.clear()

    # ---- from the agent: each on_x answers its id once, now or later

    def on_ping(self, m):
        say("pong", id=m["id"])

    def on_configure(self, m):
        settings = m.get("settings", {})
        unknown = set(settings) - SETTINGS
        if unknown or not settings.get("rpc"):
            say("failed", id=m["id"], why=f"unknown setting \"{unknown.pop()}\"" if unknown else "setting \"rpc\" must be the path of Kamailio's RPC socket")
            return
        self.rpc_path, self.table, self.pid_file = settings["rpc"], settings.get("table", "location"), m.get("pid_file")
        self.uplink_table = settings.get("uplink-table")
        self.rpc = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.rpc.setblocking(False)
        self.folder = tempfile.TemporaryDirectory(prefix="ringkeep-adapter-")
        os.chmod(self.folder.name, 0o711)  # Kamailio, as another user, must be able to answer
        self.rpc.bind(self.folder.name + "/rpc")
        os.chmod(self.folder.name + "/rpc", 0o622)
        self.configured, self.active = True, bool(m.get("holder"))
        say("done", id=m["id"], uplinks="one" if self.uplink_table else "none", reinvite=False)

    def on_activate(self, m):
        self.active, self.restoring, self.poll_at = True, True, 0
        say("done", id=m["id"])  # Kamailio has had everything all the time

    def on_standby(self, m):
        self.active, self.poll_at = False, 0
        say("done", id=m["id"])

    def on_dump(self, m):
        self.dumps.append(m["id"])
        self.poll_at = 0

    def on_trunk(self, m):
        say("failed", id=m["id"], why="this adapter registers no trunks")

    def on_uplink(self, m):
        """One public address for all calls: that of the uplink in use, as it stands in a URI; "" is none."""
        if not self.uplink_table or m.get("drain"):
            say("failed", id=m["id"], why="setting \"uplink-table\" is not set" if not self.uplink_table else "one uplink for all calls: no drain")
            return
        self.uplink = {"name": m["name"], "public4": m.get("public4") or "", "public6": f"[{m['public6']}]" if m.get("public6") else ""}
        self.set_uplink(m["id"])

    def set_uplink(self, number=None):
        """Answers the order that it is for, if it is for one: when all are set, or the first one fails."""
        left = set(self.uplink or ())

        def finished(result, error, key):
            nonlocal number
            left.discard(key)
            why = f"Kamailio does not take {key} into its hash table {self.uplink_table}: {(error or {}).get('message', self.problem)}"
            if number is not None and (result is None or not left):
                say("failed" if result is None else "done", id=number, **({"why": why[:199]} if result is None else {}))
                number = None
        for key, value in (self.uplink or {}).items():
            self.ask("htable.sets", [self.uplink_table, key, value], lambda result, error, key=key: finished(result, error, key))

    def on_reinvite(self, m):
        say("failed", id=m["id"], why="Kamailio is a proxy: it sends no re-INVITEs")

    def on_apply(self, m):
        """Removals first. `failed` tells the agent that Kamailio has not got it yet; the next comparison brings it."""
        open_requests, failed = {"n": 1}, []

        def finished(result, error):
            open_requests["n"] -= 1
            if result is None and not (error and error.get("code") in (404, 500)):  # 404 and 500: it was not there
                failed.append(self.problem or f"Kamailio says: {error.get('message', error)}")
            if open_requests["n"] == 0:
                say("failed" if failed else "done", id=m["id"], **({"why": failed[0][:199]} if failed else {}))

        if m.get("full_begin"):
            self.listed = set()
        gone = [(k["aor"], k["contact"]) for k in m.get("remove", [])]
        put = [dict(b, until=time.monotonic() + b["expires_ms"] / 1000 if "expires_ms" in b else 0) for b in m.get("put", [])]
        fresh = [b for b in put if not self.same(self.known.get((b["aor"], b["contact"])), b)]
        self.known.update({(b["aor"], b["contact"]): b for b in put})
        if self.listed is not None:
            self.listed.update((b["aor"], b["contact"]) for b in put)
        if m.get("full_end") and self.listed is not None:
            gone += [key for key in self.known if key not in self.listed]
            self.listed, self.told_everything, self.poll_at = None, True, 0
        for key in gone:
            self.known.pop(key, None)
        if not self.active:
            open_requests["n"] += len(gone) + sum(map(self.movable, fresh))
            for key in gone:
                self.remove(*key, finished)
            for b in filter(self.movable, fresh):
                self.put(b, finished)
        finished({}, None)

    # ---- the loop

    def look_at_pid(self):
        try:
            pid = int(open(self.pid_file).read())
            os.kill(pid, 0)
        except (OSError, ValueError):
            return 0
        except TypeError:
            return self.pid  # no pid file is configured
        if pid != self.served_by:
            self.served_by, self.restoring, self.poll_at = pid, True, 0  # another process: it came up empty
            self.told_again = False
        return pid

    def report(self, now):
        self.pid = self.look_at_pid()
        state, why = ("dead", f"no process of {self.pid_file}") if self.pid_file and not self.pid else \
            ("sick", self.problem) if self.problem else ("healthy", f"Kamailio answers on {self.rpc_path}")
        fields = {"state": state, "why": why, "pid": self.pid, "in_step": self.active or (self.differences == 0 and not self.queue), "bindings": len(self.known),
                  "unmovable": sum("connection" in b for b in self.known.values())}
        if fields != self.reported or now >= self.health_at:
            self.reported, self.health_at = fields, now + HEALTH_S
            say("health", **{k: v for k, v in fields.items() if k != "pid" or v})

    def alive(self, result, error):
        if result is not None and not self.told_again:  # another Kamailio, and it answers
            self.told_again = True
            self.set_uplink()

    def turn(self, now):
        """What is due. Nothing in here waits."""
        if now >= self.uptime_at:
            self.uptime_at = now + 1
            self.ask("core.uptime", [], self.alive)  # answered or late: `problem` says so
        if now >= self.poll_at and not self.sweeping:
            self.compare()
        for key in [key for key, b in self.known.items() if b["until"] and b["until"] < now - 2]:
            del self.known[key]
            if self.active:
                say("bindings", remove=[{"aor": key[0], "contact": key[1]}])
        self.send_queued(now)
        self.give_up_late(now)
        self.report(now)

    def line(self, line):
        try:
            message = json.loads(line)
            handler = getattr(self, "on_" + message["type"], None)
        except (ValueError, KeyError, TypeError):
            sys.stderr.write("a line of stdin is no message\n")  # the agent logs it
            return
        if handler and not self.configured and message["type"] not in ("ping", "configure"):
            say("failed", id=message.get("id"), why="not configured")
        elif handler:
            handler(message)

    def run(self):
        say("hello", version=1, name="kamailio.py", program="1")
        os.set_blocking(0, False)
        buffer = b""
        while True:
            ready, _, _ = select.select([0] + ([self.rpc] if self.configured else []), [], [], 0.2)
            if 0 in ready:
                data = os.read(0, 65536)
                if not data:
                    return  # the agent is gone
                *lines, buffer = (buffer + data).split(b"\n")
                buffer = buffer if len(buffer) <= LINE_MAX else buffer[:LINE_MAX + 1]  # too long: dropped when it ends
                for line in lines:
                    if len(line) <= LINE_MAX:
                        self.line(line.decode(errors="replace"))
            if self.configured:
                if self.rpc in ready:
                    self.receive()
                self.turn(time.monotonic())


if __name__ == "__main__":
    Adapter().run()
