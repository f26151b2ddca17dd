"""Django as it runs in production: its own process, with an environment that holds nothing of the tests'."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60


def environment(changes: Mapping[str, str]) -> dict[str, str]:
    """What docker-compose.yml gives a web process; the servers it names are those of the tests."""
    passed = {name: os.environ[name] for name in ("PATH", "HOME", "DATABASE_URL", "REDIS_URL") if name in os.environ}
    return {
        **passed,
        "PYTHONWARNINGS": "default",
        "SECRET_KEY": "k9" * 30 + "xYz-81_q",
        "ALLOWED_HOSTS": "vibe.example.com,localhost",
        "CSRF_TRUSTED_ORIGINS": "https://vibe.example.com",
        "PREVIEW_DOMAIN": "preview.example.com",
        "HTTPS": "true",
        "DEBUG": "false",
        **changes,
    }


def python(*arguments: str, **changes: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment(changes),
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


def manage(*arguments: str, **changes: str) -> "subprocess.CompletedProcess[str]":
    return python("manage.py", *arguments, **changes)
