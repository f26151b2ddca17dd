"""Figma: one frame of a file, as a design brief and a picture, by Figma's REST API.

An address that a person gives only says which file and frame; nothing but Figma's two hosts is asked. A token is used
at once, shown to the API alone, and kept nowhere. https://developers.figma.com/docs/rest-api/file-endpoints/
"""

import json
import re
import time
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import httpx
from django.conf import settings

from projects import attachments, designs
from projects.github import good_token
from projects.models import Attachment
from projects.services import BadPrompt

# A file, or a branch of it, which is a file of its own; a link to a frame has its id in the query.
ADDRESS = re.compile(
    r"(?:https?://)?(?:www\.)?figma\.com/(?:file|design|proto)/(?P<key>[A-Za-z0-9]{10,80})"
    r"(?:/branch/(?P<branch>[A-Za-z0-9]{10,80}))?(?:/[^?#]*)?(?:\?(?P<query>[^#]*))?(?:#.*)?"
)
NODE = re.compile(r"I?[0-9]{1,10}:[0-9]{1,10}(?:;[0-9]{1,10}:[0-9]{1,10}){0,20}")
# Of one import in all; of one answer of the API.
SECONDS, MAX_BYTES = 40, 10 * 2**20
# A picture's longest side in pixels: what models look at.
SIDE = 1568
FRAMES = {"FRAME", "COMPONENT", "INSTANCE"}
# What has frames in it: then the first one is taken.
AROUND = {"DOCUMENT", "CANVAS", "SECTION", "COMPONENT_SET"}
COPY = "In Figma select a frame, choose “Copy link to selection”, and give that."


class Place(NamedTuple):
    key: str
    node: str = ""


class Design(NamedTuple):
    """A frame: its name, the brief, its picture as a PNG or None, and sentences on what was left out."""

    name: str
    brief: str
    picture: bytes | None
    left_out: list[str]


def place(address: str) -> Place:
    """The file, and the frame or "", that an address of Figma names. Raises BadPrompt for any other."""
    found = ADDRESS.fullmatch(address.strip()[:2_000])
    node = parse_qs(found["query"] or "").get("node-id", [""])[0].replace("-", ":") if found else ""
    if not found or (node and not NODE.fullmatch(node)):
        raise BadPrompt(f"This is no address of a file in Figma. {COPY}", "frame")
    return Place(found["branch"] or found["key"], node)


def read(address: str, token: str) -> Design:
    """The frame that an address leads to; of a page or a file, its first. Raises BadPrompt when it is not to be had."""
    wanted = place(address)
    api = _Api(good_token(token))
    with api.client:
        left_out = []
        node = wanted.node
        if not node:
            document = api.ask(f"/v1/files/{wanted.key}", depth="3").get("document")
            frame, others = _frame(document)
            node = str(frame.get("id"))
            if not NODE.fullmatch(node):
                raise _unreadable()
            left_out += _others(others)
        nodes = api.ask(f"/v1/files/{wanted.key}/nodes", ids=node, depth=str(designs.MAX_DEPTH + 1)).get("nodes")
        entry = nodes.get(node) if isinstance(nodes, dict) else None
        if not isinstance(entry, dict):
            raise BadPrompt(f"There is no such frame in this file any more. {COPY}", "frame")
        frame, others = _frame(entry.get("document"))
        left_out += _others(others)
        brief = designs.brief(frame)
        left_out += brief.left_out
        picture, problem = api.picture(wanted.key, str(frame.get("id")), brief.side)
    left_out += [f"Its picture. {problem}"] if problem else []
    return Design(brief.name, brief.text(left_out), picture, left_out)


def _frame(node: Any) -> tuple[dict[str, Any], int]:
    """The node itself if it is a frame, else the first one in it; and how many others stand beside that."""
    found: list[dict[str, Any]] = []
    level = [node]
    for _ in range(4):  # file, page, section, frame
        level = [one for one in level if isinstance(one, dict)]
        found += [one for one in level if designs.kind(one) in FRAMES]
        if found:
            break
        level = [child for one in level if designs.kind(one) in AROUND for child in designs.children(one)]
    if not found:
        raise BadPrompt(f"This link leads to no frame, and only frames can be imported. {COPY}", "frame")
    return found[0], len(found) - 1


