"""Lists in pages: `limit` items, and a token from which the next page goes on although items come and go."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from sandbox_host.bodies import Refusal, number

LIMIT = 100
T = TypeVar("T")
Position = tuple[float, str]  # when it began, and its id


def page(
    items: Iterable[T], position: Callable[[T], Position], query: Mapping[str, str]
) -> tuple[list[T], dict[str, str]]:
    """One page, newest first unless `order` says asc, and the header that leads to the next. Raises Refusal."""
    descending = query.get("order", "desc") != "asc"
    ordered = sorted(items, key=position, reverse=descending)
    if token := query.get("nextToken"):
        last = _decode(token)
        ordered = [item for item in ordered if (position(item) < last if descending else position(item) > last)]
    limit = number(query.get("limit", str(LIMIT)), 0)
    if not 1 <= limit <= LIMIT:
        raise Refusal(400, f"limit must be between 1 and {LIMIT}.")
    headers = {"x-next-token": _encode(position(ordered[limit - 1]))} if len(ordered) > limit else {}
    return ordered[:limit], headers


def _encode(position: Position) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


def _decode(token: str) -> Position:
    try:
        began, name = json.loads(base64.urlsafe_b64decode(token))
        return float(began), str(name)
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error):
        raise Refusal(400, "nextToken is not one this host gave.") from None
