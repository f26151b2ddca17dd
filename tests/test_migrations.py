"""Models and migrations say the same; and the tests work in a database of their own."""

import pytest
from django.core.management import call_command
from django.db import connection


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
