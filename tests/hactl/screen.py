# SPDX-License-Identifier: GPL-2.0-or-later
"""A terminal for a program under test: a pty, and what would be seen on its screen."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

TOKEN = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]|\x1b|[^\x1b]")


class Screen:
    """Knows the sequences that hactl top uses; any other one is a mistake."""

    def __init__(self, rows=24, columns=80):
        self.rows, self.columns, self.text = rows, columns, ""
        self.other, self.cursor_shown, self.colours = False, True, set()
        self.clear()

    def clear(self):
        self.lines, self.row, self.column = [""] * self.rows, 0, 0

    def feed(self, text):
        self.text += text
        for token in TOKEN.findall(text):
            if token.startswith("\x1b"):
                self.control(token)
            elif token == "\n":
                assert self.row + 1 < self.rows, "the screen scrolls"
                self.row += 1
            elif token == "\r":
                self.column = 0
            else:
                assert ord(token) >= 32, f"control character {token!r}"
                assert self.column < self.columns, f"beyond the line: {self.lines[self.row]}{token}"
                line = self.lines[self.row].ljust(self.column)
                self.lines[self.row] = line[:self.column] + token + line[self.column + 1:]
                self.column += 1

    def control(self, token):
        kind = token[2:]
        if kind in ("?1049h", "?1049l"):
            self.other = kind.endswith("h")
        elif kind in ("?25h", "?25l"):
            self.cursor_shown = kind.endswith("h")
        elif kind == "H":
            self.row = self.column = 0
        elif kind == "2J":
            self.lines = [""] * self.rows
        elif kind == "K":
            self.lines[self.row] = self.lines[self.row][:self.column]
        elif kind == "J":
            self.lines[self.row + 1:] = [""] * (self.rows - self.row - 1)
        elif re.fullmatch(r"[0-9;]*m", kind):
            self.colours.add(kind)
        else:
            raise AssertionError(f"unknown sequence {token!r}")

    def shows(self):
        return "\n".join(line.rstrip() for line in self.lines)


class Terminal:
    """A process with a terminal of its own. Its end is waited for by close()."""

    def __init__(self, command, rows=24, columns=80, env=None):
        self.screen = Screen(rows, columns)
        self.master, self.slave = pty.openpty()
        self.resize(rows, columns, tell=False)
        self.before = termios.tcgetattr(self.slave)
        environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "LINES", "COLUMNS")}
        self.process = subprocess.Popen(command, stdin=self.slave, stdout=self.slave, stderr=self.slave, start_new_session=True,
                                        env={**environment, "TERM": "xterm", "TZ": "UTC", **(env or {})},
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def resize(self, rows, columns, tell=True):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if tell:
            old, self.screen = self.screen, Screen(rows, columns)
            self.screen.other, self.screen.cursor_shown = old.other, old.cursor_shown
            self.process.send_signal(signal.SIGWINCH)

    def read(self, seconds):
        """What comes within that time; the rest of a picture follows at once."""
        if select.select([self.master], [], [], seconds)[0]:
            try:
                self.screen.feed(os.read(self.master, 65536).decode(errors="replace"))
            except OSError:
                return False
        return True

    def wait_for(self, condition, seconds, what):
        end = time.monotonic() + seconds
        while not condition(self.screen):
            assert time.monotonic() < end and self.read(0.2), f"{what}: the screen shows\n{self.screen.shows()}"

    def key(self, text):
        os.write(self.master, text.encode())

    def signal(self, number):
        self.process.send_signal(number)

    def end(self, seconds=15):
        """Its exit status, when all of its output has been read."""
        limit = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < limit, "it does not end"
            self.read(0.05)
        while select.select([self.master], [], [], 0)[0]:
            self.read(0)
        return self.process.returncode

    def is_restored(self):
        s = self.screen
        return not s.other and s.cursor_shown and termios.tcgetattr(self.slave) == self.before

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)
