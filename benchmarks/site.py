"""A site of our own for a figure: real services on this machine, the model and settings that the figure asks for."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from launcher import machine, testing
from launcher.supervisor import Supervisor
from launcher.terminal import Terminal


@dataclass
class Site:
    """A running site. `environment`: what its Django processes have; `services`: database, queue and sandbox host."""

    url: str
    environment: dict[str, str]
    supervisor: Supervisor
    services: Supervisor

    @property
    def worker(self) -> int:
        """The worker's process id."""
        return next(job.process.pid for job in self.supervisor.jobs if job.name == "worker" and job.process)

    def people(self, count: int) -> list[dict[str, str]]:
        """That many signed-in users with a project each: project, cookie, token."""
        command = [sys.executable, "-m", "benchmarks.people", str(count)]
        out = subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, text=True, check=True)
        people: list[dict[str, str]] = json.loads(out.stdout.splitlines()[-1])
        return people


@contextmanager
def site(
    changes: Mapping[str, str],
    *,
    model: tuple[float, int, float, int] | None = None,
    workers: bool = True,
) -> Iterator[Site]:
    """Web, workers and beat on services of their own, as `bin/up` has them, with a database that is as durable.

    `model`: first token (ms), tokens, ms between tokens, turns of benchmarks/slow_model.py. Without it: the demo model.
    """
    for name in [name for name in os.environ if name.startswith(("DATABASE_", "REDIS_", "E2B_", "ANTHROPIC_"))]:
        del os.environ[name]
    terminal = Terminal(quiet=True)
    with testing.backing_services(terminal, throwaway=False) as session, _model(model) as address:
        told = {"ANTHROPIC_API_KEY": "benchmark", "ANTHROPIC_BASE_URL": address} if address else {}
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--no-input", "-v", "0"], env=session.environment, check=True
        )
        given = {"WEB_PROCESSES": "", "RUNS_PER_USER": "1000", **told, **changes}
        plan, supervisor = testing.application(session, "site", given)
        if not workers:
            supervisor.jobs = [job for job in supervisor.jobs if job.name.startswith("web")]
        try:
            supervisor.start()
            assert session.supervisor
            yield Site(f"http://127.0.0.1:{plan.port}", plan.environment(), supervisor, session.supervisor)
        finally:
            supervisor.stop()


@contextmanager
def _model(pace: tuple[float, int, float, int] | None) -> Iterator[str]:
    if pace is None:
        yield ""
        return
    port = machine.free_port(41000)
    command = [sys.executable, "-m", "benchmarks.slow_model", *map(str, (port, *pace))]
    process = subprocess.Popen(command)
    try:
        until_listening(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def until_listening(port: int) -> None:
    """Waits until somebody accepts connections there, at most 20 s."""
    for _ in range(400):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)


def quantile(values: list[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    ordered: list[Any] = sorted(values)
    return float(ordered[min(len(ordered) - 1, int(share * len(ordered)))])
