"""The conversation that a model call carries: earlier runs in short, this one in full, both bounded.

Everything comes from stored rows, so a worker that takes a run over sends the same. When the conversation grows, a
`stage` step marks up to where it is shortened (old tool results) or compacted (old turns as a summary).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from accounts import prepared
from agents import log, prompts
from agents.fingerprints import first_line
from agents.log import to_mend
from agents.models import Run, Step
from agents.prompts.attached import blocks, referred
from projects.models import Message

# Messages of earlier runs that a follow-up sees, newest kept.
HISTORY_MESSAGES = 20
HISTORY_CHARS = 4_000
# Messages that may wait behind a run and so be newer than its own.
MAX_BEHIND = 10
# Characters per token in code and English, roughly; good for shares of a window, not for bills.
CHARS_PER_TOKEN = 3.5
# A conversation longer than this is compacted even where the window is larger: each turn pays for all of it.
MOST_TOKENS = 200_000
# What is left of a tool result that is shortened; pictures that are sent along, newest kept; tokens of one.
SHORT_CHARS, PICTURES, PICTURE_TOKENS = 400, 2, 1_500
# What a summary keeps of each kind, newest kept.
SAYINGS, COMMANDS, PATHS, ERRORS = 12, 12, 80, 4
# Runs that one may go on from, each from the one before.
CHAIN = 10
SHORTENED, COMPACTED = "shorten", "compact"
# A message's turn is when its run was asked for, or the run that it answers.
TURN = Coalesce("run__created", "reply_of__created", "created")

Say = dict[str, Any]


@dataclass(frozen=True)
class Opening:
    """What is the same in all calls of a run: the conversation before it, the runs it continues, what was attached, the
    projects it refers to.
    """

    history: list[Say]
    before: str
    attached: list[Say]
    referred: str


def opening(run: Run) -> Opening:
    return Opening(_history(run), _goes_on(run), blocks(run.message) if run.has_files else [], referred(run))


def messages(run: Run, steps: list[Step], context: str, begun: Opening | None = None) -> list[Say]:
    """The messages of the run's next model call; `begun` spares looking up how they begin."""
    begun = begun or opening(run)
    short, gone = mark(steps, SHORTENED), mark(steps, COMPACTED)
    said = [dict(message) for message in begun.history]
    parts = [f"<project_context>\n{context}\n</project_context>"]
    if begun.before:
        parts.append(f"<earlier_context>\n{begun.before}\n</earlier_context>")
    if begun.referred:
        parts.append(f"<referenced_projects>\n{begun.referred}\n</referenced_projects>")
    if gone:
        text = prompts.template("compaction").format(summary=summary(step for step in steps if step.seq <= gone))
        parts.append(f"<earlier_context>\n{text}\n</earlier_context>")
    prompt = "\n\n".join([*parts, run.message.text])
    _say(said, "user", [*begun.attached, {"type": "text", "text": prompt}])
    for step in steps:
        if step.seq > gone:
            _add(said, step, short=step.seq <= short)
    return _fewer_pictures(said)


def _add(said: list[Say], step: Step, short: bool) -> None:
    record: dict[str, Any] = step.record or {}
    match step.type:
        case "reply" if content := log.said(step):
            _say(said, "assistant", content)
        case "tool_result":
            _say(said, "user", [_shortened(record) if short else record])
        case "check" if to_mend(step):
            _say(said, "user", [{"type": "text", "text": prompts.problem(step.data)}])
        case "review" if step.data["verdict"] == "issues":
            _say(said, "user", [{"type": "text", "text": prompts.findings(step.data["issues"])}])
        case "nudge":
            _say(said, "user", [{"type": "text", "text": step.data["text"]}])


def mark(steps: Iterable[Step], kind: str) -> int:
    """The number of the last step that is shortened or compacted; 0 without any."""
    marks = [step.record["upto"] for step in steps if step.type == "stage" and step.key.startswith(f"{kind}-")]  # type: ignore[index]
    return int(max(marks, default=0))


def tokens(said: list[Say], *more: str) -> int:
    """About how many tokens a conversation has."""
    return round(sum(map(_chars, said)) / CHARS_PER_TOKEN + sum(map(len, more)) / CHARS_PER_TOKEN)


def _chars(value: Any) -> float:
    kind = type(value)
    if kind is str:
        return len(value)
    if kind is dict:
        if value.get("type") == "image":
            return PICTURE_TOKENS * CHARS_PER_TOKEN
        value = value.values()
    elif kind is not list:
        return 4
    # Whole conversations, at each turn: most of what is in them is text.
    return sum([len(part) if type(part) is str else _chars(part) for part in value])


