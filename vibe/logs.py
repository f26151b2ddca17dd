"""Log lines for people (LOG_FORMAT=line) and for collectors (json, one object a line), with what they are about and
without secrets; and the same for errors sent to Sentry.
"""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from accounts.keyshapes import masked, masked_all
from agents.about import about

MAX_CHARS = 20_000


class About(logging.Filter):
    """Puts the run, project and user onto each record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.about = about.get()
        return True


class Line(logging.Formatter):
    """One line for a person's eyes; what it is about stands at its end."""

    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{key}={value}" for key, value in getattr(record, "about", {}).items())
        return masked(super().format(record)[:MAX_CHARS]) + (f" [{fields}]" if fields else "")


class Json(logging.Formatter):
    """One JSON object a line: at, level, logger, message, error (a traceback), and run, project, user where known."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": masked(record.getMessage()[:MAX_CHARS]),
            **getattr(record, "about", {}),
        }
        if record.exc_info:
            line["error"] = masked(self.formatException(record.exc_info)[-MAX_CHARS:])
        return json.dumps(line, ensure_ascii=False, default=str)


def scrub(event: Any, hint: dict[str, Any]) -> Any:
    """Sentry's before_send: no request body, cookies or secrets leave; tags say which run, project and user it was."""
    event.setdefault("tags", {}).update(about.get())
    request = event.get("request", {})
    for private in ("data", "cookies", "env", "query_string"):
        request.pop(private, None)
    return masked_all(event)
