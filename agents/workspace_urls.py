"""Addresses under /projects/ that need runs; the others are in projects/urls.py."""

from django.urls import path

from agents import views

urlpatterns = [
    path("new/", views.project_create, name="project-create"),
    path("pending/", views.project_pending, name="project-pending"),
    path("<uuid:pk>/", views.project_detail, name="project-detail"),
    path("<uuid:pk>/messages/", views.message_send, name="message-send"),
]
