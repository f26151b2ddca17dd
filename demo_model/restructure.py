"""Follow-ups on the structure: another section, or one less."""

import re
from collections.abc import Generator

from demo_model import builds, edits, expecting, places, placing, recipes, wire
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
    r"our story|story|quote|(?<!section )about": ("Story", "story", "The story"),
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
QUOTED = re.compile(r"[\"“][^\"”]*[\"”]")
# Where a section shall stand, which names another one; and a section that shall be a page.
PLACE = re.compile(
    r"\b(?:above|below|under(?:neath)?|beneath|before|after|next to|beside|between|on top of)\s+[\w ]+",
    re.IGNORECASE,
)
MOVE = re.compile(r"\b(?:move|swap|reorder|rearrange|switch)\b", re.IGNORECASE)
PAGE = re.compile(r"\bpage\b", re.IGNORECASE)
# A link on a line of its own, by what stands in its tag.
LINK = r"<a\b[^>]*{}[^>]*>.*</a>"


def clauses(prompt: str) -> tuple[str, str]:
    """The words that ask for more, and those that ask for less."""
    words = QUOTED.sub(" ", prompt)
    parts = re.split(r"(?<=[.;!\n])\s+|,?\s+(?:and|but|then)\s+(?=add|include|remove|delete|drop|take|put)", words)
    less = " ".join(part for part in parts if REMOVE.search(part))
    return " ".join(part for part in parts if not REMOVE.search(part)), less


