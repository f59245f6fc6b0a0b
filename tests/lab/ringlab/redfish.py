# SPDX-License-Identifier: GPL-2.0-or-later
"""A BMC that speaks Redfish, for one or more machines (a chassis of blades): a small server of our own in the test's process, with its socket in the rack's
network. Basic authentication over TLS.

fault of a machine, in faults: lie-off, noop, http500, badjson, ("slow", S), ("delay", S), as of a BMC (bmc.py)."""
import base64
import http.server
import json
import ssl
import subprocess
import threading
import time

from .netns import inside

USER, PASSWORD = "admin", "s3cret-redfish"
SYSTEMS = "/redfish/v1/Systems"
RESETS = {"On": True, "ForceOff": False}


def certificate(directory):
    """A key and a certificate for it, signed by nobody else."""
    key, cert = directory / "redfish.key", directory / "redfish.crt"
    if not cert.exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=redfish", "-keyout", key, "-out", cert],
                       check=True, capture_output=True)
    return cert, key


class Redfish:
    def __init__(self, rack, supplies, address="127.0.0.1", port=443, tls=True):
        self.rack, self.address, self.port = rack, address, port
        self.supplies = {s.name: s for s in supplies}
        self.faults = {}
        self._timers = []
        rack.devices.append(self)
        handler = type("Handler", (_Handler,), {"bmc": self})
        with inside(f"/proc/{rack.pid}/ns/net"):
            self._server = http.server.ThreadingHTTPServer((address, port), handler)
        self._server.daemon_threads = True
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate(rack.dir))
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def order(self, name, on):
        kind, amount = self.fault(name)
        if kind == "delay":
            self._timers.append(threading.Timer(amount, self.supplies[name].switch, (on,)))
            self._timers[-1].start()
        elif kind not in ("lie-off", "noop"):
            self.supplies[name].switch(on)

    def fault(self, name):
        fault = self.faults.get(name)
        return fault if isinstance(fault, tuple) else (fault, 0)

    def parameters(self, name=None, **more):
        """For fence_redfish. Without a name it takes the last machine."""
        return {"ip": self.address, "ipport": self.port, "username": USER, "ssl_insecure": 1, "power_wait": 0, "power_timeout": 4,
                **({"systems_uri": f"{SYSTEMS}/{name}"} if name else {}), **more}

    def close(self):
        for timer in self._timers:
            timer.cancel()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bmc = None

    def log_message(self, *args):
        pass

    def reply(self, code, body):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def admitted(self, name=None):
        """False after an answer: a fault, or wrong credentials."""
        kind, amount = self.bmc.fault(name)
        if kind == "slow":
            time.sleep(amount)
        if kind == "http500":
            self.reply(500, {"error": {"message": "injected"}})
        elif kind == "badjson":
            self.reply(200, b"{oops")
        elif self.headers.get("Authorization") != "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode():
            self.reply(401, {"error": {"code": "Base.1.0.InsufficientPrivilege"}})
        else:
            return True
        return False

    def do_GET(self):
        path = self.path.rstrip("/")
        if path == "/redfish/v1":
            self.reply(200, {"Id": "RootService", "Systems": {"@odata.id": SYSTEMS}})
        elif path == SYSTEMS:
            if self.admitted():
                self.reply(200, {"Members": [{"@odata.id": f"{SYSTEMS}/{name}"} for name in self.bmc.supplies]})
        else:
            self.system(path.removeprefix(SYSTEMS + "/"))

    def system(self, name):
        if name not in self.bmc.supplies:
            self.reply(404, {})
        elif self.admitted(name):
            on = self.bmc.supplies[name].running() and self.bmc.fault(name)[0] != "lie-off"
            reset = {"target": f"{SYSTEMS}/{name}/Actions/ComputerSystem.Reset", "ResetType@Redfish.AllowableValues": [*RESETS, "ForceRestart", "Nmi"]}
            self.reply(200, {"Id": name, "PowerState": "On" if on else "Off", "Actions": {"#ComputerSystem.Reset": reset}})

    def do_POST(self):
        name = self.path.removeprefix(SYSTEMS + "/").split("/")[0]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if name not in self.bmc.supplies:
            self.reply(404, {})
        elif self.admitted(name):
            kind = json.loads(body).get("ResetType")
            if kind not in RESETS:
                self.reply(400, {"error": {"message": "bad ResetType"}})
                return
            self.bmc.order(name, RESETS[kind])
            self.reply(204, b"")
