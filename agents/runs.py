"""The only writer of Run and Step. Every write is conditional; a writer that lost its lease writes nothing.

The fence, the two counters and the insert are one statement, so the order of `cursor` is the order of commits and a
reader that asks for `cursor > n` never misses a row.
"""

import json
import os
import socket
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from django.db.models import QuerySet, Subquery
from django.db.models.functions import Now
from pydantic_core import to_json

from accounts import prepared
from agents import events
from agents.batches import Batches
from agents.models import Run, Step
from agents.packing import packed
from projects.models import Project

# Leases lost in a row, without a new step in between, before a run counts as one that kills its workers.
MAX_DEATHS = 3
# From so many on it may be the one that does: a worker has one such run at a time, so that what dies with it is known.
SUSPECT_DEATHS = 2
# Leases of one run in all. A database that is away counts as no death, but does not go on for ever either.
MAX_LEASES = 100
# Runs rung when one ends; the sweeper finds the others.
DUE_RUNS = 5
# Classes of PostgreSQL's errors by which a connection ends or is refused (appendix A of its manual): connection
# exceptions, and a server that is told to stop, crashed or starts.
AWAY = ("08", "57P")
NUL = r"\u0000"


class LeaseLost(Exception):
    """Another worker has the run, or it is over. Stop at once and write nothing."""


def is_away(error: Exception) -> bool:
    """Whether the database is, or was for a moment, not there; not so when it refused or ended a statement."""
    state = getattr(error.__cause__, "sqlstate", None)
    return isinstance(error, OperationalError) and (not state or state.startswith(AWAY))


@dataclass(frozen=True)
class Fence:
    """The right to write a run's log: its id and the token of the lease; `stopped`: only to bring it to its end."""

    run_id: UUID
    project_id: UUID
    token: int
    stopped: bool = False


def owner_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


# One user's claims one after the other, and a worker's of runs that died with one: two at once would not see, and so
# not count, each other. No row is locked for it, so that nothing else has to wait, or waits the other way round.
ALONE = """
SELECT pg_advisory_xact_lock(hashtextextended('claims of ' || project.owner_id, 0)),
    CASE WHEN run.deaths > 0 THEN pg_advisory_xact_lock(hashtextextended('suspects of ' || %(owner)s, 0)) END
FROM agents_run AS run JOIN projects_project AS project ON project.id = run.project_id WHERE run.id = %(run)s
"""
CLAIM = """
UPDATE agents_run AS run SET state = 'running', lease_token = lease_token + 1, lease_owner = %(owner)s,
    lease_until = now() + %(seconds)s * interval '1 second', started = coalesce(started, now()),
    deaths = CASE WHEN state = 'running' THEN deaths + 1 ELSE deaths END
WHERE id = %(run)s AND (state = 'queued' OR (state = 'running' AND lease_until < now()))
    AND NOT EXISTS (SELECT 1 FROM agents_run AS other WHERE other.project_id = run.project_id
        AND other.state IN ('queued', 'running', 'waiting') AND other.created < run.created)
    AND (SELECT count(*) FROM agents_run AS other JOIN projects_project AS project ON project.id = other.project_id
        WHERE other.state = 'running' AND other.id <> run.id AND project.owner_id =
            (SELECT owner_id FROM projects_project WHERE id = run.project_id)) < %(at_once)s
    AND (deaths + (state = 'running')::int < %(suspect)s OR NOT EXISTS (SELECT 1 FROM agents_run AS other
        WHERE other.state = 'running' AND other.lease_owner = %(owner)s AND other.lease_until > now()
        AND other.deaths >= %(suspect)s AND other.id <> run.id))
RETURNING project_id, lease_token, cancel_requested
"""


def claim(run_id: UUID, seconds: float) -> Fence | None:
    """Takes the lease of a run that is due: queued and first in its project, or left by a dead worker.

    Nobody has more than RUNS_PER_USER at once, so that one user's many leave workers for another's one. Nor has a
    worker more than one run that may be what kills its workers: all that die beside it would count as such.
    """
    facts = {"run": run_id, "owner": owner_name(), "seconds": seconds}
    facts |= {"at_once": settings.RUNS_PER_USER, "suspect": SUSPECT_DEATHS}
    try:
        with transaction.atomic(), prepared.cursor() as cursor:
            cursor.execute(ALONE, facts)
            cursor.execute(CLAIM, facts)
            row = cursor.fetchone()
    except IntegrityError:  # another run of the project was claimed in the same moment
        return None
    return Fence(run_id, *row) if row else None


