"""A project with its versions, settings, promises and conversation, out of a ZIP that `exporting` has packed, or that
somebody made to look like one: everything in it is checked, and either all of it comes in or nothing.
"""

import json
import re
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from projects import attachments, briefing, exporting, importing, services
from projects.attachments import Looked
from projects.blobs import BATCH, sha256, store
from projects.exporting import (
    MAX_BLOB_BYTES,
    MAX_CHAT_CHARS,
    MAX_JSON_BYTES,
    MAX_MESSAGES,
    MAX_PARTS,
    MAX_VERSIONS,
    SET,
    TOLD,
)
from projects.frameworks import FRAMEWORKS
from projects.models import Attachment, Fragment, Message, Project, Promise, Version
from projects.paths import MAX_FILE_BYTES, OURS, BadFiles, check_amounts, check_clashes, check_path
from projects.promises import MAX_ASIDE, MAX_PROMISES

T = TypeVar("T")
SHA = re.compile(r"[0-9a-f]{64}")
# In JSON without what is escaped: a string as a whole, or what begins or parts values outside of strings.
PART = re.compile(rb'"[^"]*"?|[\[{,]')
# Of a reply; what a person says has the bound of their prompts. Numbers of versions are far from the column's end.
REPLY_CHARS, MAX_NUMBER = 40_000, 1_000_000
# What a ZIP's own times can tell, and nobody made a version before.
EARLIEST = datetime(1980, 1, 2, tzinfo=UTC)
WITHOUT = f"To take the files alone, take the folder {OURS} out of the ZIP."
WORDS = {str: "a text", int: "a number", bool: "true or false", list: "a list", dict: "an object"}
Entries = Mapping[str, zipfile.ZipInfo]


def restore(owner: User, content: bytes, files: Mapping[str, bytes], *, name: str = "") -> Project | None:
    """The project of a ZIP with these `files` (of importing.unpack), under another `name` if one is given; None for a
    ZIP of files alone. Its model is the one that is written there, whether there is one or not.

    Verdicts, and whether promises held, are not taken over: nobody has made those checks here. Raises BadFiles and
    BadPrompt, also in the middle: it belongs into a transaction.
    """
    with importing.opened(content) as (archive, entries):
        if exporting.PROJECT not in entries:
            return None
        told = _parsed(archive, entries, exporting.PROJECT)
        if not isinstance(told, dict) or type(told.get("format")) is not int:
            raise BadFiles(f"{exporting.PROJECT} does not say what format it has. {WITHOUT}")
        if told["format"] != exporting.FORMAT:
            text = f"This project was exported in format {told['format']}; this Vibe reads format {exporting.FORMAT}."
            raise BadFiles(f"{text} Import it with a Vibe that reads that one. {WITHOUT}")
        return _restored(owner, archive, entries, told, files, name)


def _restored(
    owner: User,
    archive: zipfile.ZipFile,
    entries: Entries,
    told: dict[str, Any],
    files: Mapping[str, bytes],
    name: str,
) -> Project:
    framework = _of(told, "framework", str)
    if framework not in FRAMEWORKS:
        titles = ", ".join(one.title for one in FRAMEWORKS.values())
        raise BadFiles(f"The project is written in {framework[:20]!a}, and this Vibe builds in: {titles}.")
    versions = _versions(told, files)
    messages = _messages(_parsed(archive, entries, exporting.CHAT) if exporting.CHAT in entries else [])
    sizes, looked = _store(archive, entries, files, versions, messages)
    for version in versions:
        check_amounts({path: sizes[sha] for path, sha in version.manifest.items()})
    project = Project.objects.create(
        owner=owner,
        name=services.check_name(name or _clean(_of(told, "name", str))[:80]),
        framework=framework,
        model=_clean(_of(told, "model", str))[:40],
    )
    texts = {field: _clean(_of(told, field, str))[: briefing.LIMITS[field]] for field in TOLD}
    paths = {field: [_is(one, str, field) for one in _of(told, field, list)] for field in SET[:3]}
    briefing.change(project, **texts, **paths, **{field: _of(told, field, bool) for field in SET[3:]})
    promises = _promises(project, told, versions[-1].number)
    for version in versions:
        version.project = project
        if version.promised is not None:
            # Which, and not whether they held.
            version.promised = {str(promises[at].pk): None for at in version.promised if at in range(len(promises))}
    _keep(Version, versions)
    _say(project, messages, looked)
    return project


