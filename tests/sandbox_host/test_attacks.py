"""Attacks on the host's port: paths in every file call, one sandbox's token on another, tricks at previews."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from e2b import AsyncSandbox, InvalidArgumentException, SandboxException

from sandbox_host.commands import OPERATIONS as PROCESS
from sandbox_host.filesystem import OPERATIONS as FILES

from .conftest import Host

pytestmark = [pytest.mark.sandbox, pytest.mark.asyncio]
CANARY = "canary-of-the-host-51f0"


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
async def box(host: Host) -> AsyncIterator[AsyncSandbox]:
    made = await AsyncSandbox.create(timeout=120, **host.options)
    yield made
    await made.kill()


def inside(sandbox: AsyncSandbox, **more: str) -> dict[str, str]:
    token = {"X-Access-Token": str(sandbox._envd_access_token)}
    return {"E2b-Sandbox-Id": sandbox.sandbox_id, "E2b-Sandbox-Port": "49983", **token, **more}


_UP = "../" * 12
PATHS = [
    "", ".", "..", "/", "//", "/..", "../..", f"{_UP}etc/passwd", f"/home/user/{_UP}etc/shadow", "....//....//etc",
    "%2e%2e/%2e%2e/x", "..%2f..%2fx", "..\\..\\x", "..;/x", "a/../../../b", "/proc/self/environ", "/proc/1/root/x",
    "/proc/self/fd/3", "/proc/self/mem", "/dev/zero", "/dev/stdin", "/dev/null", "/sys/kernel/x", "/run/egress.sock",
    "/run/agent/x", "/etc/passwd", "/usr/bin/env", "-rf", "--help", "-", "~", "~root", "~/../x", "$HOME", "$(id)",
    "`id`", ";id", "| id", "a\nb", "a\rb", "a\tb", "a\0b", "\0", "\u202ex", "\ufeff", "․․/x", "．．/x", "ﬀ", "é",
    "e\u0301", "💥", "x" * 255, "x" * 256, "x/" * 2100, "x" * 5000, " ", " /x", "x ", "*", "?", "[a]", "CON", "a:b",
    "a" + "/" * 300 + "b", "file:///etc/passwd", "http://127.0.0.1/", "/home/user/link/x", "/home/user/loop",
    "/home/user/pipe",
]  # fmt: skip


async def test_every_file_call_takes_any_path_as_a_path(
    host: Host, box: AsyncSandbox, client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """Answered with a success inside or a 4xx; soon; and nothing of the host's is read or changed."""
    outside = host.state / "canary"
    outside.write_text(CANARY)
    await box.commands.run(f"ln -s {outside} link; ln -s loop loop; mkfifo pipe; echo mine > kept")
    seen: set[int] = set()

    async def ask(method: str, url: str, **given: Any) -> None:
        try:
            async with asyncio.timeout(20), client.request(method, host.url + url, **given) as answer:
                text = await answer.content.read(100_000)
        except aiohttp.ClientPayloadError:  # a file of /proc may end sooner than it said
            return
        seen.add(answer.status)
        assert answer.status < 500 or answer.status == 507, (url, given, answer.status, text)
        assert CANARY.encode() not in text, (url, given)

    async def every_call(path: str) -> None:
        headers, name = inside(box), quote(path, safe="")
        await ask("GET", f"/files?path={name}", headers=headers)
        for kind, body in (("application/octet-stream", b"x"), ("multipart/form-data; boundary=b", _form(path))):
            query = f"?path={name}" if kind.startswith("application") else ""
            await ask("POST", f"/files{query}", headers={**headers, "Content-Type": kind}, data=body)
        if path in ("", ".", "/", "//", "/..", "..", "../..", "~", f"{_UP}", "/home/user"):
            return  # whole trees: `rm -r /` is the sandbox's own business, but the others still need theirs
        both = {"path": path, "source": path, "destination": f"/tmp/moved-{abs(hash(path))}", "includeEntry": True}
        back = {**both, "source": both["destination"], "destination": path}
        for operation in FILES:
            for message in (both, back) if operation.endswith("Move") else (both,):
                text = json.dumps(message).encode()
                stream = operation.endswith("WatchDir")
                sent = struct.pack(">BI", 0, len(text)) + text if stream else text
                kind = "application/connect+json" if stream else "application/json"
                wait = {"Connect-Timeout-Ms": "200"} if stream else {}
                await ask("POST", operation, headers={**headers, "Content-Type": kind, **wait}, data=sent)

    await asyncio.gather(*(every_call(path) for path in PATHS))
    assert {200, 400, 404} <= seen
    assert outside.read_text() == CANARY
    assert (await box.commands.run("cat kept; id -u")).stdout == "mine\n1000\n"


