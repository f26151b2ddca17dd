"""Commands: start, follow, feed, signal. Each is its own session, so that a kill reaches what it started."""

# pathlib, contextlib and asyncio would double the time an agent takes to start.
# ruff: noqa: ASYNC222, PTH112, PTH123, PTH208, SIM105

from __future__ import annotations

import _signal  # type: ignore[import-not-found] # `signal` imports enum
import fcntl
import os
import struct

from sandbox_host.agent import loop, wire

TYPE_CHECKING = False  # as mypy reads it; importing typing would cost 6 ms at each start
if TYPE_CHECKING:
    from typing import Any

_TIOCSCTTY, _TIOCSWINSZ, _F_SETPIPE_SZ = 0x540E, 0x5414, 1031
_PIPE_SIZE = 1024 * 1024
_DRAIN_LIMIT = (
    2 * _PIPE_SIZE
)  # what a command can have left in its pipes; more than that comes from children it left behind
_SIGNALS = {"SIGNAL_SIGINT": _signal.SIGINT, "SIGNAL_SIGTERM": _signal.SIGTERM, "SIGNAL_SIGKILL": _signal.SIGKILL}

_processes: dict[int, Process] = {}


class Process:
    """A command started by the host, until it is reaped. `followers` get its output; without one the output is
    dropped.
    """

    def __init__(self, pid: int, request: dict[str, Any], stdin: int | None, terminal: int | None) -> None:
        self.pid, self.stdin, self.terminal = pid, stdin, terminal
        self.config = {key: request[key] for key in ("cmd", "args", "cwd", "tag") if request.get(key) is not None}
        self.config["envs"] = request.get("shown", {})
        self.followers: dict[wire.Connection, loop.Event] = {}
        self.streams = 0
        self.outputs: set[int] = set()  # those that are still read
        self.turn = loop.Turn()  # for stdin and the terminal
        self.exited = self.timed_out = False
        self.drained, self.reaped = loop.Event(), loop.Event()

    async def publish(self, kind: bytes, payload: bytes) -> None:
        """Send to every follower; a slow one holds the command back rather than filling memory."""
        for follower in list(self.followers):
            try:
                await follower.send(kind, payload)
            except OSError:
                self.drop(follower)

    def drop(self, follower: wire.Connection) -> None:
        gone = self.followers.pop(follower, None)
        if gone is not None:
            gone.set()

    def kill(self, signal: int) -> None:
        """Signal the command and all that stayed in its session."""
        for pid in [self.pid, *(pid for pid, session in _sessions() if session == self.pid and pid != self.pid)]:
            try:
                os.kill(pid, signal)
            except ProcessLookupError:
                pass


def _sessions() -> list[tuple[int, int]]:
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as stat:
                    found.append((int(name), int(stat.read().rpartition(b")")[2].split()[3])))
            except OSError:
                pass
    return found


def find(selector: dict[str, Any]) -> Process:
    for process in _processes.values():
        if process.pid == selector.get("pid") or ("tag" in selector and process.config.get("tag") == selector["tag"]):
            return process
    name = f"pid {selector['pid']}" if "pid" in selector else f"tag {selector.get('tag')}"
    raise wire.OperationError("not_found", f"process with {name} not found")


async def start(conn: wire.Connection, request: dict[str, Any]) -> None:
    """Start the command, then stream its output to `conn` until it ends or the host goes away (the command goes on)."""
    process, outputs = _spawn(request)
    _processes[process.pid] = process
    process.streams = len(outputs)
    process.outputs = {fd for _, fd in outputs}
    gone = process.followers[conn] = loop.Event()
    # They run from the next turn on, and also if the host has hung up before it hears of the start.
    for kind, fd in outputs:
        loop.spawn(_pump(process, kind, fd))
    loop.spawn(_reap(process, os.pidfd_open(process.pid)))
    if request.get("timeout"):
        loop.spawn(_expire(process, request["timeout"]))
    await conn.reply({"start": {"pid": process.pid}})
    loop.spawn(_drop_when_closed(process, conn))
    await gone.wait()


async def connect(conn: wire.Connection, request: dict[str, Any]) -> None:
    """Stream the output of a running command from now on."""
    process = find(request["process"])
    await conn.reply({"start": {"pid": process.pid}})
    gone = process.followers[conn] = loop.Event()
    loop.spawn(_drop_when_closed(process, conn))
    await gone.wait()


