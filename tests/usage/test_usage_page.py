"""The usage page shows its owner's ledger, and nobody else's."""

import csv
import io
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse

from agents import services as agents
from projects.models import Project
from usage import ledger, services, statement
from usage.models import Account, Entry


def test_it_shows_what_the_user_has_and_every_line(as_user, alice):
    services.grant(alice, 2_500_000, uuid4().hex, "A present for you")
    answer = as_user(alice).get(reverse("usage"))
    assert answer.status_code == 200
    assert "A present for you" in answer.text
    assert "2.5 credits" in answer.text


def test_it_says_what_came_and_went_with_its_sign(as_user, alice):
    account = services.account_of(alice)
    for number, amount in enumerate([2_500_000, 3_000, -1_000_000, -3_000]):
        ledger.add(account, "grant", amount, f"line-{number}", "Line")
    shown = re.findall(r'<span class="amount[^>]*>([^<]*)<', as_user(alice).get(reverse("usage")).text)
    assert shown == ["under 0.01 credits", "−1 credit", "under 0.01 credits", "+2.5 credits", "+25 credits"]


def test_it_shows_nobody_a_hundredth_that_is_not_there(as_user, alice, project):
    services.account_of(alice)
    Account.objects.filter(user=alice).update(balance=996_000)
    client = as_user(alice)
    assert "<dt>Available</dt><dd>0.99 credits</dd>" in client.get(reverse("usage")).text
    assert client.get("/api/v1/usage/").json()["text"] == "0.99 credits"
    assert '<span id="balance">0.99</span>' in client.get(reverse("project-detail", args=[project.pk])).text
    refused = client.post(f"/api/v1/projects/{project.pk}/messages/", {"text": "Red"}, "application/json")
    assert refused.status_code == 402
    assert refused.json()["detail"] == "This needs 1 credit and you have 0.99 credits."


def test_it_does_not_show_other_peoples_lines(as_user, alice, bob):
    services.grant(alice, 2_500_000, uuid4().hex, "A present for Alice")
    assert "A present for Alice" not in as_user(bob).get(reverse("usage")).text


def test_it_goes_on_below_a_line(as_user, alice):
    for number in range(55):
        services.grant(alice, 1_000_000, uuid4().hex, f"present-{number:02}")
    client = as_user(alice)
    first = client.get(reverse("usage"))
    assert "present-54" in first.text and "present-03" not in first.text
    second = client.get(reverse("usage"), {"before": first.context["next_before"]})
    assert "present-03" in second.text and "present-54" not in second.text
    assert second.context["next_before"] is None


def test_it_takes_a_nonsense_place_as_the_beginning(as_user, alice):
    for before in ("x", "-1", "9" * 40):
        assert as_user(alice).get(reverse("usage"), {"before": before}).status_code == 200


def test_it_asks_strangers_to_sign_in(as_user):
    assert as_user().get(reverse("usage")).status_code == 302


def test_it_filters_by_kind_days_and_project(as_user, alice, run):
    services.account_of(alice)
    services.settle(run.pk, 300_000, f"Run in {run.project.name}")
    client, url = as_user(alice), reverse("usage")
    notes = lambda **query: {entry.kind for entry in client.get(url, query).context["entries"]}  # noqa: E731
    assert notes() == {"grant", "charge"}
    assert notes(kind="charge") == notes(project=str(run.project_id)) == {"charge"}
    assert notes(project=str(uuid4())) == notes(to="2020-01-01") == notes(**{"from": "2999-01-01"}) == set()
    assert notes(kind="nonsense", **{"from": "nonsense"}) == {"grant", "charge"}
    assert "No line fits" in client.get(url, {"to": "2020-01-01"}).text


@pytest.mark.parametrize("name", ["usage", "usage-export"])
def test_it_takes_the_first_and_the_last_of_all_days(as_user, alice, name):
    services.account_of(alice)
    client, today = as_user(alice), ledger.today().isoformat()
    for since, until in (("0001-01-01", "9999-12-31"), (today, today), ("9999-12-31", "0001-01-01")):
        answer = client.get(reverse(name), {"from": since, "to": until})
        assert answer.status_code == 200
        assert ("Welcome" in answer.getvalue().decode()) == (since <= until)


def test_it_sums_months_and_days(alice, run):
    services.settle(run.pk, 300_000)
    services.refund(run.pk, "Undone")
    account = services.account_of(alice)
    (month,) = statement.months(account)
    assert (month.given, month.spent, month.back, month.runs) == (25_000_000, 300_000, 300_000, 1)
    days = statement.days(account)
    assert len(days) == 30 and days[-1][1] == 300_000 and sum(amount for _, amount in days) == 300_000


