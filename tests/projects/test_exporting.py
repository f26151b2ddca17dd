"""A whole project as a ZIP: the plain download, and beside it its versions and its conversation; without secrets."""

import json
import secrets
from contextlib import ExitStack

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import outside
from agents import exports, services
from agents.models import Run
from projects import attachments, blobs, briefing, exporting, leaks, versions
from projects.models import Attachment
from projects.services import add_message
from tests.projects.whole import PNG, exported, imported, newest, unpacked

KEY = "sk-ant-api03-abcdefghijklmnop0123456789"


def test_it_holds_the_plain_download_and_each_content_once(api, alice, rich):
    plain = api(alice).get(f"/api/v1/projects/{rich.pk}/download/")
    files = unpacked(exported(api(alice), rich))
    own = {name: content for name, content in files.items() if name.startswith(".vibe/")}
    assert {name: files[name] for name in files.keys() - own} == unpacked(b"".join(plain.streaming_content))
    contents = [b"<h1>Bread</h1>\n", b"a{}", PNG, b"Bread 3"]
    assert own.keys() - {exporting.PROJECT, exporting.CHAT} == {f".vibe/blobs/{blobs.sha256(one)}" for one in contents}


def test_it_tells_answers_in_the_order_of_their_questions(api, alice, project):
    one, two = services.start_run(project, "One"), services.start_run(project, "Two")
    for run, text in ((one, "First"), (two, "Second")):
        Run.objects.filter(pk=run.pk).update(reply=add_message(project, "assistant", text), state="succeeded")
    services.cancel_run(services.start_run(project, "Never mind"))
    Run.objects.filter(message__text="Never mind").update(reason=Run.DROPPED)
    said = json.loads(unpacked(exported(api(alice), project))[exporting.CHAT])
    assert [each["text"] for each in said] == ["One", "First", "Two", "Second"]
    assert sorted(each["created"] for each in said) == [each["created"] for each in said]


def test_it_leaves_the_oldest_out_of_what_is_too_much(api, alice, rich, monkeypatch):
    monkeypatch.setattr(exporting, "MAX_VERSIONS", 2)
    monkeypatch.setattr(exporting, "MAX_MESSAGES", 3)
    files = unpacked(exported(api(alice), rich))
    assert [one["number"] for one in json.loads(files[exporting.PROJECT])["versions"]] == [2, 3]
    assert [one["text"][:5] for one in json.loads(files[exporting.CHAT])] == ["Here ", "Which", "Brown"]


def test_it_is_never_more_than_an_import_takes(api, alice, project, monkeypatch):
    for number in range(8):
        versions.save_file(project, f"{number}.bin", secrets.token_bytes(60_000))
        versions.save_file(project, f"{number}.bin", None)
    whole = len(exported(api(alice), project))
    monkeypatch.setattr(exporting, "MAX_ZIP_BYTES", exporting.ABOUT + 200_000)
    content = exported(api(alice), project)
    numbers = [one["number"] for one in json.loads(unpacked(content)[exporting.PROJECT])["versions"]]
    assert len(content) < 200_000 < whole and numbers == list(range(numbers[0], 18)) and 1 < numbers[0] < 17
    monkeypatch.setattr(exporting, "MAX_ZIP_BYTES", 1)
    only = json.loads(unpacked(exported(api(alice), project))[exporting.PROJECT])
    assert [one["number"] for one in only["versions"]] == [17]


def test_it_leaves_large_attachments_out_and_names_them(api, alice, rich, monkeypatch):
    monkeypatch.setattr(exporting, "MAX_ATTACHED_BYTES", 1)
    files = unpacked(exported(api(alice), rich))
    sent = json.loads(files[exporting.CHAT])[0]["attachments"]
    assert sent == [{"name": name, "sha256": None} for name in ("plan.png", "menu.txt")]
    assert not [name for name in files if name.endswith(blobs.sha256(b"Bread 3"))]


def say(project, *files):
    """Somebody says something with these (name, content)."""
    message = add_message(project, "user", "Look")
    attachments.send(project, [attachments.add(project, *file).pk for file in files], message)
    return message


def test_it_leaves_attachments_out_for_which_the_files_leave_no_room(api, alice, bob, project, monkeypatch):
    # The same content twice is in the ZIP twice.
    same = secrets.token_bytes(60_000)
    versions.save_files(project, {"a.bin": same, "b.bin": same})
    for number in range(5):
        say(project, (f"{number}.png", PNG + secrets.token_bytes(20_000)))
    monkeypatch.setattr(exporting, "MAX_ZIP_BYTES", exporting.ABOUT + 175_000)
    content = exported(api(alice), project)
    sent = [each["attachments"][0] for each in json.loads(unpacked(content)[exporting.CHAT])]
    assert [bool(one["sha256"]) for one in sent] == [False, False, False, True, True] and len(content) < 175_000
    assert imported(api(bob), content).status_code == 201
    # Where the files alone are too much, nothing is beside them but what is needed to tell of them.
    monkeypatch.setattr(exporting, "MAX_ZIP_BYTES", 120_000)
    assert json.loads(unpacked(exported(api(alice), project))[exporting.CHAT]) == []