async def _drop_when_closed(process: Process, conn: wire.Connection) -> None:
    try:
        while conn.open and await conn.read():
            pass
    except OSError:
        pass
    process.drop(conn)


async def list_all(conn: wire.Connection, request: dict[str, Any]) -> None:
    await conn.reply([{"pid": process.pid, **process.config} for process in _processes.values()])


async def signal(conn: wire.Connection, request: dict[str, Any]) -> None:
    """Answer to SIGKILL once the command is gone, so that the caller may rely on it."""
    process = find(request["process"])
    number = _SIGNALS.get(request.get("signal", ""))
    if number is None:
        raise wire.OperationError("invalid_argument", f"invalid signal: {request.get('signal')}")
    process.kill(number)
    if number == _signal.SIGKILL:
        await process.reaped.wait()
    await conn.reply({})


async def feed(conn: wire.Connection, request: dict[str, Any]) -> None:
    """Write the data frames that follow to the command's stdin or terminal."""
    process = find(request["process"])
    while True:
        kind, payload = await conn.frame()
        if kind == b"Z":
            break
        target = process.terminal if kind == b"P" else process.stdin
        if target is None:
            missing = "terminal" if kind == b"P" else "stdin"
            raise wire.OperationError("failed_precondition", f"{missing} is not open for this process")
        try:
            async with process.turn:
                await wire.write_all(target, payload)
        except OSError as error:
            raise wire.OperationError("internal", f"error writing to the process: {error.strerror}") from None
    await conn.reply({})


async def close_stdin(conn: wire.Connection, request: dict[str, Any]) -> None:
    process = find(request["process"])
    if process.terminal is not None:
        raise wire.OperationError(
            "failed_precondition", "cannot close the stdin of a terminal, send Ctrl-D (0x04) instead"
        )
    if process.stdin is not None:
        wire.close(process.stdin)
        process.stdin = None
    await conn.reply({})


async def resize(conn: wire.Connection, request: dict[str, Any]) -> None:
    process = find(request["process"])
    if process.terminal is None:
        raise wire.OperationError("failed_precondition", "the process has no terminal")
    _set_size(process.terminal, request["size"])
    await conn.reply({})


async def _pump(process: Process, kind: bytes, fd: int) -> None:
    """Read one output until it closes. After the command's end what is left is delivered, then read on and dropped: a
    server it left
    behind must not die of SIGPIPE."""
    after_exit, counted = 0, False
    while True:
        try:
            data = os.read(fd, wire.CHUNK)
        except BlockingIOError:
            if process.exited and not counted:
                counted = _stream_done(process)
            await loop.readable(fd)
            continue
        except OSError:  # EIO: the last holder of the terminal has gone
            break
        if not data:
            break
        await process.publish(kind, data)
        after_exit += len(data) if process.exited else 0
        if after_exit > _DRAIN_LIMIT and not counted:
            counted = _stream_done(process)
    process.outputs.discard(fd)
    if not counted:
        _stream_done(process)
    if fd != process.terminal:
        wire.close(fd)


def _stream_done(process: Process) -> bool:
    process.streams -= 1
    if process.streams == 0:
        process.drained.set()
    return True


async def _reap(process: Process, pidfd: int) -> None:
    ended = 0
    while not ended:
        await loop.readable(pidfd)
        ended, status = os.waitpid(process.pid, os.WNOHANG)
    wire.close(pidfd)
    process.exited = True
    for fd in process.outputs:
        loop.poke(fd)
    await process.drained.wait()
    if _processes.get(process.pid) is process:  # the number may be in use again
        del _processes[process.pid]
    told = dict(_end_event(status), timedOut=process.timed_out)
    for follower in list(process.followers):
        try:
            await follower.reply({"end": told})
        except OSError:
            pass
        process.drop(follower)
    for end in (process.stdin, process.terminal):
        if end is not None:
            wire.close(end)
    process.stdin = process.terminal = None
    process.reaped.set()


