"""The one gateway to sandboxes: E2B's official SDK, whoever answers (E2B's cloud or the embedded host).

A sandbox is a cache of a project's files with a dev server running. It is resumed when it sleeps and rebuilt from the
newest version when it is gone; `ensure` does either. Everything inside is treated as hostile.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, Protocol, TypeVar

import e2b
import httpx
from channels.db import database_sync_to_async
from django.conf import settings
from django.core.cache import cache
from django.db import IntegrityError, connection
from django.db.models import QuerySet
from django.db.models.functions import Now
from e2b_code_interpreter import AsyncSandbox

from agents import aio
from agents.about import span
from agents.box import ROOT, Box
from agents.models import Sandbox
from projects import versions
from projects.models import Project, Version

T = TypeVar("T")

# What the SDK raises when the sandbox is no longer there.
GONE = (e2b.SandboxNotFoundException, e2b.SandboxNotRunningException)
# What it raises when a command or a shell ended with another exit code than 0.
ENDED = e2b.CommandExitException
# What it raises when the host itself cannot be reached or cannot give us one.
DOWN = (e2b.SandboxException, e2b.AuthenticationException, httpx.HTTPError, OSError)

# The first sandbox of a template waits while the host prepares it: packages, a build, a try of the dev server.
PREPARING_SECONDS = 300
# What programs in a sandbox may reach: the package registries, and nothing else. Told nothing, E2B's cloud lets them
# reach everything; a host of our own adds the registries that its machine's npm and pip use.
WAYS_OUT: e2b.SandboxNetworkOpts = {
    "allow_out": ["registry.npmjs.org", "pypi.org", "files.pythonhosted.org"],
    "deny_out": [e2b.ALL_TRAFFIC],
}
# So long an old version can be looked at; then its sandbox ends.
BESIDE_SECONDS = 600
# A sandbox of a template that was never used before has to prepare it first.
OPENING_SECONDS = 310
# In which many questions at once are on their way to the models, and short answers are there.
OPENING_WAITS_SECONDS = 1.0
ENDING_SECONDS = 10
PATIENCE_SECONDS = 3  # after which a run says what it waits for
# One for each run of this process: most of them wait for a second, and then have nothing to open.
_openers = ThreadPoolExecutor(max(64, settings.CELERY_WORKER_CONCURRENCY), "sandbox")
# A sandbox, and the status of its start page once its dev server answers.
Opened = tuple[Box, Future[int] | None]


class Wait(Protocol):
    """Runs a coroutine from a thread, at most `seconds`: `aio.run`, or a lease's `wait`, which a stop interrupts."""

    def __call__(self, coro: Coroutine[Any, Any, T], seconds: float = 60) -> T: ...


class SandboxUnavailable(Exception):
    """No sandbox can be had. The text says why and what to do."""


def options() -> dict[str, Any]:
    """The SDK's connection options for the party that the environment names."""
    values = {
        "api_key": settings.E2B_API_KEY,
        "domain": settings.E2B_DOMAIN,
        "api_url": settings.E2B_API_URL,
        "sandbox_url": settings.E2B_SANDBOX_URL,
    }
    return {name: value for name, value in values.items() if value}


async def preparing(template: str) -> str:
    """What a host of our own is doing to make the template ready, "" if nothing. E2B's cloud prepares nothing."""
    if not settings.E2B_API_URL:
        return ""
    try:
        async with httpx.AsyncClient(timeout=5) as client:
            doing = (await client.get(f"{settings.E2B_API_URL}/health")).json()["preparing"][template]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return ""
    return str(doing).partition(" …")[0][:80]


