"""What the agent does: Run, Step (the append-only log) and Sandbox (where a project's files run)."""

import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User


class RunQuerySet(models.QuerySet["Run"]):
    def for_user(self, user: "User | AnonymousUser") -> "RunQuerySet":
        from projects.models import Project

        return self.filter(project__in=Project.objects.for_user(user))

    def paid_by(self, user: "User | AnonymousUser") -> "RunQuerySet":
        """Those of projects that the user has deleted as well: what they were charged for stays explained."""
        return self.filter(project__owner=user) if user.is_authenticated and user.is_active else self.none()

    def said(self) -> "RunQuerySet":
        """Without those whose message was taken back or set aside while it waited."""
        return self.exclude(reason__in=Run.UNSAID)

    def unbegun(self) -> "RunQuerySet":
        """Those that wait for their turn: a worker never had them."""
        return self.filter(state=Run.State.QUEUED, started=None)

    def for_work(self) -> "RunQuerySet":
        """With all that a worker asks of a run first, in one question: most runs have none of what is asked for."""
        from accounts.models import ProviderKey
        from projects.models import Attachment, Project
        from usage.models import Reservation

        owner = models.OuterRef("project__owner")
        links = Project.mcp_servers.through.objects
        asked: dict[str, Any] = {
            "has_files": models.Exists(Attachment.objects.filter(message=models.OuterRef("message"))),
            "has_servers": models.Exists(links.filter(project=models.OuterRef("project"))),
            "has_keys": models.Exists(ProviderKey.objects.filter(user=owner)),
            "held": models.Subquery(Reservation.objects.filter(run_id=models.OuterRef("pk")).values("amount")[:1]),
        }
        return self.select_related("project", "project__owner", "message").annotate(**asked)


class Run(models.Model):
    """One agent run: the work that one user message started."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        WAITING = "waiting"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"
        STOPPED = "stopped"

    TERMINAL = (State.SUCCEEDED, State.FAILED, State.CANCELLED, State.STOPPED)
    ACTIVE = (State.QUEUED, State.RUNNING, State.WAITING)
    # Reasons of one that no worker had, and whose message was not said: it was taken back, or the run before it did not
    # come to its end. The second may be sent again.
    DROPPED, ASIDE = "dropped", "set_aside"
    UNSAID = (DROPPED, ASIDE)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="runs")
    message = models.OneToOneField("projects.Message", on_delete=models.CASCADE, related_name="run")
    reply = models.OneToOneField(
        "projects.Message", on_delete=models.SET_NULL, null=True, blank=True, related_name="reply_of"
    )
    version = models.ForeignKey("projects.Version", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    follows = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", help_text="The run it goes on from."
    )
    model = models.CharField(max_length=40)
    state = models.CharField(max_length=9, choices=State.choices, default=State.QUEUED)
    reason = models.CharField(max_length=40, blank=True, help_text="Why it ended, when not well.")
    cancel_requested = models.BooleanField(default=False)
    # The lease: who works on it, under which token, until when (database clock).
    lease_owner = models.CharField(max_length=80, blank=True)
    lease_token = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    deaths = models.PositiveSmallIntegerField(default=0, help_text="Leases lost without a new step in between.")
    last_seq = models.PositiveIntegerField(default=0)
    usage = models.JSONField(default=dict, help_text="Tokens: input, output, cache_read, cache_write; calls.")
    cost = models.BigIntegerField(default=0, help_text="Micro-credits charged.")
    cap = models.BigIntegerField(null=True, blank=True, help_text="Most that it may cost, where its message said so.")
    facts = models.JSONField(
        null=True, blank=True, help_text="What it took, counted from its log when it ended (agents/figures.py)."
    )
    rung = models.DateTimeField(auto_now_add=True, help_text="When the doorbell was last rung.")
    created = models.DateTimeField(auto_now_add=True)
    started = models.DateTimeField(null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[RunQuerySet] = RunQuerySet.as_manager()  # type: ignore[assignment]
    # What `for_work` has found out; without it: there may be some.
    has_files = has_servers = has_keys = True
    held: int | None = None

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project"], condition=Q(state="running"), name="one_running_run_per_project"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "created"]),
            models.Index(fields=["created"], name="run_created"),
            models.Index(fields=["state", "lease_until"], condition=Q(state__in=["queued", "running"]), name="run_due"),
            models.Index(fields=["finished"], name="run_finished", condition=Q(finished__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.state} run {str(self.pk)[:8]}"

    @property
    def is_active(self) -> bool:
        return self.state in self.ACTIVE


class Step(models.Model):
    """One line of the log: inserted, never changed. As sent to a page it is an event; `cursor` is its id there."""

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="steps")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, null=True, blank=True, related_name="steps")
    cursor = models.BigIntegerField(help_text="Per project, from 1, without gaps.")
    seq = models.PositiveIntegerField(default=0, help_text="Per run, from 1, without gaps; 0 outside a run.")
    type = models.CharField(max_length=20)
    key = models.CharField(max_length=40, blank=True, help_text="Step key: what may happen only once in a run.")
    data = models.JSONField(default=dict, help_text="What a page may see.")
    record = models.JSONField(
        null=True, blank=True, help_text="What a resumed run needs: blocks as the model sent them."
    )
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["cursor"]
        constraints = [
            models.UniqueConstraint(fields=["project", "cursor"], name="one_step_per_cursor"),
            models.UniqueConstraint(fields=["run", "seq"], condition=Q(seq__gt=0), name="one_step_per_seq"),
            models.UniqueConstraint(fields=["run", "type", "key"], condition=~Q(key=""), name="one_step_per_key"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.cursor}"


class PromptVersion(models.Model):
    """A prompt's text as a run was once given it: inserted, never changed. Which run: its facts, `prompts`."""

    name = models.CharField(max_length=40)
    version = models.CharField(max_length=10)
    text = models.TextField()
    first_used = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "-first_used"]
        constraints = [models.UniqueConstraint(fields=["name", "version"], name="one_prompt_per_version")]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Sandbox(models.Model):
    """The sandbox that holds a project's files now. A cache: versions are the truth.

    Without a project it is one that is to be ended: the project went with its owner.
    """

    project = models.OneToOneField("projects.Project", on_delete=models.SET_NULL, null=True, related_name="sandbox")
    sandbox_id = models.CharField(max_length=80)
    template = models.CharField(max_length=20)
    version = models.PositiveIntegerField(default=0, help_text="Number of the version its files were last equal to.")
    host = models.CharField(max_length=200, blank=True, help_text="Host (and port) of the preview, without a scheme.")
    paused = models.BooleanField(default=False)
    retired = models.BooleanField(
        default=False, db_default=False, help_text="Others know its address and shall not: another takes its place."
    )
    last_used = models.DateTimeField(auto_now_add=True, db_index=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "sandboxes"

    def __str__(self) -> str:
        return self.sandbox_id
