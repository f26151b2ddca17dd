"""Importing a design: REST routes that have a frame in Figma built. The page is that of the other imports.

It becomes a message with the frame's brief and picture: the first of a new project, or the next of one there is.
"""

from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import limits, outside
from accounts.models import User
from agents import api, message_api, services
from agents.models import Run
from projects import api as projects
from projects import attachments, figma, leaks
from projects.models import Project
from projects.services import check_prompt, check_text

# Of all kinds, by one person.
IMPORTS, HOUR = 30, 3600
PROMPT = (
    "Build this frame of a design as a page. Its layout, texts, colours, fonts, sizes and spacing are in the attached "
    "brief, and its picture beside it if there is one. What neither says is yours to decide."
)
LEFT_OUT = "What of the frame was not taken, a sentence each."


class FrameSerializer(serializers.Serializer[Any]):
    frame = serializers.CharField(max_length=2_000, help_text="Address of a frame in Figma; of a file: its first one.")
    token = serializers.CharField(max_length=500, help_text="May read the file's content. Kept nowhere.")
    text = serializers.CharField(
        required=False, allow_blank=True, trim_whitespace=False, help_text="What should be built of it, in your words."
    )


class FrameStartSerializer(FrameSerializer):
    framework = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    model = api.ModelField(required=False, allow_null=True, allow_blank=True)
    name = serializers.CharField(required=False, allow_null=True, allow_blank=True, help_text="Else the frame's.")
    cap = api.CapField("Most that this run and each one after it may cost, in micro-credits; else your own setting.")


class FrameStartedSerializer(api.StartedSerializer):
    left_out = serializers.ListField(child=serializers.CharField(), help_text=LEFT_OUT)

    class Meta(api.StartedSerializer.Meta):
        fields = (*api.StartedSerializer.Meta.fields, "left_out")  # type: ignore[assignment]


class FrameSaidSerializer(message_api.SaidSerializer):
    left_out = serializers.ListField(child=serializers.CharField(), help_text=LEFT_OUT)


class Import(APIView):
    @extend_schema(
        operation_id="projects_import_figma", request=FrameStartSerializer, responses={201: FrameStartedSerializer}
    )
    def post(self, request: Request) -> Response:
        """A project whose first run builds a frame of a design in Figma."""
        data = projects.valid(FrameStartSerializer, request)
        assert isinstance(request.user, User)  # IsAuthenticated
        chosen = {key: data.get(key) or None for key in ("framework", "model", "name", "cap")}
        run, left_out = start(request.user, data["frame"], data["token"], data.get("text", ""), **chosen)
        run.project.newest_version = None  # type: ignore[attr-defined]
        more = {"run": projects.shown(api.RunBriefSerializer, run), "warning": leaks.warning(data.get("text", ""))}
        body = projects.shown(projects.ProjectSerializer, run.project) | more | {"left_out": left_out}
        return Response(body, status=201)


class Update(projects.InProject):
    @extend_schema(
        operation_id="projects_import_figma_into", request=FrameSerializer, responses={202: FrameSaidSerializer}
    )
    def post(self, request: Request, pk: Any) -> Response:
        """A message that has a frame of a design in Figma built into the app; its run waits while another works."""
        project = self.project()
        data = projects.valid(FrameSerializer, request)
        run, left_out = say(project, data["frame"], data["token"], data.get("text", ""))
        said = {
            "message": run.message,
            "run": run,
            "warning": leaks.warning(data.get("text", "")),
            "left_out": left_out,
        }
        return Response(projects.shown(FrameSaidSerializer, said), status=202)


def start(owner: User, frame: str, token: str, text: str, **chosen: Any) -> tuple[Run, list[str]]:
    """A project that is built from a frame, and what was left out of it; `chosen` as for any new project.

    Raises outside.Busy, Throttled, BadPrompt, NotEnoughCredits.
    """
    prompt = _prompt(text)
    design = _read(owner.pk, frame, token)
    chosen["name"] = chosen.get("name") or design.name
    return services.start_project(owner, prompt, **chosen, files=_files(design)), design.left_out


def say(project: Project, frame: str, token: str, text: str) -> tuple[Run, list[str]]:
    """A message that has a frame built into a project, and what was left out.

    Raises outside.Busy, Throttled, BadPrompt, NotEnoughCredits.
    """
    prompt = _prompt(text)
    design = _read(project.owner_id, frame, token)
    with transaction.atomic():
        attached = attachments.add_all(project, _files(design))
        return services.start_run(project, prompt, attached=attached), design.left_out


def _read(user_id: int, frame: str, token: str) -> figma.Design:
    with outside.waiting(user_id):
        count(user_id)
        return figma.read(frame, token)


def count(user_id: int) -> None:
    """Counts an import of any kind. Raises Throttled."""
    if not limits.allow(f"import:{user_id}", IMPORTS, HOUR):
        raise Throttled(wait=limits.seconds_left(HOUR))


def _prompt(text: str) -> str:
    return check_prompt(f"{check_text(text, 'text')}\n\n{PROMPT}", "text")


def _files(design: figma.Design) -> list[tuple[str, bytes]]:
    picture = [("figma-frame.png", design.picture)] if design.picture else []
    return [("figma-frame.md", design.brief.encode()), *picture]
