"""What a body may set and what an answer may tell: lists of fields, so that a new one is a decision."""

import json

import pytest

from accounts.models import User
from agents.models import Run
from projects.models import Project
from usage.services import account_of

FORBIDDEN = {
    "id": "00000000-0000-0000-0000-000000000001",
    "owner": 1,
    "owner_id": 1,
    "user": 1,
    "credits": 10**9,
    "balance": 10**9,
    "reserved": 0,
    "is_staff": True,
    "is_superuser": True,
    "is_active": True,
    "plan": "team",
    "state": "succeeded",
    "cost": -1,
    "usage": {},
    "sandbox": "x",
    "sandbox_id": "x",
    "lease_token": 99,
    "cursor": 99,
    "deleted": None,
    "number": 99,
    "verdict": {"build": True},
    "created": "2001-01-01T00:00:00Z",
    "run": "00000000-0000-0000-0000-000000000001",
}
WRITABLE = [
    ("post", "projects/", {"prompt": "A page", "framework": "html"}),
    ("patch", "projects/{project}/", {"name": "New"}),
    ("post", "projects/{project}/messages/", {"text": "Make it blue"}),
    ("put", "projects/{project}/files/app.js", {"content": "x"}),
    ("patch", "projects/{project}/versions/1/", {"title": "Good"}),
    ("patch", "runs/{run}/", {"text": "Make it red"}),
]


def picture(*people):
    """What no body may change, of these people."""
    return [
        list(
            User.objects.filter(pk__in=[one.pk for one in people])
            .order_by("pk")
            .values("is_staff", "is_superuser", "email")
        ),
        [(account_of(one).balance, account_of(one).plan) for one in people],
        list(Run.objects.filter(cost__lt=0)),
        list(Run.objects.exclude(state="queued")),
        list(Run.objects.filter(lease_token__gt=0)),
        list(Project.objects.filter(created__year=2001)),
        list(Project.objects.values_list("owner", flat=True).distinct()),
    ]


@pytest.mark.parametrize(("method", "path", "body"), WRITABLE)
def test_it_takes_no_field_that_is_not_the_callers_to_set(api, alice, bob, project, run, method, path, body):
    before = picture(alice, bob)
    more = {**FORBIDDEN, "owner": bob.pk, "owner_id": bob.pk, "user": bob.pk}
    busy = "files" in path  # nothing may be edited while a run is under way
    if busy:
        Run.objects.all().delete()
    address = f"/api/v1/{path.format(project=project.pk, run=run.pk)}"
    answer = getattr(api(alice), method)(address, {**more, **body}, format="json")
    assert answer.status_code in (200, 201, 202, 400), answer.content
    assert picture(alice, bob) == before
    told = json.dumps(answer.json())
    assert bob.email not in told


SECRET = (
    "password",
    "sealed",
    "digest",
    "lease",
    "record",
    "external",
    "customer",
    "deflated",
    "is_staff",
    "session",
    "secret",
)


@pytest.mark.parametrize(
    "path",
    [
        *("projects/", "projects/{project}/", "projects/{project}/messages/", "projects/{project}/versions/", "usage/"),
        *("projects/{project}/events/", "projects/{project}/files/", "projects/{project}/sandbox/", "runs/{run}/"),
        *("models/", "frameworks/", "estimate/", "runs/{run}/cost/"),
    ],
)
def test_it_tells_no_secret_and_nobody_elses_name(api, alice, bob, project, run, path):
    answer = api(alice).get(f"/api/v1/{path.format(project=project.pk, run=run.pk)}")
    assert answer.status_code == 200
    names = set(keys(answer.json()))
    assert not [name for name in names if any(word in name for word in SECRET)], names
    assert alice.email not in answer.text and bob.email not in answer.text


def keys(value):
    if isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from keys(item)
    elif isinstance(value, list):
        for item in value:
            yield from keys(item)
