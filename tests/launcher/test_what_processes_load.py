"""No process loads what it never uses: a start is quick, and five of them fit a small machine."""

import json
import os
import subprocess
import sys

from launcher.services import UNCHECKED

CELERY = "from vibe.celery import app; app.loader.import_default_modules(); app.finalize()"
SDKS = {"anthropic", "openai", "e2b", "stripe"}


def loaded(code: str, **more: str) -> set[str]:
    command = [sys.executable, "-c", f"{code}; import json, sys; print(json.dumps(list(sys.modules)))"]
    done = subprocess.run(command, env={**os.environ, **more}, stdout=subprocess.PIPE, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_it_loads_no_sdk_into_a_web_process():
    modules = loaded("import vibe.asgi")
    assert "vibe.urls" in modules and not modules & SDKS


def test_it_loads_neither_pages_nor_sdks_into_beat_and_chores():
    modules = loaded(CELERY, **UNCHECKED)
    assert "agents.tasks" in modules and not modules & {*SDKS, "vibe.urls", "agents.api"}


def test_it_loads_the_pages_into_the_worker_that_checks():
    assert "vibe.urls" in loaded(CELERY)
