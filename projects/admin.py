"""Staff pages for projects, their messages and versions: to read only, but for hiding and bringing back."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from projects import services
from projects.models import Message, Project, Version
from usage.admin import ReadOnlyAdmin


class ReadOnlyInline(admin.TabularInline):  # type: ignore[type-arg]
    """Rows of a thing's own page, to read only."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class VersionInline(ReadOnlyInline):
    model = Version
    fields = ("number", "source", "title", "verdict", "created")
    readonly_fields = fields


@admin.register(Project)
class ProjectAdmin(ReadOnlyAdmin):
    list_display = ("name", "owner", "framework", "model", "updated", "deleted")
    list_filter = ("framework", "model")
    search_fields = ("name", "owner__email", "id")
    list_select_related = ("owner",)
    ordering = ("-updated",)
    inlines = (VersionInline,)
    actions = ("hide", "bring_back")

    def has_hide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("projects.change_project")

    @admin.action(description="Hide (the owner can bring it back)", permissions=["hide"])
    def hide(self, request: HttpRequest, queryset: QuerySet[Project]) -> None:
        for project in queryset:
            self.hide_one(project)
            self.log_change(request, project, "Hidden.")

    def hide_one(self, project: Project) -> None:
        services.delete(project)

    @admin.action(description="Bring back", permissions=["hide"])
    def bring_back(self, request: HttpRequest, queryset: QuerySet[Project]) -> None:
        for project in queryset:
            services.undelete(project)
            self.log_change(request, project, "Brought back.")


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ("created", "project", "role", "mode", "start")
    search_fields = ("project__id", "project__owner__email")
    list_select_related = ("project",)
    ordering = ("-created",)

    @admin.display(description="Text")
    def start(self, message: Message) -> str:
        return str(message)
