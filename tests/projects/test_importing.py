"""A project from files that somebody has: our own ZIP, any other, a public repository; and archives made to do harm."""

import base64
import io
import json
import stat
import struct
import threading
import zipfile
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.models import GitHubToken
from agents import design_imports, runs, suggestions
from projects import github, importing, versions
from projects.models import Project
from projects.paths import MAX_FILE_BYTES, BadFiles
from projects.services import BadPrompt
from tests.projects.whole import peak

API = "/api/v1/projects/import/"


def packed(files, mode=None, packing=zipfile.ZIP_DEFLATED):
    """A ZIP of {name: content}; a name that ends with a slash is a folder."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (mode or 0) << 16
            archive.writestr(info, content, packing)
    return buffer.getvalue()


def package(*names, kind="dependencies"):
    return json.dumps({kind: dict.fromkeys(names, "1.0.0")}).encode()


def told(content, **more):
    return {"content": base64.b64encode(content).decode(), **more}


def files_of(pk):
    return versions.files(Project.objects.get(pk=pk).versions.get())


# --- ZIPs -------------------------------------------------------------------------------------------------------------


def test_it_takes_its_own_download_back(as_user, alice, bob, project):
    versions.save_file(project, "ordner/übersicht – 日本.md", "Grüße\n".encode())
    versions.save_file(project, "package.json", b'{"scripts": {"dev": "node tools/dev-server.js"}}')
    whole = b"".join(as_user(alice).get(reverse("project-download", args=[project.pk])).streaming_content)
    upload = SimpleUploadedFile("Bakery-v3.zip", whole, "application/zip")
    answer = as_user(bob).post(reverse("project-import"), {"file": upload}, follow=True)
    made = Project.objects.get(owner=bob)
    assert answer.redirect_chain == [(made.get_absolute_url(), 302)] and "Imported. Say what" in answer.text
    assert (made.name, made.framework, made.framework_open) == ("Bakery-v3", "html", False)
    newest = project.versions.order_by("-number")[0]
    assert files_of(made.pk) == versions.files(newest)
    assert suggestions.suggest(made, versions.newest(made))[0] is suggestions.IMPORTED
    seen = {"state": "ready", "url": None, "port": None}
    runs.note(made.pk, "preview", {**seen, "version": 1})  # an old version, which says nothing of this one
    assert suggestions.IMPORTED in suggestions.suggest(made, versions.newest(made))
    runs.note(made.pk, "preview", seen)
    assert suggestions.IMPORTED not in suggestions.suggest(made, versions.newest(made))


@pytest.mark.parametrize(
    ("files", "framework"),
    [
        ({"package.json": package("next", "react")}, "nextjs"),
        ({"package.json": package("react", "react-dom")}, "react"),
        ({"package.json": package("vue"), "index.html": b""}, "vue"),
        ({"package.json": package("svelte", kind="devDependencies")}, "svelte"),
        ({"package.json": package("@angular/core")}, "angular"),
        ({"package.json": package("left-pad"), "index.html": b"<p>"}, "html"),
    ],
)
def test_it_tells_the_framework_by_the_files(api, alice, files, framework):
    made = api(alice).post(API, told(packed(files), name="Mine")).json()
    assert (made["framework"], made["name"], made["version"], made["left_out"]) == (framework, "Mine", 1, [])
    assert files_of(made["id"]) == files


def test_it_gives_a_plain_page_what_serves_and_checks_it(api, alice):
    made = api(alice).post(API, told(packed({"index.html": b"<h1>Tea</h1>", "a.css": b""}))).json()
    files = files_of(made["id"])
    assert files["index.html"] == b"<h1>Tea</h1>"
    assert {"package.json", "tools/dev-server.js", "tools/check.js"} < files.keys()
    assert "styles.css" not in files and "AGENTS.md" not in files


def test_it_takes_what_a_person_wrote_and_leaves_the_rest_out():
    content = packed(
        {
            "app-main/": b"",
            "app-main/index.html": b"<p>",
            "app-main\\src\\app.js": b"1",
            "app-main/node_modules/tea/index.js": b"1",
            "app-main/.git/config": b"1",
            "app-main/dist/index.html": b"1",
            "app-main/coverage/index.html": b"1",
            "app-main/src/coverage/page.js": b"2",
            "app-main/src/.cache/page.js": b"1",
            "app-main/.DS_Store": b"1",
            "__MACOSX/app-main/._index.html": b"1",
            "app-main/.env": b"PASSWORD=hunter2",
            "app-main/.env.example": b"PASSWORD=",
            "app-main/SECRETS-FOUND.txt": b"1",
        }
    )
    files, private = importing.unpack(content)
    written = {"index.html": b"<p>", "src/app.js": b"1", "src/coverage/page.js": b"2"}
    assert files == {**written, ".env.example": b"PASSWORD="}
    assert private == [".env"]


def test_it_says_which_private_files_it_left_out(as_user, alice):
    upload = SimpleUploadedFile("app.zip", packed({"index.html": b"<p>", ".env": b"KEY=1"}))
    answer = as_user(alice).post(reverse("project-import"), {"file": upload}, follow=True)
    assert "Left out, because they hold secrets: .env." in answer.text


def test_it_follows_no_link():
    assert importing.unpack(packed({"passwd": b"/etc/passwd"}, mode=stat.S_IFLNK | 0o777))[0] == {}


def locked():
    """A ZIP that says its entries want a password."""
    content = bytearray(packed({"index.html": b"<p>"}))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + at] |= 1
    return bytes(content)


def forged(size, seen, method=zipfile.ZIP_DEFLATED):
    """A ZIP of one file with 10 MB of zeros which claims to have `size` bytes, and the checksum of `seen` bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("index.html", bytes(10 * 2**20))
    content = buffer.getvalue()
    central = bytearray(content[content.rindex(b"PK\x01\x02") :])
    struct.pack_into("<I", central, 16, zlib.crc32(bytes(seen)))
    struct.pack_into("<I", central, 24, size)
    return content[: -len(central)] + central


