"""Celery tasks: a run's id comes in, the lease decides who works. Safe to deliver twice or not at all."""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from celery import current_app, shared_task
from celery.signals import worker_ready, worker_shutting_down
from django.conf import settings
from django.db import OperationalError, connection
from django.db.models import Q
from django.db.models.functions import Now

from agents import about, catalogue, edits, lease, memory, pictures, runs, services
from agents.models import Run
from projects.models import Project

log = logging.getLogger(__name__)
# A queued run that no worker answered for this long is rung again.
RING_AGAIN_SECONDS = 15
# Set when this process was told to stop: it takes no run any more, least of all the ones it has just handed back.
_leaving = threading.Event()
PICTURE_TRIES = 3
_pictures = threading.BoundedSemaphore(2)
_builds = threading.BoundedSemaphore(2)


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
            try:
                is_changed = loop.run_agent(held)
            except OperationalError as error:
                if runs.is_away(error):
                    _hand_back_once_it_answers(held)
                raise
            if is_changed:
                services.take_picture(fence.project_id)
            else:
                services.catch_up(fence.project_id)
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
    """Stops what works for somebody who was suspended, and ends sandboxes whose owner is gone; how many of both."""
    return int(_chore("stop_suspended"))


@shared_task
def purge_deleted() -> int:
    """Each night, removes for good the projects that were deleted long enough ago; how many."""
    return int(_chore("purge_deleted"))


@shared_task
def kill_sandboxes(ids: list[str]) -> None:
    """Ends sandboxes whose rows are gone with their owner: asked by web processes of the version before."""
    _chore("kill_sandboxes", ids)


@shared_task
def pause_idle_sandboxes() -> int:
    """Puts to sleep the sandboxes nobody looks at; how many."""
    return int(_chore("pause_idle_sandboxes"))


@shared_task
def replace_sandboxes() -> int:
    """Ends sandboxes whose addresses others know and shall not, and opens others; how many."""
    return int(_chore("replace_sandboxes"))


@shared_task
def open_preview(project_id: str, restart: bool = False, repair: bool = False) -> None:
    _chore("open_preview", project_id, restart, repair)


@shared_task
def open_version(project_id: str, number: int) -> None:
    _chore("open_version", project_id, number)


@shared_task(bind=True, max_retries=None)
def build_site(self: Any, project_id: str) -> None:
    """Builds what is to go online. Two at a time in a process, as each takes minutes; a third comes back later."""
    with _place(self, _builds):
        _chore("build_site", project_id)


@shared_task
def keep_sites_up() -> int:
    """Asks again for sites that nobody builds, and gives up those that went with their worker; how many of both."""
    return int(_chore("keep_sites_up"))


@shared_task
def keep_files(project_id: str) -> None:
    _chore("keep_files", project_id)


@shared_task
def close_preview(project_id: str) -> None:
    _chore("close_preview", project_id)


def _chore(name: str, *args: Any) -> Any:
    # At first use: the SDK of sandboxes takes a third of a second, and beat, which only names tasks, imports this too.
    from agents import chores

    try:
        return getattr(chores, name)(*args)
    finally:
        connection.close()


@shared_task(bind=True, max_retries=None)
def take_picture(self: Any, project_id: str, tries: int = PICTURE_TRIES) -> None:
    """Takes the picture of a project's newest version. Two at a time in a process; a third comes back later."""
    try:
        with _place(self, _pictures):
            if project := Project.objects.filter(pk=project_id, deleted__isnull=True).first():
                pictures.take(project)
    except pictures.NotSeen as problem:
        log.info("no picture of project %s: %s", project_id, problem)
        if tries > 1:
            self.apply_async((project_id, tries - 1), countdown=30)
    finally:
        connection.close()


@contextlib.contextmanager
def _place(task: Any, places: threading.BoundedSemaphore) -> Iterator[None]:
    """One of a few places of this process; without one the task comes back later."""
    if not places.acquire(blocking=False):
        raise task.retry(countdown=3)
    try:
        yield
    finally:
        places.release()


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
        _hand_back(held)


def _hand_back(held: lease.Lease) -> None:
    runs.hand_back(held.fence)
    held.interrupt(lost=True)
    services.ring(Run(pk=held.fence.run_id))


def _hand_back_once_it_answers(held: lease.Lease) -> None:
    """What of the last step was written is read in the log by whoever takes the run over. Without this it would wait
    for the end of its lease, and count the database's absence as a death of its worker.
    """
    while not (held.lost or _leaving.is_set()):
        try:
            _hand_back(held)
        except OperationalError:
            connection.close()
            _leaving.wait(0.2)  # the pool may hold more connections that broke; without a database it waits itself
