# SPDX-License-Identifier: GPL-2.0-or-later
"""ringkeep-api beside a real agent: who may ask what, over TLS and without; what is too much, too slow, or no HTTP; and that none of it touches the agent."""
import contextlib
import json
import os
import re
import socket
import ssl
import subprocess
import time

import pytest
from ringlab import ringkeep
from ringlab.machine import wait_until
from ringlab.netns import inside

PLAIN, TLS = ("127.0.0.1", 8080), ("127.0.0.1", 8443)
ROLES = ("none", "viewer", "operator", "admin")


def certificates(folder):
    """An authority, the server's certificate, a client's, one that has ended, and one of an authority that nobody knows."""
    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)

    def signed(name, subject, authority="ca", days="1", more=()):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-subj", f"/CN={subject}", "-out", f"{name}.csr")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-CAcreateserial", "-days", days, "-out", f"{name}.pem", *more)

    for name in ("ca", "stranger"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-subj", f"/CN={name}", "-days", "1", "-out", f"{name}.pem")
    (folder / "san").write_text("subjectAltName=IP:127.0.0.1")
    signed("server", "ringkeep", more=("-extfile", "san"))
    signed("alice", "alice")
    signed("mallory", "alice", authority="stranger")
    signed("late", "alice", days="-1")
    der = ssl.PEM_cert_to_DER_cert((folder / "alice.pem").read_text())
    late = ssl.PEM_cert_to_DER_cert((folder / "late.pem").read_text())
    import hashlib
    return hashlib.sha256(der).hexdigest(), hashlib.sha256(late).hexdigest()


class Api:
    """The program on one node, and requests to it from that node's network."""

    def __init__(self, node, folder):
        self.node, self.folder, self.process, self.tokens = node, folder, None, {}
        self.program = str(ringkeep_program("ringkeep-api"))
        alice, late = certificates(folder)
        lines = [f"alice operator certificate {alice}", f"late admin certificate {late}"]
        for role in ROLES[1:]:
            made = subprocess.run([self.program, "--token", f"{role}1", role], capture_output=True, text=True, check=True)
            self.tokens[role] = made.stderr.strip()
            lines.append(made.stdout.strip())
        (folder / "access").write_text("# who may\n" + "\n".join(lines) + "\n")
        os.chmod(folder / "access", 0o640)
        os.chmod(folder / "server.key", 0o600)
        self.conf = folder / "ringkeep.conf"
        self.write(f'api {{ listen = {{ "127.0.0.1:8443" }} certificate-file = "{folder}/server.pem" key-file = "{folder}/server.key" '
                   f'client-ca-file = "{folder}/ca.pem" access-file = "{folder}/access" connections = 64 connections-per-address = 48 idle = 2s }}')

    def write(self, section):
        self.conf.write_text(self.node.conf.read_text() + "\n" + section + "\n")

    def start(self):
        self.log = open(self.folder / "log", "ab")
        with inside(f"/proc/{self.node.pid}/ns/net"):
            self.process = subprocess.Popen([self.program, "-c", str(self.conf), "-s", f"/proc/{self.node.pid}/root{ringkeep.RUN_DIR}/control.sock"],
                                            stdout=self.log, stderr=self.log, start_new_session=True)
        wait_until(lambda: self.listens(), 10, lambda: (self.folder / "log").read_text(), 0.05)

    def listens(self):
        try:
            self.connect(TLS).close()
            return True
        except OSError:
            return False

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.log.close()
            self.process = None

    def connect(self, where):
        with inside(f"/proc/{self.node.pid}/ns/net"):
            s = socket.socket()
        s.settimeout(10)
        s.connect(where)
        return s

    def tls(self, client=None, maximum=None):
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        if client:
            context.load_cert_chain(self.folder / f"{client}.pem", self.folder / f"{client}.key")
        if maximum:
            context.maximum_version = maximum
        return context.wrap_socket(self.connect(TLS), server_hostname="127.0.0.1")

    def ask(self, method, path, role=None, body=None, client=None, headers=()):
        """(status, headers, text)."""
        with contextlib.closing(self.tls(client)) as s:
            data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
            lines = [f"{method} {path} HTTP/1.1", "Host: api", "Connection: close", *headers]
            if role and role != "none":
                lines.append(f"Authorization: Bearer {self.tokens.get(role, role)}")
            if data or method == "POST":
                lines.append(f"Content-Length: {len(data)}")
            s.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + data)
            return read_answer(s)

    def memory_kib(self):
        return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{self.process.pid}/status").read()).group(1))


def ringkeep_program(name):
    import pathlib
    return pathlib.Path(os.environ["RINGKEEP_BUILD"]) / "api" / name


