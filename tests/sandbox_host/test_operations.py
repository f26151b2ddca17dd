"""What an operator sees: figures, log lines, and that what has no sandbox is removed."""

import asyncio
import http.client
import json
import os
import shutil
from collections.abc import Callable

import pytest

from sandbox_host import reaper
from sandbox_host.isolation import Limits, Machine
from sandbox_host.registry import Caps, Registry
from sandbox_host.templates import SOURCES, Library

from .conftest import Host, make_state, wait_for


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
    registry = Registry(Machine.find(state, None, Limits()), Library(SOURCES, state))
    registry.load()
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
    await asyncio.wait_for(asyncio.shield(lost.launch.ended), 10) if registry.groups else await lost.kill()
    left = {path.name.partition(".")[0] for path in (*registry.directory.iterdir(), *registry.place.run.iterdir())}
    assert left == {kept.id}
    assert await kept.call({"op": "ping"}) == {}
    await lost.kill()
    await registry.kill(kept)
    await registry.close()


async def test_it_keeps_nobody_for_ever() -> None:
    state = make_state(None)
    registry = Registry(Machine.find(state, None, Limits()), Library(SOURCES, state), Caps(days=1))
    registry.load()
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
    registry = Registry(Machine.find(state, None, Limits()), Library(SOURCES, state), Caps())
    registry.load()
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