def _others(count: int) -> list[str]:
    return [f"{count} other frames: the link named none of them, so the first was taken."] if count else []


def _unreadable() -> BadPrompt:
    return BadPrompt("What Figma answered cannot be read. Try again, or choose a smaller frame.", "frame")


class _Api:
    """A conversation with Figma's REST API."""

    def __init__(self, token: str) -> None:
        self.deadline = time.monotonic() + SECONDS
        # Not packed: a small answer could unpack to any size.
        headers = {"X-Figma-Token": token, "Accept-Encoding": "identity"}
        self.client = httpx.Client(base_url=settings.FIGMA_API_BASE_URL, headers=headers, timeout=20)

    def ask(self, path: str, **query: str) -> dict[str, Any]:
        """What the API answers. Raises BadPrompt."""
        self.in_time()
        try:
            with self.client.stream("GET", path, params=query) as answer:
                if answer.status_code != 200:
                    raise refusal(answer)
                body = self.taken(answer, MAX_BYTES)
        except httpx.HTTPError:
            raise BadPrompt("Figma cannot be reached now. Try again later.", "frame") from None
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            raise _unreadable() from None
        if not isinstance(found, dict):
            raise _unreadable()
        return found

    def picture(self, key: str, node: str, side: float) -> tuple[bytes | None, str]:
        """The frame as a PNG of at most SIDE pixels; else why there is none: the brief is good without."""
        scale = f"{max(0.01, min(1.0, SIDE / side)):.3f}"
        try:
            found = self.ask(f"/v1/images/{key}", ids=node, format="png", scale=scale).get("images")
            there = found.get(node) if isinstance(found, dict) else None
            if not isinstance(there, str):
                return None, "Figma made none."
            # Where Figma keeps them, and nowhere else.
            if not there.startswith(f"{settings.FIGMA_IMAGES_BASE_URL}/"):
                return None, "It is kept on a host that is not asked."
            self.in_time()
            # Not the API, and so without the token.
            with httpx.stream("GET", there, timeout=20, headers={"Accept-Encoding": "identity"}) as answer:
                answer.raise_for_status()
                content = self.taken(answer, attachments.MAX_IMAGE_BYTES)
            if attachments.check("frame.png", content)[0] != Attachment.Kind.IMAGE:
                return None, "What came is none."
        except BadPrompt as problem:
            return None, problem.message
        except (httpx.HTTPError, httpx.InvalidURL):
            return None, "It could not be fetched."
        return content, ""

    def taken(self, answer: httpx.Response, most: int) -> bytes:
        """The body. Raises BadPrompt for one that is too large, or that is too long in coming."""
        pieces, size = [], 0
        for piece in answer.iter_raw():
            pieces.append(piece)
            size += len(piece)
            if size > most:
                raise BadPrompt(f"It is larger than {most / 2**20:.0f} MB. Choose a smaller frame.", "frame")
            self.in_time()
        return b"".join(pieces)

    def in_time(self) -> None:
        """Raises BadPrompt when the import has used its time."""
        if time.monotonic() > self.deadline:
            raise BadPrompt(f"Figma took more than {SECONDS} s. Try again, or choose a smaller frame.", "frame")


def refusal(answer: httpx.Response) -> BadPrompt:
    """What an answer that is no success means for who asked. https://developers.figma.com/docs/rest-api/errors/"""
    if answer.status_code == 429:
        return BadPrompt(f"Figma takes no more requests with this token. Try again {_when(answer)}.", "frame")
    said = {
        400: (f"Figma does not take this link, or the frame is too large for it. {COPY}", "frame"),
        401: ("Figma refuses this token. It may be mistyped or over.", "token"),
        403: (
            "This token may not read the file. It needs the right “File content: read”, or may be over.",
            "token",
        ),
        404: ("There is no such file, or the token's owner may not see it.", "frame"),
    }
    text, field = said.get(answer.status_code, (f"Figma answered {answer.status_code}. Try again later.", "frame"))
    return BadPrompt(text, field)


def _when(answer: httpx.Response) -> str:
    """How long `Retry-After` says, in words; it may be days (some plans have six requests a month)."""
    given = answer.headers.get("Retry-After", "")
    if not re.fullmatch(r"[0-9]{1,8}", given):
        return "in a few minutes"
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if int(given) > size:
            return f"in {-(-int(given) // size)} {unit}"
    return "in a minute"
