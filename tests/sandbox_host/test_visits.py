"""Visits of a real sandbox's preview: waking it, keeping strangers out, and the sockets of dev servers."""

import asyncio
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
from e2b import AsyncSandbox

from .conftest import Host
from .test_attacks import APP as ECHO

pytestmark = pytest.mark.asyncio

# What Next's dev server does on /_next/webpack-hmr: tells at once, in text and binary, pings, and echoes.
SERVER = """
import base64, hashlib, os, socket, threading
def serve(visitor):
    head = b""
    while b"\\r\\n\\r\\n" not in head:
        head += visitor.recv(65536)
    lines = head.decode().split("\\r\\n")
    fields = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:] if ": " in line)}
    if fields.get("upgrade") != "websocket":
        visitor.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok")
        return visitor.close()
    key = fields["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(key.encode()).digest())
    frame = lambda kind, data: bytes([0x80 | kind, len(data)]) + data
    visitor.sendall(b"HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
        b"Sec-WebSocket-Accept: " + accept + b"\\r\\n\\r\\n"
        + frame(1, lines[0].encode()) + frame(1, fields["cookie"].encode()) + frame(2, b"\\x00\\x01") + frame(9, b"?"))
    while True:
        data = visitor.recv(65536)
        if data and data[0] == 0x8A:
            visitor.sendall(frame(1, b"pong"))
        if not data or data[0] == 0x88:
            return visitor.close()
server = socket.create_server(("127.0.0.1", 3000))
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
"""


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def _visit(client: aiohttp.ClientSession, host: Host, sandbox: AsyncSandbox, **headers: str) -> tuple[int, str]:
    name = sandbox.get_host(3000)
    async with client.get(host.url, headers={"Host": name, **headers}) as answer:
        return answer.status, answer.headers.get("X-Preview-State", await answer.text())


async def _serving(host: Host, client: aiohttp.ClientSession, **options: object) -> AsyncSandbox:
    sandbox = await AsyncSandbox.create(**{"timeout": 120, **options}, **host.options)  # type: ignore[arg-type]
    await sandbox.files.write("server.py", SERVER)
    await sandbox.commands.run("python3 server.py", background=True, timeout=0)
    headers = {"E2B-Traffic-Access-Token": sandbox.traffic_access_token} if sandbox.traffic_access_token else {}
    async with asyncio.timeout(10):
        while (await _visit(client, host, sandbox, **headers))[0] != 200:  # noqa: ASYNC110 - it is elsewhere
            await asyncio.sleep(0.02)
    return sandbox


async def test_a_visit_wakes_a_sandbox_whose_lifecycle_says_so(host: Host, client: aiohttp.ClientSession) -> None:
    sandbox = await _serving(host, client, lifecycle={"on_timeout": "pause", "auto_resume": True})
    await sandbox.pause()
    name = sandbox.get_host(3000)
    with pytest.raises(aiohttp.WSServerHandshakeError):  # a forgotten tab's socket is no visit
        await client.ws_connect(host.url, headers={"Host": name})
    assert (await sandbox.get_info()).state.value == "paused"
    assert await _visit(client, host, sandbox) == (200, "ok")
    assert (await sandbox.get_info()).state.value == "running"
    await sandbox.kill()


async def test_a_visit_leaves_another_one_asleep(host: Host, client: aiohttp.ClientSession) -> None:
    sandbox = await _serving(host, client, lifecycle={"on_timeout": "pause"})
    await sandbox.pause()
    assert await _visit(client, host, sandbox) == (502, "paused")
    assert (await sandbox.get_info()).state.value == "paused"
    await sandbox.kill()


async def test_a_private_preview_wants_its_token(host: Host, client: aiohttp.ClientSession) -> None:
    sandbox = await _serving(host, client, network={"allow_public_traffic": False})
    token = str(sandbox.traffic_access_token)
    assert await _visit(client, host, sandbox) == (403, "private")
    assert await _visit(client, host, sandbox, **{"E2B-Traffic-Access-Token": token[:-1]}) == (403, "private")
    assert await _visit(client, host, sandbox, **{"E2B-Traffic-Access-Token": token}) == (200, "ok")
    by_header = {"E2b-Sandbox-Id": sandbox.sandbox_id, "E2b-Sandbox-Port": "49999"}
    async with client.get(f"{host.url}/contexts", headers=by_header) as answer:
        assert answer.status == 403
    await sandbox.kill()


async def test_it_carries_a_dev_servers_socket(host: Host, client: aiohttp.ClientSession) -> None:
    sandbox = await _serving(host, client)
    headers = {"Host": sandbox.get_host(3000), "Cookie": "a=1"}
    async with client.ws_connect(f"{host.url}/_next/webpack-hmr?id=1", headers=headers) as ws:
        assert await ws.receive_str(timeout=5) == "GET /_next/webpack-hmr?id=1 HTTP/1.1"
        assert await ws.receive_str(timeout=5) == "a=1"
        assert await ws.receive_bytes(timeout=5) == b"\x00\x01"
        assert await ws.receive_str(timeout=5) == "pong"
    await sandbox.kill()


async def test_previews_live_below_a_domain_of_the_operator(
    own_host: Callable[..., Host], client: aiohttp.ClientSession
) -> None:
    """As behind a reverse proxy that ends TLS for *.preview.example; a mask gives the app another Host."""
    host = await asyncio.to_thread(own_host, "--domain", "preview.example:8443")
    for network, expected in (({}, None), ({"mask_request_host": "app-${PORT}.internal"}, "app-3000.internal")):
        sandbox = await AsyncSandbox.create(timeout=60, network=network, **host.options)  # type: ignore[arg-type]
        name = sandbox.get_host(3000)
        assert name == f"3000-{sandbox.sandbox_id}.preview.example:8443"
        await sandbox.files.write("app.py", ECHO)
        await sandbox.commands.run("python3 app.py", background=True, timeout=0)
        headers = {"Host": name, "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
        async with asyncio.timeout(10):
            while True:
                async with client.get(host.url, headers=headers) as answer:
                    if answer.status == 200:
                        seen = {
                            field.lower(): value for field, value in (await answer.json(content_type=None))["headers"]
                        }
                        break
        assert seen["host"] == (expected or name)
        assert (seen["x-forwarded-host"], seen["x-forwarded-proto"]) == (name, "https")
        assert seen["x-forwarded-for"].startswith("203.0.113.9, ")
        await sandbox.kill()
