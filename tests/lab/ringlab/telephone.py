# SPDX-License-Identifier: GPL-2.0-or-later
"""One telephone: registers with digest, is called and calls, watches others' lamps; over UDP, or over TCP with a port of its own where it can be called, or
with nothing but its own connection. A NATed one says an address in its Contact that nobody can reach."""
import itertools
import socket
import threading
import time

from .media import Media
from .netns import inside
from .sipmessage import Digest, Message, media_address, parameter, sdp, take, uri

_ports = itertools.count(20000)
_numbers = itertools.count(1)
TRIES, TRY_S = 8, 0.5


class Call:
    """One side of a call. `status` is the final answer to our INVITE (200 for one that we answered)."""

    def __init__(self, phone, call_id, outgoing):
        self.phone, self.call_id, self.outgoing = phone, call_id, outgoing
        self.status, self.local, self.remote, self.target, self.routes = 0, "", "", "", []
        self.cseq, self.up, self.reinvites = 0, False, 0
        self.media = Media(phone.where, phone.own) if phone.audio else None
        self.answered_s = None

    def sdp(self):
        return sdp(self.phone.own, self.media.port if self.media else 40000, self.reinvites + 1)

    def heard(self, message):
        """The other side's SDP and Contact."""
        if message.get("Contact"):
            self.target = uri(message.get("Contact"))
        address = media_address(message.body)
        if address and self.media:
            self.media.to = address

    def hang_up(self):
        """Status of the answer to our BYE, 0 if there was none."""
        self.up = False
        self.cseq += 1
        answer = self.phone.request("BYE", self.target, self.cseq, self.call_id, self.local, self.remote, routes=self.routes, must=False)
        self.close()
        return answer.status if answer else 0

    def close(self):
        self.up = False
        if self.media:
            self.media.close()
        self.phone.calls.pop(self.call_id, None)


class Lamp:
    """A subscription. `states`: what was notified, newest last: "Ready", "Unavailable" (presence), "terminated", "confirmed" (dialog)."""

    def __init__(self, phone, user, kind):
        self.phone, self.user, self.kind = phone, user, kind
        self.call_id, self.cseq, self.states, self.remote, self.ended = f"lamp-{next(_numbers)}-{time.time_ns()}", 0, [], f"<sip:{user}@{phone.server}>", False
        self.local = f"<sip:{phone.user}@{phone.server}>;tag=l{next(_numbers)}"

    def subscribe(self, expires_s=600):
        """Status of the answer. The second time it is a refresh within the subscription."""
        accept = "application/pidf+xml" if self.kind == "presence" else "application/dialog-info+xml"
        extra = [("Contact", f"<{self.phone.contact}>"), ("Event", self.kind), ("Accept", accept), ("Expires", str(expires_s))]
        answer = self.phone.ask("SUBSCRIBE", f"sip:{self.user}@{self.phone.server}", self, self.local, self.remote, extra)
        if answer.status == 200:
            self.remote = answer.get("To")
        return answer.status

    def notified(self, message):
        start, end = ("<note>", "</note>") if self.kind == "presence" else ("<state>", "</state>")
        if start in message.body:
            self.states.append(message.body.split(start)[1].split(end)[0])
        self.ended = message.get("Subscription-State").startswith("terminated")

    @property
    def state(self):
        return self.states[-1] if self.states else None