@pytest.mark.parametrize(
    ("seen", "method", "says"),
    [
        (10, zipfile.ZIP_DEFLATED, "no ZIP"),
        (11, zipfile.ZIP_DEFLATED, "no ZIP"),
        (11, zipfile.ZIP_STORED, "no ZIP"),
        (10, zipfile.ZIP_BZIP2, "index.html is packed in a way"),
        (10, zipfile.ZIP_LZMA, "index.html is packed in a way"),
    ],
    ids=["deflate", "deflate with a byte more", "stored", "bzip2", "lzma"],
)
def test_it_takes_no_more_memory_for_an_archive_than_that_says_it_needs(seen, method, says):
    content = forged(10, seen, method)

    def unpack():
        with pytest.raises(BadFiles, match=says):
            importing.unpack(content)

    assert peak(unpack)[1] < 2 * 2**20


def test_it_takes_no_memory_for_a_directory_of_too_many_entries():
    content = packed({f"{number}/": b"" for number in range(20_001)})

    def unpack():
        with pytest.raises(BadFiles, match="20,000 entries"):
            importing.unpack(content)

    assert peak(unpack)[1] < 2**20


def test_it_takes_files_that_are_not_packed():
    content = packed({"index.html": b"<p>", "empty.txt": b""}, packing=zipfile.ZIP_STORED)
    assert importing.unpack(content)[0] == {"index.html": b"<p>", "empty.txt": b""}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no ZIP"),
        (b"PK\x03\x04 and no more", "no ZIP"),
        (packed({"index.html": b"x" * 900})[:-60], "no ZIP"),
        (locked(), "no ZIP"),
        (packed({"index.html": b"<p>", "large": b"\0" * (MAX_FILE_BYTES + 1)}), "large has"),
        (packed({f"{number}.txt": b"" for number in range(2_001)}), "2,001 files"),
        (packed({f"{number}/": b"" for number in range(20_001)}), "20,000 entries"),
        (b"x" * (importing.MAX_ZIP_BYTES + 1), "at most 15,728,640"),
    ],
    ids=["empty", "begun", "cut", "locked", "bomb", "many", "folders", "large"],
)
def test_it_refuses_an_archive_that_is_broken_or_too_much(content, says):
    with pytest.raises(BadFiles, match=says):
        importing.unpack(content)


@pytest.mark.parametrize(
    "files",
    [
        {"index.html": b"", "a/../../etc/passwd": b"x"},
        {"index.html": b"", "a\0b": b"x", "a//b": b"x"},
        {"readme.md": b"no app"},
        {"src/index.html": b"", "docs/a.md": b""},
        {"package.json": b"[1]"},
        {"package.json": b"{"},
    ],
    ids=["climbs", "odd", "no-app", "not-at-the-root", "a-list", "broken"],
)
def test_it_keeps_nothing_of_files_that_are_no_app(api, alice, files):
    answer = api(alice).post(API, told(packed(files)))
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert not Project.objects.exists()


