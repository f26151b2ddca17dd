"""The REST API and the sockets under load: POSTs alone and many at once, a mix of requests, many watched runs.

The client is small and speaks HTTP over kept connections, for it shares the machine with what it measures.
"""

import asyncio
import json
import time
from collections.abc import Callable
from itertools import cycle
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from benchmarks.site import Site, quantile, site

Say = Callable[[str, str, str, str], None]
LIMITS = {"API_WRITES_PER_MINUTE": "1000000", "API_READS_PER_MINUTE": "1000000", "SIGNUP_CREDITS": "1000000"}
# Nobody listens there: a run that begins ends at once, and no sandbox takes part in what is measured.
NO_SANDBOXES = {"E2B_API_URL": "http://127.0.0.1:9"}
# Watched runs: 20 tokens a second, of which each says when the model sent it.
PER_SECOND = 20


def posts(say: Say, count: int = 50, seconds: float = 10) -> None:
    """POST of a project: one after another, then `count` at once, on two web processes. The workers stand still: what
    is measured is the site's answer, not the run that follows.
    """
    with site({**LIMITS, **NO_SANDBOXES, "WEB_PROCESSES": "2"}, workers=False) as running:
        people = running.people(count)
        asyncio.run(_posts(say, running, people, seconds))


async def _posts(say: Say, running: Site, people: list[dict[str, str]], seconds: float) -> None:
    alone = await _Caller.open(running.url)
    floor = [await alone.call("GET", "/healthz") for _ in range(50)][10:]
    took = [await alone.call("POST", "/api/v1/projects/", people[0]["token"], _project()) for _ in range(210)][10:]
    limit = f"{quantile(floor, 0.5):.1f} ms an empty answer"
    say("POST project → 201, alone, p50", f"{quantile(took, 0.5):.1f} ms", limit, "≤ 15 ms")
    say(
        "POST project → 201, alone, p99", f"{quantile(took, 0.99):.1f} ms", f"{quantile(floor, 0.99):.1f} ms", "≤ 60 ms"
    )
    callers = [await _Caller.open(running.url) for _ in people]
    for path, method, what, goal in (
        ("/healthz", "GET", "empty answers", "–"),
        ("/api/v1/projects/", "POST", "POST project", "≥ 200/s, 0 errors"),
    ):
        end, took = time.perf_counter() + seconds, []

        async def work(caller: "_Caller", person: dict[str, str]) -> None:
            while time.perf_counter() < end:  # noqa: B023
                body = _project() if method == "POST" else None  # noqa: B023
                took.append(await caller.call(method, path, person["token"], body))  # noqa: B023

        ends = await asyncio.gather(*map(work, callers, people), return_exceptions=True)
        wrong = [end for end in ends if end]
        rate = f"{len(took) / seconds:.0f}/s, {len(wrong)} errors"
        say(f"{what}, {len(people)} at once, 2 processes", rate, f"p50 {quantile(took, 0.5):.0f} ms", goal)
        for error in wrong[:3]:
            say("went wrong", repr(error), "–", "–")


def mix(say: Say, seconds: float = 60, per_second: int = 50) -> None:
    """What pages and clients ask for, at a steady rate, whatever is still under way; a project now and then."""
    with site({**LIMITS, **NO_SANDBOXES}) as running:
        people = running.people(20)
        asyncio.run(_mix(say, running, people, seconds, per_second))


async def _mix(say: Say, running: Site, people: list[dict[str, str]], seconds: float, per_second: int) -> None:
    took: list[float] = []
    wrong: list[str] = []
    paths = ("", "messages/", "versions/", "files/", "events/?after=0", "sandbox/", "context/")
    places = cycle([("GET", "/api/v1/projects/"), ("GET", "/api/v1/usage/"), ("POST", "/api/v1/projects/")])
    asked = cycle([*(("GET", path) for path in paths), None, None, None])
    free: asyncio.Queue[_Caller] = asyncio.Queue()
    for _ in range(100):
        free.put_nowait(await _Caller.open(running.url))

    async def one(method: str, path: str, token: str) -> None:
        began = time.perf_counter()
        caller = await free.get()
        try:
            await caller.call(method, path, token, _project() if method == "POST" else None)
            took.append((time.perf_counter() - began) * 1000)
        except RuntimeError as error:
            wrong.append(str(error))
        free.put_nowait(caller)

    tasks, begin, turns = [], time.perf_counter(), cycle(people)
    for number in range(int(seconds * per_second)):
        await asyncio.sleep(max(0.0, begin + number / per_second - time.perf_counter()))
        person, what = next(turns), next(asked)
        method, path = next(places) if what is None else (what[0], f"/api/v1/projects/{person['project']}/{what[1]}")
        tasks.append(asyncio.create_task(one(method, path, person["token"])))
    await asyncio.gather(*tasks)
    name = f"API mix, {per_second}/s for {seconds:.0f} s"
    say(f"{name}, p50", f"{quantile(took, 0.5):.1f} ms", "–", "–")
    say(f"{name}, p95", f"{quantile(took, 0.95):.1f} ms", f"p99 {quantile(took, 0.99):.0f} ms", "≤ 300 ms")
    say(f"{name}, errors", str(len(wrong)), "; ".join(sorted(set(wrong))[:2]) or "–", "0")


