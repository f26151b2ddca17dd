"""Every address of the REST API, below /api/v1/."""

from django.urls import path, register_converter
from drf_spectacular.views import SpectacularAPIView

from agents import api as agents
from agents import (
    cost_api,
    design_imports,
    doctor,
    edit_api,
    exports,
    imports,
    lens,
    message_api,
    plan_api,
    shares,
    site_api,
    stream,
)
from agents.mcp import api as mcp
from agents.sandbox_logs import sandbox_logs
from projects import api as projects
from projects import promise_api, pushing
from usage import api as usage
from vibe import api_docs


class VersionNumber:
    """A version's number: fits the column, so that no number is too large to look for."""

    regex = "[0-9]{1,9}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(VersionNumber, "version")

PROJECT = "projects/<uuid:pk>/"

urlpatterns = [
    path("projects/", agents.ProjectList.as_view(), name="api-projects"),
    path("projects/import/", imports.Import.as_view(), name="api-import"),
    path("projects/import/figma/", design_imports.Import.as_view(), name="api-import-figma"),
    path("projects/deleted/", projects.DeletedProjects.as_view(), name="api-deleted"),
    path(f"{PROJECT}undelete/", agents.Undelete.as_view(), name="api-undelete"),
    path(PROJECT, agents.ProjectDetail.as_view(), name="api-project"),
    path(f"{PROJECT}messages/", message_api.MessageList.as_view(), name="api-messages"),
    path(f"{PROJECT}messages/<uuid:message>/", message_api.MessageDetail.as_view(), name="api-message"),
    path(f"{PROJECT}share/", shares.ShareLink.as_view(), name="api-share"),
    path(f"{PROJECT}site/", site_api.ProjectSite.as_view(), name="api-site"),
    path(f"{PROJECT}versions/<version:number>/preview/", agents.VersionPreview.as_view(), name="api-version-preview"),
    path(f"{PROJECT}queue/", agents.Queue.as_view(), name="api-queue"),
    path(f"{PROJECT}events/", agents.Events.as_view(), name="api-events"),
    path(f"{PROJECT}stream/", stream.project_stream, name="api-stream"),
    path(f"{PROJECT}files/", edit_api.FileList.as_view(), name="api-files"),
    path(f"{PROJECT}files/<path:path>", edit_api.FileContent.as_view(), name="api-file"),
    path(f"{PROJECT}search/", projects.Search.as_view(), name="api-search"),
    path(f"{PROJECT}attachments/", projects.AttachmentList.as_view(), name="api-attachments"),
    path(f"{PROJECT}attachments/<uuid:attachment>/", projects.AttachmentDetail.as_view(), name="api-attachment"),
    path(f"{PROJECT}versions/", projects.VersionList.as_view(), name="api-versions"),
    path(f"{PROJECT}versions/<version:number>/", projects.VersionDetail.as_view(), name="api-version"),
    path(f"{PROJECT}versions/<version:number>/restore/", edit_api.Restore.as_view(), name="api-restore"),
    path(f"{PROJECT}versions/<version:a>/diff/<version:b>/", projects.Diff.as_view(), name="api-diff"),
    path(f"{PROJECT}promises/", promise_api.PromiseList.as_view(), name="api-promises"),
    path(f"{PROJECT}promises/<int:promise>/", promise_api.PromiseDetail.as_view(), name="api-promise"),
    path(f"{PROJECT}mcp/", mcp.McpServers.as_view(), name="api-mcp"),
    path(f"{PROJECT}download/", projects.Download.as_view(), name="api-download"),
    path(f"{PROJECT}export/", exports.Export.as_view(), name="api-export"),
    path(f"{PROJECT}import/", imports.Update.as_view(), name="api-update"),
    path(f"{PROJECT}import/figma/", design_imports.Update.as_view(), name="api-update-figma"),
    path(f"{PROJECT}push/", pushing.Push.as_view(), name="api-push"),
    path(f"{PROJECT}sandbox/", agents.SandboxStatus.as_view(), name="api-sandbox"),
    *(
        path(f"{PROJECT}sandbox/{action}/", agents.SandboxAction.as_view(), {"action": action}, f"api-sandbox-{action}")
        for action in ("start", "restart", "repair", "stop", "keep")
    ),
    path(f"{PROJECT}sandbox/check/", doctor.Check.as_view(), name="api-sandbox-check"),
    path(f"{PROJECT}context/", lens.Lens.as_view(), name="api-context"),
    path(f"{PROJECT}sandbox/logs/", sandbox_logs, name="api-sandbox-logs"),
    path("runs/<uuid:pk>/", agents.RunDetail.as_view(), name="api-run"),
    path("runs/<uuid:pk>/cancel/", agents.RunCancel.as_view(), name="api-run-cancel"),
    path("runs/<uuid:pk>/retry/", agents.RunRetry.as_view(), name="api-run-retry"),
    path("runs/<uuid:pk>/cost/", cost_api.RunCost.as_view(), name="api-run-cost"),
    path("estimate/", cost_api.Estimate.as_view(), name="api-estimate"),
    path("runs/<uuid:pk>/continue/", plan_api.Continue.as_view(), name="api-run-continue"),
    path("runs/<uuid:pk>/plan/", plan_api.Plan.as_view(), name="api-run-plan"),
    path("runs/<uuid:pk>/plan/approve/", plan_api.ApprovePlan.as_view(), name="api-run-plan-approve"),
    path("suggest/", plan_api.Suggest.as_view(), name="api-suggest"),
    path("generate/", stream.generate, name="api-generate"),
    path("usage/", usage.Usage.as_view(), name="api-usage"),
    path("models/", agents.ModelList.as_view(), name="api-models"),
    path("frameworks/", projects.FrameworkList.as_view(), name="api-frameworks"),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", api_docs.docs, name="api-docs"),
]
