"""A backup is a whole database in a file; restoring it gives the same database, or changes nothing."""

import os
import re
import stat
import threading
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection as own

from agents import invariants, runs, services
from agents.models import Run, Step
from tests.deploy.production import manage
from usage import services as credits

pytestmark = pytest.mark.django_db(transaction=True)
# What two databases are compared by: all rows of these, in order.
TABLES = (
    *("accounts_user", "usage_account", "usage_entry", "usage_reservation", "projects_project", "projects_message"),
    *("projects_blob", "projects_version", "agents_run", "agents_step", "django_migrations"),
)


def address(name: str, user: str = "vibe") -> str:
    return re.sub(r"//[^@]+@(.*)/[^/]*$", rf"//{user}@\1/{name}", os.environ["DATABASE_URL"])


def connect(name: str) -> "psycopg.Connection[tuple[Any, ...]]":
    database = settings.DATABASES["default"]
    return psycopg.connect(host=database["HOST"], user=database["USER"], dbname=name, autocommit=True)


def content(name: str) -> dict[str, list[tuple[Any, ...]]]:
    with connect(name) as connection:
        return {
            table: connection.execute(f"SELECT t::text FROM {table} AS t ORDER BY 1").fetchall() for table in TABLES
        }


@pytest.fixture
def database() -> Iterator[Callable[[], str]]:
    """`database()`: the name of a new, empty database, and of the role it belongs to, which may nothing else."""
    names: list[str] = []

    def make() -> str:
        names.append(f"scratch_{uuid4().hex[:12]}")
        with connect("postgres") as connection:
            connection.execute(f"CREATE ROLE {names[-1]} LOGIN")
            connection.execute(f"CREATE DATABASE {names[-1]} OWNER {names[-1]}")
        return names[-1]

    yield make
    with connect("postgres") as connection:
        for name in names:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
            connection.execute(f"DROP ROLE {name}")


@pytest.fixture
def here(run, alice) -> str:
    """The name of the tests' database, with somebody's project, version, run and credits in it."""
    credits.grant(alice, 5_000_000, "gift", "For a tea 🍵")
    return str(settings.DATABASES["default"]["NAME"])


