"""`bin/manage benchmark`: measures a site of its own; prints each figure beside its limit and goal."""

import os
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from django.core.management.base import BaseCommand

from benchmarks import admin, crowd, fanout, faults, first_token, load, runs, sandbox, spending, starting
from benchmarks.client import Client, token

READY = ("html", "react")  # frameworks whose templates the first start prepares


class Command(BaseCommand):
    help = "Measures starting and running; needs no site to be up and leaves none."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8700, help="first of four free ports")
        parser.add_argument("--builds", type=int, default=5, help="builds per framework")
        parser.add_argument("--framework", action="append", help="builds of this one; again for more (html and react)")
        parser.add_argument("--credits", action="store_true", help="40 runs on credit for 10, 20 rounds")
        parser.add_argument("--admin", action="store_true", help="the admin's lists with a million rows; two minutes")
        parser.add_argument("--sandbox", action="store_true", help="the sandbox host alone")
        parser.add_argument("--first-token", action="store_true", help="message → first token, alone and 50 at once")
        parser.add_argument("--crowd", action="store_true", help="100 runs in one worker process")
        parser.add_argument("--fanout", action="store_true", help="a step's checkpoint; a token to one and 200 pages")
        parser.add_argument("--posts", action="store_true", help="POST of a project, alone and 50 at once")
        parser.add_argument("--mix", type=float, metavar="SECONDS", help="50 API requests a second")
        parser.add_argument("--sockets", type=float, metavar="SECONDS", help="200 pages watch 10 runs that stream")
        parser.add_argument("--recovery", action="store_true", help="a worker is killed; a run goes on")
        parser.add_argument("--storm", type=float, metavar="MINUTES", help="50 runs while everything is killed")
        parser.add_argument("--seed", type=int, default=1, help="of the storm")
        parser.add_argument("--count", type=int, help="people at once, runs or pages, where the figure has them")
        parser.add_argument("--first-start", action="store_true", help="also from a fresh clone; takes minutes")

    def handle(self, *args: Any, **options: Any) -> None:
        port = options["port"]
        self.say("what", "measured", "limit in this run", "goal")
        if options["sandbox"]:
            sandbox.measure(self.say, Path(os.environ.get("VIBE_HOME", ".vibe")))
            return
        for name, alone in (("credits", spending.measure), ("admin", admin.measure)):
            if options[name]:
                alone(self.say)
                return
        many = {} if options["count"] is None else {"count": options["count"]}
        for name, measure in (
            ("first_token", first_token.measure),
            ("crowd", crowd.measure),
            ("fanout", fanout.measure),
            ("posts", load.posts),
        ):
            if options[name]:
                measure(self.say, **many)
                return
        for name, loaded in (("mix", load.mix), ("sockets", load.sockets)):
            if options[name]:
                loaded(self.say, seconds=options[name])
                return
        if options["recovery"]:
            faults.recovery(self.say)
            return
        if options["storm"]:
            faults.storm(self.say, options["storm"], options["seed"], **many)
            return
        if options["first_start"]:
            self.say("first bin/up, fresh clone", f"{starting.first_start(port):.1f} s", "–", "≤ 240 s")
        with starting.prepared_home() as home:
            with starting.site(starting.ROOT, home, port):
                pass
            with starting.site(starting.ROOT, home, port) as seconds:
                self.say("second bin/up to ready", f"{seconds:.1f} s", "–", "≤ 5 s")
                self.runs(Client(port, token(starting.ROOT, home)), options["builds"], options["framework"] or READY)

    def runs(self, client: Client, builds: int, frameworks: Sequence[str]) -> None:
        projects = []
        for framework in frameworks:
            if framework not in READY:  # the first project of another framework waits for its packages
                runs.prompt_to_preview(client, framework, "a todo app")
            took = [runs.prompt_to_preview(client, framework, "a pricing page for a bakery") for _ in range(builds)]
            whole, model = median(one[0] for one in took), median(one[1] for one in took)
            what = f"prompt → working preview, {framework}, p50"
            self.say(what, f"{whole:.1f} s", f"{model:.1f} s model time", "≤ 20 s")
            projects.append(took[0][2])
        first, floor = runs.first_event(client, projects[0]), runs.floor(client)
        limit = f"{floor:.1f} ms an empty request"
        self.say("message → first event on the page, p50", f"{first:.0f} ms", limit, "≤ 300 ms")

    def say(self, what: str, measured: str, limit: str, goal: str) -> None:
        self.stdout.write(f"{what:<44} {measured:>12}  {limit:<26} {goal}")
