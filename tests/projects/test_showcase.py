"""The showcase: publishing with approval, what everybody sees, a live look within bounds, remixing, withdrawing."""

from uuid import uuid4

import pytest
from django.urls import reverse

from agents.models import Sandbox
from projects import pictures, services, showcase, versions
from projects.models import Project, ShowcaseEntry
from vibe import showcase as pages

WEBP = b"RIFF\x00\x00\x00\x00WEBPVP8 picture"


@pytest.fixture
def good(alice):
    """A project of alice's whose newest version passed its checks and has a picture."""
    project = services.create_project(alice, "A page for a bakery", model="vibe-m", framework="html")
    services.add_message(project, "user", "A page for a bakery, secretly for my wedding")
    version = versions.save(project, {"index.html": b"<h1>Bread</h1>"}, source="run", verdict={"page": True})
    assert version
    pictures.keep(version, WEBP)
    return project


@pytest.fixture
def entry(good):
    made = showcase.publish(good, "Bread", "shops", prompt="A page for a bakery")
    ShowcaseEntry.objects.update(state="listed")
    return made


def url(name, pk):
    return reverse(name, args=[pk])


def test_it_shows_no_key_of_the_prompt(good):
    made = showcase.publish(good, "Bread", "shops", prompt="Chat by sk-ant-api03-abcdefghijklmnop0123456789")
    assert made.prompt == "Chat by [removed]"


def test_it_is_sent_in_by_its_owner_and_shown_once_staff_approved(as_user, alice, bob, staff, good):
    client, anyone = as_user(alice), as_user()
    assert "Send version 1 in" in client.get(url("project-publish", good.pk)).text
    assert client.post(url("project-publish", good.pk), {"title": "Bread", "category": "shops"}).status_code == 302
    entry = ShowcaseEntry.objects.get()
    assert (entry.title, entry.category, entry.state, entry.prompt) == ("Bread", "shops", "waiting", "")
    assert anyone.get(url("showcase-entry", entry.pk)).status_code == 404
    assert anyone.get(url("showcase-picture", entry.pk)).status_code == 404
    assert "Bread" not in anyone.get(reverse("showcase")).text
    change = {"action": "approve", "_selected_action": [str(entry.pk)]}
    assert as_user(staff).post(reverse("admin:projects_showcaseentry_changelist"), change).status_code == 302
    assert "Bread" in anyone.get(reverse("showcase")).text
    assert "Bread" in anyone.get(reverse("showcase"), {"category": "shops"}).text
    assert "Bread" not in anyone.get(reverse("showcase"), {"category": "games"}).text
    shown = anyone.get(url("showcase-entry", entry.pk)).text
    assert "index.html" in shown and "wedding" not in shown
    assert "public" in anyone.get(url("showcase-picture", entry.pk)).headers["Cache-Control"]
    assert as_user(bob).get(url("project-publish", good.pk)).status_code == 404


def test_it_says_who_made_it_and_shows_no_part_of_an_address(as_user, alice, good, entry):
    alice.email, alice.name = "very-secret@example.com", ""
    alice.save()
    anyone, client = as_user(), as_user(alice)
    assert "shown as made by somebody here" in client.get(url("project-publish", good.pk)).text
    shown = anyone.get(url("showcase-entry", entry.pk)).text
    assert "By somebody here" in shown and "very-secret" not in shown
    alice.name = "Ann"
    alice.save()
    assert "shown as made by Ann" in client.get(url("project-publish", good.pk)).text
    assert "By Ann" in anyone.get(url("showcase-entry", entry.pk)).text


def test_it_shows_what_was_approved_whatever_becomes_of_the_project(as_user, good, entry):
    versions.save(good, {"index.html": b"<h1>Other</h1>"}, source="run", verdict={"page": True})
    services.delete(good)
    copied = showcase.public().get().project
    assert versions.read(copied.versions.get(), "index.html") == b"<h1>Bread</h1>"
    assert as_user().get(url("showcase-entry", entry.pk)).status_code == 200


@pytest.mark.parametrize(
    ("verdict", "data"),
    [({}, {}), ({"page": False}, {}), ({"page": True}, {"category": "x"}), ({"page": True}, {"title": " "})],
)
def test_it_refuses_what_is_not_ready_or_not_said(as_user, alice, good, verdict, data):
    versions.save(good, {"index.html": b"<h1>New</h1>"}, source="run", verdict=verdict)
    sent = {"title": "Bread", "category": "shops", **data}
    assert as_user(alice).post(url("project-publish", good.pk), sent).status_code == 400
    assert not ShowcaseEntry.objects.exists()


