"""What it makes of the words that the page's own buttons put into the message box when something is broken."""

import re
from pathlib import Path

import pytest

from demo_model import mistakes
from tests.demo_model.playing import TOOLS, Agent
from tests.demo_model.test_followups import changed
from tests.demo_model.test_honesty import untouched

BUILD = "a landing page for a bakery called Crumb & Co"
PREVIEW = Path(__file__).parents[2] / "static/js/workspace/preview.js"
FIX = re.findall(r'FIX = "(.+?)"', PREVIEW.read_text())[0]
ORIGIN = "http://5173-abc.localhost:8003"
DEPS = f"{ORIGIN}/node_modules/.vite/deps"
BLAMING = [
    "The preview has a problem: /{path} answers HTTP 500.\n\nUnexpected token\n\nFind the cause and mend it.",
    "The preview has a problem: The log speaks.\n\n[plugin:vite] /home/user/app/{path}: Oh (3:5)\n\nMend it.",
    f"On / the browser's console shows an error:\n```\nat {ORIGIN}/{{path}}?t=17:3:5\nat {DEPS}/react.js?v=1:9:9\n```",
]


@pytest.fixture
def built(agent: Agent) -> Agent:
    agent.ask(BUILD)
    agent.calls.clear()
    return agent


@pytest.mark.parametrize("report", BLAMING)
def test_it_puts_back_a_file_of_its_own_that_is_to_blame(built: Agent, report):
    path = "src/components/Hero.tsx"
    whole = built.text(path)
    (built.root / path).write_text(whole.replace("return (", "return ((", 1))
    built.ask(report.format(path=path))
    assert built.text(path) == whole and changed(built) == {path}
    assert f"Put back the recipe's version of {path}" in built.summary


@pytest.mark.parametrize("report", BLAMING)
def test_it_leaves_a_file_of_another_hand_as_it_is(agent: Agent, report):
    untouched(agent, "react").ask(report.format(path="src/App.tsx"))
    assert changed(agent) == set() and not agent.summary
    assert "I read `src/App.tsx`. I cannot mend this one, and I changed nothing." in agent.said
    assert "scripted demo model" in agent.said


@pytest.mark.parametrize(
    "report", [FIX, "The last version has problems with lint and build. Find the cause and mend it."]
)
def test_it_looks_for_the_cause_itself_when_the_report_names_none(built: Agent, report):
    path = mistakes.breakable("react")
    whole = built.text(path)
    (built.root / path).write_text(f"{whole}{mistakes.BROKEN['.ts']}\n")
    built.lint = f"exit code: 2\nFound 0 warnings and 0 errors.\n{path}(60,7): error TS2322: Type 'string' is wrong.\n"
    built.ask(report)
    assert built.calls[0] == ("terminal", {"command": "npm run lint && npm run build"})
    assert built.text(path) == whole and f"Mended {path}" in built.summary


def test_it_says_that_it_found_nothing_and_what_else_helps(built: Agent):
    built.ask("call it Loaf")
    built.calls.clear()
    built.ask(FIX)
    assert changed(built) == set() and not built.summary and "Loaf" in built.text("src/content.ts")
    assert "`npm run lint && npm run build` finds nothing wrong." in built.said
    assert "I cannot mend this one, and I changed nothing. “Repair”" in built.said
    built.lint = "exit code: 1\nthe disk is full\n"
    built.ask(FIX)
    assert changed(built) == set() and "does not pass; see its output above." in built.said


def test_it_does_not_say_mended_of_a_file_that_is_locked(built: Agent):
    path = mistakes.breakable("react")
    (built.root / path).write_text(f"{built.text(path)}{mistakes.BROKEN['.ts']}\n")
    built.locked = (path,)
    built.ask(f"The preview has a problem: /{path} answers HTTP 500.\n\nFind the cause and mend it.")
    assert f"`{path}` is locked for the agent" in built.said and "Mended" not in built.summary


def test_it_mends_nothing_where_it_may_only_read(built: Agent):
    built.offered = tuple(name for name in TOOLS if name in ("list_files", "read_files", "search"))
    built.ask(FIX)
    assert {name for name, _ in built.calls} <= set(built.offered)
