"""REST: what starts, stops and shows runs, and the sandbox they work in; on top of projects/api.py."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.idempotency import once
from accounts.models import User
from agents import catalogue, edits, events, previews, services
from agents.models import Run, Sandbox
from projects import api as projects
from projects import attachments, briefing, leaks, references
from projects.models import Project
from projects.services import rename, undelete
from usage import services as usage

MAX_EVENTS = 500
MOST_FILES = attachments.MOST
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="The same key within 24 hours: the same answer."
)


class RunBriefSerializer(serializers.ModelSerializer[Run]):
    class Meta:
        model = Run
        fields = ("id", "state")
        read_only_fields = fields


class RunSerializer(serializers.ModelSerializer[Run]):
    """A run with its log. `cost` in micro-credits."""

    cost_text = serializers.SerializerMethodField()
    seconds = serializers.SerializerMethodField()
    version = serializers.IntegerField(source="version.number", default=None, read_only=True)
    steps = serializers.SerializerMethodField()

    class Meta:
        model = Run
        fields = (
            *("id", "project", "state", "reason", "model", "message", "reply", "version", "usage"),
            *("cost", "cost_text", "created", "started", "finished", "seconds", "steps"),
        )
        read_only_fields = fields

    def get_cost_text(self, run: Run) -> str:
        return usage.text(run.cost)

    def get_seconds(self, run: Run) -> float | None:
        return (run.finished - run.started).total_seconds() if run.finished and run.started else None

    def get_steps(self, run: Run) -> list[dict[str, Any]]:
        return [events.as_event(step) for step in run.steps.order_by("cursor")]


class ModelField(serializers.CharField):
    """A branded model's name, in any case; one that there is not means auto."""

    def to_internal_value(self, data: Any) -> str:
        return catalogue.get(super().to_internal_value(data)).name


class CapField(serializers.IntegerField):
    """The most a run may cost."""

    def __init__(self, text: str = "Most that the run may cost, in micro-credits; else what the project says.") -> None:
        said = f"A limit is a whole number of micro-credits from 1 to {usage.MOST} (1000000 are one credit), or null."
        wrong: dict[str, Any] = dict.fromkeys(("invalid", "min_value", "max_value", "max_string_length"), said)
        super().__init__(
            required=False, allow_null=True, min_value=1, max_value=usage.MOST, help_text=text, error_messages=wrong
        )


class ReferencesField(serializers.ListField):
    """Other projects of who asks."""

    def __init__(self) -> None:
        text = f"Ids of up to {references.MOST} other projects of yours whose newest version the run may read."
        super().__init__(child=serializers.UUIDField(), required=False, help_text=text)


class StartSerializer(serializers.Serializer[Any]):
    prompt = serializers.CharField(trim_whitespace=False, allow_blank=True)
    framework = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    model = ModelField(required=False, allow_null=True, allow_blank=True)
    name = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    cap = CapField("Most that this run and each one after it may cost, in micro-credits; else your own setting.")
    references = ReferencesField()
    attachments = serializers.ListField(
        child=projects.AttachSerializer(),
        required=False,
        max_length=MOST_FILES,
        help_text="Pictures and texts that go with the prompt.",
    )


WARNING = "A sentence for people when the text seems to hold a secret."


class StartedSerializer(projects.ProjectSerializer):
    run = RunBriefSerializer()
    warning = serializers.CharField(allow_null=True, help_text=WARNING)

    class Meta(projects.ProjectSerializer.Meta):
        fields = (*projects.ProjectSerializer.Meta.fields, "run", "warning")  # type: ignore[assignment]


class ChangeSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(required=False)
    model = ModelField(required=False)
    rules = serializers.CharField(required=False, allow_blank=True, help_text="What the agent has to keep to.")
    criteria = serializers.CharField(required=False, allow_blank=True, help_text="What the review looks for.")
    memory = serializers.CharField(required=False, allow_blank=True, help_text="What the agent noted; a line each.")
    locked = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Globs of files the agent may not change."
    )
    pinned = serializers.ListField(
        child=serializers.CharField(trim_whitespace=False), required=False, help_text="Files every run begins with."
    )
    dropped = serializers.ListField(
        child=serializers.CharField(trim_whitespace=False), required=False, help_text="Files not to read unless asked."
    )
    review = serializers.BooleanField(required=False, help_text="A second look at what a run changed.")
    auto_fix = serializers.BooleanField(required=False, help_text="The agent mends what its checks find.")
    cap = CapField("Most that each run of the project may cost, in micro-credits; null: your own setting.")


class EditQueuedSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(trim_whitespace=False, allow_blank=True)


class EventsSerializer(serializers.Serializer[Any]):
    events = serializers.ListField(child=serializers.DictField())
    cursor = serializers.IntegerField(help_text="Pass as ?after= next time.")
    run_state = serializers.CharField(allow_null=True)


class LimitsSerializer(serializers.Serializer[Any]):
    timeout_seconds = serializers.IntegerField()
    idle_seconds = serializers.IntegerField(help_text="So long nobody looks, and it is put to sleep.")


class SandboxSerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(["none", "running", "paused"])
    url = serializers.CharField(allow_null=True)
    template = serializers.CharField()
    version = serializers.IntegerField(required=False, help_text="The one its files were last equal to.")
    limits = LimitsSerializer()


class ModelSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    title = serializers.CharField()
    blurb = serializers.CharField()
    multiplier = serializers.FloatField(help_text="Times the price of Vibe-M.")


class ProjectList(projects.ProjectList):
    @extend_schema(request=StartSerializer, responses={201: StartedSerializer}, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request) -> Response:
        """A new project and its first run."""
        return once(request, lambda: self._start(request))

    def _start(self, request: Request) -> Response:
        data = projects.valid(StartSerializer, request)
        chosen = {key: data.get(key) or None for key in ("framework", "model", "name")}
        files = [(one["name"], projects.decoded(one["content"])) for one in data.get("attachments", ())]
        refers = data.get("references", ())
        run = services.start_project(
            _user(request), data["prompt"], **chosen, cap=data.get("cap"), refers=refers, files=files
        )
        project = run.project
        project.newest_version = None  # type: ignore[attr-defined]
        more = {"run": projects.shown(RunBriefSerializer, run), "warning": leaks.warning(data["prompt"])}
        body = projects.shown(projects.ProjectSerializer, project) | more
        return Response(body, status=201, headers={"Location": f"{request.path}{project.pk}/"})


class ProjectDetail(projects.InProject, projects.ProjectDetail):
    @extend_schema(request=ChangeSerializer, responses=projects.BriefedProjectSerializer)
    @transaction.atomic
    def patch(self, request: Request, pk: Any) -> Response:
        """Another name; for the runs to come another model, rules, review criteria, memory, files locked or pinned."""
        project, data = self.get_object(), projects.valid(ChangeSerializer, request)
        if "name" in data:
            rename(project, data.pop("name"))
        if "model" in data:
            project.model = data.pop("model")
            project.save(update_fields=["model", "updated"])
        if data:
            briefing.change(project, **data)
        return Response(projects.shown(projects.BriefedProjectSerializer, project))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: Any) -> Response:
        """Hides the project and stops its runs. `undelete/` brings it back for 30 days, then it goes for good."""
        edits.delete_project(self.project())
        return Response(status=204)


class Undelete(APIView):
    @extend_schema(request=None, responses=projects.ProjectSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        """Brings a deleted project back."""
        undelete(get_object_or_404(Project.objects.deleted_of(request.user), pk=pk))
        return Response(projects.shown(projects.ProjectSerializer, projects.visible(request).get(pk=pk)))


class VersionPreview(projects.InProject):
    @extend_schema(request=None, responses={202: None})
    def post(self, request: Request, pk: Any, number: int) -> Response:
        """Runs an old version in a sandbox of its own for ten minutes. A `preview` event with `version` says where."""
        services.open_version(self.version(number))
        return Response(status=202)


class Events(projects.InProject):
    @extend_schema(
        parameters=[OpenApiParameter("after", int), OpenApiParameter("html", bool)], responses=EventsSerializer
    )
    def get(self, request: Request, pk: Any) -> Response:
        """The log after a cursor, at most 500 events at a time; with `?html=1` as the page shows them."""
        project = self.project()
        html = request.query_params.get("html") in ("1", "true")
        found = events.events_after(project.pk, _cursor(request), limit=MAX_EVENTS, html=html)
        cursor = found[-1]["id"] if found else min(_cursor(request), project.cursor)
        return Response({"events": found, "cursor": cursor, "run_state": run_state(project)})


class OneRun(APIView):
    def run(self) -> Run:
        runs = Run.objects.for_user(self.request.user).select_related("version", "message", "project__owner")
        return get_object_or_404(runs, pk=self.kwargs["pk"])


class RunDetail(OneRun):
    @extend_schema(responses=RunSerializer)
    def get(self, request: Request, pk: Any) -> Response:
        """A run with every step of its log."""
        return Response(projects.shown(RunSerializer, self.run()))

    @extend_schema(request=EditQueuedSerializer, responses=RunBriefSerializer)
    def patch(self, request: Request, pk: Any) -> Response:
        """Another text for a message that waits behind a run. 409 once a worker has it."""
        run = services.edit_queued(self.run(), projects.valid(EditQueuedSerializer, request)["text"])
        return Response(projects.shown(RunBriefSerializer, run))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: Any) -> Response:
        """Drops a message that waits behind a run, or was set aside when one was stopped. 409 once a worker has it."""
        services.drop_queued(self.run())
        return Response(status=204)


