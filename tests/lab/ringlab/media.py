# SPDX-License-Identifier: GPL-2.0-or-later
"""The audio of one call: 50 packets a second to where the other side wants them, and the arrival of each packet."""
import socket
import struct
import threading
import time

from .netns import inside

PERIOD_S = 0.02


class Media:
    """`heard`: (monotonic seconds, address of the sender) of each packet."""

    def __init__(self, where, host):
        with inside(where):
            self._s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._s.bind((host, 0))
        self._s.settimeout(0.2)
        self.port = self._s.getsockname()[1]
        self.heard, self.to, self._open = [], None, True
        self._threads = [threading.Thread(target=f, daemon=True) for f in (self._listen, self._speak)]
        for thread in self._threads:
            thread.start()

    def _listen(self):
        while self._open:
            try:
                _, source = self._s.recvfrom(2048)
            except TimeoutError:
                continue
            except OSError:
                return
            self.heard.append((time.monotonic(), source[0]))

    def _speak(self):
        sequence, due = 0, time.monotonic()
        while self._open:
            to = self.to
            if to:
                packet = struct.pack("!BBHII", 0x80, 0, sequence & 0xFFFF, sequence * 160 & 0xFFFFFFFF, id(self) & 0xFFFFFFFF) + b"\xff" * 160
                try:
                    self._s.sendto(packet, to)
                except OSError:
                    pass  # the other side is gone: a phone goes on talking until it is told
                sequence += 1
            due = max(due + PERIOD_S, time.monotonic() - PERIOD_S)
            time.sleep(max(0, due - time.monotonic()))

    def gap_ms(self, since, until=None):
        """The longest silence after that instant, up to another one or now."""
        until = time.monotonic() if until is None else until
        times = [since, *(t for t, _ in self.heard if since <= t <= until), until]
        return max(b - a for a, b in zip(times, times[1:])) * 1000

    def sources(self, since=0):
        return {source for t, source in self.heard if t >= since}

    def close(self):
        self._open = False
        for thread in self._threads:
            thread.join(1)
        self._s.close()