class Telephone:
    """where: the namespace's file. transport: "udp", "tcp" (listens, and says so in its Contact), "tcp-own" (only its own connection leads to it; it
    connects and registers again when that is cut)."""

    def __init__(self, where, user, own, server, transport="udp", contact_host=None, contact_port=None, instance=None, audio=False):
        self.where, self.user, self.own, self.server, self.transport = where, user, own, server, transport
        self.instance, self.audio, self.port = instance, audio, next(_ports)
        self.kind = "TCP" if transport.startswith("tcp") else "UDP"
        self.contact = f"sip:{user}@{contact_host or own}:{contact_port or self.port}" + (";transport=tcp" if self.kind == "TCP" else "")
        self.digest = Digest(user, f"pw{user}")
        self.call_id, self.cseq, self.tag = f"{user}-{time.time_ns()}@phone", 0, f"t{next(_numbers)}"
        self.rang = self.stale = self.cuts = self.probed = 0
        self.ring_s, self.expires_s, self.registered_ns = 0, 0, 0
        self.calls, self.lamps, self._answers, self._served = {}, {}, {}, {}
        self._changed, self._open, self._sockets, self._link = threading.Condition(), True, [], None
        self._link_lock = threading.Lock()
        self._listen()

    # ---- sockets

    def _listen(self):
        with inside(self.where):
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if self.kind == "UDP" else socket.SOCK_STREAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((self.own, self.port))
        self._sockets.append(s)
        if self.kind == "UDP":
            self._thread(self._read_datagrams, s)
        elif self.transport == "tcp":
            s.listen(8)
            self._thread(self._accept, s)

    def _thread(self, target, *args):
        threading.Thread(target=target, args=args, daemon=True).start()

    def _read_datagrams(self, s):
        while self._open:
            try:
                data, source = s.recvfrom(65536)
            except OSError:
                return
            self._take(data, lambda out, to=source: s.sendto(out, to))

    def _accept(self, s):
        while self._open:
            try:
                connection, _ = s.accept()
            except OSError:
                return
            self._sockets.append(connection)
            self._thread(self._read_stream, connection)

    def _read_stream(self, s):
        stream = b""
        while self._open:
            try:
                data = s.recv(65536)
            except OSError:
                data = b""
            if not data:
                break
            message, stream = take(stream + data)
            while message:
                self._take(message, s.sendall)
                message, stream = take(stream)
        s.close()
        if s is self._link and self._open:
            self._cut()

    def _cut(self):
        """Our connection has ended. A phone with nothing else comes back at once."""
        self.cuts, self._link = self.cuts + 1, None
        self._notify()
        if self.transport == "tcp-own" and self.expires_s:
            self._thread(self._come_back)

    def _cut_off(self):
        return self.kind == "TCP" and not self._link

    def _come_back(self):
        while self._open and self.expires_s:
            try:
                if self.register(self.expires_s) == 200:
                    return
            except (OSError, AssertionError):
                time.sleep(0.1)

    def _send(self, data):
        if self.kind == "UDP":
            self._sockets[0].sendto(data, (self.server, 5060))
            return
        with self._link_lock:
            if not self._link:
                with inside(self.where):
                    link = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                link.settimeout(2)
                link.connect((self.server, 5060))
                link.settimeout(None)
                self._sockets.append(link)
                self._link = link
                self._thread(self._read_stream, link)
        self._link.sendall(data)

    def close(self):
        self._open, self.expires_s = False, 0
        for call in list(self.calls.values()):
            call.close()
        for s in self._sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    # ---- what comes in

    def _take(self, data, reply):
        message = Message.parse(data)
        if message.status:
            with self._changed:
                self._answers.setdefault(message.branch, []).append(message)
                self._changed.notify_all()
            return
        if not message.headers:
            return
        known = self._served.get((message.branch, message.method))
        if known is None and message.method == "INVITE" and self.ring_s:
            self._thread(self._serve, message, reply)
        else:
            self._serve(message, reply)

    def _serve(self, message, reply):
        key = (message.branch, message.method)
        if key in self._served:
            out = self._served[key]  # None: it is still ringing
        else:
            self._served[key] = None
            out = self._served[key] = self._on(message, reply)
        if out:
            try:
                reply(out.bytes())
            except OSError:
                pass  # the other side is gone

    def _on(self, message, reply):
        call = self.calls.get(message.get("Call-ID"))
        method = message.method
        if method == "INVITE":
            return self._invited(message, call, reply)
        if method == "ACK":
            if call:
                call.heard(message)
            return None
        if method == "OPTIONS":
            self.probed += 1
        elif method == "NOTIFY":
            lamp = self.lamps.get(message.get("Call-ID"))
            if not lamp:
                return message.answer("481 No such subscription", self.tag)
            lamp.notified(message)
            self._notify()
        elif method in ("BYE", "UPDATE", "CANCEL"):
            if not call:
                return message.answer("481 No such call", self.tag)
            if method == "BYE":
                call.close()
                self._notify()
        return message.answer("200 OK", self.tag, [("Contact", f"<{self.contact}>")])

    def _notify(self):
        with self._changed:
            self._changed.notify_all()

    def _invited(self, message, call, reply):
        if call:
            call.reinvites += 1
        elif ";tag=" in message.get("To"):
            return message.answer("481 No such call", self.tag)
        else:
            self.rang += 1
            if self.ring_s:
                reply(message.answer("180 Ringing", self.tag, [("Contact", f"<{self.contact}>")]).bytes())
                time.sleep(self.ring_s)
            call = self.calls[message.get("Call-ID")] = Call(self, message.get("Call-ID"), False)
            call.status, call.up, call.answered_s = 200, True, time.monotonic()
            call.local, call.remote = f"{message.get('To')};tag={self.tag}", message.get("From")
            call.routes = message.all("Record-Route")
        call.heard(message)
        self._notify()
        return message.answer("200 OK", self.tag, [("Contact", f"<{self.contact}>"), ("Content-Type", "application/sdp")], call.sdp())

    def wait(self, condition, timeout_s, what):
        """Until the condition holds, asked after everything that comes in; its value."""
        with self._changed:
            value = self._changed.wait_for(condition, timeout_s)
        assert value, f"{self.user} waited {timeout_s} s in vain for {what}"
        return value

    # ---- what goes out

    def request(self, method, target, cseq, call_id, local, remote, extra=(), body="", routes=(), must=True):
        """Sends until a final answer is there; returns it. Without one: an error, or None if it need not be."""
        branch = f"z9hG4bK{next(_numbers)}x{time.time_ns()}"
        headers = [("Via", f"SIP/2.0/{self.kind} {self.own}:{self.port};branch={branch};rport"), ("Max-Forwards", "70"), ("From", local), ("To", remote),
                   ("Call-ID", call_id), ("CSeq", f"{cseq} {method}"), *(("Route", r) for r in routes), ("User-Agent", "lab phone"), *extra]
        message = Message(f"{method} {target} SIP/2.0", headers, body)

        def final():
            return next((a for a in self._answers.get(branch, ()) if a.status >= 200), None)

        def last():
            answers = self._answers.get(branch)
            return final() or (answers and method == "INVITE" and answers[-1])
        for _ in range(TRIES if must else 2):
            try:
                self._send(message.bytes())
            except OSError:
                time.sleep(0.1)  # nobody at the address, or our connection was cut just now: as if the packet was lost
                continue
            with self._changed:
                if self._changed.wait_for(lambda: last() or self._cut_off(), TRY_S if self.kind == "UDP" else 2) and last():
                    self._changed.wait_for(final, 30)
                    if final():
                        return final()
        if must:
            raise AssertionError(f"{self.user}: no answer to {method} {target}")
        return None

    def ask(self, method, target, dialog, local, remote, extra=(), body="", ack=None):
        """A request with credentials; `dialog` has call_id and cseq. A challenge is answered once, a stale nonce counted."""
        for _ in range(2):
            dialog.cseq += 1
            with_auth = [*extra, *self.digest.header(method, target)]
            answer = self.request(method, target, dialog.cseq, dialog.call_id, local, remote, with_auth, body)
            if method == "INVITE":
                self._ack(answer, target, dialog, local)
            if answer.status not in (401, 407):
                return answer
            self.stale += self.digest.challenged(answer)
        return answer

    def _ack(self, answer, target, dialog, local):
        """Of a failure within the transaction, of a success end to end."""
        good = answer.status < 300
        via = answer.get("Via") if not good else f"SIP/2.0/{self.kind} {self.own}:{self.port};branch=z9hG4bK{next(_numbers)}a{time.time_ns()};rport"
        routes = list(reversed(answer.all("Record-Route"))) if good else []
        to = uri(answer.get("Contact")) if good and answer.get("Contact") else target
        headers = [("Via", via), ("Max-Forwards", "70"), ("From", local), ("To", answer.get("To")), ("Call-ID", dialog.call_id),
                   ("CSeq", f"{dialog.cseq} ACK"), *(("Route", r) for r in routes)]
        self._send(Message(f"ACK {to} SIP/2.0", headers).bytes())

    def register(self, expires_s=300):
        """Status of the final answer. The same Call-ID each time, as RFC 3261 wants it."""
        instance = f';+sip.instance="{self.instance}"' if self.instance else ""
        extra = [("Contact", f"<{self.contact}>;expires={expires_s}{instance}"), ("Supported", "path, gruu")]
        answer = self.ask("REGISTER", f"sip:{self.server}", self, f"<sip:{self.user}@{self.server}>;tag=f", f"<sip:{self.user}@{self.server}>", extra)
        if answer.status == 200:
            self.expires_s, self.registered_ns = expires_s, time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        return answer.status

    def dial(self, user):
        """A call; its status says how it went. One that is up is to be hung up."""
        call = Call(self, f"call-{next(_numbers)}-{time.time_ns()}", True)
        self.calls[call.call_id] = call
        target = f"sip:{user}@{self.server}"
        call.local = f"<sip:{self.user}@{self.server}>;tag=c{next(_numbers)}"
        extra = [("Contact", f"<{self.contact}>"), ("Content-Type", "application/sdp")]
        answer = self.ask("INVITE", target, call, call.local, f"<{target}>", extra, call.sdp())
        call.status, call.remote, call.up, call.answered_s = answer.status, answer.get("To"), answer.status < 300, time.monotonic()
        call.routes = list(reversed(answer.all("Record-Route")))
        call.heard(answer)
        if not call.up:
            call.close()
        return call

    def call(self, user):
        """Status of the final answer to an INVITE; a call that comes up is ended at once."""
        call = self.dial(user)
        if call.up:
            call.hang_up()
        return call.status

    def watch(self, user, kind="presence"):
        """A lamp for another phone, subscribed."""
        lamp = Lamp(self, user, kind)
        self.lamps[lamp.call_id] = lamp
        status = lamp.subscribe()
        assert status == 200, f"{self.user}: {status} to SUBSCRIBE of {user}"
        return lamp
