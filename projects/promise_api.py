"""REST: the promises of a project. Runs keep them and check them; a person may add one of their own, or delete one."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from projects import briefing, promises
from projects.api import InProject, shown, valid


class PromiseSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    says = serializers.CharField(help_text="What a visitor sees, for people.")
    path = serializers.CharField(help_text="The page.")
    text = serializers.CharField(help_text="Words that are visible there; case and space do not matter.")
    version = serializers.IntegerField(allow_null=True, help_text="The one that came with it; null: added by hand.")
    holds = serializers.BooleanField(
        allow_null=True, help_text="Whether it is true; null when nobody looked since the files were changed by hand."
    )
    checked = serializers.IntegerField(allow_null=True, help_text="The version that it was last checked with.")


class NewPromiseSerializer(serializers.Serializer[Any]):
    says = serializers.CharField(max_length=briefing.SAYS_CHARS, allow_blank=True)
    text = serializers.CharField(max_length=briefing.SEEN_CHARS, allow_blank=True)
    path = serializers.CharField(max_length=briefing.PATH_CHARS, default="/")


class PromiseList(InProject):
    @extend_schema(responses=PromiseSerializer(many=True))
    def get(self, request: Request, pk: Any) -> Response:
        """What requests made true of the app, oldest first: at most 40, each checked again by later runs."""
        return Response(shown(PromiseSerializer, promises.listed(self.project()), many=True))

    @extend_schema(request=NewPromiseSerializer, responses={201: PromiseSerializer})
    def post(self, request: Request, pk: Any) -> Response:
        """Adds one by hand. The next run that changes the app checks it."""
        project = self.project()
        made = briefing.promise(project, **valid(NewPromiseSerializer, request))
        return Response(shown(PromiseSerializer, promises.view(made, promises.since(project))), status=201)


class PromiseDetail(InProject):
    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: Any, promise: int) -> Response:
        """Deletes one: no run checks it any more."""
        if not self.project().promises.filter(pk=promise).delete()[0]:
            raise NotFound
        return Response(status=204)