def _versions(told: dict[str, Any], files: Mapping[str, bytes]) -> list[Version]:
    """The versions, oldest first, each with its `promised` as a list. The newest has exactly these files."""
    rows = _of(told, "versions", list)
    if not 0 < len(rows) <= MAX_VERSIONS:
        raise BadFiles(f"The project has {len(rows):,} versions; from 1 to {MAX_VERSIONS:,} can be read.")
    found: list[Version] = []
    number, checked, names = 0, set[str](), set[str]()
    for row in (_is(row, dict, "versions") for row in rows):
        last, number = number, _of(row, "number", int)
        if not last < number <= MAX_NUMBER:
            raise BadFiles(f"The versions of the project are not in order at {number}. {WITHOUT}")
        source, promised = _of(row, "source", str), row.get("promised")
        if source not in Version.Source.values:
            raise BadFiles(f"Version {number} has a source that this Vibe does not know. {WITHOUT}")
        manifest = _of(row, "files", dict)
        for path in manifest.keys() - checked:
            checked.add(check_path(path))
        if names != manifest.keys():
            check_clashes(manifest)
            names = set(manifest)
        for path, sha in manifest.items():
            if not isinstance(sha, str) or not SHA.fullmatch(sha):
                raise BadFiles(f"Version {number} names no content for {path}. {WITHOUT}")
        if promised is not None:
            promised = [_is(at, int, "promised") for at in _is(promised, list, "promised")]
        version = Version(number=number, source=source, title=_clean(_of(row, "title", str))[:200])
        version.manifest = {path: sha for path, sha in manifest.items() if importing.takes(path)}
        version.promised, version.created = promised, _time(row)
        found.append(version)
    there = {path: sha256(content) for path, content in files.items()}
    if other := sorted(there.items() ^ found[-1].manifest.items()):
        raise BadFiles(f"{other[0][0]} in the ZIP is not as version {number} has it. {WITHOUT}")
    return found


def _messages(said: Any) -> list[tuple[Message, list[tuple[str, str]]]]:
    """What was said, oldest first, each with the files that went with it: (name, sha256)."""
    rows = _is(said, list, exporting.CHAT)
    if len(rows) > MAX_MESSAGES:
        raise BadFiles(f"The conversation has {len(rows):,} messages; at most {MAX_MESSAGES:,} can be read.")
    found = []
    at = EARLIEST
    for row in (_is(row, dict, exporting.CHAT) for row in rows):
        role, mode = _of(row, "role", str), _of(row, "mode", str)
        if role not in Message.Role.values or mode not in Message.Mode.values:
            raise BadFiles(f"The conversation has a role or a mode that this Vibe does not know. {WITHOUT}")
        most = settings.PROMPT_MAX_CHARS if role == Message.Role.USER else REPLY_CHARS
        message = Message(role=role, mode=mode, text=_clean(_of(row, "text", str))[:most])
        at = message.created = max(_time(row), at + timedelta(microseconds=1))
        sent = [_is(one, dict, "attachments") for one in _of(row, "attachments", list)]
        there = (one for one in sent if one.get("sha256") is not None)  # what did not fit has only its name
        kept = [(_clean(_of(one, "name", str)), _of(one, "sha256", str)) for one in there]
        if len(kept) > attachments.MOST:
            raise BadFiles(attachments.TOO_MANY)
        found.append((message, kept))
    # What was taken out of it may have been shorter than what stands in its place.
    if (chars := sum(len(message.text) for message, _ in found)) > 2 * MAX_CHAT_CHARS:
        raise BadFiles(f"The conversation has {chars:,} characters; at most {2 * MAX_CHAT_CHARS:,} can be read.")
    if sum(len(kept) for _, kept in found) > attachments.MOST_KEPT:
        raise BadFiles(f"The conversation has more than {attachments.MOST_KEPT} attachments.")
    return found


def _store(
    archive: zipfile.ZipFile,
    entries: Entries,
    files: Mapping[str, bytes],
    versions: list[Version],
    messages: list[tuple[Message, list[tuple[str, str]]]],
) -> tuple[dict[str, int], dict[str, Looked]]:
    """Keeps every content that is named, and says how long each is, {sha256: bytes}, and what the attachments are.

    Each has to be in the ZIP, whatever is kept here already: knowing its hash is not having it.
    """
    whose = {sha: f"{path} of version {one.number}" for one in versions for path, sha in one.manifest.items()}
    sent = {sha: name for _, kept in messages for name, sha in kept}
    whose |= {sha: f"the attachment {name[:100]}" for sha, name in sent.items()}
    ours = {sha256(content): content for content in files.values()}
    packed = {sha: entries.get(f"{exporting.BLOBS}{sha}") for sha in whose.keys() - ours.keys()}
    total = 0
    for sha, info in packed.items():
        if info is None:
            raise BadFiles(f"The ZIP lacks the content of {whose[sha]}. {WITHOUT}")
        if info.file_size > MAX_FILE_BYTES:
            raise BadFiles(f"{whose[sha]} has {info.file_size:,} bytes; a file has at most {MAX_FILE_BYTES:,}.")
        total += info.file_size
    if total > MAX_BLOB_BYTES:
        raise BadFiles(f"The older versions have {total:,} bytes; at most {MAX_BLOB_BYTES:,} can be read. {WITHOUT}")
    sizes: dict[str, int] = {}
    looked: dict[str, Looked] = {}
    # In one order for everybody: two who bring the same in must not wait for each other in a circle.
    wanted = sorted(whose)
    for start in range(0, len(wanted), BATCH):
        contents = {}
        for sha in wanted[start : start + BATCH]:
            content = ours[sha] if (info := packed.get(sha)) is None else importing.read(archive, info)
            if sha256(content) != sha:
                raise BadFiles(f"What the ZIP has for {whose[sha]} is something else. {WITHOUT}")
            contents[sha], sizes[sha] = content, len(content)
            if sha in sent:
                looked[sha] = attachments.check(sent[sha], content)
        store(contents)
    return sizes, looked


