"""Services start in order, are restarted, and leave nothing behind however we end."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from launcher import running
from launcher.place import ROOT
from launcher.plan import Plan
from launcher.problem import Problem
from launcher.supervisor import Job, Stopped, Supervisor, handling_signals


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


@pytest.fixture
def supervise(place, terminal):
    started = []

    def make(*jobs: Job) -> Supervisor:
        supervisor = Supervisor(jobs, place, terminal)
        started.append(supervisor)
        return supervisor

    yield make
    for supervisor in started:
        supervisor.stop()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_it_starts_what_is_needed_first(supervise, waiting_job, lines):
    supervise(waiting_job("web", needs=("postgres",)), waiting_job("postgres")).start()
    assert lines.text.index("postgres") < lines.text.index("web")
    assert "1.0" in lines.text


def test_it_ignores_a_need_that_someone_else_runs(supervise, waiting_job):
    supervisor = supervise(waiting_job("web", needs=("postgres",)))
    supervisor.start()
    assert supervisor.jobs[0].ready


def test_it_waits_for_a_step_and_skips_one_with_nothing_to_do(supervise, waiting_job, tmp_path):
    done = tmp_path / "done"
    step = Job(
        "migrate", python("import sys; open(sys.argv[1], 'a').write('x')", str(done)), {}, once=True, skip=done.exists
    )
    supervise(step, waiting_job("web", needs=("migrate",))).start()
    assert done.read_text() == "x"
    again = Job("migrate", step.command, {}, once=True, skip=done.exists)
    supervise(again).start()
    assert done.read_text() == "x"


def test_it_shows_the_end_of_the_log_of_what_fails(supervise, waiting_job):
    job = waiting_job("web")
    job.command = python("print('no such table'); raise SystemExit(3)")
    with pytest.raises(Problem, match=r"web ended while starting \(exit code 3\)(.|\n)*no such table"):
        supervise(job).start()


def test_it_gives_up_on_what_never_answers(supervise, waiting_job):
    job = waiting_job("web", start_seconds=0.3)
    job.command = python("import signal; signal.pause()")
    with pytest.raises(Problem, match=r"web was not ready after 0 s: it has not said so"):
        supervise(job).start()


def test_it_names_a_command_that_is_not_there(supervise):
    with pytest.raises(Problem, match=r"web cannot be started: /no/such/program"):
        supervise(Job("web", ["/no/such/program"], {})).start()


def test_it_restarts_what_crashes_and_says_so(supervise, waiting_job, lines):
    supervisor = supervise(waiting_job("worker"))
    supervisor.start()
    job = supervisor.jobs[0]
    first = job.process.pid
    job.process.kill()
    deadline = time.monotonic() + 20
    supervisor.watch(until=lambda: (job.ready and job.process.pid != first) or time.monotonic() > deadline)
    assert "worker ended (killed by SIGKILL); starting it again in 2 s" in lines.text
    assert alive(job.process.pid) and not alive(first)


def test_it_stops_what_others_need_last(supervise, waiting_job, tmp_path):
    order = tmp_path / "order"
    code = (
        "import pathlib, signal, sys\n"
        "def end(*_): open(sys.argv[2], 'a').write(sys.argv[3] + ' '); raise SystemExit\n"
        "signal.signal(signal.SIGTERM, end); pathlib.Path(sys.argv[1]).write_text('up'); signal.pause()"
    )
    postgres, web = waiting_job("postgres"), waiting_job("web", needs=("postgres",))
    for job in (postgres, web):
        job.command = python(code, str(tmp_path / f"{job.name}.up"), str(order), job.name)
    supervisor = supervise(postgres, web)
    supervisor.start()
    pids = [job.process.pid for job in supervisor.jobs]
    supervisor.stop()
    assert order.read_text().split() == ["web", "postgres"]
    assert not any(map(alive, pids))


def test_it_kills_what_does_not_stop_and_all_of_its_group(supervise, waiting_job, tmp_path):
    child = tmp_path / "child"
    stubborn = waiting_job("web", stop_seconds=0.3)
    stubborn.command = python(
        "import pathlib, signal, subprocess, sys\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "pathlib.Path(sys.argv[2]).write_text(str(subprocess.Popen(['sleep', '600']).pid))\n"
        "pathlib.Path(sys.argv[1]).write_text('up')\n"
        "while True: signal.pause()",
        str(tmp_path / "web.up"),
        str(child),
    )
    supervisor = supervise(stubborn)
    supervisor.start()
    supervisor.stop()
    deadline = time.monotonic() + 5
    while alive(int(child.read_text())) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(int(child.read_text()))


def test_it_stops_when_asked_by_a_signal(supervise, waiting_job):
    supervisor = supervise(waiting_job("web"))
    with handling_signals(supervisor):
        supervisor.start()
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Stopped):
            supervisor.watch()


KILLED = """
import sys
from pathlib import Path
from launcher.place import Place
from launcher.supervisor import Job, Supervisor
from launcher.terminal import Terminal
home = Path(sys.argv[1])
jobs = [Job("web", ["sleep", "600"], {"PATH": "/usr/bin:/bin"})]
supervisor = Supervisor(jobs, Place(home, home, None), Terminal(quiet=True))
supervisor.start()
print(supervisor.jobs[0].process.pid, flush=True)
supervisor.watch()
"""


def test_it_leaves_nothing_behind_when_it_is_killed(tmp_path):
    with subprocess.Popen(python(KILLED, str(tmp_path)), cwd=ROOT, stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout
        pid = int(supervisor.stdout.readline())
        assert alive(pid)
        supervisor.kill()
    deadline = time.monotonic() + 10
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(pid)


def test_it_goes_on_when_the_disk_is_full(supervise, waiting_job, place, terminal, monkeypatch):
    monkeypatch.setattr("launcher.supervisor.LOG_MAX_BYTES", 1000)
    supervisor = supervise(waiting_job("web"), waiting_job("worker"))
    supervisor.on_change = lambda: running.write(Plan(place, {}), "up", os.getpid(), supervisor.jobs)
    supervisor.start()
    worker, log, full = supervisor.jobs[1], place.logs / "web.log", Path("/dev/full")
    first = worker.process.pid
    log.write_bytes(b"x" * 2000)
    for kept in (place.logs / "web.log.1", place.home / "running.new"):
        kept.symlink_to(full)
    worker.process.kill()
    deadline = time.monotonic() + 20
    with io.FileIO(full, "w") as raw:
        terminal.stream = io.TextIOWrapper(raw, write_through=True)
        supervisor.watch(until=lambda: (worker.ready and worker.process.pid != first) or time.monotonic() > deadline)
    assert worker.process.pid != first and all(alive(job.process.pid) for job in supervisor.jobs)
    assert log.stat().st_size == 2000


def test_it_outlives_the_terminal_when_it_was_started_so(supervise, waiting_job):
    supervisor = supervise(waiting_job("web"))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with handling_signals(supervisor):
            os.kill(os.getpid(), signal.SIGHUP)
            assert not supervisor.stopping
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        with handling_signals(supervisor):
            os.kill(os.getpid(), signal.SIGHUP)
            assert supervisor.stopping
    finally:
        signal.signal(signal.SIGHUP, before)


def test_it_keeps_the_log_of_the_start_before(supervise, waiting_job, place):
    place.folder("logs")
    (place.logs / "web.log").write_text("from last time")
    supervise(waiting_job("web")).start()
    assert (place.logs / "web.log.1").read_text() == "from last time"
    assert (place.logs / "web.log").read_text() == ""


def test_it_cuts_a_log_that_grows_too_long(supervise, waiting_job, place, monkeypatch):
    monkeypatch.setattr("launcher.supervisor.LOG_MAX_BYTES", 1000)
    supervisor = supervise(waiting_job("web"))
    supervisor.start()
    log = place.logs / "web.log"
    log.write_bytes(b"x" * 2000)
    supervisor.watch(until=lambda: log.stat().st_size == 0)
    assert (place.logs / "web.log.1").stat().st_size == 2000
