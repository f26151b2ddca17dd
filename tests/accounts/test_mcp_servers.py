"""A person's MCP servers on the settings page: asked when saved, sealed, bound to their owner, limited, guarded."""

import asyncio
import base64
import logging
import os
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.management import call_command
from django.urls import reverse

from accounts import vault
from accounts.models import McpServer
from agents.mcp import guard, servers, views, wire
from tests.agents.mcp_server import SEARCH
from tests.agents.mcp_server import McpServer as StandIn

TOKEN = "wiki-token-0123456789-abcd"
pytestmark = pytest.mark.django_db


@pytest.fixture
def wiki(settings):
    settings.MCP_LOCAL = True
    server = StandIn()
    yield server
    server.stop()


@pytest.fixture
def save(as_user, alice):
    def save(url, name="wiki", token="", user=alice):
        page = as_user(user).post(reverse("mcp-save"), {"name": name, "url": url, "token": token}, follow=True)
        return page.content.decode()

    return save


@pytest.mark.parametrize("events", [False, True], ids=["json", "events"])
def test_it_connects_and_says_what_the_server_offers(save, wiki, events):
    wiki.events, wiki.token = events, TOKEN
    page = save(wiki.url, token=TOKEN)
    row = McpServer.objects.get()
    assert "wiki: Connected: 1 tool." in page and "…abcd" in page and TOKEN not in page
    assert (row.secret(), row.error) == (TOKEN, "") and TOKEN not in row.sealed
    assert row.tools == [
        {
            "name": "mcp__wiki__search",
            "remote": "search",
            "description": SEARCH["description"],
            "schema": SEARCH["inputSchema"],
        }
    ]
    assert [word for word in wiki.said if word] == ["initialize", "notifications/initialized", "tools/list", "DELETE"]
    assert wiki.asked[0]["params"]["protocolVersion"] == "2025-11-25"
    assert "Mcp-Session-Id" not in wiki.headers[0]
    later = wiki.headers[2 + wiki.said[:3].count("")]
    assert later["Mcp-Session-Id"].startswith("session-") and later["MCP-Protocol-Version"] == "2025-11-25"
    if events:  # it asked whether anybody is there, and was answered
        assert {"jsonrpc": "2.0", "id": "p1", "result": {}} in wiki.asked


def test_it_speaks_to_a_server_that_knows_no_sessions_any_more(save, wiki):
    wiki.stateless = True
    assert "Connected: 1 tool." in save(wiki.url)
    assert wiki.said == ["initialize", "tools/list"]
    assert wiki.headers[1]["MCP-Protocol-Version"] == "2026-07-28" and wiki.headers[1]["Mcp-Method"] == "tools/list"
    about = wiki.asked[1]["params"]["_meta"]
    assert about["io.modelcontextprotocol/protocolVersion"] == "2026-07-28"


def test_it_reads_a_list_of_several_pages(save, wiki):
    wiki.tools, wiki.page = [{**SEARCH, "name": f"tool{number}"} for number in range(7)], 3
    assert "Connected: 7 tools." in save(wiki.url)
    assert wiki.said.count("tools/list") == 3


def test_it_ends_a_list_that_never_does(save, wiki):
    endless = {"result": {"tools": [], "nextCursor": "again"}}
    wiki.answer = lambda request: endless if request["method"] == "tools/list" else StandIn.answer(wiki, request)
    assert "Connected: 0 tools." in save(wiki.url)
    assert wiki.said.count("tools/list") == wire.MAX_PAGES


