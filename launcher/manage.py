"""`bin/manage`: Django's manage.py in the services' environment, with a database whether or not `bin/up` runs."""

import os
import sys

from launcher import machine, running, runtime, services
from launcher.beside import make_ready, run_beside
from launcher.plan import Plan
from launcher.supervisor import Job
from launcher.terminal import Terminal
from launcher.up import here, jobs

# Django commands that read no data: nothing is started for them.
WITHOUT_DATABASE = frozenset(
    {
        "",
        "help",
        "version",
        "check",
        "makemigrations",
        "collectstatic",
        "diffsettings",
        "spectacular",
        "makemessages",
        "benchmark",
        "sandboxhost",
        "templates",
    }
)
# Those among them that need what sandboxes are made of.
WITH_RUNTIME = frozenset({"sandboxhost", "templates"})

# Those that want the whole site.
WITH_EVERYTHING = frozenset({"evaluate"})


def main(arguments: list[str]) -> int:
    terminal = Terminal(sys.stderr, quiet=True)
    place, given = here(terminal)
    command = [sys.executable, str(place.root / "manage.py"), *arguments]
    name = next((argument for argument in arguments if not argument.startswith("-")), "")
    if name in WITHOUT_DATABASE or "--help" in arguments or "-h" in arguments:
        if name in WITH_RUNTIME:
            runtime.prepare(place, terminal)
        note = running.read(place)
        plan = note.plan(place, given) if note else Plan(place, given)
        os.execve(sys.executable, command, plan.environment())
    if name in WITH_EVERYTHING:
        if running.read(place) is None:
            print("Starting Vibe's services ...", file=sys.stderr)
            make_ready(place, given, terminal)
        return run_beside(place, given, terminal, "manage", jobs, command)
    machine.check_disk(place)
    runtime.prepare(place, terminal)
    return run_beside(place, given, terminal, "manage", _jobs if name != "migrate" else _servers, command)


def _servers(plan: Plan) -> list[Job]:
    return [job for job in services.backing_jobs(plan) if job.name in ("postgres", "valkey")]


def _jobs(plan: Plan) -> list[Job]:
    return [*_servers(plan), services.migrate_job(plan)]
