"""The sandbox host through the official SDK: a host of its own, each figure beside what the machine itself can do."""

import http.client
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from e2b import Sandbox
from e2b.sandbox.filesystem.filesystem import WriteEntry

Say = Callable[[str, str, str, str], None]
ROOT = Path(__file__).resolve().parent.parent
MIB = 1 << 20
_SERVER = "require('http').createServer((_, answer) => answer.end('ok')).listen(PORT, '127.0.0.1')"


def measure(say: Say, home: Path, sandboxes: int = 20) -> None:
    """Print all figures. `home`: the folder whose templates/ and runtime/ are used; react must be prepared there."""
    home = home.resolve()
    with host(home, "--spares", "0") as (process, options):
        bare, took = [], []
        for _ in range(10):
            bare.append(_once(lambda: _bare_start(home)))
            took.append(_create(options, "react"))
        _tell_create(say, "create, react, none waiting", took, bare)
    with host(home) as (process, options):
        _creates(say, options, home)
        sandbox = Sandbox.create(timeout=600, **options)
        _commands(say, sandbox)
        _files(say, sandbox)
        _preview(say, sandbox, options, home)
        sandbox.kill()
        _dev_servers(say, process, options, sandboxes)


@contextmanager
def host(home: Path, *more: str) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    """A running host with `home`'s templates, on the same file system so that it can share their files; `more`
    arguments for it.
    """
    state = Path(tempfile.mkdtemp(prefix="benchmark-", dir=home.parent))
    state.chmod(0o711)
    (state / "templates").symlink_to(home / "templates")
    key, port = f"e2b_{secrets.token_hex(20)}", _free_port()
    command = [sys.executable, "-m", "sandbox_host", "--port", str(port), "--state", str(state)]
    process = subprocess.Popen(
        [*command, "--runtime", str(home / "runtime"), *more],
        cwd=ROOT, env={**os.environ, "E2B_API_KEY": key}, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        _until(lambda: _get(port, "/health", "127.0.0.1") == 200, 60)
        yield process, {"api_url": url, "sandbox_url": url, "api_key": key}
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        shutil.rmtree(state, ignore_errors=True)


def _creates(say: Say, options: dict[str, Any], home: Path) -> None:
    """Each kind in turn with the bare start, so that what else the machine does meets all of them alike. With a pause
    before: one that waits is taken; without: it is being made meanwhile.
    """
    kinds = [(template, pause) for pause in (1.0, 0.0) for template in ("base", "html", "react")]
    took: dict[tuple[str, float], list[float]] = {kind: [] for kind in kinds}
    bare: list[float] = []
    for _ in range(10):
        for template, pause in kinds:
            bare.append(_once(lambda: _bare_start(home)))
            time.sleep(pause)
            took[template, pause].append(_create(options, template))
    for (template, pause), times in took.items():
        _tell_create(say, f"create, {template}{'' if pause else ', one after another'}", times, bare)


def _tell_create(say: Say, name: str, took: list[float], bare: list[float]) -> None:
    each, floor = median(took) * 1000, median(bare) * 1000
    say(name, f"{each:.0f} ms, {each / floor:.1f}×", f"{floor:.0f} ms bare bwrap + python", "≤ 100 ms, ≤ 3×")


def _create(options: dict[str, Any], template: str) -> float:
    """Seconds."""
    made: list[Sandbox] = []
    seconds = _once(lambda: made.append(Sandbox.create(template=template, timeout=60, **options)))
    made[0].kill()
    return seconds


def _bare_start(home: Path) -> None:
    python = home / "runtime/python/bin/python3"
    program = str(python) if python.exists() else "/usr/bin/python3"
    closed = "bwrap --unshare-all --ro-bind / / --proc /proc --dev /dev".split()
    subprocess.run([*closed, program, "-I", "-S", "-c", "pass"], check=True)


def _commands(say: Say, sandbox: Sandbox) -> None:
    took = _median(50, lambda: sandbox.commands.run("true")) * 1000
    bare = _median(50, lambda: subprocess.run(["/bin/bash", "-c", "true"], check=True)) * 1000
    say('run("true")', f"{took:.1f} ms", f"{bare:.1f} ms bash alone", "≤ 5 ms")
    flood = "head -c 48M /dev/zero | tr '\\0' x"
    took = _median(3, lambda: sandbox.commands.run(flood, on_stdout=lambda _: None))
    bare = _median(3, lambda: subprocess.run(["/bin/bash", "-c", flood], check=True, capture_output=True))
    say("stdout", f"{48 / took:.0f} MiB/s", f"{48 / bare:.0f} MiB/s a pipe", "≥ 50 MiB/s")


def _files(say: Say, sandbox: Sandbox) -> None:
    many = [WriteEntry(path=f"many/{number}.txt", data="x" * 500) for number in range(100)]
    took = _median(10, lambda: sandbox.files.write_files(many)) * 1000
    with tempfile.TemporaryDirectory() as folder:
        bare = _median(10, lambda: [(Path(folder) / str(n)).write_text("x" * 500) for n in range(100)]) * 1000
        say("100 small files", f"{took:.0f} ms", f"{bare:.0f} ms on the disk", "≤ 60 ms")
        data = os.urandom(MIB) * 100
        bare = 100 / _median(3, lambda: (Path(folder) / "big").write_bytes(data))
        up = 100 / _median(3, lambda: sandbox.files.write("big", data, use_octet_stream=True))
        say("upload", f"{up:.0f} MiB/s", f"{bare:.0f} MiB/s on the disk", "≥ 200 MiB/s")
        bare = 100 / _median(3, (Path(folder) / "big").read_bytes)
        down = 100 / _median(3, lambda: sandbox.files.read("big", format="bytes"))
        say("download", f"{down:.0f} MiB/s", f"{bare:.0f} MiB/s on the disk", "–")


def _preview(say: Say, sandbox: Sandbox, options: dict[str, Any], home: Path) -> None:
    """The same server inside, through the host, and outside, asked directly."""
    port = _free_port()
    outside = subprocess.Popen([str(home / "runtime/node/bin/node"), "-e", _SERVER.replace("PORT", str(port))])
    sandbox.commands.run(f'node -e "{_SERVER.replace("PORT", "3000")}"', background=True, timeout=0)
    front, name = int(options["api_url"].rpartition(":")[2]), sandbox.get_host(3000)
    try:
        for one, host_name in ((port, "localhost"), (front, name)):
            _until(lambda one=one, host_name=host_name: _get(one, "/", host_name) == 200, 20)  # type: ignore[misc]
        direct = _median(200, lambda: _get(port, "/", "localhost")) * 1000
        through = _median(200, lambda: _get(front, "/", name)) * 1000
    finally:
        outside.kill()
        outside.wait()
    say("preview adds, p50", f"{through - direct:.1f} ms", f"{direct:.1f} ms directly", "≤ 3 ms")


def _dev_servers(say: Say, process: subprocess.Popen[bytes], options: dict[str, Any], count: int) -> None:
    front, took = int(options["api_url"].rpartition(":")[2]), []
    before = _memory(process.pid)
    for _ in range(count):
        began = time.monotonic()
        sandbox = Sandbox.create(template="react", timeout=900, **options)
        sandbox.commands.run("cd app && npm run dev", background=True, timeout=0)
        name = sandbox.get_host(3000)
        _until(lambda name=name: _get(front, "/", name) == 200, 60)  # type: ignore[misc]
        took.append(time.monotonic() - began)
    say("create → dev server answers, react", f"{median(took):.1f} s", "–", "≤ 2 s")
    used = (_memory(process.pid) - before) / (1 << 30)
    say(f"{count} sandboxes, idle dev servers", f"{used:.1f} GiB", f"{used / count * 1024:.0f} MiB each", "≤ 4 GiB")


def _memory(pid: int) -> int:
    """Bytes of a process and all below it; what they share is counted once."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_bytes().rpartition(b")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(folder.name))
    total, pending = 0, [pid]
    while pending:
        one = pending.pop()
        pending += children.get(one, [])
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


def _get(port: int, path: str, host_name: str) -> int:
    """Status of a request on a connection of its own; 0 if nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path, headers={"Host": host_name})
        answer = connection.getresponse()
        answer.read()
    except OSError:
        return 0
    finally:
        connection.close()
    return answer.status


def _median(times: int, work: Callable[[], object]) -> float:
    return median(_once(work) for _ in range(times))


def _once(work: Callable[[], object]) -> float:
    """Seconds."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _until(check: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            raise TimeoutError("it did not answer in time")
        time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
