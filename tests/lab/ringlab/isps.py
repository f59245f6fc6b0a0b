# SPDX-License-Identifier: GPL-2.0-or-later
"""Two ISPs for every PBX node of a lab: a router each, which translates addresses and drops what is not from its customers' ranges, and behind both
an Internet with two operators' targets and the other end of a call.

    n1 wan1 -- isp1 (198.51.100.1) --.
    n2 wan1 --'                       inet  203.0.113.10 (operator a), 203.0.113.20 (operator b), 203.0.113.30 (the carrier's media)
    n1 wan2 -- isp2 (192.0.2.1) -----'
    n2 wan2 --'

With ipv6=True the same in IPv6: fd01::/48 and fd02::/48 of the ISPs, 2001:db8:f::10 to ::30 in the Internet.
"""
import ipaddress
import socket
import struct
import subprocess
import threading
import time

from .netns import inside

OPERATORS = {"a": "203.0.113.10", "b": "203.0.113.20"}
MEDIA = "203.0.113.30"
MEDIA_PORT = 40000
ELSEWHERE = "198.18.0.1"  # no voice goes there: a route of its own over wan1
OPERATORS6 = {"a": "2001:db8:f::10", "b": "2001:db8:f::20"}
MEDIA6 = "2001:db8:f::30"
PUBLIC = {1: "198.51.100.1", 2: "192.0.2.1"}
PERIOD_S = 0.02

ISP_RULES = """
table inet isp {
  counter refused { }
  chain forward { type filter hook forward priority 0;
    iifname "c*" ip saddr != 10.%(n)d.0.0/16 counter name refused drop
    iifname "c*" ip6 saddr != { fd0%(n)d::/48, fe80::/10 } counter name refused drop
  }
  chain unasked { type filter hook input priority 0; meta nfproto ipv4 iifname net ct state new drop; }
  chain nat { type nat hook postrouting priority 100; oifname net ip saddr 10.%(n)d.0.0/16 snat ip to %(public)s; }
}
"""
# What nobody asked for is dropped before it is remembered: a carrier that has read a re-INVITE speaks before the PBX's next packet is here, and that
# packet would be given another port.
NODE_RULES = """
table ip wan {
  counter strayed { }
  chain bound { type filter hook postrouting priority 0;
    ip saddr 10.1.0.0/16 oifname != "wan1" counter name strayed
    ip saddr 10.2.0.0/16 oifname != "wan2" counter name strayed
  }
  chain unasked { type filter hook input priority 0; iifname "wan*" ct state new ip daddr { 10.1.0.0/16, 10.2.0.0/16 } drop; }
  chain out { type nat hook postrouting priority 100; oifname "wan*" masquerade; }
}
"""
NODE_RULES6 = """
table ip6 wan6 {
  counter strayed { }
  chain bound { type filter hook postrouting priority 0;
    ip6 saddr fd01::/48 oifname != "wan1" counter name strayed
    ip6 saddr fd02::/48 oifname != "wan2" counter name strayed
  }
  chain unasked { type filter hook input priority 0; iifname "wan*" meta l4proto udp ct state new ip6 daddr { fd01::/48, fd02::/48 } drop; }
  chain out { type nat hook postrouting priority 100; oifname "wan*" ip6 saddr fd77::/64 masquerade; }
}
"""


def configuration6():
    """Sections for the top, and lines for a node's section, a function of its number: the lines of IPv6, beside those of IPv4."""
    top = "\n".join([
        'uplink isp1-6 { isp = isp1 family = ipv6 device = wan1 preference = 10 }', 'uplink isp2-6 { isp = isp2 family = ipv6 device = wan2 preference = 20 }',
        f'probe a6 {{ kind = icmp address = "{OPERATORS6["a"]}" }}', f'probe b6 {{ kind = stun address = "{OPERATORS6["b"]}" }}'])
    return top, lambda number: "\n".join(f'line isp{n}-6 {{ gateway = "fd0{n}:0:0:{number}::1" }}' for n in PUBLIC)


