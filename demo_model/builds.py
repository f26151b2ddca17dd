"""Play a build: say the plan, write the files in a few calls, lint, finish; and what directives put before it."""

import re
from collections.abc import Generator
from functools import lru_cache
from typing import Any

from demo_model import brief as briefs
from demo_model import edits, expecting, mistakes, recipes, wire
from demo_model.brief import Brief
from demo_model.conversation import Conversation, Result, exit_code

Plan = Generator[list[wire.Block], list[Result], None]

CALLS = 3
ROOM = 0.7  # of max_tokens, for the files of one call
ASKED = re.compile(r"(?:^|[,.;]|\b(?:but|and|first|please))\s*ask me\b", re.IGNORECASE)
QUESTION = "Which colour shall lead?"
COLOURS = ("Terracotta", "Teal", "Indigo", "Forest green")
LINT = "npm run lint"
SAMPLES = "The texts, prices and names are samples to replace with yours."
HONEST = "I am the scripted demo model, not an AI: I build from recipes and adapt them to your words."


def brief(talk: Conversation, prompt: str = "") -> Brief:
    """The brief of this prompt (default: the request in hand)."""
    return app(prompt or talk.prompt, recipes.framework(talk.framework))[0]


@lru_cache(maxsize=32)
def app(prompt: str, frame: str) -> tuple[Brief, dict[str, str]]:
    """The brief of a prompt and the files of its app. Each turn of a conversation asks again."""
    wish = briefs.make(prompt, recipes.kinds())
    return wish, recipes.files(wish, frame)


def directed(talk: Conversation) -> Plan:
    """The turns that directives ask for before the work itself."""
    if ASKED.search(talk.prompt) and "ask_user" in talk.tools:
        yield from _ask(talk, {"question": QUESTION, "options": list(COLOURS)})
    for directive in talk.directives:
        if directive.name == "command" and "terminal" in talk.tools:
            yield [wire.text("First the command you asked for."), wire.tool("terminal", {"command": directive.value})]
        elif directive.name == "path" and talk.can_write:
            file = {"path": directive.value, "content": "This file tries to leave the project.\n"}
            yield [wire.text("First the file you asked for."), wire.tool("write_files", {"files": [file]})]
        elif directive.name == "ask" and "ask_user" in talk.tools:
            yield from _ask(talk, {"question": directive.value})
        elif directive.name == "bad-tool":
            for _ in range(directive.times):
                yield [wire.text("I will use a tool that does not exist."), wire.tool("teleport", {"to": "production"})]
        elif directive.name == "bad-arguments" and talk.can_write:
            yield [wire.text("I will call a tool the wrong way."), wire.tool("write_files", {"file": "src/App.tsx"})]
        elif directive.name == "never-finish":
            while True:
                yield [wire.text("Looking around once more."), wire.tool("list_files", {})]


def _ask(talk: Conversation, question: dict[str, Any]) -> Plan:
    results = yield [wire.text("One question first."), wire.tool("ask_user", question)]
    talk.answers += [result.text for result in results if not result.is_error]


def plan(talk: Conversation) -> Plan:
    """Build a new app from the prompt, and from what the person answered."""
    frame = recipes.framework(talk.framework)
    wish, files = app(". ".join([talk.prompt, *talk.answers]), frame)
    made = dict(files)
    asked = {wanted.name for wanted in mistakes.wishes(talk.said[-1] if talk.said else "")}
    if asked & {"broken-build", "never-builds"}:
        mistakes.put_in(made, mistakes.breakable(frame))
    if "review-issues" in asked:
        made[mistakes.breakable(frame)] += f"\n{mistakes.LEFT_IN}\n"
    batches = split(made, talk.max_tokens)
    for number, paths in enumerate(batches):
        words = _opening(talk, wish, made) if number == 0 else _between(number, len(batches), paths)
        results = yield [wire.text(words), _write(made, paths)]
        if edits.refusal(results):
            results = yield [wire.text("That write was refused. I try it once more."), _write(made, paths)]
            if refused := edits.refusal(results):
                yield [wire.text(f"I could not write all of the files, so the app is not built. {refused}")]
                return
    expecting.app(talk, wish.name, made)
    yield from check_and_finish(talk, _summary(wish, made))


def check_and_finish(talk: Conversation, summary: str) -> Plan:
    """Lint where there is a terminal, say what came of it, and finish."""
    if "terminal" in talk.tools:
        results = yield [wire.text("Now I check it with the linter."), wire.tool("terminal", {"command": LINT})]
        if results and (results[0].is_error or exit_code(results[0]) not in (0, None)):
            summary += " The linter still reports problems; see its output above."
    yield from finish(talk, summary)


def finish(talk: Conversation, summary: str) -> Plan:
    """End the work with `finish`, or in words where that tool is not offered."""
    if "finish" in talk.tools:
        yield [wire.tool("finish", {"summary": summary, **expecting.told(talk)})]
    else:
        yield [wire.text(summary)]


def split(made: dict[str, str], max_tokens: int) -> list[list[str]]:
    """The paths in two or three calls of similar size; more when an answer may not be that long."""
    fair = sum(len(text) for text in made.values()) / CALLS
    most = max_tokens * wire.CHARS_PER_TOKEN * ROOM
    batches: list[list[str]] = [[]]
    size = 0
    for path, text in made.items():
        enough = len(batches) < CALLS and size + len(text) / 2 > fair
        if batches[-1] and (enough or size + len(text) > most):
            batches.append([])
            size = 0
        batches[-1].append(path)
        size += len(text)
    return batches


def _write(made: dict[str, str], paths: list[str]) -> wire.Block:
    return wire.tool("write_files", {"files": [{"path": path, "content": made[path]} for path in paths]})


def _opening(talk: Conversation, wish: Brief, made: dict[str, str]) -> str:
    about = recipes.recipe(wish.kind)["about"]
    known = not talk.framework or talk.framework in recipes.FRAMEWORKS
    note = "" if known else f" I write plain HTML: I know no recipes for {talk.framework}."
    note += " My texts are in English; I keep the names." if briefs.other_tongue(talk.prompt) else ""
    return (
        f"{HONEST}\n\nFor **{wish.name}** I will make {about}. The look comes from the subject ({wish.subject}): "
        f"one accent colour with its light and dark shades, checked for contrast, and room for the words to breathe."
        f"{note}\n\nThat is {len(made)} files. I start with the theme and the content."
    )


def _between(number: int, count: int, paths: list[str]) -> str:
    if number == count - 1:
        return "Last, the pieces that put it all together."
    names = ", ".join(path.rsplit("/", 1)[-1].split(".")[0] for path in paths[:4])
    return f"The foundation stands. Next come the parts: {names}{' and more' if len(paths) > 4 else ''}."


def _summary(wish: Brief, made: dict[str, str]) -> str:
    about = recipes.recipe(wish.kind)["about"]
    return (
        f"Built {wish.name}: {about}, in {len(made)} files. {SAMPLES} "
        "Ask me for another colour, dark mode, a new headline or name, or a section such as testimonials or FAQ."
    )
