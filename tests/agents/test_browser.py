"""Chromium looks at previews: what it sees, and that a hostile page reaches nothing else and cannot hold it."""

import asyncio
import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from agents import aio, browser, browser_proxy
from agents.chromium import Chromium

pytestmark = pytest.mark.skipif(not browser.available(), reason="NO CHROMIUM")

GOOD = """<!doctype html><title>Tea</title><style>body{background:#fff}@media(prefers-color-scheme:dark){
body{background:#000}}</style><h1>Tea house</h1><img src=/missing.png><script>
console.error("price", 3); document.querySelector("h1").append(" open"); throw new Error("No kettle")</script>"""

# Every way out that we know, towards a canary that must hear nothing.
WAYS_OUT = """<!doctype html><title>Hostile</title><body>here<script>
const canary = "127.0.0.1:CANARY", names = [canary, "localhost:CANARY", "[::1]:CANARY", "9-other.localhost:CANARY"];
for (const name of names) {
  fetch(`http://${name}/fetch`, {mode: "no-cors"}).catch(() => 0);
  fetch(`https://${name}/fetch`, {mode: "no-cors"}).catch(() => 0);
  new Image().src = `http://${name}/image`;
  new WebSocket(`ws://${name}/socket`);
  new EventSource(`http://${name}/events`);
  navigator.sendBeacon(`http://${name}/beacon`, "x");
  const frame = document.createElement("iframe"); frame.src = `http://${name}/frame`; document.body.append(frame);
  for (const rel of ["preconnect", "prefetch", "dns-prefetch", "stylesheet", "modulepreload"])
    document.head.append(Object.assign(document.createElement("link"), {rel, href: `http://${name}/${rel}`}));
  window.open(`http://${name}/popup`);
  fetch(`/away?to=http://${name}/redirect`, {mode: "no-cors"}).catch(() => 0);
}
fetch("http://DOMAIN:5432/").catch(() => 0);
fetch("http://169.254.169.254/latest/meta-data/").catch(() => 0);
try { new WebTransport(`https://${canary}/transport`).ready.catch(() => 0) } catch {}
const peer = new RTCPeerConnection({iceServers: [{urls: `stun:${canary}`},
  {urls: `turn:${canary}?transport=udp`, username: "u", credential: "p"},
  {urls: `turn:${canary}?transport=tcp`, username: "u", credential: "p"}]});
peer.createDataChannel("x"); peer.createOffer().then(offer => peer.setLocalDescription(offer));
new Worker(URL.createObjectURL(new Blob([`fetch("http://${canary}/worker", {mode: "no-cors"})`])));
navigator.serviceWorker?.register("/sw.js").catch(() => 0);
</script>"""

# Longer than an empty tab needs to be idle.
SLOW_SECONDS = 1.5

PAGES = {
    "/": GOOD,
    "/out": WAYS_OUT,
    "/listens": "<body>here<script>new EventSource('/events').onmessage = () => location.reload()</script>",
    "/late": "<body>fetching<script>fetch('/slow.js').then(() => document.body.append(', done'))</script>",
    "/slow.js": "0",
    "/leave": '<script>location = "http://127.0.0.1:CANARY/gone"</script>',
    "/crooked": "<body>crooked<script>navigator.vibrate(1)\n//# sourceURL=http://[</script>",
    "/alerts": "<body>still<script>onload = () => { while (true) alert(1) }</script>",
    "/loop": "<body>before<script>while (true) ;</script>",
    "/log": "<body>x<script>while (true) console.error('x'.repeat(10000))</script>",
    "/memory": "<body>x<script>const all = []; while (true) all.push(new Uint8Array(1e7).fill(1))</script>",
    "/sw.js": "self.addEventListener('install', () => fetch('http://127.0.0.1:CANARY/sw', {mode: 'no-cors'}))",
}


