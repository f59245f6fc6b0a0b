# SPDX-License-Identifier: GPL-2.0-or-later
"""Somebody on the LAN who sends VRRP advertisements that nobody asked for: a machine of his own, and the list of what he sends, made with scapy.

The frames have the forger's own MAC address (with another's, the switch would send the other's traffic to the forger: a fault of every LAN, which
no VRRP router can mend)."""
import dataclasses
import random
import subprocess

from .machine import Machine
from .paths import LAB, tool

MAC, IP4, IP6 = "02:77:00:00:00:42", "10.77.0.66", "fe80::77:ff:fe00:42"
GROUP4, GROUP6 = "224.0.0.18", "ff02::12"
VALID, RESIGNS = "valid", "resigns"


class Stranger(Machine):
    """10.77.0.66 on the LAN."""

    def __init__(self, lab):
        super().__init__(lab.root, "stranger")
        self.lab = lab
        self.boot()
        hub = lab.hub
        subprocess.run(["ip", "link", "add", "eth0", "netns", str(self.pid), "address", MAC, "type", "veth", "peer", "name", "strangere0",
                        "netns", str(hub.pid)], check=True)
        hub.check("ip", "link", "set", "strangere0", "master", "br0", "up")
        self.check("ip", "addr", "add", f"{IP4}/24", "dev", "eth0")
        self.check("ip", "link", "set", "eth0", "up")
        self._sender = subprocess.Popen([tool("machine"), "run", str(self.pid), "--", *self._command()], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)

    @staticmethod
    def _command():
        return ["/usr/bin/python3", str(LAB / "intruder" / "frames.py"), "eth0"]

    def send(self, frames):
        self._sender.stdin.write(" ".join(frame.hex() for frame in frames) + "\n")
        assert self._sender.stdout.readline() == f"{len(frames)}\n"

    def power_off(self):
        self._sender.stdin.close()
        self._sender.wait()
        self._sender.stdout.close()
        super().power_off()

    def flood(self, frames, per_s, seconds):
        """Returns how many left per second."""
        path = self.dir / "frames"
        path.write_text("".join(f"{frame.hex()}\n" for frame in frames))
        out = self.check(*self._command(), path, per_s, seconds, timeout=seconds + 20)
        sent, took = map(float, out.split())
        return sent / took


@dataclasses.dataclass
class Forgery:
    name: str
    frames: list
    verdict: str        # "valid": nothing is wrong with it but its sender; "resigns": the same, of one who gives up; the name of the check that
    #                     has to stop it; "": nobody looks at it
    family: int = 4


