"""Noise on the host's port: nothing makes it fail or hang. `--fuzz 20000` makes it a longer run."""

import asyncio
import json
from collections.abc import Callable

import pytest

from .conftest import Host
from .fuzz import Source

pytestmark = pytest.mark.sandbox
SEED, PATIENCE, AT_ONCE = 20261126, 20, 12
# 501: what only the cloud can do. 502: a sandbox or port that is not there. 504: a stream whose time was over.
DELIBERATE = {501, 502, 504}


async def _send(host: Host, data: bytes, whole: bool) -> tuple[int, bytes]:
    """Status and answer; 0 where the host only closed the connection. Raises TimeoutError if it does neither.

    Who sent half a request and goes away must not be waited for.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", host.port)
    reading = asyncio.create_task(reader.read())
    try:
        writer.write(data)
        if not whole:
            await asyncio.wait({reading}, timeout=1)
            writer.write_eof()
        answer = await asyncio.wait_for(reading, PATIENCE)
    except OSError as error:
        if isinstance(error, TimeoutError):
            raise
        answer = b""
    finally:
        writer.close()
    status = answer.split(b" ", 2)[1:2]
    return (int(status[0]) if status and status[0].isdigit() else 0), answer


async def test_it_neither_fails_nor_hangs(
    own_host: Callable[..., Host], capfd: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    host = await asyncio.to_thread(own_host, "--max-running", "8")
    sandbox = await asyncio.to_thread(host.create, timeout=3600)
    source = Source(SEED, sandbox.sandbox_id, host.key, str(sandbox._envd_access_token))
    requests = [source.request() for _ in range(int(request.config.getoption("--fuzz", default=600)))]
    waiting = iter(enumerate(requests))
    wrong: list[tuple[int, object, bytes]] = []
    seen: set[int] = set()

    async def visitor() -> None:
        for number, (data, whole) in waiting:
            try:
                status, answer = await _send(host, data, whole)
            except TimeoutError:
                wrong.append((number, "no answer", data[:600]))
                continue
            seen.add(status)
            if status >= 500 and status not in DELIBERATE:
                wrong.append((number, answer[:600], data[:600]))

    await asyncio.gather(*(visitor() for _ in range(AT_ONCE)))
    assert not wrong, f"{len(wrong)} of {len(requests)}: {wrong[:5]}"
    assert {200, 400, 401, 404, 501} <= seen, "too few of the requests got anywhere"
    assert await asyncio.to_thread(host.answers)
    await asyncio.to_thread(sandbox.connect)
    assert (await asyncio.to_thread(sandbox.commands.run, "echo well")).stdout == "well\n"
    await asyncio.to_thread(host.close)
    told = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    assert not [line for line in told if line["level"] == "error"]
