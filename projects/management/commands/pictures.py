"""`bin/manage pictures`: how many pictures of versions there are and how large; `prune --keep N` removes older ones."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Count, Sum
from django.db.models.functions import Length

from projects import pictures
from projects.models import Picture


class Command(BaseCommand):
    help = "Pictures of versions: count them, or remove all but the newest of each project."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action")
        prune = actions.add_parser("prune", help="remove all but the newest of each project")
        prune.add_argument("--keep", type=int, default=1, help="how many of each project stay (1)")

    def handle(self, *args: Any, **given: Any) -> None:
        if given["action"] == "prune":
            removed = pictures.prune(max(0, given["keep"]))
            self.stdout.write(f"{removed} removed.")
        found = Picture.objects.aggregate(
            count=Count("pk"), projects=Count("version__project", distinct=True), size=Sum(Length("webp"))
        )
        size = (found["size"] or 0) / 1_000_000
        self.stdout.write(f"{found['count']} pictures of {found['projects']} projects, {size:.1f} MB.")