@pytest.mark.parametrize(
    "body", [{}, {"content": "?"}, {"content": "é"}, {"content": "", "repository": "a/b"}, {"repository": "a"}]
)
def test_it_refuses_a_request_that_names_no_files(api, alice, body):
    assert api(alice).post(API, body).status_code == 400


def test_it_shows_the_form_again_with_what_is_wrong(as_user, alice):
    client, url = as_user(alice), reverse("project-import")
    nothing, wrong = client.post(url), client.post(url, {"repository": "not a repository"})
    assert (nothing.status_code, wrong.status_code) == (400, 400)
    assert "Choose a ZIP" in nothing.text and "no repository on GitHub" in wrong.text
    assert 'value="not a repository"' in wrong.text


def test_it_takes_only_so_many_an_hour(api, as_user, alice, monkeypatch):
    monkeypatch.setattr(design_imports, "IMPORTS", 1)
    assert api(alice).post(API, told(packed({"index.html": b""}))).status_code == 201
    answer = api(alice).post(API, told(packed({"index.html": b""})))
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0
    assert as_user(alice).post(reverse("project-import"), {"repository": "a/b"}).status_code == 429


# --- Into a project there is ------------------------------------------------------------------------------------------


def test_it_brings_files_into_a_project_as_its_next_version(api, as_user, alice, project):
    versions.save_files(project, {".env": b"KEY=mine"})
    url = f"/api/v1/projects/{project.pk}/import/"
    elsewhere = packed({"index.html": b"<h1>Cake</h1>", "new.js": b"1", ".env": b"KEY=theirs"})
    made = api(alice).post(url, told(elsewhere))
    assert (made.status_code, made.json()["number"], made.json()["left_out"]) == (201, 3, [".env"])
    now = versions.files(project.versions.get(number=3))
    assert (now["index.html"], now[".env"], "app.js" in now) == (b"<h1>Cake</h1>", b"KEY=mine", False)
    told_page = project.steps.get(type="version").data
    assert (told_page["title"], told_page["deleted"]) == ("Imported from a ZIP", ["app.js"])
    # The same again changes nothing; and one can go back.
    again = api(alice).post(url, told(elsewhere))
    assert (again.status_code, again.json()["number"]) == (200, 3)
    upload = SimpleUploadedFile("a.zip", packed({"index.html": b"<h1>Tart</h1>"}))
    page = as_user(alice).post(reverse("project-update", args=[project.pk]), {"file": upload}, follow=True)
    assert "This is version 4 now." in page.text
    assert api(alice).post(f"/api/v1/projects/{project.pk}/versions/2/restore/").status_code == 201


def test_it_brings_nothing_in_under_a_run_or_of_another_framework(api, as_user, alice, run):
    url = f"/api/v1/projects/{run.project_id}/import/"
    page = packed({"index.html": b"<h1>Cake</h1>"})
    assert api(alice).post(url, told(page)).status_code == 409
    form = {"file": SimpleUploadedFile("a.zip", page)}
    refused = as_user(alice).post(reverse("project-update", args=[run.project_id]), form)
    assert refused.status_code == 400 and "at work" in refused.text
    run.state = "failed"
    run.save()
    other = api(alice).post(url, told(packed({"package.json": package("react")})))
    assert other.status_code == 400 and "written in React, the project in HTML" in other.text
    assert run.project.versions.count() == 1


