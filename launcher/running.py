"""The note a running supervisor leaves in the state folder, for `--status`, `bin/manage` and a second `bin/up`."""

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from launcher.place import Place
from launcher.plan import Plan
from launcher.supervisor import Job


@dataclass
class Note:
    """Who runs, on which addresses, with which processes (name → pid)."""

    pid: int
    command: str
    host: str
    port: int
    flower: bool
    pids: dict[str, int] = field(default_factory=dict)
    web_processes: int = 1

    def plan(self, place: Place, given: Mapping[str, str]) -> Plan:
        given = {**given, "WEB_PROCESSES": str(self.web_processes)}
        return Plan(place, given, host=self.host, port=self.port, flower=self.flower)


def write(plan: Plan, command: str, pid: int, jobs: list[Job]) -> None:
    """On a full disk the note stays as it was: who asks by it sees less than there is, and nothing stops for that."""
    pids = {job.name: job.process.pid for job in jobs if job.process is not None and not job.once}
    note = Note(pid, command, plan.host, plan.port, plan.flower, pids, plan.web_processes)
    temporary = _path(plan.place).with_suffix(".new")
    with contextlib.suppress(OSError):
        temporary.write_text(json.dumps(asdict(note)))
        temporary.rename(_path(plan.place))


def clear(place: Place) -> None:
    _path(place).unlink(missing_ok=True)


def read(place: Place) -> Note | None:
    """The note of the supervisor that runs now. A note without one, left by a killed supervisor, counts as none."""
    handle = place.lock("up")
    if handle is not None:
        os.close(handle)
        return None
    try:
        return Note(**json.loads(_path(place).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _path(place: Place) -> Path:
    return place.home / "running.json"
