"""Follow-ups on a finished app: read first, exact edits, nothing else touched."""

import re

import pytest

from demo_model import colour, recipes
from tests.demo_model.playing import Agent

FIRST = "A landing page for a bakery called Crumb & Co"
WORDS = {"react": "src/content.ts", "html": "index.html"}
THEME = {"react": "src/index.css", "html": "styles.css"}
PAGE = {"react": "src/App.tsx", "html": "index.html"}


@pytest.fixture(params=recipes.FRAMEWORKS)
def built(request, agent: Agent) -> Agent:
    agent.framework = request.param
    agent.ask(FIRST)
    agent.calls.clear()
    return agent


def changed(agent: Agent) -> set[str]:
    """Paths that were written or edited."""
    paths = {i["path"] for name, i in agent.calls if name == "edit_file"}
    return paths | {f["path"] for name, i in agent.calls if name == "write_files" for f in i["files"]}


@pytest.mark.parametrize(
    "prompt", ["make it green", "#ff5500", "use a warm palette", "Change the colours to navy blue"]
)
def test_it_changes_the_colour(built: Agent, prompt):
    built.ask(prompt)
    tone = colour.asked_for(prompt)
    assert tone
    assert built.calls[0][0] == "read_files"
    assert changed(built) == {THEME[built.framework]}
    assert f"--accent: {dict(colour.css(tone))['--accent']};" in built.text(THEME[built.framework])


def test_it_makes_the_app_dark(built: Agent):
    built.ask("make it dark")
    assert changed(built) == {THEME[built.framework]}
    assert re.search(r":root \{\s*color-scheme: dark;", built.text(THEME[built.framework]))


@pytest.mark.parametrize(
    "prompt", ["add a dark mode toggle", "Add dark mode", "I want a switch between light and dark"]
)
def test_it_adds_a_theme_switch(built: Agent, prompt):
    built.ask(prompt)
    assert "switch in the header" in built.summary
    assert "ThemeToggle" in built.everything() or "data-theme-toggle" in built.everything()


@pytest.mark.parametrize(
    ("prompt", "anchor"),
    [
        ("add testimonials", "testimonials"),
        ("Please add an FAQ section", "faq"),
        ("add a contact form", "contact"),
        ("include a pricing section", "plans"),
        ("add our team", "team"),
        ("add a gallery", "gallery"),
        ("add a newsletter sign-up", "newsletter"),
    ],
)
def test_it_adds_a_section(built: Agent, prompt, anchor):
    built.ask(prompt)
    assert f'id="{anchor}"' in built.everything()
    assert PAGE[built.framework] in changed(built)
    assert built.summary.startswith("Added")


def test_it_does_not_add_a_section_twice(built: Agent):
    built.ask("add testimonials")
    built.calls.clear()
    built.ask("add testimonials")
    assert changed(built) == set()
    assert "nothing for me to change" in built.said


def test_it_renames_the_app_everywhere(built: Agent):
    built.ask('rename it to Loaf & "Love"')
    assert "Crumb &" not in built.everything()
    assert "Loaf &" in built.text(WORDS[built.framework])


def test_it_changes_the_headline(built: Agent):
    built.ask('Change the headline to "Bread <b>first</b>"')
    expected = "Bread &lt;b&gt;first&lt;/b&gt;" if built.framework == "html" else 'headline: "Bread <b>first</b>"'
    assert expected in built.text(WORDS[built.framework])


def test_it_changes_a_quoted_text(built: Agent):
    built.ask('change "Country loaf" to "City loaf"')
    assert "City loaf" in built.text(WORDS[built.framework])
    assert "Country loaf" not in built.text(WORDS[built.framework])


def test_it_does_several_things_in_one_go(built: Agent):
    built.ask("make it purple and add a FAQ and a team section")
    assert {'id="faq"', 'id="team"'} <= set(re.findall(r'id="\w+"', built.everything()))
    assert THEME[built.framework] in changed(built)
    assert [name for name, _ in built.calls].count("finish") == 1


def test_it_says_honestly_what_it_cannot_do(built: Agent):
    built.ask("please integrate a payment provider")
    assert changed(built) == set()
    assert "changed nothing" in built.said and "scripted demo model" in built.said


def test_it_builds_another_app_when_asked_to(built: Agent):
    built.ask("Now build a kanban board called Lanes")
    assert "kanban" in built.summary


def test_it_copes_with_a_project_it_did_not_write(agent: Agent):
    agent.framework = "react"
    (agent.root / "src").mkdir()
    (agent.root / "src/App.tsx").write_text("export default function App() {\n  return <p>hi</p>;\n}\n")
    agent.messages = [{"role": "user", "content": "Something else"}, {"role": "assistant", "content": "Done."}]
    agent.ask("make it green")
    assert changed(agent) == set()
    assert "nothing for me to change" in agent.said


def test_it_answers_a_question_with_read_only_tools(built: Agent):
    built.offered = ("list_files", "read_files", "search")
    built.ask("Where do I change the words?")
    assert changed(built) == set()
    assert WORDS[built.framework] in built.said
