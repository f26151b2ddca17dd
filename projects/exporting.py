"""A whole project as a ZIP: the newest version's files as in any download, and beside them a folder with what brings
the rest back: its other versions, what it tells the agent, its promises, the conversation. `restoring` reads it.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from django.db.models.functions import Length

from accounts import keyshapes
from projects import leaks, versions
from projects.archive import Member, made, stored
from projects.attachments import MOST_KEPT
from projects.importing import EXPORTED, MAX_ZIP_BYTES, takes
from projects.models import Blob, Message, Project, Promise, Version
from projects.paths import OURS

FORMAT = 1
PROJECT, CHAT, BLOBS = EXPORTED, f"{OURS}/chat.json", f"{OURS}/blobs/"
# What such a ZIP holds at most, so that it can be read again: versions and messages, the newest; bytes of each of the
# two texts; bytes of all blobs together, unpacked; characters of the conversation; bytes of what was attached.
MAX_VERSIONS, MAX_MESSAGES = 1_000, 2_000
MAX_JSON_BYTES, MAX_BLOB_BYTES = 8 * 2**20, 100 * 2**20
MAX_CHAT_CHARS, MAX_ATTACHED_BYTES = 1_500_000, 7 * 2**20
MAX_BLOBS = 15_000
# Strings, objects, lists and commas of each of the two texts. A file of a version is three of them in 71 bytes or more,
# 355,000 in all that fits; beside its files a version has at most 70, and a message 80.
MAX_PARTS = 500_000
# Of a file in a ZIP, its two headers and names, and of a message or an attachment, what the conversation says of it
# beside its text; of the manifest, what is not about versions.
HEADERS, ABOUT = 250, 2**18
# Versions looked at in one go.
BATCH = 20
TOLD = ("rules", "criteria", "memory")
SET = ("locked", "pinned", "dropped", "review", "auto_fix")
Clean = Callable[[str, str], str]


def pack(version: Version, said: Iterable[Message], *, whole: bool = False) -> tuple[Iterator[bytes], int]:
    """The ZIP of a project in pieces, and how many secrets were found. `version` is its newest, `said` what was said,
    newest first, with `attachments`.

    Private files are in no version, and what looks like a key in no text, unless its owner wants the `whole`. What
    does not fit is left out, the oldest first.
    """
    masked: list[leaks.Leak] = []

    def clean(where: str, text: str) -> str:
        found = [leaks.Leak(f"{OURS}/{where}", what, line) for what, line in keyshapes.found(text)]
        masked.extend(found)
        return keyshapes.masked(text) if found and not whole else text

    root = {path: sha for path, sha in version.manifest.items() if not path.startswith(f"{OURS}/")}
    there = {sha for path, sha in root.items() if takes(path)}
    promised = list(version.project.promises.all())
    about = _about(version.project, promised, clean)
    packed = _lengths(root.values())
    room = MAX_ZIP_BYTES - ABOUT - sum(packed[sha][1] + HEADERS + 2 * len(path.encode()) for path, sha in root.items())
    chat, attached, room = _conversation(said, clean, whole, room)
    packed_chat = _json(chat)
    first, older = _older(version, root, there, promised, clean, whole, room)
    found = leaks.kept({**root, **attached, **older})
    left_out = set() if whole else {leak.path for leak in found if leaks.is_private(leak.path)}
    note = (leaks.NOTE, leaks.note(found, left_out, masked)) if (found or masked) and not whole else None
    secrets = len(found) + len(masked)  # now: the versions are gone through once more
    carried = {sha for path, sha in (attached | older).items() if path not in left_out} - there

    def more() -> Iterator[Member]:
        yield made(PROJECT, _pieces(version, first, about, promised, clean, whole))
        yield made(CHAT, [packed_chat])
        yield from stored({f"{BLOBS}{sha}": sha for sha in carried})

    own = version.manifest.keys() - root.keys()
    return versions.zip_chunks(version, left_out | own, note, more()), secrets


def _about(project: Project, promised: list[Promise], clean: Clean) -> dict[str, Any]:
    where = "project.json"
    return {
        "format": FORMAT,
        "name": clean(where, project.name),
        "framework": project.framework,
        "model": project.model,
        **{field: clean(f"{where}, {field}", getattr(project, field)) for field in TOLD},
        **{field: getattr(project, field) for field in SET},
        # Not whether they held: that was seen here, and has to be seen again elsewhere.
        "promises": [
            {
                "says": clean(f"{where}, promises", one.says),
                "path": one.path,
                "text": clean(f"{where}, promises", one.text),
                "version": one.version,
                "aside": one.aside,
                "created": _time(one.created),
            }
            for one in promised
        ],
    }


def _conversation(
    said: Iterable[Message], clean: Clean, whole: bool, room: int
) -> tuple[list[dict[str, Any]], dict[str, str], int]:
    """The newest messages that fit into `room` bytes, oldest first; the files that went with them, {path in this ZIP's
    note: sha256}; and the room that is left.
    """
    rows: list[Message] = []
    chars = 0
    for message in said:
        chars += len(message.text)
        needs = len(_json(message.text)) + HEADERS * (1 + len(message.attachments.all()))
        if len(rows) == MAX_MESSAGES or chars > MAX_CHAT_CHARS or needs > room:
            break
        room -= needs
        rows.append(message)
    lengths = _lengths(one.blob_id for message in rows for one in message.attachments.all())
    places, attached_room = MOST_KEPT, min(MAX_ATTACHED_BYTES, room)
    chat: list[dict[str, Any]] = []
    files: dict[str, str] = {}
    for back, message in enumerate(rows):
        number = len(rows) - back
        sent = []
        for at, one in enumerate(message.attachments.all(), 1):
            places -= 1
            attached_room -= max(lengths[one.blob_id]) + HEADERS
            if fits := min(places, attached_room) >= 0:
                files[f"{OURS}/message {number}, file {at}/{one.name}"] = one.blob_id
                room -= max(lengths[one.blob_id]) + HEADERS
            goes = fits and (whole or not leaks.is_private(one.name))
            sent.append({"name": one.name, "sha256": one.blob_id if goes else None})
        text = clean(f"chat.json, message {number}", message.text)
        chat.append({"role": message.role, "mode": message.mode, "text": text, "created": message.created})
        chat[-1]["attachments"] = sent
    chat.reverse()
    # An answer stands before what was said while it was worked on; here the times tell the order.
    last = datetime.min.replace(tzinfo=UTC)
    for each in chat:
        last = max(each["created"], last + timedelta(microseconds=1))
        each["created"] = _time(last)
    return chat, files, room


def _older(
    version: Version,
    root: dict[str, str],
    there: set[str],
    promised: list[Promise],
    clean: Clean,
    whole: bool,
    room: int,
) -> tuple[int, dict[str, str]]:
    """The number of the oldest version that fits into `room` bytes, and the files of those from there on that the ZIP
    has not at its root (`there`), each content once: {path in this ZIP's note: sha256}. Private ones are among them.
    """
    first = version.number
    files: dict[str, str] = {}
    have, private = set(there), {path for path in root if leaks.is_private(path)}
    blobs, lines = MAX_BLOB_BYTES - MAX_ATTACHED_BYTES, MAX_JSON_BYTES - ABOUT
    for count, (row, goes, lengths) in enumerate(_newest_first(version, whole), 1):
        new = {sha: path for path, sha in goes.items() if sha not in have}
        hidden = {path: sha for path, sha in row.manifest.items() if leaks.is_private(path) and path not in private}
        blobs -= sum(lengths[sha][0] for sha in new)
        room -= sum(lengths[sha][1] + HEADERS for sha in new)
        lines -= len(line := _json(_line(row, goes, promised, clean)))
        room -= len(line)
        is_full = count > MAX_VERSIONS or len(have) > MAX_BLOBS or min(room, blobs, lines) < 0
        if is_full and row.number != version.number:
            break
        first = row.number
        files |= {f"{OURS}/version {first}/{path}": sha for path, sha in hidden.items()}
        files |= {f"{OURS}/version {first}/{path}": sha for sha, path in new.items()}
        have |= new.keys()
        private |= hidden.keys()
    return first, files


def _newest_first(
    version: Version, whole: bool
) -> Iterator[tuple[Version, dict[str, str], dict[str, tuple[int, int]]]]:
    """This version and those before it, each with the files that go out with it, and with the `_lengths` of these."""
    rows = version.project.versions.filter(number__lte=version.number).order_by("-number").iterator(chunk_size=BATCH)
    lengths: dict[str, tuple[int, int]] = {}
    while some := [(row, _goes(row, whole)) for row in islice(rows, BATCH)]:
        lengths |= _lengths({sha for _, goes in some for sha in goes.values()} - lengths.keys())
        for row, goes in some:
            yield row, goes, lengths


def _pieces(
    version: Version, first: int, about: dict[str, Any], promised: list[Promise], clean: Clean, whole: bool
) -> Iterator[bytes]:
    """project.json, a version at a time: all of them together may be large."""
    yield _json(about)[:-1] + b',"versions":['
    between = b"\n"
    rows = version.project.versions.filter(number__range=(first, version.number)).order_by("number")
    for row in rows.iterator(chunk_size=BATCH):
        yield between + _json(_line(row, _goes(row, whole), promised, clean))
        between = b",\n"
    yield b"]}\n"


def _line(row: Version, files: dict[str, str], promised: list[Promise], clean: Clean) -> dict[str, Any]:
    """A version as it is written down. Its verdict is not: those checks were made here."""
    of = None if row.promised is None else [at for at, one in enumerate(promised) if str(one.pk) in row.promised]
    title = clean(f"project.json, version {row.number}", row.title)
    facts = {"number": row.number, "title": title, "source": row.source, "created": _time(row.created)}
    return {**facts, "promised": of, "files": files}


def _goes(row: Version, whole: bool) -> dict[str, str]:
    """The files of a version that go out with it."""
    out = {path: sha for path, sha in row.manifest.items() if takes(path) or (whole and leaks.is_private(path))}
    return dict(sorted(out.items()))


def _lengths(shas: Iterable[str]) -> dict[str, tuple[int, int]]:
    """{sha256: (bytes, bytes in a ZIP)}."""
    rows = Blob.objects.filter(pk__in=set(shas)).values_list("pk", "size", Length("deflated"))
    return {sha: (size, packed) for sha, size, packed in rows}


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
