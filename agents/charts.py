"""The usage page's chart: credits of the last thirty days, by project or by model, as bars whose parts are stacked."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date

from agents.models import Run
from usage import statement
from usage.models import Account, Entry

# The largest get a colour of their own; the rest is one.
SERIES = 4
HEIGHT, STEP, WIDTH = 100, 10, 7
BY = ("project", "model")
GONE = "Something deleted"


@dataclass(frozen=True)
class Part:
    """One rectangle: which series it is, where it stands, and what it means."""

    series: int
    x: int
    y: float
    height: float
    day: date
    amount: int


@dataclass(frozen=True)
class Chart:
    """`series`: (name, micro-credits in all), the largest first. `most`: of the highest day."""

    by: str
    series: list[tuple[str, int]]
    parts: list[Part]
    days: list[tuple[date, int]]
    most: int

    @property
    def total(self) -> int:
        return sum(amount for _, amount in self.series)


def spent(account: Account, by: str) -> Chart | None:
    """What was charged, by "project" or "model"; None if nothing was. Refunds are in the table by month."""
    sums = statement.days(account)
    by = by if by in BY else BY[0]
    cells = _cells(account, sums[0][0], by)
    names = sorted({name for _, name in cells}, key=lambda name: -sum(v for (_, n), v in cells.items() if n == name))
    if not names:
        return None
    places = {name: min(place, SERIES) for place, name in enumerate(names)}
    stacks: dict[date, dict[int, int]] = {day: defaultdict(int) for day, _ in sums}
    for (day, name), amount in cells.items():
        if day in stacks:
            stacks[day][places[name]] += amount
    most = max(amount for _, amount in sums)
    totals = [sum(stack[place] for stack in stacks.values()) for place in range(SERIES + 1)]
    titles = names[:SERIES] + ["Others"] * (len(names) > SERIES)
    parts = [part for number, (day, _) in enumerate(sums) for part in _stack(number, day, stacks[day], most)]
    return Chart(by, list(zip(titles, totals, strict=False)), parts, [(d, a) for d, a in sums if a], most)


def _cells(account: Account, first: date, by: str) -> dict[tuple[date, str], int]:
    """{(day, name): micro-credits}."""
    lines = account.entries.filter(kind=Entry.Kind.CHARGE, created__date__gte=first)
    rows = list(lines.values_list("created", "amount", "run_id"))
    runs = Run.objects.filter(pk__in=[run for _, _, run in rows if run], project__owner=account.user)
    field = "project__name" if by == "project" else "model"
    names = dict(runs.values_list("pk", field))
    cells: dict[tuple[date, str], int] = defaultdict(int)
    for created, amount, run in rows:
        cells[created.astimezone(UTC).date(), names.get(run, GONE) if run else GONE] -= amount
    return cells


def _stack(number: int, day: date, stack: dict[int, int], most: int) -> list[Part]:
    """A day's rectangles from the ground up; one that cost anything can be seen."""
    parts: list[Part] = []
    ground = float(HEIGHT)
    for place, amount in sorted((place, amount) for place, amount in stack.items() if amount):
        height = max(1.0, round(HEIGHT * amount / most, 1))
        ground = round(ground - height, 1)
        parts.append(Part(place, number * STEP, ground, height, day, amount))
    return parts
