"""See a Messages request as what it means: the request in hand, the turns played since, and what came before."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from demo_model import directives, validation
from demo_model.directives import Directive

# Words that ask to go on with the request in hand rather than for something new.
NUDGE = re.compile(
    r"^\W*(?:your (?:answer|reply) was .*|give the plan by calling .*"
    r"|(?:please\s+)?(?:continue|go on|carry on|keep going|resume)\b.{0,60})$",
    re.IGNORECASE | re.DOTALL,
)
# An approved plan as the platform sends it to be built: its title is what the person wanted.
PLANNED = re.compile(r"^\W*Build this plan:\s+#\s*(.+)")
PROMISES = re.compile(r"<promises>\n(.*?)\n</promises>", re.DOTALL)
PROMISE = re.compile(r"^(\d{1,15})\. (.*) On (/\S*) stands: (.*?)(?: \(not true now\))?$", re.MULTILINE)
CONTEXT = re.compile(
    r"<(\w*context|project|files|memory|rules|promises|referenced_projects)\b[^>]*>.*?</\1>", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True)
class Result:
    """What a tool call brought back."""

    name: str
    input: dict[str, Any]
    text: str
    is_error: bool


@dataclass(frozen=True)
class Promise:
    """What an earlier request made true, as the platform tells it."""

    number: int
    says: str
    path: str
    text: str


@dataclass
class Conversation:
    """One request to the model, read. `prompts` are all user texts, the request in hand last."""

    framework: str
    tools: frozenset[str]
    prompts: list[str] = field(default_factory=list)
    turns: list[list[Result]] = field(default_factory=list)
    directives: list[Directive] = field(default_factory=list)
    max_tokens: int = 8192
    said: list[str] = field(default_factory=list)  # the prompts with their directives
    answers: list[str] = field(default_factory=list)  # what the person answered to the questions of this request
    planned: bool = False  # the request in hand is an approved plan
    promises: list[Promise] = field(default_factory=list)
    can_promise: bool = False
    undone: list[str] = field(default_factory=list)  # what this request asked for and did not get, in sentences
    # What this request did, for `expecting`: what is seen now as (sentence, words), words put in place of others
    # (and whether they are a name), headings that are gone, and whether the whole app is another.
    sees: list[tuple[str, str]] = field(default_factory=list)
    swaps: list[tuple[str, str, bool]] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    replaced: bool = False

    @property
    def prompt(self) -> str:
        return self.prompts[-1] if self.prompts else ""

    @property
    def first(self) -> str:
        return self.prompts[0] if self.prompts else ""

    @property
    def can_write(self) -> bool:
        return "write_files" in self.tools

    def directive(self, name: str) -> Directive | None:
        return next((d for d in self.directives if d.name == name), None)


def read(body: dict[str, Any]) -> Conversation:
    """Read a valid request body. The last text block of a user message is what the person said."""
    talk = Conversation(_framework(body), frozenset(t["name"] for t in body.get("tools") or []))
    talk.max_tokens = body["max_tokens"]
    finish: dict[str, Any] = next((t for t in body.get("tools") or [] if t["name"] == "finish"), {})
    talk.can_promise = "expects" in finish.get("input_schema", {}).get("properties", {})
    if (body.get("tool_choice") or {}).get("type") == "none":
        talk.tools = frozenset()
    messages = body["messages"]
    for index, message in enumerate(messages):
        blocks = validation.blocks(message)
        if message["role"] == "assistant":
            answers = validation.blocks(messages[index + 1]) if index + 1 < len(messages) else []
            talk.turns.append([_result(b, answers) for b in blocks if b["type"] == "tool_use"])
            continue
        if message["role"] == "system":
            continue
        texts = [b["text"] for b in blocks if b["type"] == "text"]
        said = [words for text in texts if (words := _clean(text))]
        for text in texts:
            if told := PROMISES.search(text):
                talk.promises = [Promise(int(n), *parts) for n, *parts in PROMISE.findall(told.group(1))]
        if any("<earlier_context>" in text for text in texts):
            talk.turns = []  # another run goes on: what it finds written is written again, the same
        if (said and talk.prompts) or len(said) > 1:
            said = [words for words in said if not NUDGE.match(words)]
        if said:
            plan = PLANNED.match(said[-1])
            words = plan.group(1) if plan else said[-1]
            talk.planned = bool(plan)
            talk.directives = directives.parse(words)
            talk.said.append(words)
            talk.prompts.append(directives.strip(words))
            talk.turns = []
    return talk


def _clean(words: str) -> str:
    words = words.encode("utf-8", "replace").decode().replace("\0", "")
    return CONTEXT.sub("", words).strip()


def _framework(body: dict[str, Any]) -> str:
    system = body.get("system") or ""
    words = system if isinstance(system, str) else "\n".join(str(b.get("text", "")) for b in system)
    found = re.search(r"^\W*Framework\W+([A-Za-z.]+)", words, re.MULTILINE)
    return found.group(1).lower() if found else ""


def _result(use: dict[str, Any], answers: list[dict[str, Any]]) -> Result:
    answer = next((a for a in answers if a.get("tool_use_id") == use["id"]), {})
    content = answer.get("content") or ""
    if isinstance(content, list):
        content = "\n".join(str(part.get("text", "")) for part in content)
    return Result(use["name"], use["input"], content, bool(answer.get("is_error")))


def exit_code(result: Result) -> int | None:
    """The exit code a terminal result reports, if it reports one."""
    try:
        value = json.loads(result.text)
        if isinstance(value, dict) and isinstance(value.get("exit_code"), int):
            return int(value["exit_code"])
    except ValueError:
        pass
    found = re.search(r"exit(?:ed)?[ _](?:code|status|with)\D{0,8}(\d{1,3})", result.text, re.IGNORECASE)
    return int(found.group(1)) if found else None
