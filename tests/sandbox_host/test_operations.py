"""What an operator sees: figures, log lines, and that what has no sandbox is removed."""

import asyncio
import http.client
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from launcher import testing
from sandbox_host import reaper
from sandbox_host.registry import Caps

from .conftest import ROOT, Host, descendants, free_port, make_registry, make_state, wait_for

# A websocket server without a package: it greets and then says nothing.
SOCKET_SERVER = r"""
const sha = (text) => require("crypto").createHash("sha1").update(text).digest("base64");
const lines = (key) => ["HTTP/1.1 101 x", "Upgrade: websocket", "Connection: Upgrade",
  "Sec-WebSocket-Accept: " + sha(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"), "", ""].join("\r\n");
require("http").createServer()
  .on("upgrade", (request, socket) => socket.write(lines(request.headers["sec-websocket-key"]))).listen(3000);
"""


def _metrics(host: Host, key: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=10)
    connection.request("GET", "/metrics", headers={"X-API-KEY": key})
    answer = connection.getresponse()
    status, text = answer.status, answer.read().decode()
    connection.close()
    return status, text


def test_it_gives_figures_to_those_with_the_key(own_host: Callable[..., Host]) -> None:
    host = own_host()
    sandbox = host.create()
    host.create().pause()
    host.create().kill()
    assert _metrics(host, "wrong")[0] == 401
    status, text = _metrics(host, host.key)
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert status == 200
    assert values['sandbox_host_sandboxes{state="running"}'] == values['sandbox_host_sandboxes{state="paused"}'] == "1"
    assert (values["sandbox_host_created_total"], values["sandbox_host_killed_total"]) == ("3", "1")
    assert int(values[f'sandbox_host_sandbox_memory_bytes{{sandbox="{sandbox.sandbox_id}"}}']) > 0


@pytest.mark.skipif(os.geteuid() != 0, reason="as root each sandbox has a uid and a group of its own")
async def test_it_removes_what_has_no_sandbox() -> None:
    state = make_state(None)
    registry = await make_registry(state)
    await registry.load()
    kept = await registry.create("base", 60, {})
    lost = await registry.create("base", 60, {})
    # As if the record had been lost: directory, group, sockets and processes stay.
    del registry.sandboxes[lost.id]
    assert lost.launch is not None
    stray = await asyncio.create_subprocess_exec(
        registry.machine.bwrap, *"--ro-bind / / --die-with-parent sleep 100".split(), user=79_998, group=79_998
    )
    await reaper.sweep(registry)
    assert lost.directory.exists()  # it may be just being made
    async with asyncio.timeout(10):
        while stray.returncode is None:
            await reaper.sweep(registry, young=-1)
            await asyncio.sleep(0.05)
    await asyncio.wait_for(asyncio.shield(lost.launch.ended), 10)
    left = {path.name.partition(".")[0] for path in (*registry.directory.iterdir(), *(state / "run").iterdir())}
    assert left == {kept.id}
    assert await kept.call({"op": "ping"}) == {}
    await lost.kill()
    await registry.kill(kept)
    await registry.close()


async def test_it_keeps_nobody_for_ever() -> None:
    state = make_state(None)
    registry = await make_registry(state, Caps(days=1))
    await registry.load()
    old, young = await registry.create("base", 60, {}), await registry.create("base", 60, {})
    for sandbox in (old, young):
        await sandbox.pause(memory=False)
    old.record.paused_at -= 86_401
    watch = asyncio.create_task(registry.watch_time())
    await asyncio.to_thread(wait_for, lambda: old.id not in registry.sandboxes)
    watch.cancel()
    assert list(registry.sandboxes) == [young.id]
    await registry.close()
    shutil.rmtree(state)


async def test_it_stops_who_fills_the_machines_disk() -> None:
    state = make_state(None)
    registry = await make_registry(state)
    await registry.load()
    small, large = await registry.create("base", 60, {}), await registry.create("base", 60, {})
    await large.call({"op": "mkdir", "path": "/home/user/one"})
    await large.usage.measure_disk(large.launch)
    registry.caps = Caps(free=2 * 10**9)
    watch = asyncio.create_task(registry.watch_disk())
    await asyncio.to_thread(wait_for, lambda: large.state != "running")
    watch.cancel()
    assert small.state == "running"
    await registry.close()
    shutil.rmtree(state)


async def test_it_stops_the_next_one_where_one_cannot_be_stopped() -> None:
    state = make_state(None)
    registry = await make_registry(state)
    await registry.load()
    sandboxes = [await registry.create("base", 60, {}) for _ in range(2)]
    shutil.rmtree(sandboxes[0].own)  # where it would be written that it stands still, as on a disk that is full
    registry.caps = Caps(free=2 * 10**9)
    watch = asyncio.create_task(registry.watch_disk())
    await asyncio.to_thread(wait_for, lambda: not any(sandbox.state == "running" for sandbox in sandboxes))
    watch.cancel()
    await registry.close()
    shutil.rmtree(state)


