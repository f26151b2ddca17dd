"""REST: plans to read, edit and approve; runs to go on from; which mode a text should be sent in."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents import api, plans, questions, services
from agents.plan_form import PLAN
from projects.api import shown, valid
from projects.models import Message


def _line(name: str, **more: Any) -> serializers.CharField:
    return serializers.CharField(max_length=PLAN[name].get("maxLength") or PLAN[name]["items"]["maxLength"], **more)


class QuestionSerializer(serializers.Serializer[Any]):
    question = serializers.CharField(max_length=300)
    answer = serializers.CharField(max_length=300, allow_blank=True, default="")


class PlanSerializer(serializers.Serializer[Any]):
    """A plan. `state`: proposed, or approved and then built by the run `built_by`."""

    title = _line("title")
    summary = _line("summary", allow_blank=True)
    steps = serializers.ListField(child=_line("steps"), min_length=1, max_length=PLAN["steps"]["maxItems"])
    files = serializers.ListField(child=_line("files"), max_length=PLAN["files"]["maxItems"])
    questions = QuestionSerializer(many=True)
    state = serializers.ChoiceField(["proposed", "approved"], read_only=True)
    built_by = serializers.UUIDField(read_only=True, required=False)


class ChangedPlanSerializer(PlanSerializer):
    def validate_questions(self, value: list[Any]) -> list[Any]:
        if len(value) > PLAN["questions"]["maxItems"]:
            raise serializers.ValidationError(f"At most {PLAN['questions']['maxItems']}.")
        if not all(item.get("question") for item in value):  # a partial change is partial in what it holds, too
            raise serializers.ValidationError("Each needs its question.")
        return [{"question": item["question"], "answer": item.get("answer", "")} for item in value]


class SuggestedSerializer(serializers.Serializer[Any]):
    mode = serializers.ChoiceField(Message.Mode.choices)


class TextSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=20_000, allow_blank=True)


class Plan(api.OneRun):
    @extend_schema(responses=PlanSerializer)
    def get(self, request: Request, pk: Any) -> Response:
        """The plan that a run in Plan mode ended in; 404 without one."""
        return Response(_shown(lambda: plans.of(self.run()).meta))

    @extend_schema(request=ChangedPlanSerializer(partial=True), responses=PlanSerializer)
    def patch(self, request: Request, pk: Any) -> Response:
        """Changes a plan before it is built. 409 once it is approved."""
        run, value = self.run(), _changed(request)
        return Response(_shown(lambda: plans.edit(run, value)))


class ApprovePlan(api.OneRun):
    @extend_schema(request=ChangedPlanSerializer(partial=True), responses={202: api.RunBriefSerializer})
    def post(self, request: Request, pk: Any) -> Response:
        """Has a plan built, with last changes if the body has some. 409 when it is approved already."""
        run, value = self.run(), _changed(request)
        try:
            building = plans.approve(run, value)
        except plans.NoPlan:
            raise NotFound from None
        return Response(shown(api.RunBriefSerializer, building), status=202)


class Continue(api.OneRun):
    @extend_schema(request=None, responses={202: api.RunBriefSerializer})
    def post(self, request: Request, pk: Any) -> Response:
        """A new run that goes on where this one stopped, with as high a cap. 409 while it goes on, or is finished."""
        return Response(shown(api.RunBriefSerializer, services.continue_run(self.run())), status=202)


class Suggest(APIView):
    @extend_schema(
        parameters=[OpenApiParameter("text", str, description="What the person typed so far.")],
        responses=SuggestedSerializer,
    )
    def get(self, request: Request) -> Response:
        """The mode that fits a text: `ask` for what looks like a question. By rules; no model is asked."""
        return Response({"mode": questions.fitting_mode(request.query_params.get("text", ""))})

    @extend_schema(request=TextSerializer, responses=SuggestedSerializer)
    def post(self, request: Request) -> Response:
        """The same, of a text that is to stand in no log of addresses."""
        return Response({"mode": questions.fitting_mode(valid(TextSerializer, request)["text"])})


def _changed(request: Request) -> dict[str, Any]:
    serializer = ChangedPlanSerializer(data=request.data, partial=True)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def _shown(make: Any) -> Any:
    try:
        return shown(PlanSerializer, make())
    except plans.NoPlan:
        raise NotFound from None