class OrderSerializer(serializers.Serializer[Any]):
    runs = serializers.ListField(child=serializers.UUIDField(), max_length=20, help_text="All that wait, in order.")


class Queue(projects.InProject):
    @extend_schema(request=OrderSerializer, responses={204: None})
    def put(self, request: Request, pk: Any) -> Response:
        """Another order for the messages that wait. 409 when these are not the ones that wait."""
        services.reorder_queued(self.project(), projects.valid(OrderSerializer, request)["runs"])
        return Response(status=204)


class RunCancel(OneRun):
    @extend_schema(request=None, responses={202: RunBriefSerializer})
    def post(self, request: Request, pk: Any) -> Response:
        """Stops a run: at once while it waits, within seconds while it works. 409 when it is over.

        What waits behind one that has begun ends as cancelled with the reason `set_aside`; `retry/` sends it again.
        """
        services.cancel_run(self.run())
        return Response(projects.shown(RunBriefSerializer, self.run()), status=202)


class RunRetry(OneRun):
    @extend_schema(request=None, responses={202: RunBriefSerializer})
    def post(self, request: Request, pk: Any) -> Response:
        """A new run with the same message and cap, by the project's model. 409 while the old one goes on."""
        return Response(projects.shown(RunBriefSerializer, services.retry_run(self.run())), status=202)


class SandboxStatus(projects.InProject):
    @extend_schema(responses=SandboxSerializer)
    def get(self, request: Request, pk: Any) -> Response:
        """Where the project's files run, as far as is known without asking there. Asking counts as looking at it."""
        project = self.project()
        previews.touch(project)
        return Response(previews.status(project))


class SandboxAction(projects.InProject):
    @extend_schema(request=None, responses={202: SandboxSerializer})
    def post(self, request: Request, pk: Any, action: str) -> Response:
        """start, restart, repair, stop, or keep (a version of its files). A `preview` event says what came of it."""
        project = self.project()
        if action == "stop":
            _stop(project)
        elif action == "keep":
            _keep(project)
        else:
            if action == "repair":
                _check_idle(project)
            services.open_preview(project, restart=action != "start", repair=action == "repair")
        return Response(previews.status(project), status=202)


class ModelList(APIView):
    @extend_schema(responses=ModelSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The models that may be chosen."""
        return Response(projects.shown(ModelSerializer, list(catalogue.MODELS.values()), many=True))


def run_state(project: Project) -> str | None:
    """The state of the run at work or next in line, else of the last one; None without any."""
    active = project.runs.filter(state__in=Run.ACTIVE).order_by("created").first()
    run = active or project.runs.said().order_by("-created").first()
    return run.state if run else None


def _stop(project: Project) -> None:
    if project.runs.filter(state=Run.State.RUNNING).exists():
        raise services.NotNow("A run is at work in this sandbox. Stop the run first.")
    if Sandbox.objects.filter(project=project, paused=False).exists():
        services.close_preview(project)


def _check_idle(project: Project) -> None:
    if project.runs.filter(state__in=Run.ACTIVE).exists():
        raise services.NotNow("A run is at work on these files. Wait for it, or stop it first.")


def _keep(project: Project) -> None:
    _check_idle(project)
    if not Sandbox.objects.filter(project=project, paused=False).exists():
        raise services.NotNow("The sandbox does not run, so there is nothing to keep.")
    services.keep_files(project)


def _cursor(request: Request) -> int:
    after = request.query_params.get("after", "0")
    if not after.isdecimal() or len(after) > 18:
        raise ValidationError({"after": ["A cursor: 0 or the id of an event."]})
    return int(after)


def _user(request: Request) -> User:
    assert isinstance(request.user, User)  # IsAuthenticated
    return request.user
