"""The finish tool: the model says it is done. What the user is told is checked by the platform, not taken from here."""

from typing import Any

from agents.tools.base import Outcome, Tool, Toolbox, ToolFailed
from projects import briefing, promises
from projects.services import BadPrompt

MAX_EXPECTS = 5


async def finish(tools: Toolbox, values: dict[str, Any]) -> Outcome:
    expects = [_statement(number, one) for number, one in enumerate(values.get("expects", []), 1)]
    once = {promises.mark(one["path"], one["text"]): one for one in reversed(expects)}
    facts = {"expects": [*reversed(once.values())], "outdated": sorted(set(values.get("outdated", [])))}
    told = {name: value for name, value in facts.items() if value}
    return Outcome("Done. The platform now checks the app.", summary=values["summary"][:200], facts=told)


def _statement(number: int, one: dict[str, str]) -> dict[str, str]:
    try:
        return briefing.check_promise(one["says"], one.get("path", "/"), one["text"])
    except BadPrompt as error:
        raise ToolFailed(f"expects, number {number}, {error.field}: {error.message} Call finish again.") from error


FINISH = Tool(
    "finish",
    "Say that the work is done, with a short summary for the user in Markdown: what the app does now and what to try.",
    {
        "summary": {"type": "string", "minLength": 1, "maxLength": 4_000},
        "expects": {
            "type": "array",
            "maxItems": MAX_EXPECTS,
            "description": "What a visitor can now see because of this request. Kept, and checked after later changes.",
            "items": {
                "type": "object",
                "properties": {
                    "says": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": briefing.SAYS_CHARS,
                        "description": "One sentence for the person: The menu lists Earl Grey.",
                    },
                    "path": {"type": "string", "maxLength": briefing.PATH_CHARS, "description": "/ if not given."},
                    "text": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": briefing.SEEN_CHARS,
                        "description": "Words that stand on that page when it opens, exactly: Earl Grey.",
                    },
                },
                "required": ["says", "text"],
                "additionalProperties": False,
            },
        },
        "outdated": {
            "type": "array",
            "maxItems": promises.MAX_PROMISES,
            "items": {"type": "integer", "minimum": 1, "maximum": 2**53},
            "description": "Numbers of earlier promises that this request made untrue on purpose.",
        },
    },
    ("summary",),
    lambda values: "Finish",
    finish,
)
