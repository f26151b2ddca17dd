"""Write a component and put it to use: its files, its import, its place in a template."""

import re
import textwrap
from collections.abc import Generator

from demo_model import builds, edits, places, recipes, views, wire
from demo_model.conversation import Conversation, Result

Attempt = Generator[list[wire.Block], list[Result], bool]

IMPORT = re.compile(r"^[ \t]*import .*;$", re.MULTILINE)


def source(talk: Conversation, name: str) -> str:
    """A file from recipes/_sections, filled from the first prompt's brief."""
    known = recipes.values(builds.brief(talk, talk.first))
    source = (recipes.FOLDER / "_sections" / name).read_text()
    return recipes.fill(name if name.endswith("l") else "view.ts", source, known, "html")


def view_files(talk: Conversation, frame: str, component: str) -> list[dict[str, str]]:
    known = recipes.values(builds.brief(talk, talk.first))
    source = (recipes.FOLDER / "_sections/views" / f"{component}.view").read_text()
    made = views.files(component, recipes.fill("view.ts", source, known, frame), frame)
    return [{"path": path, "content": text} for path, text in made.items()]


def put(
    talk: Conversation, name: str, where: tuple[str, str], texts: dict[str, str], at: int, words: str, page: bool
) -> Attempt:
    """Import a component and use it in the template of another, before the line at `at`."""
    frame = recipes.framework(talk.framework)
    template, script = where
    use = insert(texts[template], at, places.tag(frame, name) + "\n")
    imports = _importing(frame, texts[script], name, page)
    if template == script:
        return (yield from edits.apply(talk, words, template, [*imports, use]))
    if not (yield from edits.apply(talk, words, script, imports)):
        return False
    return (yield from edits.apply(talk, "And the template uses it.", template, [use]))


def _importing(frame: str, script: str, name: str, page: bool) -> list[dict[str, str]]:
    """The edits that import a component; in Angular it joins the `imports` of the class, too."""
    first = IMPORT.search(script)
    at = first.start() if first else 0
    pad = first.group()[: len(first.group()) - len(first.group().lstrip())] if first else ""
    directive = re.match(r"\"use client\";\n+", script)
    at = max(at, directive.end() if directive else 0)
    changes = [edits.between(script, at, at, f"{pad}{places.imported(frame, name, page)}\n")]
    if frame != "angular":
        return changes
    listed = re.search(r"imports: \[", script)
    if listed:
        return [*changes, edits.between(script, listed.end(), listed.end(), f"{name}, ")]
    place = re.search(r"^  templateUrl:", script, re.MULTILINE)
    return [*changes, edits.between(script, place.start(), place.start(), f"  imports: [{name}],\n")] if place else []


def place(text: str, marks: tuple[str, ...]) -> int:
    """The start of the line of the first mark that stands in the text; -1 when none does."""
    for mark in marks:
        if (at := text.find(mark)) >= 0:
            return text.rfind("\n", 0, at) + 1
    return -1


def insert(text: str, at: int, block: str) -> dict[str, str]:
    """The edit that puts a block before the line at `at`, indented like it, one step more before a closing tag."""
    line = text[at : text.find("\n", at)]
    pad = line[: len(line) - len(line.lstrip())] + ("  " if line.lstrip().startswith("</") else "")
    return edits.between(text, at, at, textwrap.indent(textwrap.dedent(block), pad))
