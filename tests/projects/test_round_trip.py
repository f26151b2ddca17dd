"""A whole project goes out as a ZIP and comes in again as the same one; and ZIPs made to do harm come in not at all."""

import base64
import json
from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agents import services
from agents.models import Run, Step
from agents.prompts import talk
from projects import attachments, blobs, exporting, importing, restoring, versions
from projects.models import Attachment, Blob, Fragment, Project, Promise, Version
from projects.paths import BadFiles
from tests.projects.whole import PNG, exported, imported, newest, packed, peak, unpacked
from usage.models import Entry

# --- There and back ---------------------------------------------------------------------------------------------------


def test_it_comes_back_as_the_same_project(api, alice, bob, rich):
    first = exported(api(alice), rich)
    answer = imported(api(bob), first)
    assert answer.status_code == 201 and (answer.json()["version"], answer.json()["left_out"]) == (3, [])
    made = Project.objects.get(owner=bob)
    assert unpacked(exported(api(bob), made)) == unpacked(first)
    for before, after in zip(rich.versions.all(), made.versions.all(), strict=True):
        assert (after.number, after.title, after.source, after.created) == (
            *(before.number, before.title, before.source, before.created),
        )
        assert versions.files(after) == versions.files(before)
    assert (made.model, made.locked, made.review) == ("vibe-m", ["src/*.css"], False)
    assert attachments.content(made.attachments.get(name="plan.png")) == PNG


def test_it_takes_over_no_verdict_that_was_reached_elsewhere(api, alice, bob, rich):
    imported(api(bob), exported(api(alice), rich))
    made = Project.objects.get(owner=bob)
    assert [version.verdict for version in made.versions.all()] == [{}, {}, {}]
    assert [(one.says, one.held, one.checked, one.aside) for one in made.promises.all()] == [
        *(("It sells bread", None, None, False), ("It has a menu", None, None, True)),
    ]
    ids = {str(one.pk): None for one in made.promises.all()}
    assert made.versions.get(number=2).promised == ids and made.versions.get(number=1).promised == {}
    assert versions.way_back(newest(made)) is None


def test_it_shows_the_conversation_and_the_agent_is_told_of_it(as_user, api, alice, bob, rich):
    upload = SimpleUploadedFile("anything.zip", exported(api(alice), rich), "application/zip")
    page = as_user(bob).post(reverse("project-import"), {"file": upload}, follow=True)
    made = Project.objects.get(owner=bob)
    assert made.name == rich.name and "Imported with 3 versions and 4 messages." in page.text
    assert "A page for a <em>bakery</em>" in page.text and "Here <strong>it</strong> is." in page.text
    assert page.text.count("imported</p>") == 4 and f"{made.attachments.get(name='menu.txt').pk}" in page.text
    # Nobody ran anything here, and nobody pays.
    assert not Run.objects.filter(project=made).exists() and not Entry.objects.filter(kind="charge").exists()
    assert {step.type for step in Step.objects.filter(project=made)} == {"earlier"}
    answers = [one.fragments.get().kind for one in made.messages.filter(role="assistant")]
    assert answers == [Fragment.Kind.TEXT, Fragment.Kind.TEXT]
    run = services.start_run(made, "And now?")
    said = talk.messages(run, [], "")
    texts = [(one["role"], one["content"][0]["text"]) for one in said]
    assert texts[:4] == [(one.role, one.text) for one in rich.messages.order_by("created")]


def test_it_goes_back_to_an_imported_version(api, alice, bob, rich):
    pk = imported(api(bob), exported(api(alice), rich), name="Mine").json()["id"]
    assert api(bob).post(f"/api/v1/projects/{pk}/versions/1/restore/").status_code == 201
    made = Project.objects.get(pk=pk)
    assert made.name == "Mine" and newest(made).number == 4
    assert versions.read(newest(made), "index.html") == b"<h1>Bread</h1>\n"


def test_it_brings_only_files_into_a_project_there_is(api, alice, bob, rich):
    content = exported(api(alice), rich)
    there = Project.objects.create(owner=bob, name="Mine", framework="html", model="vibe-m")
    url = f"/api/v1/projects/{there.pk}/import/"
    assert api(bob).post(url, {"content": base64.b64encode(content).decode()}).status_code == 201
    first = newest(there)
    assert first.number == 1 and not there.messages.exists() and not there.promises.exists()
    assert not [path for path in first.manifest if path.startswith(".vibe")]
    # Not by hand either: so it is never pushed or shown as a part of an app.
    saved = api(bob).put(f"/api/v1/projects/{there.pk}/files/.vibe/project.json", {"content": "{}"})
    assert saved.status_code == 400 and "no part of an app" in saved.text