def _promises(project: Project, told: dict[str, Any], newest: int) -> list[Promise]:
    rows = [_is(row, dict, "promises") for row in _of(told, "promises", list)]
    if len(rows) > (most := MAX_PROMISES + MAX_ASIDE):
        raise BadFiles(f"The project has {len(rows):,} promises; at most {most} can be kept. {WITHOUT}")
    made = []
    for row in rows:
        checked = briefing.check_promise(*(_of(row, name, str) for name in ("says", "path", "text")))
        version = None if row.get("version") is None else _of(row, "version", int)
        if version is not None and not 0 < version <= newest:
            raise BadFiles(f"A promise is of version {version}, which the project does not have. {WITHOUT}")
        made.append(
            Promise(project=project, **checked, version=version, aside=_of(row, "aside", bool), created=_time(row))
        )
    for one in [one for one in made if not one.aside][:-MAX_PROMISES]:
        one.aside = True  # more than one project has at a time
    _keep(Promise, made)
    return made


def _say(project: Project, messages: list[tuple[Message, list[tuple[str, str]]]], looked: Mapping[str, Looked]) -> None:
    """Keeps the conversation: no run belongs to it, for none was made here."""
    for message, _ in messages:
        message.project = project
    _keep(Message, [message for message, _ in messages])
    answers = (message for message, _ in messages if message.role == Message.Role.ASSISTANT)
    Fragment.objects.bulk_create(
        Fragment(message=message, position=0, kind=Fragment.Kind.TEXT, text=message.text) for message in answers
    )
    sent = [
        (message, [attachments.row(project, name, sha, looked[sha], message) for name, sha in kept])
        for message, kept in messages
    ]
    Attachment.objects.bulk_create([one for _, rows in sent for one in rows], batch_size=BATCH)
    shown = [picture for message, rows in sent for picture in attachments.pictures(message, rows)]
    Fragment.objects.bulk_create(shown, batch_size=BATCH)


def _keep(kind: type[T], rows: list[T]) -> None:
    """Inserts rows with the times that they have: Django gives new ones the present."""
    times = [row.created for row in rows]  # type: ignore[attr-defined]
    kind.objects.bulk_create(rows, batch_size=BATCH)  # type: ignore[attr-defined]
    for row, at in zip(rows, times, strict=True):
        row.created = at  # type: ignore[attr-defined]
    kind.objects.bulk_update(rows, ["created"], batch_size=BATCH)  # type: ignore[attr-defined]


def _parsed(archive: zipfile.ZipFile, entries: Entries, name: str) -> Any:
    if entries[name].file_size > MAX_JSON_BYTES:
        text = f"{name} has {entries[name].file_size:,} bytes; at most {MAX_JSON_BYTES:,} can be read."
        raise BadFiles(f"{text} {WITHOUT}")
    content = importing.read(archive, entries[name])
    # Before any of it is made: of the shortest values 8 MB would become 200.
    bare = content.replace(b"\\\\", b"").replace(b'\\"', b"")
    if sum(1 for _ in islice(PART.finditer(bare), MAX_PARTS + 1)) > MAX_PARTS:
        raise BadFiles(f"{name} has more than {MAX_PARTS:,} values. {WITHOUT}")
    try:
        return json.loads(content.decode())  # no other encoding, in which a quote could be a part of a letter
    except (ValueError, RecursionError):
        raise BadFiles(f"{name} is no JSON that can be read. {WITHOUT}") from None


def _of(row: dict[str, Any], name: str, kind: type[T]) -> T:
    return _is(row.get(name), kind, name)


def _is(value: Any, kind: type[T], name: str) -> T:
    if type(value) is not kind:  # true is no number here
        raise BadFiles(f"In {OURS}, {name} should be {WORDS[kind]}. {WITHOUT}")
    return value


def _clean(text: str) -> str:
    """Without what PostgreSQL or a page cannot show."""
    return "".join(char for char in text if not services.is_forbidden(char))


def _time(row: dict[str, Any]) -> datetime:
    """When it was made, by the clock of where it is from; nothing is from before ZIPs or after now."""
    try:
        at = datetime.fromisoformat(_of(row, "created", str))
    except ValueError:
        at = datetime(1, 1, 1)  # noqa: DTZ001 – refused for that
    if at.tzinfo is None:
        raise BadFiles(f"In {OURS}, created should be a time such as 2026-05-04T12:00:00+00:00. {WITHOUT}")
    return max(EARLIEST, min(at, timezone.now())).astimezone(UTC)
