"""Messages of one project are worked on one after the other, in order; projects do not wait for each other."""

import threading

import pytest
from django.db import connection, transaction

from agents import edits, people_views, runs, services
from agents.models import Run
from projects.services import BadPrompt
from tests.agents.scripted import finish, page, write
from tests.site import somebody_waits
from usage.services import NotEnoughCredits, account_of, release


def test_it_waits_for_the_run_before_it(start):
    first = start()
    second = services.start_run(first.project, "And a second thing")

    assert runs.claim(second.pk, 30) is None
    assert runs.claim(first.pk, 30)
    assert runs.claim(second.pk, 30) is None


def test_it_works_through_the_queue_in_order(model, start, work):
    model.say([write(index_html=page("Tea"))], [finish()], [write(index_html=page("Coffee"))], [finish()])
    first = start()
    second = services.start_run(first.project, "Now coffee")
    first, second = work(first), work(second)

    assert (first.state, second.state) == (Run.State.SUCCEEDED, Run.State.SUCCEEDED)
    assert (first.version.number, second.version.number) == (1, 2)


def test_it_lets_projects_run_side_by_side(start):
    assert runs.claim(start("One").pk, 30)
    assert runs.claim(start("Two").pk, 30)


def test_it_leaves_workers_for_others_when_one_user_has_many(start, django_user_model, settings):
    settings.RUNS_PER_USER = 2
    mine = [start(f"Number {number}") for number in range(4)]
    other = services.start_project(django_user_model.objects.create_user("bea@example.com", None), "Mine", "html")

    assert [bool(runs.claim(run.pk, 30)) for run in mine] == [True, True, False, False]
    assert runs.claim(other.pk, 30)
    assert set(runs.due_after(mine[0].project_id)) == set(mine[2:])


def test_it_gives_one_user_no_more_when_two_workers_ask_at_once(start, settings, eventually):
    settings.RUNS_PER_USER = 1
    first, second = start("One"), start("Two")
    got = []

    def ask():
        got.append(runs.claim(second.pk, 30))
        connection.close()

    other = threading.Thread(target=ask)
    with transaction.atomic():  # the first claim is made and not yet to be seen
        assert runs.claim(first.pk, 30)
        other.start()
        eventually(lambda: got or somebody_waits())
    other.join()
    assert got == [None]


def test_it_takes_no_edit_while_a_run_is_being_asked_for(start, eventually):
    first = start()
    project = first.project
    services.cancel_run(first)
    came = []

    def save():
        try:
            edits.save_file(project, "index.html", b"by hand")
            came.append("saved")
        except services.NotNow as refused:
            came.append(str(refused))
        connection.close()

    other = threading.Thread(target=save)
    with transaction.atomic():  # the run is asked for and not yet to be seen
        services.start_run(project, "Change it")
        other.start()
        eventually(lambda: came or somebody_waits())
    other.join()
    assert came == ["A run is at work on these files. Wait for it, or stop it first."]


@pytest.mark.parametrize("act", ["says more", "takes back", "leaves"])
def test_it_and_the_end_of_the_run_before_it_do_not_wait_for_each_other(start, owner, api, eventually, act):
    first = start()
    second = services.start_run(first.project, "And a second thing")
    fence, client, came = runs.claim(first.pk, 30), api(owner), []
    assert fence

    def other():
        if act == "says more":
            url = f"/api/v1/projects/{first.project_id}/messages/"
            came.append(client.post(url, {"text": "And a third one"}).status_code == 202)
        elif act == "takes back":
            services.drop_queued(second)
            came.append(True)
        else:
            people_views.delete(owner)
            came.append(True)
        connection.close()

    thread = threading.Thread(target=other)
    with transaction.atomic():  # as a run is closed: its row, the project's, the account's
        runs.append(fence, "state", {"state": Run.State.SUCCEEDED})
        thread.start()
        eventually(lambda: came or somebody_waits())
        release(first.pk)
        runs.finish(fence, Run.State.SUCCEEDED)
    thread.join()
    assert came == [True]


def test_it_goes_on_with_the_next_when_one_is_stopped(start):
    first = start()
    second = services.start_run(first.project, "And a second thing")
    services.cancel_run(first)
    assert runs.claim(second.pk, 30)


def test_it_refuses_a_queue_without_end(start):
    run = start()
    for number in range(services.MAX_QUEUED):
        services.start_run(run.project, f"Change {number}")
    with pytest.raises(BadPrompt, match="wait already"):
        services.start_run(run.project, "One too many")


def test_it_leaves_nothing_behind_when_credits_are_missing(start, owner):
    for _ in range(25):
        run = start()
    with pytest.raises(NotEnoughCredits):
        services.start_project(owner, "One too many")
    assert account_of(owner).available == 0
    assert owner.projects.count() == 25
    services.cancel_run(run)
    services.start_project(owner, "Fits again")
    assert owner.projects.count() == 26


def test_it_stops_when_credits_run_out_in_the_middle_and_keeps_the_work(model, start, work, settings, owner):
    settings.RUN_RESERVE_MICRO = 1_000
    run = start()
    account = account_of(owner)
    type(account).objects.filter(pk=account.pk).update(balance=3_000)
    from usage.models import Entry

    Entry.objects.create(account=account, kind="charge", amount=3_000 - 25_000_000, key="spent")
    model.say([write(index_html=page("Tea"))], [finish()])
    run = work(run)

    assert (run.state, run.reason) == (Run.State.STOPPED, "credits")
    assert len(model.requests) == 1
    assert "index.html" in run.version.manifest
    account.refresh_from_db()
    assert (account.balance, account.reserved) == (0, 0)