@pytest.mark.parametrize("name", ["memory", "disk", "reaper"])
async def test_it_goes_on_watching_after_what_fails_once(
    name: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = make_state(None)
    registry = await make_registry(state)
    await registry.load()
    registry.facts = replace(registry.facts, counted=False)
    sandbox = await registry.create("base", 60, {})
    assert sandbox.launch is not None
    sandbox.launch.group, sandbox.usage.full = None, True
    monkeypatch.setattr(reaper, "EVERY", 0.1)
    watching: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
        "memory": registry.watch_memory,
        "disk": registry.watch_disk,
        "reaper": partial(reaper.watch, registry),
    }
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    caplog.clear()
    watch = asyncio.create_task(watching[name]())
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        await asyncio.to_thread(wait_for, lambda: watch.done() or caplog.records)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert not watch.done(), watch.exception()
    assert name in caplog.text and "Too many open files" in caplog.text
    watch.cancel()
    await registry.close()
    shutil.rmtree(state)


async def test_it_goes_on_for_others_while_a_record_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    state = make_state(None)
    registry = await make_registry(state)
    await registry.load()
    sandbox = await registry.create("base", 60, {})
    alone, free = threading.Lock(), threading.Event()
    seen: list[bool] = []

    def slow(_: int) -> None:
        seen.append(alone.acquire(blocking=False))
        seen.append(free.wait(3))
        alone.release()

    monkeypatch.setattr(os, "fsync", slow)  # of a disk that has much to do
    first = asyncio.create_task(sandbox.set_network(None, ["one.test"], []))
    await asyncio.to_thread(wait_for, lambda: any(sandbox.own.glob("record.new")))
    second = asyncio.create_task(sandbox.set_network(None, ["two.test"], []))
    first.cancel()  # who asked has gone
    for _ in range(50):  # in which the second one would begin
        await asyncio.to_thread(lambda: None)
    free.set()
    await second
    assert seen == [True] * 4
    assert json.loads((sandbox.own / "record.json").read_text())["allow_out"] == ["two.test"]
    await registry.kill(sandbox)
    await registry.close()
    shutil.rmtree(state)


def test_it_logs_lines_that_a_program_can_read(
    capfd: pytest.CaptureFixture[str], own_host: Callable[..., Host]
) -> None:
    host = own_host()
    sandbox = host.create()
    sandbox.kill()
    host.close()
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    told = [(line["message"], line.get("sandbox")) for line in lines]
    assert told[0] == ("started", None) and told[-2:] == [("stopping", None), ("stopped", None)]
    assert ("created", sandbox.sandbox_id) in told and ("killed", sandbox.sandbox_id) in told


def test_it_tells_who_waits_that_it_stops_and_leaves_no_process(own_host: Callable[..., Host]) -> None:
    host = own_host()
    sandbox = host.create()
    handle = sandbox.commands.run("sleep 1000 & sleep 1000", background=True, timeout=0)
    assert host.process is not None
    ran = descendants(host.process.pid)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(handle.wait)
        host.kill(signal.SIGTERM)
        error = waiting.exception(timeout=10)
    assert "the sandbox host is stopping" in str(error)
    assert len(ran) >= 3 and not [pid for pid in ran if Path(f"/proc/{pid}").exists()]


async def test_it_closes_the_sockets_of_visitors_when_it_stops(own_host: Callable[..., Host]) -> None:
    host = await asyncio.to_thread(own_host, "--runtime", str(testing.current().place.runtime))
    sandbox = await asyncio.to_thread(host.create)
    await asyncio.to_thread(sandbox.files.write, "server.js", SOCKET_SERVER)
    await asyncio.to_thread(sandbox.commands.run, "node server.js", background=True, timeout=0)
    headers = {"Host": sandbox.get_host(3000)}
    async with aiohttp.ClientSession() as client, asyncio.timeout(30):
        while True:
            try:
                socket = await client.ws_connect(host.url, headers=headers)
                break
            except aiohttp.WSServerHandshakeError:  # it starts
                pass
        stopping = asyncio.create_task(asyncio.to_thread(host.kill, signal.SIGTERM))
        said = await socket.receive()
        await stopping
    assert (said.type, said.data) == (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.GOING_AWAY)


def test_two_hosts_do_not_share_a_state(own_host: Callable[..., Host]) -> None:
    host = own_host()
    sandbox = host.create()
    command = [sys.executable, "-m", "sandbox_host", "--port", str(free_port()), "--state", str(host.state)]
    env = {**os.environ, "E2B_API_KEY": host.key}
    second = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=30)
    assert second.returncode == 1 and "another one is running on" in second.stderr
    assert second.stderr.strip().count("\n") == 0
    assert sandbox.commands.run("echo unharmed").stdout == "unharmed\n"


def test_manage_becomes_the_host_without_the_sites_secrets() -> None:
    state, port = make_state(None), free_port()
    (state / "runtime").symlink_to(testing.current().place.runtime)
    env = {**os.environ, "VIBE_HOME": str(state), "SECRET_KEY": "canary-7731", "SANDBOX_IS_EMBEDDED": "true"}
    command = [sys.executable, "manage.py", "sandboxhost", "--port", str(port), "--", "--max-running", "3"]
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    host = Host(state, port=port, key=os.environ["E2B_API_KEY"], process=process)
    try:
        wait_for(host.answers, 30)
        assert _metrics(host, host.key)[1].splitlines().count("sandbox_host_running_limit 3") == 1
        assert b"canary-7731" not in Path(f"/proc/{process.pid}/environ").read_bytes()
        host.kill(signal.SIGTERM)
        assert process.returncode == 0
    finally:
        host.close()
