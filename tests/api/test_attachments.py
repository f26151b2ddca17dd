"""Pictures and texts that go with a message: kept once, told apart by their bytes, shown to nobody else."""

import base64
import struct
import zlib
from uuid import uuid4

import pytest

from projects import attachments
from projects.models import Attachment, Blob


def png(width=3, height=2):
    """A real PNG: red pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\xff\0\0" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x0b\x08\x00\x05\x00\x07\x01\x01\x11\x00\xff\xd9"
GIF = b"GIF89a\x04\x00\x06\x00\x00\x00\x00;"
WEBP = b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x08\0\0\x09\0\0"


@pytest.fixture
def url(project):
    return f"/api/v1/projects/{project.pk}/attachments/"


def body(name, content):
    return {"name": name, "content": base64.b64encode(content).decode()}


@pytest.mark.parametrize(
    ("content", "media_type", "size"),
    [
        (png(), "image/png", (3, 2)),
        (JPEG, "image/jpeg", (7, 5)),
        (GIF, "image/gif", (4, 6)),
        (WEBP, "image/webp", (9, 10)),
        (b"a,b\n1,2\n", "text/plain", (0, 0)),
    ],
    ids=["png", "jpeg", "gif", "webp", "text"],
)
def test_it_tells_what_a_file_is_by_its_bytes(api, alice, url, content, media_type, size):
    # The name lies; it does not matter.
    made = api(alice).post(url, body("x.html", content))
    assert made.status_code == 201
    facts = made.json()
    assert (facts["media_type"], (facts["width"], facts["height"]), facts["size"]) == (media_type, size, len(content))
    shown = api(alice).get(facts["url"])
    assert shown.content == content
    assert shown.headers["Content-Type"].startswith(media_type)
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert shown.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert shown.headers["Content-Disposition"].startswith("attachment" if media_type == "text/plain" else "inline")


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00\x01", b"%PDF-1.7\n\xff", b"PK\x03\x04\x00", png()[:10], b"\xff\xd8\xff\xe0\x00\x00"],
    ids=["empty", "bytes", "pdf", "zip", "cut png", "cut jpeg"],
)
def test_it_takes_nothing_else(api, alice, url, content):
    answer = api(alice).post(url, body("a.png", content))
    assert answer.status_code == 400 and answer.json()["errors"].keys() <= {"attachments", "content"}
    assert not Attachment.objects.exists()


def test_it_says_that_a_file_is_empty(api, alice, url):
    answer = api(alice).post(url, body("a.txt", b""))
    assert answer.json()["errors"] == {"content": ["The file is empty."]}


def test_it_has_limits(api, alice, project, url, monkeypatch):
    client = api(alice)
    assert client.post(url, body("a.txt", b"x" * (attachments.MAX_TEXT_BYTES + 1))).status_code == 400
    assert client.post(url, body("a.png", png(attachments.MAX_SIDE + 1, 1))).status_code == 400
    assert client.post(url, {"name": "a.txt", "content": "!!"}).status_code == 400
    monkeypatch.setattr(attachments, "MOST_KEPT", 1)
    assert client.post(url, body("a.txt", b"one")).status_code == 201
    assert client.post(url, body("a.txt", b"two")).status_code == 400


def test_it_keeps_content_once_and_names_plain(api, alice, url):
    client = api(alice)
    first, second = (client.post(url, body("C:\\secret/‮evil\u0007.txt", b"same")).json() for _ in range(2))
    assert first["id"] != second["id"] and first["name"] == "evil.txt"
    assert Blob.objects.filter(size=4).count() == 1


def test_it_sends_them_with_a_message_once(api, alice, project, url):
    client = api(alice)
    made = [client.post(url, body(name, content)).json() for name, content in (("a.png", png()), ("n.txt", b"note"))]
    say = {"text": "Like this", "attachments": [one["id"] for one in made]}
    assert client.post(f"/api/v1/projects/{project.pk}/messages/", say).status_code == 202
    said = project.steps.get(type="user_message").data
    assert [(one["name"], one["kind"]) for one in said["attachments"]] == [("a.png", "image"), ("n.txt", "text")]

    [message] = client.get(f"/api/v1/projects/{project.pk}/messages/").json()["results"]
    meta = {"attachment": made[0]["id"], "width": 3, "height": 2}
    assert message["fragments"] == [{"kind": "IMAGE", "text": "a.png", "meta": meta}]

    # Not a second time, and not away from the conversation.
    again = client.post(f"/api/v1/projects/{project.pk}/messages/", say)
    assert again.status_code == 400 and "not there any more" in str(again.json())
    assert project.runs.count() == 1
    assert client.delete(made[0]["url"]).status_code == 404
    waiting = client.post(url, body("b.txt", b"x")).json()
    assert client.delete(waiting["url"]).status_code == 204
    assert client.get(waiting["url"]).status_code == 404


def test_it_shows_and_lends_them_to_nobody_else(api, alice, bob, project, url):
    from projects import services

    made = api(alice).post(url, body("a.png", png())).json()
    assert api(bob).get(made["url"]).status_code == 404
    assert api(bob).delete(made["url"]).status_code == 404
    theirs = services.create_project(bob, "Mine", model="vibe-m", framework="html")
    assert api(bob).get(f"/api/v1/projects/{theirs.pk}/attachments/{made['id']}/").status_code == 404
    say = {"text": "Steal it", "attachments": [made["id"]]}
    assert api(bob).post(f"/api/v1/projects/{theirs.pk}/messages/", say).status_code == 400
    too_many = {"text": "x", "attachments": [str(uuid4()) for _ in range(9)]}
    assert api(alice).post(f"/api/v1/projects/{project.pk}/messages/", too_many).status_code == 400


def test_they_go_along_when_a_message_is_sent_again_or_its_run_goes_on(api, alice, project, url):
    from agents import services

    made = [
        api(alice).post(url, body(name, content)).json() for name, content in (("a.png", png()), ("n.txt", b"note"))
    ]
    say = {"text": "Like this", "attachments": [one["id"] for one in made]}
    api(alice).post(f"/api/v1/projects/{project.pk}/messages/", say)
    run = project.runs.get()
    for start in (services.retry_run, services.continue_run):
        services.cancel_run(run)
        run.refresh_from_db()
        run = start(run)
        sent = run.message.attachments.all()
        assert [(one.name, attachments.content(one)) for one in sent] == [("a.png", png()), ("n.txt", b"note")]
        assert run.message.fragments.get().meta["attachment"] == str(sent[0].pk)
        said = project.steps.filter(type="user_message").latest("cursor").data
        assert [one["id"] for one in said["attachments"]] == [str(one.pk) for one in sent]
    assert Attachment.objects.count() == 6
