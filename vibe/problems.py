"""Errors in one shape. The API answers `application/problem+json` (RFC 9457) for every one; pages get our templates."""

import logging
import sys
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from psycopg_pool import PoolTimeout
from redis.exceptions import RedisError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler as rest_handler

from accounts import outside
from accounts.problems import CONTENT_TYPE, TITLES, problem
from agents.services import NotNow
from projects.paths import BadFiles
from projects.services import BadPrompt
from projects.versions import NoSuchFile
from usage.services import NotEnoughCredits
from vibe import request_ids

logger = logging.getLogger(__name__)
# When a client may ask again after a 503.
RETRY_SECONDS = 30


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's handler: None lets an unexpected error rise to Sentry and to `server_error`."""
    match error:
        case NotEnoughCredits():
            facts = {"needed": error.needed, "balance": error.available, "upgrade": "/pricing/"}
            return _response(402, str(error), **facts)
        case BadPrompt():
            return _response(400, error.message, errors={error.field: [error.message]})
        case BadFiles():
            return _response(400, str(error), errors={"path": [str(error)]})
        case RequestDataTooBig():
            return _response(413, f"A request has at most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes.")
        case NotNow():
            return _response(409, str(error))
        case outside.Busy():
            busy = _response(503, str(error))
            busy.headers["Retry-After"] = str(outside.RETRY_SECONDS)
            return busy
        case NoSuchFile() | Http404():
            error = exceptions.NotFound()
    response = rest_handler(error, context)
    if response is None:
        return None
    detail, errors = _texts(error, response.data)
    response.data = problem(response.status_code, detail, **({"errors": errors} if errors else {}))
    response.content_type = CONTENT_TYPE
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error(request, 400, "The server could not read this request.")


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    text = str(exception) if isinstance(exception, PermissionDenied) else ""
    return error(request, 403, text or "You may not do this.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    text = "This form is too old or came from another site. Go back, reload the page, and send it again."
    return error(request, 403, text, kind="form")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error(request, 404, "There is nothing here, or it is not yours.")


class NotAllowed:
    """A page in place of Django's empty 405."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not isinstance(response, HttpResponseNotAllowed):
            return response
        page = error(
            request, 405, "A button sends something to this address. Go to the page with it, and press it there."
        )
        page.headers["Allow"] = response.headers["Allow"]
        return page


def server_error(request: HttpRequest) -> HttpResponse:
    """Nothing of what went wrong, but an id by which whoever runs the site finds it in the log."""
    why = sys.exc_info()[1]
    if isinstance(why, outside.Busy):
        return unavailable(request, str(why), outside.RETRY_SECONDS)
    if isinstance(why, (OperationalError, PoolTimeout)):
        return unavailable(request, "The database cannot be reached for the moment. Your projects are safe.")
    if isinstance(why, RedisError):
        return unavailable(request, "A part of Vibe cannot be reached for the moment. Your projects are safe.")
    name = request_ids.current()
    return error(request, 500, f"It is in our log. Try again in a moment; if it stays, tell us this number: {name}.")


def unavailable(request: HttpRequest, detail: str, seconds: int = RETRY_SECONDS) -> HttpResponse:
    """503: it passes, and clients are told when to come back."""
    response = error(request, 503, detail)
    response.headers["Retry-After"] = str(seconds)
    return response


def error(request: HttpRequest, code: int, detail: str, kind: str = "") -> HttpResponse:
    """The page of an error, which needs nothing that may just have failed: no database, no session, no user."""
    if request.path.startswith("/api/"):
        return JsonResponse(problem(code, detail), status=code, content_type=CONTENT_TYPE)
    theme = request.COOKIES.get("theme", "")
    context = {
        "status": code,
        "kind": kind or str(code),
        "title": TITLES[code],
        "detail": detail,
        "theme": theme if theme in ("light", "dark") else "system",
        "is_project": request.path.startswith("/projects/"),
        "again": request.path if request.method == "GET" else "",
    }
    try:
        return HttpResponse(render_to_string("pages/error.html", context), status=code)
    except Exception:
        logger.exception("The error page could not be rendered.")
        return HttpResponse(f"{TITLES[code]}. {detail}\n", status=code, content_type="text/plain")


def _response(code: int, detail: str, **extra: Any) -> Response:
    return Response(problem(code, detail, **extra), status=code, content_type=CONTENT_TYPE)


def _texts(error: Exception, data: Any) -> tuple[str, Any]:
    """One sentence for people, and for a rejected body what is wrong with each field."""
    if isinstance(error, exceptions.ValidationError):
        return "Some fields need another value.", data if isinstance(data, dict) else {"non_field_errors": data}
    return str(data.get("detail", "")) if isinstance(data, dict) else "", None
