"""Much at once and for long: nothing hangs, no request is answered with an error of ours, nothing is left behind."""

import asyncio
import gc
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
from e2b import AsyncSandbox

from sandbox_host import cgroup, mounting
from sandbox_host.launch import Launch

from .conftest import Host, descendants, make_registry, wait_for

QUICK = 5.0  # seconds a call may take however busy a sandbox's server is

# Serves one visitor after the other and lets few wait: the usual simple server.
SLOW_SERVER = """
import socket, time
server = socket.create_server(("127.0.0.1", 3000), backlog=1)
while True:
    visitor = server.accept()[0]
    visitor.recv(65536)
    time.sleep(0.01)
    visitor.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok")
    visitor.close()
"""
DEAF_SERVER = """
import socket, time
server = socket.create_server(("127.0.0.1", 3000), backlog=1)
open("ready", "w").close()
time.sleep(100)
"""


async def _visit(client: aiohttp.ClientSession, host: Host, sandbox: AsyncSandbox) -> int:
    name = f"3000-{sandbox.sandbox_id}.localhost:{host.port}"
    async with client.get(host.url, headers={"Host": name}) as answer:
        await answer.read()
        return answer.status


async def _serve(sandbox: AsyncSandbox, host: Host, program: str) -> None:
    await sandbox.files.write("server.py", program)
    await sandbox.commands.run("python3 server.py > log 2>&1", background=True, timeout=0)


async def _until(ask: Callable[[], Awaitable[object]], wanted: object) -> None:
    async with asyncio.timeout(10):
        while await ask() != wanted:  # noqa: ASYNC110 - what we wait for is in the sandbox
            await asyncio.sleep(0.02)


async def test_it_answers_every_visitor_of_a_server_that_takes_few(host: Host) -> None:
    sandbox = await AsyncSandbox.create(timeout=120, **host.options)
    await _serve(sandbox, host, SLOW_SERVER)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client, asyncio.timeout(60):
        await _until(lambda: _visit(client, host, sandbox), 200)
        for _ in range(5):
            answers = await asyncio.gather(*(_visit(client, host, sandbox) for _ in range(40)))
            assert answers == [200] * 40
    await sandbox.kill()


async def test_it_goes_on_while_a_server_lets_nobody_in(host: Host) -> None:
    sandbox = await AsyncSandbox.create(timeout=120, **host.options)
    await _serve(sandbox, host, DEAF_SERVER)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        await _until(lambda: sandbox.files.exists("ready"), True)
        visits = [asyncio.create_task(_visit(client, host, sandbox)) for _ in range(10)]
        for _ in range(10):
            began = time.monotonic()
            await sandbox.commands.run("true")
            assert time.monotonic() - began < QUICK
        for visit in visits:
            visit.cancel()
        await asyncio.gather(*visits, return_exceptions=True)
    await sandbox.kill()


async def test_it_runs_hundreds_of_commands(host: Host) -> None:
    sandbox = await AsyncSandbox.create(timeout=120, **host.options)
    for number in range(150):
        async with asyncio.timeout(10):
            assert (await sandbox.commands.run(f"echo {number}")).stdout == f"{number}\n"
    for _ in range(3):
        async with asyncio.timeout(30):
            await asyncio.gather(*(sandbox.commands.run("true") for _ in range(40)))
    assert await sandbox.commands.list() == []
    await sandbox.kill()


async def test_it_leaves_nothing_after_a_hundred_sandboxes(own_host: Callable[..., Host]) -> None:
    host = own_host()
    assert host.process is not None
    pid = host.process.pid
    await (await AsyncSandbox.create(timeout=60, **host.options)).kill()
    folders = [host.state / name for name in ("sandboxes", "trash", "run")]
    wait_for(lambda: not descendants(pid) and not any(any(folder.iterdir()) for folder in folders))
    before = len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208
    for turn in range(20):
        made = await asyncio.gather(*(AsyncSandbox.create(timeout=60, **host.options) for _ in range(4)))
        hasty = asyncio.create_task(AsyncSandbox.create(timeout=60, **host.options))
        await asyncio.wait([hasty], timeout=0.005 * turn)  # the caller hangs up in the middle
        hasty.cancel()
        await asyncio.gather(hasty, *(sandbox.kill() for sandbox in made), return_exceptions=True)
    for left in await AsyncSandbox.list(**host.options).next_items():  # made already when its caller hung up
        await AsyncSandbox.kill(left.sandbox_id, **host.options)
    wait_for(lambda: not descendants(pid) and not any(any(folder.iterdir()) for folder in folders), 60)
    wait_for(lambda: not [path for path in mounting.loops() if path.startswith(str(host.state))])
    _expect_nothing_mounted(host, pid)
    wait_for(lambda: len(os.listdir(f"/proc/{pid}/fd")) <= before + 8)  # noqa: PTH208 - the SDK's own connections


def _expect_nothing_mounted(host: Host, pid: int) -> None:
    assert str(host.state / "sandboxes") not in Path(f"/proc/{pid}/mountinfo").read_text()
    groups = Path("/sys/fs/cgroup").glob(f"*/{cgroup.name(host.state)}/*")
    assert [path for path in groups if path.is_dir()] == []


async def test_it_forgets_connections_that_are_over() -> None:
    """A preview takes a connection and never gives it back; each visit must not cost memory for ever."""
    with tempfile.TemporaryDirectory(prefix="launch-") as folder:
        path = str(Path(folder) / "agent")

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            writer.close()

        server = await asyncio.start_unix_server(answer, path)
        process = await asyncio.create_subprocess_exec("sleep", "60")
        root = (await make_registry(Path(folder) / "state")).root
        launch = Launch(root, "none", path, process.pid, os.pidfd_open(process.pid), None)
        for _ in range(20):
            channel = await launch.open({"op": "dial"})
            await channel.reader.read()
            channel.writer.close()
            await channel.writer.wait_closed()
        del channel
        async with asyncio.timeout(10):  # the loop has a last word on each connection, on a busy machine a late one
            while len(launch.writers):
                gc.collect()
                await asyncio.sleep(0.01)
        process.kill()
        await launch.ended
        server.close()
        await server.wait_closed()
