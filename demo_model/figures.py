"""Sample figures for dashboards and boards: plausible, repeatable, the same for the same name. Pure."""

import math
import random
from typing import Any

from demo_model.brief import Brief

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def make(brief: Brief) -> dict[str, Any]:
    """A year by month (this one and last), shares of a whole, a week by day, and the latest entries."""
    dice = random.Random(brief.seed)
    base = dice.randrange(18, 46) * 1000
    year = [_month(dice, base, at) for at in range(12)]
    last = [round(value * dice.uniform(0.72, 0.94)) for value in year]
    shares = sorted((dice.randrange(8, 40) for _ in brief.copy["metrics"]["parts"]), reverse=True)
    whole = sum(shares)
    parts = [
        {"label": label, "share": round(100 * share / whole)}
        for label, share in zip(brief.copy["metrics"]["parts"], shares, strict=True)
    ]
    parts[0]["share"] += 100 - sum(part["share"] for part in parts)
    week = [dice.randrange(24, 96) for _ in range(7)]
    return {
        "months": MONTHS,
        "year": year,
        "last": last,
        "parts": parts,
        "week": week,
        "entries": _entries(dice, brief),
    }


def _entries(dice: random.Random, brief: Brief) -> list[dict[str, Any]]:
    """The latest eight entries: who, what, how much, which day of this month, and how it stands."""
    people = [quote["who"] for quote in brief.copy["quotes"]] + [person["who"] for person in brief.copy["team"]]
    things = [offer["title"] for offer in brief.copy["offers"]]
    states = ["Paid", "Paid", "Open", "Paid", "Late", "Paid", "Open", "Paid"]
    return [
        {
            "who": people[at % len(people)],
            "what": things[(at * 2 + at // 3) % len(things)],
            "amount": dice.randrange(18, 420),
            "day": 28 - at * 3,
            "state": state,
        }
        for at, state in enumerate(states)
    ]


def _month(dice: random.Random, base: int, at: int) -> int:
    growth = 1 + at * 0.035
    season = 1 + 0.13 * math.sin((at - 2) / 12 * 2 * math.pi)
    return int(round(base * growth * season * dice.uniform(0.93, 1.07), -1))
