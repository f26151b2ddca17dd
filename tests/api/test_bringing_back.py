"""One change between two versions, taken back in the newest one."""

import pytest

from projects import versions
from projects.diffs import take_back

OLD = "".join(f"line {number}\n" for number in range(40))
NEW = OLD.replace("line 5\n", "five\n").replace("line 30\n", "thirty\nand more\n")


@pytest.fixture
def save(project):
    """`save(text)`: a version whose page.txt is that; its number."""

    def save(text: str | bytes | None, path: str = "page.txt") -> int:
        content = text.encode() if isinstance(text, str) else text
        made = versions.save_file(project, path, content)
        assert made is not None
        return made.number

    return save


@pytest.fixture
def ask(api, alice, project):
    """`ask(number, to, hunk)`: the answer to bringing a change back."""

    def ask(number: int, to: int, hunk: int, path: str = "page.txt"):
        url = f"/api/v1/projects/{project.pk}/versions/{number}/restore/"
        return api(alice).post(url, {"path": path, "hunk": hunk, "to": to})

    return ask


@pytest.fixture
def text(project):
    return lambda path="page.txt": versions.read(project.versions.first(), path).decode()


def test_it_brings_back_one_change_and_leaves_the_other(save, ask, text, project):
    old, new = save(OLD), save(NEW)
    answer = ask(old, new, 1)
    assert answer.status_code == 201
    assert (answer.json()["source"], answer.json()["title"]) == (
        "restore",
        f"Bring back a change of page.txt from version {old}",
    )
    assert text() == OLD.replace("line 5\n", "five\n")
    assert project.steps.get(type="version").data["changed"] == ["page.txt"]
    # Once more is no change; the other one, and all of it is as it was.
    assert ask(old, new, 1).status_code == 200
    assert ask(old, new, 0).status_code == 201
    assert text() == OLD
    # Undo is another restore.
    assert ask(new, old, 0).status_code == 201
    assert text() == OLD.replace("line 5\n", "five\n")


def test_it_keeps_what_was_changed_elsewhere_meanwhile(save, ask, text):
    old, new = save(OLD), save(NEW)
    save("a new head\n" + NEW.replace("line 15\n", ""))
    assert ask(old, new, 1).status_code == 201
    assert text() == "a new head\n" + OLD.replace("line 5\n", "five\n").replace("line 15\n", "")


@pytest.mark.parametrize("meanwhile", ["thirty\n", "line 28\n"], ids=["the change", "a line beside it"])
def test_it_changes_nothing_where_the_lines_are_different_by_now(save, ask, text, project, meanwhile):
    old, new = save(OLD), save(NEW)
    newest = save(now := NEW.replace(meanwhile, "something else\n"))
    answer = ask(old, new, 1)
    assert answer.status_code == 409
    assert answer.json()["detail"] == (
        "The lines around this change of page.txt are different by now, so nothing was changed."
    )
    assert (text(), project.versions.first().number) == (now, newest)


@pytest.mark.parametrize(
    ("old", "new", "now", "wanted"),
    [
        ("a\nb", "a\n", "a\n", "a\nb"),
        ("a\nb\n", "a", "a", "a\nb\n"),
        ("a\nb", "a\n", "a\nc\n", "a\nb\nc\n"),
        ("b", "", "", "b"),
        ("", "b\n", "b\n", ""),
        ("b\n", "", "c\n", None),
        ("a\r\nb\r\n", "a\r\nc\r\n", "a\r\nc\r\nd\r\n", "a\r\nb\r\nd\r\n"),
        ("x\na", "x\nb", "x\nb\n", "x\na"),
        ("x\na", "x\nb", "x\nb\nmore\n", "x\na\nmore\n"),
    ],
)
def test_it_is_exact_at_the_ends(old, new, now, wanted):
    def back():
        return take_back("a.txt", old.encode(), new.encode(), 0, now.encode()).decode()

    if wanted is None:
        with pytest.raises(versions.DoesNotFit):
            back()
    else:
        assert back() == wanted


LONG = {"null": b"\x00\x01", "no text": b"\xff\xfe", "very long": b"x\n" * 150_000, "many lines": b"x\n" * 3_001}


@pytest.mark.parametrize("content", LONG.values(), ids=LONG)
def test_it_refuses_what_has_no_text_diff(save, ask, project, content):
    old, new = save(OLD), save(content)
    answer = ask(old, new, 0)
    assert (answer.status_code, answer.json()["errors"]) == (
        400,
        {"path": ["page.txt is no text, or very long: bring it back as a whole."]},
    )
    assert project.versions.first().number == new


def test_it_says_what_is_not_there(save, ask, project):
    old, new = save(OLD), save(NEW)
    assert ask(old, new, 2).status_code == 400
    assert ask(old, new, 0, "nothing.txt").status_code == 404
    assert ask(old, new, 0, "app.js").status_code == 400, "it did not change"
    assert ask(1, new, 0).status_code == 400, "it came as a whole"
    assert ask(old, 99, 0).status_code == 404
    gone = save(None)
    answer = ask(old, new, 0)
    assert answer.status_code == 409 and "no page.txt any more" in answer.json()["detail"]
    assert project.versions.first().number == gone


@pytest.mark.parametrize(
    "body",
    [{"hunk": 0}, {"path": "page.txt", "hunk": 0}, {"path": "page.txt", "to": 2}, {"path": "p", "hunk": -1, "to": 2}],
)
def test_it_wants_all_that_names_a_change(api, alice, save, project, body):
    save(OLD), save(NEW)
    before = project.versions.count()
    assert api(alice).post(f"/api/v1/projects/{project.pk}/versions/2/restore/", body).status_code == 400
    assert project.versions.count() == before


def test_it_waits_for_a_run_and_knows_no_strangers(api, bob, save, ask, run, project):
    old, new = save(OLD), save(NEW)
    answer = ask(old, new, 0)
    assert answer.status_code == 409 and "run is at work" in answer.json()["detail"]
    url = f"/api/v1/projects/{project.pk}/versions/{old}/restore/"
    assert api(bob).post(url, {"path": "page.txt", "hunk": 0, "to": new}).status_code == 404


def test_it_is_by_hand_so_locks_of_the_agent_do_not_hold_it(save, ask, text, project):
    old, new = save(OLD), save(NEW)
    project.locked = ["page.txt"]
    project.save()
    assert ask(old, new, 0).status_code == 201
    assert text() == NEW.replace("five\n", "line 5\n")