# --- GitHub -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def archives(settings):
    """As much of GitHub as is asked: {path: ZIP}; a path that is not there is a 404, None a failure."""
    found: dict[str, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            path, _, ref = self.path.partition("/zipball/")
            if ref:  # the REST API, to which a token is shown; it sends on to the archive
                known = self.headers["Authorization"] == "Bearer good"
                self.send_response(302 if known else 401)
                self.send_header("Location", found.get("elsewhere") or f"{settings.GITHUB_ARCHIVES_BASE_URL}{path}/x")
                self.end_headers()
                return
            assert not self.headers["Authorization"]
            content = found.get(self.path, b"")
            self.send_response(404 if content == b"" else 500 if content is None else 200)
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.GITHUB_ARCHIVES_BASE_URL = settings.GITHUB_API_BASE_URL = f"http://127.0.0.1:{server.server_address[1]}"
    yield found
    server.shutdown()
    server.server_close()


def test_it_imports_a_public_repository(api, as_user, alice, archives):
    archives["/ann/tea-shop/zip/HEAD"] = packed({"tea-shop-main/package.json": package("react")})
    theirs = {"tea-shop-try/index.html": b"<h1>Try</h1>", "tea-shop-try/.vibe/project.json": b"{}"}  # files alone
    archives["/ann/tea-shop/zip/try/out"] = packed(theirs)
    made = api(alice).post(API, {"repository": "https://github.com/ann/tea-shop.git"}).json()
    assert (made["name"], made["framework"]) == ("tea-shop", "react")
    url = "https://github.com/ann/tea-shop/tree/try/out"
    assert as_user(alice).post(reverse("project-import"), {"repository": url}).status_code == 302
    branch = Project.objects.get(framework="html").versions.get()
    assert branch.title == "Imported from github.com/ann/tea-shop, branch try/out"
    assert versions.read(branch, "index.html") == b"<h1>Try</h1>" and ".vibe/project.json" not in branch.manifest


def test_it_says_why_a_repository_cannot_be_had(api, alice, archives):
    archives["/ann/broken/zip/HEAD"] = None
    archives["/ann/large/zip/HEAD"] = b"x" * (importing.MAX_ZIP_BYTES + 1)
    said = {
        name: api(alice).post(API, {"repository": f"ann/{name}"}).json()["errors"]["repository"][0]
        for name in ("missing", "broken", "large")
    }
    assert "no public repository ann/missing" in said["missing"]
    assert "cannot be reached" in said["broken"] and "larger than 15 MB" in said["large"]
    assert not Project.objects.exists()


def test_it_imports_a_private_repository_with_a_token(api, as_user, alice, archives):
    archives["/repos/ann/secret/x"] = packed({"index.html": b"<h1>Secret</h1>"})
    made = api(alice).post(API, {"repository": "ann/secret", "token": "good"})
    assert made.status_code == 201 and made.json()["name"] == "secret"
    page = as_user(alice).post(reverse("project-import"), {"repository": "ann/secret", "token": "wrong"})
    assert page.status_code == 400 and "refuses this token" in page.text and "wrong" not in page.text


def test_it_keeps_a_token_that_worked_and_remembers_the_repository(api, as_user, alice, archives):
    archives["/repos/ann/secret/x"] = packed({"index.html": b"<h1>Secret</h1>"})
    assert api(alice).post(API, {"repository": "ann/secret", "token": "wrong", "keep": True}).status_code == 400
    assert not GitHubToken.objects.exists()
    made = api(alice).post(API, {"repository": "ann/secret", "token": "good", "keep": True})
    assert made.status_code == 201 and GitHubToken.objects.get().secret() == "good"
    page = as_user(alice).get(reverse("project-update", args=[made.json()["id"]])).text
    assert 'value="https://github.com/ann/secret"' in page and "ending in <code>good</code>" in page
    again = api(alice).post(f"/api/v1/projects/{made.json()['id']}/import/", {"repository": "ann/secret"})
    assert again.status_code == 200  # nothing changed there


def test_it_shows_a_kept_token_for_no_public_repository(api, alice, archives):
    archives["/ann/tea/zip/HEAD"] = packed({"index.html": b"<h1>Tea</h1>"})
    github.keep(alice, "wrong")
    assert api(alice).post(API, {"repository": "ann/tea"}).status_code == 201
    refused = api(alice).post(API, {"repository": "ann/secret"})
    assert refused.status_code == 400 and "refuses this token" in refused.text
    archives["/ann/large/zip/HEAD"] = b"x" * (importing.MAX_ZIP_BYTES + 1)
    assert "larger than 15 MB" in api(alice).post(API, {"repository": "ann/large"}).text


def test_it_is_sent_on_to_nobody_else(api, alice, archives):
    archives["elsewhere"] = "http://evil.example/x.zip"
    answer = api(alice).post(API, {"repository": "ann/secret", "token": "good"})
    assert answer.status_code == 400 and "GitHub answered 302" in answer.text


@pytest.mark.parametrize(
    "address",
    ["", "ann", "https://evil.example/ann/tea", "ann/..", "ann/tea/tree/../../x", "http://github.com@evil/a/b",
     "ann/tea?x=1", "ann/tea\n", "github.com:80/ann/tea", "file:///etc/passwd", "ann/tea#x", "-" * 40 + "/tea"],
)  # fmt: skip
def test_it_asks_nobody_but_github(address):
    if address != "ann/tea\n":
        with pytest.raises(BadPrompt):
            github.repository(address)
    else:
        assert github.repository(address) == ("ann", "tea", "")
