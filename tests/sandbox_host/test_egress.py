"""The egress proxy over its real unix socket, against real TLS and HTTP servers."""

import asyncio
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sandbox_host import egress, egress_http, egress_route, spawn
from sandbox_host.egress import EgressProxy, Limits
from sandbox_host.egress_rules import Refused

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]
pytestmark = pytest.mark.asyncio


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate and key for `localhost` in one PEM file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(made.public_bytes(pem) + private)
    return path


@pytest.fixture(autouse=True)
def _no_machine_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def serving(handler: Handler, tls: Path | None = None) -> AsyncIterator[int]:
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls)
    server = await asyncio.start_server(handler, "localhost", 0, ssl=context, family=socket.AF_INET)
    async with server:
        yield server.sockets[0].getsockname()[1]


class Way:
    """A running proxy, its log, and a way to talk to it."""

    def __init__(self, folder: Path, allow: set[str], trusted: set[tuple[str, int]], **more: Any) -> None:
        self.path, self.log = folder / "egress.sock", folder / "egress.jsonl"
        self.writers: list[asyncio.StreamWriter] = []
        listener = spawn.listen(str(self.path), more.get("uid", os.geteuid()))
        self.proxy = EgressProxy(listener, frozenset(allow), self.log, trusted=frozenset(trusted), **more)

    async def __aenter__(self) -> "Way":
        await self.proxy.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for writer in self.writers:
            writer.transport.abort()
        await self.proxy.stop()

    async def ask(self, request: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
        """Send a request head; the streams and the answer's head."""
        reader, writer = await asyncio.open_unix_connection(self.path)
        self.writers.append(writer)
        writer.write(request.encode())
        return reader, writer, await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)

    async def last_log(self) -> dict[str, Any]:
        for _ in range(500):
            if self.log.exists() and (lines := self.log.read_text().splitlines()):
                return dict(json.loads(lines[-1]))
            await asyncio.sleep(0.01)
        raise AssertionError("nothing was logged")


def connect_to(port: int, host: str = "localhost") -> str:
    return f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n"


def client_tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def test_it_tunnels_tls_to_a_registry_and_logs_it(tmp_path: Path, certificate: Path) -> None:
    async with serving(echo, certificate) as port, Way(tmp_path, {f"localhost:{port}"}, {("localhost", port)}) as way:
        reader, writer, head = await way.ask(connect_to(port))
        assert head.startswith(b"HTTP/1.1 200")
        await writer.start_tls(client_tls(), server_hostname="localhost")
        writer.write(b"hello" * 10_000)
        assert await reader.readexactly(50_000) == b"hello" * 10_000
        writer.close()
        line = await way.last_log()
    assert (line["verdict"], line["host"], line["port"], line["address"]) == ("ok", "localhost", port, "127.0.0.1")
    assert line["sent"] > 50_000 and line["received"] > 50_000


async def test_it_cuts_a_tunnel_whose_tls_is_for_another_name(tmp_path: Path, certificate: Path) -> None:
    async with serving(echo, certificate) as port, Way(tmp_path, {f"localhost:{port}"}, {("localhost", port)}) as way:
        _, writer, _ = await way.ask(connect_to(port))
        with pytest.raises((OSError, ssl.SSLError)):
            await writer.start_tls(client_tls(), server_hostname="evil.example")
        assert "TLS for evil.example" in (await way.last_log())["reason"]


