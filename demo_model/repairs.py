"""React to an error that the platform or a person reports: read the file it names, mend what we know how to mend."""

import re
from collections.abc import Generator

from demo_model import answers, builds, edits, mistakes, recipes, wire
from demo_model.conversation import Conversation, Result

Plan = Generator[list[wire.Block], list[Result], None]

REPORT = re.compile(
    r"platform's check failed|^The review of your change found|error TS\d+|(build|lint|linter) failed"
    r"|failed to (compile|build)|SyntaxError|\bERR!"
    r"|fix (the|this|these|that) (build |lint )?(errors?|problems?)",
    re.IGNORECASE | re.MULTILINE,
)
PLACE = re.compile(r"((?:src/|public/)?[\w./-]+\.(?:tsx|ts|jsx|js|css|html|vue|svelte))\s*[(:]\s*\d+")
UNUSED = re.compile(r"'(\w+)' is (?:declared but|defined but)|'(\w+)' is imported but", re.IGNORECASE)


def wanted(talk: Conversation) -> bool:
    """Whether the request in hand reports an error."""
    return bool(REPORT.search(talk.prompt))


def plan(talk: Conversation) -> Plan:
    """Read the files that the report names, mend them, finish."""
    default = mistakes.breakable(recipes.framework(talk.framework))
    paths = list(dict.fromkeys(PLACE.findall(talk.prompt)))[:4] or [default]
    results = yield [wire.text("I read what the error points at."), wire.tool("read_files", {"paths": paths})]
    texts = edits.files_in(results, paths)
    left = _failing_rounds(talk)
    for path, text in texts.items():
        if left and (changes := _try(text, len(talk.prompts))):
            yield [
                wire.text(f"I try another value in `{path}`."),
                wire.tool("edit_file", {"path": path, "edits": changes}),
            ]
            yield from builds.check_and_finish(talk, f"Changed {path}; this attempt is wrong on purpose, as you asked.")
            return
        if changes := _mend(text, talk.prompt):
            yield [wire.text(f"Found it in `{path}`."), wire.tool("edit_file", {"path": path, "edits": changes})]
            yield from builds.check_and_finish(talk, f"Mended {path}: the line that caused it is gone.")
            return
    _, original = builds.app(talk.first, recipes.framework(talk.framework))
    known = [path for path in paths if path in original and texts.get(path, "") != original[path]]
    if known and talk.can_write:
        file = [{"path": path, "content": original[path]} for path in known]
        yield [wire.text("I put the recipe's version back."), wire.tool("write_files", {"files": file})]
        yield from builds.check_and_finish(talk, f"Put back the working version of {', '.join(known)}.")
        return
    yield [wire.text(f"I cannot mend this one, and I changed nothing. {answers.ABOUT_ME}")]


def _failing_rounds(talk: Conversation) -> bool:
    """Whether this repair shall fail: `[[demo:broken-buildxN]]` is mended by the Nth, `[[demo:never-builds]]` never."""
    asked = [number for number, prompt in enumerate(talk.prompts) if not REPORT.search(prompt)]
    wishes = mistakes.wishes(talk.said[asked[-1]]) if asked else []
    rounds = len(talk.prompts) - 1 - (asked[-1] if asked else 0)
    return any(w.name == "never-builds" or (w.name == "broken-build" and rounds < w.times) for w in wishes)


def _try(text: str, number: int) -> list[dict[str, str]]:
    """Another mistake in the place of the one that is there."""
    for mistake in mistakes.BROKEN.values():
        stem = mistake.partition("forty")[0] if "forty" in mistake else mistake[:-2]
        for line in text.splitlines():
            if line.startswith(stem):
                new = f'{stem}forty-{number}";' if "forty" in mistake else f"{stem}{' ' * number};"
                return [{"search": line, "replace": new}]
    return []


def _mend(text: str, report: str) -> list[dict[str, str]]:
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if mistakes.is_broken(line) or line.strip() == mistakes.LEFT_IN:
            return [edits.remove_line(text, number)]
    for names in UNUSED.findall(report):
        name = names[0] or names[1]
        for number, line in enumerate(lines):
            if re.fullmatch(rf"import (type )?(\{{\s*)?{name}(\s*\}})? from .+;?\s*", line):
                return [edits.remove_line(text, number)]
    return []
