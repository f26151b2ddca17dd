"""Random requests to the host: almost right, a little wrong, or noise. The same seed gives the same bytes."""

import base64
import json
import random
import struct
from dataclasses import dataclass, field

from sandbox_host.commands import OPERATIONS as PROCESS
from sandbox_host.filesystem import OPERATIONS as FILES

INSIDE = [
    *(f"/process.Process/{name}" for name in ("Start", "Connect", "Nothing")),
    *PROCESS,
    *FILES,
    "/files",
    "/health",
    "/envs",
    "/metrics",
    "/init",
    "/execute",
    "/contexts",
    "/contexts/x",
    "/contexts/x/restart",
]
ROUTES = [
    *INSIDE * 3,
    *(f"{version}/sandboxes{rest_}" for version in ("", "/v2") for rest_ in ("", "/ID", "/ID/connect", "/ID/timeout")),
    *(f"/sandboxes/ID/{name}" for name in "refreshes resume metrics network logs fork snapshots".split()),
    "/snapshots", "/templates/x", "/v3/templates", "/volumes", "/secrets", "/nowhere", "*", "http://x/files", "//",
]  # fmt: skip
WORDS = [
    "process", "cmd", "args", "envs", "cwd", "pid", "tag", "selector", "stdin", "pty", "size", "rows", "cols", "input",
    "signal", "path", "depth", "source", "destination", "recursive", "includeEntry", "watcherId", "start", "data",
    "templateID", "timeout", "metadata", "envVars", "network", "allowOut", "denyOut", "autoPause", "autoResume",
    "enabled", "memory", "count", "name", "duration", "code", "context_id", "language", "env_vars", "maskRequestHost",
]  # fmt: skip
TEXTS = ["", "base", "react", "/tmp/x", "~", "../..", "-rf", "a\0b", "\ud800", "ü" * 300, "x" * 5000, "python", "true",
         "SIGNAL_SIGKILL", "²", "1e999", "/proc/self/mem", "/dev/zero", "\r\nX: y"]  # fmt: skip
NUMBERS = [0, 1, -1, 2**31, 2**63, 2**64, -(2**63), 10**400, 0.5, 1e308]
QUERY = ["limit", "nextToken", "state", "startedAfter", "signature", "signature_expiration", "username", "order"]
HEADERS = [
    "Content-Type", "Content-Encoding", "Content-Length", "Transfer-Encoding", "Connect-Timeout-Ms", "Authorization",
    "Keepalive-Ping-Interval", "Accept-Encoding", "Range", "Expect", "Upgrade", "Connection", "Idempotency-Key",
    "X-Metadata-a", "E2b-Sandbox-Port", "Host", "Accept", "X-API-KEY", "X-Access-Token",
]  # fmt: skip
VALUES = [
    "application/json", "application/connect+json", "multipart/form-data", "multipart/form-data; boundary=b", "gzip",
    "chunked", "0", "1", "5", "99999999999999999999", "-1", "²", "0x10", "Basic !!!", "Basic cm9vdDo=", "Basic /w==",
    "bytes=0-", "100-continue", "websocket", "close", "\x80\xff", "localhost", "evil.example", "49999", "text/html",
    "a" * 9000,
]  # fmt: skip
RIGHT: dict[str, object] = {
    "process": {"cmd": "/bin/true", "args": [], "pid": 1}, "path": "/tmp/x", "source": "/tmp/x", "depth": 1,
    "destination": "/tmp/y", "templateID": "none", "timeout": 60, "code": "1", "signal": "SIGNAL_SIGTERM", "count": 1,
    "input": {"stdin": base64.b64encode(b"x").decode()}, "start": {"process": {"pid": 1}},
}  # fmt: skip
FRAMED = ("Start", "Connect", "StreamInput", "WatchDir")
# A stream that is allowed to go on is ended by the host itself after this.
UNFINISHED = ("Content-Length", "Transfer-Encoding", "Expect", "Upgrade", "Connection", "Connect-Timeout-Ms")
SHORT = ("Connect-Timeout-Ms", "300")