def read_answer(s):
    data = b""
    with contextlib.suppress(OSError):
        while chunk := s.recv(65536):
            data += chunk
    if not data:
        return 0, "", ""
    head, _, text = data.partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode(), text.decode()


@pytest.fixture(scope="module")
def api(cluster_of_module, tmp_path_factory):
    api = Api(cluster_of_module.n1, tmp_path_factory.mktemp("api"))
    api.start()
    try:
        yield api
    finally:
        api.stop()


def table():
    """The routes of the description, which are those of the code: method, path, role, one good request."""
    good = {"/v1/why": "?group=office", "/active": "?group=office", "/standby": "?group=office"}
    bodies = {"/v1/switchover": {"group": "office", "dry_run": True}, "/v1/failover": {"group": "nobody", "force": True}, "/v1/cancel": {"group": "nobody"},
              "/v1/node/standby": {"node": "nobody"}, "/v1/node/unstandby": {"node": "nobody"}, "/v1/uplink/use": {"uplink": "none"}}
    return good, bodies


def test_each_role_may_do_what_the_description_says_and_no_more(lab, api):
    status, _, text = api.ask("GET", "/openapi.json")
    assert status == 200
    paths, cells = json.loads(text)["paths"], 0
    good, bodies = table()
    for path, methods in paths.items():
        for method, what in methods.items():
            for role in ROLES:
                may = ROLES.index(role) >= ROLES.index(what["x-role"])
                status, _, text = api.ask(method.upper(), path + good.get(path, ""), role, bodies.get(path, {}) if method == "post" else None)
                assert (status not in (401, 403)) == may, (method, path, role, status, text)
                assert may or status == (401 if role == "none" else 403), (method, path, role, status)
                assert str(status) in what["responses"], (method, path, role, status, text)
                cells += 1
            if path in ("/v1/pause",):
                assert api.ask("POST", "/v1/resume", "operator", {})[0] == 200
    assert cells == 4 * sum(len(m) for m in paths.values()) >= 80
    wait_until(lambda: not ringkeep.status(lab.n1)["paused"], 5, "no pause")


def test_a_monitor_sees_who_is_active_and_a_switchover_happens(lab, api):
    holder = lab.wait_settled()
    other = next(n for n in lab.pbx_nodes if n is not holder)

    def codes():
        return [api.ask("GET", p)[0] for p in ("/health", "/ready", "/active?group=office", "/standby?group=office")]
    wait_until(lambda: codes() == [200, 200, *((200, 503) if holder is lab.n1 else (503, 200))], 5, lambda: str(codes()), 0.1)
    status, _, text = api.ask("POST", "/v1/switchover", "operator", {"group": "office", "to": other.name, "why": "a test"})
    assert status == 200, text
    wait_until(lambda: codes() == [200, 200, *((200, 503) if other is lab.n1 else (503, 200))], 10, lambda: str(codes()), 0.1)
    lab.wait_settled()

    def recorded():
        records = json.loads(api.ask("GET", "/v1/history?count=50", "viewer")[2])["records"]
        return next((r for r in records if r.get("why") == "a test"), None)
    order = wait_until(recorded, 5, lambda: api.ask("GET", "/v1/history?count=10", "viewer")[2], 0.2)
    assert order["who"].startswith("operator1/"), order
    assert api.ask("GET", "/active?group=nobody")[0] == 404


def test_certificates(api):
    assert api.ask("GET", "/v1/status", client="alice")[0] == 200
    assert api.ask("POST", "/v1/failover", client="alice", body={"group": "office", "force": True})[0] == 403
    for client in ("mallory", "late"):
        with contextlib.suppress(OSError, ssl.SSLError):
            assert api.ask("GET", "/v1/status", client=client)[0] in (0, 401), client
    with pytest.raises((OSError, ssl.SSLError)):
        api.tls(maximum=ssl.TLSVersion.TLSv1_2)
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01" + b"\xff" * 300, b"\0" * 4096):
        with contextlib.closing(api.connect(TLS)) as s:
            s.sendall(garbage)
            with contextlib.suppress(OSError):
                s.recv(100)
    assert api.ask("GET", "/live")[0] == 200


