"""Snapshots and forks: copies of a sandbox's files to start from; and creates that are sent twice."""

import asyncio
import contextlib
from collections.abc import Callable

import pytest
from e2b import AsyncSandbox, Sandbox
from e2b.exceptions import SandboxException

from .conftest import Host


def _listed(host: Host, sandbox_id: str) -> list[str]:
    return [one.snapshot_id for one in Sandbox.list_snapshots(sandbox_id=sandbox_id, **host.options).next_items()]


def test_it_starts_from_a_snapshot(host: Host, sandbox: Sandbox) -> None:
    sandbox.files.write("kept", "then")
    sandbox.commands.run("ln -s /etc/shadow link; mkdir a; echo > a/b; chmod 600 a/b; echo x > .hidden")
    handle = sandbox.commands.run("sleep 100", background=True)
    taken = sandbox.create_snapshot()
    assert _listed(host, sandbox.sandbox_id) == [taken.snapshot_id]
    sandbox.files.write("kept", "now")
    assert handle.pid in [process.pid for process in sandbox.commands.list()]  # it went on
    copy = host.create(template=taken.snapshot_id)
    assert copy.files.read("kept") == "then"
    assert copy.commands.run("readlink link; cat .hidden; stat -c %U:%a a/b; echo y > kept").stdout == (
        "/etc/shadow\nx\nuser:600\n"
    )
    copy.kill()
    assert Sandbox.delete_snapshot(taken.snapshot_id, **host.options) is True
    assert Sandbox.delete_snapshot(taken.snapshot_id, **host.options) is False
    with pytest.raises(SandboxException, match="not found"):
        host.create(template=taken.snapshot_id)


def test_it_keeps_snapshots_through_a_killed_host(own_host: Callable[..., Host]) -> None:
    host = own_host()
    sandbox = host.create()
    sandbox.files.write("kept", "text")
    sandbox.create_snapshot(name="mine")
    host.kill()
    host.start()
    assert host.create(template="mine").files.read("kept") == "text"


@pytest.mark.parametrize("name", ["../x", "base", "react", "A", ".hidden", "x" * 64])
def test_it_refuses_odd_names_for_snapshots(sandbox: Sandbox, name: str) -> None:
    with pytest.raises(SandboxException, match="cannot be a snapshot's name"):
        sandbox.create_snapshot(name=name)


def test_it_forks_with_files_and_options(host: Host) -> None:
    sandbox = host.create(metadata={"a": "b"}, envs={"E": "1"})
    sandbox.files.write("kept", "text")
    first, second = sandbox.fork(count=2, timeout=60)
    assert isinstance(first, Sandbox) and isinstance(second, Sandbox)
    first.files.write("kept", "changed")
    assert (second.files.read("kept"), sandbox.files.read("kept")) == ("text", "text")
    assert second.commands.run("echo $E").stdout == "1\n" and second.get_info().metadata == {"a": "b"}
    for made in (first, second, sandbox):
        made.kill()


def test_it_gets_over_folders_in_folders(host: Host, sandbox: Sandbox) -> None:
    """An ordinary user's host copies them; root's says that it cannot. Nothing stays behind."""
    deep = "import os\nfor _ in range(1100): os.mkdir('d'); os.chdir('d')"
    sandbox.commands.run(f'python3 -c "{deep}"')
    with contextlib.suppress(SandboxException):
        Sandbox.delete_snapshot(sandbox.create_snapshot().snapshot_id, **host.options)
    assert list((host.state / "snapshots").iterdir()) == []
    assert sandbox.commands.run("echo on").stdout == "on\n"


def test_it_forks_one_that_sleeps(host: Host) -> None:
    sandbox = host.create()
    sandbox.files.write("kept", "text")
    sandbox.pause()
    (copy,) = sandbox.fork(timeout=60)
    assert isinstance(copy, Sandbox) and copy.files.read("kept") == "text"
    copy.kill()
    sandbox.kill()


async def test_it_makes_one_sandbox_for_one_key(host: Host) -> None:
    options = {"timeout": 60, "idempotency_key": "order-1", **host.options}
    made = await asyncio.gather(*(AsyncSandbox.create(**options) for _ in range(3)))
    assert len({one.sandbox_id for one in made}) == 1
    with pytest.raises(SandboxException, match="used for another request"):
        await AsyncSandbox.create(**{**options, "timeout": 61})
    await made[0].kill()
    again = await AsyncSandbox.create(**options)
    assert again.sandbox_id != made[0].sandbox_id
    await again.kill()
