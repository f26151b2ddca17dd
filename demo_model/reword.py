"""Follow-ups on words: the name, the headline, a quoted text."""

import html
import json
import re
from collections.abc import Generator

from demo_model import edits, render, wire
from demo_model.conversation import Conversation, Result

Change = Generator[list[wire.Block], list[Result], str]

NAME = re.compile(
    r"\b(?:rename\s+(?:it|this|the \w+|\w+)?\s*(?:to|as|into)|call it|name it"
    r"|(?:name|brand)\b[^\n]{0,20}?\b(?:to|should be|is now))"
    r"\s*:?\s*(.+)",
    re.IGNORECASE,
)
HEADLINE = re.compile(
    r"\b(?:headline|heading|title|hero text|h1)\b[^\n\"“]{0,20}?"
    r"\b(?:to|should (?:say|be|read)|say|saying|says|read|:)\s*:?\s*(.+)",
    re.IGNORECASE,
)
WORDS = re.compile(
    r"\b(?:change|replace|swap)\b[^\"“”'‘’\n]*[\"“'‘]([^\"“”\n]+?)[\"”'’]\s+(?:to|with|by|into|for)\s+[\"“'‘]([^\"“”\n]+?)[\"”'’]",
    re.IGNORECASE,
)
QUOTED = re.compile(r"^[\"“«'‘](.+?)[\"”»'’]")
LIMIT = 140
NAME_LIMIT = 60


def _content(talk: Conversation) -> tuple[str, ...]:
    return ("src/content.ts", "index.html") if talk.framework == "react" else ("index.html", "script.js")


def _value(found: re.Match[str], limit: int) -> str:
    words = found.group(1).strip()
    if quoted := QUOTED.match(words):
        return quoted.group(1).strip()[:limit]
    words = re.split(r"[\n]|(?<=\w)[.;]\s|,?\s+and\s+(?:make|add|change|use|turn|set)\b", words, maxsplit=1)[0]
    return words.strip(" .;\"'“”")[:limit]


def wants_words(talk: Conversation) -> bool:
    """`change "old" to "new"`."""
    return bool(WORDS.search(talk.prompt))


def wants_name(talk: Conversation) -> bool:
    """`rename it to …`, `call it …`."""
    return bool(NAME.search(talk.prompt)) and not wants_words(talk)


def wants_headline(talk: Conversation) -> bool:
    """`change the headline to …`."""
    return bool(HEADLINE.search(talk.prompt)) and not wants_words(talk)


def _escaped(path: str, words: str) -> str:
    """Words as they stand inside a literal or a text of this file."""
    return html.escape(words, quote=True) if path.endswith(".html") else render.string(words)[1:-1]


def words(talk: Conversation) -> Change:
    """Put one quoted text in place of another wherever it stands."""
    found = WORDS.search(talk.prompt)
    old, new = found.groups() if found else ("", "")
    texts = yield from edits.read("I look for that text.", *_content(talk))
    touched = []
    for path, text in texts.items():
        changes = edits.swap_all(text, _escaped(path, old), _escaped(path, new))
        if changes and (yield from edits.apply(f"It stands in `{path}`.", path, changes)):
            touched.append(path)
    return f"“{old}” is “{new}” now, in {', '.join(touched)}." if touched else ""


def name(talk: Conversation) -> Change:
    """Rename the app wherever its name stands."""
    found = NAME.search(talk.prompt)
    new = _value(found, NAME_LIMIT) if found else ""
    texts = yield from edits.read("I look where the name stands.", *_content(talk))
    old = _current_name(texts)
    if not old or not new or old == new:
        return ""
    touched = []
    for path, text in texts.items():
        changes = edits.swap_all(text, _escaped(path, old), _escaped(path, new))
        if changes and (yield from edits.apply(f"The new name goes into `{path}`.", path, changes)):
            touched.append(path)
    return f"{old} is called {new} now." if touched else ""


def _current_name(texts: dict[str, str]) -> str:
    if match := re.search(r"^\s*name: (\".*\"),?$", texts.get("src/content.ts", ""), re.MULTILINE):
        return str(json.loads(match.group(1)))
    match = re.search(r'class="brand".*?<span>([^<]+)</span>\s*</a>', texts.get("index.html", ""), re.DOTALL)
    return html.unescape(match.group(1)) if match else ""


def headline(talk: Conversation) -> Change:
    """Change the headline."""
    found = HEADLINE.search(talk.prompt)
    new = _value(found, LIMIT) if found else ""
    path = _content(talk)[0]
    texts = yield from edits.read("I look for the headline.", path)
    text = texts.get(path, "")
    pattern = r"<h1[^>]*>(.*?)</h1>" if path.endswith(".html") else r"^\s*headline:\s*\"((?:[^\"\\]|\\.)*)\""
    place = re.search(pattern, text, re.MULTILINE | re.DOTALL)
    if not place or not new:
        return ""
    change = edits.between(text, place.start(1), place.end(1), _escaped(path, new))
    if not (yield from edits.apply(f"It is in `{path}`.", path, [change])):
        return ""
    return f"The headline reads “{new}” now."
