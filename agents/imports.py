"""Importing: the pages of all imports, and the REST routes that take files from a ZIP or a repository on GitHub.

They become a project of their own, or a new version of one there is: what was before stays in its history.
"""

from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import Throttled, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import outside
from accounts.models import GitHubToken, User
from agents import catalogue, design_imports, edits, runs, services
from agents.catalogue import DEFAULT_MODEL
from agents.design_imports import count
from agents.services import NotNow
from projects import api as projects
from projects import github, importing, leaks, restoring, versions
from projects.models import Project
from projects.paths import BadFiles
from projects.services import BadPrompt
from usage.services import NotEnoughCredits


class Brought(NamedTuple):
    """Files from elsewhere, the private ones that were left out, and what the place is called."""

    files: dict[str, bytes]
    left_out: list[str]
    name: str
    source: str
    archive: bytes = b""  # a ZIP that may hold more than files
    address: str = ""  # of the repository, or of its branch


class FilesSerializer(serializers.Serializer[Any]):
    content = serializers.CharField(required=False, trim_whitespace=False, help_text="A ZIP in base64.")
    repository = serializers.CharField(
        required=False, max_length=500, help_text="Or a repository on GitHub: owner/name, or its address."
    )
    token = serializers.CharField(
        required=False,
        max_length=500,
        help_text="For a private repository: may read its contents. Else the one you keep.",
    )
    keep = serializers.BooleanField(
        default=False, help_text="Keep this token, encrypted, for your next pushes and imports, once it has worked."
    )


class ImportSerializer(FilesSerializer):
    name = serializers.CharField(required=False, help_text="Of the project; else the export's or the repository's.")


class ImportedSerializer(projects.ProjectSerializer):
    left_out = serializers.ListField(child=serializers.CharField(), help_text="Private files that were not taken.")

    class Meta(projects.ProjectSerializer.Meta):
        fields = (*projects.ProjectSerializer.Meta.fields, "left_out")  # type: ignore[assignment]


class UpdatedSerializer(projects.VersionSerializer):
    left_out = serializers.ListField(child=serializers.CharField(), help_text="Private files that were not taken.")

    class Meta(projects.VersionSerializer.Meta):
        fields = (*projects.VersionSerializer.Meta.fields, "left_out")  # type: ignore[assignment]


class Import(APIView):
    @extend_schema(request=ImportSerializer, responses={201: ImportedSerializer})
    def post(self, request: Request) -> Response:
        """A project of files that you have already: `content` or `repository`. Its framework is told by the files.

        An export (`content` with a folder `.vibe/`) comes back as the project that it was, with versions and chat.
        """
        given = _given(ImportSerializer, request)
        brought = _brought(_user(request), given)
        made = _make(_user(request), brought, given.get("name", ""))
        _remember(made, brought)
        made.newest_version = newest.number if (newest := versions.newest(made)) else None  # type: ignore[attr-defined]
        body = projects.shown(projects.ProjectSerializer, made) | {"left_out": brought.left_out}
        return Response(body, status=201)