def test_it_comes_back_out_of_one_folder_around_it(api, alice, bob, rich):
    inside = {f"bakery/{name}": content for name, content in unpacked(exported(api(alice), rich)).items()}
    assert imported(api(bob), packed(inside)).json()["version"] == 3


def test_it_comes_back_where_the_app_is_one_folder(api, alice, bob, rich):
    versions.save(rich, {"site/index.html": b"<p>", "site/app.js": b"1"}, source="edit")
    pk = imported(api(bob), exported(api(alice), rich)).json()["id"]
    assert newest(Project.objects.get(pk=pk)).manifest == newest(rich).manifest and newest(rich).number == 4


def test_it_comes_back_however_many_files_its_versions_have(api, alice, bob, rich):
    last, sha = newest(rich), blobs.sha256(b"a{}")
    manifest = {f"{number:x}": sha for number in range(2_000)}
    Version.objects.bulk_create(
        Version(project=rich, number=last.number + 1 + at, source="edit", manifest=manifest) for at in range(60)
    )
    content = exported(api(alice), rich)
    text = unpacked(content)[exporting.PROJECT]
    assert text.count(b":") > 0.8 * 8 * 2**20 / 71  # as full as one can be
    assert imported(api(bob), content).status_code == 201
    assert Version.objects.filter(project__owner=bob).count() == len(json.loads(text)["versions"]) > 50


def test_it_asks_for_many_attachments_as_often_as_for_few(api, alice, bob, rich):
    def queries():
        content = exported(api(alice), rich)
        with CaptureQueriesContext(connection) as asked:
            assert imported(api(bob), content).status_code == 201
        return len(asked)

    few = queries()
    message = rich.messages.filter(role="user").latest("created")
    sent = [attachments.add(rich, f"{number}.png", PNG + bytes([number])).pk for number in range(attachments.MOST)]
    attachments.send(rich, sent, message)
    assert queries() == few
    made = Attachment.objects.filter(project=Project.objects.filter(owner=bob).latest("created"), kind="image")
    assert [one.name for one in made] == ["plan.png", *(f"{number}.png" for number in range(8))]
    shown = Fragment.objects.filter(message__in=made.values("message"), kind=Fragment.Kind.IMAGE)
    assert {one.meta["attachment"] for one in shown} == {str(one.pk) for one in made}


def test_it_comes_back_without_the_versions_that_were_too_much(api, alice, bob, rich, monkeypatch):
    monkeypatch.setattr(exporting, "MAX_VERSIONS", 2)
    pk = imported(api(bob), exported(api(alice), rich)).json()["id"]
    assert [one.number for one in Project.objects.get(pk=pk).versions.all()] == [3, 2]


def test_it_takes_no_private_file(api, alice, bob, rich):
    versions.save_files(rich, {".env": b"PASSWORD=hunter2"})
    versions.save_file(rich, "a.txt", b"a")
    answer = imported(api(bob), exported(api(alice), rich, secrets="include"))
    assert (answer.status_code, answer.json()["left_out"]) == (201, [".env"])
    manifests = [one.manifest for one in Version.objects.filter(project__owner=bob)]
    assert len(manifests) == 5 and not [manifest for manifest in manifests if ".env" in manifest]


# --- Made to do harm --------------------------------------------------------------------------------------------------


@pytest.fixture
def forge(api, alice, bob, rich):
    """`forge(change)`: what an import says of a ZIP in which `change(told, said, files)` changed something."""
    content = exported(api(alice), rich)
    client = api(bob)

    def forge(change):
        files = unpacked(content)
        told, said = json.loads(files.pop(exporting.PROJECT)), json.loads(files.pop(exporting.CHAT))
        change(told, said, files)
        texts = {exporting.PROJECT: json.dumps(told), exporting.CHAT: json.dumps(said)}
        return imported(client, packed(texts | files))

    return forge


