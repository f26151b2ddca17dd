"""REST: what is said in a project: a message, the run it starts, and one in the place of another."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.idempotency import once
from agents import api, instead, services
from agents.models import Run
from projects import api as projects
from projects import leaks
from projects.models import Fragment, Message


class SaySerializer(serializers.Serializer[Any]):
    text = serializers.CharField(trim_whitespace=False, allow_blank=True)
    mode = serializers.ChoiceField(Message.Mode.choices, required=False, help_text="Without one: build.")
    attachments = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        max_length=api.MOST_FILES,
        help_text="Ids from POST attachments/; with `instead_of` also of the files of that message.",
    )
    references = api.ReferencesField()
    model = api.ModelField(required=False, help_text="For this message only; else the project's.")
    cap = api.CapField()
    instead_of = serializers.UUIDField(
        required=False,
        help_text="A message of yours that was worked on. The files go back to what they were before it, it and what"
        " came after it are set aside, and this one takes its place, with its mode, model and attachments unless others"
        " are named.",
    )
    seen = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=2**62,
        help_text="Goes with `instead_of`: the newest event you know of; 409 if something was said or saved after it.",
    )


class SaidSerializer(serializers.Serializer[Any]):
    message = projects.MessageSerializer()
    run = api.RunBriefSerializer()
    warning = serializers.CharField(allow_null=True, help_text=api.WARNING)


class InsteadSerializer(serializers.Serializer[Any]):
    """What another message in its place would do."""

    version = serializers.IntegerField(
        allow_null=True, help_text="The files go back to it; 0: to what every app begins with; null: they stay."
    )
    messages = serializers.IntegerField(help_text="Messages of yours that are set aside, this one among them.")
    seen = serializers.IntegerField(help_text="The newest event that was looked at; send it along.")


class OneMessageSerializer(projects.MessageSerializer):
    model = serializers.SerializerMethodField(help_text="Of its run.")
    attachments = projects.AttachmentSerializer(many=True, read_only=True)
    instead = serializers.SerializerMethodField(help_text="Null where it cannot be edited.")

    class Meta(projects.MessageSerializer.Meta):
        fields = (*projects.MessageSerializer.Meta.fields, "model", "attachments", "instead")  # type: ignore[assignment]

    def get_model(self, message: Message) -> str | None:
        return Run.objects.filter(message=message).values_list("model", flat=True).first()

    @extend_schema_field(InsteadSerializer(allow_null=True))
    def get_instead(self, message: Message) -> dict[str, Any] | None:
        return instead.look(message)


class MessageList(projects.MessageList):
    @extend_schema(request=SaySerializer, responses={202: SaidSerializer}, parameters=[api.IDEMPOTENCY_KEY])
    def post(self, request: Request, pk: Any) -> Response:
        """A message and the run it starts; the run waits while another is at work.

        With `instead_of` it takes the place of one that was worked on: 409 while a run is at work.
        """
        return once(request, lambda: self._say(request))

    def _say(self, request: Request) -> Response:
        project, data = self.project(), projects.valid(SaySerializer, request)
        text, named, refers = data["text"], data.get("attachments"), data.get("references", ())
        mode, model, cap = data.get("mode"), data.get("model"), data.get("cap")
        if old := data.get("instead_of"):
            given = {"mode": mode, "model": model, "cap": cap, "attached": named, "refers": refers}
            run = instead.send(project, old, text, **given, seen=data.get("seen"))
        else:
            mode = mode or Message.Mode.BUILD
            run = services.start_run(project, text, mode, cap, model, attached=named or (), refers=refers)
            if not named:  # then it has no fragments, which need not be asked
                # As prefetch_related_objects() would say it, in a tenth of the request's time.
                run.message._prefetched_objects_cache = {"fragments": Fragment.objects.none()}  # type: ignore[attr-defined]
        said = {"message": run.message, "run": run, "warning": leaks.warning(text)}
        return Response(projects.shown(SaidSerializer, said), status=202)


class MessageDetail(projects.InProject):
    @extend_schema(responses=OneMessageSerializer)
    def get(self, request: Request, pk: Any, message: UUID) -> Response:
        """One message, with what went with it, and what another one in its place would do."""
        found = get_object_or_404(self.project().messages, pk=message)
        return Response(projects.shown(OneMessageSerializer, found))
