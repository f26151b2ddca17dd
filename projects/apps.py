"""Projects: what the user has. Knows usage, not agents."""

from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    name = "projects"
