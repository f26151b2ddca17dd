"""Follow-ups on words: the name, the headline and other named lines, a quoted text."""

import html
import json
import re
from collections.abc import Generator

from demo_model import edits, expecting, places, render, wire
from demo_model.conversation import Conversation, Result

Change = Generator[list[wire.Block], list[Result], str]

NAME = re.compile(
    r"\b(?:rename\s+(?:it|this|the \w+|\w+)?\s*(?:to|as|into)|call it|name it"
    r"|(?:name|brand)\b[^\n]{0,20}?\b(?:to|should be|is now))"
    r"\s*:?\s*(.+)",
    re.IGNORECASE,
)
# name in the content → (words in the request, what we call it, where it stands in plain HTML)
FIELDS: dict[str, tuple[str, str, str]] = {
    "headline": (r"headline|heading|title|hero text|h1", "headline", r"<h1[^>]*>(.*?)</h1>"),
    "lede": (r"tag ?line|sub ?title|sub ?heading|intro(?:duction)?|lede?|description", "introduction",
             r'<p class="lede">(.*?)</p>'),
    "eyebrow": (r"eyebrow|badge|kicker|announcement", "line above the headline", r'<p class="eyebrow">(.*?)</p>'),
    "cta": (r"(?:main |hero |first )?button(?: text| label)?|cta|call to action", "button",
            r'<div class="row">\s*<a class="button"[^>]*>(.*?)</a>'),
    "footer": (r"footer(?: text| line)?", "footer", r"<footer.*?<p>[^<]*</p>\s*<p>(.*?)</p>"),
    "email": (r"e-?mail(?: address)?|contact address", "e-mail address", r'href="mailto:([^"?]+)'),
}  # fmt: skip
# Of the look of a line, not of its words: "the headline colour", "the button size".
LOOK = re.compile(r"\b(?:colou?rs?|background|fonts?|sizes?|styles?|shape|weight|width|height)\b", re.IGNORECASE)
SAYS = r"\b[^\n\"“]{0,20}?(?:\b(?P<says>to|should (?:say|be|read)|say|saying|says|read)\b|:)\s*:?\s*(?P<words>.+)"
CHANGING = re.compile(r"\b(?:change|set|update|edit|rewrite|turn|make|switch|rename|replace)\b", re.IGNORECASE)
FOUND = re.compile(r"^[^\w\n]*((?:[\w@.\[\]+-]+/)*[\w@.+-]+\.(?:tsx|ts|vue|svelte|html))\b", re.MULTILINE)
WORDS = re.compile(
    r"\b(?:change|replace|swap)\b[^\"“”'‘’\n]*[\"“'‘]([^\"“”\n]+?)[\"”'’]\s+(?:to|with|by|into|for)\s+[\"“'‘]([^\"“”\n]+?)[\"”'’]",
    re.IGNORECASE,
)
QUOTED = re.compile(r"^[\"“«'‘](.+?)[\"”»'’]")
# Where the next wish of a request begins: "… and make it blue", "… and the headline to Bread".
NEXT = re.compile(
    r"[\n]|(?<=\w)[.;]\s|,?\s{1,9}and\s{1,9}(?:(?:make|add|change|use|turn|set|remove|rename|call)\b"
    r"|(?:(?:the|its|our|my)\s+)?[\w -]{2,24}?\s(?:to|should (?:say|be|read))\s)",
    re.IGNORECASE,
)
LIMIT = 140
NAME_LIMIT = 60


def _value(found: re.Match[str], limit: int) -> str:
    words = (found.groupdict().get("words") or found.group(1)).strip()
    if quoted := QUOTED.match(words):
        return quoted.group(1).strip()[:limit]
    words = NEXT.split(words, maxsplit=1)[0].strip(" .;")
    if words.count('"') % 2 or words.count("“") != words.count("”"):  # one that has no other
        words = words.strip(' .;"“”')
    return words[:limit]


def wants_words(talk: Conversation) -> bool:
    """`change "old" to "new"`."""
    return bool(WORDS.search(talk.prompt))


def wants_name(talk: Conversation) -> bool:
    """`rename it to …`, `call it …`."""
    return bool(NAME.search(talk.prompt)) and not wants_words(talk)


def wants_line(talk: Conversation) -> bool:
    """`change the headline to …`, and the other lines that have a name."""
    return bool(_field(talk.prompt)[1]) and not wants_words(talk)


def _field(prompt: str) -> tuple[str, re.Match[str] | None]:
    """Which named line the request is about, and what it shall say. "A button to subscribe" is about none."""
    hits = []
    for field, (pattern, _, _) in FIELDS.items():
        found = re.search(rf"\b(?:{pattern}){SAYS}", prompt, re.IGNORECASE)
        if found and LOOK.search(prompt[found.start() : found.start("words")]):
            continue
        if found and ((found.group("says") or "").lower() != "to" or CHANGING.search(prompt[: found.start()])):
            hits.append((found.start(), field, found))
    return min(hits, key=lambda hit: hit[0])[1:] if hits else ("headline", None)


def _literal(words: str) -> str:
    return render.string(words)[1:-1]


