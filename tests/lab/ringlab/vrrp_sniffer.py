# SPDX-License-Identifier: GPL-2.0-or-later
"""Stands in the hub and writes every VRRP frame that comes out of a machine's cable into a pcapng file, with the port as interface name:
`vrrp_sniffer.py FILE [MAC]`, until SIGTERM; without the frames of that MAC. Prints `ready`, and at the end how many frames it wrote and how many the kernel dropped.
(dumpcap on several interfaces loses what comes in its first moments, without a word.)"""
import ctypes
import signal
import socket
import struct
import sys

PROTOCOL = 112
# An instruction of classic BPF: code, jump if true, jump if false, operand.
FILTER = [(0x28, 0, 0, 12), (0x15, 1, 0, 0x0800), (0x15, 2, 5, 0x86DD), (0x30, 0, 0, 23), (0x15, 2, 3, PROTOCOL),
          (0x30, 0, 0, 20), (0x15, 0, 1, PROTOCOL), (0x06, 0, 0, 0x40000), (0x06, 0, 0, 0)]
SO_ATTACH_FILTER, SO_RCVBUFFORCE, SO_TIMESTAMPNS, SOL_PACKET, PACKET_STATISTICS = 26, 33, 35, 263, 6


def block(kind, body):
    length = 12 + len(body)
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def padded(data):
    return data + b"\0" * (-len(data) % 4)


def option(code, data):
    return struct.pack("<HH", code, len(data)) + padded(data)


class File:
    def __init__(self, path):
        self._file, self._ports, self.frames = open(path, "wb"), {}, 0
        self._file.write(block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)))

    def _port(self, name):
        if name not in self._ports:
            options = option(2, name.encode()) + option(9, b"\x09") + option(0, b"")  # its name; times are in ns
            self._file.write(block(1, struct.pack("<HHI", 1, 0, 0) + options))
            self._ports[name] = len(self._ports)
        return self._ports[name]

    def add(self, name, t_ns, frame):
        port = self._port(name)
        self._file.write(block(6, struct.pack("<IIIII", port, t_ns >> 32, t_ns & 0xFFFFFFFF, len(frame), len(frame)) + padded(frame)))
        self.frames += 1

    def close(self):
        self._file.close()


def but(mac):
    """Instructions that throw away what comes from the MAC."""
    high, low = int.from_bytes(mac[:4], "big"), int.from_bytes(mac[4:], "big")
    return [(0x20, 0, 0, 6), (0x15, 0, 3, high), (0x28, 0, 0, 10), (0x15, 0, 1, low), (0x06, 0, 0, 0)]


def listen(mac):
    lines = (but(mac) if mac else []) + FILTER
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))  # everything, on all interfaces
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in lines))
    s.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(lines), ctypes.addressof(program)))
    s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    s.setblocking(False)
    try:
        while True:  # what came before the filter was in place
            s.recv(1)
    except BlockingIOError:
        return s


def main(path, mac=""):
    ends = []
    signal.signal(signal.SIGTERM, lambda *_: ends.append(1))
    s, out = listen(bytes.fromhex(mac.replace(":", ""))), File(path)
    s.settimeout(0.05)
    print("ready", flush=True)
    while True:
        try:
            frame, aux, _, (name, _, kind, _, _) = s.recvmsg(4096, 64)
        except TimeoutError:
            if ends:  # only when nothing waits any more
                break
            continue
        if kind != socket.PACKET_OUTGOING and not name.startswith("br"):
            seconds, nanos = struct.unpack("ll", aux[0][2][:16])
            out.add(name, seconds * 10**9 + nanos, frame)
    out.close()
    print(out.frames, struct.unpack("II", s.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1], flush=True)


main(*sys.argv[1:])
