"""Turn a prompt into a brief: what kind of app, for what subject, under which name, in which colours. Pure."""

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from demo_model import colour

SUBJECTS = Path(__file__).parent / "subjects"
NAME_LIMIT = 40
KINDS: dict[str, str] = {
    "shop": r"online (\w+ ){0,2}(shop|store)|web ?shop|web ?store|e-?commerce|storefront|shop\b|store\b|online-?laden"
    r"|boutique en ligne|tienda|negozio|product (catalogue|catalog|grid)|shopping cart|checkout",
    "landing": r"landing|home ?page|marketing page|launch page|product page|coming soon",
    "pricing": r"pricing|price (page|list|table)|plans page|subscription page",
    "kanban": r"kanban|trello|sprint board|task board|project board|issue board",
    "dashboard": r"dashboards?|analytics|metrics|charts?|admin panel|statistics|reports? page",
    "todo": r"to[- ]?dos?\b|task (list|app|manager|tracker)|tasks|checklist|shopping list|packing list|reminders",
    "portfolio": r"portfolio|my (work|projects)|resume|résumé|\bcv\b|personal (site|website|page)",
    "blog": r"blog|recipes?\b|magazine|journal|articles|newspaper|news site|stories",
}
# "for my tea shop", "a coffee shop website": the shop is whose page it is, not what to build.
WHOSE = re.compile(
    r"(?:\b(?:for|of|about|my|our|named|called)\s+(?:an?\s+|my\s+|our\s+|the\s+)?(?:[\w'’-]+\s+){0,3}"
    r"|\b(?:coffee|tea|barber|pet|flower|bike|repair|sandwich|pizza|cream|gift|farm)\s+)$",
    re.IGNORECASE,
)
STOP = r"(?:with|that|which|who|whose|where|in|on|using|and then|and it|and has|having|featuring|including|please)\b"
QUOTED = re.compile(r"[\"“”„«‘']([^\"“”«»‘’'\n]{1,60})[\"“”»’']")
CALLED = re.compile(
    r"\b(?:called|named|titled|by the name of|name is|namens|genannt|appelée?|nommée?|llamad[oa]|chiamat[oa])"
    r"\s*:?\s*(.+)",
    re.IGNORECASE | re.DOTALL,
)
# Quotation marks of other languages hold a name more often than anything else.
MARKED = re.compile(r"[「『«„]([^」』»“\n]{1,60})[」』»“]")
OTHER_TONGUE = re.compile(
    r"[^\W\d_a-zA-Z]{4}|\b(?:für|eine[rn]?|mit|und|une|pour|avec|mon|una|para|mi|con|per|voor|een|dla|med|och)\b",
    re.IGNORECASE,
)
OWNER = re.compile(r"\b(for|of|brand|company|app|shop|site|business)\s*$", re.IGNORECASE)
FOR = re.compile(
    r"\bfor\s+((?:[A-Z][\w'’.-]*)(?:\s+(?:&|and|of|the|[A-Z][\w'’.-]*))*)\s*(?=$|[,.;:!?\n(]|with\b|that\b)"
)
# "my bakery Crumb & Co": a capitalised name after a common noun; not what a page is made with.
OWNED = re.compile(
    r"\b(?:my|our|a|an|the)\s+(?:(?!(?:in|at|near|from|on|to|with)\b)[a-z][a-z-]+\s+){1,3}((?:[A-Z][\w'’.-]*)(?:\s+(?:&|and|of|the|[A-Z][\w'’.-]*))*)"
)
TECHNICAL = re.compile(
    r"\b(React|HTML|CSS|Tailwind|SVG|TypeScript|JavaScript|SaaS|AI|API|FAQ|CTA|UI|PDF|CSV|Vite|Next\.js|Stripe|MVP|I)\b"
)
ABOUT = re.compile(
    rf"\b(?:for|about|of)\s+(?:an?|my|our|the|some|their|his|her)?\s*([^,.;:!?\n()\"“]+?)"
    rf"\s*(?=$|[,.;:!?\n()\"“]|\b(?:called|named|titled)\b|\b{STOP})",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Brief:
    """What to build. `subject` is the noun phrase to use in texts; `copy` holds the texts and data of the subject."""

    kind: str
    name: str
    subject: str
    tone: colour.Tone
    copy: dict[str, Any]

    @property
    def seed(self) -> int:
        return _seed(self.name + self.kind)


def _seed(words: str) -> int:
    return int.from_bytes(hashlib.sha256(words.encode("utf-8", "replace")).digest()[:4], "big")


@cache
def subjects() -> dict[str, dict[str, Any]]:
    """All subjects by name, as written in demo_model/subjects/."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(SUBJECTS.glob("*.json"))}


def make(prompt: str, kinds: dict[str, list[str]]) -> Brief:
    """The brief of a prompt. `kinds` are the recipes there are, each with its own default app names."""
    prompt = prompt[:20000]
    kind = kind_of(prompt)
    kind = kind if kind in kinds else "landing"
    name = name_in(prompt)
    rest = prompt.replace(name, " ") if name else prompt
    key = subject_key(rest) or (subject_key(name) if name else "")
    subject = subjects()["anything"] | ({"shop": None} | subjects()[key] if key else {})  # no other subject's goods
    phrase = subject["noun"] if key else phrase_in(rest) or subject["noun"]
    bare = not key and phrase == subject["noun"]
    own = kind == "portfolio" or (kind in ("todo", "kanban", "dashboard", "shop") and not key)
    names = kinds[kind] if bare or own else subject["names"]
    name = name or names[_seed(prompt.strip().lower()) % len(names)]
    tone = colour.asked_for(rest) or colour.Tone(_hue(subject, phrase), subject["chroma"], subject["neutral"])
    words = {"{name}": name, "{subject}": phrase, "{Subject}": phrase[:1].upper() + phrase[1:]}
    return Brief(kind, name, phrase, tone, _adapt(subject, words))


def _hue(subject: dict[str, Any], phrase: str) -> float:
    return float(subject["hue"]) if subject.get("hue") is not None else _seed(phrase) % 360


def _adapt(value: Any, words: dict[str, str]) -> Any:
    if isinstance(value, str):
        for mark, word in words.items():
            value = value.replace(mark, word)
        return value
    if isinstance(value, list):
        return [_adapt(item, words) for item in value]
    return {key: _adapt(item, words) for key, item in value.items()} if isinstance(value, dict) else value


def kind_of(prompt: str) -> str:
    """The kind named first in the prompt, else "" ."""
    hits = []
    for kind, words in KINDS.items():
        for match in re.finditer(rf"\b(?:{words})", prompt, re.IGNORECASE):
            bare = match.group().lower() in ("shop", "store")
            if not (bare and WHOSE.search(prompt[: match.start()])):
                hits.append((match.start(), kind))
                break
    return min(hits)[1] if hits else ""


def other_tongue(prompt: str) -> bool:
    """Whether the prompt looks like another language than English, the one our texts are in."""
    return bool(OTHER_TONGUE.search(QUOTED.sub(" ", prompt)))


def subject_key(words: str) -> str:
    """The subject whose words occur most often, the earliest first; "" when none does."""
    best = ("", 0, 0)
    for key, subject in subjects().items():
        known = "|".join(map(re.escape, subject["words"])) or "(?!)"
        hits = [match.start() for match in re.finditer(rf"\b(?:{known})(?:s|es)?\b", words, re.IGNORECASE)]
        if hits and (len(hits), -min(hits)) > best[1:]:
            best = (key, len(hits), -min(hits))
    return best[0]


def phrase_in(prompt: str) -> str:
    """The noun phrase after "for" or "about", at most four words."""
    found = ABOUT.search(prompt)
    words = found.group(1).split() if found else []
    return " ".join(words[:4])[:NAME_LIMIT].strip() if words else ""


def name_in(prompt: str) -> str:
    """The name the prompt gives: after "called", in quotes, or capitalised after "for"; "" when it gives none."""
    if called := CALLED.search(prompt):
        return _read_name(called.group(1))
    quoted = QUOTED.search(prompt)
    if quoted and OWNER.search(prompt[: quoted.start()]):
        return _tidy(quoted.group(1))
    if marked := MARKED.search(prompt):
        return _tidy(marked.group(1))
    plain = TECHNICAL.sub("", prompt)
    proper = FOR.search(plain) or OWNED.search(plain)
    return re.sub(r"\s+(and|of|the|&)$", "", _tidy(proper.group(1))) if proper else ""


def _read_name(rest: str) -> str:
    if quoted := QUOTED.match(rest):
        return _tidy(quoted.group(1))
    rest = re.split(rf"[,.;:!?\n()\[\]{{}}<>]|\s[-–—]\s|\b{STOP}|\bfor\b", rest, maxsplit=1)[0]
    words = rest.split()
    kept: list[str] = []
    for word in words[:6]:
        if kept and word[:1].islower() and word.lower() not in ("of", "the", "and", "de", "la", "le"):
            break
        kept.append(word)
        if word[:1].islower() and len(kept) == 1:
            break
    while kept and kept[-1].lower() in ("and", "of", "the"):
        kept.pop()
    return _tidy(" ".join(kept))


def _tidy(name: str) -> str:
    name = re.sub(r"\s+", " ", re.sub(r"[«»\x00-\x1f\x7f]", " ", name)).strip(" .,;:'\"“”")
    return name[:NAME_LIMIT].strip()
