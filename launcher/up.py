"""`bin/up`: start everything, say where it is, watch it, stop it."""

import argparse
import json
import os
import ssl
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from launcher import assets, machine, running, runtime, services
from launcher.asking import NoAnswer
from launcher.parties import check_parties
from launcher.place import ROOT, Place, open_place
from launcher.plan import Plan
from launcher.problem import Problem
from launcher.supervisor import Job, Stopped, Supervisor, handling_signals
from launcher.terminal import Terminal
from launcher.values import check_values, read_values

# What a first project needs; others are prepared when first used.
FIRST_TEMPLATES = ("html", "react")
# Where Debian and others keep them, if Python does not know.
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


def main(arguments: list[str]) -> int:
    options = _parse(arguments)
    terminal = Terminal(sys.stderr if options.json else sys.stdout)
    place, given = here(terminal)
    if options.status:
        return _status(place, given, terminal, as_json=options.json)
    if place.lock("up") is None:
        return _already_up(place, given, terminal, check=options.check)
    plan = Plan(place, given, host=options.host, port=options.port, flower=options.flower)
    supervisor = Supervisor([], place, terminal, lambda: running.write(plan, "up", os.getpid(), supervisor.jobs))
    with handling_signals(supervisor):
        try:
            began = time.monotonic()
            terminal.line(f"Vibe · state in {_shown(place.home)}")
            prepare(plan, terminal)
            supervisor.jobs = jobs(plan)  # not before: which binaries they run depends on what was prepared
            _list_outside(plan, terminal)
            supervisor.start()
            _say_ready(plan, terminal, time.monotonic() - began)
            if not options.check:
                supervisor.watch()
        except Stopped:
            terminal.line("Stopping ...")
        finally:
            supervisor.stop()
            running.clear(place)
    if supervisor.stopping or options.check:
        terminal.line("Stopped.")
    return 1 if options.check and supervisor.stopping else 0


def here(terminal: Terminal) -> tuple[Place, dict[str, str]]:
    """This checkout's place and the values given for it, checked. Raises Problem listing everything that is wrong."""
    given = read_values(ROOT / ".env", os.environ, lambda text: terminal.always(f"Note: {text}"))
    if problems := check_values(given):
        raise Problem("\nvibe: ".join(problems))
    # psycopg brings an OpenSSL of its own, which finds the system's certificates (sslrootcert=system) only if told.
    certificates = ssl.get_default_verify_paths().cafile or CERTIFICATES
    if Path(certificates).is_file():
        given.setdefault("SSL_CERT_FILE", certificates)
        os.environ.setdefault("SSL_CERT_FILE", given["SSL_CERT_FILE"])  # for what we ask ourselves
    return open_place(given), given


def jobs(plan: Plan) -> list[Job]:
    """Everything `bin/up` runs, steps included."""
    steps = [services.migrate_job(plan)]
    if plan.embeds_sandboxes:
        steps.append(services.template_job(plan, FIRST_TEMPLATES))
    return [*services.backing_jobs(plan), *steps, *services.application_jobs(plan)]


def prepare(plan: Plan, terminal: Terminal) -> None:
    """Everything that must be there before the first process starts. Quick when it is."""
    machine.check_disk(plan.place)
    machine.check_ports(plan)
    check_parties(plan.given, lambda text: terminal.always(f"Note: {text}"))
    machine.check_bubblewrap(plan, terminal)
    runtime.prepare(plan.place, terminal)
    assets.prepare(plan.place, plan.given, terminal)


