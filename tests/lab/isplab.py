# SPDX-License-Identifier: GPL-2.0-or-later
"""A node with two ISPs: a router each that translates addresses and drops what is not from its own customers' range, and the Internet behind
both, with servers of every kind that probes ask.

              wan1 -- isp1 (198.51.100.0/24) --.
       node                                     inet   203.0.113.10, 2001:db8:f::10
              wan2 -- isp2 (192.0.2.0/24)    --'
       lan0 -- lan
"""
import contextlib
import socket
import struct
import threading

from gatelab import Keeper, Space, built_path, cable, wait_until

TARGET4, TARGET6 = "203.0.113.10", "2001:db8:f::10"
UPLINKS4 = ("wan1,4,10.1.0.1,101,0x100", "wan2,4,10.2.0.1,102,0x200")
UPLINKS6 = ("wan1,6,fd01::1,101,0x300", "wan2,6,fd02::1,102,0x400")
VOICE = ("to", "203.0.113.0/24", "2001:db8:f::/64")
PUBLIC = {1: "198.51.100.1", 2: "192.0.2.1"}

ISP_RULES = """
table inet isp {
  counter refused { }
  chain forward { type filter hook forward priority 0;
    iifname cust ip saddr != 10.%(n)d.0.0/24 counter name refused drop
    iifname cust ip6 saddr != { fd0%(n)d::/64, fe80::/10 } counter name refused drop
  }
  chain nat { type nat hook postrouting priority 100; oifname net ip saddr 10.%(n)d.0.0/24 snat ip to %(public)s; }
}
"""

# At a flow's start only: one that moves keeps the mark of where its translation is from.
NODE_RULES = """
table inet voice {
  chain flows { type filter hook postrouting priority -150;
    ct mark and 0xff00 != 0 accept
    meta nfproto ipv4 oifname wan1 ct mark set ct mark and 0xffff00ff or 0x100
    meta nfproto ipv4 oifname wan2 ct mark set ct mark and 0xffff00ff or 0x200
    meta nfproto ipv6 oifname wan1 ct mark set ct mark and 0xffff00ff or 0x300
    meta nfproto ipv6 oifname wan2 ct mark set ct mark and 0xffff00ff or 0x400
  }
}
"""


class Services:
    """Servers in the Internet, both families; each says what `how` tells it to. Every datagram that came is kept with where it came from."""

    def __init__(self, space, addresses):
        self.how = {}
        self.came = []
        self._end = False
        self._sockets = []
        with space.inside():
            for address in addresses:
                for port, answer in ((53, self._dns), (3478, self._stun), (5060, self._sip), (9000, None)):
                    self._datagrams(address, port, answer)
                for port, answer in ((80, self._http), (5060, self._sip_stream), (5061, None)):
                    self._streams(address, port, answer)

    def _start(self, function, *args):
        threading.Thread(target=function, args=args, daemon=True).start()

    def _socket(self, address, port, kind):
        s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((address, port))
        s.settimeout(0.2)
        self._sockets.append(s)
        return s

    def _datagrams(self, address, port, answer):
        self._start(self._serve_datagrams, self._socket(address, port, socket.SOCK_DGRAM), port, answer)

    def _serve_datagrams(self, s, port, answer):
        while not self._end:
            try:
                data, peer = s.recvfrom(2048)
            except TimeoutError:
                continue
            except OSError:
                return
            self.came.append((port, peer[0], data))
            reply = answer and answer(data, peer)
            if reply:
                with contextlib.suppress(OSError):
                    s.sendto(reply, peer)

    def _streams(self, address, port, answer):
        s = self._socket(address, port, socket.SOCK_STREAM)
        s.listen(64)
        self._start(self._serve_streams, s, answer)

    def _serve_streams(self, s, answer):
        while not self._end:
            try:
                peer, _ = s.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            self._start(self._serve_stream, peer, answer)

    def _serve_stream(self, peer, answer):
        with peer, contextlib.suppress(OSError):
            peer.settimeout(5)
            while not self._end:
                data = peer.recv(4096)
                if not data:
                    return
                if answer:
                    peer.sendall(answer(data))

    def _dns(self, data, _peer):
        if self.how.get("dns") == "other-name":
            return data[:2] + b"\x81\x80" + data[4:13] + b"xxxxxxxx"[:data[12]] + data[13 + data[12]:]
        return data[:2] + b"\x81" + bytes([0x80 | self.how.get("rcode", 0)]) + data[4:]

    def _stun(self, data, peer):
        if self.how.get("stun") == "other-id":
            data = data[:8] + bytes(12)
        mask = data[4:20]
        family = 2 if ":" in peer[0] else 1
        packed = socket.inet_pton(socket.AF_INET6 if family == 2 else socket.AF_INET, peer[0])
        value = struct.pack("!BBH", 0, family, peer[1] ^ 0x2112) + bytes(a ^ b for a, b in zip(packed, mask))
        return struct.pack("!HH", 0x0101, 4 + len(value)) + mask + struct.pack("!HH", 0x0020, len(value)) + value

    def _sip(self, data, _peer):
        headers = [line for line in data.split(b"\r\n") if line.split(b":")[0] in (b"Via", b"From", b"To", b"Call-ID", b"CSeq")]
        status = self.how.get("sip", b"200 OK")
        return b"SIP/2.0 " + status + b"\r\n" + b"\r\n".join(headers) + b"\r\nContent-Length: 0\r\n\r\n"

    def _sip_stream(self, data):
        return self._sip(data, None).replace(b"200 OK", b"100 Trying", 1) + self._sip(data, None)

    def _http(self, _data):
        return b"HTTP/1.1 " + self.how.get("http", b"204 No Content") + b"\r\nConnection: close\r\n\r\n"

    def close(self):
        self._end = True
        for s in self._sockets:
            s.close()


