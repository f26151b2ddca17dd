"""`stack`: the real site (web, worker, beat) on the test's own database, as `bin/up` would start it."""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from django.db import connection

from launcher import testing
from launcher.supervisor import Job, Supervisor


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those with a site come first, in the order they had, so that it is started and ended once in a process."""
    items.sort(key=lambda item: "stack" not in getattr(item, "fixturenames", ()))


class Stack:
    """A running site. Processes are real: kill them, start them, read their logs."""

    def __init__(self, url: str, supervisor: Supervisor) -> None:
        self.url = url
        self.supervisor = supervisor

    @property
    def ws_url(self) -> str:
        return re.sub("^http", "ws", self.url)

    @property
    def pids(self) -> dict[str, int]:
        return {job.name: job.process.pid for job in self.supervisor.jobs if job.process}

    def kill(self, name: str) -> None:
        """End this process the hard way, and wait until it is gone."""
        job = self._job(name)
        if job.process is not None:
            os.killpg(job.process.pid, signal.SIGKILL)
            job.process.wait()
            job.process, job.ready = None, False

    def stop(self, name: str) -> None:
        """Ask this process to end, as a deployment does, and wait until it has."""
        job = self._job(name)
        if job.process is not None:
            job.process.terminate()
            job.process.wait()
            job.process, job.ready = None, False

    def start(self, name: str | None = None) -> None:
        """Start what is not running (this one, or all) and wait until it answers."""
        everything = self.supervisor.jobs
        self.supervisor.jobs = [job for job in everything if name in (None, job.name)]
        try:
            self.supervisor.start()
        finally:
            self.supervisor.jobs = everything

    def kill_worker(self) -> None:
        self.kill("worker")

    def start_worker(self) -> None:
        self.start("worker")

    def log(self, name: str) -> str:
        return self.supervisor.log(self._job(name)).read_text(errors="replace")

    def _job(self, name: str) -> Job:
        return next(job for job in self.supervisor.jobs if job.name == name)


@pytest.fixture(scope="session")
def _sites() -> list[Stack]:
    """The site of this process, once a test had one."""
    return []


@pytest.fixture(autouse=True)
def _no_other_worker(request: pytest.FixtureRequest, _sites: list[Stack]) -> None:
    """A site that an earlier test left running would take the runs of a test that works on them itself."""
    if "stack" not in request.fixturenames:
        for site in _sites:
            site.supervisor.stop()


@pytest.fixture(scope="session")
def _site(django_db_setup: None, worker_id: str, _sites: list[Stack]) -> Iterator[Stack]:
    from django.conf import settings

    session = testing.current()
    name = settings.DATABASES["default"]["NAME"]
    database = re.sub(r"/[^/]*$", f"/{name}", os.environ["DATABASE_URL"])
    assert name.startswith("test_")
    plan, supervisor = testing.application(
        session, f"site-{worker_id}", {"DATABASE_URL": database, "MCP_LOCAL": "true"}
    )
    stack = Stack(f"http://127.0.0.1:{plan.port}", supervisor)
    _sites.append(stack)
    try:
        yield stack
    finally:
        supervisor.stop()


@pytest.fixture
def stack(_site: Stack, transactional_db: None, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The site, running and complete; what a test killed is started again for the next. Logs are shown on failure."""
    for job in _site.supervisor.jobs:
        if job.process is not None and job.process.poll() is not None:
            job.process, job.ready = None, False
    _site.start()
    starts = {job.name: len(_site.log(job.name)) for job in _site.supervisor.jobs}
    yield _site
    _end_sandboxes()
    for name, start in starts.items():
        request.node.add_report_section("call", f"log of {name}", _site.log(name)[start:][-6000:])


def _end_sandboxes() -> None:
    """Of the test's projects: the host has only so many, and what waits in them takes its part of the machine."""
    from agents import sandbox
    from agents.models import Sandbox

    for row in Sandbox.objects.all():
        with suppress(*sandbox.DOWN, TimeoutError):
            sandbox.kill(row)


@pytest.fixture
def eventually() -> Callable[..., object]:
    """`eventually(lambda: ..., seconds=20)`: the first true value, asked again and again; fails after the deadline."""

    def wait(condition: Callable[[], object], seconds: float = 20.0) -> object:
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < deadline, f"not within {seconds:.0f} s"
            time.sleep(0.05)
        return value

    return wait


def somebody_waits() -> bool:
    """Whether a statement waits for a lock that another one holds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])
