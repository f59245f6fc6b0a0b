# SPDX-License-Identifier: GPL-2.0-or-later
"""One telephone: registers with digest, answers calls, calls. A NATed one says an address in its Contact that nobody can reach."""
import hashlib
import itertools
import re
import socket
import threading
import time

from .site import OWN, PHONES, VIP, in_namespace

_ports = itertools.count(20000)


def _md5(text):
    return hashlib.md5(text.encode()).hexdigest()


class Phone:
    def __init__(self, site, user, contact_host=None, contact_port=None, instance=None):
        self.user, self.site = user, site
        self.port = next(_ports)
        with in_namespace(site.ns(PHONES)):
            self._s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._s.bind((OWN, self.port))
        self.contact = f"sip:{user}@{contact_host or OWN}:{contact_port or self.port}"
        self.instance = instance
        self.call_id = f"{user}-{time.time_ns()}@phone"
        self.cseq = 0
        self.rang = 0
        self._answers, self._changed, self._open = [], threading.Condition(), True
        threading.Thread(target=self._read, daemon=True).start()

    def close(self):
        self._open = False
        self._s.close()

    def _read(self):
        while self._open:
            try:
                data, source = self._s.recvfrom(65536)
            except OSError:
                return
            text = data.decode(errors="replace")
            if text.startswith("SIP/2.0"):
                with self._changed:
                    self._answers.append(text)
                    self._changed.notify_all()
            elif text.startswith(("INVITE", "BYE", "OPTIONS")):
                self._answer(text, source)

    def _answer(self, text, source):
        if text.startswith("INVITE"):
            self.rang += 1
        head = text.split("\r\n\r\n")[0].split("\r\n")[1:]
        kept = [h for h in head if re.match(r"(Via|Record-Route|From|To|Call-ID|CSeq):", h, re.I)]
        kept = [h + ";tag=p" if h.lower().startswith("to:") and ";tag=" not in h else h for h in kept]
        self._s.sendto(("\r\n".join(["SIP/2.0 200 OK", *kept, f"Contact: <{self.contact}>", "Content-Length: 0"]) + "\r\n\r\n").encode(), source)

    def _ask(self, method, uri, extra, cseq, call_id, to):
        branch = f"z9hG4bK{time.time_ns()}"
        request = (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {OWN}:{self.port};branch={branch};rport\r\nMax-Forwards: 70\r\n"
                   f"From: <sip:{self.user}@{VIP}>;tag=f\r\nTo: <{to}>\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n{extra}"
                   f"User-Agent: lab phone\r\nContent-Length: 0\r\n\r\n").encode()

        def final():
            return next((a for a in self._answers if branch in a and not a.startswith("SIP/2.0 1")), None)
        with self._changed:
            for _ in range(8):
                self._s.sendto(request, (VIP, 5060))
                if self._changed.wait_for(final, 0.5):
                    return final()
        raise AssertionError(f"{self.user}: no answer to {method}")

    def _authorization(self, challenge, method, uri):
        field = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        response = _md5(":".join([_md5(f"{self.user}:{field['realm']}:pw{self.user}"), field["nonce"], _md5(f"{method}:{uri}")]))
        return (f'uthorization: Digest username="{self.user}",realm="{field["realm"]}",nonce="{field["nonce"]}",uri="{uri}",'
                f'response="{response}",algorithm=MD5\r\n')

    def register(self, expires_s=300):
        """Status of the final answer. The same Call-ID each time, as RFC 3261 wants it."""
        uri = f"sip:{VIP}"
        instance = f';+sip.instance="{self.instance}"' if self.instance else ""
        contact = f"Contact: <{self.contact}>;expires={expires_s}{instance}\r\nSupported: path, gruu\r\n"
        answer = self._challenged("REGISTER", uri, contact, self.call_id, f"sip:{self.user}@{VIP}")
        return int(answer.split()[1])

    def call(self, user):
        """Status of the final answer to an INVITE; the call is not kept."""
        uri = f"sip:{user}@{VIP}"
        answer = self._challenged("INVITE", uri, f"Contact: <{self.contact}>\r\n", f"call-{time.time_ns()}", uri)
        return int(answer.split()[1])

    def _challenged(self, method, uri, extra, call_id, to):
        self.cseq += 1
        answer = self._ask(method, uri, extra, self.cseq, call_id, to)
        name, challenge = ("A", re.search(r"^WWW-Authenticate: (.*)$", answer, re.M)) if " 401 " in answer.split("\r\n")[0] + " " else (
            "Proxy-A", re.search(r"^Proxy-Authenticate: (.*)$", answer, re.M))
        if not challenge:
            return answer
        self.cseq += 1
        return self._ask(method, uri, extra + name + self._authorization(challenge.group(1), method, uri), self.cseq, call_id, to)
