"""At the host's start one sandbox tries the main ways out. If a single one is open, nothing is served."""

import json
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox_host.cgroup import Group, Groups
from sandbox_host.homes import finish
from sandbox_host.isolation import FIRST_UID, LAST_UID, IsolationMissing, Machine
from sandbox_host.launch import AgentError, AgentGone, Launch
from sandbox_host.storage import Disk, DiskGone, Storage

_HELP = "Set E2B_API_KEY to use E2B's cloud instead, or see docs/sandbox-host.md."
_PROBE = (Path(__file__).parent / "probe.py").read_text()
_VARIABLE = (
    "E2B_",
    "API_KEY",
)  # in two, or the probe would find its own arguments: what the host has in its environment and no sandbox may see


async def run(machine: Machine, groups: Groups | None, storage: Storage | None = None) -> dict[str, object]:
    """What the machine's isolation is, for /health. Raises IsolationMissing with the reason to refuse."""
    storage = storage or Storage(machine.state / "templates")
    disk = Disk(storage.kind_for(""))
    uid = LAST_UID if os.geteuid() == 0 else os.geteuid()
    if uid == 0:
        raise IsolationMissing("sandboxes would run as root.")
    name = f"probe-{secrets.token_hex(8)}"
    directory = machine.state / name
    directory.mkdir()
    directory.chmod(0o711)
    try:
        await finish(storage.make, directory, uid, disk)
        home = await finish(storage.open, directory, uid, disk)
        group = groups.create(name, uid, machine.limits) if groups else None
        found = await _attempt(machine, home, uid, group)
    except (OSError, DiskGone) as problem:
        raise IsolationMissing(f"a sandbox's disk cannot be made: {problem}. {_HELP}") from None
    finally:
        await finish(storage.close, directory)
        shutil.rmtree(directory, ignore_errors=True)
    if found:
        raise IsolationMissing(f"sandboxes would not be isolated here: {'; '.join(found)}. {_HELP}")
    return {"tier": "bwrap", "limits": "cgroup" if groups else "watchdog", "own_uid": uid >= FIRST_UID}


async def _attempt(machine: Machine, home: Path, uid: int, group: Group | None) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="vibe-probe-") as short:  # a socket's address holds 107 bytes
        try:
            launch = await Launch.start(machine, Path(short), "probe", uid, home, None, group)
        except AgentGone as problem:
            raise IsolationMissing(f"a sandbox cannot be started: {problem}. {_HELP}") from None
        try:
            found = await _probe(launch, machine.python, home.parent)
            if (home / "probe").lstat().st_uid != uid:
                found.append("files inside belong to another user outside")
            if group is not None and len(launch.own) < 2:  # bwrap's init and the agent
                found.append("the processes are not in their control group")
            return found
        except (AgentGone, AgentError) as problem:
            raise IsolationMissing(f"the sandbox of the self-test broke: {problem}. {_HELP}") from None
        finally:
            await launch.end()


async def _probe(launch: Launch, python: str, directory: Path) -> list[str]:
    """Run probe.py inside, with things of the host planted for it to find."""
    canary = directory / "canary"
    canary.write_text("of the host")
    with _listeners() as (port, abstract):
        arguments = ["-I", "-S", "-c", _PROBE, str(canary), str(port), abstract, *_VARIABLE]
        command: dict[str, Any] = {
            "op": "start",
            "cmd": python,
            "args": arguments,
            "envs": {},
            "cwd": "/",
            "timeout": 20,
        }
        output, problems = b"", b""
        async with launch.operation(command) as channel:
            await channel.reply()
            while (frame := await channel.frame())[0] != b"J":
                output += frame[1] if frame[0] == b"O" else b""
                problems += frame[1] if frame[0] == b"E" else b""
    try:
        return [str(problem) for problem in json.loads(output)]
    except (ValueError, TypeError):
        raise AgentGone(f"the probe failed: {problems.decode('utf-8', 'replace')[-300:]}") from None


@contextmanager
def _listeners() -> Iterator[tuple[int, str]]:
    """A TCP port on loopback and an abstract unix socket that a sandbox must not reach."""
    abstract = f"vibe-probe-{secrets.token_hex(8)}"
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
        unix.bind("\0" + abstract)
        unix.listen()
        yield tcp.getsockname()[1], abstract