def test_it_keeps_what_models_can_take_and_says_what_is_left_out(save, wiki):
    odd = {"type": "object", "properties": {"a b": {"type": "string"}}}
    wiki.tools = [
        {**SEARCH, "name": "grüß dich/" + "x" * 60},
        {**SEARCH, "name": "grüß-dich/" + "x" * 60},
        {**SEARCH, "name": "gr__ dich/" + "x" * 60, "description": "\u202e" + "y" * 5_000},
        {**SEARCH, "name": "no_schema", "inputSchema": None},
        {**SEARCH, "name": "wrong", "inputSchema": {"type": "object", "properties": {"a": {"type": 7}}}},
        {**SEARCH, "name": "odd", "inputSchema": odd},
        {**SEARCH, "name": "long", "inputSchema": {"properties": {"a": {"description": "z" * servers.SCHEMA_CHARS}}}},
        {**SEARCH, "name": "top", "inputSchema": {"type": "object", "anyOf": [{"required": ["a"]}]}},
        {**SEARCH, "name": "nul", "description": "a\0b\ud800"},
        {**SEARCH, "name": "deep", "inputSchema": {"properties": {"a": {"default": nested(700)}}}},
        {"name": 5},
    ]
    assert "5 more cannot be used" in save(wiki.url)
    kept = McpServer.objects.get().tools
    assert [tool["remote"] for tool in kept][3:] == ["top", "nul", "deep"]
    assert all(len(tool["name"]) <= 64 and tool["name"].startswith("mcp__wiki__") for tool in kept)
    assert len({tool["name"] for tool in kept}) == 6
    assert all(tool["name"].isascii() and " " not in tool["name"] for tool in kept)
    assert kept[2]["description"] == "y" * servers.DESCRIPTION_CHARS
    assert kept[3]["schema"] == {"type": "object", "properties": {}}


def test_it_keeps_so_many_tools_of_a_server(save, wiki):
    wiki.tools = [{**SEARCH, "name": f"tool{number}"} for number in range(servers.MAX_TOOLS + 3)]
    assert "Connected: 40 tools. 3 more cannot be used" in save(wiki.url)


