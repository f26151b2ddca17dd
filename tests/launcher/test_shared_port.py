"""Several processes answer at one port, evenly; who comes while one of them is started again waits for it."""

import errno
import socket
import time
from collections import Counter

import pytest

from launcher.machine import free_port
from launcher.plan import Plan
from launcher.problem import Problem
from launcher.services import application_jobs
from launcher.supervisor import Supervisor

# Says it is up, then tells each visitor its process id. It waits as an event loop does.
SERVES = """
import os, pathlib, select, socket, sys
pathlib.Path(sys.argv[1]).write_text("up")
with socket.socket(fileno=0) as listening:
    listening.setblocking(False)
    while select.select([listening], [], []):
        try:
            visitor, _ = listening.accept()
        except BlockingIOError:
            continue
        visitor.sendall(str(os.getpid()).encode())
        visitor.close()
"""


@pytest.fixture
def served(waiting_job, place, terminal):
    """`served(*names)`: a supervisor of such processes at one port, started; and that port."""
    started = []

    def make(*names: str) -> tuple[Supervisor, int]:
        port = free_port(54000)
        jobs = [waiting_job(name, listens=("127.0.0.1", port)) for name in names]
        for job in jobs:
            job.command[2] = SERVES
        supervisor = Supervisor(jobs, place, terminal)
        started.append(supervisor)
        supervisor.start()
        return supervisor, port

    yield make
    for supervisor in started:
        supervisor.stop()


def visit(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def served_by(visitor: socket.socket) -> int:
    with visitor:
        return int(visitor.recv(100))


def test_it_spreads_who_comes(served):
    supervisor, port = served("web", "web-2")
    served_most = Counter(served_by(visit(port)) for _ in range(200)).most_common()
    assert {pid for pid, _ in served_most} == {job.process.pid for job in supervisor.jobs}
    assert served_most[-1][1] > 50


@pytest.mark.parametrize("names", [("web",), ("web", "web-2")])
def test_it_lets_who_comes_meanwhile_wait_for_the_next_one(served, names):
    supervisor, port = served(*names)
    job = supervisor.jobs[0]
    dead = job.process
    dead.kill()
    dead.wait()
    early = [visit(port) for _ in range(20)]
    deadline = time.monotonic() + 20
    supervisor.watch(until=lambda: (job.ready and job.process is not dead) or time.monotonic() > deadline)
    assert {served_by(visitor) for visitor in early} == {job.process.pid for job in supervisor.jobs}


def test_it_sends_nobody_to_one_that_keeps_ending(served):
    supervisor, port = served("web", "web-2")
    job, other = supervisor.jobs
    job.command = ["false"]
    job.process.kill()
    deadline = time.monotonic() + 20
    supervisor.watch(until=lambda: job.backoff > 2 or time.monotonic() > deadline)
    assert {served_by(visit(port)) for _ in range(20)} == {other.process.pid}


def test_it_keeps_the_others_running_when_its_port_was_taken_meanwhile(served, waiting_job, lines):
    supervisor, port = served("web")
    worker = waiting_job("worker")
    supervisor.jobs.append(worker)
    supervisor.start()
    supervisor.sockets.pop("web").close()
    supervisor.jobs[0].process.kill()
    supervisor.jobs[0].process.wait()
    with socket.create_server(("127.0.0.1", port)):
        deadline = time.monotonic() + 20
        supervisor.watch(until=lambda: "Trying again" in lines.text or time.monotonic() > deadline)
    assert f"Port {port} of 127.0.0.1 cannot be listened on" in lines.text
    assert worker.process.poll() is None


def test_it_frees_the_port_when_it_stops(served):
    supervisor, port = served("web", "web-2")
    supervisor.stop()
    with socket.socket() as visitor:
        assert visitor.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED


def test_it_names_a_port_that_is_taken_at_the_last_moment(waiting_job, place, terminal):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        supervisor = Supervisor([waiting_job("web", listens=("127.0.0.1", port))], place, terminal)
        with pytest.raises(Problem, match=f"Port {port} of 127.0.0.1"):
            supervisor.start()


@pytest.mark.parametrize(("host", "count"), [("127.0.0.1", 3), ("0.0.0.0", 3), ("::1", 1)])
def test_it_starts_as_many_web_processes_as_asked_where_they_can_share(place, host, count):
    jobs = application_jobs(Plan(place, {"WEB_PROCESSES": "3"}, host=host))
    assert len([job for job in jobs if job.name.startswith("web")]) == count
