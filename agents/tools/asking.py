"""The ask_user tool: the run waits, holding no worker, until the person answers."""

from typing import Any

from agents.tools.base import Outcome, Tool, Toolbox, ToolFailed


async def ask_user(tools: Toolbox, values: dict[str, Any]) -> Outcome:
    """The loop never gets here: it puts the run to wait, and the answer becomes the call's result."""
    raise ToolFailed("Nobody can be asked here. Decide yourself.")


ASK_USER = Tool(
    "ask_user",
    "Ask the person one question when you cannot go on sensibly without the answer. Give up to five short options if it"
    " can be answered by choosing. Prefer a sensible assumption to a question.",
    {
        "question": {"type": "string", "minLength": 1, "maxLength": 1_000},
        "options": {
            "type": "array",
            "maxItems": 5,
            "items": {"type": "string", "minLength": 1, "maxLength": 100},
        },
    },
    ("question",),
    lambda values: "A question for you",
    ask_user,
    read_only=True,
)
