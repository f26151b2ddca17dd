"""A host that was started as root is two processes: nobody listens, and root answers only what is well formed."""

import asyncio
import json
import os
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from e2b import Sandbox

from sandbox_host import cgroup, mounting, spawn
from sandbox_host.isolation import API_UID, Limits, Machine
from sandbox_host.keeper import Keeper
from sandbox_host.root import Direct, Distant, serve
from sandbox_host.templates import SOURCES, Library

from .conftest import Host, descendants, halves, make_state, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's host is one process")
NAME, OTHER, UID = "i" + "a" * 26, "i" + "b" * 26, 70_000


def _status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _root_of(host: Host) -> int:
    assert host.process is not None
    (root,) = halves(host.process.pid) - {host.process.pid}
    return root


def _listeners(pid: int) -> set[str]:
    """Inodes of a process's sockets that listen on the network."""
    tables = [Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    listening = {line.split()[9] for table in tables for line in table if line.split()[3] == "0A"}
    held = {os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()}  # noqa: PTH115
    return {inode for inode in listening if f"socket:[{inode}]" in held}


def test_nobody_listens_and_root_does_not(own_host: Callable[..., Host]) -> None:
    host = own_host()
    sandbox = host.create()
    assert host.process is not None
    listening, root = _status(host.process.pid), _status(_root_of(host))
    assert listening["Uid"].split() == listening["Gid"].split() == [str(API_UID)] * 4
    assert listening["Groups"] == "" and listening["NoNewPrivs"] == "1"
    assert {listening[f"Cap{name}"] for name in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
    assert root["Uid"].split()[0] == "0"
    assert _listeners(host.process.pid) and not _listeners(_root_of(host))
    assert host.key.encode() not in Path(f"/proc/{_root_of(host)}/environ").read_bytes()
    folder = host.state / "sandboxes" / sandbox.sandbox_id
    assert {path.name: path.stat().st_mode & 0o7777 for path in folder.iterdir() if path.name in ("home", "api")} == {
        "home": 0o700, "api": 0o700,
    }  # fmt: skip
    sockets = {path.suffix: path.stat() for path in (host.state / "run").iterdir()}
    assert {found.st_mode & 0o7777 for found in sockets.values()} == {0o600}
    assert sockets[".agent"].st_uid == API_UID and sockets[".egress"].st_uid >= UID
    owners = {path.name: path.stat().st_uid for path in (folder, *folder.iterdir())}
    assert owners.pop("home") >= UID and owners.pop("api") == API_UID and set(owners.values()) == {0}
    assert {path.stat().st_uid for path in host.state.iterdir()} == {0}


@pytest.mark.parametrize("which", ["who listens", "root"])
def test_it_leaves_nothing_when_one_of_the_two_is_killed(own_host: Callable[..., Host], which: str) -> None:
    host = own_host()
    sandbox = host.create()
    sandbox.files.write("kept", "text")
    sandbox.commands.run("(setsid sleep 1000 &); sleep 1000", background=True, timeout=0)
    assert host.process is not None
    pids = descendants(host.process.pid) | halves(host.process.pid)
    os.kill(host.process.pid if which == "who listens" else _root_of(host), signal.SIGKILL)
    assert host.process.wait(10) == (-signal.SIGKILL if which == "who listens" else 1)
    wait_for(lambda: not [pid for pid in pids if _alive(pid)])
    wait_for(lambda: not [path for path in mounting.loops() if path.startswith(str(host.state))])
    if which == "who listens":  # root cleans up; whoever comes next does it where root is gone
        assert _groups(host) == [] and not any((host.state / "run").iterdir())
    host.start()
    assert Sandbox.connect(sandbox.sandbox_id, timeout=60, **host.options).files.read("kept") == "text"
    host.kill(signal.SIGTERM)
    assert _groups(host) == []


def test_it_ends_with_whoever_started_it() -> None:
    """As the launcher has it: by a signal of the kernel, which forgets that when a process changes its user."""
    host = Host(make_state(None), prefix=["sh", "-c", 'setpriv --groups 4,24 --pdeathsig KILL "$@" & wait', "sh"])
    try:
        host.start()
        assert host.process is not None
        pids = descendants(host.process.pid)
        listening = [_status(pid) for pid in pids if _status(pid)["Uid"].split()[0] == str(API_UID)]
        assert [found["Groups"] for found in listening] == [""] and len(pids) >= 2
        host.kill()
        wait_for(lambda: not [pid for pid in pids if _alive(pid)])
    finally:
        host.close()


def _alive(pid: int) -> bool:
    try:
        return _status(pid)["State"][0] not in "ZX"
    except OSError:
        return False


def _groups(host: Host) -> list[Path]:
    # os.walk passes over what other hosts remove meanwhile.
    name = cgroup.name(host.state)
    return [Path(folder, name) for folder, names, _ in os.walk("/sys/fs/cgroup") if name in names]


@asynccontextmanager
async def _root() -> AsyncIterator[tuple[Distant, socket.socket, Keeper]]:
    """Root's end of the pair of sockets in this process, and how it is asked."""
    state = make_state(None)
    ours, roots = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    keeper = Keeper(Machine.find(state, None, Limits()), Library(SOURCES, state), owner=API_UID)
    serving = asyncio.create_task(serve(roots, keeper))
    try:
        yield Distant(ours, lambda: None), ours, keeper
    finally:
        ours.close()
        await serving
        roots.close()
        shutil.rmtree(state)


HOSTILE: list[tuple[str, tuple[Any, ...]]] = [
    ("erase", ("../sandboxes",)),
    ("bury", ("..",)),
    ("close", (f"{NAME}/../../x",)),
    ("end", (f"{NAME}\0",)),
    ("stop", (f"-{NAME}",)),
    ("thaw", (7,)),
    ("kill", (NAME, ["1"])),
    ("kill", (NAME, 1)),
    ("make", (NAME, 0, "plain", "", "")),
    ("make", (NAME, UID - 1, "plain", "", "")),
    ("make", (NAME, True, "plain", "", "")),
    ("make", (NAME, str(UID), "plain", "", "")),
    ("make", (NAME, float(UID), "plain", "", "")),
    ("make", (NAME, UID, "tmpfs", "", "")),
    ("make", (NAME, UID, "plain", "../../etc", "")),
    ("make", (NAME, UID, "plain", "html/0123456789abcdef/../../..", "")),
    ("make", (NAME, UID, "plain", "", "/etc")),
    ("make", (NAME, UID, "plain", "", "sandboxes/../trash")),
    ("make", (NAME, UID, "plain", "", "templates/html/..")),
    ("make", (NAME, UID, "plain", "", "snapshots/.new")),
    ("make", (NAME, UID, "plain")),
    ("start", (NAME, 0, "plain", "", False, True)),
    ("start", ("--bind", UID, "plain", "", False, True)),
    ("lay", (NAME, UID, "/etc")),
    ("measure", (NAME, "--files0-from=/etc/shadow")),
    ("snapshot", (NAME, "plain", "", "../../x")),
    ("snapshot", (NAME, "plain", "", ".hidden")),
    ("forget", ("../sandboxes",)),
    ("recipe", ("../html",)),
    ("keep", ("html", "../x", NAME)),
    ("keep", ("html", "0123456789abcdef", OTHER)),
    ("work.make", (NAME, UID, "plain", "", "")),
    ("end_all", ()),
    ("_remove", ("/etc",)),
    ("__init__", ()),
    ("do", ("facts", [])),
]


async def test_root_refuses_what_is_not_well_formed() -> None:
    async with _root() as (root, sock, keeper):
        await root("begin_work")
        await root("work.make", NAME, 80_000, "plain", "", "")
        before = sorted(keeper.machine.state.rglob("*"))
        for operation, arguments in HOSTILE:
            with pytest.raises(ValueError, match=r"no |arguments|numbers|never"):
                await root(operation, *arguments)
        half = json.dumps({"number": [], "do": 1, "with": 2}).encode()
        for message in (b"{", b"[]", b"\xff" * 100, b"null", half, b"[" * 9999):
            sock.send(message)
        await asyncio.sleep(0)
        assert (await root("facts"))["uids"] == [70_000, 80_000]
        assert sorted(keeper.machine.state.rglob("*")) == before
        await root("end_work")
        with pytest.raises(ValueError, match="no operation"):
            await root("work.facts")


async def test_root_touches_no_files_of_a_sandbox_that_runs() -> None:
    """Code inside could move them about under it."""
    async with _root() as (root, _, keeper):
        await root("make", NAME, UID, "plain", "", "")
        (keeper.sandboxes / NAME / "home" / "large").write_bytes(bytes(64 << 20))  # to copy it takes a moment
        started = await root("start", NAME, UID, "plain", "", False, False)
        for operation in ("close", "bury"):
            with pytest.raises(ValueError, match="have not been ended"):
                await root(operation, NAME)
        with pytest.raises(ValueError, match="have not been ended"):
            await root("start", NAME, UID, "plain", "", False, False)
        with pytest.raises(OSError, match="already"):
            await root("make", NAME, UID, "plain", "", "")
        running = keeper.running[NAME]
        victim = await asyncio.create_subprocess_exec("sleep", "60")
        await root("kill", NAME, [victim.pid])  # not its own
        assert victim.returncode is None and _alive(victim.pid)
        victim.kill()
        await victim.wait()
        copying = asyncio.ensure_future(root("make", OTHER, UID + 1, "plain", "", f"sandboxes/{NAME}"))
        states, frozen = set(), False
        while not copying.done():
            frozen |= running.group is not None and running.group.frozen()
            states |= {_status(pid)["State"][0] for pid in spawn.inside(running.process.pid, running.group)}
            await asyncio.sleep(0)
        await copying
        assert (frozen or "T" in states) and not running.stopped  # it stood still meanwhile
        os.close(started["pidfd"])
        await root("end", NAME)
        assert running.process.returncode is not None
        for name in (NAME, OTHER):
            await root("bury", name)
            await root("erase", name)
        assert not any(keeper.trash.iterdir()) and not any(keeper.run.iterdir())


async def test_its_caller_may_go_in_the_middle() -> None:
    """What was begun is finished before the caller cleans up."""
    async with _root() as (root, _, keeper):
        for ask in (root, Direct(keeper)):
            making = asyncio.ensure_future(ask("make", NAME, UID, "plain", "", ""))
            await asyncio.sleep(0)
            making.cancel()
            with pytest.raises(asyncio.CancelledError):
                await making
            assert (keeper.sandboxes / NAME / "home").is_dir()
            await ask("bury", NAME)
            await ask("erase", NAME)


async def test_it_takes_up_what_an_earlier_version_kept() -> None:
    async with _root() as (root, _, keeper):
        folder = keeper.sandboxes / NAME
        folder.mkdir()
        (folder / "record.json").write_text("{}")
        (folder / "home").symlink_to("/etc")
        assert (await root("take_up"))["sandboxes"] == [NAME]
        kept = folder / "api" / "record.json"
        assert kept.read_text() == "{}" and kept.stat().st_uid == kept.parent.stat().st_uid == API_UID


async def test_it_starts_no_sandbox_as_root(tmp_path: Path) -> None:
    machine = Machine.find(tmp_path, None, Limits())
    with socket.socket(socket.AF_UNIX) as agent, pytest.raises(ValueError, match="never runs as root"):
        await spawn.start(machine, 0, tmp_path, agent, None, None)
