"""What a sandbox uses up is its own: processes, memory, disk, output. The host stays quick, and says which limit it
was.
"""

import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from e2b import Sandbox
from e2b.exceptions import NotEnoughSpaceException, SandboxException, TimeoutException
from e2b.sandbox.commands.command_handle import CommandExitException

from sandbox_host import cgroup

from .conftest import Host, descendants, make_state, wait_for

LIMITS = ["--limit-memory", "256", "--limit-processes", "64", "--limit-disk", "40", "--limit-inodes", "3000",
"--limit-tmp", "32",
          "--limit-file", "20", "--limit-output", "1", "--spares", "0"]  # fmt: skip


@pytest.fixture(scope="module", params=["control groups", "watchdog"])
def small(request: pytest.FixtureRequest) -> Iterator[Host]:
    """A host with small limits: as root with control groups, and as an ordinary user, who has none."""
    uid = 65_433 if request.param == "watchdog" and os.geteuid() == 0 else None
    if request.param == "control groups" and os.geteuid() != 0:
        pytest.skip("control groups are root's here")
    dumping = ["sh", "-c", 'ulimit -c unlimited; exec "$@"', "sh"]  # as on a developer's machine
    host = Host(make_state(uid), uid, LIMITS, prefix=dumping)
    try:
        yield host.start()
    finally:
        host.close()


@pytest.fixture
def cramped(small: Host) -> Iterator[Sandbox]:
    sandbox = small.create()
    yield sandbox
    sandbox.kill()


def _quick(host: Host, seconds: float = 3) -> None:
    """Another sandbox still works, and soon."""
    started = time.monotonic()
    neighbour = host.create()
    assert neighbour.commands.run("echo fine").stdout == "fine\n"
    neighbour.kill()
    assert time.monotonic() - started < seconds


def test_it_survives_a_fork_bomb(small: Host, cramped: Sandbox) -> None:
    cramped.files.write("bomb.sh", "f() { f | f & }; f; sleep 3\n")
    bomb = cramped.commands.run("bash bomb.sh 2>/dev/null", background=True)
    assert small.process is not None
    peak = 0
    deadline = time.monotonic() + 1.5
    while time.monotonic() < deadline:
        peak = max(peak, len(descendants(small.process.pid)))
    assert 30 < peak <= 64 + 10
    _quick(small)
    with pytest.raises(SandboxException, match="limit"):
        _start_many(cramped)
    bomb.disconnect()


def _start_many(sandbox: Sandbox) -> None:
    for _ in range(200):
        sandbox.commands.run("true", background=True)


def test_it_survives_a_thread_bomb(small: Host, cramped: Sandbox) -> None:
    code = "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(5,)).start()\n"
    cramped.files.write("bomb.py", code)
    with pytest.raises(CommandExitException, match="can't start new thread") as caught:
        cramped.commands.run("python3 bomb.py", timeout=20)
    if small.uid is None:
        assert "too many processes: this sandbox may run 64, threads included" in caught.value.stderr
    _quick(small)


HOGS = {
    "heap": "x = []\nwhile True: x.append(bytearray(8 << 20))",
    "many processes": """
import os, time
for n in range(40):
    if not os.fork():
        x = bytearray(30 << 20)
        time.sleep(9)
os.wait()
""",
    "memfd": """
import os
fds = []
while True:
    fds.append(os.memfd_create('x'))
    os.write(fds[-1], b'x' * (8 << 20))
""",
    "socket buffers": """
import socket
kept = []
while True:
    kept.append(socket.socketpair())
    kept[-1][0].setblocking(False)
    try:
        while True: kept[-1][0].send(b'x' * 65536)
    except BlockingIOError:
        pass
""",
    "files": "import os\nfor n in range(3): os.system('head -c 18M /dev/zero | tee /tmp/x > big; cat big > /dev/null')",
}


@pytest.mark.parametrize("hog", HOGS.values(), ids=HOGS.keys())
def test_it_keeps_memory_inside(small: Host, cramped: Sandbox, hog: str) -> None:
    cramped.files.write("hog.py", hog)
    try:
        cramped.commands.run("python3 hog.py", timeout=12)
    except SandboxException as ended:
        problem = f"{getattr(ended, 'stderr', '')}{getattr(ended, 'error', '')}{ended}"
        if small.uid is None or "bytearray" in hog:
            assert any(
                word in problem for word in ("out of memory", "MemoryError", "Cannot allocate", "killed", "exceeding")
            ), problem
    wait_for(lambda: cramped.get_metrics()[0].mem_used <= 270 << 20, 5)
    _quick(small)
    assert cramped.commands.run("echo alive").stdout == "alive\n"


