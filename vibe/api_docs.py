"""/api/v1/docs/: the OpenAPI description as a page of our own – no scripts, nothing from other hosts."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

PROJECT = {"in": "path", "name": "id", "schema": {"type": "string", "format": "uuid"}, "required": True}
GENERATE = {
    "type": "object",
    "properties": {
        "projectId": {"type": "string", "format": "uuid"},
        "prompt": {"type": "string"},
        "model": {"type": "string", "description": "A branded model; the project's own without it."},
    },
    "required": ["projectId", "prompt"],
}


def _asks(name: str, place: str, kind: str, text: str) -> dict[str, Any]:
    return {"in": place, "name": name, "schema": {"type": kind}, "description": text}


# Answered by plain views (server-sent events), which the generator does not see: method, operation, refusals.
STREAMS: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "/api/v1/projects/{id}/stream/": (
        "get",
        {
            "operationId": "projects_stream",
            "description": "Events as server-sent events; `id:` is the cursor. Ends after a completed run with"
            " `event: complete`. `Last-Event-ID` or `?after=` resumes.",
            "parameters": [
                _asks("after", "query", "integer", "A cursor: events after it."),
                _asks("html", "query", "boolean", "Each event with its `html`, as the page shows it."),
                _asks("Last-Event-ID", "header", "integer", "As `after`; of the two this one counts."),
                PROJECT,
            ],
        },
        {},
    ),
    "/api/v1/projects/{id}/sandbox/logs/": (
        "get",
        {
            "operationId": "projects_sandbox_logs",
            "description": "The dev server's log as server-sent events: `{text}` for each piece.",
            "parameters": [PROJECT],
        },
        {"409": "The sandbox does not run; reading does not wake it."},
    ),
    "/api/v1/generate/": (
        "post",
        {
            "operationId": "generate",
            "description": "Starts a run in a project and streams its events to its end, as server-sent events.",
            "requestBody": {
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Generate"}}},
                "required": True,
            },
        },
        {"400": "Missing required fields, or a prompt that is not taken.", "402": "Not enough credits."},
    ),
}


def add_streams(result: dict[str, Any], **_: object) -> dict[str, Any]:
    """A hook of the generator: the description, with the streams."""
    result["components"]["schemas"]["Generate"] = GENERATE
    for path, (method, operation, refusals) in STREAMS.items():
        refused = {**refusals, "401": "Nobody is signed in.", "404": "There is nothing here, or it is not yours."}
        told = {"description": "Server-sent events.", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
        responses = {"200": told} | {code: {"description": text} for code, text in sorted(refused.items())}
        tag = path.removeprefix("/api/v1/").split("/")[0]
        security: list[dict[str, list[str]]] = [{"token": []}, {"cookieAuth": []}]
        result["paths"][path] = {method: {**operation, "tags": [tag], "security": security, "responses": responses}}
    result["paths"] = dict(sorted(result["paths"].items()))
    return result


@dataclass(frozen=True)
class Operation:
    """One route with one method. `parameters` and `fields` are (name, text) pairs."""

    method: str
    path: str
    text: str
    parameters: list[tuple[str, str]]
    fields: list[tuple[str, str]]
    answers: list[str]


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/api_docs.html", {"operations": operations()})


@cache
def operations() -> list[Operation]:
    """Every operation, by path."""
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    found = [
        _operation(schema, path, method.upper(), body)
        for path, methods in schema["paths"].items()
        for method, body in methods.items()
    ]
    return sorted(found, key=lambda one: (one.path, one.method))


def _operation(schema: dict[str, Any], path: str, method: str, body: dict[str, Any]) -> Operation:
    asked = [one for one in body.get("parameters", []) if one["in"] != "path"]
    parameters = [(one["name"], one.get("description", "")) for one in asked]
    text, answers = body.get("description", ""), list(body["responses"])
    return Operation(method, path, text, parameters, _fields(schema, body), answers)


def _fields(schema: dict[str, Any], body: dict[str, Any]) -> list[tuple[str, str]]:
    content = body.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    name = content.get("$ref", "").rsplit("/", 1)[-1]
    part = schema["components"]["schemas"].get(name, {})
    required = part.get("required", [])
    return [(key, "required" if key in required else "optional") for key in part.get("properties", {})]