class TwoIsps:
    def __init__(self):
        self.spaces = []
        self.keepers = []
        self.services = None
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _space(self, name):
        space = Space(name)
        self.spaces.append(space)
        for key in ("all.accept_dad", "default.accept_dad", "all.accept_ra", "default.accept_ra"):
            space.check("sysctl", "-qw", f"net.ipv6.conf.{key}=0")
        space.check("sysctl", "-qw", "net.ipv4.icmp_ratelimit=0", "net.ipv6.icmp.ratelimit=0")  # each closed port says so
        return space

    def _build(self):
        self.node, self.inet, self.lan = self._space("node"), self._space("inet"), self._space("lan")
        self.isp = {n: self._space(f"isp{n}") for n in (1, 2)}
        cable(self.node, "lan0", self.lan, "lan0")
        self._addresses(self.node, "lan0", "10.9.0.1/24", "fd09::1/64")
        self._addresses(self.lan, "lan0", "10.9.0.2/24", "fd09::2/64")
        self._addresses(self.inet, "lo", f"{TARGET4}/32", f"{TARGET6}/128")
        for n, isp in self.isp.items():
            self._build_isp(n, isp)
        # What the node had before ringkeep: a default route by ISP 1, with which everything else goes on.
        self.node.ip("route", "add", "default", "via", "10.1.0.1", "dev", "wan1")
        self.node.ip("-6", "route", "add", "default", "via", "fd01::1", "dev", "wan1")
        self.node.check("nft", "-f", "-", input=NODE_RULES)
        self.services = Services(self.inet, [TARGET4, TARGET6])

    def _addresses(self, space, device, v4, v6):
        space.ip("addr", "add", v4, "dev", device)
        space.ip("addr", "add", v6, "dev", device, "nodad")

    def _build_isp(self, n, isp):
        cable(self.node, f"wan{n}", isp, "cust")
        cable(isp, "net", self.inet, f"isp{n}")
        self._addresses(self.node, f"wan{n}", f"10.{n}.0.2/24", f"fd0{n}::2/64")
        self._addresses(isp, "cust", f"10.{n}.0.1/24", f"fd0{n}::1/64")
        self._addresses(isp, "net", f"172.16.{n}.1/24", f"fdf{n}::1/64")
        self._addresses(self.inet, f"isp{n}", f"172.16.{n}.2/24", f"fdf{n}::2/64")
        isp.check("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        isp.ip("addr", "add", f"{PUBLIC[n]}/32", "dev", "lo")
        isp.ip("route", "add", "default", "via", f"172.16.{n}.2")
        isp.ip("-6", "route", "add", "default", "via", f"fdf{n}::2")
        self.inet.ip("route", "add", f"{PUBLIC[n]}/32", "via", f"172.16.{n}.1")
        self.inet.ip("-6", "route", "add", f"fd0{n}::/64", "via", f"fdf{n}::1")
        isp.check("nft", "-f", "-", input=ISP_RULES % {"n": n, "public": PUBLIC[n]})

    def cut(self, n):
        """Far side: the carrier of the line stays, nothing comes through."""
        self.isp[n].check("nft", "add table inet cut; add chain inet cut f { type filter hook forward priority -1; policy drop; }")

    def mend(self, n):
        self.isp[n].run("nft", "delete table inet cut")

    def refused(self, n):
        """Packets that the ISP dropped because their source address is not its own."""
        return int(self.isp[n].check("nft", "list", "counter", "inet", "isp", "refused").split("packets")[1].split()[0])

    def keeper(self, *args):
        keeper = PathKeeper(self.node, *(args or UPLINKS4 + UPLINKS6 + VOICE), program=built_path("uplink", "pathkeeper"))
        self.keepers.append(keeper)
        return keeper

    def routing(self):
        """All of the node's routing, as text that can be compared."""
        return "\n".join(self.node.ip(*command) for command in (
            ("nexthop", "show"), ("rule", "show"), ("-6", "rule", "show"), ("route", "show", "table", "all"),
            ("-6", "route", "show", "table", "all")))

    def close(self):
        for keeper in self.keepers:
            keeper.kill()
        if self.services:
            self.services.close()
        for space in self.spaces:
            space.close()


class PathKeeper(Keeper):
    def ask(self, line, pattern, timeout_s=10):
        """Says it, waits until it is done, and returns the fields of each answer like the pattern."""
        at = self.send(line)
        self.expect(f"ok {line.split()[0]}$", timeout_s, at)
        return [dict(f.split("=", 1) for f in m["rest"].split() if "=" in f) for m in self.find(pattern + r" (?P<rest>.*)", at)]

    def ensure(self, v4="adopt", v6="adopt"):
        return self.ask(f"ensure {v4} {v6}", "ensured")[0]

    def probe(self, kind, uplink, address, port=0, times=3, gap_ms=20, timeout_ms=4000, host="", path=""):
        """The results, each a dict; `unsent` ones have only sequence and error."""
        words = f"probe {kind} {uplink} {address} {port} {times} {gap_ms} {timeout_ms} {host} {path}".rstrip()
        return self.ask(words, "(?:result|unsent|refused)", 20)

    def event(self, kind, uplink, state, timeout_s=5, at=0):
        return self.expect(f"event {kind} {uplink} {state} (?P<rest>.*)", timeout_s, at)


__all__ = ["TARGET4", "TARGET6", "UPLINKS4", "UPLINKS6", "VOICE", "PUBLIC", "TwoIsps", "PathKeeper", "wait_until"]
