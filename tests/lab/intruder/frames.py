# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends prebuilt Ethernet frames: `frames.py DEVICE FILE` each once, `frames.py DEVICE FILE PER_S SECONDS` over and over at that rate. FILE has a frame
per line, in hex. Prints how many left and how long it took. It sends in bursts of a millisecond, without a pause that is due."""
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


def main(device, path, per_s=0, seconds=0):
    with open(path, encoding="ascii") as f:
        frames = [bytes.fromhex(line) for line in f]
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.bind((device, 0))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)
    if seconds:
        print(*pour(s, frames, per_s, seconds))
        return
    start = time.monotonic()
    for frame in frames:
        s.send(frame)
    print(len(frames), time.monotonic() - start)


main(sys.argv[1], sys.argv[2], *map(float, sys.argv[3:]))
