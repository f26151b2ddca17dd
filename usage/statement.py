"""The ledger as its owner reads it: filtered lines, sums by month and by day, and the lines as CSV."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncDate, TruncMonth

from usage.ledger import today
from usage.models import Account, Entry

MONTHS, DAYS = 6, 30
# A cell that begins with one of these is a formula to a spreadsheet. OWASP, "CSV Injection".
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
COLUMNS = ("when", "kind", "credits", "note", "run")


@dataclass(frozen=True)
class Filter:
    """What to show: a kind of line, and UTC days from and to (both included)."""

    kind: str = ""
    since: date | None = None
    until: date | None = None

    @classmethod
    def of(cls, query: "dict[str, str]") -> "Filter":
        """From a query string; what is no kind and no day counts as not given."""
        kind = query.get("kind", "")
        return cls(kind if kind in Entry.Kind.values else "", _day(query.get("from", "")), _day(query.get("to", "")))

    def lines(self, account: Account) -> QuerySet[Entry]:
        """The newest first."""
        lines = account.entries.order_by("-id")
        if self.kind:
            lines = lines.filter(kind=self.kind)
        if self.since:
            lines = lines.filter(created__gte=_begin(self.since))
        if self.until:
            lines = lines.filter(created__lte=datetime.combine(self.until, time.max, UTC))
        return lines


@dataclass(frozen=True)
class Month:
    """Sums of a calendar month (UTC); micro-credits, all of them 0 or more."""

    begins: date
    given: int
    spent: int
    back: int
    runs: int


def months(account: Account) -> list[Month]:
    """The last months in which something happened, the newest first."""
    kinds = Entry.Kind
    rows = (
        account.entries.annotate(month=TruncMonth("created", tzinfo=UTC))
        .values("month")
        .annotate(
            given=Sum("amount", filter=Q(kind__in=(kinds.GRANT, kinds.REVERSAL)), default=0),
            spent=Sum("amount", filter=Q(kind=kinds.CHARGE), default=0),
            back=Sum("amount", filter=Q(kind=kinds.REFUND), default=0),
            runs=Count("id", filter=Q(kind=kinds.CHARGE)),
        )
        .order_by("-month")[:MONTHS]
    )
    return [Month(row["month"].date(), row["given"], -row["spent"], row["back"], row["runs"]) for row in rows]


def days(account: Account) -> list[tuple[date, int]]:
    """Micro-credits spent on each of the last thirty days, the oldest first; days without a charge are 0."""
    first = today() - timedelta(days=DAYS - 1)
    rows = (
        account.entries.filter(kind=Entry.Kind.CHARGE, created__gte=_begin(first))
        .annotate(day=TruncDate("created", tzinfo=UTC))
        .values_list("day")
        .annotate(sum=Sum("amount"))
        .order_by("day")
    )
    spent = dict(rows)
    return [(day, -spent.get(day, 0)) for day in (first + timedelta(days=number) for number in range(DAYS))]


def as_csv(lines: Iterable[Entry]) -> Iterator[str]:
    """The lines as CSV, a header first. Texts cannot become formulas; amounts are credits with six decimals."""
    yield _row(COLUMNS)
    for line in lines:
        amount = f"{line.amount / settings.MICRO:.6f}"
        run = str(line.run_id) if line.run_id else ""
        yield _row((line.created.isoformat(timespec="seconds"), line.kind, amount, as_text(line.note), run))


def as_text(value: str) -> str:
    """A text that a spreadsheet will show and never evaluate."""
    return f"'{value}" if value.startswith(FORMULA) else value


def _row(cells: Iterable[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _begin(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
