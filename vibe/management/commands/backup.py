"""`bin/manage backup FILE`: everything in the database, in one file, as of one moment; the site may run meanwhile."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vibe import postgres_programs as postgres


class Command(BaseCommand):
    help = "Write the whole database to FILE (pg_dump's custom format). Keep ENCRYPTION_KEY with it, but elsewhere."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--overwrite", action="store_true", help="replace FILE if it is there")

    def handle(self, *args: Any, file: Path, overwrite: bool, **options: Any) -> None:
        file = postgres.given_path(file)
        if file.exists() and not overwrite:
            raise CommandError(f"{file} is there already. Name another file, or add --overwrite.")
        unfinished = file.with_name(f"{file.name}.unfinished")
        try:
            # Made by us and not by pg_dump: it holds everybody's data, so only its owner may read it.
            os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
            dump = postgres.command("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"-f{unfinished}")
            postgres.run(*dump)
            unfinished.rename(file)
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}.") from None
        finally:
            unfinished.unlink(missing_ok=True)
        self.stdout.write(f"{file}: {file.stat().st_size / 2**20:.1f} MiB")