@pytest.fixture
def backup(here, tmp_path) -> Path:
    done = manage("backup", "vibe.dump", DATABASE_URL=address(here), VIBE_CALLER_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    return Path(tmp_path / "vibe.dump")


def test_it_restores_what_was_backed_up(backup, here, database, tmp_path):
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600 and list(tmp_path.iterdir()) == [backup]
    there = database()
    done = manage("restore", str(backup), DATABASE_URL=address(there, there))
    assert done.returncode == 0, done.stderr
    assert content(there) == content(here)
    with connect(there) as connection:
        # The ledger's trigger is part of the database.
        with pytest.raises(psycopg.errors.DatabaseError, match="append"):
            connection.execute("UPDATE usage_entry SET amount = 0")
        # What came with a newer version's tables does not stay.
        connection.execute("CREATE TABLE left_over (account bigint REFERENCES usage_account)")
        connection.execute(f"ALTER TABLE left_over OWNER TO {there}")

    refused = manage("restore", str(backup), DATABASE_URL=address(there, there))
    assert refused.returncode != 0 and f"The database {there} is not empty" in refused.stderr
    done = manage("restore", str(backup), "--overwrite", DATABASE_URL=address(there, there))
    assert done.returncode == 0, done.stderr
    with connect(there) as connection:
        assert connection.execute("SELECT to_regclass('left_over')").fetchone() == (None,)
    assert content(there) == content(here)


@pytest.fixture
def at_work(person, eventually) -> Iterator[Run]:
    """A site where messages are sent and stopped, credits come and go, and runs are worked on, all the time; one of
    the runs, whose worker has no lease any more.
    """
    over = threading.Event()
    working: set[Run] = set()
    wrong: list[BaseException] = []

    def use() -> None:
        try:
            someone = person()
            run = services.start_project(someone, "A page about tea", "html")
            fence = runs.claim(run.pk, 0)
            assert fence
            while not over.is_set():
                runs.append(fence, "stage", {"stage": "work", "status": "started", "title": "."})
                credits.grant(someone, 1_000, f"gift-{uuid4()}", "Tea")
                services.cancel_run(services.start_project(someone, "Another page", "html"))
                working.add(run)
        except BaseException as error:
            wrong.append(error)
            raise
        finally:
            own.close()

    users = [threading.Thread(target=use) for _ in range(3)]
    for user in users:
        user.start()
    eventually(lambda: wrong or len(working) == len(users), 60)
    yield next(iter(working))
    over.set()
    for user in users:
        user.join()
    assert not wrong


def test_it_keeps_one_moment_of_a_site_at_work_whose_runs_go_on(at_work, database, tmp_path):
    name, there = str(settings.DATABASES["default"]["NAME"]), database()
    before = Step.objects.count()
    done = manage("backup", "vibe.dump", DATABASE_URL=address(name), VIBE_CALLER_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    after = Step.objects.count()
    done = manage("restore", str(tmp_path / "vibe.dump"), DATABASE_URL=address(there, there))
    assert done.returncode == 0, done.stderr
    with connect(there) as connection:
        [kept] = connection.execute("SELECT count(*) FROM agents_step").fetchone() or [0]
        assert before < kept < after
        broken = {rule: connection.execute(statement).fetchall() for rule, statement in invariants.RULES.items()}
    assert not any(broken.values()), broken

    goes_on = f"""
from uuid import UUID
from agents import runs
fence = runs.claim(UUID("{at_work.pk}"), 30)
step = runs.append(fence, "stage", {{"stage": "work", "status": "started", "title": "."}})
print(step.seq == step.run.steps.count() and not step.run.deaths)
"""
    done = manage("shell", "--no-imports", "-c", goes_on, DATABASE_URL=address(there, there))
    assert done.stdout.strip() == "True", done.stderr


def test_it_changes_nothing_when_the_file_is_damaged(backup, here, database):
    there = database()
    with connect(there) as connection:
        connection.execute("CREATE TABLE precious AS SELECT 42 AS answer")
        connection.execute(f"ALTER TABLE precious OWNER TO {there}")
    backup.write_bytes(backup.read_bytes()[:-1000])
    done = manage("restore", str(backup), "--overwrite", DATABASE_URL=address(there, there))
    assert done.returncode != 0 and "Nothing was changed" in done.stderr, done.stderr
    with connect(there) as connection:
        assert connection.execute("SELECT answer FROM precious").fetchone() == (42,)


def command(name: str, *arguments: str) -> str:
    with pytest.raises(CommandError) as raised:
        call_command(name, *arguments, stdout=StringIO())
    return str(raised.value)


def test_it_refuses_what_is_no_backup(tmp_path):
    other = tmp_path / "notes.txt"
    other.write_text("PGDMP, or so it says")
    assert "is not a backup of Vibe" in command("restore", str(other))
    assert "There is no file" in command("restore", str(tmp_path / "missing"))


def test_it_overwrites_no_file(tmp_path):
    other = tmp_path / "vibe.dump"
    other.write_text("precious")
    assert "is there already" in command("backup", str(other))
    assert other.read_text() == "precious"


def test_it_says_where_it_cannot_write(tmp_path):
    assert "cannot be written: No such file or directory" in command("backup", str(tmp_path / "no" / "vibe.dump"))


@pytest.mark.parametrize("wanted", ["sslmode=require", "sslmode=verify-full&sslrootcert=system"])
def test_it_takes_programs_that_know_tls_where_the_address_asks_for_it(wanted, here, tmp_path):
    managed = {"DATABASE_URL": f"{address(here)}?{wanted}", "PATH": str(tmp_path), "VIBE_CALLER_DIR": str(tmp_path)}
    done = manage("backup", "vibe.dump", **managed)
    assert done.returncode != 0 and "pg_dump is not there, and DATABASE_URL asks for TLS" in done.stderr

    machines = tmp_path / "pg_dump"
    machines.write_text('#!/bin/sh\necho "asked with $PGSSLMODE" >&2; exit 3\n')
    machines.chmod(0o755)
    done = manage("backup", "vibe.dump", **managed)
    assert re.search(r"pg_dump failed:\nasked with (require|verify-full)", done.stderr), done.stderr
