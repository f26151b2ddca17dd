"""Keeps jobs running: starts each when what it needs is ready, asks it, restarts it, stops all in reverse order.

One thread and one loop: the kernel ties children to the thread that started them.
"""

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from launcher.asking import NoAnswer
from launcher.child import end, kill_group, spawn
from launcher.place import Place, User
from launcher.problem import Problem
from launcher.terminal import Terminal

TICK = 0.03
LOG_MAX_BYTES = 10 * 2**20
BACKOFF_MAX_SECONDS = 30.0
# Connections that may wait to be accepted.
BACKLOG = 1024
# A restart counts as recovered, and its backoff starts over, when it has lived this long.
STEADY_SECONDS = 60.0


class Stopped(Exception):
    """The person, or the system, asked us to stop."""


@dataclass
class Job:
    """A service (runs until stopped) or, with `once`, a step that must end well before what needs it may start."""

    name: str
    command: Sequence[str]
    env: dict[str, str]
    ask: Callable[[], str] = str
    """Returns the version when the service answers; raises NoAnswer."""
    address: str = ""
    needs: tuple[str, ...] = ()
    once: bool = False
    user: User | None = None
    listens: tuple[str, int] | None = None
    """Host (IPv4) and port of a socket that it gets as its standard input. Jobs may name the same: the kernel spreads
    who comes evenly. The socket stays open while the job is started again, so that who comes meanwhile waits for it."""
    before: Callable[[], None] = lambda: None
    """Run in our process before each start."""
    skip: Callable[[], bool] = lambda: False
    """For a step: whether it has nothing to do."""
    after: Callable[[], None] = lambda: None
    """Run in our process once a step is done."""
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    start_seconds: float = 60.0
    stop_seconds: float = 10.0
    shows_progress: bool = False

    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    ready: bool = field(default=False, init=False)
    version: str = field(default="", init=False)
    started_at: float = field(default=0.0, init=False)
    restart_at: float = field(default=0.0, init=False)
    backoff: float = field(default=1.0, init=False)
    why: str = field(default="", init=False)
    shown: int = field(default=0, init=False)