def test_it_draws_what_was_spent_by_project_and_by_model(as_user, alice, bob, run):
    client, url = as_user(alice), reverse("usage")
    assert client.get(url).context["chart"] is None
    services.settle(run.pk, 300_000)
    second = agents.start_run(run.project, "Make it red")
    services.settle(second.pk, 100_000)
    chart = client.get(url).context["chart"]
    assert chart.series == [(run.project.name, 400_000)] and chart.most == chart.total == 400_000
    (part,) = chart.parts
    assert (part.height, part.y, part.x) == (100, 0, 290)
    page = client.get(url, {"by": "model"})
    assert page.context["chart"].series == [(run.model, 400_000)]
    assert "Day by day, as a table" in page.text and 'role="img"' in page.text
    assert client.get(url, {"by": "nonsense"}).context["chart"].by == "project"
    assert as_user(bob).get(url).context["chart"] is None


def test_it_exports_lines_that_no_spreadsheet_evaluates(as_user, alice, bob):
    services.grant(bob, 1, uuid4().hex, "Bob's")
    for note in ("=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\t=1", 'a "quoted", note', "plain"):
        services.grant(alice, 250_000, uuid4().hex, note)
    answer = as_user(alice).get(reverse("usage-export"))
    assert (
        answer.headers["Content-Type"].startswith("text/csv") and "attachment" in answer.headers["Content-Disposition"]
    )
    assert "no-store" in answer.headers["Cache-Control"]
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert len(rows) == 7 and {row["credits"] for row in rows} == {"0.250000"}
    assert {row["note"] for row in rows} >= {"'=HYPERLINK(1)", "'+1", "'-1", "'@SUM(A1)", "'\t=1", 'a "quoted", note'}


def test_it_keeps_a_cap_and_refuses_what_is_none(as_user, alice):
    client = as_user(alice)
    client.post(reverse("cap-set"), {"cap": "2.5"})
    assert Account.objects.get(user=alice).run_cap == 2_500_000
    for text in ("0", "-1", "1e9", "NaN", "Infinity", "0.001", "five", "1 EUR"):
        shown = client.post(reverse("cap-set"), {"cap": text}, follow=True).text
        assert f"“{text}” is no cap. A cap is a number of credits from 0.01 to 100,000" in shown
    assert Account.objects.get(user=alice).run_cap == 2_500_000
    client.post(reverse("cap-set"), {"cap": ""})
    assert Account.objects.get(user=alice).run_cap is None


def test_it_shows_what_a_run_cost_to_its_owner_only(as_user, alice, bob, run):
    services.settle(run.pk, 300_000, "Run in A page")
    url = reverse("run-cost", args=[run.pk])
    assert url in as_user(alice).get(reverse("usage")).text
    assert "Context" in as_user(alice).get(url).text
    assert as_user(bob).get(url).status_code == 404
    assert as_user().get(url).status_code == 302
    assert Entry.objects.filter(run_id=run.pk).count() == 1


def test_it_explains_what_a_run_of_a_deleted_project_cost(as_user, alice, bob, run):
    services.settle(run.pk, 300_000, "Run in A page")
    client, cost = as_user(alice), reverse("run-cost", args=[run.pk])
    opened = f'href="{run.project.get_absolute_url()}"'
    assert opened in client.get(cost).text
    client.post(reverse("project-delete", args=[run.project_id]))
    assert cost in client.get(reverse("usage")).text
    page = client.get(cost)
    assert page.status_code == 200 and "Context" in page.text and opened not in page.text
    assert as_user(bob).get(cost).status_code == 404


def test_it_offers_no_explanation_of_a_run_that_is_gone(as_user, alice, run):
    services.settle(run.pk, 300_000, "Run in A page")
    Project.objects.all().delete()
    page = as_user(alice).get(reverse("usage")).text
    assert "Run in A page" in page and reverse("run-cost", args=[run.pk]) not in page


def test_it_keeps_the_months_in_sight_after_thirty_quiet_days(as_user, alice, run, monkeypatch):
    services.settle(run.pk, 300_000, "Run in A page")
    later = ledger.today() + timedelta(days=40)
    monkeypatch.setattr(statement, "today", lambda: later)
    page = as_user(alice).get(reverse("usage"))
    assert page.context["chart"] is None and "Nothing was spent in the last 30 days" in page.text
    assert f"<td>{ledger.today():%B %Y}</td>" in page.text and "0.3 credits" in page.text


def test_it_promises_no_line_for_a_run_that_failed(as_user, alice, run):
    services.release(run.pk)
    assert not Entry.objects.filter(run_id=run.pk).exists()
    assert "nothing is charged, so there is no line in your ledger" in as_user(alice).get(reverse("pricing")).text
