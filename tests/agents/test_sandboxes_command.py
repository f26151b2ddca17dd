"""`bin/manage sandboxes`: an operator's list, kill, shell and log."""

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command
from e2b import Sandbox

if TYPE_CHECKING:
    from agents.models import Run

pytestmark = pytest.mark.sandbox
ROOT = Path(__file__).parents[2]


@pytest.fixture
def row(start: Callable[..., "Run"]) -> Any:
    from agents import sandbox
    from agents.models import Sandbox

    sandbox.ensure(start().project)
    return Sandbox.objects.get()


def _say(*arguments: str) -> str:
    out = io.StringIO()
    call_command("sandboxes", *arguments, stdout=out)
    return out.getvalue()


def test_it_lists_each_with_its_project(row: Any) -> None:
    (line,) = [line for line in _say().splitlines() if line.startswith(row.sandbox_id)]
    assert "running" in line and line.endswith(row.project.name)


def test_it_kills_one(row: Any) -> None:
    assert "is gone" in _say("kill", row.sandbox_id)
    assert row.sandbox_id not in _say("list")
    with pytest.raises(CommandError, match="There is no sandbox"):
        _say("kill", row.sandbox_id)


def test_it_tells_which_hosts_it_asked_for(row: Any) -> None:
    from agents.sandbox import options

    sandbox = Sandbox.connect(row.sandbox_id, **options())
    sandbox.commands.run("curl -s https://evil.invalid/ || true")
    (line,) = [line for line in _say("log", row.sandbox_id).splitlines() if "evil.invalid" in line]
    assert "refused" in line and "CONNECT evil.invalid:443" in line and "allow list" in line
    with pytest.raises(CommandError, match="There is no sandbox"):
        _say("log", "../v2/sandboxes")


def test_it_opens_a_shell(row: Any) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "sandboxes", "shell", row.sandbox_id],
        cwd=ROOT, input="echo $((6 * 7)); exit\n", capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "42" in done.stdout and done.returncode == 0, done.stderr
