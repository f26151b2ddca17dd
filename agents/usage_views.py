"""The usage page: what there is, where it went by day and month, every line of the ledger, and one run's cost."""

from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from agents import charts, costs
from agents.models import Run
from projects.models import Project
from usage import payments, plans, services, statement
from usage.models import Account, Entry

PAGE, CHOICES = 50, 100


@login_required
@never_cache
@require_safe
def usage(request: HttpRequest) -> HttpResponse:
    """`?kind=&project=&from=&to=` filter, `?before=ID` goes on below that line, `?by=model` changes the chart."""
    user = _user(request)
    account = services.account_of(user)
    lines = _lines(request, account)
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        lines = lines.filter(pk__lt=int(before))
    page = list(lines[: PAGE + 1])
    chosen = {name: request.GET.get(name, "") for name in ("kind", "project", "from", "to")}
    context = {
        "account": account,
        "plan": plans.plan_of(account),
        "entries": page[:PAGE],
        "explained": set(
            Run.objects.paid_by(user).filter(pk__in=[line.run_id for line in page]).values_list("pk", flat=True)
        ),
        "next_before": page[PAGE - 1].pk if len(page) > PAGE else None,
        "chosen": chosen,
        "filtered": any(chosen.values()),
        "query": urlencode({name: value for name, value in chosen.items() if value}),
        "kinds": Entry.Kind.choices,
        "projects": Project.objects.for_user(user).order_by("-updated")[:CHOICES],
        "months": statement.months(account),
        "chart": charts.spent(account, request.GET.get("by", "")),
        "own_key": user.provider_keys.exists(),
        "offers": payments.offers(),
        "plans": [one for one in plans.plans().values() if one.monthly],
        "topup": {"credits": settings.TOPUP_CREDITS, "price": settings.TOPUP_PRICE},
        "once": uuid4(),
    }
    return render(request, "usage/usage.html", context)


@login_required
@never_cache
@require_safe
def export(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The filtered ledger as CSV, the newest line first."""
    lines = _lines(request, services.account_of(_user(request)))
    rows = statement.as_csv(lines.iterator(chunk_size=1_000))
    headers = {"Content-Disposition": 'attachment; filename="vibe-usage.csv"'}
    return StreamingHttpResponse(rows, content_type="text/csv; charset=utf-8", headers=headers)


@login_required
@never_cache
@require_safe
def run_cost(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What one run's credits went into, also where its project is deleted."""
    runs = Run.objects.paid_by(request.user).select_related("project", "message")
    run = get_object_or_404(runs, pk=pk)
    found = costs.anatomy(run)
    back = Entry.objects.filter(run_id=run.pk, kind=Entry.Kind.REFUND).first()
    return render(request, "usage/run.html", {"run": run, "cost": found, "refund": back})


def _lines(request: HttpRequest, account: Account) -> QuerySet[Entry]:
    lines = statement.Filter.of(request.GET.dict()).lines(account)
    try:
        project = UUID(request.GET.get("project", ""))
    except ValueError:
        return lines
    return lines.filter(run_id__in=Run.objects.for_user(request.user).filter(project=project).values("pk"))


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # login_required
    return request.user
