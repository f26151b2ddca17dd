"""From create to kill: what is told, what is kept, what ends."""

import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from e2b import AsyncSandbox, Sandbox, SandboxQuery, SandboxState
from e2b.exceptions import SandboxException, SandboxNotFoundException, SandboxNotRunningException

from .conftest import Host, descendants, wait_for


def _listed(host: Host, **query: object) -> list[str]:
    pages = Sandbox.list(query=SandboxQuery(**query), limit=2, **host.options)  # type: ignore[arg-type]
    found: list[str] = []
    while pages.has_next:
        found += [info.sandbox_id for info in pages.next_items()]
    return found


def test_it_tells_about_itself(host: Host) -> None:
    sandbox = host.create(metadata={"project": "p1"}, timeout=100)
    info = sandbox.get_info()
    assert (info.sandbox_id, info.template_id, info.state) == (sandbox.sandbox_id, "base", SandboxState.RUNNING)
    assert info.metadata == {"project": "p1"}
    assert 90 < (info.end_at - datetime.now(UTC)).total_seconds() <= 100
    assert sandbox.get_host(3000) == f"3000-{sandbox.sandbox_id}.localhost:{host.port}"
    assert sandbox.get_metrics()[0].mem_used > 0
    sandbox.kill()


def test_it_lists_by_filter_and_page(host: Host) -> None:
    before = datetime.now(UTC)
    made = [host.create(metadata={"run": "lists it", "n": str(n)}) for n in range(3)]
    ids = [sandbox.sandbox_id for sandbox in made]
    assert _listed(host, metadata={"run": "lists it"}) == ids[::-1]
    assert _listed(host, metadata={"run": "lists it", "n": "1"}) == [ids[1]]
    assert set(ids) <= set(_listed(host, started_after=before))
    assert not set(ids) & set(_listed(host, started_after=datetime.now(UTC) + timedelta(seconds=5)))
    made[0].pause()
    assert _listed(host, metadata={"run": "lists it"}, state=[SandboxState.PAUSED]) == [ids[0]]
    for sandbox in made:
        sandbox.kill()
    assert _listed(host, metadata={"run": "lists it"}) == []


def test_it_is_gone_after_a_kill(host: Host) -> None:
    sandbox = host.create()
    assert sandbox.kill() is True
    assert sandbox.kill() is False
    assert sandbox.is_running() is False
    with pytest.raises(SandboxNotRunningException):
        sandbox.commands.run("true")
    with pytest.raises(SandboxNotRunningException):
        sandbox.files.read("x")
    with pytest.raises(SandboxNotFoundException):
        Sandbox.connect(sandbox.sandbox_id, **host.options)


def test_it_leaves_nothing_after_a_kill(own_host: Callable[..., Host]) -> None:
    host = own_host()
    assert host.process is not None
    pid = host.process.pid
    before = descendants(pid)
    sandbox = host.create()
    sandbox.commands.run("(setsid sleep 1000 &) ; (trap '' TERM; nohup sleep 1000 &) ; true")
    assert descendants(host.process.pid) - before
    sandbox.kill()
    wait_for(lambda: descendants(pid) == before)  # the last to go is the rm of its files
    wait_for(lambda: not [path for folder in ("sandboxes", "trash", "run") for path in (host.state / folder).iterdir()])


def test_it_breaks_a_stream_of_a_killed_sandbox(host: Host) -> None:
    sandbox = host.create()
    handle = sandbox.commands.run("sleep 1000", background=True)
    sandbox.kill()
    with pytest.raises(SandboxNotRunningException):
        handle.wait()


def test_it_is_killed_when_its_time_is_over_if_so_asked(host: Host) -> None:
    sandbox = host.create(timeout=1, lifecycle={"on_timeout": "kill"})
    wait_for(lambda: not sandbox.is_running())
    with pytest.raises(SandboxNotFoundException):
        sandbox.get_info()


