"""What a run costs: never more than its cap, nothing with an own key, and nothing when it is undone at once."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import ProviderKey
from agents import costs, edits, services
from agents.models import Run, Step
from demo_model import wire
from projects import briefing, versions
from projects.services import create_project
from tests.agents.scripted import finish, page, write
from usage.models import Account, Entry, Reservation
from usage.services import account_of

# Less than one turn of the smallest model.
PRICE = 1_000


def bring(owner):
    row = ProviderKey(user=owner, provider="anthropic")
    row.put("sk-own-0123456789-secret")
    row.save()


@pytest.fixture
def built(model, start, work):
    """A finished first run, charged."""
    model.say([write(index_html=page("Tea"))], [finish()])
    run = work(start())
    assert run.cost > 0
    return run


def another(built, model, work, heading="Blue"):
    model.say([write(index_html=page(heading))], [finish()])
    return work(services.start_run(built.project, "Make it blue"))


def test_it_stops_at_the_runs_cap_and_keeps_the_work(model, start, work, owner):
    run = start()
    services.cancel_run(run)
    run = services.start_run(run.project, "A page about tea", cap=PRICE)
    assert Reservation.objects.get(run_id=run.pk).amount == PRICE
    model.say([write(index_html=page("Tea"))], [finish()])
    run = work(run)

    assert (run.state, run.reason, run.cost) == (Run.State.STOPPED, "cap", PRICE)
    assert len(model.requests) == 1
    assert "index.html" in run.version.manifest
    assert "at most" in run.steps.get(type="error").data["detail"]
    account = account_of(owner)
    assert (account.balance, account.reserved) == (25_000_000 - PRICE, 0)


def test_it_takes_the_users_own_cap_when_neither_run_nor_project_names_one(start, owner):
    account_of(owner)
    Account.objects.update(run_cap=500_000)
    run = start()
    assert (Reservation.objects.get(run_id=run.pk).amount, account_of(owner).reserved) == (500_000, 500_000)
    briefing.change(run.project, cap=400_000)
    later = services.start_run(run.project, "Make it blue"), services.start_run(run.project, "Make it red", cap=300_000)
    assert [Reservation.objects.get(run_id=one.pk).amount for one in later] == [400_000, 300_000]


def test_it_keeps_the_limit_that_was_typed_with_the_first_prompt(client, owner):
    """Before signing up, too; a limit that is none is said, and the words are kept."""
    wish = {"prompt": "A page about tea", "framework": "html", "model": "", "cap": "0.4"}
    refused = client.post(reverse("project-create"), {**wish, "cap": "-1"})
    assert refused.status_code == 400 and "A page about tea" in refused.text
    assert "“-1” is no limit. A limit is a number of credits from 0.01 to 100,000" in refused.text
    assert "See plans" not in refused.text
    client.post(reverse("project-create"), wish)
    client.force_login(owner)
    client.get(reverse("project-pending"))
    project = owner.projects.get()
    assert Reservation.objects.get(run_id=project.runs.get().pk).amount == project.cap == 400_000
    assert 'value="0.4"' in client.get(project.get_absolute_url()).text
    client.post(reverse("message-send", args=[project.pk]), {"text": "Make it blue", "cap": ""})
    assert owner.projects.get().cap is None and project.runs.count() == 2


def test_it_shows_the_way_to_plans_only_to_who_is_short_of_credits(client, owner, start, settings):
    way = f'<a href="{reverse("pricing")}"{{}}>See plans</a>'
    project = start().project
    client.force_login(owner)
    wrong = client.post(reverse("message-send", args=[project.pk]), {"text": "Make it blue", "cap": "free"})
    assert wrong.status_code == 400 and "“free” is no limit." in wrong.text and way.format(" hidden") in wrong.text
    settings.RUN_RESERVE_MICRO = 10**12
    short = client.post(reverse("message-send", args=[project.pk]), {"text": "Make it blue"})
    first = client.post(reverse("project-create"), {"prompt": "A page", "framework": "html", "model": ""})
    for answer in (short, first):
        assert answer.status_code == 402 and way.format("") in answer.text


def test_it_holds_nothing_back_with_an_own_key(model, start, work, owner, settings):
    settings.SIGNUP_CREDITS = 0
    bring(owner)
    run = start()
    assert not Reservation.objects.exists()
    model.say([write(index_html=page("Tea"))], [finish()])
    run = work(run)
    assert (run.state, run.cost, account_of(owner).balance) == (Run.State.SUCCEEDED, 0, 0)


def test_it_holds_credits_back_when_the_own_key_goes_before_the_run_begins(model, start, work, owner):
    bring(owner)
    run = start()
    ProviderKey.objects.all().delete()
    model.say([write(index_html=page("Tea"))], [finish()])
    run = work(run)
    assert run.cost > 0 and account_of(owner).balance == 25_000_000 - run.cost


def test_it_keeps_the_runs_own_cap_when_the_own_key_goes(model, built, work, owner, api):
    bring(owner)
    said = {"text": "Make it blue", "cap": PRICE}
    answer = api(owner).post(f"/api/v1/projects/{built.project_id}/messages/", said, format="json")
    ProviderKey.objects.all().delete()
    model.say([write(index_html=page("Blue"))], [finish()])
    run = work(Run.objects.get(pk=answer.json()["run"]["id"]))
    assert (run.state, run.reason, run.cost) == (Run.State.STOPPED, "cap", PRICE)


def test_it_charges_a_single_turn_too_when_the_own_key_goes_before_the_run_begins(model, built, work, owner):
    bring(owner)
    run = services.start_run(built.project, "What is tea?", "ask")
    ProviderKey.objects.all().delete()
    model.say([wire.text("A drink.")])
    run = work(run)
    assert run.cost > 0 and account_of(owner).balance == 25_000_000 - built.cost - run.cost


def test_it_refunds_a_run_that_is_undone_within_ten_minutes_once(built, model, work, owner, api):
    first = built.version
    run = another(built, model, work)
    client = api(owner)
    answer = client.post(f"/api/v1/projects/{run.project_id}/versions/{first.number}/restore/", {})
    assert answer.status_code == 201
    (line,) = Entry.objects.filter(kind="refund")
    assert (line.amount, line.run_id) == (run.cost, run.pk) and "Undone" in line.note
    assert account_of(owner).balance == 25_000_000 - built.cost
    assert run.project.steps.filter(type="credit").last().data["charged"] == -run.cost

    edits.restore(run.project, run.version)
    edits.restore(run.project, first)
    assert Entry.objects.filter(kind="refund").count() == 1


def test_it_keeps_the_money_of_a_run_that_is_older_or_only_partly_undone(built, model, work, owner):
    first = built.version
    run = another(built, model, work)
    edits.restore(run.project, first, "index.html")
    assert not Entry.objects.filter(kind="refund").exists()
    edits.restore(run.project, run.version)
    Run.objects.filter(pk=run.pk).update(finished=timezone.now() - timedelta(minutes=11))
    edits.restore(run.project, first)
    assert not Entry.objects.filter(kind="refund").exists()


def test_it_refunds_only_so_many_runs_a_day(built, model, work, settings):
    settings.REFUNDS_PER_DAY = 1
    for heading in ("Blue", "Red"):
        run = another(built, model, work, heading)
        edits.restore(run.project, built.version)
    assert Entry.objects.filter(kind="refund").count() == 1


def test_it_takes_a_runs_cost_apart_and_the_parts_add_up(built, owner, api):
    found = costs.anatomy(built)
    parts = {part.name: part for part in found.parts}
    assert found.charged == built.cost == sum(part.cost for part in found.parts if not part.free)
    assert found.worth == sum(part.cost for part in found.parts)
    assert parts["review"].free and parts["review"].cost > 0
    assert parts["context"].tokens == 2_000 and parts["tools"].tokens > 0
    answer = api(owner).get(f"/api/v1/runs/{built.pk}/cost/").json()
    assert answer["charged"] == built.cost and [part["name"] for part in answer["parts"]] == list(costs.PARTS)


def test_it_tells_the_review_from_the_choice_of_a_framework(model, owner, work, client):
    """Answers that do not fit and are asked for again are part of it."""
    model.answers["choose_framework"] = [{"framework": "cobol"}, {"framework": "html"}]
    model.answers["review"] = [{"verdict": "fine"}, {"verdict": "approved", "issues": []}]
    model.say([write(index_html=page("Tea"))], [finish()])
    run = work(services.start_project(owner, "A page about tea"))
    parts = {part.name: part for part in costs.anatomy(run).parts}
    for name, key in (("choosing", "framework"), ("review", "review-1")):
        asked = run.steps.filter(type="aside", data__name=key)
        tokens = sum(sum(step.data["usage"].values()) for step in asked)
        assert len(asked) == 2 and parts[name].free and (parts[name].tokens, parts[name].cost > 0) == (tokens, True)
    client.force_login(owner)
    shown = client.get(reverse("run-cost", args=[run.pk])).content.decode()
    assert "which framework fits" in shown and "Another look" in shown


def test_it_shows_the_fixing_of_own_mistakes_and_does_not_charge_it(built):
    turn = built.steps.filter(type="reply").last()
    Step.objects.filter(pk=turn.pk).update(data={**turn.data, "round": 1})
    parts = {part.name: part for part in costs.anatomy(built).parts}
    assert parts["fixing"].free and parts["fixing"].cost == turn.data["cost"]
    assert costs.anatomy(built).worth == built.cost + parts["review"].cost and parts["fixing"].tokens > 1_000


def test_it_estimates_from_the_projects_past_and_else_from_the_users(built, owner, api, bob):
    ask = lambda user, **query: api(user).get("/api/v1/estimate/", query).json()  # noqa: E731
    assert ask(owner, project=str(built.project_id))["low"] is None
    for number in range(10):
        message = built.project.messages.create(role="user", text="x")
        Run.objects.create(
            project=built.project, message=message, model="vibe-m", state="succeeded",
            cost=100_000 * (number + 1), finished=timezone.now(),
        )  # fmt: skip
    found = ask(owner, project=str(built.project_id))
    assert (found["basis"], found["runs"], found["low"], found["high"]) == ("project", 10, 200_000, 900_000)
    assert found["text"] == "0.2–0.9 credits"
    assert ask(owner, project=str(built.project_id), model="vibe-l")["high"] == 1_800_000
    other = services.start_project(owner, "Another page", framework="html").project
    versions.save_file(other, "index.html", b"<h1>Hello</h1>")
    assert ask(owner, project=str(other.pk))["basis"] == "user" and ask(owner, mode="ask")["low"] is None
    assert ask(bob)["low"] is None
    assert api(bob).get("/api/v1/estimate/", {"project": str(built.project_id)}).status_code == 404
    for query in ({"mode": "x"}, {"model": "x"}, {"project": "x"}):
        assert api(owner).get("/api/v1/estimate/", query).status_code == 400


def test_it_estimates_a_new_app_from_first_runs_and_a_change_from_changes(built, owner, api):
    def ended(project, cost):
        message = project.messages.create(role="user", text="x")
        facts = {"model": "vibe-m", "state": "succeeded", "finished": timezone.now()}
        Run.objects.create(project=project, message=message, cost=cost, **facts)

    Run.objects.filter(pk=built.pk).update(cost=5_000_000)
    for name in ("One", "Two"):
        ended(create_project(owner, name, model="vibe-m", framework="html"), 5_000_000)
    for _ in range(9):
        ended(built.project, 100_000)
    ask = lambda **query: api(owner).get("/api/v1/estimate/", query).json()  # noqa: E731
    new = create_project(owner, "New", model="vibe-m", framework="html")
    for found in (ask(), ask(project=str(new.pk))):
        assert (found["low"], found["high"], found["basis"], found["runs"]) == (5_000_000, 5_000_000, "user", 3)
    assert (ask(project=str(built.project_id))["high"], ask(project=str(built.project_id))["runs"]) == (100_000, 9)


@pytest.mark.parametrize("cap", [0, -1, 10**18, 1.5, "NaN", "x", "1 EUR", [], {}, "Infinity"])
def test_it_takes_no_cap_that_is_no_amount(start, owner, api, cap):
    project = start().project
    answer = api(owner).post(f"/api/v1/projects/{project.pk}/messages/", {"text": "x", "cap": cap}, format="json")
    assert answer.status_code == 400
    said = "A limit is a whole number of micro-credits from 1 to 1000000000000000 (1000000 are one credit), or null."
    assert answer.json()["errors"]["cap"] == [said]
    assert project.runs.count() == 1


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (150_000, 600_000, "0.15–0.60 credits"),
        (500_000, 1_000_000, "0.5–1.0 credits"),
        (2_000_000, 3_000_000, "2–3 credits"),
        (996_000, 1_204_000, "1.0–1.2 credits"),
        (250_000, 250_000, "about 0.25 credits"),
        (100, 250_000, "up to 0.25 credits"),
    ],
)
def test_it_writes_both_ends_of_an_estimate_alike(low, high, text):
    assert costs.Estimate(low, high, "project", 5).text == text
