"""The remember tool: notes for later runs. The loop adds them to the project's memory together with the result."""

from typing import Any

from agents.tools.base import Outcome, Tool, Toolbox, count


async def remember(tools: Toolbox, values: dict[str, Any]) -> Outcome:
    notes = values["notes"]
    return Outcome("Noted.", summary=count(len(notes), "note"), facts={"remember": notes, "notes": notes})


REMEMBER = Tool(
    "remember",
    "Note what later requests about this app should know: a decision and its reason, a preference of the person, a"
    " pitfall. Not what the files say themselves. The person can read and change the notes.",
    {
        "notes": {
            "type": "array",
            "minItems": 1,
            "maxItems": 5,
            "items": {"type": "string", "minLength": 1, "maxLength": 300},
        }
    },
    ("notes",),
    lambda values: "Remember",
    remember,
)
