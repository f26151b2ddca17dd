"""What the lines of a log are about: the run, project and user that this thread or task works for."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from django.conf import settings

about: ContextVar[dict[str, str]] = ContextVar("about", default={})  # noqa: B039 - never changed, only replaced


@contextlib.contextmanager
def working_on(**what: str) -> Iterator[None]:
    """Every log line, and every error sent to Sentry, from within the block carries these fields.

    Coroutines started on the process's loop from within take them along (asyncio copies the caller's context).
    """
    token = about.set({**about.get(), **what})
    try:
        yield
    finally:
        about.reset(token)


@contextlib.contextmanager
def span(kind: str, name: str) -> Iterator[None]:
    """A part of the work, for Sentry: its time, and a line before any error that comes after it."""
    if not settings.SENTRY_DSN:
        yield
        return
    import sentry_sdk

    sentry_sdk.add_breadcrumb(category=kind, message=name)
    with sentry_sdk.start_span(op=kind, name=name):
        yield
