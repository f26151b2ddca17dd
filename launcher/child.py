"""Starting a process that cannot outlive us, and ending it."""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from launcher.place import User

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def spawn(
    command: Sequence[str],
    env: Mapping[str, str],
    cwd: Path,
    log: Path,
    *,
    stdin: int = subprocess.DEVNULL,
    user: User | None,
    death_signal: signal.Signals,
) -> subprocess.Popen[bytes]:
    """Start `command` in a process group of its own, writing to `log`. `stdin`: a file descriptor.

    The kernel sends it `death_signal` when we die in whatever way. (It does so when the *thread* that started it ends:
    call this from the main thread.)
    """
    parent = os.getpid()

    def tie_to_us() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:  # we died before the line above
            os._exit(1)

    # O_APPEND, so that the file can be cut short while it is written to.
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            env=dict(env),
            cwd=cwd,
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C at the terminal is for us; we stop the others in order
            preexec_fn=tie_to_us,  # runs after the change of user, which would clear it
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
        )


def end(processes: Sequence[tuple[subprocess.Popen[bytes], signal.Signals]], grace: float) -> None:
    """Ask these processes to stop, wait up to `grace` seconds, then kill their groups."""
    for process, stop_signal in processes:
        if process.poll() is None:
            process.send_signal(stop_signal)
    deadline = time.monotonic() + grace
    while time.monotonic() < deadline and any(process.poll() is None for process, _ in processes):
        time.sleep(0.02)
    for process, _ in processes:
        kill_group(process)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End whatever is left of the process and of the group it leads."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