def sockets(say: Say, count: int = 200, seconds: float = 60, runs: int = 10) -> None:
    """`count` pages watch `runs` runs that stream: from the model's token to each page, and whether any is lost."""
    with site(NO_SANDBOXES, model=(300.0, int(seconds * PER_SECOND), 1000 / PER_SECOND, 1)) as running:
        people = running.people(runs)
        asyncio.run(_sockets(say, running, people, count))


async def _sockets(say: Say, running: Site, people: list[dict[str, str]], count: int) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        watching = [asyncio.create_task(_watch(session, running.url, people[n % len(people)])) for n in range(count)]
        await asyncio.sleep(5)
        head = [{"Authorization": f"Bearer {person['token']}"} for person in people]
        for person, one in zip(people, head, strict=True):
            address = f"{running.url}/api/v1/projects/{person['project']}/messages/"
            async with session.post(address, json={"text": "Say much", "mode": "ask"}, headers=one) as answer:
                answer.raise_for_status()
        seen = await asyncio.gather(*watching)
    took = [one for page, _ in seen for one in page]
    sent = sum(tokens for _, tokens in seen)
    name = f"{count} sockets, {len(people)} runs × {PER_SECOND} tokens/s"
    say(f"{name}, p50", f"{quantile(took, 0.5):.0f} ms", "25 ms of it is joining tokens", "–")
    say(f"{name}, p95", f"{quantile(took, 0.95):.0f} ms", "–", "≤ 500 ms")
    say(f"{name}, lost", str(sent - len(took)), f"of {sent:,}", "0")


async def _watch(session: aiohttp.ClientSession, url: str, person: dict[str, str]) -> tuple[list[float], int]:
    """Milliseconds from the model's sending a token to its being here, of each token of one run; how many it sent."""
    page = f"{url.replace('http', 'ws')}/ws/projects/{person['project']}/?after=0"
    took: list[float] = []
    sent = 0
    async with session.ws_connect(page, headers={"Cookie": person["cookie"], "Origin": url}) as socket:
        while True:
            event = json.loads((await socket.receive(300)).data)
            now = time.perf_counter()
            if event["type"] == "text":
                stamps = event["data"]["text"].split()
                took += [(now - float(stamp[1:])) * 1000 for stamp in stamps if stamp.startswith("@")]
            elif event["type"] == "reply":
                sent += event["data"]["text"].count("@")
            elif event["type"] == "complete":
                return took, sent


class _Caller:
    """One kept connection."""

    def __init__(self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.host, self.reader, self.writer = host, reader, writer

    @classmethod
    async def open(cls, url: str) -> "_Caller":
        parts = urlsplit(url)
        return cls(parts.netloc, *await asyncio.open_connection(parts.hostname, parts.port))

    async def call(self, method: str, path: str, token: str = "", body: Any = None) -> float:
        """Milliseconds of one request. Raises RuntimeError for an answer of 400 and above."""
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: {self.host}\r\nContent-Length: {len(content)}\r\n"
        head += "Content-Type: application/json\r\n" + (f"Authorization: Bearer {token}\r\n" if token else "")
        began = time.perf_counter()
        self.writer.write(f"{head}\r\n".encode() + content)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        status, fields = int(answer[9:12]), answer.lower()
        await self._rest(fields)
        took = (time.perf_counter() - began) * 1000
        if status >= 400:
            raise RuntimeError(f"{method} {path.split('?')[0][-20:]}: {status}")
        return took

    async def _rest(self, fields: bytes) -> None:
        if b"transfer-encoding: chunked" in fields:
            while size := int(await self.reader.readline(), 16):
                await self.reader.readexactly(size + 2)
            await self.reader.readline()
        elif b"content-length:" in fields:
            await self.reader.readexactly(int(fields.split(b"content-length:")[1].split(b"\r\n")[0]))


def _project() -> dict[str, str]:
    return {"prompt": "A page about tea", "framework": "html"}
