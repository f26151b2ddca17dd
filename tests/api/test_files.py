"""Files, versions, diffs and ZIPs over REST."""

import base64
import io
import time
import zipfile
from uuid import uuid4

import pytest

from agents.models import Run, Step
from projects import versions


@pytest.fixture
def url(project):
    return f"/api/v1/projects/{project.pk}/"


def test_it_lists_the_files_of_a_version(api, alice, project, url):
    versions.save(project, {"new.txt": b"hello"}, source="run")
    client = api(alice)
    assert client.get(f"{url}files/").json() == {"version": 2, "files": [{"path": "new.txt", "size": 5}]}
    assert [one["path"] for one in client.get(f"{url}files/?version=1").json()["files"]] == ["app.js", "index.html"]


def test_it_lists_no_files_before_the_first_version(api, alice, project, url):
    project.versions.all().delete()
    assert api(alice).get(f"{url}files/").json() == {"version": None, "files": []}


@pytest.mark.parametrize("version", ["3", "0", "-1", "x", "9" * 30])
def test_it_answers_404_for_a_version_that_is_not_there(api, alice, url, version):
    for route in ("files/", "files/app.js", "download/"):
        assert api(alice).get(f"{url}{route}?version={version}").status_code == 404


def test_it_shows_text_and_bytes(api, alice, project, url):
    versions.save(project, {"dot.bin": b"\xff\x00", "a b/ü.txt": "ä".encode()}, source="run")
    client = api(alice)
    assert client.get(f"{url}files/a%20b/%C3%BC.txt").json() == {
        "path": "a b/ü.txt",
        "version": 2,
        "size": 2,
        "encoding": "utf-8",
        "content": "ä",
    }
    body = client.get(f"{url}files/dot.bin").json()
    assert body["encoding"] == "base64" and base64.b64decode(body["content"]) == b"\xff\x00"


def test_it_never_gives_a_users_file_to_a_browser_as_a_page(api, alice, url):
    answer = api(alice).get(f"{url}files/index.html?raw=1")
    assert answer.content == b"<h1>Bread</h1>\n"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_it_saves_a_file_as_a_version_and_tells_the_page(api, alice, project, url):
    answer = api(alice).put(f"{url}files/app.js", {"content": "let a = 2;\n"})
    assert answer.status_code == 201 and answer.json()["number"] == 2 and answer.json()["source"] == "edit"
    assert versions.read(project.versions.first(), "app.js") == b"let a = 2;\n"
    event = Step.objects.get(project=project, type="version")
    assert (event.cursor, event.data["number"], event.data["changed"]) == (1, 2, ["app.js"])


def test_it_makes_no_version_of_the_same_content(api, alice, project, url):
    answer = api(alice).put(f"{url}files/app.js", {"content": "let a = 1;\n"})
    assert (answer.status_code, answer.json()["number"]) == (200, 1)
    assert not Step.objects.filter(project=project).exists()


@pytest.mark.parametrize("path", ["dist/app.js", "src/node_modules/tea.js", ".next"])
def test_it_refuses_a_file_that_would_not_be_kept(api, alice, project, url, path):
    answers = [
        api(alice).put(f"{url}files/{path}", {"content": "1"}),
        api(alice).post(f"{url}files/", {"files": [{"path": path, "content": "1"}]}),
        api(alice).patch(f"{url}files/app.js", {"path": path}),
    ]
    assert [answer.status_code for answer in answers] == [400] * 3
    assert all("would be lost" in str(answer.json()) for answer in answers)
    assert api(alice).put(f"{url}files/src/dist/app.js", {"content": "1"}).status_code == 201


def test_it_takes_bytes_as_base64(api, alice, project, url):
    content = base64.b64encode(b"\xff\x00").decode()
    assert api(alice).put(f"{url}files/dot.bin", {"content": content, "encoding": "base64"}).status_code == 201
    assert versions.read(project.versions.first(), "dot.bin") == b"\xff\x00"
    assert api(alice).put(f"{url}files/dot.bin", {"content": "?", "encoding": "base64"}).status_code == 400