def configuration(lab, voice="", probes="", ipv6=False):
    """Sections for the top, and lines for each node's section; `probes`: more of them."""
    top6, lines6 = configuration6() if ipv6 else ("", lambda number: "")
    to = ", ".join(['"203.0.113.0/24"', *(['"2001:db8:f::/64"'] if ipv6 else [])])
    top = "\n".join([
        'uplink isp1 { device = wan1 preference = 10 }', 'uplink isp2 { device = wan2 preference = 20 }',
        f'probe a {{ kind = icmp address = {OPERATORS["a"]} }}', f'probe b {{ kind = stun address = {OPERATORS["b"]} }}',
        top6, probes, f'voice {{ to = {{ {to} }} {voice} }}'])
    return top, {node.name: "\n".join([*(f"line isp{n} {{ gateway = 10.{n}.{node.id}.1 }}" for n in PUBLIC), lines6(node.id)]) for node in lab.pbx_nodes}


def flows(node, to, n=None):
    """Entries of the node's connection tracking to that address, of one uplink by its number in the order of their names and so its mark, or of any."""
    to = ipaddress.ip_address(to).exploded
    lines = [line for line in node.check("cat", "/proc/net/nf_conntrack").splitlines() if f"dst={to} " in line]
    return [line for line in lines if n is None or f"mark={n * 0x100} " in f"{line} "]


