"""Verbs on projects and their messages: create, rename, delete, bring back, say something."""

import re
import unicodedata
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import keyshapes
from accounts.models import User
from projects import blobs, frameworks, leaks, pictures, promises
from projects.models import Message, Project, Version

NAME_CHARS = 60
# So long a deleted project can be brought back. Then it goes for good, at night.
KEPT = timedelta(days=30)
# What a project tells its runs, apart from its files.
BRIEFING = ("rules", "criteria", "memory", "locked", "pinned", "dropped", "review", "auto_fix", "cap")
# "Please build me a …" says nothing about the app.
FILLER = re.compile(
    r"^(please|can you|could you|i want( you to)?|i need|i'd like|help me|let's|build|create|make|write|design|generate"
    r"|develop|code|me|us|a|an|the|simple|to)\b[\s,:]*",
    re.IGNORECASE,
)


class BadPrompt(ValueError):
    """What a person sent cannot be taken. The text says what to change; `field` is where they typed it."""

    def __init__(self, message: str, field: str = "prompt") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


def check_prompt(text: str, field: str = "prompt") -> str:
    """The prompt, with plain line ends and no space around it. Raises BadPrompt."""
    text = check_text(text, field)
    if not text:
        raise BadPrompt("Say what to build: the prompt is empty.", field)
    if len(text) > settings.PROMPT_MAX_CHARS:
        raise BadPrompt(
            f"The prompt has {len(text):,} characters; at most {settings.PROMPT_MAX_CHARS:,} can be taken.", field
        )
    return text


def check_text(text: str, field: str) -> str:
    """A text that may be empty, with plain line ends and no space around it. Raises BadPrompt."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if any(is_forbidden(char) for char in text):
        name = "prompt" if field in ("prompt", "text") else "text"
        raise BadPrompt(f"The {name} holds control characters. Paste it as plain text.", field)
    return text


def check_name(name: str) -> str:
    """A project's name: one line, 1 to 80 characters. Raises BadPrompt."""
    name = " ".join(name.split())
    if not name:
        raise BadPrompt("A project needs a name.", "name")
    if len(name) > 80:
        raise BadPrompt("A name has at most 80 characters.", "name")
    if any(is_forbidden(char) for char in name):
        raise BadPrompt("The name holds control characters.", "name")
    return name


def is_forbidden(char: str) -> bool:
    """Whether no text may hold it."""
    # Cc: control characters; Cs: halves of surrogate pairs, which UTF-8 cannot carry.
    return unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t"


def name_from_prompt(prompt: str) -> str:
    """A short name out of the prompt's own words: its first sentence without the polite beginning, and without what
    looks like a key, for others may see it.
    """
    line = re.split(r"[.!?\n]", prompt.strip(), maxsplit=1)[0].strip() or prompt.strip()
    short = line
    while match := FILLER.match(short):
        short = short[match.end() :]
    words = keyshapes.masked(" ".join((short or line).split()))
    if len(words) > NAME_CHARS:
        words = words[: NAME_CHARS + 1].rsplit(" ", 1)[0][:NAME_CHARS].rstrip(" ,;:-") or words[:NAME_CHARS]
    return words[:1].upper() + words[1:]


def create_project(
    owner: User,
    prompt: str,
    *,
    model: str,
    framework: str | None = None,
    name: str | None = None,
    cap: int | None = None,
) -> Project:
    """A new, empty project. Raises BadPrompt for a prompt, name or framework that cannot be taken.

    Without a framework it has the default one until its first run chooses. `model` is a branded name; that it exists is
    the caller's business, for the catalogue lies above this app.
    """
    prompt = check_prompt(prompt)
    is_open = not framework
    framework = framework or frameworks.default()
    if framework not in frameworks.FRAMEWORKS:
        known = ", ".join(sorted(frameworks.FRAMEWORKS))
        raise BadPrompt(f"There is no framework {framework!r}. There are: {known}.", "framework")
    title = check_name(name) if name else name_from_prompt(prompt)
    facts = {"framework": framework, "framework_open": is_open, "model": model, "cap": cap}
    return Project.objects.create(owner=owner, name=title, **facts)


def add_message(
    project: Project,
    role: Message.Role | str,
    text: str,
    mode: Message.Mode | str = Message.Mode.BUILD,
    **fields: Any,
) -> Message:
    """One line of the chat. A user's text is checked (BadPrompt); a model's only loses what PostgreSQL cannot keep."""
    if role == Message.Role.USER:
        text = check_prompt(text, "text")
        if mode not in Message.Mode.values:
            raise BadPrompt(f"There is no mode {mode!r}.", "mode")
    else:
        text = text.replace("\x00", "").encode(errors="replace").decode()
    return Message.objects.create(project=project, role=role, mode=mode, text=text, **fields)


def rename(project: Project, name: str) -> None:
    """Raises BadPrompt."""
    project.name = check_name(name)
    project.save(update_fields=["name", "updated"])


@transaction.atomic
def duplicate(project: Project) -> Project:
    """A new project with this one's rules and the files of its newest version; chat and older versions stay here."""
    told = {field: getattr(project, field) for field in BRIEFING}
    newest = project.versions.order_by("-number").first()
    name = f"{project.name[:73]} (copy)"
    if newest is not None:
        return copy_version(newest, project.owner, name, **told)
    facts = {"framework": project.framework, "model": project.model, **told}
    return Project.objects.create(owner=project.owner, name=name, **facts)


@transaction.atomic
def copy_version(version: Version, owner: User, name: str, *, public: bool = False, **told: Any) -> Project:
    """A project of `owner`'s that begins with the files, the verdict and the picture of somebody's version. `public`:
    without its environment and key files, for they are seen by others.
    """
    manifest = {path: sha for path, sha in version.manifest.items() if not (public and leaks.is_private(path))}
    source = version.project
    facts = {"framework": source.framework, "model": source.model, **told}
    copy = Project.objects.create(owner=owner, name=name[:80], **facts)
    blobs.hold(manifest.values())  # their owner may be leaving at this moment
    first = copy.versions.create(
        number=1,
        title=f"Copy of {source.name}, version {version.number}"[:200],
        manifest=manifest,
        verdict=version.verdict,
        source=version.source,
    )
    pictures.copy(version, first)
    promises.copy(version, first)
    return copy


def delete(project: Project) -> None:
    """Hide a project. `undelete` brings it back as long as it is KEPT."""
    Project.objects.filter(pk=project.pk, deleted__isnull=True).update(deleted=timezone.now())


def undelete(project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(deleted=None)
