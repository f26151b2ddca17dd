"""Follow-ups on the look: another colour, a fixed light or dark scheme. They rewrite the theme tokens."""

import re
from collections.abc import Generator

from demo_model import colour as colours
from demo_model import edits, places, wire
from demo_model.conversation import Conversation, Result

Change = Generator[list[wire.Block], list[Result], str]

TOKEN = re.compile(r"^[ \t]*(--[\w-]+):[ \t]*[^;]+;[ \t]*$", re.MULTILINE)
ACCENT = ("--accent", "--on-accent", "--accent-text")
# Three ways in which a stylesheet has a dark side, and how each is made to hold always or never.
SCHEME = re.compile(r"((?::root|html)\s*\{[^}]*?\bcolor-scheme:\s*)([a-z ]+)(?=;)")
BLOCK = re.compile(r"(@media \(prefers-color-scheme: (dark|light)\))(?:, all| and \(max-width: 0\))?(?=\s*\{)")
VARIANT = re.compile(r'(@import "tailwindcss";\n)(?:@custom-variant dark \(@media (?:not )?all\);\n)?')
VERB = re.compile(
    r"\b(make|change|turn|use|set|switch|paint|colou?rs?|palette|theme|accent|instead|prefer|more|give|brand|background|buttons?)\b",
    re.IGNORECASE,
)
# "Dark green" is a colour.
DARK = re.compile(
    r"\b(?:make|turn|switch|set|use|go|want|always|only|default)\b.*?"
    rf"\b(dark|light)\b(?!\s+(?:{'|'.join(colours.WORDS)})(?:ish)?\b)",
    re.IGNORECASE,
)
# Parts that have no colour of their own in our themes.
PART = re.compile(r"\b(?:headlines?|headings?|titles?|header|footer|logo|background|cards?|icons?)\b", re.IGNORECASE)
QUOTED = re.compile(r"[\"“][^\"”]*[\"”]")
SWITCH = re.compile(r"toggle|switch(er)? (between|for)|button", re.IGNORECASE)


def wants_colour(talk: Conversation) -> bool:
    """Whether a colour is named as the wish of the request."""
    words = QUOTED.sub(" ", talk.prompt)
    return bool(colours.asked_for(words) and (VERB.search(words) or len(words.split()) <= 3))


def wants_scheme(talk: Conversation) -> bool:
    """Whether the app shall be dark (or light) from now on; a wish for a switch is another matter."""
    return bool(_scheme(talk) and not SWITCH.search(talk.prompt))


def _scheme(talk: Conversation) -> str:
    found = DARK.search(QUOTED.sub(" ", talk.prompt))
    return found.group(1).lower() if found else ""


def colour(talk: Conversation) -> Change:
    """Derive a new theme from the colour and put it in place of the old tokens."""
    path = places.stylesheet(talk.framework)
    texts = yield from edits.read("I look at the theme first.", path)
    tone = colours.asked_for(talk.prompt)
    text = texts.get(path, "")
    new = dict(colours.css(tone)) if tone else {}
    told = f"The colours are new, light and dark; they live at the top of {path}."
    if len({match.group(1) for match in TOKEN.finditer(text)} & new.keys()) < len(new) // 2:
        # The grounds and inks of a theme by another hand fit each other: its accent alone can be any colour.
        new = {name: value for name, value in new.items() if name in ACCENT}
        told = f"The accent colour in {path} is new; the other colours there are as they were."
    old = [match for match in TOKEN.finditer(text) if match.group(1) in new]
    if not old:
        talk.undone.append(f"The colours are as they were: I see no theme in `{path}` that I know how to change.")
        return ""
    start, end = old[0].start(), old[-1].end()
    block = TOKEN.sub(lambda m: _line(m, new), text[start:end])
    if block == text[start:end]:
        talk.undone.append("The colours are these already.")
        return ""
    words = "I derive a light and a dark shade of each token from that colour and check their contrast."
    change = {"search": text[start:end], "replace": block}
    worked = yield from edits.apply(talk, words, path, [change])
    if worked and (part := PART.search(QUOTED.sub(" ", talk.prompt))):
        told = f"{told} I know no way to colour the {part.group().lower()} alone."
    return told if worked else ""


def _line(match: re.Match[str], new: dict[str, str]) -> str:
    name = match.group(1)
    if name not in new:
        return match.group()
    return f"{match.group()[: match.group().index('--')]}{name}: {new[name]};"


def scheme(talk: Conversation) -> Change:
    """Make the app dark, or light, whatever the visitor's system says."""
    path = places.stylesheet(talk.framework)
    wish = _scheme(talk)
    texts = yield from edits.read("I look at how the theme picks its scheme.", path)
    text = texts.get(path, "")
    if not _has_both(text):
        talk.undone.append(f"The app is not {wish} by this: I see no light and dark colours in `{path}`.")
        return ""
    new = _always(text, wish)
    if new == text:
        talk.undone.append(f"The app is {wish} already.")
        return ""
    words = f"The colours have their {wish} values already; I make those hold for everybody."
    worked = yield from edits.apply(talk, words, path, [edits.change(text, new)])
    return f"The app is {wish} now, whatever the visitor's system says." if worked else ""


def _has_both(text: str) -> bool:
    """Whether a stylesheet has a light and a dark side, and we know each place where it chooses."""
    blocks = BLOCK.findall(text)
    if text.count("prefers-color-scheme") != len(blocks) or "@custom-variant dark" in VARIANT.sub("", text):
        return False
    by_line = "light-dark(" in text and SCHEME.search(text)
    return bool(blocks or by_line or (VARIANT.search(text) and "dark:" in text))


def _always(text: str, wish: str) -> str:
    """The stylesheet with one side for everybody."""
    new = SCHEME.sub(rf"\g<1>{wish}", text, count=1)
    new = BLOCK.sub(lambda m: m.group(1) + (", all" if m.group(2) == wish else " and (max-width: 0)"), new)
    if "dark:" not in text:
        return new
    return VARIANT.sub(rf"\g<1>@custom-variant dark (@media {'all' if wish == 'dark' else 'not all'});\n", new, count=1)
