"""What the agent sees of a project before it reads a file: instructions, conversation, file list, with their sizes."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents import catalogue, prompts
from projects import api as projects
from projects import versions
from projects.frameworks import FRAMEWORKS
from projects.models import Project

# Characters per token in code and English, roughly; good for shares, not for bills.
CHARS_PER_TOKEN = 4
BINARY = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico", ".woff", ".woff2", ".ttf", ".pdf", ".zip", ".mp3", ".mp4")


class TokensSerializer(serializers.Serializer[Any]):
    instructions = serializers.IntegerField()
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
    files = SeenSerializer(many=True)
    instructions = serializers.CharField()


class Lens(projects.InProject):
    @extend_schema(responses=LensSerializer)
    def get(self, request: Request, pk: Any) -> Response:
        """What is sent to the model with every message, and the files it can read. Tokens are estimates."""
        return Response(LensSerializer(look(self.project())).data)


def look(project: Project) -> dict[str, Any]:
    """The body of the answer: text, counts and estimates in tokens."""
    instructions = prompts.instructions(project.framework)
    said = list(project.messages.order_by("-created").values_list("text", flat=True)[: prompts.HISTORY_MESSAGES])
    version = versions.newest(project)
    sizes = versions.file_sizes(version) if version else {}
    sent = sum(len(path) + 1 for path in list(sizes)[: prompts.TREE_LINES]) + min(sizes.get("package.json", 0), 3_000)
    return {
        "model": catalogue.get(project.model).title,
        "framework": FRAMEWORKS[project.framework].title,
        "messages": len(said),
        "tokens": {
            "instructions": len(instructions) // CHARS_PER_TOKEN,
            "conversation": sum(min(len(text), prompts.HISTORY_CHARS) for text in said) // CHARS_PER_TOKEN,
            "files": sent // CHARS_PER_TOKEN,
        },
        "files": [{"path": path, "size": size, "tokens": _tokens(path, size)} for path, size in sizes.items()],
        "instructions": instructions,
    }


def _tokens(path: str, size: int) -> int | None:
    return None if path.lower().endswith(BINARY) else size // CHARS_PER_TOKEN
