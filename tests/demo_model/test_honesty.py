"""What it says of a follow-up is what the follow-up did: on apps it did not write, and when a tool refuses a change."""

import shutil

import pytest
from playwright.sync_api import Browser

from demo_model import places
from tests.demo_model import looking
from tests.demo_model.playing import Agent
from tests.demo_model.test_followups import WORDS, built, changed  # noqa: F401  (`built` is a fixture)
from tests.demo_model.workshop import TEMPLATES


def untouched(agent: Agent, framework: str) -> Agent:
    """A project whose first run made nothing: it has the template's files."""
    agent.framework = framework
    shutil.copytree(TEMPLATES / framework / "app", agent.root, dirs_exist_ok=True, ignore=lambda *_: ["node_modules"])
    agent.messages = [{"role": "user", "content": "Something else"}, {"role": "assistant", "content": "Stopped."}]
    return agent


def brightness(browser: Browser, agent: Agent, system: str) -> int:
    """How bright the page's ground is, 0 to 255, for a visitor whose system is light or dark."""
    with looking.served(agent.root) as url, looking.tab(browser, system) as (page, _):
        page.goto(url)
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return max(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))


@pytest.mark.browser
def test_it_makes_the_untouched_page_dark_and_light_for_everybody(agent: Agent, browser):
    untouched(agent, "html")
    agent.ask("make it dark")
    assert "The app is dark now" in agent.summary and changed(agent) == {"styles.css"}
    assert [brightness(browser, agent, system) < 60 for system in ("light", "dark")] == [True, True]
    agent.ask("make it light again")
    assert [brightness(browser, agent, system) > 200 for system in ("light", "dark")] == [True, True]
    agent.ask("make it light")
    assert "The app is light already" in agent.said and not agent.summary


@pytest.mark.parametrize("framework", ["react", "nextjs", "vue", "svelte", "angular"])
def test_it_makes_an_untouched_app_of_a_framework_dark_and_light(agent: Agent, framework):
    look = places.stylesheet(framework)
    untouched(agent, framework).ask("make it dark")
    assert "The app is dark now" in agent.summary and "color-scheme: dark;" in agent.text(look)
    assert agent.text(look).startswith('@import "tailwindcss";\n@custom-variant dark (@media all);\n')
    agent.ask("make it always light")
    assert agent.text(look).startswith('@import "tailwindcss";\n@custom-variant dark (@media not all);\n')


@pytest.mark.parametrize(
    "style",
    [
        ":root {\n  color-scheme: light dark;\n}\nbody {\n  background: white;\n}\n",
        "@media print, (prefers-color-scheme: dark) {\n  body {\n    background: black;\n  }\n}\n",
        '@import "tailwindcss";\n@custom-variant dark (&:where(.dark *));\nbody {\n  @apply dark:bg-black;\n}\n',
    ],
)
def test_it_does_not_say_dark_of_a_page_it_cannot_make_dark(agent: Agent, style):
    untouched(agent, "html")
    (agent.root / "styles.css").write_text(style)
    agent.ask("make it dark")
    assert agent.text("styles.css") == style and not agent.summary
    assert "The app is not dark by this" in agent.said and "dark now" not in agent.said


def test_it_changes_the_accent_alone_of_a_theme_by_another_hand(agent: Agent):
    before = untouched(agent, "html").text("styles.css").splitlines()
    agent.ask("make it green")
    after = agent.text("styles.css").splitlines()
    assert "The accent colour in styles.css is new; the other colours there are as they were." in agent.summary
    differ = {line.split(":")[0].strip() for line, old in zip(after, before, strict=True) if line != old}
    assert differ == {"--accent"}


@pytest.mark.parametrize(
    ("prompt", "why"),
    [
        ("add a dark mode toggle", "I added no light and dark switch"),
        ("remove the testimonials", "I see no such section"),
        ("call it Loaf", "I see no name that I know"),
        ("change the introduction to Hello", "I see no introduction in"),
        ('change "Nowhere" to "Somewhere"', "I see no file in which “Nowhere” stands"),
    ],
)
@pytest.mark.parametrize("framework", ["react", "html"])
def test_it_says_what_it_did_not_find(agent: Agent, framework, prompt, why):
    untouched(agent, framework).ask(prompt)
    assert "I changed nothing" in agent.said and why in agent.said
    assert changed(agent) == set() and not agent.summary


def test_it_tells_what_it_did_from_what_it_did_not(built: Agent):  # noqa: F811
    built.ask("make it teal, add a FAQ and remove the testimonials")
    assert "colours are new" in built.summary and "Added: FAQ" in built.summary
    assert "I took nothing out" in built.summary
    built.ask("add a FAQ and a gallery")
    assert "Added: Gallery." in built.summary and "FAQ: that section is there already." in built.summary


def test_it_does_not_promise_a_name_that_only_the_title_has(agent: Agent):
    agent.ask("A landing page for a bakery called Crumb & Co")
    told = "<promises>\n1. The page is called Crumb & Co On / stands: Crumb & Co\n</promises>\n\n"
    agent.locked = (WORDS["react"],)
    agent.ask(told + "call it Loaf")
    assert "is called Loaf now, in index.html." in agent.summary and "is locked for the agent" in agent.summary
    assert (agent.expects, agent.outdated) == ([], [])


@pytest.mark.parametrize("prompt", ["make it dark", "make it teal"])
@pytest.mark.parametrize(
    ("pattern", "help_with_it"),
    [
        ("/{path}", "open it under Code and choose “Unlock for the agent”"),
        ("*.css", "take the pattern `*.css` out of “Locked files” under Context"),
    ],
)
def test_it_says_that_a_file_is_locked_and_how_to_unlock_it(built: Agent, prompt, pattern, help_with_it):  # noqa: F811
    path = places.stylesheet(built.framework)
    before = built.everything()
    built.locked = (pattern.format(path=path),)
    built.ask(prompt)
    assert f"`{path}` is locked for the agent, so I left it as it is." in built.said and help_with_it in built.said
    assert built.everything() == before and not built.summary


def test_it_does_what_the_lock_allows_and_names_the_rest(built: Agent):  # noqa: F811
    path = places.stylesheet(built.framework)
    built.locked = (f"/{path}",)
    built.ask("make it teal, always dark, and add a FAQ")
    assert built.summary.startswith("Added: FAQ.") and "colours are new" not in built.summary
    assert built.summary.count(f"`{path}` is locked for the agent") == 1


def test_it_builds_no_app_over_a_locked_file_and_says_so(agent: Agent):
    agent.locked = ("/src/content.ts",)
    agent.ask("A landing page for a bakery called Crumb & Co")
    assert "the app is not built. `src/content.ts` is locked for the agent" in agent.said
    assert not agent.summary and not agent.expects
