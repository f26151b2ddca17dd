"""`bin/manage sandboxhost`: the embedded sandbox host in the foreground, the process that bin/up starts."""

from argparse import REMAINDER, ArgumentParser
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand

from vibe.host_process import become

PORT = 8001


class Command(BaseCommand):
    help = "The sandbox host in the foreground; Ctrl-C or SIGTERM stops it and all that runs in sandboxes."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, help="default: that of E2B_API_URL, or 8001")
        parser.add_argument("rest", nargs=REMAINDER, help="options of the host itself, after --")

    def handle(self, *args: Any, **given: Any) -> None:
        port = given["port"] or urlsplit(settings.E2B_API_URL).port or PORT
        rest = given["rest"][1:] if given["rest"][:1] == ["--"] else given["rest"]
        # Below localhost the host knows its own names, whichever port it is given.
        local = settings.PREVIEW_DOMAIN.partition(":")[0] == "localhost"
        domain = [] if local else ["--domain", settings.PREVIEW_DOMAIN]
        become("sandbox_host", "--port", str(port), *domain, *rest)
