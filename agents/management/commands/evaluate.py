"""`bin/manage evaluate`: runs a suite of prompts end to end with the models that are set, and scores each."""

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from agents import catalogue
from agents.evaluation import FOLDER, VERDICTS, BadSuite, Case, Score, evaluate, fund, load, summary
from usage.services import NotEnoughCredits

# Its projects belong to a user of their own, who signs in nowhere.
EMAIL = "evaluation@vibe.localhost"
CREDITS = 20
MARKS = {True: "yes", False: "NO", None: "–"}


class Command(BaseCommand):
    help = "Runs prompts end to end and scores what came of them. Exit code 1 unless all pass."

    def add_arguments(self, parser: ArgumentParser) -> None:
        models = sorted(catalogue.MODELS)
        parser.add_argument("--suite", type=_from_caller, default=FOLDER / "suite.json", help="JSON file of cases")
        parser.add_argument("--model", type=str.lower, choices=models, default="", help="default: auto")
        parser.add_argument("--only", type=int, help="the first N cases only")
        parser.add_argument("--json", type=_from_caller, help="also write the scores to this file")

    def handle(self, *args: Any, suite: Path, model: str, only: int | None, json: Path | None, **options: Any) -> None:
        try:
            cases = load(suite)[:only]
        except BadSuite as error:
            raise CommandError(str(error)) from None
        user = User.objects.filter(email=EMAIL).first() or User.objects.create_user(EMAIL)
        width = max(len(case.name) for case in cases)
        head = ("finished", *VERDICTS, "turns", "fixes", "tokens", "credits", "USD", "s")
        self.line(width, "case", head)
        scores = []
        for case in cases:
            scores.append(self.one(user, case, model))
            self.show(width, scores[-1])
        whole = summary(scores)
        usd = "" if whole["usd"] is None else f", {whole['usd']} USD"
        spent = f"{whole['tokens']:,} tokens, {whole['credits']} credits{usd}, {whole['seconds']:.0f} s"
        self.stdout.write(f"\n{whole['passed']} of {whole['cases']} passed; {spent}")
        if json is not None:
            json.write_text(_text({"model": model or catalogue.DEFAULT_MODEL, "suite": str(suite), **whole}))
        if whole["passed"] < whole["cases"]:
            raise CommandError("Not all passed.", returncode=1)

    def one(self, user: User, case: Case, model: str) -> Score:
        fund(user, CREDITS * settings.MICRO)
        try:
            return evaluate(user, case, model, lambda line: self.stderr.write(f"  {line} …"))
        except (NotEnoughCredits, ValueError) as error:
            return Score(case.name, case.framework, reason=str(error))

    def show(self, width: int, score: Score) -> None:
        marks = [MARKS[score.finished], *(MARKS[score.verdicts.get(name)] for name in VERDICTS)]
        usd = "–" if score.usd is None else f"{score.usd:.3f}"
        counts = (score.turns, score.fixes, score.tokens, score.credits, usd, score.seconds)
        self.line(width, score.name, (*marks, *counts))
        for note in [score.reason] * bool(score.reason) + score.notes:
            self.stdout.write(f"    {note}")

    def line(self, width: int, name: str, columns: tuple[object, ...]) -> None:
        self.stdout.write(f"{name:<{width}}  " + " ".join(f"{column!s:>10}" for column in columns))
        self.stdout.flush()


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _from_caller(name: str) -> Path:
    """A path as the person at the terminal means it, who stands elsewhere."""
    return Path(os.environ.get("VIBE_CALLER_DIR", ".")) / name