def extend(fence: Fence, seconds: float) -> bool:
    """Renews the lease; says whether the user asked to stop. Raises LeaseLost."""
    with prepared.cursor() as cursor:
        cursor.execute(
            "UPDATE agents_run SET lease_until = now() + %s * interval '1 second'"
            " WHERE id = %s AND lease_token = %s AND state = 'running' RETURNING cancel_requested",
            [seconds, fence.run_id, fence.token],
        )
        row = cursor.fetchone()
    if row is None:
        raise LeaseLost
    return bool(row[0])


def stop_wanted(fence: Fence) -> bool:
    """Whether the user asked to stop. Raises LeaseLost."""
    with prepared.cursor() as cursor:
        cursor.execute(
            "SELECT cancel_requested FROM agents_run WHERE id = %s AND lease_token = %s AND state = 'running'",
            [fence.run_id, fence.token],
        )
        row = cursor.fetchone()
    if row is None:
        raise LeaseLost
    return bool(row[0])


def hand_back(fence: Fence) -> None:
    """Gives a lease up so that another worker goes on at once (a worker that shuts down). The bell counts as long
    silent: should the one that leaves hear it, the sweeper rings again at its next round.
    """
    _own(fence).update(state=Run.State.QUEUED, lease_until=None, rung=Now() - timedelta(minutes=1))


# Each gives what INSERT numbers the steps of one call by: how many they are, the last seq and cursor of theirs. No run,
# no seq: 0.
APPEND = """
WITH fence AS (
    UPDATE agents_run SET last_seq = last_seq + CASE WHEN cancel_requested THEN %(least)s ELSE %(count)s END,
        deaths = 0, usage = coalesce(%(usage)s::jsonb, usage), cost = cost + %(cost)s
    WHERE id = %(run)s AND lease_token = %(token)s AND state = 'running'
    RETURNING project_id, last_seq AS seq, cancel_requested,
        CASE WHEN cancel_requested THEN %(least)s ELSE %(count)s END AS count
), project AS (
    UPDATE projects_project AS project SET cursor = project.cursor + fence.count FROM fence
    WHERE project.id = fence.project_id RETURNING project.id, project.cursor, fence.seq, fence.count
)
"""
# Locks in the same order as APPEND, run before project, so that the two never wait for each other.
NOTE = """
WITH fence AS (
    UPDATE agents_run SET last_seq = last_seq + %(count)s WHERE id = %(run)s RETURNING last_seq, cancel_requested
), project AS (
    UPDATE projects_project SET cursor = cursor + %(count)s, updated = now()
    FROM (SELECT max(last_seq) AS seq FROM fence) AS run
    WHERE id = %(project)s RETURNING id, cursor, coalesce(run.seq, 0) AS seq, %(count)s AS count
)
"""
INSERT = """
INSERT INTO agents_step (project_id, run_id, cursor, seq, type, key, data, record, at)
SELECT id, %(run)s, cursor - count + place, CASE seq WHEN 0 THEN 0 ELSE seq - count + place END,
    type, key, data, record, clock_timestamp()
FROM project, ROWS FROM (json_to_recordset(%(steps)s::json) AS (type text, key text, data jsonb, record jsonb))
    WITH ORDINALITY AS step (type, key, data, record, place)
WHERE place <= count
RETURNING run_id, id, cursor, seq, at, (SELECT cancel_requested FROM fence)
"""
# APPEND and INSERT for several runs at once. It waits for no lock, so that no run is held up by another's and no two
# can wait for each other: what somebody else holds at this moment is left out, and then written by itself.
APPEND_EACH = """
WITH want AS (
    SELECT * FROM json_to_recordset(%(entries)s::json)
        AS want (run uuid, token int, usage jsonb, cost bigint, least int, steps json)
), free AS (
    SELECT run.project_id, want.*,
        CASE WHEN run.cancel_requested THEN least ELSE json_array_length(steps) END AS count
    FROM want JOIN agents_run AS run ON run.id = want.run AND run.lease_token = want.token AND run.state = 'running'
        JOIN projects_project AS project ON project.id = run.project_id
    FOR NO KEY UPDATE OF run, project SKIP LOCKED
), fence AS (
    UPDATE agents_run AS run SET last_seq = last_seq + free.count, deaths = 0,
        usage = coalesce(free.usage, run.usage), cost = run.cost + free.cost
    FROM free WHERE run.id = free.run
    RETURNING run.id, run.project_id, run.last_seq AS seq, run.cancel_requested, free.count, free.steps
), project AS (
    UPDATE projects_project AS project SET cursor = project.cursor + fence.count FROM fence
    WHERE project.id = fence.project_id
    RETURNING project.id, fence.id AS run, project.cursor, fence.seq, fence.count, fence.steps
)
INSERT INTO agents_step (project_id, run_id, cursor, seq, type, key, data, record, at)
SELECT id, run, cursor - count + place, seq - count + place, step.type, step.key, step.data, step.record,
    clock_timestamp()
FROM project, ROWS FROM (json_to_recordset(project.steps) AS (type text, key text, data jsonb, record jsonb))
    WITH ORDINALITY AS step (type, key, data, record, place)
WHERE place <= count
RETURNING run_id, id, cursor, seq, at, (SELECT cancel_requested FROM fence WHERE fence.id = run_id)
"""


