# SPDX-License-Identifier: GPL-2.0-or-later
"""ringkeep-alertd in the lab, and what receives its alerts: real sockets in the phones' network."""
import email
import hashlib
import hmac
import http.server
import json
import os
import shutil
import socket
import ssl
import threading
import time
import urllib.request

from .machine import wait_until
from .netns import inside
from .paths import program
from .ringkeep import NOBODY, RUN_DIR

HOST = "10.77.0.200"


def within(machine):
    return inside(f"/proc/{machine.pid}/ns/net")


class Web:
    """An HTTP server that keeps what is posted: (path, alert) in order. `status`: what it answers. secrets: of paths whose bodies are signed."""

    def __init__(self, machine, port, secrets):
        self.machine, self.port, self.secrets = machine, port, secrets
        self.posts, self.unsigned, self.status, self.server = [], 0, 204, None
        self.start()

    def start(self):
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if web.status < 300:
                    web.keep(self.path, body, self.headers.get("X-Ringkeep-Signature"))
                self.send_response(web.status)
                self.end_headers()

            def log_message(self, *_):
                pass

        with within(self.machine):
            self.server = http.server.ThreadingHTTPServer((HOST, self.port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def keep(self, path, body, signature):
        if path in self.secrets:
            right = "sha256=" + hmac.new(self.secrets[path].encode(), body, hashlib.sha256).hexdigest()
            self.unsigned += signature != right
        self.posts.append((path, json.loads(body)))

    def die(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def alerts(self, path=None):
        return [a for where, a in list(self.posts) if path in (None, where)]

    close = die


class Smtps:
    """A mail server behind TLS, as much of RFC 5321 as takes a mail: keeps email.message.Message."""

    def __init__(self, machine, port, directory):
        self.mails, self.certificate = [], directory / "mail.crt"
        key = directory / "mail.key"
        machine.check("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3",
                      "-subj", "/CN=mail", "-addext", f"subjectAltName=IP:{HOST}", "-keyout", key, "-out", self.certificate)
        self.certificate.chmod(0o644)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        with within(machine):
            listener = socket.create_server((HOST, port))
        self.listener = context.wrap_socket(listener, server_side=True)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except (ssl.SSLError, ConnectionError):
                continue  # a client that does not trust us
            except OSError:
                return
            threading.Thread(target=self._talk, args=(peer,), daemon=True).start()

    def _talk(self, peer):
        with peer, peer.makefile("rwb") as f:
            def say(line):
                f.write(line.encode() + b"\r\n")
                f.flush()
            say("220 sink")
            while line := f.readline():
                word = line.split()[0].upper()
                if word == b"DATA":
                    say("354 go on")
                    lines = []
                    while (row := f.readline()) and row != b".\r\n":
                        lines.append(row[1:] if row.startswith(b".") else row)
                    self.mails.append(email.message_from_bytes(b"".join(lines)))
                say("221 bye" if word == b"QUIT" else "250 ok")

    def close(self):
        self.listener.close()


class Syslog:
    def __init__(self, machine, port):
        with within(machine):
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind((HOST, port))
        self.lines = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            try:
                data = self.socket.recv(4096)
            except OSError:
                return
            if not data:
                return
            self.lines.append(data.decode())

    def close(self):
        self.socket.close()


class Alertmanager:
    """The real one."""

    def __init__(self, machine, port, directory):
        self.machine, self.port, self.directory, self.starts = machine, port, directory, 0
        (directory / "alertmanager.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
        self.start()

    def start(self):
        """Knows nothing."""
        self.starts += 1
        self.machine.spawn("alertmanager", "prometheus-alertmanager", f"--config.file={self.directory / 'alertmanager.yml'}",
                           f"--storage.path={self.directory / f'am{self.starts}'}", f"--web.listen-address={HOST}:{self.port}",
                           "--cluster.listen-address=")
        wait_until(lambda: self.ask("status") is not None, 30, "an answer of Alertmanager", 0.1)

    def ask(self, what):
        result = []

        def work():
            with within(self.machine):
                try:
                    with urllib.request.urlopen(f"http://{HOST}:{self.port}/api/v2/{what}", timeout=5) as answer:
                        result.append(json.load(answer))
                except OSError:
                    pass
        thread = threading.Thread(target=work)  # its own namespace for a moment
        thread.start()
        thread.join()
        return result[0] if result else None

    def names(self):
        """{alertname: its labels} of what goes on."""
        return {a["labels"]["alertname"]: a["labels"] for a in self.ask("alerts?active=true") or []}

    def close(self):
        self.machine.procs["alertmanager"].end()


def install(lab):
    target = lab.root / "bin" / "ringkeep-alertd"
    if not target.exists():
        shutil.copy2(program("alerts", "ringkeep-alertd"), target)
    return target


def command(node, *words):
    return [install(node.lab), "-c", node.conf, "-s", f"{RUN_DIR}/control.sock", "--state-dir", node.dir / "alerts", *words]


def start(node):
    """As an unprivileged user. Returns once it is in step with the agent's history."""
    state = node.dir / "alerts"
    state.mkdir(exist_ok=True)
    os.chown(state, *NOBODY)
    state.chmod(0o700)
    proc = node.spawn("alertd", *command(node), user=NOBODY)
    before = time.time()
    wait_until(lambda: (state / "state").exists() and (state / "state").stat().st_mtime > before - 60, 20, f"ringkeep-alertd of {node.name}", 0.02)
    return proc


def waiting(node, name):
    """Numbers of the files in a receiver's queue."""
    try:
        return sorted(f for f in os.listdir(node.dir / "alerts" / "queue" / name) if f.isdigit())
    except FileNotFoundError:
        return []
