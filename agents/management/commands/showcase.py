"""`bin/manage showcase seed`: has the site itself build a few apps, takes their pictures and lists them; `list` lists.

Each app is a run like anybody's: model, sandbox and checks are those that the site has. Needs the site to be up.
"""

import contextlib
import time
from argparse import ArgumentParser
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from agents import pictures, services
from agents.models import Run
from projects import showcase
from projects.models import Picture, ShowcaseEntry
from usage import services as credits

RUN_SECONDS = 300
# Title, category, framework and prompt of each.
APPS = [
    (
        "Crumb, a bakery",
        "shops",
        "html",
        "A pricing page for a neighbourhood bakery called Crumb: three box sizes, warm",
    ),
    ("Team board", "tools", "react", "A kanban board for a small team with drag and drop and three columns"),
    (
        "Roastery numbers",
        "dashboards",
        "react",
        "A sales dashboard for a coffee roastery: revenue by week, best sellers",
    ),
    ("Ordinary days, a gym", "sites", "html", "A landing page for a neighbourhood gym, calm, teal"),
    ("Reading list", "tools", "react", "A to-do app for books I want to read"),
    ("Street light", "sites", "html", "A portfolio for a street photographer, dark and quiet"),
    ("Field notes", "sites", "html", "A blog about gardening on a balcony, green"),
    ("Second gear", "shops", "react", "A landing page for a bicycle repair shop, orange"),
]


class Command(BaseCommand):
    help = "The showcase: fill it with apps that the site builds now, or list what is in it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action")
        actions.add_parser("list", help="what is in it (the default)")
        seed = actions.add_parser("seed", help="build apps and list them; those that are listed are left alone")
        seed.add_argument("--count", type=int, default=len(APPS), help=f"how many, at most {len(APPS)}")

    def handle(self, *args: Any, **given: Any) -> None:
        if given["action"] == "seed":
            self.seed(given["count"])
            return
        for entry in ShowcaseEntry.objects.select_related("author"):
            self.stdout.write(
                f"{entry.state:<8} {entry.category:<10} {entry.remixes:>4}  {entry.title} · {entry.author}"
            )

    def seed(self, count: int) -> None:
        keeper = showcase.keeper()
        for title, category, framework, prompt in APPS[:count]:
            if ShowcaseEntry.objects.filter(author=keeper, title=title).exists():
                continue
            credits.grant(keeper, settings.RUN_RESERVE_MICRO * 4, f"showcase-{uuid4()}", "For the showcase")
            run = self.finished(services.start_project(keeper, prompt, framework))
            if run.state != Run.State.SUCCEEDED or run.version is None or not run.version.works:
                self.stderr.write(f"{title}: the run {run.state} {run.reason}. It is left out.")
                continue
            run.project.name = title
            run.project.save(update_fields=["name"])
            pictured = self.pictured(run)
            ShowcaseEntry.objects.create(
                project=run.project,
                author=keeper,
                title=title,
                prompt=prompt,
                category=category,
                state=ShowcaseEntry.State.LISTED,
            )
            self.stdout.write(f"{title}: listed{'' if pictured else ', without a picture (no Chromium?)'}.")

    def pictured(self, run: Run) -> bool:
        """Whether there is a picture now, by this process or by a worker that was quicker."""
        with contextlib.suppress(pictures.NotSeen):
            pictures.take(run.project)
        return Picture.objects.filter(version=run.version).exists()

    def finished(self, run: Run) -> Run:
        """The run when it is over. Raises CommandError when nobody works on it."""
        deadline = time.monotonic() + RUN_SECONDS
        while run.is_active:
            if time.monotonic() > deadline:
                raise CommandError(f"The run is {run.state} after {RUN_SECONDS} s. Is the site up (bin/up)?")
            time.sleep(0.5)
            run = Run.objects.select_related("project", "version").get(pk=run.pk)
        return run
