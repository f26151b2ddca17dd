"""Many runs in one worker process: their time beside the ideal, and what each takes of memory.

20 turns of 300 ms each; the runs wait for a model on this machine and call a tool that there is not, so that nothing
but the worker is measured. Beside it the same conversations over bare HTTP, from one process that does nothing else.
"""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import aiohttp

from benchmarks.site import Site, site

Say = Callable[[str, str, str, str], None]
# First token after 100 ms, 40 tokens 5 ms apart: 300 ms a turn.
MODEL = (100.0, 40, 5.0, 20)
TURN_SECONDS = 0.3


def measure(say: Say, count: int = 100) -> None:
    # No sandbox is needed, and none is to cost anything: nobody listens at that address.
    changes = {"WORKER_CONCURRENCY": str(count), "E2B_API_URL": "http://127.0.0.1:9", "RUN_MAX_TURNS": "100"}
    with site({**changes, "API_WRITES_PER_MINUTE": "100000"}, model=MODEL) as running:
        people = running.people(count)
        asyncio.run(_measure(say, running, people))


async def _measure(say: Say, running: Site, people: list[dict[str, str]]) -> None:
    ideal = MODEL[3] * TURN_SECONDS
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        model = running.environment["ANTHROPIC_BASE_URL"]
        await _run(session, running.url, people[0])  # imports and connections
        began = time.perf_counter()
        await asyncio.gather(*(_converse(session, model) for _ in people))
        bare = (time.perf_counter() - began) / ideal
        before = memory(running.worker)
        seen: list[int] = []
        most = asyncio.create_task(_watch(running.worker, seen))
        began = time.perf_counter()
        ends = await asyncio.gather(*(_run(session, running.url, person) for person in people))
        took = (time.perf_counter() - began) / ideal
        most.cancel()
        peak = max(seen) - before
    wrong = [end for end in ends if end != "succeeded"]
    what = f"{len(people)} runs × {MODEL[3]:.0f} turns of 300 ms, ÷ ideal"
    say(what, f"{took:.2f}×", f"{bare:.2f}× bare HTTP", "≤ 1.25×")
    say("memory per run", f"{peak / len(people) / 2**20:.2f} MB", f"{before / 2**20:.0f} MB the idle worker", "≤ 3 MB")
    if wrong:
        say("runs that did not end well", str(len(wrong)), str(wrong[:3]), "0")


async def _watch(pid: int, seen: list[int]) -> None:
    while True:
        seen.append(memory(pid))
        await asyncio.sleep(0.2)


def memory(pid: int) -> int:
    """Bytes that a process has in memory and shares with nobody."""
    with open(f"/proc/{pid}/smaps_rollup") as file:  # noqa: PTH123
        lines = [line for line in file if line.startswith(("Private_", "Pss:"))]
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) * 1024


async def _run(session: aiohttp.ClientSession, url: str, person: dict[str, str]) -> str:
    """One run from its message to its end; how it ended."""
    head = {"Authorization": f"Bearer {person['token']}"}
    base = f"{url}/api/v1/projects/{person['project']}"
    async with session.post(f"{base}/messages/", json={"text": "Go on", "mode": "ask"}, headers=head) as answer:
        said = await answer.json()
    while True:  # a site that is too busy says so; its log has the end all the same
        async with session.get(f"{base}/stream/", headers=head, timeout=aiohttp.ClientTimeout(600)) as stream:
            async for line in stream.content:
                if line.startswith(b"data: ") and b'"complete"' in line:
                    event = json.loads(line[6:])
                    if event.get("type") == "complete" and event["run"] == said["run"]["id"]:
                        return str(event["data"]["state"])
        await asyncio.sleep(0.5)


async def _converse(session: aiohttp.ClientSession, model: str) -> None:
    """As many turns with the model as a run has."""
    said: list[Any] = [{"role": "user", "content": "Go on"}]
    for _ in range(int(MODEL[3])):
        async with session.post(f"{model}/v1/messages", json={"messages": said, "stream": True}) as answer:
            async for _line in answer.content:
                pass
        said += [{"role": "assistant", "content": "word"}, {"role": "user", "content": "Go on"}]