def test_it_deletes_a_file(api, alice, project, url):
    assert api(alice).delete(f"{url}files/app.js").status_code == 201
    assert list(project.versions.first().manifest) == ["index.html"]
    assert api(alice).delete(f"{url}files/app.js").status_code == 404


@pytest.mark.parametrize("path", ["..%2Fx", "a%2F..%2Fb", "a%00b", "a%5Cb", "INDEX.html", "%2Fetc%2Fpasswd", "x" * 300])
def test_it_refuses_a_hostile_path(api, alice, project, url, path):
    answer = api(alice).put(f"{url}files/{path}", {"content": "x"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert project.versions.count() == 1


def test_it_does_not_edit_under_a_run(api, alice, run):
    url = f"/api/v1/projects/{run.project_id}/"
    client = api(alice)
    for answer in (
        client.put(f"{url}files/app.js", {"content": "x"}),
        client.delete(f"{url}files/app.js"),
        client.post(f"{url}versions/1/restore/"),
    ):
        assert answer.status_code == 409 and "run is at work" in answer.json()["detail"]
    Run.objects.update(state="succeeded")
    assert client.put(f"{url}files/app.js", {"content": "x"}).status_code == 201


def test_it_restores_and_undoes_the_restore(api, alice, project, url):
    client = api(alice)
    client.put(f"{url}files/app.js", {"content": "2"})
    assert client.post(f"{url}versions/1/restore/").json()["number"] == 3
    assert client.post(f"{url}versions/2/restore/").json()["number"] == 4
    assert client.post(f"{url}versions/2/restore/").status_code == 200
    assert [one["source"] for one in client.get(f"{url}versions/").json()["results"]] == [
        "restore",
        "restore",
        "edit",
        "run",
    ]
    assert client.post(f"{url}versions/99/restore/").status_code == 404


def test_it_shows_what_changed_between_two_versions(api, alice, url):
    client = api(alice)
    client.put(f"{url}files/app.js", {"content": "let a = 2;\n"})
    (change,) = client.get(f"{url}versions/1/diff/2/").json()
    assert (change["path"], change["action"], change["added"], change["removed"]) == ("app.js", "changed", 1, 1)
    assert "-let a = 1;\n+let a = 2;" in change["diff"]
    assert [one["action"] for one in client.get(f"{url}versions/0/diff/1/").json()] == ["added", "added"]
    assert client.get(f"{url}versions/1/diff/99/").status_code == 404


def test_it_shows_no_diff_of_very_many_lines_but_what_came_as_a_whole(api, alice, url):
    """Lines that come back in another order: 60,000 of them took minutes."""
    client = api(alice)
    for step in (1, 7):
        content = "".join(f"l{(number * step) % 100}\n" for number in range(8_000))
        assert client.put(f"{url}files/app.js", {"content": content}).status_code == 201
    began = time.process_time()
    (change,) = client.get(f"{url}versions/2/diff/3/").json()
    assert (change["action"], change["added"], change["diff"]) == ("changed", 0, None)
    assert time.process_time() - began < 4
    came = {one["path"]: one for one in client.get(f"{url}versions/0/diff/2/").json()}["app.js"]
    assert came["added"] == 8_000 and came["diff"]


def test_it_says_of_very_many_changes_only_that_there_are(api, alice, project, url):
    """Each of these files takes half a second, so all of them took 20."""
    sides = [
        {
            f"{number:02}.js": "".join(f"l{(line * step) % 100}\n" for line in range(3_000)).encode()
            for number in range(40)
        }
        for step in (1, 7)
    ]
    versions.save(project, {**sides[0], "z-old.js": b""}, source="edit")
    versions.save(project, {**sides[1], "z-new.js": b""}, source="edit")
    began = time.process_time()
    changes = api(alice).get(f"{url}versions/2/diff/3/").json()
    assert time.process_time() - began < 10
    assert len(changes) == 42 and changes[0]["diff"] and changes[0]["added"]
    assert [(one["action"], one["diff"], one["added"]) for one in changes[-3:]] == [
        ("changed", None, 0),
        ("added", None, 0),
        ("deleted", None, 0),
    ]


def test_it_downloads_a_zip_with_a_safe_name(api, alice, project, url):
    project.name = 'My "shop"\r\nX-Evil: 1; ü/../'
    project.save()
    answer = api(alice).get(f"{url}download/")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename")
    assert "Evil: 1" not in answer.headers["Content-Disposition"]
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert archive.namelist() == ["app.js", "index.html"]


ROUTES = ["files/", "files/app.js", "versions/", "versions/1/diff/1/", "download/", "sandbox/", "events/", "messages/"]


@pytest.mark.parametrize("route", ROUTES)
def test_it_hides_everything_below_a_project_from_a_stranger(api, bob, project, url, route):
    stranger, missing = api(bob).get(url + route), api(bob).get(f"/api/v1/projects/{uuid4()}/{route}")
    assert (stranger.status_code, stranger.json()) == (404, missing.json())


def test_it_gives_a_file_another_path(api, alice, project, url):
    client = api(alice)
    answer = client.patch(f"{url}files/app.js", {"path": "src/main.js"})
    assert (answer.status_code, answer.json()["title"]) == (201, "Rename app.js to src/main.js")
    assert list(project.versions.first().manifest) == ["index.html", "src/main.js"]
    assert client.patch(f"{url}files/app.js", {"path": "b.js"}).status_code == 404
    assert client.patch(f"{url}files/src/main.js", {"path": "index.html"}).status_code == 400
    assert client.patch(f"{url}files/src/main.js", {"path": "../b.js"}).status_code == 400
    assert project.versions.count() == 2


def test_it_restores_one_file_or_one_folder(api, alice, project, url):
    client = api(alice)
    versions.save(project, {"index.html": b"new", "app.js": b"2", "src/a.js": b"a", "src/b.js": b"b"}, source="run")
    assert client.post(f"{url}versions/1/restore/", {"path": "app.js"}).status_code == 201
    newest = project.versions.first()
    assert (versions.read(newest, "app.js"), versions.read(newest, "index.html")) == (b"let a = 1;\n", b"new")
    assert newest.title == "Restore app.js from version 1"
    assert client.post(f"{url}versions/1/restore/", {"path": "src"}).status_code == 201
    assert list(project.versions.first().manifest) == ["app.js", "index.html"]
    assert client.post(f"{url}versions/1/restore/", {"path": "src"}).status_code == 404
    assert client.post(f"{url}versions/1/restore/", {"path": "app.js"}).status_code == 200


def test_it_gives_a_version_a_title(api, alice, project, url):
    answer = api(alice).patch(f"{url}versions/1/", {"title": "  The good\none "})
    assert (answer.status_code, answer.json()["title"]) == (200, "The good one")
    assert api(alice).patch(f"{url}versions/1/", {"title": "x" * 201}).status_code == 400
    assert api(alice).patch(f"{url}versions/9/", {"title": "x"}).status_code == 404


def test_it_finds_words_in_files(api, alice, project, url):
    versions.save(project, {"a.txt": b"one\nTwo two\n", "b.bin": b"two\x00", "c.txt": b"two\n" * 300}, source="run")
    found = api(alice).get(f"{url}search/?q=tWo").json()
    assert found["matches"][0] == {"path": "a.txt", "line": 2, "column": 0, "text": "Two two"}
    assert {one["path"] for one in found["matches"]} == {"a.txt", "c.txt"}
    assert (len(found["matches"]), found["more"], found["version"]) == (200, True, 2)
    assert api(alice).get(f"{url}search/?q=bread&version=1").json()["matches"][0]["path"] == "index.html"
    assert api(alice).get(f"{url}search/?q=").json()["matches"] == []
