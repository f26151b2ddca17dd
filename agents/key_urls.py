"""Addresses under /settings/keys/."""

from django.urls import path

from agents import key_views

urlpatterns = [
    path("", key_views.key_save, name="key-save"),
    path("runs/", key_views.key_runs, name="key-runs"),
    path("<slug:provider>/delete/", key_views.key_delete, name="key-delete"),
]
