"""`check --deploy` finds nothing in production's settings, and finds DEBUG where it must not be."""

import re

import pytest
from django.core.checks import run_checks

from tests.deploy.files import offered, text
from tests.deploy.production import manage, python


def debug_warnings() -> list[str]:
    return [message.msg for message in run_checks() if message.id == "vibe.W001"]


def test_it_finds_nothing_in_production():
    done = manage("check", "--deploy", "--fail-level", "WARNING")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "no issues" in done.stdout


def test_it_finds_debug_on_a_site_that_others_reach(tmp_path):
    done = manage("check", "--deploy", "--fail-level", "WARNING", DEBUG="true", VIBE_HOME=str(tmp_path))
    assert done.returncode == 1 and "vibe.W001" in done.stderr and "vibe.example.com" in done.stderr


@pytest.mark.parametrize("domain", ["vibe.example.com", "example.com", "preview.example.com"])
def test_it_finds_a_domain_of_sites_that_vibe_itself_is_in(domain):
    done = manage("check", "--deploy", SITES_DOMAIN=domain)
    assert done.returncode == 1 and "vibe.E001" in done.stderr
    assert manage("check", "--deploy", SITES_DOMAIN="example.app").returncode == 0


@pytest.mark.parametrize("host", ["*", "vibe.example.com", ".example.com", "10.0.0.1"])
def test_it_warns_of_debug_away_from_home(settings, host):
    settings.DEBUG, settings.ALLOWED_HOSTS = True, ["localhost", host]
    (said,) = debug_warnings()
    assert host in said and "localhost" not in said


@pytest.mark.parametrize("debug", [True, False])
def test_it_warns_of_nothing_at_home(settings, debug):
    settings.DEBUG, settings.ALLOWED_HOSTS = debug, ["localhost", "127.0.0.1", "[::1]", "vibe.localhost"]
    assert debug_warnings() == []


def test_it_sends_plain_http_to_https_but_not_who_asks_from_inside(settings, client, db):
    settings.SECURE_SSL_REDIRECT = True
    answer = client.get("/pricing/")
    assert (answer.status_code, answer.url) == (301, "https://testserver/pricing/")
    assert client.get("/healthz").status_code == client.get("/metrics").status_code == 200


def test_it_explains_every_variable_that_is_read():
    source = text("vibe/settings.py")
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z0-9_]+)"', source))
    read |= {f"{name}_{part}" for name in ("GITHUB", "GOOGLE") for part in ("CLIENT_ID", "CLIENT_SECRET")}
    read |= {f"MODEL_{size}" for size in "SML"}
    # The image, bin/up and Compose say these; nobody sets them.
    assert len(read) > 80 and read - offered() == {"STATIC_COLLECTED", "SANDBOX_IS_EMBEDDED"}
    compose = {
        "WEB_PROCESSES",
        "SITE_HOST",
        "POSTGRES_PASSWORD",
        "FLOWER_PASSWORD",
        "PREVIEW_TLS",
        "SITES_TLS",
        "VIBE_VERSION",
    }
    assert offered() - read == compose


def test_it_keeps_what_the_database_address_asks_for():
    said = python(
        "-c",
        "import vibe.settings as s; print(s.DATABASES['default']['OPTIONS'])",
        DATABASE_URL="postgres://u:p@db.example.com:5432/vibe?sslmode=verify-full",
    )
    assert "'sslmode': 'verify-full'" in said.stdout and "'max_size': 20" in said.stdout, said.stderr
