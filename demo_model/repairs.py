"""React to an error that the platform or a person reports: read the file it names, mend what we know how to mend."""

import re
from collections.abc import Generator

from demo_model import answers, builds, edits, recipes, wire
from demo_model.conversation import Conversation, Result

Plan = Generator[list[wire.Block], list[Result], None]

REPORT = re.compile(
    r"platform's check failed|error TS\d+|(build|lint|linter) failed|failed to (compile|build)|SyntaxError|\bERR!"
    r"|fix (the|this|these|that) (build |lint )?(errors?|problems?)",
    re.IGNORECASE,
)
PLACE = re.compile(r"((?:src/|public/)?[\w./-]+\.(?:tsx|ts|jsx|js|css|html))\s*[(:]\s*\d+")
UNUSED = re.compile(r"'(\w+)' is (?:declared but|defined but)|'(\w+)' is imported but", re.IGNORECASE)


def wanted(talk: Conversation) -> bool:
    """Whether the request in hand reports an error."""
    return bool(REPORT.search(talk.prompt))


def plan(talk: Conversation) -> Plan:
    """Read the files that the report names, mend them, finish."""
    default = "src/App.tsx" if talk.framework == "react" else "script.js"
    paths = list(dict.fromkeys(PLACE.findall(talk.prompt)))[:4] or [default]
    results = yield [wire.text("I read what the error points at."), wire.tool("read_files", {"paths": paths})]
    texts = edits.files_in(results, paths)
    for path, text in texts.items():
        if changes := _mend(text, talk.prompt):
            yield [wire.text(f"Found it in `{path}`."), wire.tool("edit_file", {"path": path, "edits": changes})]
            yield from builds.check_and_finish(talk, f"Mended {path}: the line that caused the error is gone.")
            return
    original = recipes.files(builds.brief(talk, talk.first), recipes.framework(talk.framework))
    known = [path for path in paths if path in original and texts.get(path, "") != original[path]]
    if known and talk.can_write:
        file = [{"path": path, "content": original[path]} for path in known]
        yield [wire.text("I put the recipe's version back."), wire.tool("write_files", {"files": file})]
        yield from builds.check_and_finish(talk, f"Put back the working version of {', '.join(known)}.")
        return
    yield [wire.text(f"I cannot mend this one, and I changed nothing. {answers.ABOUT_ME}")]


def _mend(text: str, report: str) -> list[dict[str, str]]:
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if line.strip() in (builds.BROKEN, builds.BROKEN_HTML):
            return [edits.remove_line(text, number)]
    for names in UNUSED.findall(report):
        name = names[0] or names[1]
        for number, line in enumerate(lines):
            if re.fullmatch(rf"import (type )?(\{{\s*)?{name}(\s*\}})? from .+;?\s*", line):
                return [edits.remove_line(text, number)]
    return []
