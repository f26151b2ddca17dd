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
    r"|^\W*(?:(?:please|also|now|and|a|the|can we|could you|do|have|get|it)\W+)*(?:dark|night) (?:mode|theme)\b"
    r"(?:\W+(?:please|too|as well|now|support|variant|version))*\W*$|switch between (light|dark)",
    re.IGNORECASE,
)

# What a stylesheet has to hold for the switch to do anything.
CHOSEN = ':root[data-theme="dark"]'
THERE = "There is a light and dark switch already."
NO_PLACE = "I added no light and dark switch: I see no theme that it could switch, or no place for it that I know."


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
    return "There is a light and dark switch in the header now." if done else ""


def _view_toggle(talk: Conversation, frame: str) -> Attempt:
    look = places.stylesheet(frame)
    headers = [places.component(frame, name) for name in places.HEADERS]
    paths = dict.fromkeys(path for where in headers for path in where)
    texts = yield from edits.read("I look at the theme, and where a switch fits.", look, *paths)
    where = next((one for one in headers if "</nav>" in texts.get(one[0], "") and texts.get(one[1])), None)
    if not where or CHOSEN not in texts.get(look, ""):
        talk.undone.append(NO_PLACE)
        return False
    if places.tag(frame, "ThemeToggle") in texts[where[0]]:
        talk.undone.append(THERE)
        return False
    module = {"path": f"{views.FRAMES[frame].modules}theme.ts", "content": placing.source(talk, "lib/theme.ts")}
    files = [module, *placing.view_files(talk, frame, "ThemeToggle")]
    if not (yield from edits.write(talk, "First the switch itself.", files)):
        return False
    at = placing.place(texts[where[0]], ("</nav>",))
    return (yield from placing.put(talk, "ThemeToggle", where, texts, at, "Then its place in the header.", page=False))


def _html_toggle(talk: Conversation) -> Attempt:
    look = places.stylesheet("html")
    texts = yield from edits.read("I look at the theme, and where a switch fits.", look, "index.html")
    text = texts.get("index.html", "")
    place = placing.place(text, ("</nav>", "</header>", "</main>", "</footer>"))
    head = text.rfind("\n", 0, max(0, text.find("</head>"))) + 1
    if "data-theme-toggle" in text:
        talk.undone.append(THERE)
        return False
    if place < 0 or not head or CHOSEN not in texts.get(look, ""):
        talk.undone.append(NO_PLACE)
        return False
    file = {"path": "theme.js", "content": placing.source(talk, "html/theme.js")}
    if not (yield from edits.write(talk, "First the switch itself.", [file])):
        return False
    script = edits.between(text, head, head, '    <script type="module" src="theme.js"></script>\n')
    changes = [script, placing.insert(text, place, placing.source(talk, "html/theme-toggle.html"))]
    return (yield from edits.apply(talk, "Then its place in the header.", "index.html", changes))