def test_it_names_the_memory_limit(cramped: Sandbox) -> None:
    cramped.files.write(
        "hog.py",
        "import mmap, time\nx = [mmap.mmap(-1, 8 << 20) for _ in range(100)]\n"
        "for m in x: m.write(b'x' * (8 << 20))\ntime.sleep(5)",
    )
    for command in ("exec python3 hog.py", "python3 hog.py; exit $?"):
        with pytest.raises(CommandExitException) as caught:
            cramped.commands.run(command)
        assert "out of memory: this sandbox may use 256 MiB" in str(caught.value.error)
        assert "out of memory: this sandbox may use 256 MiB" in caught.value.stderr


def test_it_names_the_disk_limit(cramped: Sandbox) -> None:
    with pytest.raises(CommandExitException) as caught:
        cramped.commands.run("for n in $(seq 100); do head -c 1M /dev/urandom > big$n || exit 1; done; sleep 20")
    assert "disk full: this sandbox may use 40 MiB in 3000 files" in caught.value.stderr


def test_it_stops_a_file_at_its_limit(cramped: Sandbox) -> None:
    with pytest.raises(CommandExitException, match="25"):
        cramped.commands.run(
            "head -c 30M /dev/zero > /home/user/big; rc=$?; rm -f big; echo $rc >&2; exit $((rc > 128 ? 25 : 1))"
        )
    with pytest.raises(CommandExitException, match="No space left"):
        cramped.commands.run("head -c 18M /dev/zero > /tmp/one && head -c 18M /dev/zero > /tmp/two")


@pytest.mark.parametrize(
    "filler",
    [
        "for n in $(seq 100); do head -c 1M /dev/urandom > big$n || exit 1; done",
        "mkdir many; cd many; for n in $(seq 20000); do echo > $n || exit 1; done",
    ],
    ids=["bytes", "files"],
)
def test_it_refuses_to_write_on_a_full_disk_until_there_is_room(cramped: Sandbox, filler: str) -> None:
    cramped.files.write("before", "kept")
    handle = cramped.commands.run(f"{filler}; sleep 20", background=True)

    def refused() -> bool:
        try:
            cramped.files.write("more", "x")
        except NotEnoughSpaceException as full:
            return "limit is 40 MiB and 3000 files" in str(full)
        return False

    wait_for(refused, 30)  # where who deletes beside it hides from the watch what is written, it looks each 15 seconds
    wait_for(lambda: handle.pid not in [process.pid for process in cramped.commands.list()])  # what wrote was ended
    assert cramped.files.read("before") == "kept"
    cramped.commands.run("rm -rf big* many")
    wait_for(lambda: not refused(), 10)


def test_it_refuses_an_upload_that_does_not_fit(cramped: Sandbox) -> None:
    with pytest.raises(NotEnoughSpaceException):
        cramped.files.write("big", b"x" * (60 << 20))


def test_it_cuts_a_flood_of_output_in_the_middle(small: Host, cramped: Sandbox) -> None:
    assert small.process is not None
    before = _resident(small.process.pid)
    result = cramped.commands.run("echo first; yes | head -c 300000000; echo last", timeout=60)
    assert result.stdout.startswith("first\ny\n") and result.stdout.endswith("y\nlast\n")
    assert "bytes of output left out: the limit is 1048576 bytes" in result.stdout
    assert len(result.stdout) < 1_200_000
    assert _resident(small.process.pid) - before < 50 << 20


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def test_it_holds_back_a_command_whose_reader_is_slow(small: Host, cramped: Sandbox) -> None:
    """A reader that stops reading: the command waits, the host's memory does not grow."""
    assert small.process is not None
    before = _resident(small.process.pid)
    handle = cramped.commands.run("yes | head -c 100000000; touch done", background=True, timeout=0)
    time.sleep(2)
    assert _resident(small.process.pid) - before < 50 << 20
    handle.kill()


def test_it_ends_what_does_not_want_to_end(small: Host) -> None:
    sandbox = small.create()
    forever = "while true; do sleep 1; done"
    immortal = f"trap '' TERM INT HUP; (setsid bash -c 'trap \"\" TERM; {forever}' &) ; {forever}"
    sandbox.commands.run(immortal, background=True, timeout=0)
    assert small.process is not None
    host_pid = small.process.pid
    inside = descendants(host_pid)
    assert inside
    started = time.monotonic()
    sandbox.kill()
    assert time.monotonic() - started < 5
    wait_for(lambda: not descendants(host_pid) & inside)


