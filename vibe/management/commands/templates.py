"""`bin/manage templates`: which sandbox templates there are; prepare, audit and publish them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from vibe.host_process import become

ACTIONS = {
    "list": "name, state, size, when it was prepared, what it is made of (the default)",
    "build": "prepare those that are not: install, build, lint and try them inside a sandbox",
    "audit": "ask the package registry for known advisories",
    "publish": "build them in E2B's cloud from the same folders; needs E2B_API_KEY",
}


class Command(BaseCommand):
    help = "Sandbox templates: list, build, audit or publish them."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", metavar="ACTION")
        for name, text in ACTIONS.items():
            actions.add_parser(name, help=text).add_argument("names", nargs="*", help="which ones; default all")

    def handle(self, *args: Any, **given: Any) -> None:
        become("sandbox_host.templates", given["action"] or "list", *given.get("names") or [])
