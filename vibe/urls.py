"""Every address of the site."""

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from vibe import health, looking_as, metrics, pages, showcase, staff, status

# One way to sign in: with its limits, and with a second factor for who has one.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = "Vibe"

urlpatterns = [
    path("", pages.home, name="home"),
    path("pricing/", pages.pricing, name="pricing"),
    path("showcase/", showcase.entries, name="showcase"),
    path("showcase/<uuid:pk>/", showcase.entry, name="showcase-entry"),
    path("showcase/<uuid:pk>/picture.webp", showcase.picture, name="showcase-picture"),
    path("showcase/<uuid:pk>/live/", showcase.live, name="showcase-live"),
    path("showcase/<uuid:pk>/remix/", showcase.remix, name="showcase-remix"),
    path("showcase/<uuid:pk>/withdraw/", showcase.withdraw, name="showcase-withdraw"),
    path("projects/<uuid:pk>/publish/", showcase.publish, name="project-publish"),
    path("ui/", pages.components, name="ui"),
    path("accounts/", include("allauth.urls")),
    path("settings/", include("accounts.urls")),
    path("settings/", include("agents.people_urls")),
    path("settings/keys/", include("agents.key_urls")),
    path("settings/mcp/", include("agents.mcp.urls")),
    path("usage/", include("agents.usage_urls")),
    path("usage/", include("usage.urls")),
    path("projects/", include("projects.urls")),
    path("projects/", include("agents.workspace_urls")),
    path("runs/", include("agents.urls")),
    path("s/", include("agents.share_urls")),
    path("hooks/", include("usage.hook_urls")),
    path("api/v1/", include("vibe.api_urls")),
    path(f"{settings.ADMIN_PATH}/", admin.site.urls),
    path("staff/status/", status.status, name="status"),
    path("staff/models/", staff.models, name="staff-models"),
    path("staff/look-as/<int:pk>/", looking_as.begin, name="looking-as"),
    path("staff/look-as/stop/", looking_as.stop, name="looking-as-stop"),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("staff/runs/", staff.runs, name="staff-runs"),
]

handler400 = "vibe.problems.bad_request"
handler403 = "vibe.problems.forbidden"
handler404 = "vibe.problems.not_found"
handler500 = "vibe.problems.server_error"
