"""Staff pages for runs, with their steps as a timeline, and for sandboxes: to read only."""

import json
from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agents.models import Run, Sandbox, Step
from projects.admin import ReadOnlyInline
from usage import services as usage
from usage.admin import ReadOnlyAdmin

# A long output is on the run's own page; the timeline shows how it begins.
MAX_DATA_CHARS = 2_000


class StepInline(ReadOnlyInline):
    model = Step
    fields = ("seq", "at", "type", "key", "what")
    readonly_fields = fields
    ordering = ("seq",)
    show_change_link = False
    verbose_name_plural = "timeline"

    @admin.display(description="What")
    def what(self, step: Step) -> SafeString:
        text = json.dumps(
            {key: value for key, value in step.data.items() if key != "html"}, ensure_ascii=False, indent=1
        )
        cut = f"\n… {len(text) - MAX_DATA_CHARS} more characters" if len(text) > MAX_DATA_CHARS else ""
        return format_html("<pre style='white-space:pre-wrap;margin:0'>{}{}</pre>", text[:MAX_DATA_CHARS], cut)


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    list_display = ("created", "project", "owner", "state", "reason", "model", "charged", "seconds")
    list_filter = ("state", "model")
    search_fields = ("id", "project__id", "project__owner__email")
    list_select_related = ("project__owner",)
    ordering = ("-created",)
    inlines = (StepInline,)

    @admin.display(description="Owner")
    def owner(self, run: Run) -> str:
        return run.project.owner.email

    @admin.display(description="Charged")
    def charged(self, run: Run) -> str:
        return usage.text(run.cost)

    @admin.display(description="Seconds")
    def seconds(self, run: Run) -> Any:
        return round((run.finished - run.started).total_seconds(), 1) if run.finished and run.started else "–"


@admin.register(Sandbox)
class SandboxAdmin(ReadOnlyAdmin):
    list_display = ("sandbox_id", "project", "template", "version", "paused", "last_used", "created")
    list_filter = ("template", "paused")
    search_fields = ("sandbox_id", "project__id", "project__owner__email")
    list_select_related = ("project",)
    ordering = ("-last_used",)