def _end_event(status: int) -> dict[str, Any]:
    """The words are Go's, which E2B's SDKs pass on."""
    if os.WIFEXITED(status):
        code = os.WEXITSTATUS(status)
        text = f"exit status {code}"
        return {"exitCode": code, "exited": True, "status": text, **({"error": text} if code else {})}
    number = os.WTERMSIG(status)
    text = f"signal: {_SIGNAL_NAMES.get(number, str(number))}"
    return {"exitCode": -1, "exited": False, "status": text, "error": text, "signal": number}


_SIGNAL_NAMES = {
    1: "hangup",
    2: "interrupt",
    6: "aborted",
    9: "killed",
    11: "segmentation fault",
    13: "broken pipe",
    15: "terminated",
}


async def _expire(process: Process, seconds: float) -> None:
    await loop.sleep(seconds)
    if not process.exited:
        process.timed_out = True
        process.kill(_signal.SIGKILL)


def _spawn(request: dict[str, Any]) -> tuple[Process, list[tuple[bytes, int]]]:
    """Fork and exec. The child reports a failed exec through a pipe that a successful one closes."""
    cwd = request["cwd"]
    if not os.path.isdir(cwd):
        raise wire.OperationError("invalid_argument", f"cwd '{cwd}' does not exist")
    ours: list[int] = []
    theirs: list[int] = []
    terminal = None
    try:
        if request.get("pty"):
            terminal, slave = os.openpty()
            _set_size(terminal, request["pty"])
            ours, theirs = [terminal], [slave, slave, slave]
        else:
            theirs, ours = _pipes(bool(request.get("stdin")))
        report, report_child = os.pipe()
        pid = os.fork()
    except OSError as error:
        for fd in {*ours, *theirs}:
            os.close(fd)
        raise wire.OperationError(
            "resource_exhausted", f"cannot start a process: the sandbox's limit is reached ({error.strerror})"
        ) from None
    if pid == 0:
        _child(request, theirs, terminal is not None, report_child)
    for fd in {*theirs, report_child}:
        os.close(fd)
    message = os.read(report, 4096).decode("utf-8", "replace")
    os.close(report)
    if message:
        os.waitpid(pid, 0)
        for fd in ours:
            os.close(fd)
        raise wire.OperationError("invalid_argument", message)
    for fd in ours:
        os.set_blocking(fd, False)
    if terminal is not None:
        outputs = [(b"P", terminal)]
    else:
        outputs = [(b"O", ours[-2]), (b"E", ours[-1])]
    stdin = ours[0] if len(ours) == 3 else None
    return Process(pid, request, stdin, terminal), outputs


def _pipes(with_stdin: bool) -> tuple[list[int], list[int]]:
    """The child's three descriptors and our ends: stdin (if wanted), stdout, stderr."""
    if with_stdin:
        child_in, our_in = os.pipe()
        ours = [our_in]
    else:
        child_in, ours = os.open("/dev/null", os.O_RDONLY), []
    theirs = [child_in]
    for _ in range(2):
        our_end, child_end = os.pipe()
        ours.append(our_end)
        theirs.append(child_end)
    try:
        fcntl.fcntl(ours[-2], _F_SETPIPE_SZ, _PIPE_SIZE)
    except OSError:
        pass  # over the user's share of pipe memory: the default size works, only slower
    return theirs, ours


def _child(request: dict[str, Any], fds: list[int], controlling: bool, report: int) -> None:
    """Runs in the fork and never returns."""
    try:
        os.setsid()
        for target, fd in enumerate(fds):
            os.dup2(fd, target)
        if controlling:
            fcntl.ioctl(0, _TIOCSCTTY, 0)
        for ignored in (_signal.SIGPIPE, _signal.SIGXFSZ):
            _signal.signal(ignored, _signal.SIG_DFL)
        with open("/proc/self/oom_score_adj", "w") as score:
            score.write("500")  # when memory runs out the command goes, not the agent
        os.chdir(request["cwd"])
        os.execvpe(request["cmd"], [request["cmd"], *request.get("args", [])], request["envs"])
    except OSError as error:
        os.write(report, f"fork/exec {request['cmd']}: {(error.strerror or '').lower()}".encode())
    except BaseException as error:  # noqa: BLE001 - a forked child must never return
        os.write(report, f"{error}".encode())
    os._exit(127)


def _set_size(fd: int, size: dict[str, int]) -> None:
    fcntl.ioctl(fd, _TIOCSWINSZ, struct.pack("HHHH", size.get("rows", 0), size.get("cols", 0), 0, 0))
