# SPDX-License-Identifier: GPL-2.0-or-later
"""PBXs as they should not be: a TCP listener and a unix datagram socket whose mood can be changed, in front of a peer that behaves."""
import http.server
import os
import random
import re
import socket
import threading
import time

MEGABYTE = 1 << 20


class MoodyTcp:
    """mood None: everything is passed on to `good` (host, port). Otherwise mood(socket) is called for each connection, and closes it when it returns."""

    def __init__(self, good):
        self.good, self.mood, self.open, self._pairs = good, None, True, []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def set(self, mood):
        """Connections of the old mood end."""
        self.mood, pairs, self._pairs = mood, self._pairs, []
        for s in pairs:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.open = False
        self._listener.close()
        self.set(None)

    def _accept(self):
        while self.open:
            try:
                s, _ = self._listener.accept()
            except OSError:
                return
            self._pairs.append(s)
            threading.Thread(target=self._serve, args=(s, self.mood), daemon=True).start()

    def _serve(self, s, mood):
        try:
            if mood:
                mood(s)
            else:
                other = socket.create_connection(self.good)
                self._pairs.append(other)
                threading.Thread(target=self._pass, args=(other, s), daemon=True).start()
                self._pass(s, other)
        except OSError:
            pass
        s.close()

    @staticmethod
    def _pass(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def hang(s, *_):
    """Until the other side goes."""
    while s.recv(65536):
        pass


def say(*pieces, then=hang, pause_s=0.0):
    """A mood: the pieces, then what comes after."""
    def mood(s):
        for piece in pieces:
            s.sendall(piece)
            time.sleep(pause_s)
        then(s)
    return mood


def drip(text, greeting=b""):
    """One byte at a time, and never an end of it."""
    def mood(s):
        s.sendall(greeting)
        for byte in text:
            s.sendall(bytes([byte]))
            time.sleep(0.2)
        hang(s)
    return mood


def flood(piece, greeting=b""):
    """As much as the other side takes, but for a breath now and then: the test's own machine is small."""
    def mood(s):
        s.sendall(greeting)
        data = piece * (1 + 65536 // len(piece))
        while True:
            s.sendall(data)
            time.sleep(0.002)
    return mood


def long_lines(s):
    while True:
        s.sendall(b"x" * MEGABYTE + b"\n")
        time.sleep(0.01)


def binary(s):
    s.sendall(random.Random(1).randbytes(65536))
    hang(s)


def at_once(s):
    """Closes."""


STREAM_MOODS = {"says nothing": hang, "closes": at_once, "1 MB lines": long_lines, "half a line": say(b"Content-Ty"), "garbage": say(b"hello\nworld\n\n"),
                "binary": binary}


class MoodyDatagram:
    """Kamailio's RPC socket: answers core.uptime and lists that are empty, or does what mood(socket, request, sender) does."""

    def __init__(self, path):
        self.path, self.mood = str(path), None
        self._s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MEGABYTE)
        self._s.bind(self.path)
        threading.Thread(target=self._run, daemon=True).start()

    def set(self, mood):
        self.mood = mood

    def close(self):
        self._s.close()
        os.unlink(self.path)

    def _run(self):
        while True:
            try:
                request, sender = self._s.recvfrom(65536)
            except OSError:
                return
            try:
                (self.mood or self._answer)(self._s, request, sender)
            except OSError:
                pass

    @staticmethod
    def _answer(s, request, sender):
        number = re.search(rb'"id":\s*(\d+)', request).group(1)
        result = b'{"uptime":100}' if b"core.uptime" in request else b'{"Domains":[{"Domain":{"Domain":"location","AoRs":[]}}]}'
        s.sendto(b'{"jsonrpc":"2.0","result":' + result + b',"id":' + number + b"}", sender)


def datagram(data):
    return lambda s, request, sender: s.sendto(data, sender)


def datagram_flood(s, request, sender):
    """A hundred answers that nobody asked for, for each request."""
    for i in range(100):
        s.sendto(b'{"jsonrpc":"2.0","result":{"uptime":1},"id":%d}' % (10 ** 9 + i), sender)


DATAGRAM_MOODS = {"says nothing": lambda *_: None, "garbage": datagram(b"hello"), "binary": datagram(random.Random(1).randbytes(4096)),
                  "half an answer": datagram(b'{"jsonrpc":"2.0","result":{"upti'), "100 kB": datagram(b"x" * 100000), "an array": datagram(b"[1,2,3]"),
                  "another id": datagram(b'{"jsonrpc":"2.0","result":{"uptime":1},"id":99999999}'), "flood": datagram_flood}


class GoodAmi:
    """As much of an Asterisk manager as health needs. One that is not `booted` says so at boot()."""

    def __init__(self):
        self.booted, self._open = True, []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                s, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(s)
            threading.Thread(target=self._serve, args=(s,), daemon=True).start()

    def boot(self):
        self.booted = True
        for s in self._open:
            s.sendall(self.BOOTED.encode())

    def _serve(self, s):
        buffer = b""
        try:
            s.sendall(b"Asterisk Call Manager/9.0.0\r\n")
            while data := s.recv(65536):
                buffer += data
                while b"\r\n\r\n" in buffer:
                    message, buffer = buffer.split(b"\r\n\r\n", 1)
                    fields = dict(re.findall(r"(?m)^(\w+): *(.*?)\r?$", message.decode(errors="replace")))
                    s.sendall(self._answer(fields.get("Action", "").lower(), fields.get("ActionID", "")).encode())
        except OSError:
            pass
        s.close()

    BOOTED = "Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n"

    def _answer(self, action, number):
        head = f"ActionID: {number}\r\n"
        if action == "login":
            return f"Response: Success\r\n{head}Message: Authentication accepted\r\n\r\n{self.BOOTED if self.booted else ''}"
        if action == "corestatus":
            return (f"Response: Success\r\n{head}CoreStartupDate: 2026-11-25\r\nCoreStartupTime: 01:02:03\r\nCoreReloadDate: 2026-11-25\r\n"
                    f"CoreReloadTime: 01:02:03\r\nCoreCurrentCalls: 0\r\n\r\n")
        if action == "dbgettree":
            return (f"Response: Success\r\n{head}EventList: start\r\nMessage: Result will follow\r\n\r\n"
                    f"Event: DBGetTreeComplete\r\n{head}EventList: Complete\r\nListItems: 0\r\n\r\n")
        return f"Response: Success\r\n{head}Message: fine\r\n\r\n"


class GoodAri:
    """An Asterisk REST interface that takes every contact."""

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                body = b"[]"
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PUT = do_DELETE = _answer

            def log_message(self, *_):
                pass
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = self._server.server_address
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class SipAnswers:
    """OPTIONS over UDP on loopback, answered with 200."""

    def __init__(self):
        self._s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._s.bind(("127.0.0.1", 0))
        self.port = self._s.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def close(self):
        self._s.close()

    def _run(self):
        while True:
            try:
                data, source = self._s.recvfrom(65536)
                kept = [h for h in data.decode("latin1").split("\r\n\r\n")[0].split("\r\n")[1:] if re.match(r"(Via|From|To|Call-ID|CSeq):", h, re.I)]
                self._s.sendto(("\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0"]) + "\r\n\r\n").encode(), source)
            except OSError:
                return
