"""REST: what a person changes in an app by hand: files, one or several, and what comes back from an old version."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from agents import edits
from projects import api as projects
from projects import versions
from projects.models import Project, Version


class WriteSerializer(serializers.Serializer[Any]):
    content = serializers.CharField(trim_whitespace=False, allow_blank=True)
    encoding = serializers.ChoiceField(["utf-8", "base64"], default="utf-8")


class MoveSerializer(serializers.Serializer[Any]):
    path = serializers.CharField(trim_whitespace=False, help_text="The new path.")


class RestoreSerializer(serializers.Serializer[Any]):
    path = serializers.CharField(
        required=False, trim_whitespace=False, help_text="A file or folder; without it, everything."
    )
    hunk = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=1_000_000,
        help_text="One change of that file in the diff to `to`, from 0.",
    )
    to = serializers.IntegerField(
        required=False, min_value=1, max_value=2_000_000_000, help_text="Goes with `hunk`: the version that has it."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("hunk" in attrs) != ("to" in attrs) or ("hunk" in attrs and not attrs.get("path")):
            raise ValidationError({"hunk": ["One change is named by `path`, `hunk` and `to`."]})
        return attrs


class NamedFileSerializer(WriteSerializer):
    path = serializers.CharField(trim_whitespace=False)


class UploadSerializer(serializers.Serializer[Any]):
    files: Any = serializers.ListSerializer(child=NamedFileSerializer(), min_length=1, max_length=50)


class FileList(projects.FileList):
    @extend_schema(request=UploadSerializer, responses={201: projects.VersionSerializer})
    def post(self, request: Request, pk: Any) -> Response:
        """Saves several files in one version; 200 with the newest if nothing changed. 409 while a run is at work."""
        project, data = self.project(), projects.valid(UploadSerializer, request)
        files = {one["path"]: _bytes(one) for one in data["files"]}
        return _versioned(project, edits.save_files(project, files))


class FileContent(projects.FileContent):
    @extend_schema(request=WriteSerializer, responses={201: projects.VersionSerializer})
    def put(self, request: Request, pk: Any, path: str) -> Response:
        """Saves a file as a new version; 200 with the newest one if nothing changed. 409 while a run is at work."""
        project, data = self.project(), projects.valid(WriteSerializer, request)
        return _versioned(project, edits.save_file(project, path, _bytes(data)))

    @extend_schema(request=MoveSerializer, responses={201: projects.VersionSerializer})
    def patch(self, request: Request, pk: Any, path: str) -> Response:
        """Gives a file another path in a new version."""
        project, data = self.project(), projects.valid(MoveSerializer, request)
        return _versioned(project, edits.move_file(project, path, data["path"]))

    @extend_schema(responses={201: projects.VersionSerializer})
    def delete(self, request: Request, pk: Any, path: str) -> Response:
        """Deletes a file in a new version."""
        project = self.project()
        return _versioned(project, edits.save_file(project, path, None))


class Restore(projects.InProject):
    @extend_schema(request=RestoreSerializer, responses={201: projects.VersionSerializer})
    def post(self, request: Request, pk: Any, number: int) -> Response:
        """A version equal to an old one, or with one file, folder or change of it; 200 with the newest if it is so.

        With `hunk` and `to` one change of `diff/{to}/` is undone in the newest version's file: 409 if it does not fit.
        """
        version, data = self.version(number), projects.valid(RestoreSerializer, request)
        if "hunk" in data:
            named = (self.version(data["to"]), data["path"], data["hunk"])
            return _versioned(version.project, edits.restore_hunk(version.project, version, *named))
        return _versioned(version.project, edits.restore(version.project, version, data.get("path", "")))


def _versioned(project: Project, made: Version | None) -> Response:
    """201 with the version that was made; 200 with the newest if nothing changed."""
    version = made or versions.newest(project)
    return Response(projects.shown(projects.VersionSerializer, version), status=201 if made else 200)


def _bytes(data: dict[str, Any]) -> bytes:
    text: str = data["content"]
    return text.encode() if data["encoding"] == "utf-8" else projects.decoded(text)
