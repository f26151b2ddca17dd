"""A build through the official SDK: what the model writes, in which order, and how it goes on after a stop."""

import pytest

from demo_model import places, recipes
from tests.demo_model.playing import Agent

KINDS = {
    "landing": "A landing page for a bakery called Crumb & Co",
    "pricing": "A pricing page for a bakery called Crumb & Co",
    "todo": "A todo app called Crumb & Co",
    "kanban": "A kanban board called Crumb & Co",
    "dashboard": "A dashboard for a bakery called Crumb & Co",
    "portfolio": "A portfolio for a photographer called Crumb & Co",
    "blog": "A recipe blog for a bakery called Crumb & Co",
    "shop": "An online shop for a bakery called Crumb & Co",
}
ENTRY = {
    "react": "src/App.tsx",
    "nextjs": "app/page.tsx",
    "vue": "src/App.vue",
    "svelte": "src/routes/+page.svelte",
    "angular": "src/app/app.html",
    "html": "index.html",
}


@pytest.mark.parametrize("framework", recipes.FRAMEWORKS)
@pytest.mark.parametrize("kind", KINDS)
def test_it_builds_every_recipe_in_a_few_calls(agent: Agent, kind, framework):
    agent.framework = framework
    agent.ask(KINDS[kind])
    names = [name for name, _ in agent.calls]
    assert 2 <= names.count("write_files") <= 3
    assert names[-2:] == ["terminal", "finish"]
    assert (agent.root / ENTRY[framework]).is_file()
    assert "Crumb & Co" in agent.text(places.words(framework)[0]).replace("&amp;", "&")
    assert "«" not in agent.everything()
    assert "Crumb & Co" in agent.summary and "scripted demo model" in agent.said


def test_there_is_a_prompt_for_every_recipe():
    assert set(KINDS) == set(recipes.kinds())


def test_it_goes_on_where_a_stopped_run_stood(agent: Agent, client):
    agent.messages.append({"role": "user", "content": KINDS["todo"]})
    assert agent.step()
    heir = Agent(client, agent.root, messages=agent.messages)
    while heir.step():
        pass
    written = [f["path"] for _, i in (*agent.calls, *heir.calls) if "files" in i for f in i["files"]]
    assert len(written) == len(set(written))
    assert heir.summary


def test_it_goes_on_when_told_to_continue(agent: Agent):
    agent.messages.append({"role": "user", "content": KINDS["todo"]})
    assert agent.step()
    agent.messages[-1]["content"].append({"type": "text", "text": "Continue."})
    while agent.step():
        pass
    assert "todo app" in agent.summary


def test_it_splits_a_build_to_fit_small_answers(agent: Agent):
    agent.max_tokens = 2500
    agent.ask(KINDS["landing"], limit=40)
    assert [name for name, _ in agent.calls].count("write_files") > 3
    assert agent.summary


def test_it_calls_only_the_tools_it_was_offered(agent: Agent):
    agent.offered = ("list_files", "read_files")
    agent.ask(KINDS["landing"])
    assert agent.calls == []
    assert "Nothing is changed yet" in agent.said


def test_it_answers_a_question_without_touching_anything(agent: Agent):
    agent.ask("What can you do?")
    assert agent.calls == []
    assert "scripted demo model" in agent.said


def test_it_finishes_in_words_where_there_is_no_finish_tool(agent: Agent):
    agent.offered = ("write_files",)
    agent.ask(KINDS["todo"])
    assert "Built Crumb & Co" in agent.said


def test_it_says_so_when_the_linter_complains(agent: Agent):
    agent.lint = "src/App.tsx: problem\nexit code: 1\n"
    agent.ask(KINDS["todo"])
    assert "linter still reports" in agent.summary


def test_it_ignores_what_the_platform_puts_around_the_prompt(agent: Agent):
    files = "<project_context>\nFiles:\nkanban.tsx dashboard\n</project_context>"
    agent.ask(f"{files}\n\n{KINDS['todo']}")
    assert "todo app" in agent.summary


def test_it_fills_a_demanded_tool_from_its_schema(client):
    schema = {
        "type": "object",
        "properties": {"framework": {"enum": ["nextjs", "react", "html"]}},
        "required": ["framework"],
    }
    answer = client.messages.create(
        model="demo",
        max_tokens=100,
        tools=[{"name": "choose", "input_schema": schema}],
        tool_choice={"type": "tool", "name": "choose"},
        messages=[{"role": "user", "content": "A plain HTML page"}],
    )
    assert answer.content[0].input == {"framework": "html"}
