"""Addresses under /s/: what a share link shows."""

from django.urls import path

from agents import shares

urlpatterns = [
    path("<str:token>/", shares.shared, name="shared"),
    path("<str:token>/state/", shares.shared_state, name="shared-state"),
    path("<str:token>/replay/", shares.shared_replay, name="shared-replay"),
    path("<str:token>/wake/", shares.shared_wake, name="shared-wake"),
]
