# SPDX-License-Identifier: GPL-2.0-or-later
"""A stand-in for ringkeepd: answers each request on a control socket with what a script says, and remembers it."""
import json
import os
import socket
import threading


class FakeAgent:
    """script: command -> list of lines (dicts) to answer with, or None to hang up, or "silent" to say nothing."""

    def __init__(self, path, script):
        self.path, self.script, self.requests = path, script, []
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.server.bind(path)
        self.server.listen(8)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            with client:
                self.answer(client)

    def answer(self, client):
        request = json.loads(client.makefile("r").readline())
        self.requests.append(request)
        for line in self.script.get(request["command"]) or []:
            client.sendall((json.dumps(line) + "\n").encode())

    def close(self):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.thread.join()
        os.unlink(self.path)
