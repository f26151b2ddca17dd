"""What came with a message, as the model is shown it."""

import base64
import json
from typing import Any

from agents import prompts
from agents.models import Run
from projects import attachments, references
from projects.models import Attachment, Message

# Paths that are named of a project that a message refers to; read_project lists the rest.
PATHS = 60


def blocks(message: Message) -> list[dict[str, Any]]:
    """The files that came with a message, as blocks of the Messages protocol: pictures, and texts with their names."""
    found: list[dict[str, Any]] = []
    for one in message.attachments.select_related("blob"):
        content = attachments.content(one)
        if one.kind == Attachment.Kind.IMAGE:
            data = base64.b64encode(content).decode()
            found.append({"type": "image", "source": {"type": "base64", "media_type": one.media_type, "data": data}})
        else:
            text = f"<attached_file name={json.dumps(one.name)}>\n{content.decode()}\n</attached_file>"
            found.append({"type": "text", "text": text})
    return found


def referred(run: Run) -> str:
    """The projects that a run's message refers to, with the paths of their files; "" without any."""
    named = references.named(run.message.references)
    parts = [_project(name, one, run) for name, one in named.items()]
    return prompts.template("referred").format(projects="\n\n".join(parts)) if parts else ""


def _project(name: str, reference: dict[str, Any], run: Run) -> str:
    head = f"@{name}"
    if (version := references.version(reference, run.project.owner)) is None:
        return f"{head}: not there any more, or nothing was saved in it."
    paths = sorted(version.manifest)
    more = [f"… {len(paths) - PATHS} more"] if len(paths) > PATHS else []
    return "\n".join([f"{head} ({version.project.framework_title}, version {version.number}):", *paths[:PATHS], *more])