def summary(steps: Iterable[Step]) -> str:
    """What a part of a run's log came to: what was said and asked, files, commands, what is still wrong."""
    said: list[str] = []
    files: dict[str, str] = {}
    read: dict[str, None] = {}
    commands: list[str] = []
    wrong: dict[str, str] = {}
    for step in steps:
        data = step.data
        if step.type == "reply" and data["text"].strip():
            said.append(f"- {' '.join(data['text'].split())[:400]}")
        elif step.type == "file":
            first = files.get(data["path"])
            files[data["path"]] = data["action"] if first != "created" or data["action"] == "deleted" else first
        elif step.type in ("tool_result", "check"):
            name = str(data["name"])
            if data["ok"]:
                wrong.pop(name, None)
            else:
                wrong[name] = f"- {data['title']}: {first_line(data['output'] or data.get('summary', ''))}"
            if name == "terminal":
                commands.append(f"- {data['title'].removeprefix('Run ')} → {data.get('exit_code')}")
            elif name == "read_files" and data["ok"]:
                read.update(dict.fromkeys(data["summary"].split(", ")))
            elif name == "finish" and data["ok"]:
                said.append(f"- You finished with: {data['summary']}")
            elif name == "ask_user" and data["ok"]:
                said.append(f"- You asked: {data.get('question')} The answer: {data['summary']}")
    parts = {
        "Said and decided": said[-SAYINGS:],
        "Files": [f"- {path} ({action})" for path, action in list(files.items())[-PATHS:]],
        "Read": [f"- {', '.join(list(read)[-PATHS:])}"] if read else [],
        "Commands and their exit codes": commands[-COMMANDS:],
        "Still wrong": list(wrong.values())[-ERRORS:],
    }
    return "\n\n".join(f"{title}:\n" + "\n".join(lines) for title, lines in parts.items() if lines) or "Nothing yet."


def _goes_on(run: Run) -> str:
    """What a run that continues others is told of them; "" for one that does not."""
    chain: list[Run] = []
    before = run.follows
    while before and before.state != Run.State.SUCCEEDED and len(chain) < CHAIN:
        chain.append(before)
        before = before.follows
    if not chain:
        return ""
    last, first = chain[0], chain[-1]
    steps = Step.objects.filter(run__in=chain).order_by("cursor")
    text = prompts.template("continue")
    return text.format(reason=last.reason or last.state, request=first.message.text, summary=summary(steps))


def _shortened(result: Say) -> Say:
    content = result["content"]
    text = content if isinstance(content, str) else "\n".join(b["text"] for b in content if b["type"] == "text")
    if len(text) <= SHORT_CHARS and isinstance(content, str):
        return result
    return {**result, "content": f"{text[:SHORT_CHARS]}\n… (shortened; look again if you need it)"}


def _fewer_pictures(said: list[Say]) -> list[Say]:
    """Only the newest pictures are sent: each costs what a page of code costs, every turn."""
    left = PICTURES
    for message in reversed(said):
        for at, block in reversed(list(enumerate(message["content"]))):
            if block["type"] != "tool_result" or isinstance(block["content"], str):
                continue
            if left > 0:
                left -= 1
            else:
                kept = [part for part in block["content"] if part["type"] != "image"]
                message["content"][at] = {**block, "content": kept}
    return said


def _history(run: Run) -> list[Say]:
    """What was said before the run. What waited behind another run comes after that run's answer."""
    earlier = sorted(row for row in _newest(run.project_id) if row[0] < run.created)
    messages: list[Say] = []
    for _, _, role, text in earlier[-HISTORY_MESSAGES:]:
        if messages or role == Message.Role.USER:  # a conversation begins with the user
            _say(messages, role, [{"type": "text", "text": text[:HISTORY_CHARS] or "(nothing)"}])
    return messages


@prepared.rows
def _newest(project_id: UUID) -> "QuerySet[Message, tuple[datetime, datetime, str, str]]":
    newest = said(project_id).order_by("-created")
    return newest.values_list(TURN, "created", "role", "text")[: HISTORY_MESSAGES + MAX_BEHIND]


def said(project_id: UUID) -> QuerySet[Message]:
    """What was said in a project, without messages that were taken back while they waited, or set aside by an edit."""
    return Message.objects.filter(project_id=project_id, aside=False).exclude(run__reason__in=Run.UNSAID)


def _say(messages: list[Say], role: str, content: list[Say]) -> None:
    """Adds content; neighbours of one role are one message, as the protocol wants it."""
    if messages and messages[-1]["role"] == role:
        messages[-1]["content"] = [*messages[-1]["content"], *content]
    else:
        messages.append({"role": role, "content": list(content)})
