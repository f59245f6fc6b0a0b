# SPDX-License-Identifier: GPL-2.0-or-later
"""A stand-in for FreeSWITCH: event socket and SIP OPTIONS on loopback, a table of registrations, gateways.

Written from reading FreeSWITCH's source (commit cc93a683: mod_event_socket.c, mod_sofia.c, sofia.c, sofia_reg.c, switch_event.c), never compared with the
real one, and no more than the adapter uses. What it does on purpose as the source does: commands are answered in order; values of events are
%-encoded, but a % that looks like an escape already stays as it is; Call-ID and account stand unescaped in the list; an expiry is told before its row is
deleted; while paused it answers 503, ends no registration and looks after no gateway; an injected row has no transport in its status.
"""
import itertools
import re
import socket
import threading
import time
import uuid

UNSAFE = '\r\n #%&+:;<=>?@[\\]^`{|}"'
HEX = "0123456789ABCDEF"
XML = '<?xml version="1.0" encoding="ISO-8859-1"?>\n'


def event_encode(text):
    out, data = [], text.encode("latin1")
    for i, c in enumerate(data):
        escape = chr(c) == "%" and i + 2 < len(data) and chr(data[i + 1]) in HEX and chr(data[i + 2]) in HEX
        out.append(chr(c) if escape or (32 <= c <= 126 and chr(c) not in UNSAFE) else f"%{c:02X}")
    return "".join(out)