def test_it_has_no_more_attachments_than_an_import_takes(api, alice, bob, rich):
    [first, *_] = rich.messages.all()
    again = list(first.attachments.all())
    for _ in range(attachments.MOST_KEPT // 2):
        attachments.send(rich, [], add_message(rich, "user", "Again"), again)
    assert Attachment.objects.filter(project=rich).count() > attachments.MOST_KEPT
    content = exported(api(alice), rich)
    sent = [one["sha256"] for each in json.loads(unpacked(content)[exporting.CHAT]) for one in each["attachments"]]
    assert sent[:2] == [None, None] and None not in sent[2:] and len(sent) == attachments.MOST_KEPT + 2
    assert imported(api(bob), content).status_code == 201


def test_it_holds_each_of_two_attachments_of_one_name(api, alice, bob, project):
    versions.save_file(project, "a.txt", b"a")
    say(project, ("image.png", PNG + b"1"), ("image.png", PNG + b"2"))
    assert imported(api(bob), exported(api(alice), project)).status_code == 201
    kept = Attachment.objects.filter(project__owner=bob)
    assert [attachments.content(one) for one in kept] == [PNG + b"1", PNG + b"2"]


def test_it_asks_for_many_versions_as_often_as_for_few(api, alice, rich):
    def queries():
        with CaptureQueriesContext(
            connection,
        ) as asked:
            exported(api(alice), rich)
        return len(asked)

    few = queries()
    for number in range(exporting.BATCH - 4):
        versions.save_file(rich, "a.txt", f"{number}".encode())
    assert queries() == few


def test_it_has_a_place_while_it_looks_for_secrets_and_refuses_whole_without_one(
    api, as_user, alice, bob, rich, monkeypatch
):
    monkeypatch.setattr(exports, "EXPORTS", 1)
    url, page = f"/api/v1/projects/{rich.pk}/export/", reverse("project-export", args=[rich.pk])
    with ExitStack() as taken:
        for _ in range(outside.EACH):
            taken.enter_context(outside.waiting(alice.pk))
        refused = api(alice).get(url)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, str(outside.RETRY_SECONDS))
        assert "Try again in a few seconds" in refused.json()["detail"]
        told = as_user(alice).get(page, follow=True)
        assert told.redirect_chain == [(rich.get_absolute_url(), 302)] and "Try again in a few seconds" in told.text
    held = []

    def watch(execute, sql, *rest):
        if "deflated" in sql:
            held.append(dict(outside._places))
        return execute(sql, *rest)

    # It was not counted.
    with connection.execute_wrapper(watch):
        answer = api(alice).get(url)
    assert answer.status_code == 200 and held and all(places == {alice.pk: 1} for places in held)
    assert not outside._places
    assert api(alice).get(url).status_code == 429


def test_it_is_nobody_elses(api, as_user, alice, bob, rich, monkeypatch):
    assert api(bob).get(f"/api/v1/projects/{rich.pk}/export/").status_code == 404
    assert as_user(bob).get(reverse("project-export", args=[rich.pk])).status_code == 404
    monkeypatch.setattr(exports, "EXPORTS", 1)
    url = reverse("project-export", args=[rich.pk])
    assert (
        as_user(alice).get(url).headers["Content-Disposition"] == 'attachment; filename="Page-for-a-bakery-whole.zip"'
    )
    refused = api(alice).get(f"/api/v1/projects/{rich.pk}/export/")
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) > 0
    assert "Come back in an hour" in as_user(alice).get(url, follow=True).text


@pytest.fixture
def leaky(rich):
    """Secrets in an old version, in the conversation and in the rules; none in the newest version."""
    before = versions.files(newest(rich))
    versions.save(rich, {**before, ".env": b"PASSWORD=hunter2", "key.js": KEY.encode()}, source="edit")
    versions.save(rich, before, source="edit", title=f"Without {KEY}")
    message = add_message(rich, "user", f"Here is\nmy key {KEY}")
    attachments.send(rich, [attachments.add(rich, ".env", b"TOKEN=swordfish").pk], message)
    briefing.change(rich, rules=f"Use {KEY}")
    return rich


def test_it_leaves_secrets_out_of_old_versions_and_of_the_conversation(api, alice, leaky):
    answer = api(alice).get(f"/api/v1/projects/{leaky.pk}/export/")
    files = unpacked(b"".join(answer.streaming_content))
    assert answer.headers["X-Secrets-Found"] == "6"
    note = files.pop(leaks.NOTE).decode()
    for line in (
        ".vibe/version 4/.env: private file",
        ".vibe/version 4/key.js, line 1: Anthropic key",
        ".vibe/message 5, file 1/.env: private file",
        ".vibe/chat.json, message 5, line 2: Anthropic key",
        ".vibe/project.json, rules, line 1: Anthropic key",
        ".vibe/project.json, version 5, line 1: Anthropic key",
    ):
        assert line in note
    # As in the plain download: private files are out, a key in another file is told of.
    assert files.pop(f".vibe/blobs/{blobs.sha256(KEY.encode())}") == KEY.encode()
    everything = b"".join(files.values())
    assert KEY.encode() not in everything and b"hunter2" not in everything and b"swordfish" not in everything


def test_it_gives_its_owner_the_whole(api, alice, leaky):
    files = unpacked(exported(api(alice), leaky, secrets="include"))
    assert leaks.NOTE not in files and KEY in files[exporting.CHAT].decode()
    assert {b"PASSWORD=hunter2", b"TOKEN=swordfish"} < set(files.values())