def _named(words: str, known: dict[str, tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    return [section for pattern, section in known.items() if re.search(rf"\b(?:{pattern})\b", words, re.IGNORECASE)]


def _meant(words: str) -> list[list[tuple[str, str, str]]]:
    """The sections that shall go, for each place in the words that names one: the one of that very name first, then
    those that it may be as well.
    """
    found = [
        (-len(name.group()), name.span(), section)
        for known in (SECTIONS, OWN)
        for pattern, section in known.items()
        for name in re.finditer(rf"\b(?:{pattern})\b", words, re.IGNORECASE)
    ]
    spots: dict[tuple[int, int], list[tuple[str, str, str]]] = {}
    for _, (start, end), section in sorted(found, key=lambda one: one[0]):
        spot = next((span for span in spots if start < span[1] and span[0] < end), (start, end))
        spots.setdefault(spot, []).append(section)
    return [spots[span] for span in sorted(spots)]


def wants_section(talk: Conversation) -> bool:
    """Whether a section that we know is asked for."""
    more = PLACE.sub(" ", clauses(talk.prompt)[0])
    return bool(ADD.search(more) and not MOVE.search(more) and _named(more, SECTIONS))


def wants_removal(talk: Conversation) -> bool:
    """Whether a section shall go that we would know how to find."""
    _, less = clauses(talk.prompt)
    return bool(less and _named(less, SECTIONS | OWN))


def sections(talk: Conversation) -> Change:
    """Add each section named in the request."""
    more, _ = clauses(talk.prompt)
    if place := PLACE.search(more):
        talk.undone.append(f"It stands where new sections go: I do not know how to put it {place.group().strip()}.")
    elif PAGE.search(more):
        talk.undone.append("It is a section of the first page: I do not know how to add pages.")
    more = PLACE.sub(" ", more)
    told: list[str] = []
    for component, anchor, label in _named(more, SECTIONS):
        if recipes.framework(talk.framework) == "html":
            added = yield from _html_section(talk, component, anchor, label)
        else:
            added = yield from _view_section(talk, component, label)
        if added:
            told.append(label)
            expecting.section(talk, label, placing.source(talk, f"html/{component}.html"))
    return f"Added: {', '.join(told)}. {builds.SAMPLES}" if told else ""


def removals(talk: Conversation) -> Change:
    """Take each section named in the request off the first page; its file stays only where nothing can delete it."""
    _, less = clauses(talk.prompt)
    told: list[str] = []
    known = len(talk.undone)
    for meant in _meant(less):
        for component, anchor, label in meant:
            if label in told:
                break
            if recipes.framework(talk.framework) == "html":
                gone = yield from _html_removal(talk, anchor)
            else:
                gone = yield from _view_removal(talk, component, anchor)
            if gone:
                told.append(label)
                if (component, anchor, label) in SECTIONS.values():
                    expecting.no_section(talk, placing.source(talk, f"html/{component}.html"))
                break
    if not told and len(talk.undone) == known:
        talk.undone.append(f"I took nothing out: I see no such section in `{places.home(talk.framework)[0]}`.")
    return f"Taken out: {', '.join(told)}." if told else ""


def _view_section(talk: Conversation, component: str, label: str) -> Attempt:
    frame = recipes.framework(talk.framework)
    page, script = places.home(frame)
    texts = yield from edits.read("I look at how the page is put together.", *dict.fromkeys((page, script)))
    text, tag = texts.get(page, ""), places.tag(frame, component)
    at = placing.place(text, (places.tag(frame, "Enquiry"), "</main>"))
    if tag in text:
        talk.undone.append(f"{label}: that section is there already.")
        return False
    if at < 0 or not placing.IMPORT.search(texts.get(script, "")):
        talk.undone.append(f"{label}: I see no place for that section in `{page}`.")
        return False
    files = placing.view_files(talk, frame, component)
    if not (yield from edits.write(talk, "The section gets a file of its own.", files)):
        return False
    return (yield from placing.put(talk, component, (page, script), texts, at, "And its place on the page.", page=True))


def _view_removal(talk: Conversation, component: str, anchor: str) -> Attempt:
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
        if not (yield from edits.apply(talk, "I take it off the page.", page, [edits.remove_line(text, line)])):
            return False
    else:
        changes.append(edits.remove_line(text, line))
    if not (yield from edits.apply(talk, "Its import goes as well.", script, changes)):
        return False
    files = list(dict.fromkeys(places.component(frame, component)))
    if "delete_files" in talk.tools:
        yield [wire.text("Nothing uses its file any more."), wire.tool("delete_files", {"paths": files})]
    yield from _unlink(talk, anchor)
    return True


def _unlink(talk: Conversation, anchor: str) -> Generator[list[wire.Block], list[Result], None]:
    """Takes out what led to a section: entries of the menu, the header's button, buttons of the first screen."""
    frame = recipes.framework(talk.framework)
    menu, header, hero = places.words(frame)[0], *(places.component(frame, name)[0] for name in ("Header", "Hero"))
    texts = yield from edits.read("I look for what leads there.", menu, header, hero)
    dead = [LINK.format(rf'href="#{anchor}"'), rf'\{{ label: .*href: "#{anchor}" \}},?']
    if re.search(rf'^ *action: .*href: "#{anchor}"', texts.get(menu, ""), re.MULTILINE):
        dead.append(LINK.format(r"content\.action\.href"))
    for path, text in texts.items():
        changes = _without(text, dead)
        left = re.search(r"^  nav: \[\n(?:.*\n)*?  \]", text, re.MULTILINE) if path == menu else None
        if left and len(changes) == left.group().count("\n") - 1:  # TypeScript has to know what an empty list is of
            changes = [edits.between(text, left.start(), left.end(), "  nav: [] as { label: string; href: string }[]")]
        if changes:
            yield from edits.apply(talk, "It leads nowhere now.", path, changes)


def _without(text: str, patterns: list[str], but: range = range(0)) -> list[dict[str, str]]:
    """The edits that take out the lines of one of these patterns, `but` those that go anyway."""
    dead = re.compile(rf"\s*(?:{'|'.join(patterns)})\s*")
    found = [number for number, line in enumerate(text.splitlines()) if dead.fullmatch(line) and number not in but]
    return [edits.remove_line(text, number) for number in found]


def _imports(line: str, component: str) -> bool:
    return bool(re.match(rf"\s*import (\{{ )?{component}( \}})? from ", line))


def _html_section(talk: Conversation, component: str, anchor: str, label: str) -> Attempt:
    texts = yield from edits.read("I look at how the page is put together.", "index.html")
    text = texts.get("index.html", "")
    place = placing.place(text, ('<section class="shell" id="enquiry"', "</main>", "<footer"))
    if f'id="{anchor}"' in text:
        talk.undone.append(f"{label}: that section is there already.")
        return False
    if place < 0:
        talk.undone.append(f"{label}: I see no place for that section in `index.html`.")
        return False
    block = placing.source(talk, f"html/{component}.html")
    changes = [placing.insert(text, place, block + "\n")]
    return (yield from edits.apply(talk, "I put the section in its place.", "index.html", changes))


def _html_removal(talk: Conversation, anchor: str) -> Attempt:
    texts = yield from edits.read("I look where it stands.", "index.html")
    text = texts.get("index.html", "")
    found = re.search(rf"^( *)<section\b[^>]*\bid=\"{anchor}\".*?^\1</section>\n", text, re.MULTILINE | re.DOTALL)
    if not found:
        return False
    first = text.count("\n", 0, found.start())
    links = _without(text, [LINK.format(f'href="#{anchor}"')], range(first, first + found.group().count("\n")))
    changes = [{"search": found.group(), "replace": ""}, *links]
    return (yield from edits.apply(talk, "I take the section out.", "index.html", changes))