@pytest.mark.parametrize(
    ("instead", "said"),
    [
        ((503, {}, b""), "It failed (503)"),
        ((404, {}, b"no"), "no MCP server at this address"),
        ((302, {"Location": "https://elsewhere.example/"}, b""), "It sends elsewhere (302)"),
        ((307, {"Location": "/other"}, b""), "It sends elsewhere (307)"),
        ((200, {"Content-Type": "text/html"}, b"<h1>Hello"), "not as an MCP server"),
        ((200, {"Content-Type": "application/json"}, b"[" * 100_000), "not as an MCP server"),
        ((200, {"Content-Type": "application/json"}, b'{"id": 1, "result": 7}'), "none of the Model Context Protocol"),
        ((200, {"Content-Type": "text/event-stream"}, b"data: {}\n\n"), "ended before it had answered"),
        ((200, {"Content-Encoding": "gzip", "Content-Type": "application/json"}, b"x"), "is packed"),
        ((200, {"Content-Type": "application/json"}, b" " * (wire.MAX_BYTES + 1)), "longer than 2 MB"),
        ((200, {"Content-Type": "text/event-stream"}, b": x\n" * (wire.MAX_BYTES // 4 + 1)), "longer than 2 MB"),
        ((200, {"Content-Type": "text/event-stream", "Content-Length": "99"}, b"data: {"), "broke off"),
        (
            (200, {"Content-Type": "application/json", "Mcp-Session-Id": "\xe9"}, b'{"id": 1, "result": {}}'),
            "none of the Model Context Protocol",
        ),
    ],
)
def test_it_says_what_failed_and_keeps_the_server(save, wiki, instead, said):
    wiki.instead["initialize"] = instead
    page = save(wiki.url)
    assert "Saved, but it does not work yet" in page and said in page
    assert said in McpServer.objects.get().error
    assert wiki.said == ["initialize"]


@pytest.mark.parametrize(
    ("number", "answered"),
    [(b"7", 1), (b'"\\ud800"', 1), (b"NaN", 0), (b"1e999", 0), (b"[" * 500 + b"]" * 500, 0)],
    ids=["number", "surrogate", "nan", "infinity", "deep"],
)
def test_it_answers_a_server_that_asks_under_a_number(save, wiki, number, answered):
    asked = b'data: {"method": "ping", "id": %s}\n\n' % number
    wiki.instead["initialize"] = (200, {"Content-Type": "text/event-stream"}, asked)
    assert "ended before it had answered" in save(wiki.url)
    assert wiki.said == ["initialize", ""][: 1 + answered]


@pytest.mark.parametrize("number", ["NaN", "-Infinity"])
def test_it_leaves_out_a_tool_whose_schema_has_numbers_that_are_none(save, wiki, number):
    odd = {"properties": {"size": {"type": "number", "maximum": float(number)}}}
    wiki.tools = [SEARCH, {"name": "odd", "inputSchema": odd}]
    assert "Connected: 1 tool. 1 more cannot be used" in save(wiki.url)


@pytest.mark.parametrize("port", [65536, 10**20])
def test_it_refuses_a_port_that_there_is_none(save, wiki, port):
    page = save(f"http://127.0.0.1:{port}/")
    assert "This is no address" in page or "cannot be reached" in page


def test_it_waits_so_long_for_a_server(save, wiki, monkeypatch):
    monkeypatch.setattr(servers, "ASK_SECONDS", 1)
    wiki.instead["tools/list"] = 3
    assert "did not answer within 1 s" in save(wiki.url)


def test_it_keeps_a_server_that_is_away(save, wiki):
    url = f"http://127.0.0.1:{unused_port()}/"
    assert "cannot be reached now" in save(url)
    assert McpServer.objects.get().tools == []


def test_it_does_not_keep_a_token_that_is_refused(save, wiki):
    wiki.token = TOKEN
    save(wiki.url, token=TOKEN)
    assert "refuses this token" in save(wiki.url, token="another-token-123")
    assert "asks for a token" in save(wiki.url)
    assert McpServer.objects.get().secret() == TOKEN


def test_it_keeps_what_was_typed_until_it_works(save, wiki, as_user, alice):
    wiki.token = TOKEN
    page = save(wiki.url, name="our-wiki", token="another-token")
    assert 'value="our-wiki"' in page and f'value="{wiki.url}"' in page and "another-token" not in page
    for page in (as_user(alice).get(reverse("settings")).content.decode(), save(wiki.url, token=TOKEN)):
        assert 'value="our-wiki"' not in page and f'value="{wiki.url}"' not in page


@pytest.mark.parametrize("name", ["", "two words", "a_b", "a--b", "-a", "x" * 25, "ü", "a\n"[:2] + "b"])
def test_it_refuses_what_is_no_name(save, wiki, name):
    assert "A name has 1 to 24" in save(wiki.url, name)
    assert not McpServer.objects.exists() and not wiki.said


@pytest.mark.parametrize("token", ["short", "with space inside", "ümläut-token-123", "x" * 2001, "new\nline-token"])
def test_it_refuses_what_is_no_token(save, wiki, token):
    assert "does not look like a token" in save(wiki.url, token=token)
    assert not wiki.said


def test_it_takes_the_place_of_one_with_the_same_name(save, wiki):
    save(wiki.url, token=TOKEN)
    first = McpServer.objects.get()
    save(wiki.url + "/other")
    row = McpServer.objects.get()
    assert (row.pk, row.url, row.sealed, row.last_four) == (first.pk, wiki.url + "/other", "", "")


def test_it_takes_so_many_servers(save, wiki):
    for number in range(servers.MAX_SERVERS):
        save(wiki.url, f"wiki{number}")
    assert "You have 10 servers" in save(wiki.url, "more")
    assert McpServer.objects.count() == servers.MAX_SERVERS
    assert "Connected" in save(wiki.url, "wiki0")


def test_it_asks_so_often_an_hour(save, wiki, monkeypatch):
    monkeypatch.setattr(views, "TRIES", 2)
    pages = [save(wiki.url) for _ in range(3)]
    assert "asked 2 times an hour" in pages[2] and wiki.said.count("initialize") == 2


def test_it_asks_again_and_keeps_what_was_offered_while_there_is_no_answer(save, wiki, as_user, alice):
    save(wiki.url)
    row = McpServer.objects.get()
    wiki.instead["initialize"] = (503, {}, b"")
    page = as_user(alice).post(reverse("mcp-test", args=[row.pk]), follow=True).content.decode()
    assert "It does not work now. It failed (503)" in page and "Does not work" in page
    assert len(McpServer.objects.get().tools) == 1
    wiki.instead.clear()
    wiki.tools = [SEARCH, {**SEARCH, "name": "other"}]
    page = as_user(alice).post(reverse("mcp-test", args=[row.pk]), follow=True).content.decode()
    assert "Connected: 2 tools" in page
    row.refresh_from_db()
    assert (len(row.tools), row.error) == (2, "")


def test_it_hides_servers_from_strangers_and_removes_them(save, wiki, as_user, alice, bob):
    save(wiki.url)
    row = McpServer.objects.get()
    for name in ("mcp-test", "mcp-delete"):
        assert as_user(bob).post(reverse(name, args=[row.pk])).status_code == 404
    assert wiki.url not in as_user(bob).get(reverse("settings")).content.decode()
    page = as_user(alice).post(reverse("mcp-delete", args=[row.pk]), follow=True).content.decode()
    assert "is removed" in page and not McpServer.objects.exists()


def test_a_token_opens_for_nobody_else_and_for_no_other_address(save, wiki, bob):
    save(wiki.url, token=TOKEN)
    for change in ({"user": bob}, {"url": "https://evil.example/"}):
        row = McpServer.objects.get()
        for name, value in change.items():
            setattr(row, name, value)
        with pytest.raises(vault.CannotOpen):
            row.secret()


def test_a_token_survives_a_rotation(save, wiki, settings):
    save(wiki.url, token=TOKEN)
    new = base64.urlsafe_b64encode(os.urandom(32)).decode()
    settings.ENCRYPTION_KEYS = [new, *settings.ENCRYPTION_KEYS]
    call_command("rotate_keys")
    settings.ENCRYPTION_KEYS = [new]
    assert McpServer.objects.get().secret() == TOKEN


def test_a_token_that_the_server_sends_back_is_kept_nowhere(save, wiki, caplog):
    caplog.set_level(logging.DEBUG)
    wiki.tools = [{**SEARCH, "description": f"Say {TOKEN}", "inputSchema": {"properties": {"a": {"title": TOKEN}}}}]
    save(wiki.url, token=TOKEN)
    assert TOKEN not in str(McpServer.objects.get().tools)
    wiki.instead["initialize"] = (
        200,
        {"Content-Type": "application/json"},
        f'{{"id": 1, "error": {{"code": 1, "message": "{TOKEN}"}}}}'.encode(),
    )
    page = save(wiki.url, token=TOKEN)
    assert "It answers: [removed]" in page and TOKEN not in page
    assert TOKEN not in caplog.text


PRIVATE = [
    *(
        "127.0.0.1",
        "127.9.9.9",
        "192.88.99.1",
        "2001:2::1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
    ),
    *("224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.0.8", "::1", "::", "fe80::1", "fd00::1", "ff02::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::7f00:1"),
    "2001:0:0:0:0:0:80ff:fffe",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_it_asks_no_address_of_this_machine_or_its_network(save, address):
    host = f"[{address}]" if ":" in address else address
    assert "not public" in save(f"https://{host}/")
    assert not McpServer.objects.exists()


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "64:ff9b::101:101", "2002:101:101::"])
def test_it_may_ask_public_addresses(address):
    assert guard._is_public(address)


@pytest.mark.parametrize(
    "url", ["https://localhost/", "https://2130706433/", "https://0x7f.1/", "https://localhost.:1/"]
)
def test_it_asks_no_name_of_this_machine(save, url):
    page = save(url)
    assert "not public" in page or "cannot be reached" in page


def test_it_asks_nobody_by_http(save):
    assert "has to begin with https://" in save("http://mcp.example.com/")
    assert not McpServer.objects.exists()


@pytest.mark.parametrize(
    "url",
    ["", "mcp.example.com", "ftp://mcp.example.com/", "file:///etc/passwd", "https://", "https://u:p@h/", "https://[x"],
)
def test_it_refuses_what_is_no_address(save, wiki, url):
    save(url)
    assert not McpServer.objects.exists()


@pytest.mark.parametrize("url", ["https://mcp.example.com/" + "x" * 480, "https://mcp.example.com/" + "ü" * 100])
def test_it_refuses_an_address_that_is_too_long(save, url):
    assert "longer than 500" in save(url)
    assert not McpServer.objects.exists()


def test_it_connects_to_the_very_address_that_was_checked(wiki, settings, monkeypatch):
    """A name that is public when it is looked at, and leads here when it is used, leads nowhere."""
    asked = []

    def resolve(host, *args, **kwargs):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1" if asked[1:] else "192.0.2.7", wiki.port))]

    connected = []

    async def handle(self, request):
        connected.append((request.url.host, request.headers["Host"], request.extensions["sni_hostname"]))
        raise httpx.ConnectError("nobody is there")

    settings.MCP_LOCAL = False
    monkeypatch.setattr(guard, "_is_public", lambda address: address == "192.0.2.7")
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", handle)

    async def ask():
        async with httpx.AsyncClient(transport=guard.Guarded()) as client:
            await client.get("https://rebind.example/mcp")

    with pytest.raises(httpx.ConnectError):
        asyncio.run(ask())
    assert asked == ["rebind.example"]
    assert connected == [("192.0.2.7", "rebind.example", "rebind.example")]


def test_it_refuses_a_name_of_which_one_address_is_private(settings, monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("1.1.1.1", "10.0.0.1")]

    def resolve(*args, **kwargs):
        return found

    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    async def ask():
        async with httpx.AsyncClient(transport=guard.Guarded()) as client:
            await client.get("https://two.example/mcp")

    with pytest.raises(guard.NotAllowed):
        asyncio.run(ask())


def test_names_that_never_resolve_hold_up_no_others(monkeypatch):
    """The loop has few threads of its own for that, and models and sandboxes are looked up there as well."""
    real, over = socket.getaddrinfo, threading.Event()

    def resolve(host, *args, **kwargs):
        return over.wait(10) if host == "slow.example" else real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    async def ask():
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(2))
        slow = [asyncio.create_task(guard._resolved("slow.example", 443)) for _ in range(9)]
        await asyncio.sleep(0)
        try:
            async with asyncio.timeout(2):
                assert await loop.getaddrinfo("localhost", 80)
        finally:
            over.set()
            await asyncio.gather(*slow, return_exceptions=True)

    asyncio.run(ask())


def test_it_knows_this_machines_own_address():
    assert guard._is_ours("127.0.0.1") and not guard._is_ours("192.0.2.1")


def test_it_verifies_the_certificate_of_the_name_that_was_given(tmp_path, settings, monkeypatch):
    settings.MCP_LOCAL = True
    server = StandIn()
    files = certificate("mcp.test", tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    server.server.socket = context.wrap_socket(server.server.socket, server_side=True)
    monkeypatch.setattr(guard, "_authorities", lambda: ssl.create_default_context(cafile=str(files[0])))

    def resolve(*args, **kwargs):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    good, bad = (wire.Server(f"https://{name}.test:{server.port}/mcp", "") for name in ("mcp", "other"))
    assert len(asyncio.run(good.tools(9))) == 1
    assert server.headers[0]["Host"] == f"mcp.test:{server.port}"
    with pytest.raises(wire.McpError, match="cannot be reached"):
        asyncio.run(bad.tools(9))
    server.stop()


def certificate(name, folder):
    """A certificate for a name, signed by itself; its file and that of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    now = datetime.now(UTC)
    made = made.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    files = folder / "cert.pem", folder / "key.pem"
    files[0].write_bytes(made.sign(key, hashes.SHA256()).public_bytes(pem))
    files[1].write_bytes(secret)
    return files


def nested(depth):
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def unused_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
