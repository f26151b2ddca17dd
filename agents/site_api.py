"""REST: an app is put online, looked after and taken offline."""

from typing import Any

from django.conf import settings
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents import services
from projects import api as projects
from projects import sites
from projects.models import Site


class SiteSerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(
        ["none", *Site.State.values],
        help_text="Of the newest attempt; what was online before one that failed stays so.",
    )
    name = serializers.CharField(help_text="The first part of its host name; before there is one, a free one.")
    url = serializers.CharField(allow_null=True, help_text="null: nothing is online.")
    version = serializers.IntegerField(allow_null=True, help_text="The version that is online.")
    wants = serializers.IntegerField(allow_null=True, help_text="The version that was asked for last.")
    published = serializers.DateTimeField(allow_null=True)
    detail = serializers.CharField(help_text="Why it failed, or what was noticed about what is online.")


class SiteChangeSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(required=False, max_length=100, help_text="Without it, the one it has.")
    version = serializers.IntegerField(required=False, min_value=1, max_value=2_000_000_000)


class ProjectSite(projects.InProject):
    @extend_schema(responses=SiteSerializer)
    def get(self, request: Request, pk: Any) -> Response:
        """How the project's site stands. 404 where apps cannot be put online (`SITES_DOMAIN`)."""
        return self._answer()

    @extend_schema(request=SiteChangeSerializer, responses={202: SiteSerializer})
    def post(self, request: Request, pk: Any) -> Response:
        """Builds a version, by default the newest, and puts it online; `site` events tell how that goes. 409 while one
        is being built, 400 for a name that is bad or taken.
        """
        data = projects.valid(SiteChangeSerializer, request)
        _offered()
        services.put_online(self.version(data.get("version")), data.get("name"))
        return self._answer(202)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: Any) -> Response:
        """Takes it offline; its name is free for others."""
        services.take_offline(self.project())
        return Response(status=204)

    def _answer(self, status: int = 200) -> Response:
        _offered()
        return Response(sites.facts(self.project()), status=status)


def _offered() -> None:
    if not settings.SITES_DOMAIN:
        raise Http404