class Canary:
    """A TCP and a UDP port side by side; whoever comes is remembered."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.tcp = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()
        threading.Thread(target=self._receive, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                visitor, _ = self.tcp.accept()
            except OSError:
                return
            visitor.settimeout(1)
            try:
                self.heard.append(f"tcp {visitor.recv(100)!r}")
            except OSError:
                self.heard.append("tcp")
            visitor.close()

    def _receive(self) -> None:
        while True:
            try:
                self.heard.append(f"udp {self.udp.recv(100)!r}")
            except OSError:
                return

    def close(self) -> None:
        self.tcp.close()
        self.udp.close()


@pytest.fixture
def canary() -> Iterator[Canary]:
    canary = Canary()
    yield canary
    canary.close()


@pytest.fixture
def site(settings, canary) -> Iterator[str]:
    """An app's server where the sandbox host would be; the address of its preview. It notes whom it was asked for."""
    hosts: set[str] = set()

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        sent = 0
        shutting_down = threading.Event()

    class App(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert isinstance(self.server, Server)
            hosts.add(self.headers["Host"])
            if self.path.startswith("/away"):
                self.send_response(302)
                self.send_header("Location", self.path.partition("to=")[2])
                self.end_headers()
            elif self.path == "/big":
                self.send_much()
            elif self.path == "/empty":
                self.send_response(204)
                self.end_headers()
            elif self.path == "/tea.zip":
                self.send_response(200)
                self.send_header("Content-Type", "application/zip")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"PK")
            elif self.path == "/events":  # until the visitor leaves
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                self.rfile.read(1)
            else:
                if self.path in ("/late", "/slow.js"):
                    self.server.shutting_down.wait(SLOW_SECONDS)
                self.send_page(PAGES.get(self.path, "").replace("CANARY", str(canary.port)).encode())

        def send_page(self, body: bytes) -> None:
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/javascript" if self.path.endswith(".js") else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(BrokenPipeError):  # the visitor left
                self.wfile.write(body)

        def send_much(self) -> None:
            assert isinstance(self.server, Server)
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(2**30))
            self.end_headers()
            with contextlib.suppress(OSError):
                for _ in range(1024):
                    self.wfile.write(b"a" * 2**20)
                    self.server.sent += 2**20

        def log_message(self, *_: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), App)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.SANDBOX_IS_EMBEDDED = True
    settings.E2B_SANDBOX_URL = f"http://127.0.0.1:{server.server_port}"
    name = f"3000-app.localhost:{server.server_port}"
    site = f"http://{name}"
    yield site
    server.shutting_down.set()
    server.shutdown()
    server.server_close()
    assert hosts == {name}, "it asked in another's name"
    assert server.sent < browser_proxy.TOTAL_BYTES * 2


def seen(url: str, **how: Any) -> tuple[browser.Look, float]:
    began = time.monotonic()
    look = aio.run(browser.look(url, **how), 60)
    return look, time.monotonic() - began


def test_it_sees_what_a_visitor_would(site):
    look, _ = seen(f"{site}/", width=640, height=480)
    assert (look.status, look.title, look.text.strip()) == (200, "Tea", "Tea house open")
    assert any("price 3" in line for line in look.console)
    assert any("No kettle" in line for line in look.console)
    assert any("404" in line and "missing.png" in line for line in look.console)
    assert look.screenshot and look.screenshot[8:12] == b"WEBP"
    dark, _ = seen(f"{site}/", width=640, height=480, dark=True)
    assert dark.screenshot != look.screenshot
    assert seen(f"{site}/nothing")[0].status == 404


def test_it_waits_for_a_page_whose_first_answer_took_its_time(site):
    look, _ = seen(f"{site}/late", width=640, height=480)
    assert (look.text, look.console) == ("fetching, done", [])


def test_it_does_not_wait_for_a_page_that_listens_for_good(site):
    look, seconds = seen(f"{site}/listens", width=640, height=480, seconds=30)
    assert (look.text, look.console) == ("here", []) and look.screenshot
    assert seconds < 15


def test_it_loads_no_page_but_the_one_that_is_looked_at(site):
    """Of Chromium's own, as a start page or one of the address bar, each look would pay for more than for the app's."""

    async def others() -> list[str]:
        everything: dict[str, Any] = {"filter": [{}]}
        looking = asyncio.ensure_future(browser.look(f"{site}/late"))
        found: set[str] = set()
        while not looking.done():
            asked = browser._chromium().call("Target.getTargets", **everything)
            with contextlib.suppress(ConnectionError):  # not started yet
                targets = await asyncio.wrap_future(aio.submit(asked, "browser"))
                found |= {one["url"] for one in targets["targetInfos"]} - {""}  # its own tab, not yet anywhere
            await asyncio.sleep(0.05)
        await looking
        return sorted(found)

    assert aio.run(others(), 60) == ["about:blank", f"{site}/late"]


@pytest.mark.parametrize(("path", "status"), [("/empty", 204), ("/tea.zip", 200)])
def test_it_says_when_there_is_no_page_to_see(site, path, status):
    look, seconds = seen(f"{site}{path}", width=640, height=480, seconds=30)
    assert (look.status, look.text, look.console) == (status, "", [browser.NO_PAGE])
    assert seconds < 15