def test_it_says_whether_a_version_failed_its_checks_or_had_none_and_offers_what_helps(as_user, alice, good):
    client = as_user(alice)
    versions.save_file(good, "index.html", b"<h1>By hand</h1>")
    unchecked = client.get(url("project-publish", good.pk)).text
    assert "Version 2 was not checked yet" in unchecked and "Have it checked" in unchecked
    assert f'action="{url("message-send", good.pk)}"' in unchecked and "mended" not in unchecked
    versions.save(good, {"index.html": b"<h1>Broken</h1>"}, source="run", verdict={"page": False})
    failed = client.get(url("project-publish", good.pk)).text
    assert "Version 3 did not pass them" in failed and "Have it mended" in failed


def test_it_leaves_the_files_of_secrets_behind(as_user, alice, bob, good):
    files = {"index.html": b"<h1>Bread</h1>", ".env": b"PASSWORD=open", "certs/key.pem": b"key", ".env.example": b"A="}
    versions.save(good, files, source="run", verdict={"page": True})
    made = showcase.publish(good, "Bread", "shops")
    assert set(made.project.versions.get().manifest) == {"index.html", ".env.example"}

    # One that was published when nobody looked for them.
    copied = made.project.versions.get()
    copied.manifest = good.versions.first().manifest
    copied.save()
    ShowcaseEntry.objects.update(state="listed")
    as_user(bob).post(url("showcase-remix", made.pk))
    assert set(Project.objects.get(owner=bob).versions.get().manifest) == {"index.html", ".env.example"}


def test_it_refuses_a_key_that_everybody_could_read(as_user, alice, good):
    key = "sk-ant-" + "api03-" + "a1B2" * 20
    code = {f"src/{number}.js": f'\nconst key = "{key}";'.encode() for number in range(7)}
    versions.save(good, {"index.html": b"<h1>Bread</h1>", **code}, source="run", verdict={"page": True})
    answer = as_user(alice).post(url("project-publish", good.pk), {"title": "Bread", "category": "shops"})
    assert answer.status_code == 400 and not ShowcaseEntry.objects.exists()
    assert "src/0.js, line 2" in answer.text and "and 2 more" in answer.text and key not in answer.text


def test_it_keeps_one_that_waits(alice, good):
    for title in ("One", "Two"):
        showcase.publish(good, title, "sites")
    assert [entry.title for entry in ShowcaseEntry.objects.all()] == ["Two"]
    assert Project.objects.filter(owner=showcase.keeper()).count() == 1


def test_it_is_remixed_into_a_project_of_ones_own(as_user, bob, good, entry):
    assert "/accounts/login/" in as_user().post(url("showcase-remix", entry.pk)).url
    client = as_user(bob)
    # Where signing in leads back to.
    assert client.get(url("showcase-remix", entry.pk)).url == url("showcase-entry", entry.pk)
    assert not Project.objects.for_user(bob).exists()
    assert client.post(url("showcase-remix", entry.pk)).status_code == 302
    mine = Project.objects.for_user(bob).get()
    assert versions.read(mine.versions.get(), "index.html") == b"<h1>Bread</h1>"
    assert client.get(reverse("version-picture", args=[mine.pk, 1])).content == WEBP
    assert ShowcaseEntry.objects.get().remixes == 1
    assert client.post(url("showcase-remix", uuid4())).status_code == 404
    ShowcaseEntry.objects.update(state="refused")
    assert client.post(url("showcase-remix", entry.pk)).status_code == 404


def test_it_is_withdrawn_by_its_author_only(as_user, alice, bob, entry):
    assert as_user(bob).post(url("showcase-withdraw", entry.pk)).status_code == 404
    assert as_user(alice).post(url("showcase-withdraw", entry.pk)).status_code == 302
    assert not ShowcaseEntry.objects.exists()
    assert not Project.objects.filter(owner=showcase.keeper()).exists()


def test_it_runs_for_visitors_within_bounds(as_user, good, entry):
    client, address = as_user(), url("showcase-live", entry.pk)
    assert client.get(address).json() == {"state": "none", "url": None, "ready": False}
    assert client.post(address).status_code == 200
    assert entry.project.steps.get().type == "preview"
    for number in range(pages.LIVE_APPS):
        other = services.copy_version(good.versions.get(), showcase.keeper(), f"Other {number}")
        ShowcaseEntry.objects.create(project=other, author=good.owner, title="Other", state="listed")
        Sandbox.objects.create(project=other, sandbox_id=f"x{number}", template="html", host="x")
    full = client.post(address)
    assert full.status_code == 503 and "Try again" in full.json()["detail"]
    answers = {client.post(address).status_code for _ in range(pages.LIVE_PER_MINUTE)}
    assert 429 in answers
    assert client.get(address).status_code == 200


def test_it_asks_for_a_token_of_the_form(good, entry):
    from django.test import Client

    assert Client(enforce_csrf_checks=True).post(url("showcase-live", entry.pk)).status_code == 403
