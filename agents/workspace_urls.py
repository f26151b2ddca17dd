"""Addresses under /projects/ that need the agent; the others are in projects/urls.py."""

from django.urls import path

from agents import exports, imports, list_views, views

urlpatterns = [
    path("", list_views.project_list, name="project-list"),
    path("deleted/", list_views.project_trash, name="project-trash"),
    path("<uuid:pk>/purge/", list_views.project_purge, name="project-purge"),
    path("<uuid:pk>/delete/", list_views.project_delete, name="project-delete"),
    path("import/", imports.project_import, name="project-import"),
    path("new/", views.project_create, name="project-create"),
    path("pending/", views.project_pending, name="project-pending"),
    path("<uuid:pk>/", views.project_detail, name="project-detail"),
    path("<uuid:pk>/export/", exports.project_export, name="project-export"),
    path("<uuid:pk>/import/", imports.project_update, name="project-update"),
    path("<uuid:pk>/messages/", views.message_send, name="message-send"),
    path("<uuid:pk>/suggestions/", views.project_suggestions, name="project-suggestions"),
]
