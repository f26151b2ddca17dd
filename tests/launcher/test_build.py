"""`bin/build`: a prompt becomes a folder of files; what the agent asks is asked at the terminal; exit codes."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from agents.models import Run
from launcher import running, testing
from launcher.place import ROOT, open_place

Build = Callable[..., tuple[int, str, str]]
PROMPT = "A page for a tea shop named Camellia"
ASKS = f"{PROMPT}, ask me"
CHOICES = ["Terracotta", "Teal", "Indigo", "Forest green"]
ENDS = "an empty line stops the build: "


@pytest.fixture
def begin(stack: Any) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """The command of bin/build on the site that runs, without a terminal unless `stdin` is one."""
    database = re.sub(r"/[^/]*$", f"/{settings.DATABASES['default']['NAME']}", os.environ["DATABASE_URL"])
    started = []

    def begin(*arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "build", *arguments, "--framework", "html"],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": database},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def build(begin: Callable[..., subprocess.Popen[str]]) -> Build:
    """`build(*arguments)`: the exit code, the output and what was said on standard error."""

    def build(*arguments: str) -> tuple[int, str, str]:
        process = begin(*arguments)
        out, errors = process.communicate(timeout=120)
        return process.returncode, out, errors

    return build


@pytest.fixture
def answer(begin: Callable[..., subprocess.Popen[str]]) -> Iterator[Build]:
    """`answer(line, *arguments)`: as `build`, with a terminal at which the line is typed once something is asked."""
    person, terminal = pty.openpty()

    def answer(line: str, *arguments: str) -> tuple[int, str, str]:
        # Typed while the agent works: no answer to what it asks later.
        os.write(person, b"\n")
        process = begin(*arguments, stdin=terminal)
        asked = ""
        assert process.stderr
        while not asked.endswith(ENDS) and (character := process.stderr.read(1)):
            asked += character
        os.write(person, f"{line}\n".encode())
        out, errors = process.communicate(timeout=120)
        return process.returncode, out, asked + errors

    yield answer
    os.close(person)
    os.close(terminal)


@pytest.mark.sandbox
def test_it_writes_the_apps_files_to_a_folder(build: Build, tmp_path: Path) -> None:
    code, out, errors = build(PROMPT, "--out", str(tmp_path / "tea"))
    assert (code, errors) == (0, "")
    assert "Camellia" in (tmp_path / "tea" / "index.html").read_text()
    count = sum(path.is_file() for path in (tmp_path / "tea").rglob("*"))
    assert out.splitlines()[-1].startswith(f"{count} files in {tmp_path / 'tea'} (")
    assert "• Building" in out and re.search(r"^    \w+ index.html \(\+\d+ -\d+\)$", out, re.MULTILINE), out


def test_it_fails_when_the_run_does(build: Build, tmp_path: Path) -> None:
    code, out, errors = build(f"{PROMPT} [[demo:401]]", "--out", str(tmp_path / "tea"))
    assert (code, errors) == (1, "CommandError: The run failed: model_key_refused.\n")
    assert "key" in out and not (tmp_path / "tea").exists()


def test_it_ends_with_the_question_where_nobody_can_answer(build: Build, tmp_path: Path) -> None:
    code, out, errors = build(ASKS, "--json", "--out", str(tmp_path / "tea"))
    assert code == 3
    assert f"The agent asked: Which colour shall lead? ({', '.join(CHOICES)}) Nobody answered" in errors
    assert "with the answer in the prompt" in errors
    events = [json.loads(line) for line in out.splitlines()]
    (asked,) = [event["data"] for event in events if event["data"].get("name") == "ask_user"]
    assert (asked["question"], asked["options"]) == ("Which colour shall lead?", CHOICES)
    assert (events[-1]["type"], events[-1]["data"]["state"]) == ("complete", "cancelled")
    assert Run.objects.get().state == Run.State.CANCELLED and not (tmp_path / "tea").exists()


@pytest.mark.sandbox
def test_it_asks_at_the_terminal_and_goes_on_with_one_json_line_per_event(answer: Build, tmp_path: Path) -> None:
    code, out, errors = answer("2", ASKS, "--json", "--out", str(tmp_path / "tea"))
    assert code == 0, errors
    assert errors.startswith("Which colour shall lead?\n  1. Terracotta\n  2. Teal\n") and errors.endswith(ENDS)
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert [event["data"]["text"] for event in events if event["type"] == "user_message"] == [ASKS, "Teal"]
    assert (events[-1]["type"], events[-1]["data"]["state"]) == ("complete", "succeeded")
    assert (tmp_path / "tea" / "index.html").is_file()


def test_it_asks_without_choices_and_takes_an_empty_line_for_no_answer(answer: Build, tmp_path: Path) -> None:
    code, _, errors = answer("", f"{PROMPT} [[demo:ask=Which town?]]", "--out", str(tmp_path / "tea"))
    assert code == 3
    assert errors.startswith(f"Which town?\nAn answer of your own; {ENDS}")
    assert "The agent asked: Which town? Nobody answered" in errors
    assert Run.objects.get().state == Run.State.CANCELLED


@pytest.mark.django_db
def test_it_refuses_what_it_cannot_build_and_begins_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("not to be mixed with an app")
    for arguments, why in (
        ([PROMPT, "--out", str(tmp_path)], "is there already and not empty. Name another folder with --out."),
        ([PROMPT, "--out", str(tmp_path / "mine")], "is there already and not empty"),
        ([" "], "the prompt is empty"),
        (["x" * 20_001], "20,001 characters"),
        ([PROMPT, "--framework", "cobol"], "invalid choice: 'cobol'"),
        ([PROMPT, "--model", "cobol"], "invalid choice: 'cobol'"),
        ([], "arguments are required: prompt"),
    ):
        with pytest.raises(CommandError, match=re.escape(why)):
            call_command("build", *arguments)
    assert not Run.objects.exists()


@pytest.mark.sandbox
@pytest.mark.timeout(240)
def test_it_has_services_of_its_own_where_none_run_and_counts_folders_from_the_caller(
    home: Path, tmp_path: Path
) -> None:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    built = subprocess.run(
        [sys.executable, "-m", "launcher", "build", PROMPT, "--framework", "html", "--out", "tea"],
        cwd=ROOT,
        env={**kept, **testing.FAST, "VIBE_HOME": str(home), "VIBE_CALLER_DIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert built.returncode == 0, built.stderr
    assert built.stderr.startswith("Starting Vibe's services for this build ...")
    assert f"files in {tmp_path / 'tea'} (" in built.stdout and (tmp_path / "tea" / "index.html").is_file()
    assert running.read(open_place({"VIBE_HOME": str(home)})) is None
