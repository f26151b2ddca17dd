"""What the demo model promises is so, and it says which earlier promises a follow-up made untrue."""

import pytest
from playwright.sync_api import Browser

from tests.demo_model import looking
from tests.demo_model.playing import TOOLS, Agent
from tests.demo_model.test_builds import KINDS

FIRST = KINDS["landing"]


def seen(browser: Browser, agent: Agent) -> str:
    with looking.served(agent.root) as url, looking.tab(browser, "light") as (page, _):
        page.goto(url)
        return " ".join(page.inner_text("body").casefold().split())


def told(agent: Agent) -> str:
    """What the agent promised, as the platform tells it with the next request."""
    lines = [f"{n}. {one['says']} On {one['path']} stands: {one['text']}" for n, one in enumerate(agent.expects, 1)]
    return "<project_context>\n<promises>\n" + "\n".join(lines) + "\n</promises>\n</project_context>\n\n"


@pytest.mark.browser
@pytest.mark.parametrize("kind", KINDS)
def test_its_promises_of_a_new_app_are_so(agent: Agent, browser, kind):
    agent.framework = "html"
    agent.ask(KINDS[kind])
    assert agent.expects[0]["text"] == "Crumb & Co" and len(agent.expects) == 2
    page = seen(browser, agent)
    assert [one["text"] for one in agent.expects if one["text"].casefold() not in page] == []


@pytest.mark.browser
@pytest.mark.parametrize(
    ("prompt", "texts", "outdated"),
    [
        ("Rename it to Rye & Sons", ["Rye & Sons"], [1]),
        ('Change the headline to "Bread, every day"', ["Bread, every day"], [2]),
        ('Change "Crumb & Co" to "Rye"', ["Rye"], [1]),
        ("Add testimonials and a FAQ", ["What people say", "Questions, answered"], []),
        ("make it green", [], []),
    ],
)
def test_a_follow_up_says_what_is_so_now_and_what_is_not_any_more(agent: Agent, browser, prompt, texts, outdated):
    agent.framework = "html"
    agent.ask(FIRST)
    before = [one["text"] for one in agent.expects]
    agent.ask(told(agent) + prompt)
    assert ([one["text"] for one in agent.expects], agent.outdated) == (texts, outdated)
    page = seen(browser, agent)
    kept = [text for number, text in enumerate(before, 1) if number not in outdated]
    assert [text for text in [*texts, *kept] if text.casefold() not in page] == []


def test_a_new_name_makes_nothing_untrue_that_only_has_its_letters(agent: Agent):
    agent.ask(FIRST)
    agent.ask("call it Go")
    agent.ask("change the headline to Goods of the day")
    agent.ask(told(agent) + "call it Zed")
    assert (agent.outdated, agent.expects) == ([], [])


@pytest.mark.parametrize("framework", ["react", "nextjs", "vue", "svelte", "angular"])
def test_it_promises_the_same_in_each_framework(agent: Agent, framework):
    agent.framework = framework
    agent.ask(FIRST)
    name, headline = agent.expects
    agent.ask(told(agent) + "Rename it to Rye & Sons")
    assert (name["text"], agent.outdated, agent.expects[0]["says"]) == (
        "Crumb & Co",
        [1],
        "The page is called Rye & Sons",
    )
    assert len(headline["text"]) > 5


def test_a_section_that_is_taken_out_takes_its_promise_along(agent: Agent):
    agent.ask(FIRST)
    agent.ask("Add testimonials")
    agent.ask(told(agent) + "Remove the testimonials")
    assert (agent.expects, agent.outdated) == ([], [1])


def test_another_app_keeps_none_of_the_promises(agent: Agent):
    agent.ask(FIRST)
    agent.ask(told(agent) + "Build a kanban board called Lanes instead")
    assert agent.outdated == [1, 2] and agent.expects[0]["text"] == "Lanes"


def test_it_promises_nothing_where_nobody_asks_for_it(agent: Agent, monkeypatch):
    monkeypatch.setitem(TOOLS, "finish", {"summary": "string"})
    agent.ask(FIRST)
    assert agent.summary and agent.calls[-1][1].keys() == {"summary"}
