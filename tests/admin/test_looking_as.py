"""Staff may look at the site as somebody else: to read only, without secrets, written down, for an hour."""

import time

import pytest
from django.contrib.admin.models import LogEntry

from vibe import looking_as

pytestmark = pytest.mark.django_db


@pytest.fixture
def begin(as_user, staff):
    """`begin(person)`: staff's client, which looks as that person if that was allowed."""

    def make(person, by=staff, reason="A ticket"):
        client = as_user(by)
        client.last = client.post(f"/staff/look-as/{person.pk}/", {"reason": reason})
        return client

    return make


def test_it_shows_what_they_see_and_says_so(begin, project):
    page = begin(project.owner).get(project.get_absolute_url())
    assert page.status_code == 200
    assert f"You are looking as <strong>{project.owner.email}</strong>" in page.content.decode()
    assert begin(project.owner).get(f"/api/v1/projects/{project.pk}/").status_code == 200


def test_it_changes_nothing(begin, project):
    client = begin(project.owner)
    assert client.post(f"/projects/{project.pk}/rename/", {"name": "Theirs"}).status_code == 403
    assert client.delete(f"/api/v1/projects/{project.pk}/").status_code == 403
    project.refresh_from_db()
    assert project.name != "Theirs" and project.deleted is None


@pytest.mark.parametrize(
    "path", ["/settings/", "/accounts/password/change/", "/accounts/2fa/", "/admin/", "/staff/status/"]
)
def test_it_keeps_secrets_closed(begin, alice, path):
    assert begin(alice).get(path).status_code == 403


def test_it_is_written_down_at_both_ends(begin, alice, staff):
    client = begin(alice, reason="Their preview is blank")
    client.post("/staff/look-as/stop/")
    said = list(LogEntry.objects.filter(object_id=alice.pk).order_by("pk").values_list("user_id", "change_message"))
    assert said == [
        (staff.pk, "Began to look as this person: Their preview is blank"),
        (staff.pk, "Stopped looking as this person."),
    ]
    assert client.get("/staff/status/").status_code == 200


def test_it_ends_after_an_hour(begin, project, monkeypatch):
    client = begin(project.owner)
    now = time.time()
    monkeypatch.setattr("vibe.looking_as.time.time", lambda: now + looking_as.SECONDS + 1)
    assert client.get(project.get_absolute_url()).status_code == 404
    assert client.get("/staff/status/").status_code == 200


def test_it_refuses_others_and_other_targets(begin, alice, bob, person, protect, staff):
    assert begin(bob, by=alice).last.status_code == 404
    # Staff without a second factor are sent to set one up; with one they find nothing either.
    assert begin(bob, by=person(is_staff=True)).last.url == "/accounts/2fa/"
    assert begin(bob, by=protect(person(is_staff=True))).last.status_code == 404
    for target in (staff, person(is_staff=True), person(is_active=False)):
        client = begin(target)
        assert looking_as.KEY not in client.session
    assert looking_as.KEY not in begin(alice, reason=" ").session


def test_it_ends_when_the_person_becomes_staff(begin, alice):
    client = begin(alice)
    alice.is_staff = True
    alice.save()
    assert b"You are looking as" not in client.get("/projects/").content
