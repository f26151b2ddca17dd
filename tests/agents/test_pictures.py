"""Pictures of versions: taken after a run by a worker, shown to their owner only, kept within bounds."""

import io

import pytest
from django.core.management import call_command
from django.urls import reverse

from agents import browser, pictures, tasks
from agents.models import Sandbox
from projects import pictures as kept
from projects import services, versions
from projects.models import Picture
from tests.agents.scripted import finish, page, write

WEBP = b"RIFF\x00\x00\x00\x00WEBPVP8 picture"


def url(project, number=1):
    return reverse("version-picture", args=[project.pk, number])


@pytest.mark.skipif(not browser.available(), reason="NO CHROMIUM")
def test_it_takes_one_of_the_app_as_it_is_and_shows_it_in_the_list(model, start, work, as_user, bob, monkeypatch):
    model.say([write(index_html=page("Tea"))], [finish()])
    project = work(start()).project
    client = as_user(project.owner)
    listed = client.get(reverse("project-list"))
    assert "<img" not in listed.text and url(project) not in listed.text
    monkeypatch.undo()  # the browser that the model's fixture hid
    tasks.take_picture(str(project.pk))
    answer = client.get(url(project))
    assert answer.headers["Content-Type"] == "image/webp" and answer.content[8:12] == b"WEBP"
    assert "private" in answer.headers["Cache-Control"]
    assert url(project) in client.get(reverse("project-list")).text
    assert as_user(bob).get(url(project)).status_code == 404
    assert as_user(None).get(url(project)).status_code == 302
    taken = Picture.objects.get().created
    tasks.take_picture(str(project.pk))
    assert Picture.objects.get().created == taken, "one is enough"


@pytest.mark.skipif(not browser.available(), reason="NO CHROMIUM")
def test_it_keeps_none_of_a_page_that_has_not_drawn_itself(model, start, work, monkeypatch):
    model.say([write(index_html="<!doctype html><title>Tea</title><div id=app></div>")], [finish()])
    project = work(start()).project
    monkeypatch.undo()  # the browser that the model's fixture hid
    with pytest.raises(pictures.NotSeen):
        pictures.take(project)
    assert not Picture.objects.exists()


def test_it_takes_none_while_the_app_is_not_at_that_version_or_sleeps(model, start, work):
    model.say([write(index_html=page("Tea"))], [finish()])
    project = work(start()).project
    versions.save_file(project, "index.html", b"<h1>New</h1>")
    assert not pictures.take(project)
    Sandbox.objects.update(version=2, paused=True)
    assert not pictures.take(project)
    assert not Picture.objects.exists()


def test_its_address_is_told_of_one_version_as_of_all(api, project):
    versions.save_file(project, "app.js", b"let a = 2;")
    assert kept.keep(project.versions.get(number=2), WEBP)
    client, there = api(project.owner), f"/api/v1/projects/{project.pk}/versions/"
    assert [one["picture"] for one in client.get(there).json()["results"]] == [url(project, 2), None]
    assert client.get(f"{there}2/").json()["picture"] == url(project, 2)
    assert client.patch(f"{there}1/", {"title": "Begin"}).json()["picture"] is None


def test_it_keeps_the_newest_and_copies_come_along(project):
    for number in range(2, kept.KEPT + 4):
        versions.save_file(project, "app.js", f"let a = {number};".encode())
        assert kept.keep(project.versions.get(number=number), WEBP)
    numbers = Picture.objects.filter(version__project=project).values_list("version__number", flat=True)
    assert sorted(numbers) == list(range(4, kept.KEPT + 4))
    copy = services.duplicate(project)
    assert bytes(Picture.objects.get(version__project=copy).webp) == WEBP
    said = io.StringIO()
    call_command("pictures", "prune", "--keep", "1", stdout=said)
    assert f"{kept.KEPT - 1} removed." in said.getvalue() and "2 pictures of 2 projects" in said.getvalue()


@pytest.mark.parametrize("webp", [b"", b"<svg onload=alert(1)>", b"RIFF\x00\x00\x00\x00WEBP" + b"x" * kept.MAX_BYTES])
def test_it_refuses_what_is_no_picture(project, webp):
    assert not kept.keep(project.versions.get(), webp)
    assert not Picture.objects.exists()
