"""The self-test at the start: it passes here, and each defence that is taken away makes it refuse."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox_host import cgroup, seccomp, selftest, spawn
from sandbox_host.cgroup import Groups
from sandbox_host.isolation import IsolationMissing, Limits, Machine
from sandbox_host.registry import TooMany

from .conftest import ROOT, make_registry, make_state


@dataclass(frozen=True)
class Weakened(Machine):
    """A machine whose bwrap options lack some and have others."""

    without: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()

    def options(self, home: Path, egress: Path | None, info_fd: int, filter_fd: int) -> list[str]:
        options = super().options(home, egress, info_fd, filter_fd)
        for name in self.without:
            at = options.index(name)
            del options[at : at + (2 if name == "--seccomp" else 1)]
        return [*options, *self.extra]


@pytest.fixture
def state() -> Iterator[Path]:
    made = make_state(None)
    yield made
    shutil.rmtree(made)


def _machine(state: Path, without: tuple[str, ...] = (), extra: tuple[str, ...] = ()) -> Weakened:
    found = Machine.find(state, None, Limits())
    return Weakened(
        found.state, found.bwrap, found.python, found.binds, found.path, found.agent, found.limits, without, extra
    )


async def _problems(machine: Machine) -> str:
    try:
        await selftest.run(await make_registry(machine.state, machine=machine))
    except IsolationMissing as problem:
        return str(problem)
    return ""


async def test_it_passes_with_everything_in_place(state: Path) -> None:
    report = await selftest.run(await make_registry(state))
    assert report["tier"] == "bwrap"
    assert not any((state / "sandboxes").iterdir()) and not any((state / "trash").iterdir())


@pytest.mark.parametrize(
    ("without", "extra", "reason"),
    [
        (("--seccomp",), (), "the system call io_uring_setup is open"),
        (("--seccomp", "--disable-userns"), (), "a new user namespace can be made"),
        ((), ("--share-net",), "there is a network interface"),
        ((), ("--share-net",), "the host's socket"),
        ((), ("--ro-bind", "/etc", "/etc"), "/etc/shadow can be seen"),
        ((), ("--ro-bind", "STATE", "STATE"), "/api can be seen"),
        ((), ("--dev-bind", "/dev", "/nowhere/dev"), "cannot be started"),
    ],
)
async def test_it_refuses_when_a_defence_is_off(
    state: Path, without: tuple[str, ...], extra: tuple[str, ...], reason: str
) -> None:
    machine = _machine(state, without, tuple(str(state) if word == "STATE" else word for word in extra))
    assert reason in await _problems(machine)


async def test_it_has_a_second_line_against_namespaces(state: Path) -> None:
    """bwrap's own lock holds when the system call filter is gone."""
    assert "namespace can be made" not in await _problems(_machine(state, ("--seccomp",)))


async def test_it_never_starts_a_sandbox_as_root(state: Path) -> None:
    root = (await make_registry(state, uids=range(3))).root
    for operation, arguments in (("make", ("plain", "", "")), ("start", ("plain", "", False, True))):
        with pytest.raises(ValueError, match="never runs as root"):
            await root(operation, "i" * 20, 0, *arguments)
    with socket.socket() as agent, pytest.raises(ValueError, match="never runs as root"):
        await spawn.start(_machine(state), 0, state, agent, None, None)


async def test_it_runs_nothing_without_a_uid_to_run_it_as(state: Path) -> None:
    registry = await make_registry(state, uids=range(0))
    if os.geteuid() == 0:
        with pytest.raises(TooMany, match="All user ids for sandboxes are in use"):
            await registry.create("base", 60, {})
    assert registry.sandboxes == {}
    await registry.close()


async def test_it_refuses_where_the_filter_is_refused(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """bwrap stops when the kernel does not take its filter; no sandbox runs without one."""
    monkeypatch.setattr(seccomp, "program", lambda counted=True, machine=None: b"\xff" * 8)
    assert "a sandbox cannot be started" in await _problems(_machine(state))


async def test_it_refuses_when_the_control_group_is_not_entered(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if Groups.find(state) is None:
        pytest.skip("no control groups here")
    monkeypatch.setattr(cgroup.Group, "enter", lambda group, pid: None)
    assert "the processes are not in their control group" in await _problems(_machine(state))


def _version_2() -> Path | None:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return next((Path(line.split()[4]) for line in lines if " - cgroup2 " in line), None)


async def test_it_enters_a_control_group_of_version_2(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside version 1 it has no controllers, which tell nothing of who may enter."""
    if (mount := _version_2()) is None or os.geteuid() != 0:
        pytest.skip("no control groups of version 2 that we may make")
    monkeypatch.setattr(cgroup, "_candidates", lambda: [[mount]])
    monkeypatch.setattr(cgroup, "_enable", lambda directory, needed: None)
    monkeypatch.setattr(cgroup, "NEEDED", frozenset())
    found = Groups.find(state)
    assert found is not None and found.version == 2
    found.close()
    assert await _problems(_machine(state)) == ""


def _start(
    state: Path, env: dict[str, str], module: tuple[str, ...] = ("sandbox_host", "--port", "1")
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *module, "--state", str(state)]
    full = {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), "HOME": str(state), **env}
    return subprocess.run(command, cwd="/", env=full, capture_output=True, text=True, timeout=60)


def test_it_says_what_to_do_without_bubblewrap(state: Path) -> None:
    done = _start(state, {"PATH": "/nowhere", "E2B_API_KEY": "e2b_x"})
    assert done.returncode == 1
    assert "apt install bubblewrap" in done.stderr and len(done.stderr.splitlines()) == 1


def test_it_says_what_bubblewrap_said_when_it_fails(state: Path) -> None:
    broken = state / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    done = _start(state, {"PATH": f"{state}:/usr/bin:/bin", "E2B_API_KEY": "e2b_x"})
    assert done.returncode == 1
    assert "No permissions to create new namespace" in done.stderr and "E2B's cloud" in done.stderr


@pytest.mark.parametrize("module", [("sandbox_host", "--port", "1"), ("sandbox_host.templates", "build", "html")])
def test_it_names_the_setting_by_which_ubuntu_forbids_sandboxes(state: Path, module: tuple[str, ...]) -> None:
    forbidden = state / "bwrap"
    forbidden.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    forbidden.chmod(0o755)
    done = _start(state, {"PATH": f"{state}:/usr/bin:/bin", "E2B_API_KEY": "e2b_x"}, module)
    assert done.returncode == 1
    assert "uid map: Permission denied" in done.stderr + done.stdout
    assert "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0" in done.stderr + done.stdout


def test_it_wants_a_key(state: Path) -> None:
    done = _start(state, {"PATH": "/usr/bin:/bin"})
    assert done.returncode == 1 and "E2B_API_KEY is not set" in done.stderr
