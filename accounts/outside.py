"""Requests that wait for somebody else's server may have a part of a process's threads: the others are for everybody.

A request is answered in one thread from beginning to end (vibe/handler.py), and there are 16. Whatever asks an outside
service within a request does so in `with waiting(…)`, which holds a place for as long as the thread is held: also when
it fails, and when the client has gone away.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

# In one process: of all people, of each of them, and of what belongs to nobody who is signed in (signing in by another
# site, e-mail, Stripe's events), which imports must not keep out. Six threads are left.
PEOPLE, EACH, NOBODY = 6, 2, 4
# When a client may ask again.
RETRY_SECONDS = 5

_lock = threading.Lock()
_places: Counter[int | None] = Counter()


class Busy(Exception):
    """Too many wait already. The text is for who asked."""


@contextmanager
def waiting(user_id: int | None = None) -> Iterator[None]:
    """A place among the requests that wait for outside services; without `user_id` among those of nobody.

    Raises Busy, at once: who would wait for a place holds a thread as well.
    """
    with _lock:
        if user_id is not None and _places[user_id] >= EACH:
            raise Busy(f"{EACH} of your requests still wait for another service. Try again in a few seconds.")
        if (_places[None] >= NOBODY) if user_id is None else (_places.total() - _places[None] >= PEOPLE):
            raise Busy("Too many requests wait for other services just now. Try again in a few seconds.")
        _places[user_id] += 1
    try:
        yield
    finally:
        with _lock:
            _places[user_id] -= 1
            if not _places[user_id]:
                del _places[user_id]
