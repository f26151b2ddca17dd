"""A follow-up on the header: a switch between light and dark."""

import re
from collections.abc import Generator

from demo_model import edits, places, placing, recipes, views, wire
from demo_model.conversation import Conversation, Result
from demo_model.restructure import clauses

Change = Generator[list[wire.Block], list[Result], str]
Attempt = Generator[list[wire.Block], list[Result], bool]

TOGGLE = re.compile(
    r"(dark|light|theme|colou?r)[ -]*(mode|scheme|theme)?[ -]*(toggle|switch|button)"
    r"|toggle .*(dark|light|theme)|(add|support|include|with|need|want)\b.{0,20}\bdark[ -]?(mode|theme)"
    r"|^\W*dark mode\W*$|switch between (light|dark)",
    re.IGNORECASE,
)


def wants_toggle(talk: Conversation) -> bool:
    """Whether the app shall get a switch between light and dark (or "dark mode", which it follows already)."""
    return bool(TOGGLE.search(clauses(talk.prompt)[0]))


def toggle(talk: Conversation) -> Change:
    """Add a switch between light and dark to the header. It remembers the choice in the browser."""
    frame = recipes.framework(talk.framework)
    if frame == "html":
        done = yield from _html_toggle(talk)
    else:
        done = yield from _view_toggle(talk, frame)
    told = "There is a light and dark switch in the header now. Without a choice the app follows the visitor's system."
    return told if done else ""


def _view_toggle(talk: Conversation, frame: str) -> Attempt:
    headers = [places.component(frame, name) for name in places.HEADERS]
    paths = dict.fromkeys(path for where in headers for path in where)
    texts = yield from edits.read("The colours have dark values already; I look where a switch fits.", *paths)
    where = next((one for one in headers if "</nav>" in texts.get(one[0], "") and texts.get(one[1])), None)
    if not where or places.tag(frame, "ThemeToggle") in texts[where[0]]:
        return False
    module = {"path": f"{views.FRAMES[frame].modules}theme.ts", "content": placing.source(talk, "lib/theme.ts")}
    files = [module, *placing.view_files(talk, frame, "ThemeToggle")]
    results = yield [wire.text("First the switch itself."), wire.tool("write_files", {"files": files})]
    if edits.failed(results):
        return False
    at = placing.place(texts[where[0]], ("</nav>",))
    return (yield from placing.put(frame, "ThemeToggle", where, texts, at, "Then its place in the header.", page=False))


def _html_toggle(talk: Conversation) -> Attempt:
    texts = yield from edits.read("The colours have dark values already; I look where a switch fits.", "index.html")
    text = texts.get("index.html", "")
    place = placing.place(text, ("</nav>", "</header>", "</main>", "</footer>"))
    head = text.rfind("\n", 0, max(0, text.find("</head>"))) + 1
    if place < 0 or not head or "data-theme-toggle" in text:
        return False
    file = {"path": "theme.js", "content": placing.source(talk, "html/theme.js")}
    results = yield [wire.text("First the switch itself."), wire.tool("write_files", {"files": [file]})]
    if edits.failed(results):
        return False
    script = edits.between(text, head, head, '    <script type="module" src="theme.js"></script>\n')
    changes = [script, placing.insert(text, place, placing.source(talk, "html/theme-toggle.html"))]
    return (yield from edits.apply("Then its place in the header.", "index.html", changes))
