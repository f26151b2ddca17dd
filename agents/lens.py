"""What the agent sees of a project before it reads a file: instructions, rules, memory, promises, tools of servers,
conversation, files, with their sizes in tokens.
"""

import json
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents import catalogue, prompts
from agents.mcp import servers
from agents.prompts import talk
from projects import api as projects
from projects import versions
from projects.frameworks import FRAMEWORKS
from projects.models import Project

BINARY = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico", ".woff", ".woff2", ".ttf", ".pdf", ".zip", ".mp3", ".mp4")


class TokensSerializer(serializers.Serializer[Any]):
    instructions = serializers.IntegerField()
    rules = serializers.IntegerField()
    memory = serializers.IntegerField()
    promises = serializers.IntegerField()
    servers = serializers.IntegerField(help_text="What is said of the tools of MCP servers.")
    conversation = serializers.IntegerField()
    files = serializers.IntegerField()


class SeenSerializer(serializers.Serializer[Any]):
    path = serializers.CharField()
    size = serializers.IntegerField()
    tokens = serializers.IntegerField(allow_null=True, help_text="Estimated; null for what is not text.")


class LensSerializer(serializers.Serializer[Any]):
    model = serializers.CharField()
    framework = serializers.CharField()
    messages = serializers.IntegerField(help_text="Earlier messages that are sent along.")
    tokens = TokensSerializer()
    window = serializers.IntegerField(help_text="Tokens above which a conversation is compacted, at most.")
    rules = serializers.CharField()
    memory = serializers.CharField()
    locked = serializers.ListField(child=serializers.CharField())
    pinned = serializers.ListField(child=serializers.CharField())
    dropped = serializers.ListField(child=serializers.CharField())
    summary = serializers.CharField(help_text="The first look at the files, as it is sent.")
    version = serializers.IntegerField(help_text="The version it was made from; 0: the template.")
    files = SeenSerializer(many=True)
    instructions = serializers.CharField()


class Lens(projects.InProject):
    @extend_schema(responses=LensSerializer)
    def get(self, request: Request, pk: Any) -> Response:
        """What is sent to the model with every message, and the files it can read. Tokens are estimates."""
        return Response(projects.shown(LensSerializer, look(self.project())))

    @extend_schema(request=None, responses=LensSerializer)
    def post(self, request: Request, pk: Any) -> Response:
        """Makes the first look at the files anew. It is made again by itself when a new version comes."""
        project = self.project()
        prompts.context(project, refresh=True)
        return Response(projects.shown(LensSerializer, look(project)))


def look(project: Project) -> dict[str, Any]:
    """The body of the answer: text, counts and estimates in tokens."""
    instructions = prompts.instructions(project.framework)
    newest = project.messages.filter(aside=False).order_by("-created")
    said = list(newest.values_list("text", flat=True)[: talk.HISTORY_MESSAGES])
    summary = prompts.context(project)
    version = versions.newest(project)
    sizes = versions.file_sizes(version) if version else {}
    return {
        "model": catalogue.get(project.model).title,
        "framework": FRAMEWORKS[project.framework].title,
        "messages": len(said),
        "tokens": {
            "instructions": _count(instructions),
            "rules": _count(project.rules),
            "memory": _count(project.memory),
            "promises": _count(prompts.promised(project)),
            "servers": sum(_count(json.dumps(definition)) for _, _, definition in servers.offered(project)),
            "conversation": sum(_count(text[: talk.HISTORY_CHARS]) for text in said),
            "files": _count(summary),
        },
        "window": talk.MOST_TOKENS,
        "rules": project.rules,
        "memory": project.memory,
        "locked": project.locked,
        "pinned": project.pinned,
        "dropped": project.dropped,
        "summary": summary,
        "version": project.context_version,
        "files": [{"path": path, "size": size, "tokens": _tokens(path, size)} for path, size in sizes.items()],
        "instructions": instructions,
    }


def _tokens(path: str, size: int) -> int | None:
    return None if path.lower().endswith(BINARY) else round(size / talk.CHARS_PER_TOKEN)


def _count(text: str) -> int:
    return talk.tokens([], text)
