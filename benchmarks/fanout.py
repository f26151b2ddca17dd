"""One run, many pages: how long a token takes from the worker's publication to each page, and whether any is lost.

Beside it, in the same run: bare Redis and bare sockets (`python -m benchmarks.fanout REDIS_URL PORT` is that server).
"""

import asyncio
import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import redis
from redis import asyncio as aioredis

from benchmarks import steps
from benchmarks.site import Site, quantile, site, until_listening
from launcher import machine

Say = Callable[[str, str, str, str], None]
CHANNEL = "benchmark:bare"


def measure(say: Say, count: int = 200, per_second: int = 50, seconds: int = 8) -> None:
    with site({}, model=(300.0, 10, 5.0, 1)) as running:
        people = running.people(1)
        out = subprocess.run(
            [sys.executable, "-m", steps.__name__, people[0]["project"]],
            env=running.environment, stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        took = json.loads(out.stdout.splitlines()[-1])
        half, most = took["checkpoint"]
        bare = took["bare"][0]
        say("checkpoint, p50", f"{half:.2f} ms", f"{bare:.2f} ms a bare insert: {half / bare:.1f}×", "≤ 5 ms, ≤ 2.5×")
        say("checkpoint, p95", f"{most:.2f} ms", f"{took['bare'][1]:.2f} ms a bare insert", "–")
        say("publish, p50", f"{took['publish'][0]:.3f} ms", f"{took['redis'][0]:.3f} ms bare Redis", "≤ 0.2 ms")
        port = machine.free_port(42000)
        command = [sys.executable, "-m", "benchmarks.fanout", running.environment["REDIS_URL"], str(port)]
        server = subprocess.Popen(command)
        try:
            until_listening(port)
            for pages in (1, count):
                found = asyncio.run(_both(running, people[0], port, pages, per_second, seconds))
                _tell(say, pages, per_second, *found)
        finally:
            server.kill()
            server.wait()


def _tell(say: Say, count: int, rate: int, ours: list[float], bare: list[float], lost: int) -> None:
    what = "token to page" if count == 1 else f"{count} pages × {rate} tokens/s"
    goals = ("≤ 2 ms", "≤ 10 ms") if count == 1 else ("≤ 2×", "≤ 2×")
    for share, goal in zip((0.5, 0.99), goals, strict=True):
        one, other = quantile(ours, share), quantile(bare, share)
        limit = f"{other:.2f} ms bare: {one / other:.1f}×"
        say(f"{what}, p{share * 100:.0f}", f"{one:.2f} ms", limit, goal)
    say(f"{what}, lost", str(lost), "–", "0")


async def _both(
    running: Site, person: dict[str, str], port: int, count: int, rate: int, seconds: int
) -> tuple[list[float], list[float], int]:
    """Milliseconds of each delivery by the site and by bare sockets, in turns; how many the site lost."""
    client = redis.Redis.from_url(running.environment["REDIS_URL"])
    total = rate * seconds
    bare_pages = [asyncio.create_task(_bare_page(port, total)) for _ in range(count)]
    await asyncio.sleep(1)
    await _publish(client, CHANNEL, total, rate)
    bare = [one for page in bare_pages for one in await page]
    pages = [asyncio.create_task(_page(running.url, person, total)) for _ in range(count)]
    await asyncio.sleep(3)
    await _publish(client, f"vibe:project:{person['project']}", total, rate)
    ours = [one for page in pages for one in await page]
    return ours, bare, count * total - len(ours)


async def _publish(client: "redis.Redis", channel: str, total: int, rate: int) -> None:
    begin = time.perf_counter()
    for number in range(total):
        await asyncio.sleep(max(0.0, begin + number / rate - time.perf_counter()))
        data = {"turn": 1, "offset": number * 5, "text": "word ", "sent": time.perf_counter()}
        event = {"run": str(uuid4()), "topic": "messages", "type": "text", "data": data}
        client.publish(channel, json.dumps(event))


async def _page(url: str, person: dict[str, str], total: int) -> list[float]:
    """A websocket, read with as little as can be, so that the client is not what is measured."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=2**22)
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        f"GET /ws/projects/{person['project']}/?after=1000000 HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
        f"Sec-WebSocket-Version: 13\r\nOrigin: {url}\r\nCookie: {person['cookie']}\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    took: list[float] = []
    try:
        async with asyncio.timeout(60):
            while len(took) < total:
                _, length = await reader.readexactly(2)
                if length == 126:
                    length = int.from_bytes(await reader.readexactly(2), "big")
                elif length == 127:
                    length = int.from_bytes(await reader.readexactly(8), "big")
                _note(took, await reader.readexactly(length))
    except (TimeoutError, asyncio.IncompleteReadError):
        pass
    writer.close()
    return took


async def _bare_page(port: int, total: int) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    took: list[float] = []
    with suppress(TimeoutError):  # one that joined late waits for what it will never get
        async with asyncio.timeout(60):
            while len(took) < total:
                _note(took, await reader.readline())
    writer.close()
    return took


def _note(took: list[float], payload: bytes) -> None:
    """Found by hand: to parse the whole would cost the client more than the server."""
    at = payload.find(b'"sent":')
    if at > 0:
        sent = payload[at + 7 : at + 40].split(b"}")[0].split(b",")[0]
        took.append((time.perf_counter() - float(sent)) * 1000)


async def _serve(url: str, port: int) -> None:
    """Bare sockets: each line published on Redis goes to everyone."""
    writers: set[Any] = set()

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        await reader.read()
        writers.discard(writer)
        writer.close()

    await asyncio.start_server(join, "127.0.0.1", port)
    pubsub = aioredis.Redis.from_url(url, socket_timeout=None).pubsub(ignore_subscribe_messages=True)
    await pubsub.subscribe(CHANNEL)
    async for message in pubsub.listen():
        line = message["data"] + b"\n"
        for writer in writers:
            writer.write(line)


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], int(sys.argv[2])))
