"""Follow-ups on the structure: another section, one less, a switch between light and dark."""

import re
import textwrap
from collections.abc import Generator

from demo_model import builds, edits, places, recipes, views, wire
from demo_model.conversation import Conversation, Result

Change = Generator[list[wire.Block], list[Result], str]
Attempt = Generator[list[wire.Block], list[Result], bool]

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
# what only some recipes have, and can be taken out of them: word → (component, id on the page, label)
OWN: dict[str, tuple[str, str, str]] = {
    r"steps|how (it|we) works?|process": ("Steps", "steps", "The steps"),
    r"our story|story|quote|about": ("Story", "story", "The story"),
    r"enquiry|enquiries|contact( form)?|form": ("Enquiry", "enquiry", "The enquiry form"),
    r"offers?|services|what we (do|offer)": ("Offers", "offers", "The offers"),
    r"comparison|compare|side by side": ("Compare", "compare", "The comparison"),
    r"questions|faqs?": ("Questions", "questions", "The questions"),
    r"calculator|savings|cost": ("Savings", "cost", "The calculator"),
    r"week|bar chart|bars": ("Week", "week", "The week"),
    r"shares|pie|donut|doughnut": ("Shares", "shares", "The shares"),
    r"entries|table|transactions": ("Entries", "entries", "The entries"),
    r"trend|line chart": ("Trend", "trend", "The trend"),
    r"hero|banner|window": ("Window", "window", "The shop window"),
}
ADD = re.compile(r"\b(add|include|insert|put|need|want|with|give|also|create|show)\b", re.IGNORECASE)
REMOVE = re.compile(r"\b(remove|delete|drop|take out|take away|get rid of|hide|without)\b", re.IGNORECASE)
TOGGLE = re.compile(
    r"(dark|light|theme|colou?r)[ -]*(mode|scheme|theme)?[ -]*(toggle|switch|button)"
    r"|toggle .*(dark|light|theme)|(add|support|include|with|need|want)\b.{0,20}\bdark[ -]?(mode|theme)"
    r"|^\W*dark mode\W*$|switch between (light|dark)",
    re.IGNORECASE,
)
IMPORT = re.compile(r"^[ \t]*import .*;$", re.MULTILINE)
QUOTED = re.compile(r"[\"“][^\"”]*[\"”]")


def _clauses(prompt: str) -> tuple[str, str]:
    """The words that ask for more, and those that ask for less."""
    words = QUOTED.sub(" ", prompt)
    parts = re.split(r"(?<=[.;!\n])\s+|,?\s+(?:and|but|then)\s+(?=add|include|remove|delete|drop|take|put)", words)
    less = " ".join(part for part in parts if REMOVE.search(part))
    return " ".join(part for part in parts if not REMOVE.search(part)), less


