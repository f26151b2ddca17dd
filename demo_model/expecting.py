"""What the demo model says a visitor will see, and which earlier statements a change made untrue. Pure."""

import html
import re
from typing import Any

from demo_model import edits, places
from demo_model.conversation import Conversation

MOST, TEXT_CHARS, SAYS_CHARS = 5, 80, 120
HEADING = re.compile(r"<h2\b[^>]*>([^<{]+)</h2>")


def told(talk: Conversation) -> dict[str, Any]:
    """The `expects` and `outdated` of a finish, where the platform takes them."""
    if not talk.can_promise:
        return {}
    gone, again = [], []
    for promise in talk.promises:
        text, says = promise.text, promise.says
        for change in talk.swaps:
            text, says = edits.swap(text, *change), edits.swap(says, *change)
        if text != promise.text:
            again.append(_statement(says, text, promise.path))
        if text != promise.text or talk.replaced or promise.text in talk.gone:
            gone.append(promise.number)
    made = [*again, *(_statement(says, text) for says, text in talk.sees)]
    fit = {one["text"]: one for one in made if 0 < len(one["text"]) <= TEXT_CHARS and len(one["says"]) <= SAYS_CHARS}
    kept = list(fit.values())[:MOST]
    return {name: value for name, value in (("expects", kept), ("outdated", gone)) if value}


def _statement(says: str, text: str, path: str = "/") -> dict[str, str]:
    return {"says": says, "path": path, "text": text}


def app(talk: Conversation, name: str, made: dict[str, str]) -> None:
    """A new app shows its name and its headline; what another app showed before it is gone."""
    talk.replaced = True
    talk.sees.append((f"The page is called {name}", name))
    path = places.words(talk.framework)[0]
    if path.endswith(".html"):
        found = re.search(r"<h1[^>]*>([^<{]+)</h1>", made.get(path, ""))
        headline = html.unescape(found.group(1)) if found else ""
    else:
        found = re.search(r"^\s*headline:\s*\"([^\"\\]*)\"", made.get(path, ""), re.MULTILINE)
        headline = found.group(1) if found else ""
    if headline:
        line(talk, "headline", " ".join(headline.split()))


def line(talk: Conversation, label: str, words: str) -> None:
    """A named line reads so now."""
    talk.sees.append((f"The {label} reads “{words}”", words))


def section(talk: Conversation, label: str, source: str) -> None:
    """A section was added."""
    for words in HEADING.findall(source)[:1]:
        heading = html.unescape(words).strip()
        talk.sees.append((f"There is a section {label}, headed “{heading}”", heading))


def no_section(talk: Conversation, source: str) -> None:
    """A section was taken out."""
    talk.gone += [html.unescape(words).strip() for words in HEADING.findall(source)]
