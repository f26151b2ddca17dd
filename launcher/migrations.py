"""Whether the database fits the code's migrations, told without starting Django, which takes seconds."""

from launcher import stamps
from launcher.asking import postgres_parameters
from launcher.place import Place


def up_to_date(place: Place, url: str) -> bool:
    """The same migration files and packages as at the last migrate, and the database has not changed since."""
    return stamps.fresh(place.home / "stamps" / "migrations", _state(place, url))


def remember(place: Place, url: str) -> None:
    stamps.write(place.home / "stamps" / "migrations", _state(place, url))


def _state(place: Place, url: str) -> str:
    files = place.root.glob("*/migrations/*.py")
    return stamps.digest([*files, place.root / "requirements.txt", place.root / "vibe" / "settings.py"], _applied(url))


def _applied(url: str) -> str:
    """The rows of the database's own record; empty when there is none."""
    import psycopg

    query = "SELECT count(*), max(id), max(applied) FROM django_migrations"
    try:
        with psycopg.connect(**postgres_parameters(url), connect_timeout=5) as connection:
            return repr(connection.execute(query).fetchone())
    except psycopg.Error:
        return ""