def _text(words: str) -> str:
    """Words as text of a page or a component's template."""
    return html.escape(words, quote=True).replace("{", "&#123;").replace("}", "&#125;").replace("@", "&#64;")


def _escaped(path: str, words: str) -> str:
    """Words as they stand inside a literal or a text of this file."""
    return html.escape(words, quote=True) if path.endswith(".html") else _literal(words)


def _swapped(path: str, text: str, old: str, new: str) -> list[dict[str, str]]:
    """The edits that put new words for old ones: in content files they are literals, in components both kinds."""
    if path.endswith((".ts", ".js")) or "index.html" in path:
        return edits.swap_all(text, _escaped(path, old), _escaped(path, new))
    for line in text.splitlines():
        at = line.find(_literal(old))
        if at >= 0:
            quoted = re.search(r"(?:[:=(\[,?] |[\[(])\"[^\"]*$", line[:at])
            return edits.swap_all(text, _literal(old), _literal(new) if quoted else _text(new))
    return edits.swap_all(text, html.escape(old, quote=False), _text(new))


def words(talk: Conversation) -> Change:
    """Put one quoted text in place of another wherever it stands: in the words of the app, else in its components."""
    found = WORDS.search(talk.prompt)
    old, new = (part.strip()[:LIMIT] for part in found.groups()) if found else ("", "")
    texts = yield from edits.read("I look for that text.", *places.words(talk.framework))
    known = len(talk.undone)
    touched = yield from _swap_in(talk, texts, old, new)
    if not touched and "search" in talk.tools:
        results = yield [
            wire.text("Not there, so I search the files."),
            wire.tool("search", {"pattern": re.escape(old)}),
        ]
        paths = [path for path in dict.fromkeys(FOUND.findall(results[0].text if results else "")) if path not in texts]
        if paths:
            texts = yield from edits.read("I read where it stands.", *paths[:3])
            touched = yield from _swap_in(talk, texts, old, new)
    refused = len(talk.undone) > known
    if touched and not refused:
        talk.swaps.append((old, new, False))
    if not touched and not refused:
        talk.undone.append(f"I see no file in which “{old}” stands.")
    return f"“{old}” is “{new}” now, in {', '.join(touched)}." if touched else ""


def _swap_in(
    talk: Conversation, texts: dict[str, str], old: str, new: str
) -> Generator[list[wire.Block], list[Result], list[str]]:
    touched = []
    for path, text in texts.items():
        changes = _swapped(path, text, old, new)
        if changes and (yield from edits.apply(talk, f"It stands in `{path}`.", path, changes)):
            touched.append(path)
    return touched


def name(talk: Conversation) -> Change:
    """Rename the app wherever its name stands."""
    found = NAME.search(talk.prompt)
    new = _value(found, NAME_LIMIT) if found else ""
    texts = yield from edits.read("I look where the name stands.", *places.words(talk.framework))
    old = _current_name(texts.get(places.words(talk.framework)[0], ""))
    if not old or not new or old == new:
        why = f"The name is {new} already." if old and old == new else "I see no name that I know how to change."
        talk.undone.append(why)
        return ""
    touched = []
    for path, text in texts.items():
        changes = edits.swap_all(text, _escaped(path, old), _escaped(path, new), is_name=True)
        if changes and (yield from edits.apply(talk, f"The new name goes into `{path}`.", path, changes)):
            touched.append(path)
    if places.words(talk.framework)[0] in touched:  # where a visitor reads it; the others are titles
        talk.swaps.append((old, new, True))
    return f"{old} is called {new} now, in {', '.join(touched)}." if touched else ""


def _current_name(text: str) -> str:
    if match := re.search(r"^\s*name: (\".*\"),?$", text, re.MULTILINE):
        return str(json.loads(match.group(1)))
    match = re.search(r'class="brand".*?<span>([^<]+)</span>\s*</a>', text, re.DOTALL)
    return html.unescape(match.group(1)) if match else ""


def _plain(path: str, written: str) -> str:
    """Words as a visitor reads them, from how they stand in a file."""
    return html.unescape(written) if path.endswith(".html") else str(json.loads(f'"{written}"'))


def line(talk: Conversation) -> Change:
    """Change the headline, or another line that has a name: the introduction, the button, the footer …"""
    field, found = _field(talk.prompt)
    new = _value(found, LIMIT * 2) if found else ""
    path = places.words(talk.framework)[0]
    texts = yield from edits.read(f"I look for the {FIELDS[field][1]}.", path)
    text = texts.get(path, "")
    pattern = FIELDS[field][2] if path.endswith(".html") else rf"^\s*{field}:\s*\"((?:[^\"\\]|\\.)*)\""
    place = re.search(pattern, text, re.MULTILINE | re.DOTALL)
    if not place or not new:
        talk.undone.append(f"I see no {FIELDS[field][1]} in `{path}` that I could change.")
        return ""
    change = edits.between(text, place.start(1), place.end(1), _escaped(path, new))
    if not (yield from edits.apply(talk, f"It is in `{path}`.", path, [change])):
        return ""
    talk.swaps.append((_plain(path, place.group(1)), new, False))
    if field != "email":
        expecting.line(talk, FIELDS[field][1], new)
    return f"The {FIELDS[field][1]} reads “{new}” now."