class Spent(NamedTuple):
    """What one call of a model took: tokens by kind and micro-credits, for the run's sums. `run.usage` is as stored."""

    run: Run
    usage: dict[str, int]
    cost: int


def append(fence: Fence, type: str, data: dict[str, Any], key: str = "", record: Any = None) -> Step:
    """Adds a step to the run's log and publishes it after the commit. Raises LeaseLost.

    `key` may occur once per run and type; `record` is what a resumed run needs and no page sees.
    """
    step = Step(project_id=fence.project_id, run_id=fence.run_id, type=type, key=key, data=data, record=record)
    append_all(fence, [step])
    return step


def append_all(fence: Fence, steps: list[Step], spent: Spent | None = None, least: int = 0) -> bool:
    """Adds steps, in this order, by one statement, which gives them their numbers; whether the user asked to stop.

    As `append`. `spent`: what the call of a model took that they are about. `least`: the first so many of them are
    written although the user has asked to stop, the others then not, and so get no numbers (0: all). Raises LeaseLost.
    """
    entry = _Entry(fence, steps, _written(steps), least or len(steps))
    if spent:
        run, had = spent.run, spent.run.usage
        run.usage = {kind: had.get(kind, 0) + spent.usage.get(kind, 0) for kind in {*had, *spent.usage}}
        entry.usage, entry.cost = run.usage, spent.cost
    if not connection.in_atomic_block:
        _entries.put(entry)
    if entry.stop is None:
        usage = None if entry.usage is None else packed(entry.usage).decode()
        more = {"token": fence.token, "usage": usage, "cost": entry.cost}
        entry.stop = _insert(steps, entry.written, APPEND, entry.least, **more)
    return entry.stop


@dataclass(eq=False)
class _Entry:
    """Steps to be appended to a run's log, and their JSON, made by the run's own thread: what cannot be said in JSON is
    its own trouble. `stop`: whether its user asked to stop; None: it is not written.
    """

    fence: Fence
    steps: list[Step]
    written: str
    least: int
    usage: dict[str, int] | None = None
    cost: int = 0
    stop: bool | None = None


def _append_each(entries: list[_Entry]) -> None:
    """Writes what can be written at once. The others are left as they are: each is for its own thread to write."""
    firsts = {entry.fence.run_id: entry for entry in reversed(entries)}
    try:
        rows = _executed(APPEND_EACH, {"entries": f"[{','.join(map(_wanted, firsts.values()))}]"})
    except (DataError, IntegrityError):
        return  # one of them cannot be written, and is told so when it tries alone
    by_run: dict[UUID, list[Any]] = {}
    for row in rows:
        by_run.setdefault(row[0], []).append(row)
    for run_id, theirs in by_run.items():
        firsts[run_id].stop = _number(firsts[run_id].steps, theirs, firsts[run_id].least)
    written = [step for run_id in by_run for step in firsts[run_id].steps if step.pk]
    transaction.on_commit(partial(events.publish, written), robust=True)


def _wanted(entry: _Entry) -> str:
    about: dict[str, Any] = {"run": str(entry.fence.run_id), "token": entry.fence.token, "least": entry.least}
    about |= {"usage": entry.usage, "cost": entry.cost}
    return f'{packed(about).decode()[:-1]}, "steps": {entry.written}}}'


# More at once would make the first wait for the last. Who waits holds no connection: with all of the pool's in the
# hands of those that wait, the one that writes would get none.
_entries = Batches(_append_each, 25, let_go=lambda: connection.close())


def note(project_id: UUID, type: str, data: dict[str, Any], run_id: UUID | None = None) -> Step:
    """Adds a step that no worker writes: a user's message, a run's place in the queue, a version by hand."""
    return note_all(project_id, [(type, data)], run_id)[0]


