"""Server-sent events: a project's events for EventSource and curl, and `generate/`, which starts a run first."""

import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple
from uuid import UUID

from channels.db import database_sync_to_async
from django.http import Http404, HttpRequest, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from accounts.authentication import BearerTokenAuthentication
from accounts.problems import CONTENT_TYPE, problem
from agents import services
from agents.events import Event, as_json
from agents.hub import follow
from agents.models import Run
from agents.presence import Pass, while_good
from projects.models import Project
from projects.services import BadPrompt
from usage.services import NotEnoughCredits


class Caller(NamedTuple):
    """Who a stream is for, and what let them in."""

    user: Any
    shown: Pass


# No line ends in this protocol, but for clients that split it as they split text. Only strings of the JSON have them.
LINE_ENDS = {"\u2028": "\\u2028", "\u2029": "\\u2029", "\x85": "\\u0085"}
HEADERS = {"Cache-Control": "no-cache, no-store", "Connection": "keep-alive", "X-Accel-Buffering": "no"}


async def project_stream(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Events after `Last-Event-ID` or `?after=`, then live ones, with `?html=1` as the page shows them. Ends with
    `event: complete` when no run is active.
    """
    caller = await caller_of(request)
    if isinstance(caller, JsonResponse):
        return caller
    if not await Project.objects.for_user(caller.user).filter(pk=pk).aexists():
        return refuse(404, "There is nothing here, or it is not yours.")
    given = request.headers.get("Last-Event-ID") or request.GET.get("after", "0")
    after = int(given) if given.isdecimal() and len(given) < 16 else 0
    html = request.GET.get("html") in ("1", "true")
    return respond(_until_idle(pk, after, html), caller)


@csrf_exempt
async def generate(request: HttpRequest) -> HttpResponseBase:
    """POST {projectId, prompt, model}: starts a run in the project and streams it to its end."""
    if request.method != "POST":
        return refuse(405, "Use POST.")
    caller = await caller_of(request)
    if isinstance(caller, JsonResponse):
        return caller
    try:
        body = json.loads(request.body)
        project_id, prompt = UUID(str(body["projectId"])), body["prompt"]
        model = str(body.get("model") or "")
        if not isinstance(prompt, str) or not prompt.strip():
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        return refuse(400, "Missing required fields", needed=["projectId", "prompt"])
    try:
        run = await _start(caller.user, project_id, prompt, model)
    except Http404:
        return refuse(404, "There is nothing here, or it is not yours.")
    except BadPrompt as error:
        return refuse(400, error.message, errors={"prompt": [error.message]})
    except NotEnoughCredits as error:
        return refuse(402, str(error), needed=error.needed, balance=error.available)
    first = await run.steps.order_by("cursor").afirst()
    return respond(_one_run(run.project_id, (first.cursor if first else 1) - 1, str(run.pk)), caller)


async def _until_idle(project_id: UUID, after: int, html: bool) -> AsyncIterator[bytes]:
    # Not `aexists`: within a stream that keeps its connection for as long as the stream is open.
    is_active = database_sync_to_async(Run.objects.filter(project_id=project_id, state__in=Run.ACTIVE).exists)
    async for event in follow(project_id, after, html):
        yield frame(event)
        if (event is None or event["type"] == "complete") and not await is_active():
            if event is None:
                yield b"event: complete\ndata: {}\n\n"
            return


async def _one_run(project_id: UUID, after: int, run_id: str) -> AsyncIterator[bytes]:
    async for event in follow(project_id, after):
        if event is None or event["run"] == run_id:
            yield frame(event)
        if event and event["type"] == "complete" and event["run"] == run_id:
            return


def frame(event: Event | None) -> bytes:
    """One event as text/event-stream has it; None as a comment that keeps the connection open."""
    if event is None:
        return b": ping\n\n"
    head = f"id: {event['id']}\n" if "id" in event else ""
    name = "event: complete\n" if event["type"] == "complete" else ""
    data = as_json(event)
    for end, written in LINE_ENDS.items():
        data = data.replace(end, written)
    return f"{head}{name}data: {data}\n\n".encode()


def refuse(code: int, detail: str, **extra: Any) -> JsonResponse:
    return JsonResponse(problem(code, detail, **extra), status=code, content_type=CONTENT_TYPE)


def respond(frames: AsyncIterator[bytes], caller: Caller) -> StreamingHttpResponse:
    """The frames as server-sent events, for as long as who asked for them may have them."""
    body = while_good(caller.shown, _opened(frames))
    return StreamingHttpResponse(body, content_type="text/event-stream", headers=HEADERS)


async def _opened(frames: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """With a comment before them: the server sends the headers with the first piece, which may be long in coming."""
    yield b": follows\n\n"
    async for piece in frames:
        yield piece


@database_sync_to_async
def caller_of(request: HttpRequest) -> Caller | JsonResponse:
    """Who asks, by token or session, with the API's own rules (CSRF, scopes of tokens); else the refusal."""
    wrapped = Request(request)
    for scheme in (BearerTokenAuthentication(), _Session()):
        try:
            found = scheme.authenticate(wrapped)
        except APIException as error:
            if isinstance(scheme, BearerTokenAuthentication) and error.status_code == 403:
                return refuse(403, str(error.detail))
            break
        if found:
            user, token = found
            session = "" if token else request.session.session_key or ""
            return Caller(user, Pass(user.pk, user.password, session, token.pk if token else None))
    return refuse(401, "Unauthorized")


class _Session(SessionAuthentication):
    """Sessions as in the rest of the API; reads need no CSRF token."""

    def enforce_csrf(self, request: Any) -> None:
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            super().enforce_csrf(request)


@database_sync_to_async
def _start(user: Any, project_id: UUID, prompt: str, model: str) -> Run:
    project = Project.objects.for_user(user).filter(pk=project_id).first()
    if project is None:
        raise Http404
    return services.start_run(project, prompt, model=model)
