"""At the host's start one sandbox tries the main ways out. If a single one is open, nothing is served."""

import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox_host.isolation import IsolationMissing
from sandbox_host.launch import AgentError, AgentGone, Launch
from sandbox_host.registry import Registry, new_id
from sandbox_host.spawn import NotStarted
from sandbox_host.storage import Disk, DiskGone

_HELP = "Set E2B_API_KEY to use E2B's cloud instead, or see docs/sandbox-host.md."
_PROBE = (Path(__file__).parent / "probe.py").read_text()
_VARIABLE = (
    "E2B_",
    "API_KEY",
)  # in two, or the probe would find its own arguments: what the host has in its environment and no sandbox may see


async def run(registry: Registry) -> dict[str, object]:
    """What the machine's isolation is, for /health. Raises IsolationMissing with the reason to refuse."""
    root, facts = registry.root, registry.facts
    uid = facts.uids[-1] if facts.uids else os.geteuid()
    if uid == 0:
        raise IsolationMissing("sandboxes would run as root.")
    name, disk = new_id(), Disk(facts.storage.kind_for(""))
    try:
        await root("make", name, uid, disk.kind, disk.lower, "")
        found = await _attempt(registry, name, uid, disk)
    except (OSError, DiskGone) as problem:
        raise IsolationMissing(f"a sandbox's disk cannot be made: {problem}. {_HELP}") from None
    finally:
        await root("bury", name)
        await root("erase", name)
    if found:
        raise IsolationMissing(f"sandboxes would not be isolated here: {'; '.join(found)}. {_HELP}")
    return {"tier": "bwrap", "limits": "cgroup" if facts.counted else "watchdog", "own_uid": facts.uids is not None}


async def _attempt(registry: Registry, name: str, uid: int, disk: Disk) -> list[str]:
    try:
        launch = await Launch.start(registry.root, registry.place.sockets, name, uid, disk)
    except (AgentGone, NotStarted) as problem:
        raise IsolationMissing(f"a sandbox cannot be started: {problem}. {_HELP}") from None
    try:
        found = await _probe(launch, registry.machine.python, registry.directory / name / "api")
        if _users(launch.processes()) != {uid}:
            found.append("processes inside are another user's outside")
        if launch.group is not None and len(launch.own) < 2:  # bwrap's init and the agent
            found.append("the processes are not in their control group")
        return found
    except (AgentGone, AgentError) as problem:
        raise IsolationMissing(f"the sandbox of the self-test broke: {problem}. {_HELP}") from None
    finally:
        await launch.end()


def _users(pids: set[int]) -> set[int]:
    """Whose processes they are, as this machine sees it: all four user ids of each."""
    texts = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
    lines = [line for text in texts for line in text.splitlines() if line.startswith("Uid:")]
    return {int(word) for line in lines for word in line.split()[1:]}


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
