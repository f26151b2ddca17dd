"""Follow-ups on the look: another colour, a fixed light or dark scheme. They rewrite the theme tokens."""

import re
from collections.abc import Generator

from demo_model import colour as colours
from demo_model import edits, places, wire
from demo_model.conversation import Conversation, Result

Change = Generator[list[wire.Block], list[Result], str]

TOKEN = re.compile(r"^[ \t]*(--[\w-]+):[ \t]*[^;]+;[ \t]*$", re.MULTILINE)
SCHEME = re.compile(r":root\s*\{\s*color-scheme:\s*([a-z ]+);")
VERB = re.compile(
    r"\b(make|change|turn|use|set|switch|paint|colou?rs?|palette|theme|accent|instead|prefer|more|give|brand|background|buttons?)\b",
    re.IGNORECASE,
)
DARK = re.compile(r"\b(make|turn|switch|set|use|go|want|always|only|default)\b.*\b(dark|light)\b", re.IGNORECASE)
SWITCH = re.compile(r"toggle|switch(er)? (between|for)|button", re.IGNORECASE)


def wants_colour(talk: Conversation) -> bool:
    """Whether a colour is named as the wish of the request."""
    words = re.sub(r"[\"“][^\"”]*[\"”]", " ", talk.prompt)
    return bool(colours.asked_for(words) and (VERB.search(words) or len(words.split()) <= 3))


def wants_scheme(talk: Conversation) -> bool:
    """Whether the app shall be dark (or light) from now on; a wish for a switch is another matter."""
    return bool(DARK.search(talk.prompt) and not SWITCH.search(talk.prompt))


def colour(talk: Conversation) -> Change:
    """Derive a new theme from the colour and put it in place of the old tokens."""
    path = places.stylesheet(talk.framework)
    texts = yield from edits.read("I look at the theme first.", path)
    tone = colours.asked_for(talk.prompt)
    text = texts.get(path, "")
    new = dict(colours.css(tone)) if tone else {}
    old = [match for match in TOKEN.finditer(text) if match.group(1) in new]
    if len(old) < len(new) // 2:
        return ""
    start, end = old[0].start(), old[-1].end()
    block = TOKEN.sub(lambda m: _line(m, new), text[start:end])
    if block == text[start:end]:
        return ""
    words = "I derive a light and a dark shade of each token from that colour and check their contrast."
    change = {"search": text[start:end], "replace": block}
    worked = yield from edits.apply(words, path, [change])
    return "" if not worked else f"The colours are new, light and dark; they live at the top of {path}."


def _line(match: re.Match[str], new: dict[str, str]) -> str:
    name = match.group(1)
    if name not in new:
        return match.group()
    return f"{match.group()[: match.group().index('--')]}{name}: {new[name]};"


def scheme(talk: Conversation) -> Change:
    """Make the app dark, or light, whatever the visitor's system says."""
    path = places.stylesheet(talk.framework)
    found = re.findall(r"\b(dark|light)\b", talk.prompt, re.IGNORECASE)
    wish = found[0].lower()
    texts = yield from edits.read("I look at how the theme picks its scheme.", path)
    text = texts.get(path, "")
    match = SCHEME.search(text)
    if not match or match.group(1).strip() == wish:
        return ""
    change = edits.between(text, match.start(1), match.end(1), wish)
    words = f"Each colour has its {wish} value already, so one line decides."
    worked = yield from edits.apply(words, path, [change])
    return f"The app is {wish} now, whatever the visitor's system says." if worked else ""
