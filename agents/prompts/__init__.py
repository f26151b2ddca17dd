"""What the model is told: prompts are files here, put together with the project's facts."""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from agents.models import Run, Step
from agents.prompts.attached import blocks
from projects import versions
from projects.frameworks import FRAMEWORKS, starting_manifest
from projects.models import Message, Project

HERE = Path(__file__).parent
# Messages of earlier runs that a follow-up sees, newest kept.
HISTORY_MESSAGES = 20
HISTORY_CHARS = 4_000
TREE_LINES = 200
# Messages that may wait behind a run and so be newer than its own.
MAX_BEHIND = 10


@cache
def _file(name: str) -> str:
    return (HERE / name).read_text().strip()


def instructions(framework: str, mode: str = Message.Mode.BUILD) -> str:
    """What the model is told in every run, whatever the project."""
    frame = _file("ask.md" if mode == Message.Mode.ASK else "system.md")
    return frame.format(framework=framework, port=FRAMEWORKS[framework].port, rules=_file(f"{framework}.md"))


def context(project: Project) -> str:
    """The project's tree and package.json, as the model's first look at it: those of the newest version, or of the
    template before there is one. No sandbox is asked, so the model can begin while one is being made.
    """
    version = versions.newest(project)
    paths = sorted(version.manifest if version else starting_manifest(project.framework))
    tree = "\n".join(paths[:TREE_LINES]) + (f"\n… {len(paths) - TREE_LINES} more" if len(paths) > TREE_LINES else "")
    parts = [f"Files:\n{tree or '(none)'}"]
    if "package.json" in paths:
        package = versions.read(version, "package.json") if version else _starting_package(project.framework)
        parts.append(f"package.json:\n{package.decode('utf-8', 'replace')[:3_000]}")
    return "\n\n".join(parts)


def _starting_package(framework: str) -> bytes:
    return (FRAMEWORKS[framework].folder / "app" / "package.json").read_bytes()


def conversation(run: Run, steps: list[Step], context: str) -> list[dict[str, Any]]:
    """The messages of the run's next model call, from what is stored: earlier runs in short, this one in full."""
    messages = _history(run)
    prompt = f"<project_context>\n{context}\n</project_context>\n\n{run.message.text}"
    _say(messages, "user", [*blocks(run.message), {"type": "text", "text": prompt}])
    for step in steps:
        record: dict[str, Any] = step.record or {}
        if step.type == "reply" and record["content"]:
            _say(messages, "assistant", record["content"])
        elif step.type == "tool_result":
            _say(messages, "user", [record])
        elif step.type == "check" and not step.data["ok"]:
            _say(messages, "user", [{"type": "text", "text": problem(step.data)}])
        elif step.type == "nudge":
            _say(messages, "user", [{"type": "text", "text": step.data["text"]}])
    return messages


def problem(check: dict[str, Any]) -> str:
    """A failed check as the model is told of it."""
    return (
        f"The platform's check failed: {check['title']}.\n\n{check['output']}\n\n"
        "Find the cause and fix only that. Then call finish."
    )


def _history(run: Run) -> list[dict[str, Any]]:
    said = run.project.messages.exclude(run__reason="dropped").select_related("run", "reply_of").order_by("-created")
    turns = ((_turn(message), message) for message in said[: HISTORY_MESSAGES + MAX_BEHIND])
    earlier = sorted((turn, message.created, message) for turn, message in turns if turn < run.created)
    messages: list[dict[str, Any]] = []
    for _, _, message in earlier[-HISTORY_MESSAGES:]:
        if messages or message.role == Message.Role.USER:  # a conversation begins with the user
            _say(messages, message.role, [{"type": "text", "text": message.text[:HISTORY_CHARS] or "(nothing)"}])
    return messages


def _turn(message: Message) -> datetime:
    """When the run of a message was asked for: what waited behind another run comes after that run's answer."""
    run: Run | None = getattr(message, "run", None) or getattr(message, "reply_of", None)
    return run.created if run else message.created


def _say(messages: list[dict[str, Any]], role: str, content: list[dict[str, Any]]) -> None:
    """Adds content; neighbours of one role are one message, as the protocol wants it."""
    if messages and messages[-1]["role"] == role:
        messages[-1]["content"] = [*messages[-1]["content"], *content]
    else:
        messages.append({"role": role, "content": list(content)})
