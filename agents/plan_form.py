"""What a plan may hold, for the tool that proposes it and for the person who changes it (JSON Schema of its fields).

As a message that has it built it stays below the longest prompt.
"""

from typing import Any

_LINE = {"type": "string", "minLength": 1, "maxLength": 400}
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
