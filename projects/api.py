"""REST: what can be read of a project. What writes is on top of this, in agents/."""

import base64
from functools import cache
from typing import Any
from uuid import UUID

from django.core import signing
from django.db.models import OuterRef, Subquery
from django.db.models.query import QuerySet
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import filters, generics, pagination, serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from accounts import prepared
from accounts.models import User
from projects import attachments, frameworks, pictures, search, versions
from projects.models import Attachment, Fragment, Message, Project, Version
from projects.views import version_of, zip_response

VERSION_PARAMETER = OpenApiParameter("version", int, description="Number of a version; the newest without it.")


class CursorPagination(pagination.CursorPagination):
    """`?cursor=` as in the `next` and `previous` links; `?page_size=` up to 100."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 100
    ordering = "-created"

    # Signed, with the ordering in the salt: a position that somebody made up would reach the database as it is.
    def decode_cursor(self, request: Request) -> pagination.Cursor | None:
        encoded = request.query_params.get(self.cursor_query_param)
        if encoded is None:
            return None
        try:
            return pagination.Cursor(*signing.loads(encoded, salt=self._salt()))
        except signing.BadSignature:
            raise NotFound(self.invalid_cursor_message) from None

    def encode_cursor(self, cursor: pagination.Cursor) -> str:
        encoded = signing.dumps(list(cursor), salt=self._salt())
        return replace_query_param(self.base_url or "", self.cursor_query_param, encoded)

    def _salt(self) -> str:
        return f"cursor {self.ordering}"


class ProjectSerializer(serializers.ModelSerializer[Project]):
    """A project. `version` is the number of the newest version, null before the first."""

    version = serializers.IntegerField(source="newest_version", read_only=True, allow_null=True)
    url = serializers.CharField(source="get_absolute_url", read_only=True)

    class Meta:
        model = Project
        fields = ("id", "name", "framework", "model", "version", "url", "created", "updated")
        read_only_fields = ("framework",)


class DeletedProjectSerializer(serializers.ModelSerializer[Project]):
    class Meta:
        model = Project
        fields = ("id", "name", "framework", "created", "deleted")


class BriefedProjectSerializer(ProjectSerializer):
    """A project with what it tells every run of the agent."""

    class Meta(ProjectSerializer.Meta):
        fields = (  # type: ignore[assignment]
            *ProjectSerializer.Meta.fields,
            *(
                "framework_open",
                "rules",
                "criteria",
                "memory",
                "locked",
                "pinned",
                "dropped",
                "review",
                "auto_fix",
                "cap",
            ),
        )


class FragmentSerializer(serializers.ModelSerializer[Fragment]):
    class Meta:
        model = Fragment
        fields = ("kind", "text", "meta")


class ReferenceSerializer(serializers.Serializer[Any]):
    """Another project that a message refers to, as it was then."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    version = serializers.IntegerField(allow_null=True, help_text="The one that is read; null: nothing was saved.")


class MessageSerializer(serializers.ModelSerializer[Message]):
    references = ReferenceSerializer(many=True, read_only=True)
    fragments = FragmentSerializer(many=True, read_only=True)

    class Meta:
        model = Message
        fields = ("id", "role", "mode", "text", "references", "aside", "created", "fragments")
        read_only_fields = fields


class AttachmentSerializer(serializers.ModelSerializer[Attachment]):
    """A file that goes with a message. `width` and `height` in pixels, 0 for a text."""

    size = serializers.IntegerField(source="blob.size", read_only=True)
    url = serializers.SerializerMethodField()

    class Meta:
        model = Attachment
        fields = ("id", "name", "kind", "media_type", "size", "width", "height", "url")
        read_only_fields = fields

    def get_url(self, attachment: Attachment) -> str:
        return reverse("api-attachment", args=[attachment.project_id, attachment.pk])


class AttachSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=400)
    content = serializers.CharField(
        trim_whitespace=False, help_text="The bytes in base64.", error_messages={"blank": "The file is empty."}
    )


class VersionSerializer(serializers.ModelSerializer[Version]):
    picture = serializers.SerializerMethodField(help_text="Address of a picture of the app; null without one.")
    works = serializers.BooleanField(read_only=True, help_text="Its checks were made and none failed.")

    class Meta:
        model = Version
        fields = ("number", "title", "source", "verdict", "works", "picture", "created")
        read_only_fields = fields

    def get_picture(self, version: Version) -> str | None:
        # A list has asked for all of them at once.
        if not (version.has_picture if hasattr(version, "has_picture") else pictures.has_one(version)):
            return None
        return reverse("version-picture", args=[version.project_id, version.number])


class FileSerializer(serializers.Serializer[Any]):
    path = serializers.CharField()
    size = serializers.IntegerField()


class FileListSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField(allow_null=True)
    files = FileSerializer(many=True)


class ContentSerializer(serializers.Serializer[Any]):
    """One file. `encoding` is "utf-8", or "base64" for what is not text."""

    path = serializers.CharField()
    version = serializers.IntegerField()
    size = serializers.IntegerField()
    encoding = serializers.ChoiceField(["utf-8", "base64"])
    content = serializers.CharField()


