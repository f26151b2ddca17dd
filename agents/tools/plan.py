"""The propose_plan tool: how a run in Plan mode ends. The person edits the plan and approves it; then it is built."""

from typing import Any

from agents.tools.base import Outcome, Tool, Toolbox

_LINE = {"type": "string", "minLength": 1, "maxLength": 400}
# What a plan may hold; as a message that has it built it stays below the longest prompt.
PLAN: dict[str, Any] = {
    "title": {"type": "string", "minLength": 1, "maxLength": 120},
    "summary": {"type": "string", "maxLength": 1_000, "description": "What the person will have, in two sentences."},
    "steps": {
        "type": "array",
        "minItems": 1,
        "maxItems": 15,
        "items": {**_LINE, "description": "One step that can be checked when it is done."},
    },
    "files": {"type": "array", "maxItems": 40, "items": {"type": "string", "minLength": 1, "maxLength": 150}},
    "questions": {"type": "array", "maxItems": 5, "items": {**_LINE, "maxLength": 300}},
}


async def propose_plan(tools: Toolbox, values: dict[str, Any]) -> Outcome:
    plan = {
        "title": values["title"].strip(),
        "summary": values["summary"].strip(),
        "steps": values["steps"],
        "files": values.get("files", []),
        "questions": [{"question": question, "answer": ""} for question in values.get("questions", [])],
    }
    return Outcome("The person sees the plan now.", summary=plan["title"], facts={"plan": plan})


PROPOSE_PLAN = Tool(
    "propose_plan",
    "Give the plan to the person, who can edit and approve it. This ends your work.",
    PLAN,
    ("title", "summary", "steps"),
    lambda values: "Propose a plan",
    propose_plan,
    read_only=True,
)
