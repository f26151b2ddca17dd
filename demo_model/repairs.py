"""React to an error that the platform or a person reports: read the file it names, mend what we know how to mend."""

import re
from collections.abc import Generator, Iterable

from demo_model import answers, builds, edits, mistakes, recipes, wire
from demo_model.conversation import Conversation, Result, exit_code

Plan = Generator[list[wire.Block], list[Result], None]

REPORT = re.compile(
    r"platform's check failed|^The review of your change found|error TS\d+|(build|lint|linter) failed"
    r"|failed to (compile|build)|SyntaxError|\bERR!"
    r"|fix (the|this|these|that) (build |lint )?(errors?|problems?)",
    re.IGNORECASE | re.MULTILINE,
)
# What the page's own buttons say for a person: "Ask the agent to fix it", "Fix this", and what it suggests.
ASKED = re.compile(
    r"^The preview (?:does not work|has a problem)\b|\bthe browser's console shows (?:an error|errors)\b"
    r"|^The last version has problems with\b",
    re.IGNORECASE,
)
FILE = r"([\w./-]{1,200}\.(?:tsx|ts|jsx|js|css|html|vue|svelte))"
# A file that is to blame: by its line, as what imports something that is not there, as what the dev server cannot give.
PLACE = re.compile(
    rf"{FILE}(?:\?[\w=&.-]*)?\s*[(:]\s*\d+|{FILE}: [^\n]{{0,200}}\(\d+:\d+\)"
    rf"|\bfrom \"{FILE}\"|{FILE} answers HTTP 5\d\d"
)
NAMED = re.compile(rf"{FILE}\b")
ELSEWHERE = re.compile(r"https?://[^/\s]+/|/home/user/app/")
FOREIGN = re.compile(r"node_modules/|^(?:dist|\.next|\.angular|\.svelte-kit)/")
BUILD = "npm run build"
FREE = "“Repair” at the preview clears caches and installs missing packages for nothing."
UNUSED = re.compile(r"'(\w+)' is (?:declared but|defined but)|'(\w+)' is imported but", re.IGNORECASE)


def wanted(talk: Conversation) -> bool:
    """Whether the request in hand reports an error."""
    return _reports(talk.prompt)


def _reports(prompt: str) -> bool:
    return bool(REPORT.search(prompt) or ASKED.search(prompt))


def plan(talk: Conversation) -> Plan:
    """Read the files that the report names, mend them, finish. Where it blames none, the project's checks are run."""
    frame = recipes.framework(talk.framework)
    report, blamed, found = talk.prompt, _blamed(talk.prompt), ""
    if not blamed and ASKED.search(talk.prompt) and "terminal" in talk.tools:
        command = builds.LINT if frame == "html" else f"{builds.LINT} && {BUILD}"
        results = yield [
            wire.text("The report names no line, so I run the checks."),
            wire.tool("terminal", {"command": command}),
        ]
        said = results[0]
        report, blamed = f"{report}\n{said.text}", _blamed(said.text)
        clean = not said.is_error and exit_code(said) == 0
        found = f"`{command}` finds nothing wrong. " if clean else f"`{command}` does not pass; see its output above. "
    paths = blamed or _named(talk.prompt) or [mistakes.breakable(frame)]
    texts = yield from edits.read("I read what the error points at.", *paths)
    left = _failing_rounds(talk)
    for path, text in texts.items():
        changes = _try(text, len(talk.prompts)) if left else []
        if changes and (yield from edits.apply(talk, f"I try another value in `{path}`.", path, changes)):
            yield from builds.check_and_finish(talk, f"Changed {path}; this attempt is wrong on purpose, as you asked.")
            return
        changes = _mend(text, report)
        if changes and (yield from edits.apply(talk, f"Found it in `{path}`.", path, changes)):
            yield from builds.check_and_finish(talk, f"Mended {path}: the line that caused it is gone.")
            return
    _, original = builds.app(talk.first, frame)
    known = [path for path in blamed if path in original and _is_of(texts.get(path, ""), original[path])]
    files = [{"path": path, "content": original[path]} for path in known]
    if files and talk.can_write and (yield from edits.write(talk, "I put the recipe's version back.", files)):
        told = f"Put back the recipe's version of {', '.join(known)}; what was changed there since is in the history."
        yield from builds.check_and_finish(talk, told)
        return
    read = f"I read {', '.join(f'`{path}`' for path in texts)}. " if texts else ""
    undone = "".join(f"{why} " for why in talk.undone)
    yield [wire.text(f"{found}{read}{undone}I cannot mend this one, and I changed nothing. {FREE} {answers.ABOUT_ME}")]


def _blamed(report: str) -> list[str]:
    """The project's files that a report blames, at most four."""
    return _own("".join(parts) for parts in PLACE.findall(ELSEWHERE.sub("", report)))


def _named(report: str) -> list[str]:
    return _own(NAMED.findall(ELSEWHERE.sub("", report)))


def _own(paths: Iterable[str]) -> list[str]:
    return [path for path in dict.fromkeys(one.lstrip("./") for one in paths) if not FOREIGN.search(path)][:4]


def _is_of(text: str, original: str) -> bool:
    """Whether a text came from the recipe's and is not the same any more. Another hand's file stays what it is."""
    lines = [line for line in original.splitlines() if line.strip()]
    return text != original and 2 * sum(line in text for line in lines) >= len(lines)


def _failing_rounds(talk: Conversation) -> bool:
    """Whether this repair shall fail: `[[demo:broken-buildxN]]` is mended by the Nth, `[[demo:never-builds]]` never."""
    asked = [number for number, prompt in enumerate(talk.prompts) if not _reports(prompt)]
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