OLD = blobs.sha256(b"<h1>Bread</h1>\n")
DATA = blobs.sha256(b"\0")
CHANGES = {
    "no format": (lambda told, said, files: told.pop("format"), "does not say what format"),
    "a newer format": (lambda told, said, files: told.update(format=2), "in format 2; this Vibe reads format 1"),
    "true for a number": (lambda told, said, files: told.update(format=True), "does not say what format"),
    "no object": (lambda told, said, files: files.update({exporting.PROJECT: b"[]"}), "does not say what format"),
    "no JSON": (lambda told, said, files: files.update({exporting.PROJECT: b"{"}), "no JSON"),
    "nested": (lambda told, said, files: files.update({exporting.CHAT: b"[" * 100_000}), "no JSON"),
    "a bomb of text": (
        lambda told, said, files: files.update({exporting.CHAT: b" " * (8 * 2**20 + 1)}),
        "8,388,609 bytes",
    ),
    "a bomb of a blob": (
        lambda told, said, files: files.update({f".vibe/blobs/{OLD}": b"\0" * (5 * 2**20 + 1)}),
        "a file has at most",
    ),
    "another content": (lambda told, said, files: files.update({f".vibe/blobs/{OLD}": b"x"}), "is something else"),
    "a missing content": (lambda told, said, files: files.pop(f".vibe/blobs/{OLD}"), "lacks the content of index.html"),
    "other files": (
        lambda told, said, files: files.update({"app.js": b"evil"}),
        "app.js in the ZIP is not as version 3",
    ),
    "one file more": (lambda told, said, files: files.update({"more.js": b""}), "more.js in the ZIP is not as"),
    "a path that climbs": (lambda told, said, files: told["versions"][0]["files"].update({"../a": OLD}), "'..'"),
    "a path of ours": (
        lambda told, said, files: told["versions"][0]["files"].update({".vibe/x": OLD}),
        "no part of an app",
    ),
    "names that clash": (lambda told, said, files: told["versions"][0]["files"].update({"APP.js": OLD}), "same name"),
    "no hash": (lambda told, said, files: told["versions"][0]["files"].update({"a": "../../x"}), "names no content"),
    "no files": (lambda told, said, files: told["versions"][0].update(files=[]), "files should be an object"),
    "no versions": (lambda told, said, files: told.update(versions=[]), "0 versions"),
    "many versions": (lambda told, said, files: told.update(versions=[{}] * 100_000), "100,000 versions"),
    "versions twice": (lambda told, said, files: told["versions"][1].update(number=1), "not in order"),
    "a huge number": (lambda told, said, files: told["versions"][2].update(number=2**40), "not in order"),
    "a number as text": (lambda told, said, files: told["versions"][0].update(number="1"), "number should be a number"),
    "an unknown source": (lambda told, said, files: told["versions"][0].update(source="x"), "source that this Vibe"),
    "no time": (lambda told, said, files: told["versions"][0].update(created="soon"), "created should be a time"),
    "another framework": (lambda told, said, files: told.update(framework="cobol"), "written in 'cobol'"),
    "rules of numbers": (lambda told, said, files: told.update(rules=7), "rules should be a text"),
    "locks of numbers": (lambda told, said, files: told.update(locked=[7]), "locked should be a text"),
    "locks that climb": (lambda told, said, files: told.update(locked=["../x"]), "no pattern"),
    "many pins": (lambda told, said, files: told.update(pinned=[f"{n}" for n in range(11)]), "10 files"),
    "many promises": (lambda told, said, files: told.update(promises=told["promises"] * 121), "242 promises"),
    "a promise elsewhere": (lambda told, said, files: told["promises"][0].update(path="//evil.example"), "no path"),
    "a promise of tomorrow": (
        lambda told, said, files: told["promises"][0].update(version=9),
        "promise is of version 9",
    ),
    "many messages": (lambda told, said, files: said.extend(said * 600), "2,404 messages"),
    "a long conversation": (
        lambda told, said, files: said.extend([{**said[1], "text": "x" * 50_000}] * 80),
        "at most 3,000,000 can be read",
    ),
    "another role": (lambda told, said, files: said[0].update(role="system"), "role or a mode"),
    "many attachments": (lambda told, said, files: said[0].update(attachments=said[0]["attachments"] * 5), "At most 8"),
    "an attachment that is neither picture nor text": (
        lambda told, said, files: (
            said[0]["attachments"].append({"name": "x.exe", "sha256": DATA}),
            files.update({f".vibe/blobs/{DATA}": b"\0"}),
        ),
        "Only pictures",
    ),
    "an attachment of code": (
        lambda told, said, files: said[0]["attachments"].append({"name": "x", "sha256": "0" * 64}),
        "lacks the content of the attachment x",
    ),
}


# What stands first, and then many times.
VALUES = {
    "objects": (exporting.PROJECT, "1", "{}"),
    "lists": (exporting.CHAT, "1", "[]"),
    "texts": (exporting.CHAT, "1", '"a"'),
    "after a backslash": (exporting.CHAT, r'"\\"', "{}"),
    "after a quote": (exporting.CHAT, r'"\""', "{}"),
}


