"""Staff pages for runs, with their steps as a timeline, and for sandboxes: to read only.

Suspending a user and hiding a project stop what runs there, so those two pages are completed here.
"""

import json
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import User
from accounts.paging import one_of
from agents import catalogue, edits, services
from agents.models import PromptVersion, Run, Sandbox, Step
from projects.admin import ProjectAdmin, ReadOnlyInline
from projects.frameworks import FRAMEWORKS
from projects.models import Project
from projects.services import BadPrompt
from usage import services as usage
from usage.admin import ReadOnlyAdmin, UserWithCreditsAdmin

admin.site.unregister([User, Project])

# A long output is on the run's own page; the timeline shows how it begins.
MAX_DATA_CHARS = 2_000


class StepInline(ReadOnlyInline):
    model = Step
    fields = ("seq", "at", "type", "key", "what")
    readonly_fields = fields
    ordering = ("seq",)
    verbose_name_plural = "timeline"

    @admin.display(description="What")
    def what(self, step: Step) -> SafeString:
        text = json.dumps(
            {key: value for key, value in step.data.items() if key != "html"}, ensure_ascii=False, indent=1
        )
        cut = f"\n… {len(text) - MAX_DATA_CHARS} more characters" if len(text) > MAX_DATA_CHARS else ""
        return format_html("<pre style='white-space:pre-wrap;margin:0'>{}{}</pre>", text[:MAX_DATA_CHARS], cut)


@admin.register(User)
class UserWithRunsAdmin(UserWithCreditsAdmin):
    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not obj.is_active:
            edits.stop_runs(Run.objects.filter(project__owner=obj))

    def set_active(self, request: HttpRequest, users: QuerySet[User], active: bool) -> None:
        suspended = [] if active else list(users)
        super().set_active(request, users, active)
        edits.stop_runs(Run.objects.filter(project__owner__in=suspended))


@admin.register(Project)
class ProjectWithRunsAdmin(ProjectAdmin):
    list_filter = (*ProjectAdmin.list_filter, one_of("model", catalogue.MODELS))  # type: ignore[assignment]

    def hide_one(self, project: Project) -> None:
        edits.delete_project(project)


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    list_display = ("created", "project", "owner", "state", "reason", "model", "charged", "seconds")
    list_filter = ("state", one_of("model", catalogue.MODELS))
    search_fields = ("id", "project__id", "project__owner__email")
    list_select_related = ("project__owner",)
    ordering = ("-created",)
    inlines = (StepInline,)
    actions = ("cancel", "retry")

    def has_act_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("agents.change_run")

    @admin.action(description="Stop", permissions=["act"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        self._act(request, queryset, services.cancel_run, "Stopped by staff.")

    @admin.action(description="Try again, on its owner's credits", permissions=["act"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        self._act(request, queryset, services.retry_run, "Tried again by staff.")

    def _act(self, request: HttpRequest, queryset: QuerySet[Run], act: Callable[[Run], Any], what: str) -> None:
        for run in queryset.select_related("project__owner", "message"):
            try:
                act(run)
            except (services.NotNow, BadPrompt, usage.NotEnoughCredits) as error:
                self.message_user(request, f"{run}: {error}", messages.ERROR)
                continue
            self.log_change(request, run, what)
            self.message_user(request, f"{run}: {what}")

    @admin.display(description="Owner")
    def owner(self, run: Run) -> str:
        return run.project.owner.email

    @admin.display(description="Charged")
    def charged(self, run: Run) -> str:
        return usage.text(run.cost)

    @admin.display(description="Seconds")
    def seconds(self, run: Run) -> Any:
        return round((run.finished - run.started).total_seconds(), 1) if run.finished and run.started else "–"


@admin.register(PromptVersion)
class PromptVersionAdmin(ReadOnlyAdmin):
    list_display = ("name", "version", "first_used")
    search_fields = ("name", "version", "text__icontains")
    ordering = ("-first_used",)


@admin.register(Sandbox)
class SandboxAdmin(ReadOnlyAdmin):
    list_display = ("sandbox_id", "project", "template", "version", "paused", "last_used", "created")
    list_filter = (one_of("template", FRAMEWORKS), "paused")
    search_fields = ("sandbox_id", "project__id", "project__owner__email")
    list_select_related = ("project",)
    ordering = ("-last_used",)