def note_all(project_id: UUID, told: list[tuple[str, dict[str, Any]]], run_id: UUID | None) -> list[Step]:
    """Adds steps of these types and data, in this order, by one statement. As `note`."""
    steps = [Step(project_id=project_id, run_id=run_id, type=kind, data=data) for kind, data in told]
    _insert(steps, _written(steps), NOTE, len(steps), project=project_id)
    return steps


def _insert(steps: list[Step], written: str, numbering: str, least: int, **params: Any) -> bool:
    """Whether the run's user asked to stop. `written`: the steps' JSON. Raises LeaseLost."""
    values = {"run": steps[0].run_id, "count": len(steps), "steps": written, "least": least, **params}
    rows = _executed(numbering + INSERT, values)
    if not rows:
        raise LeaseLost
    stop = _number(steps, rows, least)
    transaction.on_commit(partial(events.publish, [step for step in steps if step.pk]), robust=True)
    return stop


def _written(steps: list[Step]) -> str:
    """Steps as JSON that jsonb takes: a model or a command may send NUL or half of a surrogate pair, which become
    U+FFFD. The steps' own `data` is from then on what was written, as other tables could not hold it either; `record`
    stays what the model really said, which its tools refuse.
    """
    values = [{"type": step.type, "key": step.key, "data": step.data, "record": step.record} for step in steps]
    try:
        text = to_json(values).decode()
        if NUL not in text:
            return text
    except ValueError:  # such a half, or nested deeper than it goes
        pass
    text = packed(_storable(values)).decode()
    for step, kept in zip(steps, json.loads(text), strict=True):
        step.data = kept["data"]
    return text


def _executed(sql: str, values: dict[str, Any]) -> list[Any]:
    # One statement: outside a transaction it is one, and what follows its commit follows at once.
    with prepared.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[Any] = cursor.fetchall()
        return rows


def _number(steps: list[Step], rows: list[Any], least: int) -> bool:
    """Gives steps their numbers, from the rows of one run; whether its user asked to stop: then only the first `least`
    of them were written.
    """
    rows.sort(key=itemgetter(2))
    stop = bool(rows[0][5])
    for step, row in zip(steps[:least] if stop else steps, rows, strict=True):
        step.pk, step.cursor, step.seq, step.at = row[1:5]
    return stop


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return [_storable(item) for item in value] if isinstance(value, list) else value


def finish(fence: Fence, state: str, reason: str = "", **fields: Any) -> None:
    """Ends the run; terminal is final. Raises LeaseLost when it is not ours to end."""
    if not _own(fence).update(state=state, reason=reason, lease_until=None, finished=Now(), **fields):
        raise LeaseLost


def wait(fence: Fence) -> bool:
    """Puts the run to wait for its user, holding no worker. False: they want it to stop. Raises LeaseLost."""
    with transaction.atomic():
        lock(fence)
        if stop_wanted(fence):
            return False
        append(fence, "state", {"state": Run.State.WAITING})
        _own(fence).update(state=Run.State.WAITING, lease_until=None)
    return True


def resume(run: Run) -> bool:
    """Queues a run that waited. False: it does not wait any more."""
    waiting = Run.objects.filter(pk=run.pk, state=Run.State.WAITING)
    return bool(waiting.update(state=Run.State.QUEUED, rung=Now()))


def lock(fence: Fence) -> None:
    """Locks the run's row until the transaction ends: the first lock of one that also touches the project."""
    with prepared.cursor() as cursor:
        cursor.execute(
            "SELECT FROM agents_run WHERE id = %s AND lease_token = %s AND state = 'running' FOR UPDATE",
            [fence.run_id, fence.token],
        )
        if not cursor.rowcount:
            raise LeaseLost


def end_unclaimed(run: Run, state: str, reason: str) -> bool:
    """Ends a run that no worker ever took. False: one did, or it is over."""
    ended = Run.objects.unbegun().filter(pk=run.pk).update(state=state, reason=reason, finished=Now())
    return bool(ended)


@prepared.rows
def due_after(project_id: UUID) -> "QuerySet[Run]":
    """Runs that may have waited for one of this project to end: the oldest queued ones of its owner, by their ids."""
    owner = Subquery(Project.objects.filter(pk=project_id).values("owner"))
    queued = Run.objects.filter(project__owner=owner, state=Run.State.QUEUED).order_by("created")
    return queued.only("pk")[:DUE_RUNS]


def _own(fence: Fence) -> Any:
    return Run.objects.filter(pk=fence.run_id, lease_token=fence.token, state=Run.State.RUNNING)
