"""Celery tasks: a run's id comes in, the lease decides who works. Safe to deliver twice or not at all."""

import contextlib
import logging
import threading
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

from celery import current_app, shared_task
from celery.signals import worker_ready, worker_shutting_down
from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import User
from agents import about, aio, catalogue, edits, lease, memory, pictures, previews, runs, sandbox, services
from agents.box import REPAIR_SECONDS
from agents.models import Run, Sandbox
from projects.models import Project, Version
from projects.paths import BadFiles

log = logging.getLogger(__name__)
# A queued run that no worker answered for this long is rung again.
RING_AGAIN_SECONDS = 15
# Set when this process was told to stop: it takes no run any more, least of all the ones it has just handed back.
_leaving = threading.Event()
PICTURE_TRIES = 3
_pictures = threading.BoundedSemaphore(2)


@shared_task
def run_agent(run_id: str) -> None:
    """Works on a run if it is due; otherwise another worker has it, or it is over."""
    from agents import loop

    if _leaving.is_set():  # it still hears the bell; another worker answers, or the sweeper rings again
        return
    fence = runs.claim(UUID(run_id), settings.LEASE_SECONDS)
    if fence is None:
        return
    began = time.monotonic()
    try:
        with about.working_on(run=run_id, project=str(fence.project_id)), lease.held(lease.Lease(fence)) as held:
            log.info("began to work on the run")
            if loop.run_agent(held):
                services.take_picture(fence.project_id)
            log.info("worked on the run for %.1f s", time.monotonic() - began)
        for following in runs.due_after(fence.project_id):
            services.ring(following)
    except runs.LeaseLost:
        log.info("run %s went to another worker", run_id)
    finally:
        connection.close()


@shared_task
def sweep() -> int:
    """Rings again for runs that wait too long and for runs whose worker is gone; how many."""
    late = Now() - timedelta(seconds=RING_AGAIN_SECONDS)
    waiting = Q(state=Run.State.QUEUED, rung__lt=late)
    left = Q(state=Run.State.RUNNING, lease_until__lt=Now())
    due = list(Run.objects.filter(waiting | left).order_by("rung")[:500])
    Run.objects.filter(pk__in=[run.pk for run in due]).update(rung=Now())
    for run in due:
        services.ring(run)
    # However a project was deleted: nothing works for it any more.
    edits.stop_runs(Run.objects.filter(project__deleted__isnull=False))
    connection.close()
    return len(due)


@shared_task
def stop_suspended() -> int:
    """However somebody was suspended: stops their runs, then ends their sandboxes, and those of who is gone; how many
    of both.
    """
    theirs = Project.objects.filter(owner__in=User.objects.filter(is_active=False))
    working = list(Run.objects.filter(project__in=theirs, state__in=Run.ACTIVE).values_list("pk", flat=True))
    edits.stop_runs(Run.objects.filter(pk__in=working))
    stopped = len(working)
    left = Sandbox.objects.filter(Q(project__in=theirs) | Q(project=None)).exclude(project__runs__state__in=Run.ACTIVE)
    for row in left[:100]:
        _kill(row)
        stopped += 1
    connection.close()
    return stopped


@shared_task
def kill_sandboxes(ids: list[str]) -> None:
    """Ends sandboxes whose rows are gone with their owner: asked by web processes of the version before."""
    for sandbox_id in ids:
        _kill(Sandbox(sandbox_id=sandbox_id))


def _kill(row: Sandbox) -> None:
    try:
        sandbox.kill(row)
    except sandbox.DOWN as error:
        log.warning("sandbox %s was not ended: %s", row.sandbox_id, error)


@shared_task
def pause_idle_sandboxes() -> int:
    """Puts to sleep the sandboxes nobody looks at; how many."""
    rows = sandbox.idle(settings.SANDBOX_IDLE_SECONDS)
    for row in rows:
        try:
            sandbox.pause(row)
        except sandbox.DOWN as error:
            log.warning("sandbox %s was not paused: %s", row.sandbox_id, error)
    connection.close()
    return len(rows)


