"""Submit → first streamed token on the page, minus the time the model itself took; one alone, and many at once.

The page is a websocket; the message is sent as the page sends it. Beside it, in the same run: the same model asked
directly over one HTTP connection, with nothing stored and nobody told, and the site's cheapest answer.
"""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import aiohttp

from benchmarks.site import Site, quantile, site

Say = Callable[[str, str, str, str], None]
# First token after 300 ms, then ten more tokens.
MODEL = (300.0, 10, 5.0, 1)


def measure(say: Say, count: int = 50, times: int = 30) -> None:
    with site({"WORKER_CONCURRENCY": "64", "API_WRITES_PER_MINUTE": "10000"}, model=MODEL) as running:
        people = running.people(count)
        asyncio.run(_measure(say, running, people, times))


async def _measure(say: Say, running: Site, people: list[dict[str, str]], times: int) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        model = running.environment["ANTHROPIC_BASE_URL"]
        for person in people:  # sandboxes and connections are warm afterwards
            await _one(session, running.url, person)
        floor = [await _directly(session, model) for _ in range(times)]
        alone = [await _one(session, running.url, people[0]) for _ in range(times)]
        limit = f"{quantile(floor, 0.5):.1f} ms straight to the model"
        say("first token, alone, p50", f"{quantile(alone, 0.5):.1f} ms", limit, "≤ 10 ms")
        say("first token, alone, p95", f"{quantile(alone, 0.95):.1f} ms", f"{quantile(floor, 0.95):.1f} ms", "≤ 25 ms")
        floor = await asyncio.gather(*(_directly(session, model) for _ in people))
        crowd: list[float] = []
        for _ in range(3):
            ready = asyncio.Barrier(len(people))
            crowd += await asyncio.gather(*(_one(session, running.url, person, ready) for person in people))
        many = f"first token, {len(people)} at once"
        say(f"{many}, p50", f"{quantile(crowd, 0.5):.0f} ms", f"{quantile(floor, 0.5):.1f} ms straight", "≤ 120 ms")
        say(f"{many}, p95", f"{quantile(crowd, 0.95):.0f} ms", f"{quantile(floor, 0.95):.1f} ms straight", "–")


async def _one(
    session: aiohttp.ClientSession, url: str, person: dict[str, str], ready: asyncio.Barrier | None = None
) -> float:
    """Milliseconds from the POST to the first text on the page, without the model's; returns when the run is over.

    `ready`: what all wait for, so that every page is open before the first message is sent.
    """
    cursor = int(person.get("cursor", 0))
    page = f"{url.replace('http', 'ws')}/ws/projects/{person['project']}/?after={max(0, cursor - 1)}"
    headers = {"Cookie": person["cookie"], "Origin": url}
    async with session.ws_connect(page, headers=headers) as socket:
        if cursor:  # the page has read what was before, and is told what comes
            await socket.receive(60)
        if ready:
            await ready.wait()
        await asyncio.sleep(0.1)
        began = time.perf_counter()
        send = {"text": "Say something", "mode": "build"}
        token = {"Authorization": f"Bearer {person['token']}"}
        asking = asyncio.create_task(
            _post(session, f"{url}/api/v1/projects/{person['project']}/messages/", send, token)
        )
        took = 0.0
        while True:
            event = json.loads((await socket.receive(60)).data)
            if event["type"] == "text" and not took:
                took = (time.perf_counter() - began) * 1000 - float(event["data"]["text"].split(" ")[0])
            if event.get("id"):
                person["cursor"] = str(event["id"])
            if event["type"] == "complete":
                break
        await asking
        if not took:
            raise RuntimeError(f"no text before {event}")
        return took


async def _post(session: aiohttp.ClientSession, url: str, body: Any, headers: dict[str, str]) -> None:
    async with session.post(url, json=body, headers=headers) as answer:
        if answer.status != 202:
            raise RuntimeError(f"{answer.status}: {await answer.text()}")


async def _directly(session: aiohttp.ClientSession, model: str) -> float:
    """The model's first token over a plain connection, minus the model's own time."""
    began = time.perf_counter()
    body = {"messages": [{"role": "user", "content": "Hello"}], "stream": True}
    async with session.post(f"{model}/v1/messages", json=body) as answer:
        took = 0.0
        async for line in answer.content:
            if line.startswith(b"data: ") and b"text_delta" in line and not took:
                first = json.loads(line[6:])["delta"]["text"]
                took = (time.perf_counter() - began) * 1000 - float(first.split(" ")[0])
    return took
