"""Addresses under /projects/ that need no run; the workspace's are in agents/workspace_urls.py."""

from django.urls import path

from projects import views

urlpatterns = [
    path("", views.project_list, name="project-list"),
    path("<uuid:pk>/rename/", views.project_rename, name="project-rename"),
    path("<uuid:pk>/delete/", views.project_delete, name="project-delete"),
    path("<uuid:pk>/undelete/", views.project_undelete, name="project-undelete"),
    path("<uuid:pk>/download/", views.project_download, name="project-download"),
]
