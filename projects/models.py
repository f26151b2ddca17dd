"""What a user has: projects, their messages and fragments, their versions (manifests over content-addressed blobs)."""

import uuid
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User


class ProjectQuerySet(models.QuerySet["Project"]):
    def for_user(self, user: "User | AnonymousUser") -> "ProjectQuerySet":
        """The one access rule: a person sees what they own. Everything about projects starts here."""
        return self._owned(user).filter(deleted__isnull=True)

    def deleted_of(self, user: "User | AnonymousUser") -> "ProjectQuerySet":
        """What a person deleted and may bring back: to be named, brought back or removed, not to be looked into."""
        return self._owned(user).filter(deleted__isnull=False)

    def _owned(self, user: "User | AnonymousUser") -> "ProjectQuerySet":
        return self.filter(owner=user) if user.is_authenticated and user.is_active else self.none()


def _paths(help_text: str) -> "models.JSONField[list[str], list[str]]":
    empty = models.Value([], models.JSONField())
    return models.JSONField(default=list, db_default=empty, blank=True, help_text=help_text)


def _address(help_text: str) -> "models.CharField[str, str]":
    # The column has a default as well: a worker of the version before goes on.
    return models.CharField(max_length=400, default="", db_default="", blank=True, editable=False, help_text=help_text)


class Project(models.Model):
    """One app that a user is building."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="projects")
    name = models.CharField(max_length=80)
    framework = models.CharField(max_length=20)
    framework_open = models.BooleanField(default=False, help_text="Nobody named one: the first run chooses it.")
    model = models.CharField(max_length=40, help_text="Branded model name, as in the catalogue.")
    # What the owner tells every run. Bounds: projects/briefing.py.
    rules = models.TextField(blank=True, help_text="What the agent has to keep to.")
    criteria = models.TextField(blank=True, help_text="What the review looks for besides its own list.")
    memory = models.TextField(blank=True, help_text="What the agent noted for later runs, a line each.")
    locked = models.JSONField(default=list, blank=True, help_text="Globs of the files the agent may not change.")
    pinned = _paths("Files whose text every run begins with.")
    dropped = _paths("Files the agent is not to read unless it is asked to.")
    review = models.BooleanField(default=True, help_text="A second look at what a run changed.")
    auto_fix = models.BooleanField(default=True, help_text="The agent mends what its checks find.")
    cap = models.BigIntegerField(null=True, blank=True, help_text="Micro-credits that each of its runs may cost.")
    mcp_servers = models.ManyToManyField(
        "accounts.McpServer", blank=True, related_name="projects", help_text="Those of its owner that its runs may use."
    )
    context = models.TextField(blank=True, editable=False, help_text="Summary of the files that runs begin with.")
    context_version = models.IntegerField(null=True, editable=False, help_text="Version it was made from; 0: template.")
    pushed_to = _address("Of the branch on GitHub that it was pushed to last.")
    imported_from = _address("Of the repository on GitHub, or a branch of it, that files were taken from last.")
    cursor = models.BigIntegerField(default=0, editable=False, help_text="Id of the newest event.")
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True, db_index=True)
    deleted = models.DateTimeField(null=True, blank=True)
    favourite = models.BooleanField(default=False, help_text="Its owner keeps it at the top of the list.")

    objects: ClassVar[ProjectQuerySet] = ProjectQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        indexes = [models.Index(fields=["owner", "-updated"])]
        constraints = [models.CheckConstraint(condition=models.Q(cap__gt=0), name="project_cap_above_nothing")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        from django.urls import reverse

        return reverse("project-detail", args=[self.pk])

    @property
    def framework_title(self) -> str:
        from projects.frameworks import FRAMEWORKS

        found = FRAMEWORKS.get(self.framework)
        return found.title if found else self.framework


class Message(models.Model):
    """One thing said in a project's chat."""

    class Role(models.TextChoices):
        USER = "user"
        ASSISTANT = "assistant"

    class Mode(models.TextChoices):
        BUILD = "build"
        ASK = "ask"
        PLAN = "plan"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="messages")
    role = models.CharField(max_length=9, choices=Role.choices)
    mode = models.CharField(max_length=5, choices=Mode.choices, default=Mode.BUILD)
    text = models.TextField()
    references = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        blank=True,
        help_text="Other projects that it refers to, as they were then: [{id, name, version}].",
    )
    aside = models.BooleanField(
        default=False,
        db_default=False,
        help_text="It or one before it was edited: the chat shows it folded, no later run is told of it.",
    )
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created"]
        indexes = [
            models.Index(fields=["project", "created"]),
            models.Index(fields=["created"], name="message_created"),
        ]

    def __str__(self) -> str:
        return self.text[:60]


class Fragment(models.Model):
    """A typed piece of a message: prose, a file that was written, a command that was run, a picture."""

    class Kind(models.TextChoices):
        TEXT = "TEXT"
        CODE = "CODE"
        COMMAND = "COMMAND"
        IMAGE = "IMAGE"
        PLAN = "PLAN"

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="fragments")
    position = models.PositiveIntegerField()
    kind = models.CharField(max_length=7, choices=Kind.choices)
    text = models.TextField(blank=True)
    meta = models.JSONField(default=dict, help_text="path, language, change; command, exit_code, seconds; a plan.")

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["message", "position"], name="one_fragment_per_position")]

    def __str__(self) -> str:
        return f"{self.kind} {self.position}"


