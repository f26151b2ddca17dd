"""`bin/manage restore FILE`: a backup becomes the database, whole or not at all."""

import contextlib
import subprocess
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from vibe import postgres_programs as postgres

# Someone who still works with the tables holds this up; rather say so than wait.
LOCK_SECONDS = 10
# What is there goes too, so that no table of a newer version is left over. One transaction: an error undoes it all.
BEGIN = f"""
BEGIN;
SET LOCAL lock_timeout = '{LOCK_SECONDS}s';
SET LOCAL client_min_messages = warning;
DROP SCHEMA public CASCADE;
CREATE SCHEMA public;
"""


class Command(BaseCommand):
    help = "Make FILE, written by `backup`, the content of the database, and migrate it to this version's tables."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--overwrite", action="store_true", help="also if people have data in the database now")

    def handle(self, *args: Any, file: Path, overwrite: bool, **options: Any) -> None:
        file = postgres.given_path(file)
        _refuse_what_is_no_backup(file)
        name = connection.settings_dict["NAME"]
        if not overwrite and not _is_empty():
            raise CommandError(
                f"The database {name} is not empty, and restoring replaces all that is in it. "
                f"Make a backup of it first; then add --overwrite."
            )
        postgres.let_go()
        _replace(file)
        call_command("migrate", interactive=False, verbosity=0)
        self.stdout.write(f"The database {name} is as it was when {file} was made.")


def _refuse_what_is_no_backup(file: Path) -> None:
    if not file.is_file():
        raise CommandError(f"There is no file {file}.")
    done = subprocess.run([postgres.program("pg_restore"), "--list", str(file)], capture_output=True, text=True)
    if done.returncode or " django_migrations " not in done.stdout or " agents_run " not in done.stdout:
        raise CommandError(f"{file} is not a backup of Vibe made by bin/manage backup.")


def _is_empty() -> bool:
    """No tables, or Vibe's with nobody in them."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        if "accounts_user" not in tables:
            return not tables
        cursor.execute("SELECT NOT EXISTS (SELECT FROM accounts_user)")
        return bool(cursor.fetchone()[0])


def _replace(file: Path) -> None:
    """pg_restore writes into psql's input between our BEGIN and COMMIT. Without the COMMIT nothing has happened."""
    arguments, env = postgres.command("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-")
    reading = [postgres.program("pg_restore"), "--no-owner", "--no-privileges", "-f", "-", str(file)]
    with subprocess.Popen(
        arguments, env=env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as psql:
        assert psql.stdin and psql.stderr
        # psql ends at the first error, and whatever still writes to it then fails: its own words say why.
        with contextlib.suppress(BrokenPipeError):
            psql.stdin.write(BEGIN.encode())
            psql.stdin.flush()
            restore = subprocess.run(reading, stdout=psql.stdin, stderr=subprocess.PIPE)
            if restore.returncode == 0:
                psql.stdin.write(b"COMMIT;\n")
        with contextlib.suppress(BrokenPipeError):
            psql.stdin.close()
        said = psql.stderr.read()
    if psql.returncode:
        hint = " Stop web, worker and beat, and try again." if b"lock timeout" in said else ""
        raise CommandError(f"Nothing was changed.{hint} psql said:\n{postgres.last_words(said)}")
    if restore.returncode:
        raise CommandError(f"Nothing was changed. pg_restore said:\n{postgres.last_words(restore.stderr)}")