def test_it_reaches_nothing_but_the_preview(site, canary):
    look, seconds = seen(f"{site}/out", seconds=10)
    assert look.title == "Hostile" and look.screenshot
    assert seen(f"{site}/leave", seconds=6)[0].status in (0, 200, 403)
    assert canary.heard == []
    assert seconds < 14


def test_it_is_back_in_time_whatever_the_page_does(site):
    async def look(path: str) -> browser.Look:
        return await browser.look(f"{site}/{path}", seconds=4)

    async def at_once(*paths: str) -> list[browser.Look | BaseException]:
        return await asyncio.gather(*map(look, paths), return_exceptions=True)

    _, loop, log = aio.run(at_once("alerts", "loop", "log"), 30)
    assert isinstance(loop, browser.Look) and isinstance(log, browser.Look)
    assert "The page did not finish loading." in loop.console
    assert len(log.console) == browser.CONSOLE_LINES
    assert all(len(line) <= browser.CONSOLE_CHARS for line in log.console)
    # A page that ends the browser may take the one that is looked at beside it along.
    ended = [one for one in aio.run(at_once("memory", "big"), 30) if isinstance(one, BaseException)]
    assert all(isinstance(one, browser.NoBrowser) for one in ended)
    # And the next one is looked at as if nothing had been.
    assert seen(f"{site}/")[0].title == "Tea"


def test_it_says_nothing_answered_when_nothing_does(settings):
    settings.SANDBOX_IS_EMBEDDED, settings.E2B_SANDBOX_URL = True, "http://127.0.0.1:9"
    look, _ = seen("http://3000-app.localhost:9/", seconds=6)
    assert look.status == 0


def test_it_clears_what_a_dead_process_left_and_nothing_else(site):
    dead = subprocess.Popen(["true"])
    dead.wait()
    names = [f"vibe-browser-{pid}-{secrets.token_hex(4)}" for pid in (dead.pid, os.getpid())]
    left, living = folders = [Path(tempfile.gettempdir()) / name for name in names]
    for folder in folders:
        (folder / "Default").mkdir(parents=True)
    browser._chromium().kill()  # the next look starts another one
    with contextlib.suppress(browser.NoBrowser):
        seen(f"{site}/")
    assert seen(f"{site}/")[0].title == "Tea"
    assert (left.exists(), living.exists()) == (False, True)
    shutil.rmtree(living)


def test_it_sees_a_page_that_names_what_is_no_address(site):
    for _ in range(2):
        look, seconds = seen(f"{site}/crooked", width=640, height=480, seconds=30)
        assert (look.status, look.text) == (200, "crooked") and look.screenshot
        assert seconds < 15


def test_it_passes_over_an_event_that_its_listener_cannot_take(site):
    async def one_that_fails() -> str:
        def listener(method: str, event: dict[str, Any]) -> None:
            raise ValueError(method)

        async with browser._chromium().in_use() as chromium, browser._tab(chromium, 9) as tab:
            chromium.listen(tab, listener)
            await chromium.call("Runtime.enable", tab)  # whose first event comes before its answer
            return str((await chromium.call("Browser.getVersion"))["product"])

    asking = aio.submit(one_that_fails(), "browser")
    assert "Chrom" in asking.result(30)
    assert seen(f"{site}/")[0].title == "Tea"


SPEAKS_NONSENSE = """#!/usr/bin/env python3
import os
question = b""
while not question.endswith(b"\\0"):
    question += os.read(3, 1000)
os.write(4, b'{"id": %d, "result": {}}\\0' % __import__("json").loads(question[:-1])["id"])
os.read(3, 1000)
os.write(4, b"nonsense\\0")
os.read(3, 1000)
"""


def test_it_starts_another_one_for_one_that_speaks_nonsense():
    async def twice(program: str) -> list[str]:
        found = []
        one = Chromium(program, os.environ["PATH"], sandbox=True)
        for _ in range(2):
            async with one.in_use() as chromium:
                try:
                    async with asyncio.timeout(10):
                        await chromium.call("Target.getTargets")
                except ConnectionError as error:
                    found.append(str(error))
        return found

    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        program = Path(folder) / "chromium"
        program.write_text(SPEAKS_NONSENSE)
        for path in (program.parent, program):
            path.chmod(0o755)
        assert aio.submit(twice(str(program)), "browser").result(60) == ["Chromium is gone"] * 2