def _named(words: str, known: dict[str, tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    return [section for pattern, section in known.items() if re.search(rf"\b(?:{pattern})\b", words, re.IGNORECASE)]


def wants_toggle(talk: Conversation) -> bool:
    """Whether the app shall get a switch between light and dark (or "dark mode", which it follows already)."""
    return bool(TOGGLE.search(_clauses(talk.prompt)[0]))


def wants_section(talk: Conversation) -> bool:
    """Whether a section that we know is asked for."""
    more, _ = _clauses(talk.prompt)
    return bool(ADD.search(more) and _named(more, SECTIONS))


def wants_removal(talk: Conversation) -> bool:
    """Whether a section shall go that we would know how to find."""
    _, less = _clauses(talk.prompt)
    return bool(less and _named(less, SECTIONS | OWN))


def sections(talk: Conversation) -> Change:
    """Add each section named in the request."""
    more, _ = _clauses(talk.prompt)
    told: list[str] = []
    for component, anchor, label in _named(more, SECTIONS):
        if recipes.framework(talk.framework) == "html":
            added = yield from _html_section(talk, component, anchor)
        else:
            added = yield from _view_section(talk, component)
        told += [label] if added else []
    return f"Added: {', '.join(told)}. {builds.SAMPLES}" if told else ""


def removals(talk: Conversation) -> Change:
    """Take each section named in the request off the first page; its file stays only where nothing can delete it."""
    _, less = _clauses(talk.prompt)
    told: list[str] = []
    for component, anchor, label in dict.fromkeys([*_named(less, OWN), *_named(less, SECTIONS)]):
        if recipes.framework(talk.framework) == "html":
            gone = yield from _html_removal(talk, anchor)
        else:
            gone = yield from _view_removal(talk, component)
        told += [label] if gone else []
    return f"Taken out: {', '.join(told)}." if told else ""


def _source(talk: Conversation, name: str) -> str:
    """A file from recipes/_sections, filled from the first prompt's brief."""
    known = recipes.values(builds.brief(talk, talk.first))
    source = (recipes.FOLDER / "_sections" / name).read_text()
    return recipes.fill(name if name.endswith("l") else "view.ts", source, known, "html")


def _view_files(talk: Conversation, frame: str, component: str) -> list[dict[str, str]]:
    known = recipes.values(builds.brief(talk, talk.first))
    source = (recipes.FOLDER / "_sections/views" / f"{component}.view").read_text()
    made = views.files(component, recipes.fill("view.ts", source, known, frame), frame)
    return [{"path": path, "content": text} for path, text in made.items()]


def _view_section(talk: Conversation, component: str) -> Attempt:
    frame = recipes.framework(talk.framework)
    page, script = places.home(frame)
    texts = yield from edits.read("I look at how the page is put together.", *dict.fromkeys((page, script)))
    text, tag = texts.get(page, ""), places.tag(frame, component)
    at = _place(text, (places.tag(frame, "Enquiry"), "</main>"))
    if at < 0 or tag in text or not IMPORT.search(texts.get(script, "")):
        return False
    files = _view_files(talk, frame, component)
    results = yield [wire.text("The section gets a file of its own."), wire.tool("write_files", {"files": files})]
    if edits.failed(results):
        return False
    return (yield from _put(frame, component, (page, script), texts, at, "And its place on the page.", page=True))


def _put(
    frame: str, name: str, where: tuple[str, str], texts: dict[str, str], at: int, words: str, page: bool
) -> Attempt:
    """Import a component and use it in the template of another, before the line at `at`."""
    template, script = where
    use = _insert(texts[template], at, places.tag(frame, name) + "\n")
    imports = _importing(frame, texts[script], name, page)
    if template == script:
        return (yield from edits.apply(words, template, [*imports, use]))
    if not (yield from edits.apply(words, script, imports)):
        return False
    return (yield from edits.apply("And the template uses it.", template, [use]))


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


def _view_removal(talk: Conversation, component: str) -> Attempt:
    frame = recipes.framework(talk.framework)
    page, script = places.home(frame)
    texts = yield from edits.read("I look where it stands.", *dict.fromkeys((page, script)))
    text, code = texts.get(page, ""), texts.get(script, "")
    line = next((n for n, one in enumerate(text.splitlines()) if one.strip() == places.tag(frame, component)), -1)
    first = next((n for n, one in enumerate(code.splitlines()) if _imports(one, component)), -1)
    if line < 0 or first < 0:
        return False
    changes = [edits.remove_line(code, first)]
    if frame == "angular":
        listed = re.search(rf"imports: \[[^\]]*?(\b{component}\b,? ?)", code)
        changes += [edits.between(code, listed.start(1), listed.end(1), "")] if listed else []
        if not (yield from edits.apply("I take it off the page.", page, [edits.remove_line(text, line)])):
            return False
    else:
        changes.append(edits.remove_line(text, line))
    if not (yield from edits.apply("Its import goes as well.", script, changes)):
        return False
    files = list(dict.fromkeys(places.component(frame, component)))
    if "delete_files" in talk.tools:
        yield [wire.text("Nothing uses its file any more."), wire.tool("delete_files", {"paths": files})]
    return True


def _imports(line: str, component: str) -> bool:
    return bool(re.match(rf"\s*import (\{{ )?{component}( \}})? from ", line))


def _html_section(talk: Conversation, component: str, anchor: str) -> Attempt:
    texts = yield from edits.read("I look at how the page is put together.", "index.html")
    text = texts.get("index.html", "")
    place = _place(text, ('<section class="shell" id="enquiry"', "</main>", "<footer"))
    if not text or f'id="{anchor}"' in text or place < 0:
        return False
    block = _source(talk, f"html/{component}.html")
    changes = [_insert(text, place, block + "\n")]
    return (yield from edits.apply("I put the section in its place.", "index.html", changes))


def _html_removal(talk: Conversation, anchor: str) -> Attempt:
    texts = yield from edits.read("I look where it stands.", "index.html")
    text = texts.get("index.html", "")
    found = re.search(rf"^( *)<section\b[^>]*\bid=\"{anchor}\".*?^\1</section>\n", text, re.MULTILINE | re.DOTALL)
    if not found:
        return False
    changes = [{"search": found.group(), "replace": ""}]
    return (yield from edits.apply("I take the section out.", "index.html", changes))


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
    module = {"path": f"{views.FRAMES[frame].modules}theme.ts", "content": _source(talk, "lib/theme.ts")}
    files = [module, *_view_files(talk, frame, "ThemeToggle")]
    results = yield [wire.text("First the switch itself."), wire.tool("write_files", {"files": files})]
    if edits.failed(results):
        return False
    at = _place(texts[where[0]], ("</nav>",))
    return (yield from _put(frame, "ThemeToggle", where, texts, at, "Then its place in the header.", page=False))


def _html_toggle(talk: Conversation) -> Attempt:
    texts = yield from edits.read("The colours have dark values already; I look where a switch fits.", "index.html")
    text = texts.get("index.html", "")
    place = _place(text, ("</nav>", "</header>", "</main>", "</footer>"))
    head = text.rfind("\n", 0, max(0, text.find("</head>"))) + 1
    if place < 0 or not head or "data-theme-toggle" in text:
        return False
    file = {"path": "theme.js", "content": _source(talk, "html/theme.js")}
    results = yield [wire.text("First the switch itself."), wire.tool("write_files", {"files": [file]})]
    if edits.failed(results):
        return False
    script = edits.between(text, head, head, '    <script type="module" src="theme.js"></script>\n')
    changes = [script, _insert(text, place, _source(talk, "html/theme-toggle.html"))]
    return (yield from edits.apply("Then its place in the header.", "index.html", changes))


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
