"""The shape of an error of the API: RFC 9457, `application/problem+json`. vibe/problems.py makes them."""

from typing import Any

CONTENT_TYPE = "application/problem+json"
TITLES = {
    400: "This request cannot be taken",
    401: "Sign in first",
    402: "Not enough credits",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    422: "The Idempotency-Key was used for another request",
    429: "Too many requests",
    500: "Something went wrong on our side",
    503: "Not available right now",
}


def problem(code: int, detail: str, **extra: Any) -> dict[str, Any]:
    """The body of an error: {type, title, status, detail, …}."""
    return {"type": "about:blank", "title": TITLES.get(code, "Error"), "status": code, "detail": detail, **extra}
