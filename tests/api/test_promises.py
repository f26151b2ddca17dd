"""The promises of a project over REST: read, add one by hand, delete one."""

import pytest

from projects import briefing, promises
from projects.models import Promise


@pytest.fixture
def url(project):
    return f"/api/v1/projects/{project.pk}/promises/"


def test_it_takes_one_by_hand_shows_it_and_deletes_it(api, alice, url):
    made = api(alice).post(url, {"says": " Bread  is sold ", "text": "Bread", "path": "/shop"})
    assert made.status_code == 201
    told = made.json()
    assert (told["says"], told["path"], told["text"]) == ("Bread is sold", "/shop", "Bread")
    assert (told["version"], told["holds"], told["checked"]) == (None, None, None)
    assert api(alice).get(url).json() == [told]
    assert api(alice).delete(f"{url}{told['id']}/").status_code == 204
    assert api(alice).delete(f"{url}{told['id']}/").status_code == 404
    assert api(alice).get(url).json() == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("says", ""),
        ("says", "x" * 121),
        ("text", " "),
        ("text", "x" * 81),
        ("text", "a\x07b"),
        ("path", "shop"),
        ("path", "//evil.example"),
        ("path", "/../x"),
        ("path", "/?q=1"),
        ("path", "/" + "x" * 200),
    ],
)
def test_it_refuses_what_is_none(api, alice, url, field, value):
    answer = api(alice).post(url, {"says": "Bread", "text": "Bread", field: value})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert not Promise.objects.exists()


def test_it_takes_each_once_and_no_more_than_forty(api, alice, url, project):
    for number in range(promises.MAX_PROMISES - 1):
        briefing.promise(project, "Bread", "/", f"Bread {number}")
    twice = api(alice).post(url, {"says": "Again", "text": "bread  1"})
    assert (twice.status_code, list(twice.json()["errors"])) == (400, ["text"])
    assert api(alice).post(url, {"says": "The last", "text": "Rolls"}).status_code == 201
    over = api(alice).post(url, {"says": "One more", "text": "Cake"})
    assert over.status_code == 400 and "at most 40" in over.json()["errors"]["says"][0]


def test_it_knows_no_strangers_and_no_other_projects(api, alice, bob, url, project, person):
    one = briefing.promise(project, "Bread", "/", "Bread")
    missing = api(bob).delete(f"{url}{10**8}/")
    theirs = api(bob).delete(f"{url}{one.pk}/")
    assert theirs.status_code == 404 and theirs.content == missing.content
    from projects import services

    own = services.create_project(bob, "A page", model="vibe-m", framework="html")
    assert api(bob).delete(f"/api/v1/projects/{own.pk}/promises/{one.pk}/").status_code == 404
    assert Promise.objects.count() == 1