class Supervisor:
    """Use as: `with handling_signals(): try: start(); watch() finally: stop()`."""

    def __init__(
        self, jobs: Sequence[Job], place: Place, terminal: Terminal, on_change: Callable[[], None] = lambda: None
    ) -> None:
        self.jobs = list(jobs)
        self.place = place
        self.terminal = terminal
        self.on_change = on_change
        self.stopping = False
        self.sockets: dict[str, socket.socket] = {}

    def start(self) -> None:
        """Bring everything up, in parallel where needs allow. Raises Problem with the log's end when one fails."""
        place = self.place
        place.folder("logs", mode=0o700)
        while waiting := [job for job in self.jobs if not job.ready]:
            self._check_stop()
            for job in waiting:
                if job.process is None and all(self._is_ready(need) for need in job.needs):
                    job.ready = job.once and job.skip()
                    if not job.ready:
                        self._spawn(job)
                elif job.process is not None:
                    self._look_at_starting(job)
            time.sleep(TICK)

    def watch(self, until: Callable[[], bool] = lambda: False) -> None:
        """Restart what ends, keep logs short; until `until` says so or we are stopped."""
        looked_at_logs = 0.0
        while not until():
            self._check_stop()
            for job in self.jobs:
                if not job.once:
                    self._look_at_running(job)
            if time.monotonic() - looked_at_logs > 5:
                looked_at_logs = time.monotonic()
                for job in self.jobs:
                    with suppress(OSError):  # a full disk is no reason to stop what runs
                        _shorten(self.log(job))
            time.sleep(0.2)

    def stop(self) -> None:
        """End everything, what was started last first; services that need nothing of each other end together."""
        for listening in self.sockets.values():
            listening.close()
        self.sockets.clear()
        left = [job for job in self.jobs if job.process is not None]
        while left:
            needed = {need for job in left for need in job.needs}
            batch = [job for job in left if job.name not in needed] or left
            end(
                [(job.process, job.stop_signal) for job in batch if job.process], max(job.stop_seconds for job in batch)
            )
            for job in batch:
                job.process, job.ready = None, False
                left.remove(job)
        self.on_change()

    def log(self, job: Job) -> Path:
        return self.place.logs / f"{job.name}.log"

    def _is_ready(self, name: str) -> bool:
        """A need that is no job of ours is an outside service, asked before we began."""
        return all(job.ready for job in self.jobs if job.name == name)

    def _check_stop(self) -> None:
        if self.stopping:
            raise Stopped

    def _spawn(self, job: Job) -> None:
        log = self.log(job)
        if not job.started_at:
            _rotate(log)
        job.before()
        # Another user's home is of no use, and looking into it an error, for what runs as `nobody`.
        env = job.env | {"HOME": str(self.place.home)} if job.user else job.env
        job.started_at, job.why = time.monotonic(), "it has not answered yet"
        stdin = self._socket(job.name, job.listens).fileno() if job.listens else subprocess.DEVNULL
        try:
            job.process = spawn(
                job.command, env, self.place.root, log, stdin=stdin, user=job.user, death_signal=job.death_signal
            )
        except OSError as error:
            raise Problem(f"{job.name} cannot be started: {job.command[0]}: {error.strerror}.") from error

    def _socket(self, name: str, address: tuple[str, int]) -> socket.socket:
        # Each its own: of a shared one whoever wakes first takes nearly all, and sockets of pages stay for hours.
        if name not in self.sockets:
            try:
                self.sockets[name] = socket.create_server(address, backlog=BACKLOG, reuse_port=True)
            except OSError as error:
                raise Problem(f"Port {address[1]} of {address[0]} cannot be listened on: {error.strerror}.") from error
        return self.sockets[name]

    def _look_at_starting(self, job: Job) -> None:
        assert job.process is not None
        self._show_progress(job)
        code = job.process.poll()
        if code is None and not job.once:
            try:
                self._became_ready(job, job.ask())
            except NoAnswer as answer:
                job.why = str(answer)
        elif code == 0 and job.once:
            kill_group(job.process)
            job.after()
            self._became_ready(job, "")
        elif code is not None:
            raise Problem(f"{job.name} ended while starting ({_ending(code)}). {self._log_end(job)}")
        if not job.ready and time.monotonic() - job.started_at > job.start_seconds:
            raise Problem(f"{job.name} was not ready after {job.start_seconds:.0f} s: {job.why}. {self._log_end(job)}")

    def _became_ready(self, job: Job, version: str) -> None:
        job.ready, job.version = True, version
        self.terminal.row(job.name, version, job.address, f"{time.monotonic() - job.started_at:.1f} s")
        self.on_change()

    def _look_at_running(self, job: Job) -> None:
        now = time.monotonic()
        if job.process is not None and (code := job.process.poll()) is not None:
            kill_group(job.process)
            job.backoff = 1.0 if now - job.started_at > STEADY_SECONDS else min(job.backoff * 2, BACKOFF_MAX_SECONDS)
            job.process, job.ready, job.restart_at = None, False, now + job.backoff
            if job.backoff > 2 and job.name in self.sockets:  # it keeps ending: nobody is to wait for that
                self.sockets.pop(job.name).close()
            log = self.log(job)
            self.terminal.always(
                f"  {job.name} ended ({_ending(code)}); starting it again in {job.backoff:.0f} s. Log: {log}"
            )
            self.on_change()
        elif job.process is None and now >= job.restart_at:
            try:
                self._spawn(job)
            except (Problem, OSError) as problem:  # its port was taken meanwhile, the disk is full: the others go on
                job.restart_at = now + BACKOFF_MAX_SECONDS
                self.terminal.always(f"  {job.name}: {problem} Trying again in {BACKOFF_MAX_SECONDS:.0f} s.")
        elif job.process is not None and not job.ready:
            try:
                self._became_ready(job, job.ask())
            except NoAnswer as answer:
                job.why = str(answer)

    def _show_progress(self, job: Job) -> None:
        if not job.shows_progress:
            return
        with self.log(job).open("rb") as log:
            log.seek(job.shown)
            for line in log:
                if line.endswith(b"\n"):
                    job.shown += len(line)
                    self.terminal.always(f"  {job.name}: {line.decode(errors='replace').rstrip()}")

    def _log_end(self, job: Job) -> str:
        lines = self.log(job).read_text(errors="replace").splitlines()[-15:]
        return f"The end of {self.log(job)}:\n" + "\n".join(f"    {line}" for line in lines)


@contextmanager
def handling_signals(supervisor: Supervisor) -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal ask the supervisor to stop; asked again meanwhile changes nothing."""

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        supervisor.stopping = True

    # Whoever started us with nohup wants us to outlive the terminal.
    asking = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        asking.append(signal.SIGHUP)
    before = {number: signal.signal(number, ask_to_stop) for number in asking}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"


def _rotate(log: Path) -> None:
    """The log of the start before stays as .1; each start begins an empty one."""
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    log.touch()


def _shorten(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_MAX_BYTES:
        shutil.copyfile(log, log.with_suffix(".log.1"))
        with log.open("r+b") as file:
            file.truncate()
