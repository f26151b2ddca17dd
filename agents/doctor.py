"""The links of the chain from a project's files to its preview, each looked at: which one is broken, and what helps.

Nothing here asks a model, wakes a sandbox or costs credits.
"""

import contextlib
import http.client
import json
import re
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents import previews
from agents.models import Run, Sandbox
from projects import api as projects
from projects.frameworks import FRAMEWORKS
from projects.models import Project

SECONDS = 6.0
MAX_BYTES = 200_000
# How dev servers say that a package is named in the code and not there.
MISSING = re.compile(
    r"failed to resolve import|cannot find (module|package)|could not resolve|module not found|can't resolve",
    re.IGNORECASE,
)
# Of HTML, as the app gives it: what has a beginning and no end goes to the end, lest each beginning look for it anew.
BODY = re.compile(r"<body[^>]{0,1000}>", re.IGNORECASE)
TAG = re.compile(r"<[^>]*(?:>|\Z)")
UNREAD = re.compile(r"<(style|script).*?(?:</\1>|\Z)", re.DOTALL)


@dataclass(frozen=True)
class Link:
    """One link. `ok` is None when it could not be looked at. `action`: start | restart | repair | fix | none."""

    name: str
    ok: bool | None
    title: str
    detail: str = ""
    action: str = "none"


class LinkSerializer(serializers.Serializer[Any]):
    name = serializers.ChoiceField(["files", "sandbox", "server", "page", "code"])
    ok = serializers.BooleanField(allow_null=True)
    title = serializers.CharField()
    detail = serializers.CharField()
    action = serializers.ChoiceField(["none", "start", "restart", "repair", "fix"])


class Check(projects.InProject):
    @extend_schema(responses=LinkSerializer(many=True))
    def get(self, request: Request, pk: Any) -> Response:
        """Files, sandbox, dev server, first page, the app's code: what works, and what would help where it does not."""
        return Response([asdict(link) for link in examine(self.project())])


def examine(project: Project) -> list[Link]:
    """The links in their order; after the first broken one the rest is not looked at."""
    links = [_files(project)]
    row = Sandbox.objects.filter(project=project).first()
    links.append(_sandbox(row))
    if row is None or not links[-1].ok:
        return links
    try:
        status, body = fetch(row, "/")
    except (OSError, http.client.HTTPException) as error:
        text = f"{previews.url(row)} could not be reached: {str(error) or type(error).__name__}"
        return [*links, Link("server", False, "The dev server does not answer", text, "restart")]
    if status in (502, 503, 504):
        text = f"Nothing listens on port {FRAMEWORKS[row.template].port} (HTTP {status})."
        return [*links, Link("server", False, "The dev server does not answer", text, "restart")]
    links.append(Link("server", True, "The dev server answers", f"Port {FRAMEWORKS[row.template].port}"))
    links.append(_page(status, body))
    if links[-1].ok:
        links.append(_code(project, row, body))
    return links


def fetch(row: Sandbox, path: str) -> tuple[int, str]:
    """Status and the first 200 kB of what the app answers. Raises OSError or HTTPException."""
    # The name of a preview need not resolve here: an embedded host is asked at its own address.
    where = urlsplit(settings.E2B_SANDBOX_URL if settings.SANDBOX_IS_EMBEDDED else f"https://{row.host}")
    kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
    connection = kind(where.hostname or "", where.port, timeout=SECONDS)
    try:
        connection.request("GET", path, headers={"Host": row.host, "Accept": "text/html,*/*"})
        answer = connection.getresponse()
        return answer.status, answer.read(MAX_BYTES).decode("utf-8", "replace")
    finally:
        connection.close()


def _files(project: Project) -> Link:
    version = project.versions.order_by("-number").first()
    if version is None:
        return Link("files", None, "No version yet", "The first finished run saves one.")
    failed = [name for name, ok in version.verdict.items() if not ok]
    if failed:
        text = f"When it was saved, these checks failed: {', '.join(failed)}."
        return Link("files", False, f"Version {version.number} has problems", text, "fix")
    return Link("files", True, f"Version {version.number} is saved", f"{len(version.manifest)} files")


def _sandbox(row: Sandbox | None) -> Link:
    if row is None:
        return Link("sandbox", False, "There is no sandbox", "It is made when somebody looks at the app.", "start")
    if row.paused:
        return Link("sandbox", False, "The sandbox sleeps", "It was idle. Your files are safe.", "start")
    if Run.objects.filter(project=row.project_id, state=Run.State.RUNNING).exists():
        return Link("sandbox", True, "The sandbox runs", "The agent is at work in it; the app may change meanwhile.")
    return Link("sandbox", True, "The sandbox runs", row.template)


def _page(status: int, body: str) -> Link:
    if status != 200:
        words = _first_words(body)
        return Link("page", False, f"The first page answers HTTP {status}", words, _cure(words))
    inside = BODY.split(body, maxsplit=1)[-1]
    if "<script" not in body and not TAG.sub("", inside).strip():
        return Link("page", False, "The first page is blank", "It has neither text nor a script.", "fix")
    return Link("page", True, "The first page answers", f"HTTP 200, {len(body) / 1024:.1f} kB")


def _code(project: Project, row: Sandbox, body: str) -> Link:
    """The page's scripts and the app's entry as the dev server gives them: one with an error in it is no 200."""
    scripts = re.findall(r"<script[^>]{1,300}?src=[\"']([^\"':]{1,300})[\"']", body)
    entry = FRAMEWORKS[row.template].entry
    paths = dict.fromkeys([f"/{path.lstrip('./')}" for path in [*scripts, entry] if not path.startswith("//")])
    for path in list(paths)[:6]:
        try:
            status, text = fetch(row, path)
        except (OSError, http.client.HTTPException) as error:
            return Link("code", None, "The app's code could not be asked for", f"{path}: {error}")
        if status >= 400:
            words = _first_words(text)
            return Link("code", False, f"{path} answers HTTP {status}", words, _cure(words))
    return Link("code", True, "The app's code loads", ", ".join(list(paths)[:6]))


def _cure(words: str) -> str:
    """What helps against an error: a package that is missing is installed for nothing, the rest is for the agent."""
    return "repair" if MISSING.search(words) else "fix"


def _first_words(body: str) -> str:
    """What an error page says, in short: the message a dev server puts into its overlay, else the page's words."""
    said = re.search(r'"message":\s*("(?:[^"\\]|\\.)+")', body)
    if said:
        with contextlib.suppress(ValueError):
            return _plain(str(json.loads(said[1])))
    return _plain(TAG.sub(" ", UNREAD.sub("", body)))


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text).strip()[:600]