async def test_it_cuts_a_tunnel_that_is_not_tls(tmp_path: Path) -> None:
    async with serving(echo) as port, Way(tmp_path, {f"localhost:{port}"}, {("localhost", port)}) as way:
        reader, writer, _ = await way.ask(connect_to(port))
        writer.write(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        assert await reader.read() == b""
        assert "only TLS" in (await way.last_log())["reason"]


async def test_it_refuses_a_listed_name_that_leads_to_this_machine(tmp_path: Path) -> None:
    async with serving(echo) as port, Way(tmp_path, {f"localhost:{port}"}, set()) as way:
        _, _, head = await way.ask(connect_to(port))
        assert head.startswith(b"HTTP/1.1 403")
        assert "not a public address" in (await way.last_log())["reason"]


@pytest.mark.parametrize("target", ["registry.npmjs.org:443", "localhost:80", "127.0.0.1:443", "[::1]:443"])
async def test_an_empty_list_lets_nothing_out(tmp_path: Path, target: str) -> None:
    async with Way(tmp_path, set(), {("registry.npmjs.org", 443)}) as way:
        _, _, head = await way.ask(f"CONNECT {target} HTTP/1.1\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 403")


@pytest.mark.parametrize(
    "request_head",
    [
        "CONNECT localhost HTTP/1.1\r\n\r\n", "CONNECT a@localhost:443 HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "GET ftp://localhost/ HTTP/1.1\r\n\r\n", "GET file:///etc/passwd HTTP/1.1\r\n\r\n", "nonsense\r\n\r\n",
        "GET http://localhost/ HTTP/1.1\r\nA: b\0\r\n\r\n", "GET http://localhost/ HTTP/1.1\r\n folded: x\r\n\r\n",
        "GET http://localhost/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST http://localhost/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "PUT http://localhost/ HTTP/1.1\r\n\r\n",
        f"GET http://localhost/{'a' * 70_000} HTTP/1.1\r\n\r\n",
    ],
)  # fmt: skip
async def test_it_refuses_odd_requests(tmp_path: Path, request_head: str) -> None:
    async with Way(tmp_path, {"localhost"}, {("localhost", 80)}) as way:
        _, _, head = await way.ask(request_head)
        assert head.split()[1] in (b"400", b"405", b"411")


async def test_it_forwards_plain_http_to_the_named_host_only(tmp_path: Path) -> None:
    seen = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head + await reader.readexactly(4))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        writer.close()

    async with serving(answer) as port, Way(tmp_path, {f"localhost:{port}"}, {("localhost", port)}) as way:
        reader, writer, head = await way.ask(
            f"POST http://localhost:{port}/a?b=c HTTP/1.1\r\nHost: evil.example\r\nProxy-Authorization: Basic eA==\r\n"
            "Content-Length: 4\r\nX-Kept: yes\r\n\r\nbodyPOST /second HTTP/1.1\r\n\r\n"
        )
        assert head.startswith(b"HTTP/1.1 200") and await reader.read() == b"ok"
        writer.close()
    text = seen[0].decode()
    assert text.startswith(f"POST /a?b=c HTTP/1.1\r\nHost: localhost:{port}\r\n") and text.endswith("\r\n\r\nbody")
    assert "X-Kept: yes" in text and "evil" not in text and "Proxy-" not in text


async def test_it_stops_a_sandbox_that_has_used_up_its_traffic(tmp_path: Path, certificate: Path) -> None:
    async with serving(echo, certificate) as port:
        limits = Limits(sent=50_000)
        async with Way(tmp_path, {f"localhost:{port}"}, {("localhost", port)}, limits=limits) as way:
            reader, writer, _ = await way.ask(connect_to(port))
            await writer.start_tls(client_tls(), server_hostname="localhost")
            writer.write(b"x" * 200_000)
            with pytest.raises((OSError, asyncio.IncompleteReadError)):
                await reader.readexactly(200_000)
            assert "traffic" in (await way.last_log())["reason"]
            _, _, head = await way.ask(connect_to(port))
            assert head.startswith(b"HTTP/1.1 429")