class FileDiffSerializer(serializers.Serializer[Any]):
    path = serializers.CharField()
    action = serializers.ChoiceField(["added", "changed", "deleted"])
    added = serializers.IntegerField(help_text="Lines.")
    removed = serializers.IntegerField(help_text="Lines.")
    diff = serializers.CharField(allow_null=True, help_text="Unified diff; null: binary, very large, or after many.")


class MatchSerializer(serializers.Serializer[Any]):
    path = serializers.CharField()
    line = serializers.IntegerField(help_text="From 1.")
    column = serializers.IntegerField(help_text="In `text`, from 0.")
    text = serializers.CharField()


class MatchesSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField(allow_null=True)
    matches = MatchSerializer(many=True)
    more = serializers.BooleanField(help_text="There are more than are shown.")


class TitleSerializer(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=200)


class FrameworkSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    title = serializers.CharField()


def shown(kind: type[serializers.Serializer[Any]], value: Any, many: bool = False) -> Any:
    """What a serializer says of a value. Its fields are made once: that takes longer than filling them."""
    return _serializer(kind, many).to_representation(value)


@cache
def _serializer(kind: type[serializers.Serializer[Any]], many: bool) -> Any:
    return kind(many=many)


def valid(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """What a request sends, as a serializer takes it. Raises ValidationError."""
    serializer = kind(data=request.data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def decoded(text: str) -> bytes:
    """The bytes of a `content` in base64. Raises ValidationError."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # no base64, or no ASCII
        raise ValidationError({"content": ["This is not base64."]}) from None


def visible(request: Request) -> QuerySet[Project]:
    """The projects of who asks, with `newest_version`."""
    newest = Version.objects.filter(project=OuterRef("pk")).order_by("-number").values("number")[:1]
    return Project.objects.for_user(request.user).annotate(newest_version=Subquery(newest))


@prepared.rows
def _theirs(owner_id: int, pk: UUID) -> QuerySet[Project]:
    return Project.objects.for_user(User(pk=owner_id)).filter(pk=pk)


# No docstring: the description of the API would show it for each view below.
class InProject(APIView):
    # Everything below /projects/{pk}/ starts here: a stranger gets the 404 of a missing id.

    def project(self) -> Project:
        user = self.request.user
        for found in _theirs(user.pk, self.kwargs["pk"]) if user.is_active else ():
            found.owner = user  # type: ignore[assignment]  # as the query says: it is not asked for again
            return found
        raise Http404

    def version(self, number: Any = None) -> Version:
        """The version of that number; without one, of `?version=`, else the newest. 404 if there is none."""
        wanted = self.request.query_params.get("version", "") if number is None else str(number)
        return version_of(self.project(), wanted)


class ProjectList(generics.ListAPIView[Project]):
    """The projects of who asks."""

    serializer_class = ProjectSerializer
    pagination_class = CursorPagination
    filter_backends = (filters.SearchFilter, filters.OrderingFilter)
    search_fields = ("name",)
    ordering_fields = ("updated", "created", "name")
    ordering = ("-updated",)

    def get_queryset(self) -> QuerySet[Project]:
        return visible(self.request)


class DeletedProjects(generics.ListAPIView[Project]):
    """What its owner deleted, the last first: 30 days long each can be brought back."""

    serializer_class = DeletedProjectSerializer
    pagination_class = CursorPagination
    filter_backends = (filters.OrderingFilter,)
    ordering_fields = ("deleted",)
    ordering = ("-deleted",)

    def get_queryset(self) -> QuerySet[Project]:
        return Project.objects.deleted_of(self.request.user)


class ProjectDetail(generics.RetrieveAPIView[Project]):
    """One project."""

    serializer_class = BriefedProjectSerializer

    def get_queryset(self) -> QuerySet[Project]:
        return visible(self.request)


class MessageList(InProject, generics.ListAPIView[Message]):
    """What was said, newest first, with fragments."""

    serializer_class = MessageSerializer
    pagination_class = CursorPagination

    def get_queryset(self) -> QuerySet[Message]:
        return self.project().messages.prefetch_related("fragments")


class AttachmentList(InProject):
    @extend_schema(request=AttachSerializer, responses={201: AttachmentSerializer})
    def post(self, request: Request, pk: Any) -> Response:
        """Keeps a picture or a text for the next message; its id goes into that message's `attachments`."""
        data = valid(AttachSerializer, request)
        made = attachments.add(self.project(), data["name"], decoded(data["content"]))
        return Response(shown(AttachmentSerializer, made), status=201)


class AttachmentDetail(InProject):
    def attachment(self) -> Attachment:
        found = self.project().attachments.select_related("blob")
        return get_object_or_404(found, pk=self.kwargs["attachment"])

    @extend_schema(responses={(200, "image/*"): OpenApiTypes.BINARY, (200, "text/plain"): OpenApiTypes.BINARY})
    def get(self, request: Request, pk: Any, attachment: Any) -> HttpResponse:
        """The file. A picture may be shown on our pages: its bytes say its type, and nothing runs in it."""
        found = self.attachment()
        response = HttpResponse(attachments.content(found), content_type=found.media_type)
        picture = found.kind == Attachment.Kind.IMAGE
        response.headers["Content-Disposition"] = str(content_disposition_header(not picture, found.name) or "inline")
        response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
        response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
        return response

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: Any, attachment: Any) -> Response:
        """Drops a file that was not sent. 404 for one that was: it is part of the conversation."""
        if not self.project().attachments.filter(pk=self.attachment().pk, message=None).delete()[0]:
            raise NotFound
        return Response(status=204)


class VersionList(InProject, generics.ListAPIView[Version]):
    """Versions, newest first, with their verdicts."""

    serializer_class = VersionSerializer
    pagination_class = CursorPagination

    def get_queryset(self) -> QuerySet[Version]:
        # A manifest can be large and is not shown here.
        return pictures.marked(self.project().versions.defer("manifest"))


class VersionDetail(InProject):
    @extend_schema(responses=VersionSerializer)
    def get(self, request: Request, pk: Any, number: int) -> Response:
        """One version with its verdict."""
        return Response(shown(VersionSerializer, self.version(number)))

    @extend_schema(request=TitleSerializer, responses=VersionSerializer)
    def patch(self, request: Request, pk: Any, number: int) -> Response:
        """Another title for a version. Its files stay what they are."""
        version = self.version(number)
        versions.name(version, valid(TitleSerializer, request)["title"])
        return Response(shown(VersionSerializer, version))


class Search(InProject):
    @extend_schema(parameters=[OpenApiParameter("q", str), VERSION_PARAMETER], responses=MatchesSerializer)
    def get(self, request: Request, pk: Any) -> Response:
        """Lines of a version's text files that hold these words, in any case; at most 200."""
        words = request.query_params.get("q", "")[:200]
        project = self.project()
        if not words.strip() or not project.versions.exists():
            return Response({"version": None, "matches": [], "more": False})
        version = self.version()
        found = search.search(version, words)
        matches = shown(MatchSerializer, found[: search.MAX_MATCHES], many=True)
        return Response({"version": version.number, "matches": matches, "more": len(found) > search.MAX_MATCHES})


class FileList(InProject):
    @extend_schema(operation_id="projects_files_list", parameters=[VERSION_PARAMETER], responses=FileListSerializer)
    def get(self, request: Request, pk: Any) -> Response:
        """The paths of a version. A project without a version has none."""
        project = self.project()
        if not request.query_params.get("version") and not project.versions.exists():
            return Response({"version": None, "files": []})
        version = self.version()
        files = [{"path": path, "size": size} for path, size in versions.file_sizes(version).items()]
        return Response({"version": version.number, "files": files})


class FileContent(InProject):
    @extend_schema(
        parameters=[VERSION_PARAMETER, OpenApiParameter("raw", bool, description="The bytes, as a download.")],
        responses=ContentSerializer,
    )
    def get(self, request: Request, pk: Any, path: str) -> HttpResponseBase:
        """One file of a version. Never inline: what users wrote is not ours to run on this origin."""
        version = self.version()
        content = versions.read(version, path)
        if request.query_params.get("raw") in ("1", "true"):
            response = HttpResponse(content, content_type="application/octet-stream")
            response.headers["Content-Disposition"] = "attachment"
            return response
        return Response(as_content(version, path, content))


class Diff(InProject):
    @extend_schema(responses=FileDiffSerializer(many=True))
    def get(self, request: Request, pk: Any, a: int, b: int) -> Response:
        """What changed from version a to version b, file by file. 0 stands for the empty project."""
        after = self.version(b)
        before = self.version(a) if a else None
        return Response(shown(FileDiffSerializer, versions.diff(before, after), many=True))


class Download(InProject):
    @extend_schema(
        parameters=[
            VERSION_PARAMETER,
            OpenApiParameter("secrets", str, enum=["include"], description="Leave no private file out."),
        ],
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: Any) -> HttpResponseBase:
        """A version's files as a ZIP, without .env and key files. X-Secrets-Found counts what looks like a secret."""
        return zip_response(self.version(), whole=request.query_params.get("secrets") == "include")


class FrameworkList(APIView):
    @extend_schema(responses=FrameworkSerializer(many=True))
    def get(self, request: Request) -> Response:
        """What apps can be built with."""
        return Response(shown(FrameworkSerializer, list(frameworks.FRAMEWORKS.values()), many=True))


def as_content(version: Version, path: str, content: bytes) -> dict[str, Any]:
    """The body of a file: text if it is text, else base64."""
    try:
        text, encoding = content.decode(), "utf-8"
    except UnicodeDecodeError:
        text, encoding = base64.b64encode(content).decode(), "base64"
    facts = {"path": path, "version": version.number, "size": len(content)}
    return {**facts, "encoding": encoding, "content": text}
