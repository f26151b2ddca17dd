"""What the lines of a log are about: the run, project and user that this thread or task works for."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

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
