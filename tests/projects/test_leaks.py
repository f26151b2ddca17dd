"""A ZIP leaves private files out and says so, and says where keys stand in the others; the owner may have it whole."""

import io
import time
import zipfile

import pytest
from django.urls import reverse

from accounts import keyshapes
from projects import leaks, versions

KEY = "sk-ant-api03-abcdefghijklmnop0123456789"
FILES = {
    "index.html": b"<h1>Bread</h1>\n",
    ".env": b"PASSWORD=hunter2\n",
    "api/.env.local": b"X=1\n",
    ".env.example": b"PASSWORD=\n",
    "deploy/server.pem": b"not even a key\n",
    "src/app.js": f"let a = 1;\nconst key = '{KEY}';\n".encode(),
    "logo.png": b"\x89PNG\0" + KEY.encode(),
}
PRIVATE = {".env", "api/.env.local", "deploy/server.pem"}


@pytest.fixture
def leaky(project):
    versions.save(project, FILES, source="edit")
    return project


def unpacked(answer):
    return zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))


@pytest.mark.parametrize("by_token", [False, True])
def test_it_leaves_private_files_out_and_says_what_it_found(leaky, alice, as_user, api, by_token):
    url = f"/api/v1/projects/{leaky.pk}/download/" if by_token else reverse("project-download", args=[leaky.pk])
    answer = (api if by_token else as_user)(alice).get(url)
    archive = unpacked(answer)
    assert archive.testzip() is None
    assert set(archive.namelist()) == FILES.keys() - PRIVATE | {leaks.NOTE}
    note = archive.read(leaks.NOTE).decode()
    assert "src/app.js, line 2: Anthropic key" in note and ".env: private file" in note
    assert KEY not in note and "hunter2" not in note
    assert answer.headers["X-Secrets-Found"] == "4"


def test_it_gives_the_owner_everything_who_asks_for_it(leaky, alice, as_user):
    answer = as_user(alice).get(reverse("project-download", args=[leaky.pk]), {"secrets": "include"})
    archive = unpacked(answer)
    assert {name: archive.read(name) for name in archive.namelist()} == FILES


def test_it_adds_nothing_where_there_is_nothing_to_say(project, alice, as_user):
    answer = as_user(alice).get(reverse("project-download", args=[project.pk]))
    assert answer.headers["X-Secrets-Found"] == "0"
    assert unpacked(answer).namelist() == ["app.js", "index.html"]


@pytest.mark.parametrize("path", ["env.js", "src/environment.ts", "my.envelope", ".env.sample", "keystore/readme.md"])
def test_it_takes_ordinary_files_for_what_they_are(path):
    assert not leaks.is_private(path)


@pytest.mark.parametrize(
    "piece",
    ["sk-", "sk-A", ";sk-A", "-----BEGIN PRIVATE KEY-----", "://a", "://a:{", "://a:$a", "AKIA", "whsec_", "SG.", "eyJ",
     ";eyJ", ";eyJaaaaaa.", "eyJ.", f";eyJaaaaaa.{'a' * 900}"],
)  # fmt: skip
def test_it_is_not_kept_by_a_file_of_beginnings(piece):
    began = time.process_time()
    keyshapes.found(piece * (leaks.LOOKED_AT // len(piece)))
    assert time.process_time() - began < 5  # each that looked to the end of the file for the rest of a key: minutes


def test_it_warns_of_a_key_in_a_message(project, alice, api, as_user):
    client = api(alice)
    said = client.post(f"/api/v1/projects/{project.pk}/messages/", {"text": f"Use my key {KEY}"})
    assert said.status_code == 202 and "Anthropic key" in said.json()["warning"] and KEY not in said.json()["warning"]
    plain = client.post(f"/api/v1/projects/{project.pk}/messages/", {"text": "Make it blue"})
    assert plain.json()["warning"] is None
    started = client.post("/api/v1/projects/", {"prompt": f"A page with {KEY}", "framework": "html"})
    assert "Anthropic key" in started.json()["warning"]
    page = as_user(alice).post(reverse("message-send", args=[project.pk]), {"text": f"And {KEY}"}, follow=True)
    assert "seems to hold a secret" in page.text
