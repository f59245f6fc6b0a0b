# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs on the switch. `pulses.py capture FILE SECONDS` records the pulses that pass; `pulses.py replay FILE` sends each of them again to the node it
was for; `pulses.py forge FILE` does so with one bit of the payload turned, each time another; `pulses.py garbage FILE` with random payload."""
import os
import socket
import sys
import time

PORT, ETHER, IP, UDP = 5707, 14, 20, 8


def is_pulse(frame):
    return frame[12:14] == b"\x08\x00" and frame[23] == 17 and int.from_bytes(frame[36:38], "big") == PORT


def capture(path, seconds):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.settimeout(0.1)
    end, frames = time.monotonic() + seconds, []
    while time.monotonic() < end:
        try:
            frame, (device, _, kind, *_) = s.recvfrom(2048)
        except TimeoutError:
            continue
        if kind != 4 and not device.startswith("br") and is_pulse(frame):
            frames.append(frame.hex())
    with open(path, "w", encoding="ascii") as f:
        f.write("\n".join(frames))
    return len(frames)


def port_of(frame):
    """The lab's MACs say network and node: 02:77:0<link>:00:00:<id>."""
    return {1: "n1", 2: "n2", 3: "w1"}[frame[5]] + f"e{frame[2]}"


def changed(frame, how, i):
    head, payload = frame[:ETHER + IP + UDP], bytearray(frame[ETHER + IP + UDP:])
    if how == "forge":
        payload[i % len(payload)] ^= 1 << (i % 8)
    elif how == "garbage":
        payload = bytearray(os.urandom(1 + i % len(payload)))
    head = bytearray(head)
    head[16:18] = (IP + UDP + len(payload)).to_bytes(2, "big")
    head[38:40] = (UDP + len(payload)).to_bytes(2, "big")
    head[40:42] = b"\0\0"  # no UDP checksum: the one captured was still to be filled in by a network card
    head[24:26] = b"\0\0"
    total = sum(int.from_bytes(head[14 + k:16 + k], "big") for k in range(0, 20, 2))
    total = (total & 0xffff) + (total >> 16)
    head[24:26] = (~(total + (total >> 16)) & 0xffff).to_bytes(2, "big")
    return bytes(head + payload)


def inject(path, how):
    frames = [bytes.fromhex(line) for line in open(path, encoding="ascii").read().split()]
    sockets = {}
    for i, frame in enumerate(frames):
        port = port_of(frame)
        if port not in sockets:
            sockets[port] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            sockets[port].bind((port, 0))
        sockets[port].send(changed(frame, how, i))
        time.sleep(0.001)
    return len(frames)


if __name__ == "__main__":
    print(capture(sys.argv[2], float(sys.argv[3])) if sys.argv[1] == "capture" else inject(sys.argv[2], sys.argv[1]))
