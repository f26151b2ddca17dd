"""Agents: what the agent does. Knows projects and usage."""

from django.apps import AppConfig


class AgentsConfig(AppConfig):
    name = "agents"
