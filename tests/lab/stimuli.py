# SPDX-License-Identifier: GPL-2.0-or-later
"""What might make a node show a virtual address: frames sent to it from the LAN, and things that a process on it may do.

Each stimulus is (name, side, function); side is "lan" or "node", and the function is called inside that namespace.
"""
import contextlib
import socket
import struct
import time

BROADCAST = b"\xff" * 6
PACKET_QDISC_BYPASS_OPTION = 20


def checksum(data):
    if len(data) & 1:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip4(src, dst, proto, payload, options=b"", fragment=0, ident=1):
    words = (20 + len(options)) // 4
    head = struct.pack("!BBHHHBBH4s4s", 0x40 | words, 0, words * 4 + len(payload), ident, fragment, 64, proto, 0, src, dst) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def udp4(src, dst, port=9):
    return ip4(src, dst, 17, struct.pack("!HHHH", 5060, port, 16, 0) + b"x" * 8)


def echo4(extra=b""):
    body = b"\x08\0\0\0\0\1\0\1" + extra
    return body[:2] + struct.pack("!H", checksum(body)) + body[4:]


def icmp6(src, dst, body, extension=None, hops=255):
    pseudo = src + dst + struct.pack("!II", len(body), 58)
    body = body[:2] + struct.pack("!H", checksum(pseudo + body)) + body[4:]
    first = 58
    if extension:
        first, head = extension
        body = head + body
    return struct.pack("!IHBB", 0x60000000, len(body), first, hops) + src + dst + body


HOP_BY_HOP = (0, b"\x3a\0\x05\x02\0\0\x01\0")
FRAGMENT = (44, b"\x3a\0\0\0\0\0\0\x07")  # a first and only fragment
DESTINATION = (60, b"\x3a\0\x01\x04\0\0\0\0")


def arp(operation, sender_mac, sender, target_mac, target):
    return struct.pack("!HHBBH", 1, 0x800, 6, 4, operation) + sender_mac + sender + target_mac + target


def send(device, frame, protocol=0, bypass=False):
    with contextlib.closing(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)) as s:
        s.bind((device, protocol))
        if bypass:
            s.setsockopt(263, PACKET_QDISC_BYPASS_OPTION, 1)
        try:
            s.send(frame)
        except OSError as error:
            if error.errno != 105:  # ENOBUFS: the gate dropped it
                raise