@shared_task
def open_preview(project_id: str, restart: bool = False, repair: bool = False) -> None:
    """Resumes or rebuilds a project's sandbox, sees to its dev server, and tells the page."""
    project = Project.objects.get(pk=project_id)
    try:
        box = sandbox.ensure(project)
        if repair:
            aio.run(box.repair(), REPAIR_SECONDS + 10)
        answers = aio.run(box.serve(restart), 60)
        data: dict[str, object] = {
            "state": "ready" if answers else "failed",
            "url": previews.url(box),
            "port": box.framework.port,
        }
    except (sandbox.SandboxUnavailable, TimeoutError, *sandbox.DOWN) as error:
        data = {"state": "failed", "url": None, "port": None, "detail": str(error)}
    runs.note(project.pk, "preview", data)
    if data["state"] == "ready":
        services.take_picture(project.pk)
    connection.close()


@shared_task(bind=True, max_retries=100)
def take_picture(self: Any, project_id: str, tries: int = PICTURE_TRIES) -> None:
    """Takes the picture of a project's newest version. Two at a time in a process; a third comes back later."""
    if not _pictures.acquire(blocking=False):
        raise self.retry(countdown=3)
    try:
        if project := Project.objects.filter(pk=project_id, deleted__isnull=True).first():
            pictures.take(project)
    except pictures.NotSeen as problem:
        log.info("no picture of project %s: %s", project_id, problem)
        if tries > 1:
            self.apply_async((project_id, tries - 1), countdown=30)
    finally:
        _pictures.release()
        connection.close()


@shared_task
def open_version(project_id: str, number: int) -> None:
    """Runs an old version beside the project's sandbox, to be looked at. A project has one such sandbox at a time."""
    version = Version.objects.select_related("project").get(project_id=project_id, number=number)
    try:
        box = sandbox.beside(version)
        answers = aio.run(box.serve(), 60)
        data: dict[str, object] = {"state": "ready" if answers else "failed", "url": previews.url(box)}
    except (sandbox.SandboxUnavailable, TimeoutError, *sandbox.DOWN) as error:
        data = {"state": "failed", "url": None, "detail": str(error)}
    runs.note(version.project_id, "preview", {**data, "port": None, "version": number})
    connection.close()


@shared_task
def keep_files(project_id: str) -> None:
    """Makes a version of what was changed in a sandbox by hand, and tells the page."""
    project = Project.objects.get(pk=project_id)
    try:
        files = aio.run(sandbox.ensure(project).snapshot(), 120)
        made = edits.keep(project, files)
        text = f"Kept as version {made.number}." if made else "Nothing has changed since the last version."
    except (BadFiles, services.NotNow, sandbox.SandboxUnavailable, TimeoutError, *sandbox.DOWN) as error:
        text = f"Nothing was kept. {error}"
    runs.note(project.pk, "preview", {"state": "ready", "url": None, "port": None, "kept": text})
    connection.close()


@shared_task
def close_preview(project_id: str) -> None:
    """Puts a project's sandbox to sleep because its user said so."""
    for row in Sandbox.objects.filter(project_id=project_id, paused=False):
        sandbox.pause(row)
        runs.note(UUID(project_id), "preview", {"state": "paused", "url": previews.url(row), "port": None})
    connection.close()


@worker_ready.connect
def begin(**_: object) -> None:
    """A worker for runs sweeps once, and imports what runs need; a run waits for that before it takes a lease."""
    if "runs" in current_app.amqp.queues.consume_from:
        threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()
        sweep.delay()


def _warm_up() -> None:
    from agents import asking, loop  # noqa: F401
    from agents.llm import providers

    with contextlib.suppress(providers.NoProvider):
        asking.wire(providers.source(catalogue.MEDIUM).provider.protocol)
    memory.settle()


@worker_shutting_down.connect
def hand_back(**_: object) -> None:
    """A worker that is told to stop gives its runs to the next one, at the step where they are."""
    _leaving.set()
    for held in lease.all_held():
        runs.hand_back(held.fence)
        held.interrupt(lost=True)
        services.ring(Run(pk=held.fence.run_id))
