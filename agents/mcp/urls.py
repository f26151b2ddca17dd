"""Addresses under /settings/mcp/."""

from django.urls import path

from agents.mcp import views

urlpatterns = [
    path("", views.mcp_save, name="mcp-save"),
    path("<int:pk>/test/", views.mcp_test, name="mcp-test"),
    path("<int:pk>/delete/", views.mcp_delete, name="mcp-delete"),
]
