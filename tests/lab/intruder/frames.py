# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends prebuilt Ethernet frames, written in hex. `frames.py DEVICE` sends those of each line that comes in on stdin at once, and says how many;
`frames.py DEVICE FILE PER_S SECONDS` sends those of a file, one a line, over and over at that rate, and says how many left and how long it took."""
import os
import socket
import sys
import time

BURST_S = 0.001


def pour(s, frames, per_s, seconds):
    start, sent = time.monotonic(), 0
    while True:
        elapsed = time.monotonic() - start
        if elapsed >= seconds:
            return sent, elapsed
        for _ in range(int(elapsed * per_s) - sent):
            s.send(frames[sent % len(frames)])
            sent += 1
        time.sleep(BURST_S)


def open_device(device):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.bind((device, 0))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)
    return s


def main(device, path=None, per_s=0, seconds=0):
    s = open_device(device)
    if path is None:
        for line in sys.stdin:
            print(sum(s.send(bytes.fromhex(frame)) > 0 for frame in line.split()), flush=True)
        return
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))  # a forger has a machine of his own
    with open(path, encoding="ascii") as f:
        frames = [bytes.fromhex(line) for line in f]
    print(*pour(s, frames, float(per_s), float(seconds)))


main(*sys.argv[1:])