def test_what_is_wrong_is_said_and_harmless(api):
    for token in ("wrong", "x" * 5000, "é", api.tokens["admin"][:-1], api.tokens["admin"] + "0"):
        assert api.ask("GET", "/v1/status", token)[0] in (401, 431, 400), token[:20]
    for path in ("/", "/..", "/../etc/passwd", "/v1/../v1/status", "/v1//status", "/v1/status/", "/%76%31/status", "/v1/status%00", "//v1/status", "/V1/status", "/v1/status;x"):
        assert api.ask("GET", path, "admin")[0] in (404, 400), path
    for method in ("PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "BREW"):
        assert api.ask(method, "/v1/status", "admin")[0] in (405, 400, 404, 0), method
    for body in (b"{", b"[]", b"null", b"\xff\xfe", b'{"group":1}', b'{"group":"office","group":"office"}', b'{"who":"me"}', b"{}"):
        assert api.ask("POST", "/v1/switchover", "operator", body)[0] == 400, body
    assert api.ask("POST", "/v1/switchover", "operator", b"x" * 9000)[0] == 413
    assert api.ask("GET", "/v1/status", "viewer", headers=["X: " + "y" * 20000])[0] in (431, 413, 400, 0)
    assert api.ask("GET", "/v1/history?count=x", "viewer")[0] == 400
    assert api.ask("HEAD", "/health")[2] == ""


def test_metrics_are_what_prometheus_wants(api):
    status, head, text = api.ask("GET", "/metrics", "viewer")
    assert status == 200 and "text/plain; version=0.0.4" in head
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, ""), done
    assert "ringkeep_up 1" in text and re.search(r'ringkeep_group_held\{group="office"\} 1', text)
    status, head, text = api.ask("GET", "/metrics", "viewer", headers=["Accept: application/openmetrics-text; version=1.0.0"])
    assert status == 200 and "openmetrics-text" in head and text.endswith("# EOF\n")


def test_slow_clients_and_crowds_leave_room_for_others(lab, api):
    """Half-open requests fill the places of one address; they are closed when nothing moves, and memory stays bounded."""
    before, crowd = api.memory_kib(), []
    try:
        for _ in range(300):
            with contextlib.suppress(OSError):
                s = api.connect(TLS)
                s.settimeout(0.2)
                crowd.append(s)
        for s in crowd:
            with contextlib.suppress(OSError):
                s.sendall(b"\x16\x03\x01\x02\x00\x01")  # the beginning of a hello
        def answers():
            try:
                return api.ask("GET", "/live")[0] == 200
            except (OSError, ssl.SSLError):
                return False
        wait_until(answers, 30, "an answer after the idle time", 0.5)
    finally:
        for s in crowd:
            s.close()
    assert api.memory_kib() < before + 64 * 1024, (before, api.memory_kib())
    assert lab.wait_settled()


def test_killed_and_started_again_under_load_nothing_moves(lab, api):
    holder = lab.wait_settled()
    epoch = ringkeep.group(holder)["epoch"]
    for _ in range(3):
        for _ in range(20):
            assert api.ask("GET", "/metrics", "viewer")[0] == 200
        api.stop()
        api.start()
    assert lab.wait_settled() is holder and ringkeep.group(holder)["epoch"] == epoch


def test_certificates_and_tokens_are_read_again_while_somebody_waits(lab, api):
    lab.n1.agent.send(19)  # SIGSTOP
    try:
        s = api.tls()
        s.sendall(f"GET /v1/gate HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {api.tokens['viewer']}\r\n\r\n".encode())
        time.sleep(0.3)
        access = api.folder / "access"
        before = access.read_text()
        access.write_text(before.replace("viewer1 viewer", "nobody viewer"))
        os.chmod(access, 0o644)  # others may read it: refused, and all stays as it was
        os.kill(api.process.pid, 1)
        wait_until(lambda: "chmod 640" in (api.folder / "log").read_text(), 5, lambda: (api.folder / "log").read_text(), 0.05)
        os.chmod(access, 0o640)
        os.kill(api.process.pid, 1)
        assert read_answer(s)[0] in (0, 503)
    finally:
        lab.n1.agent.send(18)
    wait_until(lambda: api.process.poll() is None and api.listens(), 5, lambda: (api.folder / "log").read_text(), 0.05)
    wait_until(lambda: api.ask("GET", "/ready")[0] == 200, 20, "the agent to be back", 0.2)
    assert api.ask("GET", "/v1/status", "viewer")[0] == 200
    access.write_text(before)
    os.kill(api.process.pid, 1)


def test_an_agent_that_hangs_or_is_gone_is_said(lab, api):
    lab.n1.agent.send(19)  # SIGSTOP
    try:
        wait_until(lambda: api.ask("GET", "/health")[0] == 503, 15, "the agent to be missed", 0.2)
        began = time.monotonic()
        assert api.ask("GET", "/v1/gate", "viewer")[0] == 503 and time.monotonic() - began < 9
        assert "ringkeep_up 0" in api.ask("GET", "/metrics", "viewer")[2]
        assert api.ask("GET", "/live")[0] == 200
    finally:
        lab.n1.agent.send(18)
    wait_until(lambda: api.ask("GET", "/ready")[0] == 200, 20, "the agent to be back", 0.2)
