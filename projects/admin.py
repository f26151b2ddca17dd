"""Staff pages for projects, their messages and versions: to read only, but for hiding and bringing back."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts.paging import one_of
from projects import frameworks, services, sites
from projects.models import Message, Project, ShowcaseEntry, Site, Version
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
    list_filter = (one_of("framework", frameworks.FRAMEWORKS),)
    search_fields = ("name__icontains", "owner__email", "id")
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


@admin.register(Site)
class SiteAdmin(ReadOnlyAdmin):
    list_display = ("name", "project", "owner", "state", "version", "published", "look")
    list_filter = ("state",)
    search_fields = ("name", "project__id", "project__owner__email")
    list_select_related = ("project__owner",)
    actions = ("take_offline",)

    def has_take_offline_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("projects.delete_site")

    @admin.display(description="Owner")
    def owner(self, site: Site) -> str:
        return site.project.owner.email

    @admin.display(description="Address")
    def look(self, site: Site) -> str:
        return format_html('<a href="{0}" rel="noopener">{0}</a>', sites.url(site)) if site.version else ""

    @admin.action(description="Take offline", permissions=["take_offline"])
    def take_offline(self, request: HttpRequest, queryset: QuerySet[Site]) -> None:
        for site in queryset:
            self.log_change(request, site.project, f"Took {site.name} offline.")
            site.delete()


@admin.register(ShowcaseEntry)
class ShowcaseEntryAdmin(ReadOnlyAdmin):
    list_display = ("title", "category", "state", "author", "remixes", "created", "look")
    list_filter = ("state", "category")
    search_fields = ("title__icontains", "author__email")
    list_select_related = ("author",)
    ordering = ("-created",)
    actions = ("approve", "refuse")

    def has_approve_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("projects.change_showcaseentry")

    @admin.display(description="Files")
    def look(self, entry: ShowcaseEntry) -> str:
        return format_html(
            '<a href="{}">the copy</a>', reverse("admin:projects_project_change", args=[entry.project_id])
        )

    @admin.action(description="List in the showcase", permissions=["approve"])
    def approve(self, request: HttpRequest, queryset: QuerySet[ShowcaseEntry]) -> None:
        self.decide(request, queryset, ShowcaseEntry.State.LISTED)

    @admin.action(description="Refuse, or take out of the showcase", permissions=["approve"])
    def refuse(self, request: HttpRequest, queryset: QuerySet[ShowcaseEntry]) -> None:
        self.decide(request, queryset, ShowcaseEntry.State.REFUSED)

    def decide(self, request: HttpRequest, queryset: QuerySet[ShowcaseEntry], state: ShowcaseEntry.State) -> None:
        for entry in queryset.exclude(state=state):
            ShowcaseEntry.objects.filter(pk=entry.pk).update(state=state)
            self.log_change(request, entry, f"{state.label}.")
