"""/api/v1/docs/: the OpenAPI description as a page of our own – no scripts, nothing from other hosts."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

# Answered by plain views (server-sent events), which the generator does not see.
STREAMS = {
    "/api/v1/projects/{id}/stream/": (
        "GET",
        "Events as server-sent events; `Last-Event-ID` or `?after=` resumes. With `?html=1` as the page shows them.",
    ),
    "/api/v1/projects/{id}/sandbox/logs/": ("GET", "The dev server's log as server-sent events."),
    "/api/v1/generate/": ("POST", "{projectId, prompt, model}: starts a run and streams it to its end."),
}


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
    found += [Operation(method, path, text, [], [], ["200"]) for path, (method, text) in STREAMS.items()]
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