@dataclass
class Source:
    """Makes requests for one sandbox; `key` and `token` are the right ones, so that what is behind them is reached."""

    seed: int
    sandbox: str
    key: str
    token: str
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def request(self) -> tuple[bytes, bool]:
        """The bytes, and whether they are a whole request, to which there must be an answer without more of them."""
        chance = self.chance
        if chance.random() < 0.05:
            return chance.randbytes(chance.randrange(1, 400)) + b"\r\n\r\n", False
        path = chance.choice(ROUTES).replace("ID", chance.choice([self.sandbox, self.sandbox[:-1], "%00", "..;"]))
        body = self._body(path.rpartition("/")[2] in FRAMED)
        inside = path in INSIDE
        if chance.random() < 0.3:
            path += "?" + "&".join(f"{chance.choice(WORDS + QUERY)}={self._query()}" for _ in range(3))
        method = chance.choice(
            ["POST"] * 9 + ["GET", "POST", "POST", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "G\xc9T"]
        )
        if method == "DELETE" and path.partition("?")[0].endswith(f"/sandboxes/{self.sandbox}"):
            method = "GET"  # it would end the sandbox that the others are sent to
        head = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", f"Content-Length: {len(body)}"]
        head += [f"{SHORT[0]}: {SHORT[1]}", f"X-API-KEY: {self.key}", f"X-Access-Token: {self.token}"]
        if chance.random() < (0.95 if inside else 0.05):
            head += [f"E2b-Sandbox-Id: {self.sandbox}", f"E2b-Sandbox-Port: {chance.choice([49983, 49983, 49999])}"]
        kind = "application/connect+json" if body[:1] == b"\0" else chance.choice(VALUES[:4])
        head.append(f"Content-Type: {kind}")
        # aiohttp itself fails at an Expect that is not ASCII, before anything of ours is asked.
        kept = [line for line in head if chance.random() > 0.03]
        odd = [f"{chance.choice(HEADERS)}: {chance.choice(VALUES)}" for _ in range(chance.choice([0, 0, 0, 1, 2]))]
        odd = [line for line in odd if line.isascii() or not line.startswith("Expect")]
        whole = not any(line.startswith(UNFINISHED) for line in {*head} - {*kept} | {*odd})
        return "\r\n".join([*kept, *odd]).encode("latin-1", "replace") + b"\r\n\r\n" + body, whole

    def _query(self) -> str:
        return self.chance.choice(["", "1", "-1", "%00", "%FF", "a%26b", "²", "e30=",
                                   "WzEsMl0=", "bnVsbA==", "v1_x", "/tmp/f", "2026-01-01", "9" * 30])  # fmt: skip

    def _body(self, framed: bool) -> bytes:
        chance = self.chance
        match chance.randrange(20):
            case 0:
                return chance.randbytes(chance.randrange(200))
            case 1:
                return b"[" * chance.choice([10, 50_000])
            case 2:
                return self._form()
            case _ if framed:
                payload = self._json()
                return struct.pack(">BI", chance.choice([0, 0, 0, 1, 2, 255]),
                                   chance.choice([len(payload)] * 4 + [0, 2**32 - 1])) + payload  # fmt: skip
            case _:
                return self._json()

    def _json(self) -> bytes:
        text = json.dumps(self._object(0))
        return text.encode() if self.chance.random() > 0.1 else text[: len(text) // 2].encode()

    def _object(self, depth: int) -> dict[str, object]:
        """At the top mostly what any route would take, with a few values changed: more than the first check is met."""
        names = self.chance.sample(WORDS, self.chance.randrange(6))
        right = RIGHT if depth == 0 and self.chance.random() < 0.8 else {}
        return {**right, **{name: self._value(depth) for name in names[: 2 if right else 6]}}

    def _value(self, depth: int) -> object:
        chance = self.chance
        match chance.randrange(7 if depth < 3 else 4):
            case 0:
                return chance.choice(TEXTS)
            case 1:
                return chance.choice(NUMBERS)
            case 2:
                return chance.choice([True, False, None])
            case 3:
                return chance.choice(["/tmp/x", {}, [], ""])
            case 4:
                return [self._value(depth + 1) for _ in range(chance.randrange(3))]
            case _:
                return self._object(depth + 1)

    def _form(self) -> bytes:
        names = self.chance.choice(["file", "other", "file\0", ""])
        filename = self.chance.choice(["/tmp/f", "../../etc/passwd", "", "a\0b", "x" * 5000, "d/", "-rf"])
        part = f'--b\r\nContent-Disposition: form-data; name="{names}"; filename="{filename}"\r\n\r\nbytes\r\n'
        return part.encode() * self.chance.randrange(1, 3) + self.chance.choice(
            [b"--b--\r\n", b"", b"--b", b"--c--\r\n"]
        )
