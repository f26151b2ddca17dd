"""What one step of a run costs: checkpoint (fence, numbers, insert, commit, publish), and publish alone.

`python -m benchmarks.steps PROJECT`, in a site's environment. Beside the checkpoint: a bare insert of the same row over
the same kind of connection. Prints JSON: milliseconds at the median and at the 95th of 100.
"""

import json
import os
import sys
import time
from collections.abc import Callable

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vibe.settings")
TIMES = 400


def measure(project_id: str) -> dict[str, list[float]]:
    from django.db import connection, transaction

    from agents import events, runs, services
    from projects.models import Project

    with transaction.atomic():  # the site's worker hears of it when it is ours
        run = services.start_run(Project.objects.get(pk=project_id), "Measure", "ask")
        fence = runs.claim(run.pk, 3600)
    assert fence
    data = {"stage": "work", "status": "started", "title": "x" * 300}
    step = runs.append(fence, "stage", data)

    def bare() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO bare (project, run, cursor, seq, type, data, at)"
                " VALUES (%s, %s, 1, 1, 'stage', %s, now())",
                [run.project_id, run.pk, json.dumps(data)],
            )

    with connection.cursor() as cursor:
        columns = "project uuid, run uuid, cursor bigint, seq int, type text, data jsonb, at timestamptz"
        cursor.execute(f"CREATE TABLE bare (id bigserial PRIMARY KEY, {columns})")
    try:
        return {
            "checkpoint": _timed(lambda: runs.append(fence, "stage", data)),
            "bare": _timed(bare),
            "publish": _timed(lambda: events.publish([step])),
            "redis": _timed(lambda: events._redis().publish("benchmark", json.dumps(data))),
        }
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE bare")


def _timed(work: Callable[[], object]) -> list[float]:
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1000)
    took.sort()
    return [took[TIMES // 2], took[TIMES * 95 // 100]]


if __name__ == "__main__":
    django.setup()
    print(json.dumps(measure(sys.argv[1])))
