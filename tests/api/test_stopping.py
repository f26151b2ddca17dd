"""Nothing works for a project that was deleted or a person who was suspended, however that came about."""

from accounts.models import User
from agents.models import Run
from agents.tasks import stop_suspended, sweep
from projects.models import Project
from usage.models import Account


def test_it_stops_the_runs_of_a_project_that_is_gone(run, transactional_db):
    Project.objects.update(deleted="2026-01-01T00:00Z")
    sweep()
    assert Run.objects.get(pk=run.pk).state == "cancelled"
    assert Account.objects.get(user=run.project.owner).reserved == 0


def test_it_stops_the_runs_of_a_suspended_owner(run, transactional_db):
    Run.objects.update(state="running", lease_until="2100-01-01T00:00Z")
    User.objects.update(is_active=False)
    assert [stop_suspended() for _ in range(2)] == [1, 1]
    assert Run.objects.get(pk=run.pk).cancel_requested
    assert run.project.steps.filter(type="state", data__state="cancelling").count() == 1


def test_it_leaves_the_others_alone(run, transactional_db):
    sweep()
    assert stop_suspended() == 0
    assert Run.objects.get(pk=run.pk).state == "queued"