@pytest.mark.parametrize(("name", "first", "value"), VALUES.values(), ids=VALUES)
def test_it_makes_nothing_of_more_values_than_an_export_has(forge, name, first, value):
    content = f"[{','.join([first, *[value] * (8_000_000 // (len(value) + 1))])}]".encode()
    answer, most = peak(lambda: forge(lambda told, said, files: files.update({name: content})))
    assert answer.status_code == 400 and "more than 500,000 values" in answer.json()["detail"] and most < 60 * 2**20


def test_it_reads_no_conversation_of_a_project_that_is_none(forge):
    def change(told, said, files):
        files[exporting.CHAT] = b"no JSON"
        told["versions"][1]["number"] = 1

    assert "not in order" in forge(change).json()["detail"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_it_reads_no_other_encoding(forge, encoding):
    answer = forge(lambda told, said, files: files.update({exporting.CHAT: "[]".encode(encoding)}))
    assert answer.status_code == 400 and "no JSON" in answer.json()["detail"]


@pytest.mark.parametrize("change", CHANGES)
def test_it_refuses_what_was_forged_with_a_sentence_and_makes_nothing(forge, bob, change):
    kept = Blob.objects.count()
    answer = forge(CHANGES[change][0])
    assert answer.status_code == 400, answer.content
    assert CHANGES[change][1] in json.dumps(answer.json(), ensure_ascii=False)
    assert not Project.objects.filter(owner=bob).exists() and Blob.objects.count() == kept


def test_it_gives_nobody_a_content_whose_hash_they_know(forge, alice, bob):
    """What is kept here already is not given to who brings only its name."""
    versions.save(Project.objects.filter(owner=alice)[0], {"secret.txt": b"of alice"}, source="edit")
    sha = blobs.sha256(b"of alice")
    answer = forge(lambda told, said, files: told["versions"][0]["files"].update({"stolen.txt": sha}))
    assert answer.status_code == 400 and "lacks the content of stolen.txt" in answer.text


def test_it_holds_the_older_versions_to_a_sum(forge, monkeypatch):
    monkeypatch.setattr(restoring, "MAX_BLOB_BYTES", 20)
    assert "at most 20 can be read" in forge(lambda told, said, files: None).json()["detail"]


def test_it_cuts_texts_and_times_to_their_bounds(forge, bob):
    def change(told, said, files):
        told.update(name="A" * 200, rules="r\0" * 9_000, model="gpt-99", versions=told["versions"][-1:], promises=[])
        told["versions"][0].update(title="\0t" * 900, created="9999-12-31T23:59:59-23:59", promised=[5, -1])
        said[0].update(text="\ud800x" * 30_000, created="0001-01-01T00:00:00+23:59")
        said[1].update(text="<script>alert(1)</script>\0", created="9999-12-31T23:59:59+00:00")

    assert forge(change).status_code == 201
    made = Project.objects.get(owner=bob)
    only = made.versions.get()
    assert (made.name, made.rules, made.model) == ("A" * 80, "r" * 8_000, "auto")
    assert (only.title, only.promised) == ("t" * 200, {}) and only.created <= datetime.now(UTC)
    first, second, *_ = made.messages.order_by("created")
    assert (first.text, first.created.year) == ("x" * 20_000, 1980)
    assert second.text == "<script>alert(1)</script>" and second.created <= made.created.replace(year=2200)
    # A later message comes after all of these.
    assert services.start_run(made, "Now").message.created > made.messages.exclude(text="Now").latest("created").created


def test_it_has_runs_check_no_more_promises_than_a_project_may_have(forge, bob):
    def change(told, said, files):
        told["promises"] = [{**told["promises"][0], "text": f"Bread {number}"} for number in range(50)]

    assert forge(change).status_code == 201
    current = Promise.objects.filter(project__owner=bob, aside=False).values_list("text", flat=True)
    assert list(current) == [f"Bread {number}" for number in range(10, 50)]


def test_it_shows_no_script_of_somebody_elses_conversation(forge, as_user, bob):
    text = "<script>alert(1)</script> [x](javascript:alert(1)) ![p](https://evil.example/p.png)"
    forge(lambda told, said, files: (said[0].update(text=text), said[1].update(text=text)))
    page = as_user(bob).get(Project.objects.get(owner=bob).get_absolute_url()).text
    assert "<script>alert" not in page and 'href="javascript:' not in page and '<img src="https://evil' not in page


def test_it_takes_a_zip_of_a_zips_folder_for_files_alone(api, bob):
    content = packed({"index.html": b"<p>", "docs/.vibe/project.json": b"{}"})
    made = imported(api(bob), content).json()
    assert made["version"] == 1 and "docs/.vibe/project.json" not in Version.objects.get(project=made["id"]).manifest
    with pytest.raises(BadFiles, match="no ZIP"):
        importing.unpack(b"PK")