class Stimuli:
    def __init__(self, lan, device="e0"):
        self.lan, self.device, self.list = lan, device, []
        self.vip4, self.vip6 = socket.inet_aton(lan.VIP4), socket.inet_pton(socket.AF_INET6, lan.VIP6)
        self.lan4, self.lan6 = socket.inet_aton(lan.LAN4), socket.inet_pton(socket.AF_INET6, lan.LAN6)
        self.node6 = socket.inet_pton(socket.AF_INET6, lan.NODE6)
        self.node_mac, self.lan_mac = lan.node.mac(device), lan.lan.mac("br0")
        self.to_node = self.node_mac + self.lan_mac
        self.to_lan = self.lan_mac + self.node_mac
        self._requests()
        self._emissions()

    def needles(self):
        return [self.vip4, self.vip6]

    def _from_lan(self, name, frame, protocol=0):
        frames = frame if isinstance(frame, list) else [frame]
        self.list.append((name, "lan", lambda: [send("br0", f, protocol) for f in frames]))

    def _from_node(self, name, function):
        self.list.append((name, "node", function))

    def _frame_from_node(self, name, frame, protocol=0):
        self._from_node(name, lambda: send(self.device, frame, protocol))

    # ---- the LAN asks ----

    def _requests(self):
        a, b = self.vip4, self.lan4
        v4 = self.to_node + b"\x08\0"
        self._from_lan("echo request", v4 + ip4(b, a, 1, echo4()))
        self._from_lan("UDP to a closed port", v4 + udp4(b, a))
        self._from_lan("TCP SYN", v4 + self._syn(b, a))
        self._from_lan("echo request with IP options", v4 + ip4(b, a, 1, echo4(), options=b"\1\1\1\0"))
        whole = echo4(b"\0" * 8)
        self._from_lan("fragmented echo request", [v4 + ip4(b, a, 1, whole[:8], fragment=0x2000, ident=77),
                                                    v4 + ip4(b, a, 1, whole[8:], fragment=1, ident=77)])
        question = b"\x08\x06" + arp(1, self.lan_mac, b, b"\0" * 6, a)
        self._from_lan("ARP who-has, broadcast", BROADCAST + self.lan_mac + question)
        self._from_lan("ARP who-has, unicast", self.to_node + question)
        self._from_lan("ARP probe", BROADCAST + self.lan_mac + b"\x08\x06" + arp(1, self.lan_mac, b"\0" * 4, b"\0" * 6, a))
        for tag, name in ((b"\x81\0\0\0", "802.1Q"), (b"\x88\xa8\0\0", "802.1ad")):
            self._from_lan(f"UDP, {name} priority tag", self.to_node + tag + b"\x08\0" + udp4(b, a))
            self._from_lan(f"ARP who-has, {name} priority tag", BROADCAST + self.lan_mac + tag + question)
        self._from_lan("UDP, two priority tags", self.to_node + b"\x88\xa8\0\0\x81\0\0\0\x08\0" + udp4(b, a))
        self._requests6()

    def _requests6(self):
        a, b = self.vip6, self.lan6
        group = socket.inet_pton(socket.AF_INET6, "ff02::1:ff00:0")[:13] + a[13:]
        mac = b"\x33\x33\xff" + a[13:]

        def solicit(src, dst, extension=None):
            option = b"\1\1" + self.lan_mac if any(src) else b""
            return b"\x86\xdd" + icmp6(src, dst, b"\x87\0\0\0\0\0\0\0" + a + option, extension)

        self._from_lan("echo request, IPv6", self.to_node + b"\x86\xdd" + icmp6(b, a, b"\x80\0\0\0\0\1\0\1"))
        self._from_lan("neighbour solicitation, multicast", mac + self.lan_mac + solicit(b, group))
        self._from_lan("neighbour solicitation, unicast", self.to_node + solicit(b, a))
        self._from_lan("neighbour solicitation, duplicate detection", mac + self.lan_mac + solicit(b"\0" * 16, group))
        self._from_lan("neighbour solicitation behind hop-by-hop", mac + self.lan_mac + solicit(b, group, HOP_BY_HOP))
        self._from_lan("neighbour solicitation behind destination options", mac + self.lan_mac + solicit(b, group, DESTINATION))
        self._from_lan("neighbour solicitation in a fragment", mac + self.lan_mac + solicit(b, group, FRAGMENT))
        self._from_lan("neighbour solicitation to the node's own address", self.to_node + solicit(b, self.node6))

    @staticmethod
    def _syn(src, dst):
        segment = struct.pack("!HHIIBBHHH", 4444, 81, 1, 0, 0x50, 2, 1000, 0, 0)
        total = checksum(src + dst + struct.pack("!HH", 6, 20) + segment)
        return ip4(src, dst, 6, segment[:16] + struct.pack("!H", total) + segment[18:])

    # ---- the node speaks ----

    def _emissions(self):
        lan = self.lan

        def udp(family, source, target):
            with contextlib.closing(socket.socket(family, socket.SOCK_DGRAM)) as s:
                s.bind((source, 0))
                s.sendto(b"hi", (target, 9999))

        def tcp():
            with contextlib.closing(socket.socket()) as s:
                s.bind((lan.VIP4, 0))
                s.setblocking(False)
                s.connect_ex((lan.LAN4, 80))
                time.sleep(0.03)

        def raw():
            with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)) as s:
                s.sendto(udp4(self.vip4, self.lan4), (lan.LAN4, 0))

        def multicast():
            with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as s:
                s.bind((lan.VIP4, 0))
                s.setsockopt(0, socket.IP_MULTICAST_IF, socket.inet_aton(lan.NODE4))
                s.sendto(b"x", ("239.1.1.1", 99))

        self._from_node("UDP from the address", lambda: udp(socket.AF_INET, lan.VIP4, lan.LAN4))
        self._from_node("UDP from the address, IPv6", lambda: udp(socket.AF_INET6, lan.VIP6, lan.LAN6))
        self._from_node("UDP to an unknown neighbour (ARP sender)", lambda: udp(socket.AF_INET, lan.VIP4, "10.84.0.77"))
        self._from_node("UDP to an unknown neighbour, IPv6", lambda: udp(socket.AF_INET6, lan.VIP6, "fd84::77"))
        self._from_node("TCP from the address", tcp)
        self._from_node("raw IP socket", raw)
        self._from_node("multicast from the address", multicast)
        self._packet_sockets()

    def _packet_sockets(self):
        a, b = self.vip4, self.lan4
        garp = b"\x08\x06" + arp(2, self.node_mac, a, BROADCAST, a)
        packet = b"\x08\0" + udp4(a, b)
        self._frame_from_node("gratuitous ARP, request", BROADCAST + self.node_mac + b"\x08\x06" + arp(1, self.node_mac, a, b"\0" * 6, a))
        self._frame_from_node("gratuitous ARP, reply", BROADCAST + self.node_mac + garp)
        self._frame_from_node("AF_PACKET, UDP", self.to_lan + packet)
        self._frame_from_node("AF_PACKET, UDP that calls itself something else", self.to_lan + packet, 0x1234)
        self._frame_from_node("AF_PACKET, ARP that calls itself IPv4", BROADCAST + self.node_mac + garp, 0x0800)
        for tag, name in ((b"\x81\0\0\5", "802.1Q"), (b"\x88\xa8\0\5", "802.1ad")):
            self._frame_from_node(f"AF_PACKET, UDP, {name} tag", self.to_lan + tag + packet)
            self._frame_from_node(f"AF_PACKET, ARP, {name} tag", BROADCAST + self.node_mac + tag + garp)
        self._frame_from_node("AF_PACKET, UDP, three tags", self.to_lan + b"\x88\xa8\0\5\x88\xa8\0\6\x81\0\0\7" + packet)

        def datagram():
            with contextlib.closing(socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)) as s:
                try:
                    s.sendto(arp(2, self.node_mac, a, BROADCAST, a), (self.device, 0x806, 0, 0, BROADCAST))
                except OSError as error:
                    if error.errno != 105:
                        raise

        self._from_node("AF_PACKET datagram, ARP", datagram)
        self._packet_sockets6()

    def _packet_sockets6(self):
        all_nodes = socket.inet_pton(socket.AF_INET6, "ff02::1")
        head = b"\x33\x33\0\0\0\1" + self.node_mac + b"\x86\xdd"
        option = b"\2\1" + self.node_mac
        advert = b"\x88\0\0\0\x20\0\0\0" + self.vip6 + option
        redirect_target = b"\x89\0\0\0\0\0\0\0" + self.vip6 + self.lan6
        redirect_destination = b"\x89\0\0\0\0\0\0\0" + self.lan6 + self.vip6
        self._frame_from_node("neighbour advertisement from the node's own address", head + icmp6(self.node6, all_nodes, advert))
        self._frame_from_node("neighbour advertisement in a fragment", head + icmp6(self.node6, all_nodes, advert, FRAGMENT))
        self._frame_from_node("neighbour advertisement behind hop-by-hop", head + icmp6(self.node6, all_nodes, advert, HOP_BY_HOP))
        self._frame_from_node("redirect to the address", head + icmp6(self.node6, all_nodes, redirect_target))
        self._frame_from_node("redirect of the address", head + icmp6(self.node6, all_nodes, redirect_destination))