class Blob(models.Model):
    """File content, stored once under its SHA-256, already deflated so that a ZIP needs no compressing."""

    sha256 = models.CharField(primary_key=True, max_length=64)
    size = models.PositiveIntegerField(help_text="Bytes before deflating.")
    crc32 = models.BigIntegerField()
    deflated = models.BinaryField(help_text="Raw deflate stream.")
    wanted = models.DateTimeField(db_default=Now(), help_text="When a save last asked for it, within some hours.")

    def __str__(self) -> str:
        return self.sha256[:12]


class Attachment(models.Model):
    """A file that goes with a user's message; until it is sent it has none."""

    class Kind(models.TextChoices):
        IMAGE = "image"
        TEXT = "text"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="attachments")
    message = models.ForeignKey(Message, on_delete=models.CASCADE, null=True, blank=True, related_name="attachments")
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=5, choices=Kind.choices)
    media_type = models.CharField(max_length=20)
    width = models.PositiveIntegerField(default=0, help_text="Pixels; 0 for a text.")
    height = models.PositiveIntegerField(default=0)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created"]

    def __str__(self) -> str:
        return self.name


class Share(models.Model):
    """A link that shows a project's running app to whoever has it. Withdrawn by deleting it."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="share")
    token = models.CharField(max_length=40, unique=True)
    created = models.DateTimeField(auto_now_add=True)
    replay = models.BooleanField(default=False, db_default=False, help_text="It also shows how the app was made.")

    def __str__(self) -> str:
        return f"share of {self.project_id}"


class Site(models.Model):
    """An app that is online: what was built of one version, at an address of its own. Taken offline by deleting it.

    `state` is of the newest attempt; what was online before stays so until another build takes its place.
    """

    class State(models.TextChoices):
        ASKED = "asked"
        BUILDING = "building"
        ONLINE = "online"
        FAILED = "failed"

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="site")
    name = models.CharField(max_length=40, unique=True, help_text="The first part of its host name.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.ASKED)
    wants = models.PositiveIntegerField(help_text="The version that was asked for last.")
    asked = models.DateTimeField(help_text="When; by this an attempt knows that it is still the newest.")
    detail = models.TextField(blank=True, help_text="Why it failed, or what was noticed about what is online.")
    version = models.PositiveIntegerField(null=True, help_text="The version that is online; null: none yet.")
    manifest = models.JSONField(default=dict, help_text="{path: sha256} of the files that visitors get.")
    published = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Version(models.Model):
    """A numbered snapshot of a project's files, with what the checks said of it."""

    class Source(models.TextChoices):
        RUN = "run"
        EDIT = "edit"
        RESTORE = "restore"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    source = models.CharField(max_length=7, choices=Source.choices)
    title = models.CharField(max_length=200, blank=True)
    manifest = models.JSONField(help_text="{path: sha256}")
    verdict = models.JSONField(default=dict, help_text="{check: true | false}; a missing check was not made.")
    promised = models.JSONField(
        null=True, help_text="{promise: true | false | null}: those of it, and whether they held. null: not noted."
    )
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="one_version_per_number")]

    def __str__(self) -> str:
        return f"v{self.number}"

    @property
    def works(self) -> bool:
        """Whether its checks were made and none failed."""
        return bool(self.verdict) and all(self.verdict.values())

    @property
    def broken(self) -> bool:
        """Whether a check failed, or the run that made it ended before any. A person judges their own changes."""
        return not self.works and (bool(self.verdict) or self.source == self.Source.RUN)


class Promise(models.Model):
    """A statement that a request made true of the app: words that a page shows. Every later run checks it again."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="promises")
    says = models.CharField(max_length=120, help_text="What a visitor sees, in words for people.")
    path = models.CharField(max_length=200, default="/")
    text = models.CharField(max_length=80, help_text="The words that are visible there.")
    version = models.PositiveIntegerField(null=True, help_text="The version that came with it; null: added by hand.")
    held = models.BooleanField(null=True, help_text="Whether it was true when last checked; null: never checked.")
    checked = models.PositiveIntegerField(null=True, help_text="The version that it was last checked with.")
    aside = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Of other versions only: no run checks it, restoring one brings it back.",
    )
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(held__isnull=True, checked__isnull=True)
                | models.Q(held__isnull=False, checked__isnull=False),
                name="promise_held_when_checked",
            )
        ]

    def __str__(self) -> str:
        return self.says


class Picture(models.Model):
    """What a version looks like in a browser. Many versions have none: there pages draw a pattern."""

    version = models.OneToOneField(Version, on_delete=models.CASCADE, related_name="picture")
    webp = models.BinaryField()
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"picture of {self.version}"


class ShowcaseEntry(models.Model):
    """An app that everybody may see and take as a beginning: a frozen copy of one version, in a project of its own."""

    class Category(models.TextChoices):
        SITES = "sites", "Sites"
        TOOLS = "tools", "Tools"
        DASHBOARDS = "dashboards", "Dashboards"
        GAMES = "games", "Games"
        SHOPS = "shops", "Shops"

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting for approval"
        LISTED = "listed", "Listed"
        REFUSED = "refused", "Refused"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="entry", help_text="The copy.")
    source = models.ForeignKey(
        Project, on_delete=models.SET_NULL, null=True, related_name="entries", help_text="What it was copied from."
    )
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="showcase_entries")
    title = models.CharField(max_length=80)
    prompt = models.TextField(blank=True, help_text="The first prompt, if its author shows it.")
    category = models.CharField(max_length=12, choices=Category.choices, default=Category.SITES, db_index=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    remixes = models.PositiveIntegerField(default=0)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "showcase entries"
        ordering = ["-remixes", "-created"]
        constraints = [
            models.UniqueConstraint(
                fields=["source"], condition=models.Q(state="waiting"), name="one_waiting_entry_per_project"
            ),
        ]

    def __str__(self) -> str:
        return self.title