def in_background(project: Project, serve: bool, needed: threading.Event, over: threading.Event) -> "Future[Opened]":
    """`ensure` in a thread of its own, and the dev server started if wanted: the model is asked meanwhile, and first,
    for somebody waits for its first word. `needed`: somebody waits for the sandbox. `over`: nobody will any more; then
    none is opened that is not being opened by now.
    """

    def opening() -> Opened:
        needed.wait(OPENING_WAITS_SECONDS)
        if over.is_set():
            raise SandboxUnavailable("The run is over.")
        try:
            box = ensure(project)
        finally:
            connection.close()
        return box, aio.submit(box.serve()) if serve else None

    return _openers.submit(opening)


def ensure(project: Project, wait: Wait = aio.run) -> Box:
    """A running sandbox with the project's newest files. Raises SandboxUnavailable."""
    try:
        with span("sandbox", "open"):
            return _existing(project, wait) or _new(project, wait)
    except (*DOWN, TimeoutError) as error:
        raise SandboxUnavailable(f"The sandbox host did not give us a sandbox: {error}") from error


def _existing(project: Project, wait: Wait) -> Box | None:
    row = Sandbox.objects.filter(project=project).first()
    if row is None:
        return None
    try:
        sdk = wait(AsyncSandbox.connect(row.sandbox_id, timeout=settings.SANDBOX_TIMEOUT_SECONDS, **options()))
    except e2b.NotFoundException:
        return None
    box = Box(sdk, row.template)
    _fill(project, row, box, wait)
    _still(row).update(paused=False, last_used=Now())
    return box


def _fill(project: Project, row: Sandbox, box: Box, wait: Wait) -> None:
    """Gives a sandbox the files of the newest version if it has others, and has its row say so.

    Two at once, for versions that were saved one right after the other, write over each other's files. So who finds
    afterwards that somebody else was there writes the newest once more.
    """
    is_mixed = False
    while (newest := project.versions.first()) and (is_mixed or newest.number != row.version):
        wait(box.replace_all(versions.files(newest)))
        is_mixed = not _still(row).filter(version=row.version).update(version=newest.number)
        if (version := _still(row).values_list("version", flat=True).first()) is None:
            return  # another one took its place
        row.version = version


def _new(project: Project, wait: Wait) -> Box:
    gone = Sandbox.objects.filter(project=project).values_list("sandbox_id", flat=True).first()
    sdk = wait(
        AsyncSandbox.create(
            template=project.framework,
            timeout=settings.SANDBOX_TIMEOUT_SECONDS,
            metadata={"project": str(project.pk)},
            network=WAYS_OUT,
            lifecycle={"on_timeout": "pause", "auto_resume": True},
            request_timeout=PREPARING_SECONDS,
            **options(),
        ),
        PREPARING_SECONDS,
    )
    box = Box(sdk, project.framework)
    with _ended_on_failure(box):
        newest = project.versions.first()
        if newest:
            wait(box.replace_all(versions.files(newest)))
        facts = {
            "sandbox_id": sdk.sandbox_id,
            "template": project.framework,
            "version": newest.number if newest else 0,
            "host": box.host,
            "paused": False,
            "retired": False,
            "last_used": Now(),
        }
        is_ours = _adopt(project, gone, facts)
    if is_ours:
        if row := Sandbox.objects.filter(project=project, sandbox_id=sdk.sandbox_id).first():
            _fill(project, row, box, wait)  # what was saved before anybody knew of it
        return box
    # A run and a visit opened one in the same moment: a project has one, the first.
    wait(AsyncSandbox.kill(sdk.sandbox_id, **options()))
    if (theirs := _existing(project, wait)) is None:
        raise SandboxUnavailable("The project's sandbox went away while it was opened. Try again.")
    return theirs


