"""The propose_plan tool: how a run in Plan mode ends. The person edits the plan and approves it; then it is built."""

from typing import Any

from agents.plan_form import PLAN
from agents.tools.base import Outcome, Tool, Toolbox


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