def _form(path: str) -> bytes:
    name = path.replace('"', "%22").encode("utf-8", "surrogateescape")
    return (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="' + name + b'"\r\n\r\nx\r\n--b--\r\n'
        if not {"\r", "\n", "\0"} & set(path)
        else b"--b--\r\n"
    )


async def test_a_race_of_links_never_leaves_the_sandbox(host: Host, box: AsyncSandbox) -> None:
    """10,000 files are written, and copies of the home are made, while a folder is a link every other moment."""
    victim = host.state / "victim"
    victim.mkdir(mode=0o777, exist_ok=True)
    victim.chmod(0o777)
    swap = f"mkdir real; while :; do ln -sfn real d; ln -sfn /etc d; ln -sfn {victim} d; done"
    await box.commands.run(swap, background=True, timeout=0)

    async def write(first: int) -> None:
        try:
            await box.files.write_files([{"path": f"d/raced{n}", "data": "x"} for n in range(first, first + 500)])
        except (SandboxException, InvalidArgumentException) as refused:
            outcomes.append(str(refused)[:3])

    outcomes: list[str] = []
    await asyncio.gather(*(write(n * 500) for n in range(20)))
    assert "500" not in outcomes
    copies = [one for one in await box.fork(count=2) if isinstance(one, AsyncSandbox)]
    for copy in copies:
        await copy.kill()
    assert len(copies) == 2
    assert not any(victim.iterdir())
    assert (await box.commands.run("ls /etc | grep -c raced || true")).stdout.strip() == "0"


async def test_the_token_of_one_sandbox_opens_no_other(
    host: Host, box: AsyncSandbox, client: aiohttp.ClientSession
) -> None:
    other = await AsyncSandbox.create(timeout=60, **host.options)
    await box.files.write("secret", CANARY)
    theirs = str(other._envd_access_token)
    names = {"by header": {"E2b-Sandbox-Id": box.sandbox_id, "E2b-Sandbox-Port": "49983"},
             "by name": {"Host": f"49983-{box.sandbox_id}.localhost:{host.port}"}}  # fmt: skip
    for way in names.values():
        for token in (theirs, "", host.key, str(box._envd_access_token)[::-1], "\u00fc"):
            headers = {**way, "X-Access-Token": token, "X-API-KEY": host.key}
            for path in [*PROCESS, *FILES]:
                async with client.post(host.url + path, headers=headers, data=b"{}") as answer:
                    assert answer.status == 401, (way, path, token)
            for query in ("path=secret", f"path=secret&signature=v1_{theirs}", "path=secret&signature="):
                async with client.get(f"{host.url}/files?{query}", headers=headers) as answer:
                    assert answer.status == 401 and CANARY not in await answer.text()
            for path in ("/envs", "/metrics"):
                async with client.get(host.url + path, headers=headers) as answer:
                    assert answer.status == 401
    code = {"E2b-Sandbox-Id": box.sandbox_id, "E2b-Sandbox-Port": "49999", "X-Access-Token": theirs}
    async with client.post(f"{host.url}/execute", headers=code, json={"code": "1"}) as answer:
        assert answer.status == 401
    url = other.download_url("secret").replace("path=secret", "path=%2Fhome%2Fuser%2Fsecret")
    async with client.get(url) as answer:
        assert answer.status == 401
    await other.kill()
    async with client.post(f"{host.url}/process.Process/List", headers=inside(other), data=b"{}") as answer:
        assert answer.status == 502, "a token outlived its sandbox"


async def test_the_host_is_not_steered_from_inside(host: Host, box: AsyncSandbox) -> None:
    for address in ("127.0.0.1", "[::1]", "localhost", "169.254.169.254", "10.0.0.1"):
        for way in ("--noproxy '*'", ""):  # straight, and by the way out
            asked = f"curl -s -m 3 {way} -H 'X-API-KEY: {host.key}' http://{address}:{host.port}/v2/sandboxes || true"
            assert "sandboxID" not in (await box.commands.run(asked)).stdout