class Isps:
    """`space`: makes a namespace with ip(), check(), run(), close() (gatelab.Space); `services`: answers in the Internet (isplab.Services)."""

    def __init__(self, lab, space, services, ipv6=False):
        self.lab, self._spaces, self._ipv6 = lab, [], ipv6
        self.inet = self._made(space("inet"))
        self.isp = {n: self._made(space(f"isp{n}")) for n in PUBLIC}
        for address in (*OPERATORS.values(), MEDIA, ELSEWHERE):
            self.inet.ip("addr", "add", f"{address}/32", "dev", "lo")
        for address in (*OPERATORS6.values(), MEDIA6) if ipv6 else ():
            self.inet.ip("addr", "add", f"{address}/128", "dev", "lo", "nodad")
        for n, isp in self.isp.items():
            self._build(n, isp)
            if ipv6:
                self._build6(n, isp)
        self.services = services(self.inet, [*OPERATORS.values(), *(OPERATORS6.values() if ipv6 else ())])
        for node in lab.pbx_nodes:
            self.plug(node)

    def _made(self, space):
        self._spaces.append(space)
        return space

    def _build(self, n, isp):
        subprocess.run(["ip", "-n", isp.name, "link", "add", "net", "type", "veth", "peer", "name", f"isp{n}", "netns", self.inet.name], check=True)
        isp.ip("addr", "add", f"172.16.{n}.1/24", "dev", "net")
        self.inet.ip("addr", "add", f"172.16.{n}.2/24", "dev", f"isp{n}")
        isp.ip("link", "set", "net", "up")
        self.inet.ip("link", "set", f"isp{n}", "up")
        isp.check("sysctl", "-qw", "net.ipv4.ip_forward=1")
        isp.ip("addr", "add", f"{PUBLIC[n]}/32", "dev", "lo")
        isp.ip("route", "add", "default", "via", f"172.16.{n}.2")
        self.inet.ip("route", "add", f"{PUBLIC[n]}/32", "via", f"172.16.{n}.1")
        isp.check("nft", "-f", "-", input=ISP_RULES % {"n": n, "public": PUBLIC[n]})

    def _build6(self, n, isp):
        isp.check("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1", "net.ipv6.conf.default.accept_dad=0")  # it answers from the first second on
        isp.ip("addr", "add", f"fdf{n}::1/64", "dev", "net", "nodad")
        self.inet.ip("addr", "add", f"fdf{n}::2/64", "dev", f"isp{n}", "nodad")
        isp.ip("-6", "route", "add", "default", "via", f"fdf{n}::2")
        self.inet.ip("-6", "route", "add", f"fd0{n}::/48", "via", f"fdf{n}::1")

    def _plug6(self, node):
        for n, isp in self.isp.items():
            isp.ip("addr", "add", f"fd0{n}:0:0:{node.id}::1/64", "dev", f"c{node.id}", "nodad")
            node.check("ip", "addr", "add", f"fd0{n}:0:0:{node.id}::2/64", "dev", f"wan{n}", "nodad")
        node.check("nft", "-f", "-", input=NODE_RULES6)

    def plug(self, node):
        """Also after a boot of the node."""
        for n, isp in self.isp.items():
            isp.run("ip", "link", "del", f"c{node.id}")
            subprocess.run(["ip", "-n", isp.name, "link", "add", f"c{node.id}", "type", "veth", "peer", "name", f"wan{n}", "netns", str(node.pid)],
                           check=True)
            isp.ip("addr", "add", f"10.{n}.{node.id}.1/24", "dev", f"c{node.id}")
            isp.ip("link", "set", f"c{node.id}", "up")
            node.check("ip", "addr", "add", f"10.{n}.{node.id}.2/24", "dev", f"wan{n}")
            node.check("ip", "link", "set", f"wan{n}", "up")
        node.check("ip", "route", "replace", f"{ELSEWHERE}/32", "via", f"10.1.{node.id}.1", "dev", "wan1")
        node.check("nft", "-f", "-", input=NODE_RULES)
        if self._ipv6:
            self._plug6(node)

    # ---- faults ----

    def fault(self, n, node=None, what="drop"):
        """Beyond the line, whose carrier stays: of one node or all; `what` in nft's words, for packets both ways."""
        customers = f'"c{node.id}"' if node else '"c*"'
        self.isp[n].check("nft", "-f", "-", input=f"""table inet fault {{
          chain f {{ type filter hook forward priority -1;
            iifname {customers} {what}
            oifname {customers} {what}
          }}
        }}
        """)

    def lose(self, n, percent, node=None):
        self.fault(n, node, f"numgen random mod 1000 < {round(percent * 10)} drop")

    def heal(self, n=None):
        for number in [n] if n else PUBLIC:
            self.isp[number].run("nft", "delete", "table", "inet", "fault")

    def carrier(self, n, node, up):
        self.isp[n].ip("link", "set", f"c{node.id}", "up" if up else "down")

    def silence(self, address, what=""):
        """A target is dead, over whatever line; or only `what` of it, in nft's words."""
        self.inet.check("nft", "-f", "-", input=f"""table inet dead {{
          chain f {{ type filter hook input priority 0; ip daddr {address} {what} drop; }}
        }}
        """)

    def speak(self):
        self.inet.run("nft", "delete", "table", "inet", "dead")

    def refused(self, n):
        return int(self.isp[n].check("nft", "list", "counter", "inet", "isp", "refused").split("packets")[1].split()[0])

    def strayed(self, node):
        """Packets from one line's own address, as probes have it, that were about to leave over another device."""
        tables = [("ip", "wan"), *([("ip6", "wan6")] if self._ipv6 else [])]
        return sum(int(node.check("nft", "list", "counter", *table, "strayed").split("packets")[1].split()[0]) for table in tables)

    def close(self):
        self.services.close()
        for space in self._spaces:
            space.close()


