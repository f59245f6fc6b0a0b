# SPDX-License-Identifier: GPL-2.0-or-later
"""SIP as text: a message taken apart and put together, digest, SDP. No sockets."""
import hashlib
import re


class Message:
    """`first` line, `headers` as (name, value) in their order, `body`."""

    def __init__(self, first, headers, body=""):
        self.first, self.headers, self.body = first, headers, body

    @classmethod
    def parse(cls, data):
        head, _, body = data.decode(errors="replace").partition("\r\n\r\n")
        lines = head.split("\r\n")
        headers = [(n.strip(), v.strip()) for n, _, v in (line.partition(":") for line in lines[1:])]
        return cls(lines[0], headers, body)

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def get(self, name, default=""):
        return next(iter(self.all(name)), default)

    @property
    def status(self):
        """Of an answer; 0 for a request."""
        return int(self.first.split()[1]) if self.first.startswith("SIP/2.0 ") else 0

    @property
    def method(self):
        return self.get("CSeq").split()[-1] if self.status else self.first.split()[0]

    @property
    def branch(self):
        return parameter(self.get("Via"), "branch")

    def bytes(self):
        headers = [f"{n}: {v}" for n, v in self.headers] + [f"Content-Length: {len(self.body)}"]
        return ("\r\n".join([self.first, *headers]) + "\r\n\r\n" + self.body).encode()

    def answer(self, first, tag, headers=(), body=""):
        """The answer to this request."""
        kept = [(n, v) for n, v in self.headers if n.lower() in ("via", "record-route", "from", "to", "call-id", "cseq")]
        kept = [(n, v if n.lower() != "to" or ";tag=" in v else f"{v};tag={tag}") for n, v in kept]
        return Message(f"SIP/2.0 {first}", [*kept, *headers], body)


def take(stream):
    """The first whole message of a TCP stream's bytes and the rest; (None, rest) if it is not whole yet. Keepalives are skipped."""
    stream = stream.lstrip(b"\r\n")
    head, end, rest = stream.partition(b"\r\n\r\n")
    if not end:
        return None, stream
    found = re.search(rb"^Content-Length\s*:\s*(\d+)", head, re.M | re.I)
    length = int(found.group(1)) if found else 0
    return (head + end + rest[:length], rest[length:]) if len(rest) >= length else (None, stream)


def parameter(value, name):
    found = re.search(rf";{name}=([^;,\s>]+)", value)
    return found.group(1) if found else ""


def uri(value):
    """The URI of a header with or without angle brackets."""
    found = re.search(r"<([^>]+)>", value)
    return found.group(1) if found else value.split(";")[0]


def _md5(*parts):
    return hashlib.md5(":".join(parts).encode()).hexdigest()


class Digest:
    """The credentials of an account with the challenge that was heard last: used at once until the other side wants a new one, as phones do."""

    def __init__(self, user, password):
        self.user, self.password = user, password
        self.challenge, self.count = None, 0

    def challenged(self, answer):
        header = answer.get("WWW-Authenticate") or answer.get("Proxy-Authenticate")
        self.proxy = not answer.get("WWW-Authenticate")
        self.challenge, self.count = dict(re.findall(r'(\w+)="?([^",]*)"?', header)), 0
        return self.challenge.get("stale", "").lower() == "true"

    def header(self, method, target):
        c = self.challenge
        if not c:
            return []
        self.count += 1
        ha1, ha2, nc = _md5(self.user, c["realm"], self.password), _md5(method, target), f"{self.count:08x}"
        fields = {"username": self.user, "realm": c["realm"], "nonce": c["nonce"], "uri": target}
        plain = {"algorithm": "MD5"}
        if "auth" in c.get("qop", "").split(","):
            fields |= {"cnonce": "lab", "response": _md5(ha1, c["nonce"], nc, "lab", "auth", ha2)}
            plain |= {"qop": "auth", "nc": nc}
        else:
            fields["response"] = _md5(ha1, c["nonce"], ha2)
        if "opaque" in c:
            fields["opaque"] = c["opaque"]
        text = ", ".join([*(f'{k}="{v}"' for k, v in fields.items()), *(f"{k}={v}" for k, v in plain.items())])
        return [("Proxy-Authorization" if self.proxy else "Authorization", f"Digest {text}")]


def sdp(host, port, version=1):
    return (f"v=0\r\no=phone 1 {version} IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
            "a=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n")


def media_address(body):
    """Where the other side wants its audio, or None."""
    host, port = re.search(r"^c=IN IP4 (\S+)", body, re.M), re.search(r"^m=audio (\d+)", body, re.M)
    return (host.group(1), int(port.group(1))) if host and port else None
