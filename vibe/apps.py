"""The site as a Django app: its commands and system checks."""

from django.apps import AppConfig


class VibeConfig(AppConfig):
    name = "vibe"

    def ready(self) -> None:
        from vibe import checks  # noqa: F401
