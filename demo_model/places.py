"""Where things stand in an app of each framework, as the follow-ups need to know it. Pure."""

from demo_model import recipes, views
from demo_model.views.script import kebab

ENDS = {"react": ".tsx", "nextjs": ".tsx", "vue": ".vue", "svelte": ".svelte"}
HEADERS = ("Header", "PagesHeader", "ShopHeader")
PAGES = {  # frame → pages beside the content that hold words of their own
    "react": ("index.html",), "vue": ("index.html",), "angular": ("src/index.html",), "nextjs": (), "svelte": (),
}  # fmt: skip


def stylesheet(framework: str) -> str:
    """The file with the theme's tokens."""
    frame = recipes.framework(framework)
    return "styles.css" if frame == "html" else views.FRAMES[frame].css


def words(framework: str) -> tuple[str, ...]:
    """The files that hold an app's words, the main one first."""
    frame = recipes.framework(framework)
    if frame == "html":
        return "index.html", "script.js"
    return f"{views.FRAMES[frame].modules}content.ts", *PAGES[frame]


def home(framework: str) -> tuple[str, str]:
    """The first page as (template, script): the file with its `<main>`, and the one with its imports."""
    frame = recipes.framework(framework)
    if frame == "html":
        return "index.html", "index.html"
    return pair(frame, views.home(frame))


def pair(frame: str, path: str) -> tuple[str, str]:
    """A component's template and the file with its imports; one and the same but in Angular."""
    return (path, path.removesuffix(".html") + ".ts") if frame == "angular" else (path, path)


def component(frame: str, name: str) -> tuple[str, str]:
    """Where a component's template and script are."""
    folder = views.FRAMES[frame].components
    return pair(frame, f"{folder}{kebab(name)}.html" if frame == "angular" else f"{folder}{name}{ENDS[frame]}")


def tag(frame: str, name: str) -> str:
    """How a template uses a component."""
    return f"<app-{kebab(name)} />" if frame == "angular" else f"<{name} />"


def imported(frame: str, name: str, page: bool) -> str:
    """The line that imports a component, on a page or in another component."""
    seen = views.FRAMES[frame].from_page if page else views.FRAMES[frame].from_component
    if frame == "angular":
        return f'import {{ {name} }} from "{seen[0]}{kebab(name)}";'
    if frame in ("vue", "svelte"):
        return f'import {name} from "{seen[0]}{name}{ENDS[frame]}";'
    return f'import {{ {name} }} from "{seen[0]}{name}";'
