"""The finish tool: the model says it is done. What the user is told is checked by the platform, not taken from here."""

from typing import Any

from agents.tools.base import Outcome, Tool, Toolbox


async def finish(tools: Toolbox, values: dict[str, Any]) -> Outcome:
    return Outcome("Done. The platform now checks the app.", summary=values["summary"][:200])


FINISH = Tool(
    "finish",
    "Say that the work is done, with a short summary for the user in Markdown: what the app does now and what to try.",
    {"summary": {"type": "string", "minLength": 1, "maxLength": 4_000}},
    ("summary",),
    lambda values: "Finish",
    finish,
)
