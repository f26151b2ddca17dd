"""What every test may use: real services for the session, a database per process, a site, a browser."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import django
import pytest
from asgiref.sync import SyncToAsync
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.test import TransactionTestCase

from launcher import testing
from launcher.problem import Problem
from launcher.terminal import Terminal

pytest_plugins = ["tests.site", "tests.browser", "tests.people"]


def pytest_configure(config: pytest.Config) -> None:
    """Before Django reads its settings: start the services, or in an xdist process take those of the main one.

    Settings are named here and not in pyproject.toml, where pytest-django would read them before any service is up.
    """
    if sys.version_info < (3, 11, 5) and config.option.tbstyle == "auto":
        # Parsing sources in two threads at once fails there (CPython issue 106905), and with it the whole session.
        config.option.tbstyle = "native"
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is not None:
        number = int(re.sub(r"\D", "", worker)) + 1
        os.environ["REDIS_URL"] = re.sub(r"db=\d+$", f"db={number}", os.environ["REDIS_URL"])
    elif config.option.collectonly or config.option.help or config.option.version:
        os.environ.update(testing.described().environment)
    else:
        services = ExitStack()
        config.add_cleanup(services.close)
        try:
            session = services.enter_context(testing.backing_services(Terminal(quiet=True)))
            os.environ.update(session.environment)
        except Problem as problem:
            pytest.exit(f"The services for the tests did not start. {problem}", returncode=3)
    # Who only hands tests to other processes reads none, and names none: these would read them before they are here.
    if worker is not None or not config.option.tx:
        os.environ["DJANGO_SETTINGS_MODULE"] = "vibe.settings"
        # Read now: pytest-django leaves alone what nobody has read.
        django.setup()
        # A hash takes a third of a second, on purpose; what these are good for is nothing that is tested here.
        PBKDF2PasswordHasher.iterations = 1_000


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """A test without a database may have made the pool already: Django does so before it asks whether it may connect.

    That pool has the address of the site's own database, and would be used for all tests, while processes that tests
    start go by the name of the tests' database, which would be empty.
    """
    from django.db import connection

    connection.close_pool()  # type: ignore[attr-defined]  # of PostgreSQL's backend


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The database's own notices late that a process is gone which a test killed, and lets nobody drop it before."""
    yield
    from django.db import connection

    with django_db_blocker.unblock(), connection.cursor() as cursor:
        others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        cursor.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM ({others}) AS other")


@pytest.fixture(autouse=True, scope="session")
def empty_quickly() -> None:
    """After a test that commits, only the tables that have rows are emptied, which takes a tenth of Django's TRUNCATE
    of all, and meets no lock of a statement that is still under way. What Django itself writes once is left: the kinds
    of content and the permissions.
    """
    TransactionTestCase._fixture_teardown = _empty  # type: ignore[attr-defined]


KEPT = {"django_migrations", "django_content_type", "auth_permission"}


def _empty(_: TransactionTestCase) -> None:
    from django.db import OperationalError, connection, transaction

    # Where async tests ask the database. It outlives them, and the connection would be broken by whichever later test
    # breaks all, and then missing in a test after that.
    SyncToAsync.single_thread_executor.submit(lambda: connection.close()).result()
    tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - KEPT
    asked = [f"(SELECT '{table}' FROM \"{table}\" LIMIT 1)" for table in sorted(tables)]
    for tries_left in (2, 1, 0):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(" UNION ALL ".join(asked))
                # Neither foreign keys nor triggers: the ledger's refuse to forget.
                emptied = "; ".join(f'DELETE FROM "{table}"' for (table,) in cursor.fetchall())
                cursor.execute(f"SET LOCAL session_replication_role = replica; {emptied}")
            return
        except OperationalError:  # a run that goes on beyond its test locks rows too, and in another order
            if not tries_left:
                raise
