"""The admin with a thousand and with a million rows: its lists, searches and filters take as long.

`python -m benchmarks.admin`, in a site's environment: fills its database twice and prints each page's milliseconds, as
JSON.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import django

from benchmarks.site import site

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vibe.settings")

Say = Callable[[str, str, str, str], None]
FEW, MANY, TIMES = 1_000, 1_000_000, 3
GOAL_MS = 1_000
# By number: the row in the middle is looked for.
PAGES = {
    "users": "accounts/user/",
    "users, one by address": "accounts/user/?q=person{half}@",
    "users, nobody by that address": "accounts/user/?q=person{half}x@",
    "ledger": "usage/entry/",
    "ledger, by key": "usage/entry/?q=entry-{half}",
    "ledger, by address": "usage/entry/?q=person{half}@",
    "ledger, one kind": "usage/entry/?kind__exact=refund",
    "runs": "agents/run/",
    "runs, by address": "agents/run/?q=person{half}@",
    "runs, those that failed": "agents/run/?state__exact=failed",
    "runs, the tenth page": "agents/run/?p=10",
    "projects": "projects/project/",
    "projects, by name": "projects/project/?q=Shop+{half}",
    "what staff did": "admin/logentry/",
    "what staff did, by words": "admin/logentry/?q=thing-{half}-",
}


def measure(say: Say) -> None:
    with site({"ADMIN_MFA": "false", "ADMIN_PATH": "admin"}, workers=False) as running:
        out = subprocess.run(
            [sys.executable, "-m", "benchmarks.admin"],
            env=running.environment, stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
    few, many = json.loads(out.stdout.splitlines()[-1])
    for name in PAGES:
        say(f"admin: {name}", f"{many[name]:.0f} ms", f"{few[name]:.0f} ms with {FEW:,} rows", f"≤ {GOAL_MS} ms")


def pages() -> list[dict[str, float]]:
    """{page: ms} of the median request, with few and with many rows of each kind."""
    from django.db import connection
    from django.test import Client

    from accounts.models import User

    client, found = Client(SERVER_NAME="localhost"), []
    client.force_login(User.objects.create_superuser("staff@example.com", None))
    for count, more in ((FEW, FEW), (MANY, MANY - FEW)):
        _fill(count - more, more)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        found.append({name: _milliseconds(client, page.format(half=count // 2)) for name, page in PAGES.items()})
    return found


def _milliseconds(client: Any, page: str) -> float:
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        answer = client.get(f"/admin/{page}")
        taken.append(1000 * (time.perf_counter() - began))
        if answer.status_code != 200:
            raise RuntimeError(f"{page}: {answer.status_code}")
    return median(taken)


def _fill(there: int, more: int) -> None:
    """`more` users with an account, a line in the ledger, a project, a message, a run and a step, beside `there`."""
    from django.contrib.admin.models import LogEntry
    from django.db import connection

    from accounts.models import User
    from agents.models import Run, Step
    from projects.models import Message, Project
    from usage.models import Account, Entry

    numbers = {"first": there + 1, "last": there + more}
    id_of = "('00000000-0000-4000-8000-' || lpad(to_hex(%s), 12, '0'))::uuid"
    mine = id_of % "number"
    person = "'person' || number || '@example.com'"
    state = "CASE WHEN number % 50 = 0 THEN 'failed' ELSE 'succeeded' END"
    kind = "CASE WHEN number % 100 = 0 THEN 'refund' ELSE 'charge' END"
    at = "now() - number * interval '1 second'"
    user = f"(SELECT id FROM accounts_user WHERE email = {person})"
    account = f"(SELECT id FROM usage_account WHERE user_id = {user})"
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        for model, values in (
            (User, {"email": person, "name": "''", "date_joined": at}),
            (Account, {"user_id": user, "balance": "number", "plan": "'free'"}),
            (Entry, {"account_id": account, "kind": kind, "amount": "-number", "key": "'entry-' || number || '-'",
                     "note": "'Run in Shop ' || number", "created": at}),
            (Project, {"id": mine, "owner_id": user, "name": "'Shop ' || number", "updated": at}),
            (Message, {"id": mine, "project_id": mine, "text": "'Make it blue'", "created": at}),
            (Run, {"id": mine, "project_id": mine, "message_id": mine, "state": state, "created": at}),
            (Step, {"project_id": mine, "run_id": mine, "cursor": "1", "seq": "1", "type": "'state'"}),
            (LogEntry, {"user_id": "(SELECT min(id) FROM accounts_user)", "action_time": at, "action_flag": "2",
                        "object_repr": "'thing-' || number || '-'", "change_message": "'Granted 5 credits'"}),
        ):  # fmt: skip
            cursor.execute(_insert(model, values), numbers)


def _insert(model: Any, values: dict[str, str]) -> str:
    """Rows by number; what `values` does not say is as a new object has it."""
    given = {}
    for field in model._meta.concrete_fields:
        if field.column in values:
            given[field.column] = values[field.column]
        elif not field.primary_key and not field.null:
            given[field.column] = _default(field)
    columns = ", ".join(f'"{name}"' for name in given)  # some are words of SQL
    expressions = ", ".join(given.values()).replace("%", "%%")
    return (
        f"INSERT INTO {model._meta.db_table} ({columns}) SELECT {expressions}"
        " FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS number"
    )


def _default(field: Any) -> str:
    kinds = {"BooleanField": "false", "DateTimeField": "now()", "JSONField": "'{}'::jsonb"}
    if field.get_internal_type() in kinds:
        return str(field.default).lower() if isinstance(field.default, bool) else kinds[field.get_internal_type()]
    return "0" if "Integer" in field.get_internal_type() else "''"


if __name__ == "__main__":
    django.setup()
    print(json.dumps(pages()))