def test_it_names_the_time_of_a_command(cramped: Sandbox) -> None:
    # The protocol's own code for it, for which the SDK has its own words: they name the option.
    with pytest.raises(TimeoutException, match="timeout"):
        cramped.commands.run("sleep 60", timeout=0.5)


def test_its_processes_have_limits_too(small: Host, cramped: Sandbox) -> None:
    """Of the kernel, on each process, whether or not a control group counts them."""
    shown = cramped.commands.run("ulimit -c; ulimit -f; ulimit -n; ulimit -u; ulimit -d").stdout.split()
    core, file, opened, processes, data = shown
    assert (core, file) == ("0", str(20 * 1024)) and "unlimited" not in (opened, processes)
    assert (data == "unlimited") == (small.uid is None)


def test_its_shared_memory_is_bounded(cramped: Sandbox) -> None:
    assert cramped.commands.run("df -k --output=size /dev/shm | tail -1").stdout.strip() == str(64 * 1024)


def test_it_limits_open_files(cramped: Sandbox) -> None:
    opening = "import os\nwhile True: os.open('/dev/null', 0)"
    with pytest.raises(CommandExitException, match="Too many open files"):
        cramped.commands.run(f'python3 -c "{opening}"')


def test_it_shares_the_processors_fairly(small: Host) -> None:
    """Twenty busy loops in one sandbox get about as much as one in another, whatever else the machine does."""
    busy, other = small.create(), small.create()
    work = "import time\nend = time.time() + 2\nwhile time.time() < end: pass\nprint(time.process_time())"
    busy.commands.run("for n in $(seq 20); do (while true; do :; done) & done; wait", background=True, timeout=0)
    before = _burnt(busy)
    ours = float(other.commands.run(f'python3 -c "{work}"').stdout)
    theirs = _burnt(busy) - before
    if small.uid is None and _has_cpu_groups(small):
        assert ours / theirs > 0.2  # without groups one of 21
    for sandbox in (busy, other):
        sandbox.kill()


def _burnt(sandbox: Sandbox) -> float:
    """Seconds of processor that all its processes have used."""
    script = "cat /proc/[0-9]*/stat 2>/dev/null | awk '{s += $14 + $15} END {print s / 100}'"
    return float(sandbox.commands.run(script).stdout)


def _has_cpu_groups(host: Host) -> bool:
    name = cgroup.name(host.state)
    return any(Path(f"/sys/fs/cgroup/{place}/{name}").exists() for place in ("cpu", "cpu,cpuacct", "."))


def test_it_leaves_the_machine_some_disk(own_host: Callable[..., Host]) -> None:
    host = own_host("--min-free", str(10**9))
    with pytest.raises(SandboxException, match="leaves 1000000000 MiB of its disk free, which is its limit"):
        host.create()


def test_it_limits_how_many_run(own_host: Callable[..., Host]) -> None:
    host = own_host("--max-running", "2")
    first, _ = host.create(), host.create()
    with pytest.raises(SandboxException, match="runs 2 sandboxes, which is its limit"):
        host.create()
    first.pause()
    host.create()


def test_it_resumes_none_for_which_there_is_no_place(own_host: Callable[..., Host]) -> None:
    host = own_host("--max-running", "1")
    asleep = []
    for _ in range(2):
        asleep.append(host.create(lifecycle={"on_timeout": "pause", "auto_resume": True}))
        asleep[-1].pause()
    awake = host.create()
    with pytest.raises(SandboxException, match="runs 1 sandboxes, which is its limit"):
        asleep[0].connect()
    assert _visit(host, asleep[0]) == (503, "full")
    awake.kill()

    def resume(sandbox: Sandbox) -> bool:
        try:
            sandbox.connect(retries=0)
        except SandboxException:
            return False
        return True

    with ThreadPoolExecutor() as pool:  # one place, and two who want it at once
        assert sorted(pool.map(resume, asleep)) == [False, True]
    assert sorted(_visit(host, sandbox) for sandbox in asleep) == [(502, "closed"), (503, "full")]


def test_it_resumes_none_when_the_machines_disk_is_nearly_full(own_host: Callable[..., Host]) -> None:
    host = own_host()
    sandbox = host.create(lifecycle={"on_timeout": "pause", "auto_resume": True})
    host.kill(signal.SIGTERM)
    host.arguments += ["--min-free", str(10**9)]
    host.start()
    with pytest.raises(SandboxException, match="leaves 1000000000 MiB of its disk free, which is its limit"):
        sandbox.connect()
    assert _visit(host, sandbox) == (503, "full")


def _visit(host: Host, sandbox: Sandbox) -> tuple[int, str]:
    request = urllib.request.Request(host.url, headers={"Host": sandbox.get_host(3000)})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers["X-Preview-State"]
