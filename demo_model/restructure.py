"""Follow-ups on the structure: another section, a switch between light and dark."""

import re
import textwrap
from collections.abc import Generator

from demo_model import builds, edits, recipes, wire
from demo_model.conversation import Conversation, Result

Change = Generator[list[wire.Block], list[Result], str]

# word in the request → (component, id on the page, label)
SECTIONS: dict[str, tuple[str, str, str]] = {
    r"testimonials?|reviews?|customer quotes|quotes": ("Testimonials", "testimonials", "Testimonials"),
    r"faqs?|frequently asked|questions (and|&) answers|q ?& ?a": ("Faq", "faq", "FAQ"),
    r"contact( form| section| us)?": ("Contact", "contact", "Contact"),
    r"pricing|prices|price table|plans": ("Plans", "plans", "Plans"),
    r"team( section| members)?|about us|staff": ("Team", "team", "Team"),
    r"gallery|photos|pictures": ("Gallery", "gallery", "Gallery"),
    r"newsletter|sign-?up form|mailing list|subscribe": ("Newsletter", "newsletter", "Newsletter"),
}
ADD = re.compile(r"\b(add|include|insert|put|need|want|with|give|also|create|show)\b", re.IGNORECASE)
TOGGLE = re.compile(
    r"(dark|light|theme|colou?r)[ -]*(mode|scheme|theme)?[ -]*(toggle|switch|button)"
    r"|toggle .*(dark|light|theme)|(add|support|include|with|need|want)\b.{0,20}\bdark[ -]?(mode|theme)"
    r"|^\W*dark mode\W*$|switch between (light|dark)",
    re.IGNORECASE,
)
IMPORT = re.compile(r"^import .*;$", re.MULTILINE)


def wants_toggle(talk: Conversation) -> bool:
    """Whether the app shall get a switch between light and dark (or "dark mode", which it follows already)."""
    return bool(TOGGLE.search(talk.prompt))


def _wanted(prompt: str) -> list[tuple[str, str, str]]:
    return [section for words, section in SECTIONS.items() if re.search(rf"\b(?:{words})\b", prompt, re.IGNORECASE)]


def wants_section(talk: Conversation) -> bool:
    """Whether a section that we know is asked for."""
    words = re.sub(r"[\"“][^\"”]*[\"”]", " ", talk.prompt)
    return bool(ADD.search(words) and _wanted(words))


def sections(talk: Conversation) -> Change:
    """Add each section named in the request."""
    words = re.sub(r"[\"“][^\"”]*[\"”]", " ", talk.prompt)
    told: list[str] = []
    for component, anchor, label in _wanted(words):
        add = _react_section if talk.framework == "react" else _html_section
        added = yield from add(talk, component, anchor)
        told += [label] if added else []
    return f"Added: {', '.join(told)}. {builds.SAMPLES}" if told else ""


def _filled(talk: Conversation, path: str, name: str) -> str:
    """A file from recipes/_sections, filled from the first prompt's brief."""
    frame = recipes.framework(talk.framework)
    source = recipes.FOLDER / "_sections" / frame / name
    return recipes.fill(path, source.read_text(), recipes.values(builds.brief(talk, talk.first)), frame)


def _react_section(talk: Conversation, component: str, anchor: str) -> Generator[list[wire.Block], list[Result], bool]:
    texts = yield from edits.read("I look at how the page is put together.", "src/App.tsx")
    text = texts.get("src/App.tsx", "")
    path = f"src/components/{component}.tsx"
    if not text or f"<{component} />" in text:
        return False
    place = _place(text, ("<Enquiry", "</main>", "<Footer"))
    if place < 0 or not IMPORT.search(text):
        return False
    file = {"path": path, "content": _filled(talk, path, f"{component}.tsx")}
    results = yield [wire.text("The section gets a file of its own."), wire.tool("write_files", {"files": [file]})]
    if edits.failed(results):
        return False
    imported = f'import {{ {component} }} from "./components/{component}";\n'
    changes = [_before_line(text, IMPORT.search(text), imported), _insert(text, place, f"<{component} />\n")]
    return (yield from edits.apply("And its place on the page.", "src/App.tsx", changes))


def _html_section(talk: Conversation, component: str, anchor: str) -> Generator[list[wire.Block], list[Result], bool]:
    texts = yield from edits.read("I look at how the page is put together.", "index.html")
    text = texts.get("index.html", "")
    place = _place(text, ('<section class="shell" id="enquiry"', "</main>", "<footer"))
    if not text or f'id="{anchor}"' in text or place < 0:
        return False
    block = _filled(talk, "index.html", f"{component}.html")
    changes = [_insert(text, place, block + "\n")]
    return (yield from edits.apply("I put the section in its place.", "index.html", changes))


def toggle(talk: Conversation) -> Change:
    """Add a switch between light and dark to the header. It remembers the choice in the browser."""
    react = talk.framework == "react"
    paths = ("src/components/Header.tsx", "src/App.tsx") if react else ("index.html",)
    texts = yield from edits.read("The colours have dark values already; I look where a switch fits.", *paths)
    path = next((p for p in paths if "</header>" in texts.get(p, "")), paths[-1])
    text = texts.get(path, "")
    place = _place(text, ("</nav>", "</header>", "</main>", "</footer>"))
    if place < 0 or "ThemeToggle" in text or "data-theme-toggle" in text:
        return ""
    new = "src/components/ThemeToggle.tsx" if react else "theme.js"
    file = {"path": new, "content": _filled(talk, new, new.rsplit("/", 1)[-1])}
    results = yield [wire.text("First the switch itself."), wire.tool("write_files", {"files": [file]})]
    if edits.failed(results):
        return ""
    changes = _react_toggle(path, text, place) if react else _html_toggle(talk, text, place)
    if not (yield from edits.apply("Then its place in the header.", path, changes)):
        return ""
    return "There is a light and dark switch in the header now. Without a choice the app follows the visitor's system."


def _react_toggle(path: str, text: str, place: int) -> list[dict[str, str]]:
    folder = "./components/ThemeToggle" if path == "src/App.tsx" else "./ThemeToggle"
    imported = f'import {{ ThemeToggle }} from "{folder}";\n'
    return [_before_line(text, IMPORT.search(text), imported), _insert(text, place, "<ThemeToggle />\n")]


def _html_toggle(talk: Conversation, text: str, place: int) -> list[dict[str, str]]:
    button = _filled(talk, "index.html", "theme-toggle.html")
    script = '    <script type="module" src="theme.js"></script>\n'
    head = text.find("</head>")
    head = text.rfind("\n", 0, head) + 1
    return [edits.between(text, head, head, script), _insert(text, place, button)]


def _place(text: str, marks: tuple[str, ...]) -> int:
    """The start of the line of the first mark that stands in the text; -1 when none does."""
    for mark in marks:
        if (at := text.find(mark)) >= 0:
            return text.rfind("\n", 0, at) + 1
    return -1


def _insert(text: str, at: int, block: str) -> dict[str, str]:
    """The edit that puts a block before the line at `at`, indented like it, one step more before a closing tag."""
    line = text[at : text.find("\n", at)]
    pad = line[: len(line) - len(line.lstrip())] + ("  " if line.lstrip().startswith("</") else "")
    return edits.between(text, at, at, textwrap.indent(textwrap.dedent(block), pad))


def _before_line(text: str, match: re.Match[str] | None, new: str) -> dict[str, str]:
    at = match.start() if match else 0
    return edits.between(text, at, at, new)