async def test_it_limits_connections(tmp_path: Path) -> None:
    async with Way(tmp_path, set(), set(), limits=Limits(a_minute=3)) as way:
        answers = [(await way.ask(connect_to(443)))[2].split()[1] for _ in range(5)]
        assert answers == [b"403", b"403", b"403", b"429", b"429"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another uid")
async def test_it_serves_only_its_own_sandbox() -> None:
    script = (
        "import os, socket, sys; os.setuid(int(sys.argv[2]))\n"
        "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
        "s.sendall(b'CONNECT registry.npmjs.org:443 HTTP/1.1\\r\\n\\r\\n'); print(s.makefile().read())"
    )
    with tempfile.TemporaryDirectory() as folder:
        await asyncio.to_thread(Path(folder).chmod, 0o711)
        async with Way(Path(folder), set(), set(), uid=70001) as way:
            assert way.path.stat().st_uid == 70001
            way.path.chmod(0o666)  # the mode alone would keep others out: see that the peer is looked at, too

            def ask(uid: int) -> str:
                command = [sys.executable, "-I", "-S", "-c", script, str(way.path), str(uid)]
                return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout

            assert "allow list" in await asyncio.to_thread(ask, 70001)
            assert "another sandbox" in await asyncio.to_thread(ask, 70002)


async def test_it_goes_through_the_machines_own_proxy(
    tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = []

    async with serving(echo, certificate) as port:

        async def outer_proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
            inner, out = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"HTTP/1.1 200 ok\r\n\r\n")

            async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
                while data := await source.read(65536):
                    sink.write(data)
                sink.close()

            await asyncio.gather(carry(reader, out), carry(inner, writer))

        async with serving(outer_proxy) as proxy_port:
            monkeypatch.setenv("HTTPS_PROXY", f"http://me:s3cret@127.0.0.1:{proxy_port}")
            async with Way(tmp_path, {"only-there.test"}, set()) as way:
                reader, writer, head = await way.ask(connect_to(443, "only-there.test"))
                assert head.startswith(b"HTTP/1.1 200")
                await writer.start_tls(client_tls(), server_hostname="only-there.test")
                writer.write(b"hello")
                assert await reader.readexactly(5) == b"hello"
                writer.close()
                _, _, refused = await way.ask(connect_to(443, "other.test"))
                assert refused.startswith(b"HTTP/1.1 403")
    assert heads[0].startswith("CONNECT only-there.test:443 ") and "Proxy-Authorization: Basic bWU6czNjcmV0" in heads[0]
    assert len(heads) == 1


async def test_it_limits_connections_at_once(tmp_path: Path) -> None:
    async with Way(tmp_path, set(), set(), limits=Limits(at_once=2)) as way:
        waiting = [await asyncio.open_unix_connection(way.path) for _ in range(2)]
        way.writers += [writer for _, writer in waiting]
        reader, _, head = await way.ask("")  # it says nothing either, and is not waited for
        assert head.startswith(b"HTTP/1.1 429")
        assert b"too many connections" in await asyncio.wait_for(reader.read(), 10)
        assert not way.log.exists()
        waiting[0][1].write(connect_to(443).encode())
        assert "allow list" in (await way.last_log())["reason"]


async def test_it_reaches_no_service_of_this_machine_by_any_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if 127.0.0.1 were a public address of this machine."""
    monkeypatch.setattr(egress_route, "check_address", lambda *_: None)
    closed = asyncio.Event()

    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        closed.set()

    async with serving(close) as port:
        with pytest.raises(Refused, match="leads to this machine"):
            await egress_route.connect("localhost", port, trusted=False)
        await asyncio.wait_for(closed.wait(), 10)


async def test_it_holds_up_nothing_else_while_a_name_server_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def slow(*_: Any, **__: Any) -> None:
        answered.wait()
        raise OSError("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    asking = [asyncio.create_task(egress_route.connect("slow.test", 443, trusted=False)) for _ in range(50)]
    await asyncio.sleep(0)  # they begin
    try:
        await asyncio.wait_for(asyncio.to_thread(time.monotonic), 5)
    finally:
        answered.set()
    assert {str(one) for one in await asyncio.gather(*asking, return_exceptions=True)} == {
        "slow.test could not be resolved"
    }


async def test_it_asks_no_proxy_for_what_leads_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with pytest.raises(Refused, match="not a public address"):
        await egress_route.connect("localhost", 443, trusted=False)


async def test_it_ends_who_says_nothing(tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(egress_http, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(egress, "IDLE_SECONDS", 0.2)
    async with serving(echo, certificate) as port, Way(tmp_path, {f"localhost:{port}"}, {("localhost", port)}) as way:
        slow, writer = await asyncio.open_unix_connection(way.path)
        way.writers.append(writer)
        writer.write(b"CONNECT slow")
        assert await asyncio.wait_for(slow.read(), 10) == b""
        # Long enough for a handshake on a busy machine.
        monkeypatch.setattr(egress_http, "HEAD_SECONDS", 1.5)
        monkeypatch.setattr(egress, "IDLE_SECONDS", 1.5)
        for hello in (False, True):
            reader, writer, _ = await way.ask(connect_to(port))
            if hello:
                await writer.start_tls(client_tls(), server_hostname="localhost")
            assert await asyncio.wait_for(reader.read(), 10) == b""


async def test_its_log_does_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(egress, "MAX_LOG", 1000)
    async with Way(tmp_path, set(), set()) as way:
        for _ in range(20):
            await way.ask(connect_to(443))
    assert _logged(tmp_path) < 3000


def _logged(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("egress*.jsonl"))


async def test_it_resolves_once_and_connects_to_what_it_checked(
    tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that leads somewhere else the next time it is asked for."""
    real, asked = socket.getaddrinfo, []

    def resolver(host: str, *more: Any, **options: Any) -> Any:
        asked.append(host)
        return real(host if len(asked) == 1 else "169.254.169.254", *more, **options)

    async with (
        serving(echo, certificate) as port,
        Way(tmp_path, {f"localhost:{port}"}, {("localhost", port)}) as way,
    ):
        monkeypatch.setattr(socket, "getaddrinfo", resolver)
        _, writer, head = await way.ask(connect_to(port))
        assert head.startswith(b"HTTP/1.1 200")
        writer.close()
        assert (await way.last_log())["address"] == "127.0.0.1"
    assert asked == ["localhost"]


async def test_it_refuses_a_name_with_one_wrong_address_among_good_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def resolver(host: str, *more: Any, **options: Any) -> Any:
        return [*real("1.1.1.1", *more, **options), *real("10.0.0.1", *more, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    async with Way(tmp_path, {"both.test"}, set()) as way:
        _, _, head = await way.ask(connect_to(443, "both.test"))
        assert head.startswith(b"HTTP/1.1 403")
        assert "10.0.0.1, which is not a public address" in (await way.last_log())["reason"]


async def test_a_redirect_is_a_new_request(tmp_path: Path) -> None:
    async def away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with serving(away) as port, Way(tmp_path, {f"localhost:{port}"}, {("localhost", port)}) as way:
        _, _, head = await way.ask(f"GET http://localhost:{port}/ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 302") and b"169.254.169.254" in head
        _, _, head = await way.ask("GET http://169.254.169.254/latest HTTP/1.1\r\nHost: x\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 403")
