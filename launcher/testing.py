"""Real services for a test session: a state folder of its own, free ports, nothing of the person's `.env`."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from launcher import assets, machine, runtime, services
from launcher.place import Place, open_place
from launcher.plan import PASSED_ON, REGISTRY_NAMES, Plan
from launcher.problem import Problem
from launcher.supervisor import Supervisor
from launcher.terminal import Terminal
from launcher.up import FIRST_TEMPLATES

# Models and sandboxes answer at once, unless a test asks for a pace.
FAST = {
    "WEB_PROCESSES": "1",
    "SIGN_INS_PER_MINUTE": "10000",
    "DEMO_MODEL_TOKENS_PER_SECOND": "4000",
    "DEMO_MODEL_FIRST_TOKEN_MS": "10",
}


@dataclass(frozen=True)
class Session:
    """The backing services of a test session; `environment` is what Django processes need to reach them.

    `supervisor` has the services' processes, in the process that started them.
    """

    place: Place
    environment: dict[str, str]
    supervisor: Supervisor | None = None


def prepare(terminal: Terminal) -> Place:
    """Runtime, assets and templates, shared with `bin/up`; one process at a time makes them.

    Where assets or templates cannot be made (no network), it says so and the tests that need them fail; others run.
    """
    place = open_place(os.environ)
    lock = place.lock("prepare", wait=True)
    machine.check_disk(place)
    plan = Plan(place, _given(), port=machine.free_port(_first_port()))
    machine.check_bubblewrap(plan, terminal)
    runtime.prepare(place, terminal)
    for make in (partial(assets.prepare, place, os.environ, terminal), partial(_prepare_templates, plan, terminal)):
        try:
            make()
        except Problem as problem:
            terminal.always(f"Note: {problem}")
    if lock is not None:
        os.close(lock)
    return place


@contextmanager
def backing_services(terminal: Terminal, throwaway: bool = True) -> Iterator[Session]:
    """PostgreSQL, Valkey, sandbox host and demo model, for as long as the block runs.

    `throwaway`: the database writes nothing that must survive a power cut. Figures want it as it really is.
    """
    shared = prepare(terminal)
    _remove_dead_sessions(shared)
    home = shared.folder("test", str(os.getpid()))
    (home / "static").mkdir()
    for name in ("runtime", "templates"):
        shared.folder(name)
        (home / name).symlink_to(shared.home / name)
    place = Place(shared.root, home, shared.server_user)
    plan = Plan(place, _given(), port=machine.free_port(_first_port()), throwaway=throwaway)
    supervisor = Supervisor(services.backing_jobs(plan), place, terminal)
    try:
        supervisor.start()
        yield Session(place, plan.environment(), supervisor)
    finally:
        supervisor.stop()
        shutil.rmtree(home, ignore_errors=True)


def application(session: Session, name: str, changes: Mapping[str, str]) -> tuple[Plan, Supervisor]:
    """A site (web, worker, beat) on the session's services, not started; `changes` are to its environment."""
    home = session.place.folder(name)
    if not (home / "runtime").exists():
        (home / "runtime").symlink_to(session.place.runtime)
    place = Place(session.place.root, home, session.place.server_user)
    port = machine.free_port(_first_port())
    given = session.environment | {"SITES_DOMAIN": f"sites.localhost:{port}"} | dict(changes)
    plan = Plan(place, given, port=port)
    jobs = [job for job in services.application_jobs(plan) if job.name != "flower"]
    return plan, Supervisor(jobs, place, Terminal(quiet=True))


def chromium(terminal: Terminal) -> Path | None:
    """The browser that tests drive; installed by apt where that is ours to do. None: browser tests cannot run."""
    found = _find_chromium()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        machine.install_by_apt("chromium", terminal)
        found = _find_chromium()
    return found


def _find_chromium() -> Path | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((Path(path) for path in map(shutil.which, names) if path), None)


def _given() -> dict[str, str]:
    """No keys and no addresses of the person's: a test must never cost money or touch a real database."""
    kept = (*REGISTRY_NAMES, "DEMO_MODEL_", "SANDBOX_")
    given = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith(kept)}
    return FAST | given | {"SECRET_KEY": secrets.token_urlsafe(48)}


def _first_port() -> int:
    """Spread, so that sessions started together do not look at the same ports."""
    return 20000 + os.getpid() * 40 % 30000 + secrets.randbelow(4) * 10


def _remove_dead_sessions(place: Place) -> None:
    folder = place.folder("test")
    for home in folder.iterdir():
        if not (home.name.isdecimal() and Path(f"/proc/{home.name}").exists()):
            shutil.rmtree(home, ignore_errors=True)


def _prepare_templates(plan: Plan, terminal: Terminal) -> None:
    supervisor = Supervisor([services.template_job(plan, FIRST_TEMPLATES)], plan.place, terminal)
    try:
        supervisor.start()
    finally:
        supervisor.stop()


def described() -> Session:
    """The environment without the services: enough to read settings and collect tests."""
    place = open_place(os.environ)
    return Session(place, Plan(place, _given()).environment())


def current() -> Session:
    """The session whose environment this process has."""
    return Session(open_place(os.environ), dict(os.environ))


def run_in_environment(command: list[str]) -> int:
    """Run a checking tool with an environment that settings can be read from; no service needs to be there."""
    place = open_place(os.environ)
    return subprocess.run(command, env={**os.environ, **Plan(place, _given()).environment()}).returncode