class Update(projects.InProject):
    @extend_schema(operation_id="projects_import_into", request=FilesSerializer, responses={201: UpdatedSerializer})
    def post(self, request: Request, pk: Any) -> Response:
        """A version with the files of `content` or `repository`; 200 with the newest if nothing changed. 409 while a
        run is at work.
        """
        project = self.project()
        brought = _brought(_user(request), _given(FilesSerializer, request))
        made = edits.replace_files(project, brought.files, brought.source)
        _remember(project, brought)
        version = projects.shown(projects.VersionSerializer, made or versions.newest(project))
        return Response(version | {"left_out": brought.left_out}, status=201 if made else 200)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def project_import(request: HttpRequest) -> HttpResponse:
    """Takes a ZIP or a repository's address, and shows the project that it became."""
    return _page(request, None)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def project_update(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The same, for a new version of a project."""
    return _page(request, get_object_or_404(Project.objects.for_user(request.user), pk=pk))


def _page(request: HttpRequest, project: Project | None) -> HttpResponse:
    error, code = "", 200
    if request.method == "POST":
        try:
            if "frame" in request.POST:
                return _build(request, project)
            return _take(request, project, _uploaded(request))
        except Throttled:
            error, code = f"{design_imports.IMPORTS} imports an hour can be made. Come back in an hour.", 429
        except outside.Busy as problem:
            error, code = str(problem), 503
        except (BadFiles, BadPrompt, NotNow) as problem:
            error, code = str(problem), 400
        except NotEnoughCredits as problem:
            error, code = str(problem), 402
    typed = {name: request.POST.get(name, "").strip() for name in ("repository", "frame", "text")}
    if request.method == "GET" and project:
        typed["repository"] = project.imported_from or project.pushed_to
    kept = GitHubToken.objects.filter(user=_user(request)).first()
    context = {"project": project, "error": error, "kept": kept, **typed, "most": importing.MAX_ZIP_BYTES // 2**20}
    return render(request, "projects/import.html", context, status=code)


def _take(request: HttpRequest, project: Project | None, brought: Brought) -> HttpResponse:
    """Makes the project or the version, and shows it."""
    if project is None:
        project = _make(_user(request), brought)
        messages.success(request, _made(project))
    elif made := edits.replace_files(project, brought.files, brought.source):
        messages.success(request, f"This is version {made.number} now. History shows what changed, and leads back.")
    else:
        messages.info(request, "These are the files of the newest version already.")
    _remember(project, brought)
    if brought.left_out:
        names = ", ".join(brought.left_out[:5]) + (" …" if len(brought.left_out) > 5 else "")
        messages.warning(request, f"Left out, because they hold secrets: {names}.")
    return redirect(project)


@transaction.atomic
def _make(user: User, brought: Brought, name: str = "") -> Project:
    """A project of what was brought; of a whole project's ZIP with its history, and the chat shows what was said in it.

    Raises BadFiles, BadPrompt.
    """
    project = restoring.restore(user, brought.archive, brought.files, name=name) if brought.archive else None
    if project is None:
        facts = {"name": name or brought.name, "model": DEFAULT_MODEL, "source": brought.source}
        return importing.create(user, brought.files, **facts)
    project.model = catalogue.get(project.model).name
    project.save(update_fields=["model", "updated"])
    said = project.messages.order_by("created").prefetch_related("attachments")
    if cards := [("earlier", services.said_elsewhere(message)) for message in said]:
        runs.note_all(project.pk, cards, None)
    return project


def _remember(project: Project, brought: Brought) -> None:
    """Where it is from, to take the next state from there."""
    if brought.address:
        Project.objects.filter(pk=project.pk).update(imported_from=brought.address)


def _made(project: Project) -> str:
    """What its owner is told of it."""
    count = project.versions.count()
    said = project.messages.count()
    if not said and count == 1:
        return "Imported. Say what should be different."
    parts = f"{count} version{'' if count == 1 else 's'} and {said} message{'' if said == 1 else 's'}"
    return f"Imported with {parts}. What was checked elsewhere counts as unchecked here."


def _build(request: HttpRequest, project: Project | None) -> HttpResponse:
    """Has a frame of a design built, and shows how. Raises what `design_imports.start` does."""
    given = [request.POST.get(name, "").strip() for name in ("frame", "token", "text")]
    if project is None:
        run, left_out = design_imports.start(_user(request), *given)
    else:
        run, left_out = design_imports.say(project, *given)
    if left_out:
        messages.warning(request, f"Not taken from Figma: {' '.join(left_out)}")
    if warning := leaks.warning(given[2]):
        messages.error(request, warning)
    return redirect(run.project)


def _uploaded(request: HttpRequest) -> Brought:
    """What the page's forms send. Raises outside.Busy, Throttled, BadFiles, BadPrompt."""
    upload = request.FILES.get("file")
    if upload and not isinstance(upload, list):
        if (upload.size or 0) > importing.MAX_ZIP_BYTES:
            raise BadFiles(f"The ZIP is larger than {importing.MAX_ZIP_BYTES // 2**20} MB.")
        return _of_zip(_user(request), upload.read(), (upload.name or "").removesuffix(".zip")[:80].strip())
    if typed := request.POST.get("repository", "").strip():
        return _of_repository(_user(request), typed, request.POST.get("token", ""), "keep" in request.POST)
    raise BadPrompt("Choose a ZIP, or name a repository.", "file")


def _given(kind: type[FilesSerializer], request: Request) -> dict[str, Any]:
    given = projects.valid(kind, request)
    if ("content" in given) == ("repository" in given):
        raise ValidationError({"content": ["Give either content or repository."]})
    return given


def _brought(user: User, given: dict[str, Any]) -> Brought:
    if "repository" in given:
        return _of_repository(user, given["repository"], given.get("token", ""), given["keep"])
    return _of_zip(user, projects.decoded(given["content"]), "")


def _of_zip(user: User, content: bytes, name: str) -> Brought:
    count(user.pk)
    return Brought(*importing.unpack(content), name or "Imported app", "a ZIP", content)


def _of_repository(user: User, address: str, given: str, keep: bool) -> Brought:
    wanted = github.repository(address)
    source = f"github.com/{wanted}" + (f", branch {wanted.branch}" if wanted.branch else "")
    with outside.waiting(user.pk):
        count(user.pk)
        archive = _archive(user, wanted, given.strip())
    if keep and given.strip():
        github.keep(user, given.strip())
    return Brought(*importing.unpack(archive), wanted.name, source, address=wanted.address)


def _archive(user: User, wanted: github.Repository, given: str) -> bytes:
    """With the token that was given; without one as anybody, and where nobody sees it with the one that is kept."""
    try:
        return github.archive(wanted, given)
    except github.NotPublic:
        if not (kept := github.token_for(user, "")):
            raise
        return github.archive(wanted, kept)


def _user(request: HttpRequest | Request) -> User:
    assert isinstance(request.user, User)  # signed in
    return request.user
