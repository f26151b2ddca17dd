"""A version as a commit on GitHub: a branch of one's own, nobody's work lost, no secret told, a token kept if asked."""

import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.core.management import call_command
from django.urls import reverse

from accounts import vault
from accounts.models import GitHubToken
from projects import pushing, versions
from projects.services import create_project

TOKEN = "github_pat_of_alice"


class GitHub:
    """As much of GitHub's REST API as a push speaks with: the objects of one repository, ann/tea."""

    def __init__(self):
        self.objects: dict[str, dict[str, Any]] = {}
        self.heads: dict[str, str] = {}
        self.tokens: set[str] = set()
        self.requests = 0
        self.fail = 0
        self.moved: dict[str, str] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def add(self, **facts):
        """Keeps an object; the same facts are the same object, as in Git."""
        sha = hashlib.sha1(json.dumps(facts, sort_keys=True).encode()).hexdigest()
        self.objects[sha] = {"sha": sha, **facts}
        return self.objects[sha]

    def commit(self, branch, message, files, parents=()):
        tree = self.add(files=files)
        self.heads[branch] = self.add(message=message, tree={"sha": tree["sha"]}, parents=list(parents))["sha"]
        return self.heads[branch]

    def files(self, branch):
        return self.objects[self.objects[self.heads[branch]]["tree"]["sha"]]["files"]

    def answer(self, method, path, body):
        if self.fail:
            return self.fail, {"message": "no"}
        for old, new in self.moved.items():
            if path.startswith(old):
                return 301 if method == "GET" else 307, {"url": path.replace(old, new)}
        if not path.startswith(("/repos/ann/tea", "/repositories/7")):
            return 404, {}
        path = path.removeprefix("/repos/ann/tea").removeprefix("/repositories/7")
        branch = path.split("heads/")[-1]
        match method, path.split("heads/")[0]:
            case "GET", "":
                return 200, {"default_branch": "main", "html_url": "https://github.com/ann/tea"}
            case "GET", "/git/ref/":
                if not self.heads:
                    return 409, {"message": "Git Repository is empty."}
                return (200, {"object": {"sha": self.heads[branch]}}) if branch in self.heads else (404, {})
            case "PUT", "/contents/.gitkeep":
                return 201, {"commit": {"sha": self.commit("main", body["message"], {".gitkeep": ""})}}
            case "POST", "/git/blobs":
                return 201, self.add(content=body["content"])
            case "POST", "/git/trees":
                return 201, self.add(files={e["path"]: e.get("content", e.get("sha")) for e in body["tree"]})
            case "POST", "/git/commits":
                facts = {"message": body["message"], "parents": body["parents"]}
                return 201, self.add(**facts, tree={"sha": body["tree"]})
            case "POST", "/git/refs":
                self.heads[body["ref"].removeprefix("refs/heads/")] = body["sha"]
                return 201, {}
            case "PATCH", "/git/refs/" if not body["force"]:
                self.heads[branch] = body["sha"]
                return 200, {}
            case "GET", found if found.startswith("/git/commits/"):
                return 200, self.objects[found.rsplit("/", 1)[1]]
        return 422, {}

    def handler(self):
        github = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                github.requests += 1
                github.tokens.add(self.headers["Authorization"])
                length = int(self.headers["Content-Length"] or 0)
                body = json.loads(self.rfile.read(length) or "{}")
                code, said = github.answer(self.command, self.path, body)
                self.send_response(code)
                if code in (301, 307):
                    self.send_header("Location", said["url"])
                self.end_headers()
                self.wfile.write(json.dumps(said).encode())

            def do_POST(self):
                self.do_GET()

            def do_PUT(self):
                self.do_GET()

            def do_PATCH(self):
                self.do_GET()

            def log_message(self, *_):
                pass

        return Handler


@pytest.fixture
def github(settings):
    server = GitHub()
    settings.GITHUB_API_BASE_URL = server.url
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def push(api, alice, project):
    """`push(branch="", …)`: alice pushes her project to ann/tea."""

    def push(**more):
        body = {"repository": "https://github.com/ann/tea", "token": TOKEN, **more}
        return api(alice).post(f"/api/v1/projects/{project.pk}/push/", body)

    return push


def test_it_makes_a_branch_of_its_own_and_goes_on_there(github, push, project):
    main = github.commit("main", "Ann's work", {"README.md": "Tea"})
    first = push()
    assert first.status_code == 201, first.text
    head = github.heads["vibe"]
    assert first.json() == {"url": f"https://github.com/ann/tea/commit/{head}", "warning": None}
    assert github.files("vibe") == {"index.html": "<h1>Bread</h1>\n", "app.js": "let a = 1;\n"}
    assert github.objects[head]["parents"] == [main]
    assert github.objects[head]["message"] == f"First\n\nVibe-Project: {project.pk}\nVibe-Version: 1"

    versions.save_files(project, {"logo.png": b"\x89PNG\0"})
    versions.save_file(project, "app.js", None)
    assert push().status_code == 201
    sha = github.files("vibe").pop("logo.png")
    assert base64.b64decode(github.objects[sha]["content"]) == b"\x89PNG\0"
    assert "app.js" not in github.files("vibe")
    assert github.objects[github.heads["vibe"]]["parents"] == [head]
    assert github.heads["main"] == main and github.tokens == {f"Bearer {TOKEN}"}


