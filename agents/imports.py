"""Importing: the page and the REST route that make a project of a ZIP or of a public repository on GitHub."""

import base64
import binascii
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import Throttled, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import limits
from accounts.models import User
from agents.catalogue import DEFAULT_MODEL
from projects import api as projects
from projects import github, importing
from projects.models import Project
from projects.paths import BadFiles
from projects.services import BadPrompt

IMPORTS, HOUR = 30, 3600


class ImportSerializer(serializers.Serializer[Any]):
    content = serializers.CharField(required=False, trim_whitespace=False, help_text="A ZIP in base64.")
    repository = serializers.CharField(
        required=False, max_length=500, help_text="Or a public repository on GitHub: owner/name, or its address."
    )
    name = serializers.CharField(required=False, help_text="Of the project; else the repository's.")


class ImportedSerializer(projects.ProjectSerializer):
    left_out = serializers.ListField(child=serializers.CharField(), help_text="Private files that were not taken.")

    class Meta(projects.ProjectSerializer.Meta):
        fields = (*projects.ProjectSerializer.Meta.fields, "left_out")  # type: ignore[assignment]


class Import(APIView):
    @extend_schema(request=ImportSerializer, responses={201: ImportedSerializer})
    def post(self, request: Request) -> Response:
        """A project of files that you have already: `content` or `repository`. Its framework is told by the files."""
        serializer = ImportSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        if ("content" in given) == ("repository" in given):
            raise ValidationError({"content": ["Give either content or repository."]})
        user = _user(request)
        if not _may(user):
            raise Throttled(wait=limits.seconds_left(HOUR))
        if "repository" in given:
            made, left_out = of_repository(user, given["repository"], given.get("name", ""))
        else:
            try:
                content = base64.b64decode(given["content"], validate=True)
            except (binascii.Error, ValueError):
                raise ValidationError({"content": ["This is not base64."]}) from None
            made, left_out = of_zip(user, content, given.get("name", ""))
        made.newest_version = 1  # type: ignore[attr-defined]
        body = projects.shown(projects.ProjectSerializer, made) | {"left_out": left_out}
        return Response(body, status=201)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def project_import(request: HttpRequest) -> HttpResponse:
    """Takes a ZIP or a repository's address, and shows the project that it became."""
    typed, error, code = request.POST.get("repository", "").strip(), "", 200
    if request.method == "POST":
        user, upload = _user(request), request.FILES.get("file")
        try:
            if not _may(user):
                error, code = f"{IMPORTS} imports an hour can be made. Come back in an hour.", 429
            elif upload and not isinstance(upload, list):
                if (upload.size or 0) > importing.MAX_ZIP_BYTES:
                    raise BadFiles(f"The ZIP is larger than {importing.MAX_ZIP_BYTES // 2**20} MB.")
                return _shown(request, *of_zip(user, upload.read(), (upload.name or "").removesuffix(".zip")[:80]))
            elif typed:
                return _shown(request, *of_repository(user, typed))
            else:
                error, code = "Choose a ZIP, or name a repository.", 400
        except (BadFiles, BadPrompt) as problem:
            error, code = str(problem), 400
    context = {"error": error, "repository": typed, "most": importing.MAX_ZIP_BYTES // 2**20}
    return render(request, "projects/import.html", context, status=code)


def of_zip(user: User, content: bytes, name: str) -> tuple[Project, list[str]]:
    """The project, and the private files that were left out. Raises BadFiles, BadPrompt."""
    files, left_out = importing.unpack(content)
    return importing.create(
        user, files, name=name.strip() or "Imported app", model=DEFAULT_MODEL, source="a ZIP"
    ), left_out


def of_repository(user: User, address: str, name: str = "") -> tuple[Project, list[str]]:
    """The project, and the private files that were left out. Raises BadFiles, BadPrompt."""
    wanted = github.repository(address)
    files, left_out = importing.unpack(github.archive(wanted))
    source = f"github.com/{wanted}" + (f", branch {wanted.branch}" if wanted.branch else "")
    return importing.create(user, files, name=name or wanted.name, model=DEFAULT_MODEL, source=source), left_out


def _shown(request: HttpRequest, project: Project, left_out: list[str]) -> HttpResponse:
    messages.success(request, "Imported. Say what should be different.")
    if left_out:
        names = ", ".join(left_out[:5]) + (" …" if len(left_out) > 5 else "")
        messages.warning(request, f"Left out, because they hold secrets: {names}.")
    return redirect(project)


def _may(user: User) -> bool:
    return limits.allow(f"import:{user.pk}", IMPORTS, HOUR)


def _user(request: HttpRequest | Request) -> User:
    assert isinstance(request.user, User)  # signed in
    return request.user
