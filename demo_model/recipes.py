"""Load a recipe and fill it for a brief: the files of an app, in the order they are written."""

import json
import re
import textwrap
from functools import cache
from pathlib import Path
from typing import Any

from demo_model import colour, figures, goods, render, views
from demo_model.brief import Brief, subjects
from demo_model.views import shells

FOLDER = Path(__file__).parent / "recipes"
FRAMEWORKS = (*views.FRAMES, "html")
FONTS = {
    "serif": '"Iowan Old Style", "Palatino Linotype", Palatino, "Book Antiqua", Georgia, "Times New Roman", serif',
    "sans": 'Inter, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
}
ABSTRACT = ("city", "hills", "leaves")  # posters with room for the mark
TRACKING = {"serif": "-0.015em", "sans": "-0.03em"}
WEIGHT = {"serif": "500", "sans": "650"}


@cache
def recipe(name: str) -> dict[str, Any]:
    """A recipe's manifest: title, names, header, the pages after the first, and what it makes in a few words."""
    return dict(json.loads((FOLDER / name / "recipe.json").read_text()))


@cache
def kinds() -> dict[str, list[str]]:
    """The recipes there are, with the names each gives an app that has none."""
    return {path.parent.name: recipe(path.parent.name)["names"] for path in sorted(FOLDER.glob("*/recipe.json"))}


def framework(name: str) -> str:
    """The framework whose files we can write for a project of this one."""
    return name if name in FRAMEWORKS else "html"


@cache
def _views(kind: str) -> dict[str, Path]:
    """The views of an app by name: its own, and the shared ones they use."""
    own = {path.stem: path for path in sorted((FOLDER / kind / "views").glob("*.view"))}
    shared = {name: FOLDER / "_shared/views" / f"{name}.view" for name in ("Footer", "Glyph", recipe(kind)["header"])}
    return {name: path for name, path in shared.items() if name not in own} | own


@cache
def _sources(kind: str, frame: str) -> dict[str, str]:
    """Path in the app → template of every file that is the same for all subjects, the poster left out."""
    folder, lib = FOLDER / "_shared" / frame, FOLDER / "_shared/lib"
    if frame == "html":
        own = _under(FOLDER / kind / "html") | {"favicon.svg": folder / "favicon.svg"}
        return {path: source.read_text() for path, source in own.items()}
    place, pages = views.FRAMES[frame], recipe(kind)["pages"]
    hashed = pages and frame in ("react", "vue")
    modules = {path.name: path for path in (FOLDER / kind / "lib").glob("*.ts")} | {"store.ts": lib / "store.ts"}
    modules |= {"route.ts": lib / "route.ts"} if hashed else {}
    found = {path: source.read_text() for path, source in _under(folder).items()}
    found |= {f"{place.modules}{name}": path.read_text() for name, path in modules.items()}
    found[place.css] = (FOLDER / "_shared/css/index.css").read_text()
    named = {"Home", *(page["view"] for page in pages)}
    for name, path in _views(kind).items():
        found |= views.files(name, path.read_text(), frame, name in named)
    return found | shells.files(frame, recipe(kind)["header"], pages)


def _under(folder: Path) -> dict[str, Path]:
    return {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}


def _rank(path: str) -> tuple[int, str]:
    """Foundations first, then parts, then what puts them together: the preview stays whole while files arrive.

    A page's own script is last: it looks for the elements of that page, not of the placeholder before it.
    """
    if path.endswith((".css", ".svg")) or (re.search(r"(?:src|lib|app)/[\w-]+\.ts$", path) and "app.ro" not in path):
        return (1 if path.endswith("app.ts") else 0), path
    if path == "script.js":
        return 3, path
    last = r"index\.html|src/App\.\w+|app/.*(page|layout)\.tsx|src/routes/.*|src/app/app\..*"
    return (2 if re.fullmatch(last, path) else 1), path


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
        "currency": brief.copy["metrics"]["unit"],
        "pictures": [offer["title"] for offer in brief.copy["offers"]],
        "copy": brief.copy,
        "figures": figures.make(brief),
        "role": brief.subject if brief.subject != subjects()["anything"]["noun"] else "designer and maker",
        "blogLede": f"Notes and stories from {brief.name}: short enough for a coffee, written to be kept.",
        "posts": goods.addressed(brief.copy["posts"]),
        "works": goods.addressed(brief.copy.get("works") or subjects()["anything"]["works"]),
        "shop": goods.shop(brief),
        "labels": brief.copy.get("labels") or brief.copy["metrics"]["parts"],
    }


def files(brief: Brief, frame: str) -> dict[str, str]:
    """Path → text of every file of the app, in the order in which they are written."""
    known = values(brief)
    made = {path: fill(path, source, known, frame) for path, source in _sources(brief.kind, frame).items()}
    if frame != "html" and brief.kind == "landing":
        view = f"/** Drawn, in the colours of the theme. */\n---\n{_poster(known, 'mark.view')}"
        made |= views.files("PosterArt", view, frame)
    return dict(sorted(made.items(), key=lambda item: _rank(item[0])))


def _poster(known: dict[str, Any], mark: str) -> str:
    """The drawing beside a landing page's headline; over one that shows nothing in particular stands the app's mark."""
    name = known["copy"]["poster"]
    drawing = (FOLDER / "_shared/art" / f"{name}.svg").read_text()
    return drawing + ((FOLDER / "_shared/art" / mark).read_text() if name in ABSTRACT else "")


def fill(path: str, template: str, known: dict[str, Any], frame: str) -> str:
    """One template's text, with shared files to include from; the poster is the subject's."""

    def include(name: str) -> str:
        if name != "poster":
            return (FOLDER / "_shared" / frame / name).read_text()
        return textwrap.indent(_poster(known, "mark.html").replace(' class="block w-full"', ""), " " * 12)

    return render.fill(path, template, known, include)
