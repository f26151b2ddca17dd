"""REST: which of its owner's MCP servers a project's runs may use. They are connected on the settings page."""

from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import McpServer
from projects.api import InProject, shown, valid
from projects.models import Project
from projects.services import BadPrompt


class McpServerSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    host = serializers.CharField(help_text="Where it is.")
    tools = serializers.ListField(child=serializers.CharField(), help_text="What it offers, by the server's own names.")
    error = serializers.CharField(help_text="Why it did not answer when last asked; empty: it did.")
    on = serializers.BooleanField(help_text="Runs of the project in Build mode may use it.")


class SwitchedOnSerializer(serializers.Serializer[Any]):
    servers = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        max_length=100,
        help_text="Ids of those that are on; all others are off.",
    )


class McpServers(InProject):
    @extend_schema(responses=McpServerSerializer(many=True))
    def get(self, request: Request, pk: Any) -> Response:
        """The MCP servers of who asks, and which of them are switched on for the project."""
        return Response(_view(self.project()))

    @extend_schema(request=SwitchedOnSerializer, responses=McpServerSerializer(many=True))
    def put(self, request: Request, pk: Any) -> Response:
        """Switches on the servers that are named, and off all others. Runs that begin later are offered their tools."""
        project = self.project()
        wanted = set(valid(SwitchedOnSerializer, request)["servers"])
        with transaction.atomic():
            # Locked: one that is removed at this moment is there until then, or not at all.
            there = McpServer.objects.select_for_update().filter(user=project.owner_id, pk__in=wanted)
            if len(there) < len(wanted):
                raise BadPrompt("There is no such server.", "servers")
            project.mcp_servers.set(there)
        return Response(_view(project))


def _view(project: Project) -> Any:
    """All servers of the project's owner, as the API shows them."""
    on = set(project.mcp_servers.values_list("pk", flat=True))
    rows = [
        {
            "id": row.pk,
            "name": row.name,
            "host": urlsplit(row.url).netloc,
            "tools": [tool["remote"] for tool in row.tools],
            "error": row.error,
            "on": row.pk in on,
        }
        for row in McpServer.objects.filter(user=project.owner_id)
    ]
    return shown(McpServerSerializer, rows, many=True)
