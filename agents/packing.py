"""JSON as it is sent and stored: whole conversations and every event, so by the fastest that is there already."""

import json
from typing import Any

from pydantic_core import to_json


def packed(value: Any) -> bytes:
    """JSON in UTF-8 without spaces. Half of a surrogate pair, which a model or a command may send, becomes U+FFFD."""
    try:
        return to_json(value)
    except ValueError:  # such a half, or nested deeper than it goes
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
