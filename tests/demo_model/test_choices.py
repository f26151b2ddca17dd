"""Calls beside the work: which framework, a plan, a review; and an answer that fits whatever is demanded."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from demo_model import mistakes
from tests.demo_model.playing import Agent

LINE = {"type": "string", "minLength": 1, "maxLength": 120}
FRAMEWORK = {
    "type": "object",
    "properties": {"framework": {"type": "string", "enum": ["nextjs", "react", "html", "vue", "svelte", "angular"]}},
    "required": ["framework"],
    "additionalProperties": False,
}
ISSUE = {
    "type": "object",
    "properties": {"file": LINE, "line": {"type": "integer"}, "severity": {"enum": ["high", "medium", "low"]}},
}
REVIEW = {
    "type": "object",
    "properties": {"verdict": {"enum": ["approved", "issues"]}, "issues": {"type": "array", "items": ISSUE}},
    "required": ["verdict", "issues"],
}
PLAN = {
    "type": "object",
    "properties": {
        "title": LINE,
        "summary": {"type": "string", "maxLength": 1000},
        "steps": {"type": "array", "minItems": 1, "maxItems": 15, "items": {**LINE, "maxLength": 400}},
        "files": {"type": "array", "maxItems": 40, "items": LINE},
        "questions": {"type": "array", "maxItems": 5, "items": LINE},
    },
    "required": ["title", "summary", "steps"],
}
OTHER = {
    "type": "object",
    "properties": {"a": {**LINE, "maxLength": 8}, "b": {"type": "array", "minItems": 2, "items": {"type": "integer"}}},
    "required": ["a", "b"],
}


def demanded(client, name: str, schema: dict[str, Any], words: str) -> Any:
    """What the model answers when it must call this tool; it fits the schema."""
    answer = client.messages.create(
        model="demo",
        max_tokens=2000,
        system="Framework: react",
        tools=[{"name": name, "input_schema": schema}],
        tool_choice={"type": "tool", "name": name},
        messages=[{"role": "user", "content": words}],
    )
    assert answer.stop_reason == "tool_use"
    Draft202012Validator(schema).validate(answer.content[0].input)
    return answer.content[0].input


@pytest.mark.parametrize(
    ("prompt", "framework"),
    [
        ("A todo app", "react"),
        ("a blog with Next.js", "nextjs"),
        ("one plain HTML page", "html"),
        ("A dashboard in Vue", "vue"),
        ("SvelteKit kanban", "svelte"),
        ("an Angular shop", "angular"),
        ("a chemical reaction game", "react"),
    ],
)
def test_it_chooses_the_framework_that_is_named(client, prompt, framework):
    words = f"Choose the framework for this request:\n\n{prompt}"
    assert demanded(client, "choose_framework", FRAMEWORK, words) == {"framework": framework}


def test_it_answers_any_demanded_tool_by_its_schema(client):
    demanded(client, "other", OTHER, "Anything")


DIFF = "<diff>\n--- a/src/content.ts\n+++ b/src/content.ts\n@@ -1,2 +1,4 @@\n one\n two\n+\n+{line}\n</diff>"


def test_a_review_finds_what_was_left_in_and_nothing_else(client):
    clean = demanded(client, "review", REVIEW, DIFF.format(line="export const title = 'x';"))
    assert clean == {"verdict": "approved", "issues": []}
    found = demanded(client, "review", REVIEW, DIFF.format(line=mistakes.LEFT_IN))
    assert found["verdict"] == "issues"
    assert [(i["file"], i["line"], i["severity"]) for i in found["issues"]] == [("src/content.ts", 4, "medium")]


@pytest.mark.parametrize("words", ["[[demo:review-issues]]", "so that the review finds something"])
def test_it_leaves_something_for_the_review_and_mends_it(agent: Agent, words):
    agent.ask(f"a todo app called Zest {words}")
    assert mistakes.LEFT_IN in agent.text("src/content.ts")
    agent.ask(
        "The review of your change found:\n\n- medium: src/content.ts:14: A switch was left in. (debug)\n\n"
        "Look at each in the code. Fix those that are right. Then call finish."
    )
    assert mistakes.LEFT_IN not in agent.text("src/content.ts")
    assert agent.summary


def planned(agent: Agent, prompt: str) -> Any:
    """The plan the model proposes for a prompt, with the tools of Plan mode."""
    tools: list[Any] = [
        {"name": "propose_plan", "description": "plan", "input_schema": PLAN},
        {"name": "list_files", "description": "list", "input_schema": {"type": "object", "properties": {}}},
    ]
    messages: list[Any] = [*agent.messages, {"role": "user", "content": prompt}]
    for _ in range(3):
        answer: Any = agent.client.messages.create(
            model="demo", max_tokens=4000, system="Framework: react", tools=tools, messages=messages
        )
        call = answer.content[-1]
        if call.name == "propose_plan":
            Draft202012Validator(PLAN).validate(call.input)
            return call.input
        messages.append({"role": "assistant", "content": [b.model_dump() for b in answer.content]})
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "src/content.ts\nsrc/index.css"}
        messages.append({"role": "user", "content": [result]})
    raise AssertionError("no plan")


def test_an_approved_plan_builds_what_was_asked_for(agent: Agent):
    prompt = "A pricing page for a bakery called Crumb & Co"
    plan = planned(agent, prompt)
    assert "scripted" in plan["summary"]
    agent.messages = [
        {"role": "user", "content": prompt},
        {"role": "assistant", "content": f"**{plan['title']}**\n\n{plan['summary']}"},
    ]
    steps = "\n".join(f"{n}. {step}" for n, step in enumerate(plan["steps"], 1))
    agent.ask(f"Build this plan:\n\n# {plan['title']}\n\n{plan['summary']}\n\n{steps}\n\nFiles: {plan['files']}")
    assert "Built Crumb & Co: a pricing page" in agent.summary
    assert set(plan["files"]) <= {str(p.relative_to(agent.root)) for p in agent.root.rglob("*") if p.is_file()}


def test_it_plans_a_follow_up_and_builds_it(agent: Agent):
    agent.ask("A landing page for a bakery called Crumb & Co")
    plan = planned(agent, "add testimonials and make it teal")
    agent.messages += [{"role": "user", "content": "plan"}, {"role": "assistant", "content": plan["title"]}]
    agent.ask(f"Build this plan:\n\n# {plan['title']}\n\n{plan['summary']}\n\n1. Read.\n")
    assert 'id="testimonials"' in agent.everything() and "colours are new" in agent.summary


def test_a_run_that_goes_on_from_another_writes_everything(agent: Agent):
    agent.messages = [
        {"role": "user", "content": "a todo app called Zest"},
        {"role": "assistant", "content": "Stopped before the end."},
    ]
    agent.ask("<earlier_context>\nAn earlier run stopped.\n</earlier_context>\n\nContinue.")
    assert "todo app" in agent.summary
    assert (agent.root / "src/App.tsx").is_file() and (agent.root / "src/index.css").is_file()
