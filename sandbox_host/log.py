"""Log lines that a program can read: one JSON object each, with the fields that a message names."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def _short(record: logging.LogRecord) -> bool:
    """Noise on the port is a line, not an error with a traceback."""
    problem = record.exc_info[1] if record.exc_info else None
    if isinstance(problem, HttpProcessingError | web.RequestPayloadError):
        record.levelno, record.levelname, record.exc_info, record.exc_text = logging.INFO, "INFO", None, None
        record.msg, record.args = "not understood: %s", (" ".join(str(problem).split())[:200],)
    return True


def begin() -> None:
    """Send all log lines to stderr in this form."""
    logging.getLogger("aiohttp.server").addFilter(_short)
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])


@contextmanager
def failures(doing: str, **fields: object) -> Iterator[None]:
    """For a watch that has to go on: what goes wrong in one round is logged, and the next one comes all the same."""
    try:
        yield
    except Exception:
        logging.getLogger("sandbox_host").exception("%s failed", doing, extra={"fields": fields})


def say(message: str, **fields: object) -> None:
    logging.getLogger("sandbox_host").info(message, extra={"fields": fields})
