"""A share link shows the running app and the name to whoever has it, nothing else, and not after it is withdrawn."""

import re

import pytest

from agents.models import Sandbox
from projects import services
from projects.models import Share


@pytest.fixture
def link(api, alice, project):
    made = api(alice).post(f"/api/v1/projects/{project.pk}/share/")
    assert made.status_code == 201
    return re.sub(r"^https?://[^/]+", "", made.json()["url"])


def test_it_makes_one_link_until_it_is_withdrawn(api, alice, project, link, as_user):
    url = f"/api/v1/projects/{project.pk}/share/"
    again = api(alice).post(url)
    assert again.status_code == 200 and again.json()["url"].endswith(link)
    assert api(alice).get(url).json()["url"].endswith(link)
    assert api(alice).delete(url).status_code == 204
    assert api(alice).get(url).json() == {"url": None, "created": None, "replay": False}
    for path in (link, f"{link}state/"):
        assert as_user().get(path).status_code == 404
    assert api(alice).post(url).json()["url"].endswith(link) is False


def test_it_shows_a_stranger_the_name_and_the_app_only(project, link, as_user, bob, alice):
    services.add_message(project, "user", "a secret wish")
    Sandbox.objects.create(project=project, sandbox_id="sandbox-1", template="html", host="3000-x.localhost:1")
    for somebody in (None, bob):
        page = as_user(somebody).get(link)
        assert page.status_code == 200 and project.name in page.text
        assert page.headers["X-Robots-Tag"] == "noindex, nofollow" and "noindex" in page.text
        assert page.headers["Referrer-Policy"] == "no-referrer"
        for hidden in (str(project.pk), alice.email, "secret wish", "app.js", "sandbox-1", "<h1>Bread"):
            assert hidden not in page.text
    assert as_user().get(f"{link}state/").json() == {"state": "running", "url": "http://3000-x.localhost:1/"}
    Sandbox.objects.update(paused=True)
    assert as_user().get(f"{link}state/").json() == {"state": "paused", "url": None}


def test_it_wakes_the_app_now_and_then_only(project, link, as_user):
    from django.core.cache import cache

    cache.delete(f"shared-wake:{project.pk}")
    for _ in range(3):
        assert as_user().post(f"{link}wake/").status_code == 202
    assert project.steps.filter(type="preview").count() == 1


@pytest.mark.parametrize("what", ["deleted", "suspended"])
def test_it_ends_with_the_project_and_its_owner(project, link, as_user, alice, what):
    if what == "deleted":
        services.delete(project)
    else:
        alice.is_active = False
        alice.save()
    assert Share.objects.exists()
    assert as_user().get(link).status_code == 404
    assert as_user().get(f"{link}state/").status_code == 404
    assert as_user().post(f"{link}wake/").status_code == 404
