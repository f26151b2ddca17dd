"""What came with a message, as the model is shown it."""

import base64
import json
from typing import Any

from projects import attachments
from projects.models import Attachment, Message


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