def test_it_pauses_when_its_time_is_over_and_keeps_its_files(host: Host) -> None:
    sandbox = host.create(timeout=1, lifecycle={"on_timeout": "pause"})
    sandbox.files.write("kept", "text")
    wait_for(lambda: sandbox.get_info().state == SandboxState.PAUSED)
    assert not sandbox.is_running()
    sandbox = Sandbox.connect(sandbox.sandbox_id, timeout=60, **host.options)
    assert sandbox.files.read("kept") == "text"
    sandbox.kill()


def test_it_lives_longer_or_shorter_by_set_timeout(host: Host) -> None:
    sandbox = host.create(timeout=2, lifecycle={"on_timeout": "kill"})
    sandbox.set_timeout(60)
    assert (sandbox.get_info().end_at - datetime.now(UTC)).total_seconds() > 50
    sandbox.set_timeout(1)
    wait_for(lambda: not sandbox.is_running())


def test_it_is_not_shortened_by_a_connect(host: Host) -> None:
    sandbox = host.create(timeout=100)
    sandbox.connect(timeout=1)
    assert (sandbox.get_info().end_at - datetime.now(UTC)).total_seconds() > 90
    sandbox.connect(timeout=200)
    assert (sandbox.get_info().end_at - datetime.now(UTC)).total_seconds() > 190
    sandbox.kill()


def test_it_resumes_with_its_processes(host: Host) -> None:
    sandbox = host.create()
    handle = sandbox.commands.run("while true; do date +%s%N > tick; sleep 0.05; done", background=True, timeout=0)
    wait_for(lambda: sandbox.files.exists("tick"))
    assert sandbox.pause()
    with pytest.raises(SandboxNotRunningException):
        handle.wait()
    assert sandbox.get_info().state == SandboxState.PAUSED
    with pytest.raises(SandboxException):
        sandbox.files.read("tick")
    sandbox.connect()
    assert handle.pid in [process.pid for process in sandbox.commands.list()]
    first = sandbox.files.read("tick")
    wait_for(lambda: sandbox.files.read("tick") not in (first, ""))
    sandbox.kill()


def test_it_stands_still_while_paused(own_host: Callable[..., Host]) -> None:
    host = own_host()
    sandbox = host.create()
    sandbox.commands.run("while true; do :; done", background=True, timeout=0)
    assert host.process is not None
    sandbox.pause()
    host_pid = host.process.pid
    assert len(descendants(host_pid)) >= 3 and not _runs_any(host_pid)
    sandbox.kill()
    wait_for(lambda: descendants(host_pid) == set())


# Eight that tell each other to go on, for ever.
WAKING = """
import os, signal
for _ in range(3):
    os.fork()
open("begun", "w")
while True:
    os.kill(0, signal.SIGCONT)
"""
# One that has the kernel tell it so, ten times a second.
TIMED = """
import ctypes, signal
signal.signal(signal.SIGCONT, lambda *_: None)  # else the timer ends at its first time
event, timer = ctypes.create_string_buffer(64), ctypes.c_void_p()
ctypes.c_int.from_buffer(event, 8).value = signal.SIGCONT
assert not ctypes.CDLL(None).timer_create(1, event, ctypes.byref(timer))
assert not ctypes.CDLL(None).timer_settime(timer, 0, (ctypes.c_long * 4)(0, 10**8, 0, 10**8), None)
open("begun", "w")
while True: pass
"""


@pytest.mark.parametrize("script", [WAKING, TIMED], ids=["each other", "timer"])
def test_it_stands_still_whatever_the_code_inside_does(script: str, host: Host) -> None:
    freezes = os.geteuid() == 0 and host.uid is None and Path("/sys/fs/cgroup/unified/cgroup.controllers").exists()
    if script == TIMED and not freezes:
        pytest.skip("what only stopped by signals can be woken by its own timer")
    sandbox = host.create()
    sandbox.files.write("hostile.py", script)
    handle = sandbox.commands.run("python3 hostile.py", background=True, timeout=0)
    assert host.process is not None
    host_pid = host.process.pid
    wait_for(lambda: sandbox.files.exists("begun"))
    sandbox.pause()
    assert not _runs_any(host_pid, b"hostile.py")
    sandbox.connect()
    if freezes:
        assert handle.pid in [process.pid for process in sandbox.commands.list()]
        wait_for(lambda: _runs_any(host_pid, b"hostile.py"))
        sandbox.pause()
    sandbox.kill()  # also one that is frozen
    assert not sandbox.is_running()