def beside(version: Version, purpose: str = "look", wait: Wait = aio.run) -> Box:
    """A sandbox with the files of one version, next to the project's own: it ends by itself, or when the next one for
    the same purpose is made. Raises SandboxUnavailable.
    """
    project = version.project
    key = f"beside:{purpose}:{project.pk}"
    try:
        if before := cache.get(key):
            wait(AsyncSandbox.kill(before, **options()))
        sdk = wait(
            AsyncSandbox.create(
                template=project.framework,
                timeout=BESIDE_SECONDS,
                metadata={"project": str(project.pk), "version": str(version.number)},
                network=WAYS_OUT,
                request_timeout=PREPARING_SECONDS,
                **options(),
            ),
            PREPARING_SECONDS,
        )
        cache.set(key, sdk.sandbox_id, BESIDE_SECONDS)
        box = Box(sdk, project.framework)
        with _ended_on_failure(box):
            wait(box.replace_all(versions.files(version)))
    except (*DOWN, TimeoutError) as error:
        raise SandboxUnavailable(f"The sandbox host did not give us a sandbox: {error}") from error
    return box


@contextmanager
def _ended_on_failure(box: Box) -> Iterator[None]:
    """A sandbox that has no row yet ends when what is done with it fails or is stopped: nobody would find it."""
    try:
        yield
    except BaseException:
        with suppress(TimeoutError, *DOWN):
            aio.run(end(box), ENDING_SECONDS)
        raise


def _adopt(project: Project, gone: str | None, facts: dict[str, Any]) -> bool:
    """Makes a sandbox the project's, in place of the one that is gone. False: somebody else did meanwhile, or the
    project was deleted.
    """
    if gone is None:
        with suppress(IntegrityError):
            return Sandbox.objects.get_or_create(project=project, defaults=facts)[1]
        return False
    return bool(Sandbox.objects.filter(project=project, sandbox_id=gone).update(**facts))


def pause(row: Sandbox, wait: Wait = aio.run) -> None:
    """Puts a sandbox to sleep; files stay. One that is gone is forgotten: versions have the files."""
    try:
        wait(AsyncSandbox.pause(row.sandbox_id, **options()))
    except e2b.NotFoundException:
        _still(row).delete()
        return
    _still(row).update(paused=True)


def kill(row: Sandbox, wait: Wait = aio.run) -> None:
    """Ends a sandbox for good."""
    wait(AsyncSandbox.kill(row.sandbox_id, **options()))
    _still(row).delete()


def _still(row: Sandbox) -> QuerySet[Sandbox]:
    """A row as long as it is about the sandbox that was read from it: another may have taken its place meanwhile."""
    return Sandbox.objects.filter(pk=row.pk, sandbox_id=row.sandbox_id)


async def end(box: Box) -> None:
    """Ends a sandbox that has no row."""
    await AsyncSandbox.kill(box.sdk.sandbox_id, **options())


def idle(seconds: float) -> QuerySet[Sandbox]:
    """Sandboxes that run although nobody used them for `seconds` and no run is under way."""
    rows = Sandbox.objects.filter(paused=False, last_used__lt=Now() - timedelta(seconds=seconds))
    return rows.exclude(project__runs__state__in=["running", "waiting"])


async def open_terminal(
    sandbox_id: str, cols: int, rows: int, on_bytes: Callable[[bytes], Coroutine[Any, Any, None]]
) -> tuple[AsyncSandbox, Any]:
    """A shell in the app's folder of a running sandbox: the SDK and the handle. The shell waits for `on_bytes`."""
    sdk = await AsyncSandbox.connect(sandbox_id, **options())
    handle = await sdk.pty.create(e2b.PtySize(rows=rows, cols=cols), on_bytes, cwd=ROOT, timeout=0)
    return sdk, handle


async def stream_logs(project_id: Any, on_text: Callable[[str], None]) -> None:
    """Follows the dev server's log until cancelled."""
    row = await database_sync_to_async(Sandbox.objects.get)(project_id=project_id)  # the connection goes back
    sdk = await AsyncSandbox.connect(row.sandbox_id, **options())
    handle = await sdk.commands.run(
        "tail -n 200 -F ~/.vibe/dev.log", background=True, timeout=0, on_stdout=on_text, retain_output=False
    )
    try:
        await handle.wait()
    except asyncio.CancelledError:
        await handle.kill()
        raise
