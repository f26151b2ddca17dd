"""Files that a person sends along with a message: pictures and texts, told apart by their bytes, kept as blobs."""

import re
import struct
import unicodedata
from collections.abc import Collection, Iterable
from uuid import UUID

from django.db import transaction

from projects.blobs import content_of, sha256, store
from projects.models import Attachment, Fragment, Message, Project
from projects.services import BadPrompt

# What models take: at most 5 MB as base64, and larger pictures are made smaller there anyway.
MAX_IMAGE_BYTES, MAX_SIDE = 3_700_000, 8_000
MAX_TEXT_BYTES = 200_000
CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
# Of one message; and of a project, so that nobody keeps an archive here.
MOST, MOST_KEPT = 8, 500
# Of a first message, whose files come in one request: what the proxy in front of us lets through.
MAX_TOGETHER_BYTES = 15_000_000
TOO_MANY = f"At most {MOST} files can go with a message."
# What the bytes of a file tell: (kind, media type, size in pixels).
Looked = tuple[str, str, tuple[int, int]]


def add(project: Project, name: str, content: bytes) -> Attachment:
    """Keeps a file that will be sent with a message. Raises BadPrompt."""
    looked = check(name, content)
    if project.attachments.count() >= MOST_KEPT:
        raise BadPrompt(f"This project has {MOST_KEPT} attachments already.", "attachments")
    sha = sha256(content)
    with transaction.atomic():
        store({sha: content})
        made = row(project, name, sha, looked)
        made.save()
        return made


def row(project: Project, name: str, sha: str, looked: Looked, message: Message | None = None) -> Attachment:
    """An attachment, not saved yet, of a content that is kept and of which `check` said what it is."""
    kind, media_type, (width, height) = looked
    facts = {"kind": kind, "media_type": media_type, "width": width, "height": height}
    return Attachment(project=project, message=message, blob_id=sha, name=_name(name), **facts)


def add_all(project: Project, files: Collection[tuple[str, bytes]]) -> list[UUID]:
    """Keeps the files, (name, content) each, that come in one request with their message. Raises BadPrompt."""
    check_together([len(content) for _, content in files])
    return [add(project, *file).pk for file in files]


def check_together(sizes: Collection[int]) -> None:
    """Whether files of these sizes, in bytes, can come in one request with their message. Raises BadPrompt."""
    if len(sizes) > MOST:
        raise BadPrompt(TOO_MANY, "attachments")
    if sum(sizes) > MAX_TOGETHER_BYTES:
        text = f"These files have {sum(sizes):,} bytes together; at most {MAX_TOGETHER_BYTES:,} can be sent at once."
        raise BadPrompt(text, "attachments")


def check(name: str, content: bytes) -> Looked:
    """(kind, media type, size in pixels) of a file that can be sent. Raises BadPrompt."""
    kind, media_type, (width, height) = _look(content)
    limit = MAX_IMAGE_BYTES if kind == Attachment.Kind.IMAGE else MAX_TEXT_BYTES
    if len(content) > limit:
        raise BadPrompt(f"{_name(name)} has {len(content):,} bytes; at most {limit:,} can be sent.", "attachments")
    if max(width, height) > MAX_SIDE:
        raise BadPrompt(f"{_name(name)} is {width} × {height}; at most {MAX_SIDE} a side can be sent.", "attachments")
    return kind, media_type, (width, height)


def send(project: Project, ids: Iterable[UUID], message: Message, again: Iterable[Attachment] = ()) -> None:
    """Makes waiting attachments part of a message. `again`: what went with another one of its project, and goes with
    this one as well. Raises BadPrompt when one is not there to be sent.
    """
    wanted, again = set(ids), list(again)
    if len(wanted) + len(again) > MOST:
        raise BadPrompt(TOO_MANY, "attachments")
    waiting = Attachment.objects.filter(project=project, message=None, pk__in=wanted)
    if wanted and waiting.update(message=message) != len(wanted):
        raise BadPrompt("An attachment is not there any more. Add it again.", "attachments")
    same = ("project_id", "blob_id", "name", "kind", "media_type", "width", "height")
    Attachment.objects.bulk_create(
        Attachment(message=message, **{field: getattr(one, field) for field in same}) for one in again
    )
    Fragment.objects.bulk_create(pictures(message, message.attachments.all()))


def pictures(message: Message, sent: Iterable[Attachment]) -> list[Fragment]:
    """What shows the pictures among the attachments of a message in it; not saved yet."""
    images = (one for one in sent if one.kind == Attachment.Kind.IMAGE)
    return [
        Fragment(
            message=message,
            position=position,
            kind=Fragment.Kind.IMAGE,
            text=one.name,
            meta={"attachment": str(one.pk), "width": one.width, "height": one.height},
        )
        for position, one in enumerate(images)
    ]


def content(attachment: Attachment) -> bytes:
    return content_of(attachment.blob)


def _name(name: str) -> str:
    """A file's own name without folders and what cannot be seen; at most 100 characters, its ending kept."""
    name = "".join(char for char in re.split(r"[\\/]", name)[-1] if unicodedata.category(char)[0] != "C").strip()
    stem, dot, ending = name.rpartition(".")
    return (name or "file") if len(name) <= 100 else f"{stem[:90]}{dot}{ending[:9]}"


def _look(content: bytes) -> Looked:
    """(kind, media type, size in pixels) by the bytes alone. Raises BadPrompt for what is neither picture nor text."""
    for media_type, measure in PICTURES.items():
        try:
            if size := measure(content):
                return Attachment.Kind.IMAGE, media_type, size
        except (struct.error, IndexError):
            continue
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\0"
    if not content or CONTROL.search(text):
        raise BadPrompt("Only pictures (PNG, JPEG, GIF, WebP) and text files can be sent.", "attachments")
    return Attachment.Kind.TEXT, "text/plain", (0, 0)


def _png(content: bytes) -> tuple[int, int] | None:
    # PNG specification, 5.2 and 11.2.2: signature, then IHDR with width and height.
    found = content[:8] == b"\x89PNG\r\n\x1a\n" and content[12:16] == b"IHDR"
    return struct.unpack(">II", content[16:24]) if found else None


def _gif(content: bytes) -> tuple[int, int] | None:
    return struct.unpack("<HH", content[6:10]) if content[:6] in (b"GIF87a", b"GIF89a") else None


def _webp(content: bytes) -> tuple[int, int] | None:
    # RFC 9649, 2.5 to 2.7: lossy, lossless and extended files say their size in three ways.
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        return None
    match content[12:16]:
        case b"VP8 ":
            width, height = struct.unpack("<HH", content[26:30])
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L":
            bits = struct.unpack("<I", content[21:25])[0]
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            return int.from_bytes(content[24:27], "little") + 1, int.from_bytes(content[27:30], "little") + 1
    return None


def _jpeg(content: bytes) -> tuple[int, int] | None:
    # ITU T.81, B.1: segments with their length, until a frame header (SOF0 to SOF15 but DHT, JPG, DAC).
    if content[:3] != b"\xff\xd8\xff":
        return None
    at = 2
    while content[at] == 0xFF:
        marker = content[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 2 + struct.unpack(">H", content[at + 2 : at + 4])[0]
    return None


PICTURES = {"image/png": _png, "image/gif": _gif, "image/webp": _webp, "image/jpeg": _jpeg}
