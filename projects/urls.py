"""Addresses under /projects/ that need nothing of the agent; the others are in agents/workspace_urls.py."""

from django.urls import path

from projects import pictures, pushing, views

urlpatterns = [
    path("<uuid:pk>/rename/", views.project_rename, name="project-rename"),
    path("<uuid:pk>/duplicate/", views.project_duplicate, name="project-duplicate"),
    path("<uuid:pk>/undelete/", views.project_undelete, name="project-undelete"),
    path("<uuid:pk>/favourite/", views.project_favourite, name="project-favourite"),
    path("<uuid:pk>/versions/<int:number>/picture.webp", pictures.picture, name="version-picture"),
    path("<uuid:pk>/push/", pushing.project_push, name="project-push"),
    path("<uuid:pk>/download/", views.project_download, name="project-download"),
]
