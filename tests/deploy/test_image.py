"""The Dockerfile copies what is there, installs what is locked, and leaves secrets and rubbish out."""

import fnmatch
import re
import subprocess

import pytest

from launcher.__main__ import COMMANDS
from tests.deploy.files import services, text
from tests.deploy.production import ROOT

INSTRUCTION = re.compile(r"^([A-Z]+) ((?:.*\\\n)*.*)", re.MULTILINE)


def instructions(kind: str) -> list[str]:
    return [found[2] for found in INSTRUCTION.finditer(text("Dockerfile")) if found[1] == kind]


def ignored(path: str) -> bool:
    """By .dockerignore: the last pattern that fits a path or a folder above it decides."""
    parts = path.split("/")
    above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    out = False
    for line in text(".dockerignore").splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!")
        patterns = [pattern, pattern.removeprefix("**/")]
        if any(fnmatch.fnmatchcase(each, one) for each in above for one in patterns):
            out = not line.startswith("!")
    return out


@pytest.fixture(scope="module")
def kept() -> set[str]:
    """The files of the repository that reach an image."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {path for path in listed.splitlines() if not ignored(path)}


def test_it_copies_what_is_there(kept):
    for instruction in instructions("COPY"):
        *sources, _ = instruction.split()
        if not sources[0].startswith("--from=build"):
            assert all(source == "." or source in kept for source in sources), instruction


def test_it_takes_everything_the_processes_need(kept):
    folders = ("accounts", "usage", "projects", "agents", "vibe", "sandbox_host", "demo_model", "launcher")
    for needed in ("manage.py", "requirements.txt", "package-lock.json", "assets.mjs", ".env.example"):
        assert needed in kept
    for folder in (*folders, "templates", "static", "sandbox_templates"):
        assert any(path.startswith(f"{folder}/") for path in kept), folder
    (compiled,) = re.findall(r"compileall -q (.+)", text("Dockerfile"))
    assert set(compiled.split()) == set(folders)


@pytest.mark.parametrize(
    "path",
    [".env", ".env.local", ".git/config", ".vibe/secrets.env", "deploy/certs/preview.key", "vibe.dump", ".venv/bin/pip",
     "node_modules/x/y.js", "static/dist/site.js", "vibe/__pycache__/urls.pyc", ".mypy_cache/x", "tests/conftest.py"],
)  # fmt: skip
def test_it_leaves_out_secrets_and_what_it_makes_itself(path):
    assert ignored(path)


def test_it_installs_what_is_locked():
    runs = "\n".join(instructions("RUN"))
    assert "pip install --require-hashes --only-binary :all: -r requirements.txt" in runs
    packages = re.findall(r"^[a-z0-9].+==.+", text("requirements.txt"), re.MULTILINE)
    assert packages and all(line.rstrip().endswith("\\") for line in packages), "a package without a hash"
    assert "python -m launcher prepare" in runs and "prepare" in COMMANDS


def test_it_runs_as_nobody_in_particular():
    stages = text("Dockerfile").split("\nFROM ")[1:]
    names = [stage.split("\n")[0].split(" AS ")[-1] for stage in stages]
    users = {name: re.findall("^USER (.+)$", stage, re.MULTILINE) for name, stage in zip(names, stages, strict=True)}
    assert {name: found[-1] for name, found in users.items() if found} == dict.fromkeys(
        ("pgbouncer", "site", "worker"), "10001:10001"
    )
    bases = {base.split()[0] for base in instructions("FROM")}
    assert bases == {"python:3.11-slim-bookworm", "site"}
    assert not re.search(r"(?i)(ENV|ARG) .*(password|token|api_key)", text("Dockerfile"))


def test_it_has_programs_for_the_database_that_compose_runs():
    version = services()["postgres"]["image"].removeprefix("postgres:").partition("-")[0]
    site = text("Dockerfile").partition(" AS site\n")[2].partition("\nFROM ")[0]
    assert f"install --yes --no-install-recommends postgresql-client-{version} " in site


def test_it_finds_the_systems_certificates_for_the_database():
    """`sslrootcert=system`, as secret.example has it: psycopg's own OpenSSL looks elsewhere."""
    site = text("Dockerfile").partition(" AS site\n")[2].partition("\nFROM ")[0]
    assert " ca-certificates " in site and "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt" in site


def test_it_has_a_browser_for_workers_only():
    site, worker = text("Dockerfile").split("\nFROM site AS worker\n")
    assert "apt-get install --yes --no-install-recommends chromium " in worker and "chromium" not in site
    assert "ENV CHROMIUM=/usr/bin/chromium" in worker and "/var/lib/apt/lists/*" in worker


def test_it_serves_what_was_collected(tmp_path):
    """The image's own commands, here: every style and script of the admin lies compressed beside itself."""
    from tests.deploy.production import manage, python

    image = {"STATIC_COLLECTED": "true", "VIBE_HOME": str(tmp_path)}
    collected = manage("collectstatic", "--no-input", "--verbosity", "0", **image)
    assert collected.returncode == 0, collected.stderr
    pressed = python("-m", "whitenoise.compress", "--quiet", str(tmp_path / "static" / "admin" / "css"))
    assert pressed.returncode == 0, pressed.stderr
    asked = python(
        "-c",
        "import django; django.setup()\n"
        "from django.test import Client\n"
        "answer = Client().get('/static/admin/css/base.css', secure=True, headers={'accept-encoding': 'gzip'})\n"
        "print(answer.status_code, answer.headers.get('Content-Encoding')); answer.close()",
        DJANGO_SETTINGS_MODULE="vibe.settings",
        **{**image, "ALLOWED_HOSTS": "testserver"},
    )
    assert asked.stdout.split() == ["200", "gzip"], asked.stderr
