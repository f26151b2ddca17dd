"""Follow-ups on the type: another family of fonts, larger or smaller text."""

import re
from collections.abc import Generator

from demo_model import edits, places, wire
from demo_model.conversation import Conversation, Result

Change = Generator[list[wire.Block], list[Result], str]

SERIF = 'ui-serif, Georgia, "Iowan Old Style", Cambria, serif'
ROUND = 'ui-rounded, "Hiragino Maru Gothic ProN", Quicksand, Comfortaa, Manjari, Nunito, sans-serif'
HAND = '"Comic Sans MS", "Comic Neue", "Chalkboard SE", cursive'
# words in the request → (what we call it, the fonts: those that a visitor's system may have, nothing is loaded)
FAMILIES: dict[str, tuple[str, str]] = {
    r"comic(?: sans)?|hand ?writ\w+|playful": ("a playful font", HAND),
    r"mono(?:space)?d?|typewriter|courier|code": ("a monospaced font", "ui-monospace, Menlo, Consolas, monospace"),
    r"sans[- ]?serif|sans|helvetica|arial|inter": ("a sans-serif font", "Inter, system-ui, Arial, sans-serif"),
    r"round(?:ed)?": ("a rounded font", ROUND),
    r"serif|georgia|times(?: new roman)?|elegant|classic(?:al)?": ("a serif font", SERIF),
}
FONT = re.compile(r"\b(?:fonts?|typefaces?|typography|lettering)\b|comic sans|\b(?:sans[- ])?serif\b", re.IGNORECASE)
FAMILY = re.compile(r"^([ \t]*)(--font-(?:sans|display)):[ \t]*([^;]+);[ \t]*$", re.MULTILINE)
SIZE = re.compile(
    r"\b(?:texts?|fonts?|letters?|type|writing)\b(?: \w+){0,4}? (?P<a>large|larger|big|bigger|small|smaller)\b"
    r"|\b(?P<b>larger|bigger|smaller)\b (?:text|font|letters|type)\b",
    re.IGNORECASE,
)
ROOT = re.compile(r"^([ \t]*)html \{\n(?:\1[ \t]+font-size: ([\d.]+)%;\n)?", re.MULTILINE)
SIZES = (75.0, 87.5, 100.0, 112.5, 125.0, 137.5, 150.0)
QUOTED = re.compile(r"[\"“][^\"”]*[\"”]")


def wants_font(talk: Conversation) -> bool:
    """Whether other fonts are asked for; "a larger font" names none."""
    words = _unquoted(talk)
    return bool(FONT.search(words)) and (not SIZE.search(words) or _named(words) is not None)


def wants_size(talk: Conversation) -> bool:
    """Whether all text shall be larger or smaller. One part of the page alone is another matter."""
    return bool(SIZE.search(_unquoted(talk)))


def _unquoted(talk: Conversation) -> str:
    return QUOTED.sub(" ", talk.prompt)


def font(talk: Conversation) -> Change:
    """Put other fonts into the theme: those that the request names, else the ones it does not have."""
    path = places.stylesheet(talk.framework)
    texts = yield from edits.read("I look at the fonts of the theme.", path)
    text = texts.get(path, "")
    old = FAMILY.findall(text)
    if not old:
        talk.undone.append(f"The fonts are as they were: I see none in `{path}` that I know how to change.")
        return ""
    called, family = _family(_unquoted(talk), old[-1][2])
    new = FAMILY.sub(rf"\g<1>\g<2>: {family};", text)
    if new == text:
        talk.undone.append(f"It has {called} already.")
        return ""
    words = "I name fonts that visitors have; none is loaded from elsewhere."
    if not (yield from edits.apply(talk, words, path, [edits.change(text, new)])):
        return ""
    return f"The text is set in {called} now; the fonts are named at the top of {path}."


def _named(words: str) -> tuple[str, str] | None:
    families = (found for pattern, found in FAMILIES.items() if re.search(rf"\b(?:{pattern})\b", words, re.IGNORECASE))
    return next(families, None)


def _family(words: str, now: str) -> tuple[str, str]:
    if named := _named(words):
        return named
    is_serif = "serif" in now.replace("sans-serif", "")
    return FAMILIES[r"sans[- ]?serif|sans|helvetica|arial|inter"] if is_serif else ("a serif font", SERIF)


def size(talk: Conversation) -> Change:
    """Make all text a step larger or smaller: everything is measured by the root's size."""
    path = places.stylesheet(talk.framework)
    texts = yield from edits.read("I look at how large the text is.", path)
    text = texts.get(path, "")
    found, wish = ROOT.search(text), SIZE.search(_unquoted(talk))
    if not found or not wish:
        talk.undone.append(f"The text is as large as it was: I see no place for its size in `{path}`.")
        return ""
    up = (wish.group("a") or wish.group("b")).lower().startswith(("large", "big"))
    now = float(found.group(2) or 100)
    steps = [one for one in SIZES if (one > now if up else one < now)]
    if not steps:
        talk.undone.append(f"The text is as {'large' if up else 'small'} as I make it.")
        return ""
    new = steps[0] if up else steps[-1]
    start, end = found.span()
    rule = f"{found.group(1)}html {{\n{found.group(1)}  font-size: {new:g}%;\n"
    change = edits.between(text, start, end, rule)
    if not (yield from edits.apply(talk, "Everything is measured by this one size.", path, [change])):
        return ""
    return f"The text is a step {'larger' if up else 'smaller'} now ({new:g} % of what visitors have set)."
