"""ASGI: Django's pages, and the workspace's websocket behind origin check and session."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vibe.settings")
django.setup(set_prefix=False)

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import get_resolver, path  # noqa: E402

from agents import memory  # noqa: E402
from agents.consumers import ProjectConsumer  # noqa: E402
from agents.terminals import TerminalConsumer  # noqa: E402
from vibe import traffic  # noqa: E402
from vibe.handler import Handler  # noqa: E402
from vibe.origin import SameOriginOnly  # noqa: E402

sockets = [
    path("ws/projects/<uuid:pk>/", ProjectConsumer.as_asgi()),
    path("ws/projects/<uuid:pk>/terminal/", TerminalConsumer.as_asgi()),
]

application = ProtocolTypeRouter(
    {"http": Handler(), "websocket": SameOriginOnly(AuthMiddlewareStack(URLRouter(sockets)))}
)

get_resolver().url_patterns  # noqa: B018  # loads the views
memory.settle()
traffic.begin()
