"""Running one command beside the services: those of a `bin/up` that runs, or, for as long as it takes, our own."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence

from launcher import assets, machine, running, runtime
from launcher.place import Place
from launcher.plan import Plan
from launcher.problem import Problem
from launcher.supervisor import Job, Stopped, Supervisor, handling_signals
from launcher.terminal import Terminal


def run_beside(
    place: Place,
    given: Mapping[str, str],
    terminal: Terminal,
    name: str,
    jobs: Callable[[Plan], list[Job]],
    command: Sequence[str],
) -> int:
    """Start `jobs` if no supervisor runs here, then `command` with the services' environment; its exit code.

    `name` is the bin/ command we are, for whoever finds us running.
    """
    lock = place.lock("up")
    if lock is None:
        note = running.read(place)
        if note is None:
            raise Problem("Vibe is just being started or stopped in another terminal. Try again in a moment.")
        return subprocess.run(command, env=note.plan(place, given).environment()).returncode
    plan = Plan(place, given, port=machine.free_port())
    supervisor = Supervisor(
        jobs(plan), place, terminal, lambda: running.write(plan, name, os.getpid(), supervisor.jobs)
    )
    with handling_signals(supervisor):
        try:
            supervisor.start()
            # Ctrl-C is for the command, which has the terminal; it ends, and so do we.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            process = subprocess.Popen(command, env=plan.environment(), preexec_fn=_heed_interrupts)
            supervisor.watch(until=lambda: process.poll() is not None)
            return process.returncode
        except Stopped:
            return 130
        finally:
            supervisor.stop()
            running.clear(place)


def make_ready(plan_place: Place, given: Mapping[str, str], terminal: Terminal) -> None:
    """What our own services would need: binaries, front end, bubblewrap. Quick when it is there."""
    machine.check_disk(plan_place)
    machine.check_bubblewrap(Plan(plan_place, given), terminal)
    runtime.prepare(plan_place, terminal)
    assets.prepare(plan_place, given, terminal)


def _heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
