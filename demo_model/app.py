"""The HTTP side: Anthropic's Messages routes over a function that decides each turn."""

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from demo_model import choices, conversation, directives, script, validation, wire
from demo_model.directives import Directive
from demo_model.metering import PromptCache
from demo_model.pace import Pace

log = logging.getLogger(__name__)

MODELS = {"vibe-demo": "Demo model – scripted, not an AI"}
MAX_BODY = 32 * 2**20  # the real API's limit
STATUS_WORDS = {
    400: "The demo model was asked to refuse this request.",
    401: "invalid x-api-key",
    429: "This request would exceed your rate limit. Please wait and try again.",
    500: "Internal server error",
    529: "Overloaded",
}
Decide = Callable[[dict[str, Any]], Sequence[wire.Block]]


class Failed(Exception):
    """The call ends with this HTTP status."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


@dataclass
class Model:
    """What the server holds: how it decides, how fast it speaks, and its small bounded memories."""

    decide: Decide = script.decide
    pace: Pace = field(default_factory=Pace)
    key: str = ""
    cache: PromptCache = field(default_factory=PromptCache)
    memory: directives.Memory = field(default_factory=directives.Memory)
    active: int = 0
    peak: int = 0
    calls: int = 0
    left: int = 0  # calls whose client went away before the end


MODEL: web.AppKey[Model] = web.AppKey("model", Model)


def create_app(model: Model | None = None) -> web.Application:
    """The application. Serve it with `handler_cancellation=True`, so that a call stops when its client goes away."""
    app = web.Application(client_max_size=MAX_BODY, middlewares=[_errors])
    app[MODEL] = model or Model()
    app.router.add_post("/v1/messages", create_message)
    app.router.add_post("/v1/messages/count_tokens", count_tokens)
    app.router.add_get("/v1/models", list_models)
    app.router.add_get("/v1/models/{id}", get_model)
    app.router.add_get("/healthz", health)
    return app


@web.middleware
async def _errors(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        return await handler(request)  # type: ignore[no-any-return]
    except Failed as failure:
        headers = {"retry-after": "1"} if failure.status == 429 else {}
        return web.json_response(wire.error(failure.status, failure.words), status=failure.status, headers=headers)
    except validation.InvalidRequest as mistake:
        return web.json_response(wire.error(400, str(mistake)), status=400)
    except web.HTTPRequestEntityTooLarge:
        return web.json_response(wire.error(413, "Request exceeds the maximum size"), status=413)
    except web.HTTPException as other:
        return web.json_response(wire.error(other.status, other.reason), status=other.status)
    except Exception:
        log.exception("the demo model failed")
        return web.json_response(wire.error(500, STATUS_WORDS[500]), status=500)


def _owner(request: web.Request) -> str:
    """A name for who calls (a digest of the key). Raises Failed(401) when a key is demanded and this is not it."""
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    given = request.headers.get("x-api-key") or bearer
    wanted = request.app[MODEL].key
    if wanted and not hmac.compare_digest(given.encode(), wanted.encode()):
        raise Failed(401, STATUS_WORDS[401])
    return hashlib.sha256(given.encode()).hexdigest()[:16]


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        value = json.loads(await request.read())
    except ValueError as problem:
        raise validation.InvalidRequest("The request body is not valid JSON.") from problem
    return validation.check(value)


@asynccontextmanager
async def _counted(model: Model) -> AsyncIterator[None]:
    model.calls += 1
    model.active += 1
    model.peak = max(model.peak, model.active)
    try:
        yield
    except (asyncio.CancelledError, ConnectionError):
        model.left += 1
        raise
    finally:
        model.active -= 1


async def create_message(request: web.Request) -> web.StreamResponse:
    """POST /v1/messages, streamed or whole."""
    model = request.app[MODEL]
    owner = _owner(request)
    body = await _body(request)
    talk = conversation.read(body)
    async with _counted(model):
        turn = len(talk.turns)
        position = [owner, body.get("metadata"), talk.said, turn]
        # A question beside the conversation (a call that is demanded) is no turn of it.
        told = [] if choices.forced(body) else talk.directives
        struck = {d.name: d for d in told if d.turn == turn and model.memory.strikes(d, position)}
        await _fail_early(struck)
        answer = _answer(model, talk, body, struck, owner)
        await model.pace.first_token()
        if not body.get("stream"):
            return await _whole(model, answer, struck)
        return await _stream(request, model, answer, struck)


async def _fail_early(struck: dict[str, Directive]) -> None:
    for name in struck:
        if name in directives.STATUSES:
            raise Failed(int(name), STATUS_WORDS[int(name)])
    if "hang" in struck:
        await asyncio.Event().wait()  # until the client goes away


def _answer(
    model: Model, talk: conversation.Conversation, body: dict[str, Any], struck: dict[str, Directive], owner: str
) -> wire.Answer:
    blocks = [] if "empty" in struck else list(model.decide(body))
    if "bad-json" in struck:
        blocks = [b | {"raw": '{"files": [{"path": }]}'} if b["type"] == "tool_use" else b for b in blocks]
    blocks, lost = wire.cut(blocks, body["max_tokens"])
    used = model.cache.meter(body, f"{owner} {body['model']}")
    spent = wire.output_tokens(blocks)
    if expensive := talk.directive("expensive"):
        spent = int(expensive.number(spent))
    usage = replace(used, output=spent)
    return wire.Answer(blocks, body["model"], "max_tokens" if lost else None, usage)


async def _whole(model: Model, answer: wire.Answer, struck: dict[str, Directive]) -> web.Response:
    slow = struck["slow"].number(20) if "slow" in struck else 0.0
    async for _ in model.pace.play(wire.events(answer), slow):
        pass
    return web.json_response(wire.message(answer), headers={"request-id": f"req_{answer.id[4:]}"})


async def _stream(
    request: web.Request, model: Model, answer: wire.Answer, struck: dict[str, Directive]
) -> web.StreamResponse:
    headers = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
    response = web.StreamResponse(headers=headers | {"request-id": f"req_{answer.id[4:]}"})
    await response.prepare(request)
    script_of_events = list(wire.events(answer))
    slow = struck["slow"].number(20) if "slow" in struck else 0.0
    breaks_at = len(script_of_events) // 2 if "break-stream" in struck or "stall" in struck else -1
    if "error-event" in struck:
        breaks_at = len(script_of_events) // 2
    at = 0
    async for event in model.pace.play(script_of_events, slow):
        if at == breaks_at:
            return await _break(request, response, struck)
        await response.write(event.encode())
        at += 1
    await response.write_eof()
    return response


async def _break(
    request: web.Request, response: web.StreamResponse, struck: dict[str, Directive]
) -> web.StreamResponse:
    """End a stream in its middle: with an error event, with silence, or by dropping the connection."""
    if "error-event" in struck:
        await response.write(wire.Event(wire.error(529, STATUS_WORDS[529])).encode())
        await response.write_eof()
    elif "stall" in struck:
        await asyncio.Event().wait()
    elif request.transport:
        request.transport.abort()
    return response


async def count_tokens(request: web.Request) -> web.Response:
    """POST /v1/messages/count_tokens."""
    _owner(request)
    try:
        value = json.loads(await request.read())
    except ValueError as problem:
        raise validation.InvalidRequest("The request body is not valid JSON.") from problem
    body = validation.check({"max_tokens": 1} | value if isinstance(value, dict) else value)
    used = PromptCache().meter(body, "")
    return web.json_response({"input_tokens": used.input + used.cache_creation + used.cache_read})


def _described(name: str, title: str) -> dict[str, str]:
    return {"type": "model", "id": name, "display_name": title, "created_at": "2026-11-01T00:00:00Z"}


async def list_models(request: web.Request) -> web.Response:
    """GET /v1/models. Any other model name is answered, too: the platform's catalogue may name real ones."""
    _owner(request)
    data = [_described(name, title) for name, title in MODELS.items()]
    first, last = data[0]["id"], data[-1]["id"]
    return web.json_response({"data": data, "has_more": False, "first_id": first, "last_id": last})


async def get_model(request: web.Request) -> web.Response:
    """GET /v1/models/{id}."""
    _owner(request)
    name = request.match_info["id"]
    if name not in MODELS:
        raise Failed(404, f"model: {name}")
    return web.json_response(_described(name, MODELS[name]))


async def health(request: web.Request) -> web.Response:
    """GET /healthz: alive, and the calls now, at most at once, in all, and left by their client."""
    model = request.app[MODEL]
    figures = {"active": model.active, "peak": model.peak, "calls": model.calls, "left": model.left}
    return web.json_response({"status": "ok", "service": "demo-model"} | figures)