class Forger:
    """Builds advertisements for the virtual router of `router` (vrrp_peers.Router)."""

    def __init__(self, router):
        # Not at the top: it takes half a second, and most of the lab does without.
        from scapy.layers import inet, inet6, l2, vrrp
        self.router, self._l2, self._inet, self._inet6, self._vrrp = router, l2, inet, inet6, vrrp

    def v3(self, family=4, ip=None, **fields):
        """A frame: our VRID and addresses, priority 254, its own interval; `fields` are VRRPv3's, `ip` those of the IP header."""
        r = self.router
        fields = {"version": 3, "vrid": r.vrid, "priority": 254, "adv": r.advert_ms // 10, "addrlist": r.of(family)} | fields
        return self._frame(family, ip, self._vrrp.VRRPv3(**fields))

    def v2(self, ip=None, **fields):
        r = self.router
        fields = {"vrid": r.vrid, "priority": 254, "adv": max(1, r.advert_ms // 1000), "addrlist": r.of(4)} | fields
        return self._frame(4, ip, self._vrrp.VRRP(**fields))

    def _frame(self, family, ip, payload):
        if family == 4:
            head = self._inet.IP(**({"src": IP4, "dst": GROUP4, "ttl": 255, "tos": 0xC0, "proto": 112} | (ip or {})))
        else:
            head = self._inet6.IPv6(**({"src": IP6, "dst": GROUP6, "hlim": 255, "tc": 0xC0, "nh": 112} | (ip or {})))
        mac = {GROUP4: "01:00:5e:00:00:12", GROUP6: "33:33:00:00:00:12"}.get(str(head.dst), "ff:ff:ff:ff:ff:ff")
        return bytes(self._l2.Ether(src=MAC, dst=mac) / head / payload)

    def raw(self, message, family=4, **ip):
        """Any bytes behind an IP header."""
        from scapy.packet import Raw
        return self._frame(family, ip, Raw(message))

    def message(self, family=4, **fields):
        """The bytes behind the IP header of v3()."""
        return self.v3(family, **fields)[34 if family == 4 else 54:]

    def resummed(self, message, family=4, **ip):
        """Any VRRPv3 message, with the checksum that is right for it."""
        from scapy.layers.inet import in4_chksum
        from scapy.layers.inet6 import in6_chksum
        head = self._inet.IP(**({"src": IP4, "dst": GROUP4, "proto": 112} | ip)) if family == 4 else \
            self._inet6.IPv6(**({"src": IP6, "dst": GROUP6, "nh": 112} | ip))
        bare = message[:6] + b"\0\0" + message[8:]
        total = (in4_chksum if family == 4 else in6_chksum)(112, head, bare)
        return self.raw(bare[:6] + total.to_bytes(2, "big") + bare[8:], family, **ip)

    # ---- the list ----

    def forgeries(self):
        found = self._valid4() + self._broken4()
        return found + (self._both6() if 6 in self.router.families else [])

    def _valid4(self):
        message_sum = self._vrrp.checksum(self.message(chksum=0))
        cases = [
            ("priority 254", self.v3()),
            ("priority 255", self.v3(priority=255)),
            ("priority 1", self.v3(priority=1)),
            ("priority of the holder, higher address", self.v3(priority=self.router.priority, ip={"src": "10.77.0.254"})),
            ("interval 10 ms", self.v3(adv=1)),
            ("interval 40.95 s", self.v3(adv=4095)),
            ("checksum of RFC 9568", self.v3(chksum=message_sum)),
            ("other addresses", self.v3(addrlist=["10.77.0.101"])),
            ("255 addresses", self.v3(addrlist=["10.77.0.100"] * 255)),
            ("from the address itself", self.v3(ip={"src": "10.77.0.100"})),
            ("from n1's address", self.v3(ip={"src": "10.77.0.1"})),
            ("from n2's address", self.v3(ip={"src": "10.77.0.2"})),
            ("from 0.0.0.0", self.v3(ip={"src": "0.0.0.0"})),
            ("reserved bits set", self.v3(res=15)),
        ]
        return [Forgery(name, [frame], VALID) for name, frame in cases] + [Forgery("priority 0", [self.v3(priority=0)], RESIGNS)]

    def _broken4(self):
        whole = self.message()
        good = self.v3()
        two = self.message(addrlist=["10.77.0.100", "10.77.0.101"])
        cases = [
            ("interval 0", self.v3(adv=0), "bad-interval"),
            ("interval 0, priority 255", self.v3(adv=0, priority=255), "bad-interval"),
            ("bad checksum", self.v3(chksum=0xDEAD), "bad-checksum"),
            ("checksum 0", self.v3(chksum=0), "bad-checksum"),
            ("TTL 254", self.v3(ip={"ttl": 254}), "bad-ttl"),
            ("TTL 1", self.v3(ip={"ttl": 1}), "bad-ttl"),
            ("TTL 0", self.v3(ip={"ttl": 0}), "bad-ttl"),
            ("count 0", self.resummed(whole[:3] + b"\0" + whole[4:8]), "bad-count"),
            ("count 0, address there", self.resummed(whole[:3] + b"\0" + whole[4:]), "bad-length"),
            ("count 255, one address there", self.resummed(whole[:3] + b"\xff" + whole[4:]), "bad-length"),
            ("truncated in the addresses", self.resummed(two[:-2]), "bad-length"),
            ("truncated in the header", self.raw(whole[:5]), "bad-length"),
            ("one byte", self.raw(whole[:1]), ""),
            ("no message at all", self.raw(b""), ""),
            ("trailing bytes", self.resummed(whole + b"\0\0\0\0"), "bad-length"),
            ("1400 trailing bytes", self.resummed(whole + b"\xff" * 1400), "bad-length"),
            ("version 4", self.v3(version=4), "bad-version"),
            ("version 1", self.v3(version=1), "bad-version"),
            ("version 0", self.v3(version=0), "bad-version"),
            ("type 2", self.v3(type=2), "bad-type"),
            ("type 0", self.v3(type=0), "bad-type"),
            ("VRRPv2 with authentication", self.v2(authtype=1, auth1=0x73656372), "bad-auth"),
            ("IP header checksum", good[:24] + bytes([good[24] ^ 0xFF]) + good[25:], "bad-packet"),
            ("IP length beyond the frame", self.v3(ip={"len": 1000}), "bad-packet"),
            ("IP header length beyond the frame", self.v3(ip={"ihl": 15}), ""),
        ]
        found = [Forgery(name, [frame], verdict) for name, frame, verdict in cases]
        return found + [Forgery("in two fragments", self._fragments(), "bad-packet"), Forgery("noise", self._noise(), "")]

    def _fragments(self):
        message = self.message(addrlist=["10.77.0.100"] * 4)
        return [self.raw(message[:16], flags="MF", frag=0, id=7), self.raw(message[16:], frag=2, id=7)]

    def _noise(self):
        """Random messages, and a good one with one bit turned: at no place may that be enough. The VRID and the priority are bytes of it."""
        dice, whole = random.Random(77), self.message()
        found = [self.raw(dice.randbytes(dice.randrange(0, 64))) for _ in range(100)]
        for bit in range(8 * len(whole)):
            turned = bytearray(whole)
            turned[bit // 8] ^= 1 << bit % 8
            found.append(self.raw(bytes(turned)))
        return found

    def _both6(self):
        six, first = self.router.of(6), self.message(6)
        hop_by_hop = self.raw(b"\x70\0\1\4\0\0\0\0" + first, 6, nh=0)
        fragment = self.raw(b"\x70\0\0\0\0\0\0\7" + first, 6, nh=44)
        cases = [
            ("priority 254", self.v3(6), VALID),
            ("priority 255", self.v3(6, priority=255), VALID),
            ("priority 0", self.v3(6, priority=0), RESIGNS),
            ("other addresses", self.v3(6, addrlist=["fe80::101"]), VALID),
            ("from the link-local address itself", self.v3(6, ip={"src": six[0]}), VALID),
            ("interval 0", self.v3(6, adv=0), "bad-interval"),
            ("bad checksum", self.v3(6, chksum=0xDEAD), "bad-checksum"),
            ("hop limit 254", self.v3(6, ip={"hlim": 254}), "bad-ttl"),
            ("count 0", self.resummed(first[:3] + b"\0" + first[4:8], 6), "bad-count"),
            ("truncated", self.resummed(first[:-2], 6), "bad-length"),
            ("trailing bytes", self.resummed(first + b"\0" * 4, 6), "bad-length"),
            ("first address not link-local", self.v3(6, addrlist=list(reversed(six))), "bad-address"),
            ("version 2", self.resummed(b"\x21" + first[1:], 6), "bad-version"),
            ("payload length beyond the frame", self.v3(6, ip={"plen": 1000}), "bad-packet"),
            ("behind a hop-by-hop header", hop_by_hop, ""),
            ("in a fragment", fragment, ""),
        ]
        return [Forgery(f"IPv6: {name}", [frame], verdict, 6) for name, frame, verdict in cases]
