"""Models and migrations say the same; and the tests work in a database of their own."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models import NOT_PROVIDED

# Of the app of that name, what is older was never released.
OLDEST = {"projects": "0005"}


@pytest.mark.django_db
def test_it_needs_no_migration_that_is_not_there(capsys):
    call_command("makemigrations", "--check", "--dry-run")
    assert "No changes detected" in capsys.readouterr().out


@pytest.mark.django_db
def test_it_is_in_the_tests_database_whatever_ran_before():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        assert cursor.fetchone() == (connection.settings_dict["NAME"],)
    assert connection.settings_dict["NAME"].startswith("test_")


@pytest.mark.parametrize("app", ["accounts", "usage", "projects", "agents"])
def test_processes_of_an_older_version_can_go_on_with_the_tables_of_this_one(app):
    """In a deployment both are at work: what the older ones read is there, and what they do not know they may omit."""
    loader = MigrationLoader(None)
    *older, newest = sorted(name for label, name in loader.graph.nodes if label == app)
    now = _columns(loader, app, newest)
    for name in older:
        if name < OLDEST.get(app, ""):
            continue
        for table, columns in _columns(loader, app, name).items():
            assert columns.keys() <= now[table].keys(), f"{table} lost columns since {name}"
            new = {column: field for column, field in now[table].items() if column not in columns}
            demanded = [column for column, field in new.items() if not field.null and field.db_default is NOT_PROVIDED]
            assert not demanded, f"give these of {table} a db_default or let them be null: {demanded}"


def _columns(loader, app, name):
    models = loader.project_state((app, name)).apps.get_models()
    return {
        model._meta.db_table: {field.column: field for field in model._meta.local_concrete_fields}
        for model in models
        if model._meta.app_label == app
    }