def test_it_makes_no_commit_of_no_change(github, push):
    github.commit("main", "Ann's work", {})
    push()
    head, objects = github.heads["vibe"], len(github.objects)
    assert push().json()["url"].endswith(head)
    assert (github.heads["vibe"], len(github.objects)) == (head, objects)


def test_it_leaves_a_branch_alone_that_others_work_on(github, push, api, bob):
    github.commit("main", "Ann's work", {"README.md": "Tea"})
    refused = push(branch="main")
    assert refused.status_code == 400 and "not from this project" in refused.json()["errors"]["branch"][0]
    assert github.files("main") == {"README.md": "Tea"}
    push(branch="mine")
    github.commit("mine", "Somebody's change", {"a": "1"}, [github.heads["mine"]])
    assert push(branch="mine").status_code == 400 and github.files("mine") == {"a": "1"}
    # Nor does one project write over another's branch.
    push()
    other = create_project(bob, "A shop", model="vibe-m", framework="html")
    versions.save(other, {"index.html": b"<p>"}, source="run")
    body = {"repository": "ann/tea", "token": TOKEN}
    assert api(bob).post(f"/api/v1/projects/{other.pk}/push/", body).status_code == 400


def test_it_begins_an_empty_repository(github, push):
    assert push(branch="main").status_code == 201
    assert sorted(github.files("main")) == ["app.js", "index.html"]


def test_it_tells_no_secret(github, push, project):
    github.commit("main", "Ann's work", {})
    versions.save_files(project, {".env": b"PASSWORD=hunter2\n"})
    project.versions.update(title="Chat by sk-ant-api03-abcdefghijklmnop0123456789")
    assert push().status_code == 201 and ".env" not in github.files("vibe")
    assert github.objects[github.heads["vibe"]]["message"].startswith("Chat by [removed]\n")
    versions.save_file(project, "app.js", b"const key = 'sk-ant-api03-abcdefghijklmnop0123456789';\n")
    asked = github.requests
    refused = push()
    assert refused.status_code == 400 and "app.js, line 1: Anthropic key" in refused.text
    assert "sk-ant" not in refused.text and github.requests == asked


def test_it_goes_on_with_a_key_for_browsers_and_tells_of_it(github, push, project, as_user, alice):
    key = "AI" + "za" + "B" * 35
    versions.save_file(project, "app.js", f"const firebase = {{ apiKey: '{key}' }};\n".encode())
    pushed = push()
    assert pushed.status_code == 201 and key in github.files("vibe")["app.js"]
    warning = pushed.json()["warning"]
    assert "app.js, line 1: Google key" in warning and "restrict it" in warning and key not in warning
    form = {"repository": "ann/tea", "branch": "tea", "token": TOKEN}
    assert "restrict it" in as_user(alice).post(reverse("project-push", args=[project.pk]), form, follow=True).text
    versions.save_file(project, "server.js", b"const key = 'sk-ant-api03-abcdefghijklmnop0123456789';\n")
    refused = push()
    assert refused.status_code == 400 and "server.js, line 1: Anthropic key" in refused.text


@pytest.mark.parametrize(
    ("status", "field", "says"),
    [
        (401, "token", "refuses this token"),
        (403, "token", "may not write"),
        (404, "repository", "no repository ann/tea"),
        (422, "branch", "changed meanwhile"),
        (500, "repository", "answered 500"),
    ],
)
def test_it_says_why_github_did_not_take_it(github, push, status, field, says):
    github.fail = status
    answer = push()
    assert answer.status_code == 400 and says in answer.json()["errors"][field][0]
    assert TOKEN not in answer.text


def test_it_finds_a_repository_that_has_another_name_by_now(github, push):
    github.commit("main", "Ann's work", {"README.md": "Tea"})
    github.moved = {"/repos/ann/old": f"{github.url}/repositories/7"}
    pushed = push(repository="ann/old")
    assert pushed.status_code == 201, pushed.text
    assert pushed.json()["url"] == f"https://github.com/ann/tea/commit/{github.heads['vibe']}"


def test_it_follows_github_nowhere_else(github, push):
    other = GitHub()
    other.commit("main", "Ann's work", {})
    for there in (f"{other.url}/repositories/7", f"http://127.0.0.1:9/{github.url}/", f"{github.url}/repos/ann/old"):
        github.moved = {"/repos/ann/old": there}
        refused = push(repository="ann/old")
        assert refused.status_code == 400 and "answered 301" in refused.text
    assert not other.requests and github.requests == 4  # the last one led back to itself: once
    other.server.shutdown()
    other.server.server_close()