APP = """
import http.server, json, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        said = json.dumps({"line": self.requestline, "headers": self.headers.items()})
        self.send_response(200)
        self.send_header("Set-Cookie", "a=1; Domain=.localhost; Path=/")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said.encode())
    do_GET = do_POST = do_DELETE = do
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", 3000), Handler).serve_forever()
"""


async def _raw(host: Host, head: str, body: str = "") -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", host.port)
    writer.write((head.replace("\n", "\r\n") + "\r\n\r\n" + body).encode())
    try:
        return (await asyncio.wait_for(reader.read(), 10)).decode("utf-8", "replace")
    finally:
        writer.close()


async def test_a_preview_is_only_ever_its_own_app(host: Host, box: AsyncSandbox) -> None:
    """What is asked of a preview's name reaches the app on that port, or is refused; never what steers sandboxes."""
    await box.files.write("app.py", APP)
    await box.commands.run("python3 app.py", background=True, timeout=0)
    name, end = f"3000-{box.sandbox_id}.localhost:{host.port}", "\nConnection: close"
    key = f"\nX-API-KEY: {host.key}\nX-Access-Token: {box._envd_access_token}"
    while "200 OK" not in await _raw(host, f"GET / HTTP/1.1\nHost: {name}{end}"):
        pass  # it starts
    for line, more in (
        ("GET /v2/sandboxes HTTP/1.1", key), (f"DELETE /sandboxes/{box.sandbox_id} HTTP/1.1", key),
        ("GET /health HTTP/1.1", key), ("GET /metrics HTTP/1.1", key), ("GET /..;/v2/sandboxes HTTP/1.1", key),
        ("GET /%2e%2e/v2/sandboxes HTTP/1.1", key), ("GET //v2/sandboxes HTTP/1.1", key),
        ("GET /files?path=.bashrc HTTP/1.1", f"{key}\nE2b-Sandbox-Id: {box.sandbox_id}\nE2b-Sandbox-Port: 49983"),
    ):  # fmt: skip
        answer = await _raw(host, f"{line}\nHost: {name}{more}{end}")
        assert answer.startswith("HTTP/1.1 200"), (line, answer)
        said = json.loads(answer.partition("\r\n\r\n")[2])
        assert said["line"].split()[1] == line.split()[1], answer
        sent = {field.lower() for field, _ in said["headers"]}
        assert not sent & {"x-api-key", "x-access-token", "e2b-sandbox-id", "e2b-sandbox-port"}
        assert "Domain" not in answer.partition("\r\n\r\n")[0]
    hosts = [
        f"{name}\nHost: localhost", f"{name}@localhost", f"49999-{box.sandbox_id}.localhost", "evil.example",
        f"3128-{box.sandbox_id}.localhost", f"65536-{box.sandbox_id}.localhost", f"0-{box.sandbox_id}.localhost",
        f"3001-{box.sandbox_id}.localhost", f"3000-{box.sandbox_id}x.localhost", f"3000-{box.sandbox_id}",
        f"3000--{box.sandbox_id}.localhost", f"3000-{box.sandbox_id}\0.localhost",
    ]  # fmt: skip
    refused = [
        *(f"GET / HTTP/1.1\nHost: {one}{key}" for one in hosts), f"CONNECT localhost:1 HTTP/1.1\nHost: {name}",
        f"GET http://localhost/v2/sandboxes HTTP/1.1\nHost: {name}{key}", f"GET / HTTP/1.1\nHost: {name}\nX : y",
        f"POST / HTTP/1.1\nHost: {name}\nContent-Length: 3\nTransfer-Encoding: chunked",
        f"POST / HTTP/1.1\nHost: {name}\nContent-Length: 3\nContent-Length: 4",
        f"POST / HTTP/1.1\nHost: {name}\nTransfer-Encoding: xchunked",
    ]  # fmt: skip
    for head in refused:
        answer = await _raw(host, head + end, "abc")
        assert answer.split()[1:2] and answer.split()[1] in {"400", "403", "404", "421", "502"}, (head, answer)
        assert '"line"' not in answer and "sandboxID" not in answer, (head, answer)
    # An upgrade to something that is no websocket does not become a tunnel past the proxy.
    answer = await _raw(host, f"GET / HTTP/1.1\nHost: {name}\nUpgrade: h2c\nConnection: Upgrade, close")
    assert "upgrade" not in {field.lower() for field, _ in json.loads(answer.partition("\r\n\r\n")[2])["headers"]}
