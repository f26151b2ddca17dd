"""Versions hold a project's files exactly, once, in order."""

from itertools import pairwise

import pytest

from projects import services, versions
from projects.models import Blob, Version
from projects.paths import BadFiles, check_path, language
from projects.versions import NoSuchFile
from tests.usage.test_reservations import at_once

FILES = {
    "src/App.tsx": b"export const a = 1;\n" * 500,
    "empty.txt": b"",
    "images/dot.bin": bytes(range(256)) * 40,
    "docs/übersicht – 日本.md": "Grüße\n".encode(),
}


def save(project, files, **facts) -> Version:
    return made(versions.save(project, files, source="run", **facts))


def made(version: Version | None) -> Version:
    assert version is not None
    return version


@pytest.fixture
def empty(alice):
    return services.create_project(alice, "A shop", model="vibe-m", framework="html")


def test_it_gives_back_what_was_saved(empty):
    version = save(empty, FILES, title="First", verdict={"build": True})
    assert version.number == 1 and version.verdict == {"build": True}
    assert versions.files(version) == FILES
    assert versions.read(version, "images/dot.bin") == FILES["images/dot.bin"]
    assert versions.file_sizes(version) == {path: len(content) for path, content in sorted(FILES.items())}


def test_it_makes_no_version_of_no_change(empty):
    save(empty, FILES)
    assert versions.save(empty, FILES, source="run") is None
    assert empty.versions.count() == 1


def test_it_keeps_the_same_content_once(empty, bob):
    save(empty, FILES)
    other = services.create_project(bob, "Another", model="vibe-m", framework="html")
    before = Blob.objects.count()
    save(other, {"copy.tsx": FILES["src/App.tsx"], "again.tsx": FILES["src/App.tsx"]})
    assert Blob.objects.count() == before


def test_it_says_which_file_is_not_there(empty):
    version = save(empty, FILES)
    with pytest.raises(NoSuchFile):
        versions.read(version, "nowhere.txt")


def test_it_restores_as_a_new_version_and_can_undo_that(empty):
    first = save(empty, {"a": b"1"}, verdict={"build": True})
    second = save(empty, {"a": b"2", "b": b""})
    third = made(versions.restore(empty, first))
    fourth = made(versions.restore(empty, second))
    assert [version.number for version in (first, second, third, fourth)] == [1, 2, 3, 4]
    assert versions.files(third) == versions.files(first) and third.verdict == {"build": True}
    assert versions.files(fourth) == versions.files(second)
    assert versions.restore(empty, second) is None


def test_it_saves_and_deletes_one_file_by_hand(empty):
    save(empty, {"a": b"1", "b": b"2"})
    edited = made(versions.save_file(empty, "a", b"3"))
    assert versions.files(edited) == {"a": b"3", "b": b"2"} and edited.source == Version.Source.EDIT
    assert versions.files(made(versions.save_file(empty, "b", None))) == {"a": b"3"}
    with pytest.raises(NoSuchFile):
        versions.save_file(empty, "b", None)
    assert versions.save_file(empty, "a", b"3") is None


def test_it_numbers_without_a_gap_when_many_save_at_once(transactional_db, alice):
    project = services.create_project(alice, "A shop", model="vibe-m", framework="html")
    numbers = iter(range(12))
    results = at_once(12, lambda: save(project, {f"{next(numbers)}.txt": b"x", "same": b"y"}))
    assert sorted(version.number for version in results if isinstance(version, Version)) == list(range(1, 13))


def test_it_tells_what_changed(empty):
    before = save(empty, {"gone": b"x\n", "same": b"s", "app.js": b"1\n2\n3\n", "pic": b"\x00\x01"})
    after = save(empty, {"new": b"n\nm\n", "same": b"s", "app.js": b"1\ntwo\n3\n", "pic": b"\x00"})
    changes = {change.path: change for change in versions.diff(before, after)}
    assert list(changes) == ["app.js", "gone", "new", "pic"]
    assert [change.action for change in changes.values()] == ["changed", "deleted", "added", "changed"]
    assert (changes["app.js"].added, changes["app.js"].removed) == (1, 1)
    assert (changes["app.js"].diff or "").startswith("--- a/app.js\n+++ b/app.js\n")
    assert "-2\n+two" in (changes["app.js"].diff or "")
    assert changes["pic"].diff is None
    found = versions.changes(before.manifest, after.manifest)
    assert found == {"added": ["new"], "changed": ["app.js", "pic"], "deleted": ["gone"]}
    assert [change.action for change in versions.diff(None, before)] == ["added"] * 4


HOSTILE = [
    "/etc/passwd",
    "../up",
    "a/../../up",
    "a//b",
    "./a",
    "a/",
    "",
    "C:/x",
    "c:x",
    "a\\b",
    "a\x00b",
    "a\nb",
    "\ud800",
]


@pytest.mark.parametrize("path", [*HOSTILE, "x" * 256, "/".join(["y" * 100] * 6)])
def test_it_refuses_a_hostile_path_and_keeps_nothing(empty, path):
    with pytest.raises(BadFiles):
        save(empty, {"good.txt": b"fine", path: b"bad"})
    assert not empty.versions.exists()


@pytest.mark.parametrize("path", ["app/[id]/page.tsx", "(group)/$x.tsx", "...", ".env.example", "a b/ü.md", "-rf"])
def test_it_takes_the_odd_names_that_apps_have(path):
    assert check_path(path) == path


CLASHES = [("App.tsx", "app.tsx"), ("Src/a", "src/b"), ("a", "a/b"), ("é", "e\u0301"), ("STRASSE", "straße")]


@pytest.mark.parametrize("pair", CLASHES)
def test_it_refuses_names_that_some_systems_take_for_one(empty, pair):
    with pytest.raises(BadFiles, match="same name"):
        save(empty, dict.fromkeys(pair, b""))


def test_it_refuses_too_many_and_too_large(empty, monkeypatch):
    with pytest.raises(BadFiles, match="2,001 files"):
        save(empty, {f"{number}": b"" for number in range(2_001)})
    with pytest.raises(BadFiles, match="a file has at most"):
        save(empty, {"big": bytes(5 * 2**20 + 1)})
    part = bytes(5 * 2**20)
    with pytest.raises(BadFiles, match="The project has"):
        save(empty, {f"{number}": part for number in range(11)})


def test_it_counts_the_limits_for_a_file_saved_by_hand_too(empty):
    save(empty, {f"{number}": b"" for number in range(2_000)})
    with pytest.raises(BadFiles, match="2,001 files"):
        versions.save_file(empty, "one-more", b"")
    versions.save_file(empty, "1", None)
    with pytest.raises(BadFiles, match="same name"):
        versions.save_file(empty, "7/below", b"")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("src/App.tsx", "tsx"),
        ("a.b/main.ts", "typescript"),
        ("README.MD", "markdown"),
        ("Dockerfile", ""),
        (".env", ""),
    ],
)
def test_it_knows_a_language_by_the_files_name(path, name):
    assert language(path) == name


def test_it_lists_the_newest_first(empty):
    for number in range(3):
        save(empty, {"n": b"%d" % number})
    assert all(new.number > old.number for new, old in pairwise(empty.versions.all()))
    assert made(versions.newest(empty)).number == 3