class Tap:
    """What leaves a node over one device, and in `came` what comes in by it, by the kernel's clock: (real time in ns, protocol, source, destination, their
    ports; an ICMP echo's identifier stands for the first port)."""

    PROTOCOLS = {socket.IPPROTO_ICMP: "icmp", socket.IPPROTO_ICMPV6: "icmp", socket.IPPROTO_UDP: "udp", socket.IPPROTO_TCP: "tcp"}

    def __init__(self, node, device):
        with inside(f"/proc/{node.pid}/ns/net"):
            self._s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)  # nothing, until it is bound: else what other devices send, too
            self._s.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
            self._s.setsockopt(socket.SOL_SOCKET, 35, 1)         # SO_TIMESTAMPNS
            self._s.bind((device, 3))
        self._s.settimeout(0.1)
        self.seen, self.came, self._open = [], [], True
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while self._open:
            try:
                data, aux, _, (_, ethertype, kind, *_) = self._s.recvmsg(128, 64)
            except TimeoutError:
                continue
            seconds, nanos = struct.unpack("ll", aux[0][2][:16])
            packet = self._packet4(data) if ethertype == 0x0800 else self._packet6(data) if ethertype == 0x86DD else None
            if packet:
                (self.seen if kind == socket.PACKET_OUTGOING else self.came).append((seconds * 10**9 + nanos, *packet))

    def _packet4(self, data):
        return self._packet(data[9], socket.inet_ntoa(data[12:16]), socket.inet_ntoa(data[16:20]), data[(data[0] & 15) * 4:])

    def _packet6(self, data):
        """Without extension headers: none of what the tests send has them."""
        source, destination = (socket.inet_ntop(socket.AF_INET6, data[at:at + 16]) for at in (8, 24))
        return self._packet(data[6], source, destination, data[40:])

    def _packet(self, protocol, source, destination, l4):
        if len(l4) < 8:
            return None
        first, second = struct.unpack("!HH", l4[4:8] if self.PROTOCOLS.get(protocol) == "icmp" else l4[:4])
        return self.PROTOCOLS.get(protocol, protocol), source, destination, first, second

    def to(self, address, *ports):
        return [p for p in self.seen if p[3] == address and (not ports or p[5] in ports)]

    def close(self):
        self._open = False
        self._thread.join()
        self._s.close()


class Call:
    """Audio both ways between the group's address on a node and the carrier's media: 50 packets a second with their numbers; the far side sends to
    where the latest packet came from, as carriers that latch do."""

    def __init__(self, isps, node, address, port=30000, far_port=MEDIA_PORT):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._there = MEDIA6 if family == socket.AF_INET6 else MEDIA, far_port
        with inside(f"/proc/{node.pid}/ns/net"):
            self._near = socket.socket(family, socket.SOCK_DGRAM)
            self._near.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._near.bind((address, port))
        with inside(f"/run/netns/{isps.inet.name}"):
            self._far = socket.socket(family, socket.SOCK_DGRAM)
            self._far.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._far.bind(self._there)
        self.far_heard, self.near_heard = [], []  # (monotonic s, source address, number)
        self.sent = 0
        self._open = True
        for s in (self._near, self._far):
            s.settimeout(0.1)
        self._threads = [threading.Thread(target=f, daemon=True) for f in (self._speak, self._hear_near, self._hear_far)]
        for thread in self._threads:
            thread.start()

    def _speak(self):
        due = time.monotonic()
        while self._open:
            try:
                self._near.sendto(struct.pack("!BBHII", 0x80, 8, self.sent & 0xFFFF, self.sent, 7) + b"\xd5" * 160, self._there)
            except OSError:
                pass  # no route for a moment: a telephone goes on
            self.sent += 1
            due = max(due + PERIOD_S, time.monotonic() - PERIOD_S)
            time.sleep(max(0, due - time.monotonic()))

    def _hear(self, s, heard, answer):
        while self._open:
            try:
                data, source = s.recvfrom(2048)
            except TimeoutError:
                continue
            except OSError:
                return
            heard.append((time.monotonic(), source[0], struct.unpack("!I", data[4:8])[0]))
            if answer:
                s.sendto(data, source)

    def _hear_near(self):
        self._hear(self._near, self.near_heard, False)

    def _hear_far(self):
        self._hear(self._far, self.far_heard, True)

    @staticmethod
    def gap_s(heard, since):
        """The longest silence since that instant, up to now."""
        times = [since, *(t for t, *_ in heard if t >= since), time.monotonic()]
        return max(b - a for a, b in zip(times, times[1:]))

    def lost(self, first, last):
        """Of the packets with these numbers, how many the far side did not get."""
        got = {number for _, _, number in self.far_heard}
        return sum(1 for number in range(first, last) if number not in got)

    def sources(self, since):
        return {source for t, source, _ in self.far_heard if t >= since}

    def close(self):
        self._open = False
        for thread in self._threads:
            thread.join()
        self._near.close()
        self._far.close()
