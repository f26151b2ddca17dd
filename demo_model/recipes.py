"""Load a recipe and fill it for a brief: the files of an app, in the order they are written."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from demo_model import colour, figures, render
from demo_model.brief import Brief, subjects

FOLDER = Path(__file__).parent / "recipes"
FRAMEWORKS = ("react", "html")
FONTS = {
    "serif": '"Iowan Old Style", "Palatino Linotype", Palatino, "Book Antiqua", Georgia, "Times New Roman", serif',
    "sans": 'Inter, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
}
TRACKING = {"serif": "-0.015em", "sans": "-0.03em"}
WEIGHT = {"serif": "500", "sans": "650"}


@cache
def recipe(name: str) -> dict[str, Any]:
    """A recipe's manifest: title, names, shared files per framework, and what it makes in a few words."""
    return dict(json.loads((FOLDER / name / "recipe.json").read_text()))


@cache
def kinds() -> dict[str, list[str]]:
    """The recipes there are, with the names each gives an app that has none."""
    return {path.parent.name: recipe(path.parent.name)["names"] for path in sorted(FOLDER.glob("*/recipe.json"))}


def framework(name: str) -> str:
    """The framework whose files we can write for a project of this one."""
    return name if name in FRAMEWORKS else "html"


@cache
def _sources(kind: str, frame: str) -> dict[str, Path]:
    """Path in the app → template file; a recipe's own file wins over a shared one."""
    shared = FOLDER / "_shared" / frame
    found = {path: shared / path for path in recipe(kind)["shared"][frame]}
    own = FOLDER / kind / frame
    found |= {str(path.relative_to(own)): path for path in sorted(own.rglob("*")) if path.is_file()}
    return dict(sorted(found.items(), key=lambda item: _rank(item[0])))


def _rank(path: str) -> tuple[int, str]:
    """Foundations first, then parts, then what puts them together: the preview stays whole while files arrive.

    A page's own script is last: it looks for the elements of that page, not of the placeholder before it.
    """
    if path.endswith((".css", "content.ts", ".svg")):
        return 0, path
    return {"index.html": 2, "src/App.tsx": 2, "script.js": 3}.get(path, 1), path


def values(brief: Brief) -> dict[str, Any]:
    """What the marks in a recipe's files stand for."""
    title = f"{brief.name} – {recipe(brief.kind)['title']}" if brief.kind != "landing" else brief.name
    theme = colour.theme(brief.tone)
    font = brief.copy["font"]
    return {
        "name": brief.name,
        "subject": brief.subject,
        "title": title,
        "description": brief.copy["lede"],
        "tokens": [{"token": token, "value": value} for token, value in colour.css(brief.tone)],
        "colours": {token: light for token, (light, _) in theme.items()},
        "display": FONTS[font],
        "font": font,
        "tracking": TRACKING[font],
        "weight": WEIGHT[font],
        "glyph": brief.copy["glyph"],
        "copy": brief.copy,
        "figures": figures.make(brief),
        "role": brief.subject if brief.subject != subjects()["anything"]["noun"] else "designer and maker",
        "blogLede": f"Notes and stories from {brief.name}: short enough for a coffee, written to be kept.",
        "works": brief.copy.get("works") or subjects()["anything"]["works"],
        "labels": brief.copy.get("labels") or brief.copy["metrics"]["parts"],
    }


def files(brief: Brief, frame: str) -> dict[str, str]:
    """Path → text of every file of the app. `frame` is "react" or "html"."""
    known = values(brief)
    return {path: fill(path, source.read_text(), known, frame) for path, source in _sources(brief.kind, frame).items()}


def fill(path: str, template: str, known: dict[str, Any], frame: str) -> str:
    """One template's text, with shared files to include from; a poster is picked by the typeface."""

    def include(name: str) -> str:
        if name.startswith("poster."):
            return (FOLDER / "_posters" / frame / f"{known['font']}{Path(name).suffix}").read_text()
        return (FOLDER / "_shared" / frame / name).read_text()

    return render.fill(path, template, known, include)