def prepare_only(arguments: list[str]) -> int:
    """Runtime and assets, without starting anything (for tests and images)."""
    terminal = Terminal()
    place, given = here(terminal)
    machine.check_disk(place)
    runtime.prepare(place, terminal)
    assets.prepare(place, given, terminal)
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/up", description="Start Vibe and everything it needs; Ctrl-C stops it.")
    parser.add_argument("--host", default="127.0.0.1", help="address the site listens on (default: this machine only)")
    parser.add_argument("--port", type=_port, default=8000, help="port of the site; the three after it are used too")
    parser.add_argument("--flower", action="store_true", help="start Celery's monitor too")
    parser.add_argument("--check", action="store_true", help="start, wait until every service answers, stop")
    parser.add_argument("--status", action="store_true", help="ask the running services")
    parser.add_argument("--json", action="store_true", help="with --status: for programs")
    return parser.parse_args(arguments)


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65532:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; it must be a number from 1 to 65532")
    return int(text)


def _status(place: Place, given: Mapping[str, str], terminal: Terminal, *, as_json: bool) -> int:
    """Ask every service; 1 when one does not answer or nothing runs."""
    note = running.read(place)
    if note is None:
        print("[]" if as_json else "Vibe is not running. Start it with bin/up.")
        return 1
    plan = note.plan(place, given)
    rows = [_asked(job, None) for job in services.outside_jobs(plan)]
    for job in jobs(plan):
        if not job.once:
            pid = note.pids.get(job.name)
            # Of several web processes another one would answer.
            rows.append(_asked(job, pid) if pid else _down(job, "its process ended and is being started again"))
    if as_json:
        print(json.dumps(rows))
    else:
        for row in rows:
            terminal.row(
                str(row["service"]),
                str(row["version"]),
                str(row["address"]),
                f"{row['state']}  pid {row['pid'] or '-'}",
            )
    return 0 if all(row["state"] == "ok" for row in rows) else 1


def _asked(job: Job, pid: int | None) -> dict[str, object]:
    try:
        version = job.ask()
    except NoAnswer as answer:
        return _down(job, str(answer), pid)
    return {"service": job.name, "pid": pid, "address": job.address, "version": version, "state": "ok"}


def _down(job: Job, why: str, pid: int | None = None) -> dict[str, object]:
    about = {"service": job.name, "pid": pid, "address": job.address, "version": "", "state": "down"}
    return {**about, "detail": why}


def _already_up(place: Place, given: Mapping[str, str], terminal: Terminal, *, check: bool) -> int:
    note = running.read(place)
    if note is None:
        raise Problem("Vibe is just being started or stopped in another terminal. Try again in a moment.")
    if check:
        return _status(place, given, terminal, as_json=False)
    raise Problem(
        f"Vibe is already running here (bin/{note.command}, pid {note.pid}): http://localhost:{note.port}. "
        f"bin/up --status asks its services; to restart, stop that one first (Ctrl-C there, or kill {note.pid})."
    )


def _list_outside(plan: Plan, terminal: Terminal) -> None:
    for job in services.outside_jobs(plan):
        try:
            terminal.row(job.name, job.ask(), job.address, "yours")
        except NoAnswer as answer:
            raise Problem(f"{job.name} at {job.address} does not answer: {answer}.") from answer


def _say_ready(plan: Plan, terminal: Terminal, seconds: float) -> None:
    local = plan.host in ("127.0.0.1", "localhost", "::1")
    terminal.line()
    terminal.line(f"Ready in {seconds:.1f} s: http://{'localhost' if local else plan.host}:{plan.port}")
    if plan.embeds_model:
        terminal.line(
            "Apps are built by the demo model: scripted, not an AI. For a real one put ANTHROPIC_API_KEY=... into .env."
        )
    if plan.embeds_sandboxes and (plan.https or not local) and not plan.given.get("PREVIEW_DOMAIN"):
        terminal.line(
            "Note: previews open on this machine only, until PREVIEW_DOMAIN is a wildcard name that your proxy sends "
            f"to port {plan.port + 1} here. Apps that people put online need SITES_DOMAIN, one that it sends to "
            f"port {plan.port}."
        )
    if plan.flower:
        terminal.line(
            f"Flower asks for a password: user vibe, FLOWER_PASSWORD in {_shown(plan.place.home)}/secrets.env."
        )
    terminal.line(f"Logs are in {_shown(plan.place.logs)}. Ctrl-C stops everything.")


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