def test_what_stands_still_ends_with_its_host(own_host: Callable[..., Host]) -> None:
    host = own_host()
    sandbox = host.create()
    sandbox.commands.run("sleep 1000", background=True, timeout=0)
    sandbox.pause()
    assert host.process is not None
    left = descendants(host.process.pid)
    host.kill()
    wait_for(lambda: not any(map(_state, left)))


def _runs_any(host_pid: int, command: bytes = b"") -> bool:
    """Whether what is in a sandbox and has that in its command line uses the processor in a third of a second. A signal
    wakes also who is frozen, for less than a tick.
    """
    pids = [pid for pid in descendants(host_pid) if command in _command(pid)]
    before, end = sum(map(_ticks, pids)), time.monotonic() + 0.3
    while time.monotonic() < end:
        if sum(map(_ticks, pids)) > before + 2:
            return True
    return False


def _ticks(pid: int) -> int:
    """Hundredths of a second that a process has run."""
    try:
        return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]))
    except OSError:
        return 0


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def test_it_starts_again_when_its_own_code_kills_everything(sandbox: Sandbox) -> None:
    sandbox.files.write("kept", "text")
    with pytest.raises(Exception):  # noqa: B017 - the stream breaks in one way or another
        sandbox.commands.run("kill -9 -1")
    assert sandbox.files.read("kept") == "text"
    assert sandbox.commands.run("echo back").stdout == "back\n"


def test_it_keeps_files_through_a_killed_host(own_host: Callable[..., Host]) -> None:
    host = own_host()
    sandbox = host.create(metadata={"a": "b"}, envs={"E": "kept"})
    sandbox.files.write("kept", "text")
    sandbox.commands.run("sleep 1000", background=True)
    assert host.process is not None
    inside = descendants(host.process.pid)
    host.kill(signal.SIGKILL)
    wait_for(lambda: not any(_state(pid) not in ("", "Z") for pid in inside))
    host.start()
    info = sandbox.get_info()
    assert (info.state, info.metadata) == (SandboxState.PAUSED, {"a": "b"})
    sandbox = Sandbox.connect(sandbox.sandbox_id, **host.options)
    assert sandbox.files.read("kept") == "text"
    assert sandbox.commands.run("echo $E; pgrep -c sleep || true").stdout == "kept\n0\n"


def test_it_removes_what_has_no_record(own_host: Callable[..., Host]) -> None:
    host = own_host()
    host.kill(signal.SIGKILL)
    leftover = host.state / "sandboxes" / "ileftover"
    (leftover / "home").mkdir(parents=True)
    (leftover / "record.json").write_text("{half a rec")
    host.start()
    wait_for(lambda: not leftover.exists() and not any((host.state / "trash").iterdir()))


def test_it_stops_cleanly(own_host: Callable[..., Host]) -> None:
    host = own_host()
    sandbox = host.create()
    sandbox.commands.run("trap '' TERM; sleep 1000", background=True)
    assert host.process is not None
    inside = descendants(host.process.pid)
    started = time.monotonic()
    host.kill(signal.SIGTERM)
    assert host.process.returncode == 0
    assert time.monotonic() - started < 8
    assert not any(_state(pid) not in ("", "Z") for pid in inside)


async def test_it_creates_many_at_once(host: Host) -> None:
    import asyncio

    made = await asyncio.gather(*(AsyncSandbox.create(timeout=60, **host.options) for _ in range(8)))
    answers = await asyncio.gather(*(sandbox.commands.run(f"echo {n}") for n, sandbox in enumerate(made)))
    assert [answer.stdout for answer in answers] == [f"{n}\n" for n in range(8)]
    await asyncio.gather(*(sandbox.kill() for sandbox in made))


def test_it_says_no_to_what_only_the_cloud_can_do(host: Host, sandbox: Sandbox) -> None:
    with pytest.raises(SandboxException, match="E2B's cloud"):
        host.create(network={"https_ports": [3000]})
    with pytest.raises(SandboxException, match="not found"):
        host.create(template="nonsense")
