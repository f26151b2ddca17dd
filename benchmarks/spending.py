"""Forty starts at once on credit for ten: exactly what is covered begins, round after round.

`python -m benchmarks.spending`, in a site's environment: prints how many began in each round and their pace, as JSON.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import django

from benchmarks.site import site

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vibe.settings")

Say = Callable[[str, str, str, str], None]
AT_ONCE, COVERED, ROUNDS = 40, 10, 20


def measure(say: Say) -> None:
    with site({}, workers=False) as running:
        out = subprocess.run(
            [sys.executable, "-m", "benchmarks.spending"],
            env=running.environment, stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
    accepted, pace = json.loads(out.stdout.splitlines()[-1])
    exact = f"{sum(count == COVERED for count in accepted)}/{ROUNDS} exact"
    say(f"{AT_ONCE} runs at once on credit for {COVERED}", exact, f"{pace:.0f} accepted a second", f"{ROUNDS}/{ROUNDS}")


def rounds(count: int) -> tuple[list[int], float]:
    """How many of 40 starts at once were accepted, with credit for 10, round by round; and accepted starts a second."""
    from django.conf import settings

    from accounts.models import User
    from agents.people_views import delete
    from usage.services import account_of, grant

    accepted, seconds = [], 0.0
    for _ in range(count):
        user = User.objects.create_user(f"{uuid4().hex}@benchmark.invalid")
        account = account_of(user)
        needed = COVERED * settings.RUN_RESERVE_MICRO
        # The sign-up grant, whatever it is here, is held back for something else meanwhile.
        type(account).objects.filter(pk=account.pk).update(reserved=account.balance)
        grant(user, needed, f"benchmark-{uuid4()}")
        began = time.perf_counter()
        results = _at_once(partial(_starts, user))
        seconds += time.perf_counter() - began
        accepted.append(sum(results))
        account.refresh_from_db()
        if account.available != 0 or account.balance < account.reserved:
            raise RuntimeError(f"{account.available} micro-credits are left, where nothing should be")
        type(account).objects.filter(pk=account.pk).update(reserved=needed)
        delete(user)
    return accepted, sum(accepted) / seconds


def _starts(user: Any) -> bool:
    from django.db import connections

    from agents import services
    from usage.services import NotEnoughCredits

    try:
        services.start_project(user, "A page about tea", "html")
    except NotEnoughCredits:
        return False
    finally:
        connections.close_all()
    return True


def _at_once(work: Callable[[], bool]) -> list[bool]:
    start, results = threading.Barrier(AT_ONCE), []

    def go() -> None:
        start.wait(30)
        results.append(work())

    threads = [threading.Thread(target=go) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return results


if __name__ == "__main__":
    django.setup()
    print(json.dumps(rounds(ROUNDS)))