@pytest.mark.parametrize(
    "wrong",
    [{"repository": "https://evil.example/ann/tea"}, {"branch": "../main"}, {"branch": "a..b"}, {"branch": "-x"},
     {"branch": "x.lock"}, {"branch": "a b"}, {"token": "a\nb: c"}, {"token": "ü"}],
)  # fmt: skip
def test_it_asks_github_nothing_odd(github, push, wrong):
    assert push(**wrong).status_code == 400
    assert github.requests == 0


def test_it_is_pushed_from_a_page_that_does_not_show_the_token_again(github, as_user, alice, project):
    url, client = reverse("project-push", args=[project.pk]), as_user(alice)
    assert "Push version 1" in client.get(url).text
    github.fail = 401
    form = {"repository": "ann/tea", "branch": "tea", "token": TOKEN}
    again = client.post(url, form)
    assert again.status_code == 400 and "refuses this token" in again.text
    assert 'value="ann/tea"' in again.text and 'value="tea"' in again.text and TOKEN not in again.text
    github.fail = 0
    done = client.post(url, form, follow=True)
    assert "https://github.com/ann/tea/commit/" in done.text and "Pushed to ann/tea" in done.text
    project.versions.all().delete()
    assert "Nothing to push yet" in client.get(url).text


def test_it_takes_only_so_many_an_hour(github, push, monkeypatch):
    monkeypatch.setattr(pushing, "PUSHES", 1)
    push()
    answer = push()
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0


def test_it_says_so_when_github_is_away(push, settings):
    settings.GITHUB_API_BASE_URL = "http://127.0.0.1:9"
    assert "cannot be reached" in push().json()["errors"]["repository"][0]


def test_it_keeps_no_token_unasked(github, push):
    assert push().status_code == 201
    assert not GitHubToken.objects.exists()
    refused = push(token="")
    assert refused.status_code == 400 and "is needed" in refused.json()["errors"]["token"][0]


def test_it_keeps_a_token_that_worked_for_who_asked(github, push, api, bob, person):
    github.fail = 401
    assert push(keep=True).status_code == 400
    assert not GitHubToken.objects.exists()  # it did not work
    github.fail = 0
    assert push(keep=True).status_code == 201
    assert TOKEN not in GitHubToken.objects.get().sealed
    github.tokens.clear()
    assert push(token="").status_code == 201
    assert github.tokens == {f"Bearer {TOKEN}"}
    assert push(token="github_pat_other").status_code == 201
    assert GitHubToken.objects.get().secret() == TOKEN  # another one was not to be kept

    other = create_project(bob, "A shop", model="vibe-m", framework="html")
    versions.save(other, {"index.html": b"<p>"}, source="run")
    refused = api(bob).post(f"/api/v1/projects/{other.pk}/push/", {"repository": "ann/tea"})
    assert refused.status_code == 400 and "token" in refused.json()["errors"]


def test_it_remembers_where_it_was_pushed_and_which_token_is_kept(github, as_user, alice, project):
    url, client = reverse("project-push", args=[project.pk]), as_user(alice)
    client.post(url, {"repository": "ann/tea", "branch": "tea", "token": TOKEN, "keep": "on"})
    project.refresh_from_db()
    assert project.pushed_to == "https://github.com/ann/tea/tree/tea"
    page = client.get(url).text
    assert 'value="ann/tea"' in page and 'value="tea"' in page
    assert f"ending in <code>{TOKEN[-4:]}</code>" in page and TOKEN not in page
    versions.save_files(project, {"b.js": b"1"})
    assert "Pushed to ann/tea" in client.post(url, {"repository": "ann/tea", "branch": "tea"}, follow=True).text

    settings_page = client.get("/settings/").text
    assert f"…{TOKEN[-4:]}" in settings_page and TOKEN not in settings_page
    assert client.post(reverse("github-delete")).status_code == 302
    assert not GitHubToken.objects.exists()
    assert client.post(reverse("github-delete")).status_code == 404


def test_it_opens_a_kept_token_for_its_owner_at_its_address_only(github, push, alice, bob, settings):
    push(keep=True)
    row = GitHubToken.objects.get()
    row.user = bob
    with pytest.raises(vault.CannotOpen):
        row.secret()
    settings.GITHUB_API_BASE_URL = "https://github.example"
    answer = push(token="")
    assert answer.status_code == 400 and "Give it again" in answer.json()["errors"]["token"][0]


def test_a_kept_token_survives_a_rotation(github, push, settings):
    push(keep=True)
    old, new = settings.ENCRYPTION_KEYS[0], "A" * 43 + "="
    settings.ENCRYPTION_KEYS = [new, old]
    call_command("rotate_keys")
    settings.ENCRYPTION_KEYS = [new]
    assert GitHubToken.objects.get().secret() == TOKEN
