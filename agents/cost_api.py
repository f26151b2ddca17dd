"""REST: what a message will probably cost, and what a run did cost."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from agents import catalogue, costs
from agents.api import OneRun
from projects.api import shown
from projects.models import Message, Project
from usage import services as credits


class EstimateSerializer(serializers.Serializer[Any]):
    """Micro-credits. All null while there are fewer than three runs to judge by."""

    low = serializers.IntegerField(allow_null=True)
    high = serializers.IntegerField(allow_null=True)
    text = serializers.CharField(allow_null=True, help_text="For people: 0.2–0.5 credits.")
    basis = serializers.ChoiceField(["project", "user"], allow_null=True, help_text="Whose past runs it comes from.")
    runs = serializers.IntegerField(help_text="How many.")
    own_key = serializers.BooleanField(help_text="You brought a key: nothing is charged.")


class PartSerializer(serializers.Serializer[Any]):
    name = serializers.ChoiceField(costs.PARTS)
    tokens = serializers.IntegerField()
    cost = serializers.IntegerField()
    free = serializers.BooleanField()


class CostSerializer(serializers.Serializer[Any]):
    """Micro-credits. `worth` is the sum of the parts, `charged` what the run took from the balance."""

    parts = PartSerializer(many=True)
    worth = serializers.IntegerField()
    charged = serializers.IntegerField()
    text = serializers.CharField()
    own_key = serializers.BooleanField()


class Estimate(APIView):
    @extend_schema(
        parameters=[
            OpenApiParameter("project", str, description="A project of yours; without it all of them count."),
            OpenApiParameter("mode", str, enum=costs.modes()),
            OpenApiParameter("model", str),
        ],
        responses=EstimateSerializer,
    )
    def get(self, request: Request) -> Response:
        """What a message will probably cost, judged by past runs in the same mode."""
        assert isinstance(request.user, User)  # IsAuthenticated
        mode, model = request.query_params.get("mode", Message.Mode.BUILD), request.query_params.get("model", "")
        if mode not in Message.Mode.values:
            raise ValidationError({"mode": [f"One of {', '.join(costs.modes())}."]})
        if model and model not in catalogue.MODELS:
            raise ValidationError({"model": [f"One of {', '.join(catalogue.MODELS)}."]})
        project = None
        if given := request.query_params.get("project"):
            key = serializers.UUIDField().run_validation(given)
            project = get_object_or_404(Project.objects.for_user(request.user), pk=key)
        found = costs.estimate(request.user, mode, project, model)
        body: dict[str, Any] = {"low": None, "high": None, "text": None, "basis": None, "runs": 0}
        if found:
            body = {name: getattr(found, name) for name in body}
        return Response(body | {"own_key": request.user.provider_keys.exists()})


class RunCost(OneRun):
    @extend_schema(responses=CostSerializer)
    def get(self, request: Request, pk: Any) -> Response:
        """What a run's credits went into: context, cached context, words, tool calls, fixing, review, choosing."""
        found = costs.anatomy(self.run())
        return Response(shown(CostSerializer, {**vars(found), "text": credits.text(found.charged)}))
