"""Mistakes on request: a build that breaks, a line that a review finds, and how they are asked for."""

import re

from demo_model import directives, views
from demo_model.directives import Directive

# Each of these stops the build of its framework; in plain HTML the linter.
BROKEN = {".ts": 'const answer: number = "forty-two";', ".js": "const answer = ;"}
# What a review can find: a line that does no harm and has no use.
LEFT_IN = "export const debug = true;"
# What a visitor can ask for in words, to see how the platform deals with mistakes: words, directive, times.
SPOKEN = (
    (r"\bso that the review finds\b|\bwith an? (mistake|issue) for the review\b", "review-issues", 1),
    (r"\bthat never (builds|compiles)\b", "never-builds", 1),
    (r"\bneeds? (two|2) (rounds|fixes|tries)\b", "broken-build", 2),
    (r"\bwith an? (broken build|build error|type error)\b|\bbroken on purpose\b", "broken-build", 1),
)


def breakable(frame: str) -> str:
    """The file that `[[demo:broken-build]]` breaks."""
    return "script.js" if frame == "html" else f"{views.FRAMES[frame].modules}content.ts"


def is_broken(line: str) -> bool:
    """Whether a line is the mistake, or one that a failed repair put in its place."""
    return bool(re.fullmatch(r"const answer(: number = \"forty-\w+\"| = *);\s*", line))


def wishes(said: str) -> list[Directive]:
    """The directives of a prompt, and those that its words stand for ("with a broken build")."""
    found = directives.parse(said)
    if not found:
        found = [Directive(name, times) for words, name, times in SPOKEN if re.search(words, said, re.IGNORECASE)][:1]
    return found


def broken_line(path: str) -> str:
    """The mistake that is put there: it stops the build; in plain HTML the linter."""
    return BROKEN[path[path.rindex(".") :]]


def put_in(made: dict[str, str], path: str) -> None:
    """Put the mistake in that `[[demo:broken-build]]` asks for."""
    made[path] = f"{made[path]}\n{broken_line(path)}\n"