def amp_encode(text):
    for char, entity in (("&", "&amp;"), ('"', "&quot;"), ("'", "&apos;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(char, entity)
    return text


class Connection:
    """One client of the event socket."""

    def __init__(self, switch, sock):
        self.switch, self.sock, self.events, self.authed = switch, sock, set(), False
        self.lock = threading.Lock()
        threading.Thread(target=self._run, daemon=True).start()

    def send(self, text):
        with self.lock:
            try:
                self.sock.sendall(text.encode("latin1"))
            except OSError:
                pass

    def _commands(self):
        buffer = b""
        while True:
            data = self.sock.recv(65536)
            if not data:
                return
            buffer = (buffer + data).lstrip(b"\r\n")
            while b"\n\n" in buffer:
                command, buffer = buffer.split(b"\n\n", 1)
                buffer = buffer.lstrip(b"\r\n")
                yield command.decode("latin1").split("\n")

    def _run(self):
        try:
            self.send("Content-Type: auth/request\n\n")
            for lines in self._commands():
                if not self._command(lines[0], dict(re.match(r"([^:]*): *(.*)", h).groups() for h in lines[1:])):
                    break
        except OSError:
            pass
        self.sock.close()
        self.switch.connections.discard(self)

    def _reply(self, text):
        self.send(f"Content-Type: command/reply\nReply-Text: {text}\n\n")
        return True

    def _command(self, command, headers):
        word, _, rest = command.partition(" ")
        self.switch.commands.append(command)
        if not self.authed:
            self.authed = word == "auth" and rest == self.switch.password
            self._reply("+OK accepted" if self.authed else "-ERR invalid")
            return self.authed
        if word == "api":
            text = self.switch.api(rest) or "-ERR no reply\n"
            self.send(f"Content-Type: api/response\nContent-Length: {len(text)}\n\n{text}")
            return True
        if word == "bgapi":
            job = str(uuid.uuid4())
            self._reply(f"+OK Job-UUID: {job}\nJob-UUID: {job}")
            name, _, argument = rest.partition(" ")
            self.switch.fire("BACKGROUND_JOB", None, {"Job-UUID": job, "Job-Command": name, "Job-Command-Arg": argument}, self.switch.api(rest))
            return True
        if word == "event":
            names = rest.split()[1:]
            self.events.update(names)
            return self._reply("+OK event listener enabled plain")
        if word == "sendevent":
            self.switch.injected(headers)
            return self._reply(f"+OK {uuid.uuid4()}")
        return self._reply("-ERR command not found")


class FreeSwitch:
    """`rows` is its table: a list of dicts. `carrier` decides how gateways fare: a status, or None for no answer."""

    def __init__(self, password="lab password", profile="internal", gateways=(), multi_registration=True, port=0, sip_port=0):
        self.password, self.profile, self.multi = password, profile, multi_registration
        self.hostname, self.core = "fs-lab", str(uuid.uuid4())
        self.rows, self.commands, self.connections = [], [], set()
        self.gateways, self.carrier = {g: "UNREGED" for g in gateways}, 200
        self.paused, self.running, self.calls, self.recoverable = False, True, 0, 0
        self.lock = threading.RLock()
        self._call_ids = itertools.count(1)
        self._listener = socket.create_server(("127.0.0.1", port))
        self._sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sip.bind(("127.0.0.1", sip_port))
        self.port, self.sip_port = self._listener.getsockname()[1], self._sip.getsockname()[1]
        self.open = True
        for target in (self._accept, self._answer_sip, self._tick):
            threading.Thread(target=target, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.open = False
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._sip.close()
        self.disconnect()

    def disconnect(self):
        for c in list(self.connections):
            try:
                c.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def restart(self):
        """The process comes back: injected rows are deleted when a profile starts, the others are in its database."""
        with self.lock:
            self.core = str(uuid.uuid4())
            self.rows = [r for r in self.rows if r["sub_host"] is not None]
            self.paused = False
        self.disconnect()

    def _accept(self):
        while self.open:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections.add(Connection(self, sock))

    def _answer_sip(self):
        while self.open:
            try:
                data, source = self._sip.recvfrom(65536)
                head = data.decode("latin1").split("\r\n\r\n")[0].split("\r\n")[1:]
                kept = [h for h in head if re.match(r"(Via|From|To|Call-ID|CSeq):", h, re.I)]
                status = "503 System Paused" if self.paused else "200 OK"
                self._sip.sendto(("\r\n".join([f"SIP/2.0 {status}", *kept, "Content-Length: 0"]) + "\r\n\r\n").encode(), source)
            except OSError:
                return

    # ---- registrations

    def register(self, user, host="pbx.example", contact=None, call_id=None, expires=3600, how="UDP", ip="192.0.2.7", port="5062", agent="lab phone"):
        row = {"call_id": call_id or f"{next(self._call_ids)}@phone", "sip_user": user, "sip_host": host, "contact": contact or f'"" <sip:{user}@{ip}:{port}>',
               "status": f"Registered({how})", "rpid": "unknown", "expires": time.time() + expires, "user_agent": agent, "network_ip": ip,
               "network_port": port, "sip_username": user, "sip_realm": host, "mwi_user": user, "mwi_host": host, "orig_hostname": self.hostname,
               "sub_host": host}
        with self.lock:
            self._delete(user, host, row["call_id"])
            self.rows.append(row)
        self.fire("CUSTOM", "sofia::register", {
            "profile-name": self.profile, "from-user": user, "from-host": host, "contact": row["contact"], "call-id": row["call_id"], "rpid": "unknown",
            "status": row["status"], "expires": str(expires), "to-user": user, "to-host": host, "network-ip": ip, "network-port": port, "username": user,
            "realm": host, "user-agent": agent})
        return row

    def unregister(self, row):
        with self.lock:
            self._delete(row["sip_user"], row["sip_host"], row["call_id"])
        self.fire("CUSTOM", "sofia::unregister", {"profile-name": self.profile, "from-user": row["sip_user"], "from-host": row["sip_host"],
                                                  "contact": row["contact"], "call-id": row["call_id"], "expires": "0"})

    def _delete(self, user, host, call_id):
        if self.multi:
            self.rows = [r for r in self.rows if r["call_id"] != call_id]
        else:
            self.rows = [r for r in self.rows if (r["sip_user"], r["sip_host"]) != (user, host)]

    def injected(self, headers):
        """mod_sofia's handler of multicast::event: it says nothing of success."""
        h = {k.lower()[5:]: v for k, v in headers.items() if k.lower().startswith("orig-")}
        if headers.get("Event-Subclass") != "multicast::event" or h.get("profile-name") != self.profile:
            return
        with self.lock:
            self._delete(h["from-user"], h["from-host"], h["call-id"])
            if h.get("event-subclass") == "sofia::register":
                mwi_user, _, mwi_host = h.get("mwi-account", f"{h['from-user']}@{h['from-host']}").partition("@")
                self.rows.append({
                    "call_id": h["call-id"], "sip_user": h["from-user"], "sip_host": h["from-host"], "contact": h["contact"], "status": "Registered",
                    "rpid": h["rpid"], "expires": time.time() + int(h["expires"]), "user_agent": h["user-agent"], "network_ip": h["network-ip"],
                    "network_port": h["network-port"], "sip_username": h["username"], "sip_realm": h["realm"], "mwi_user": mwi_user,
                    "mwi_host": mwi_host, "orig_hostname": h["freeswitch-hostname"], "sub_host": None})

    def row(self, user):
        with self.lock:
            return [r for r in self.rows if r["sip_user"] == user]

    # ---- events

    def fire(self, name, subclass, headers, body=""):
        lines = {"Event-Name": name, **({"Event-Subclass": subclass} if subclass else {}), "Core-UUID": self.core, **headers}
        text = "".join(f"{k}: {event_encode(v) or '_undef_'}\n" for k, v in lines.items())
        text += f"Content-Length: {len(body)}\n\n{body}" if body else "\n"
        for c in list(self.connections):
            if (subclass or name) in c.events:
                c.send(f"Content-Length: {len(text)}\nContent-Type: text/event-plain\n\n{text}")

    def _tick(self):
        while self.open:
            time.sleep(0.1)
            if self.paused:
                continue
            now = time.time()
            with self.lock:
                ended = [r for r in self.rows if r["expires"] <= now]
            for r in ended:
                self.fire("CUSTOM", "sofia::expire", {"profile-name": self.profile, "call-id": r["call_id"], "user": r["sip_user"], "username": r["sip_user"],
                                                      "host": r["sip_host"], "contact": r["contact"], "expires": str(int(r["expires"]))})
            with self.lock:
                self.rows = [r for r in self.rows if r not in ended]
                changed = [(g, self._gateway_next(s)) for g, s in self.gateways.items()]
                changed = [(g, s) for g, s in changed if s != self.gateways[g]]
                self.gateways.update(changed)
            for gateway, state in changed:
                status = {"Status": str(self.carrier), "Phrase": "said the carrier"} if state in ("REGISTER", "FAILED") else {}
                self.fire("CUSTOM", "sofia::gateway_state", {"Gateway": gateway, "State": state, "Ping-Status": "UP", **status})

    def _gateway_next(self, state):
        if state == "TRYING" and self.carrier is not None:
            return "REGISTER" if self.carrier == 200 else "FAILED"
        return {"UNREGED": "TRYING", "REGISTER": "REGED", "UNREGISTER": "DOWN", "FAILED": "FAIL_WAIT"}.get(state, state)

    # ---- api

    def api(self, command):
        words = command.split()
        if words[:2] == ["sofia", "xmlstatus"]:
            return self._xmlstatus(words[2:])
        if words[:2] == ["sofia", "profile"] and words[3:4] in (["register"], ["unregister"]):
            return self._gateway_order(words[2], words[3], words[4])
        if words[:3] == ["sofia", "global", "standby"]:
            self.paused = words[3] == "on"
            return f"+OK Global standby {words[3]}"
        if words == ["sofia", "recover"]:
            self.paused, n, self.recoverable = False, self.recoverable, 0
            self.calls += n
            return f"Recovered {n} call(s)\n" if n else "No calls to recover.\n"
        return {"switchname": self.hostname, "global_getvar core_uuid": self.core,
                "show calls count as json": f'{{"row_count":{self.calls},"rows":[]}}'}.get(command, f"-ERR {words[0]} Command not found!\n")

    def _gateway_order(self, profile, order, gateway):
        if profile != self.profile or not self.running:
            return f"Invalid Profile [{profile}]"
        if gateway not in self.gateways:
            return "Invalid gateway!\n"
        if self.gateways[gateway] == "NOREG":
            return f"-ERR NOREG gateway [{gateway}] can't be {order}ed!\n"
        self.gateways[gateway] = "UNREGED" if order == "register" else "UNREGISTER"
        return "+OK\n"

    def _xmlstatus(self, words):
        if not words:
            text = "".join(f"<gateway>\n<name>{g}</name>\n<type>gateway</type>\n<data>sip:{g}@carrier.example</data>\n<state>{s}</state>\n</gateway>\n"
                           + (" (retry: 28s)" if s in ("FAILED", "FAIL_WAIT", "TRYING") else "") + "\n" for g, s in self.gateways.items())
            profile = (f"<profile>\n<name>{self.profile}</name>\n<type>profile</type>\n<data>sip:mod_sofia@127.0.0.1:5060</data>\n"
                       f"<state>RUNNING (0)</state>\n</profile>\n{text}") if self.running else ""
            return f"{XML}<profiles>\n{profile}</profiles>\n"
        if words[0] != "profile" or words[1] != self.profile or not self.running:
            return "Invalid Profile!\n"
        if len(words) == 2:
            return (f"{XML}<profile>\n  <profile-info>\n    <name>{self.profile}</name>\n    <pres-hosts>pbx.example</pres-hosts>\n"
                    f"  </profile-info>\n</profile>\n")
        with self.lock:
            rows = list(self.rows)
        if words[2] == "user":
            rows = [r for r in rows if f"{r['sip_user']}@{r['sip_host']}" == words[3]]
        return f"{XML}<profile>\n  <registrations>\n{''.join(map(self._row_xml, rows))}  </registrations>\n</profile>\n"

    def _row_xml(self, r):
        fields = {"call-id": r["call_id"], "user": f"{r['sip_user']}@{r['sip_host']}", "contact": amp_encode(r["contact"]),
                  "agent": amp_encode(r["user_agent"]),
                  "status": f"{r['status']}({r['rpid']}) exp(2026-11-25 03:00:00) expsecs({int(r['expires'] - time.time())})",
                  "ping-status": "Reachable", "ping-time": "0.00", "host": self.hostname, "network-ip": r["network_ip"],
                  "network-port": r["network_port"], "sip-auth-user": event_encode(r["sip_username"]), "sip-auth-realm": r["sip_realm"],
                  "mwi-account": f"{r['mwi_user']}@{r['mwi_host']}"}
        return "    <registration>\n" + "".join(f"        <{k}>{v}</{k}>\n" for k, v in fields.items()) + "    </registration>\n"
