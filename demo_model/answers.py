"""Answer without changing anything: questions, plans, unknown wishes."""

import re
from collections.abc import Generator

from demo_model import brief as briefs
from demo_model import builds, choices, edits, places, recipes, wire
from demo_model.conversation import Conversation, Result

Plan = Generator[list[wire.Block], list[Result], None]

DONE = "The work on this request is finished. Tell me what you would like to change next."
ABOUT_ME = (
    "I am the scripted demo model, not an AI. I can build a landing page, a pricing page, a todo app, a kanban board, "
    "a dashboard, a portfolio, a blog or a shop, in each framework of this place. "
    "In an app I can change the colour, the fonts and their size, the name, the headline or a quoted text, "
    "switch or add dark mode, "
    "add a section (testimonials, FAQ, contact, pricing, team, gallery or newsletter) and take one out. "
    "For everything else connect a real model (set ANTHROPIC_API_KEY)."
)
ABOUT_IT = re.compile(r"\b(?:can you|you can|are you|you are|do you do)\b", re.IGNORECASE)
# Nothing but that: "Great landing page" is a wish, and so is what follows "Nice,".
GREETING = re.compile(
    r"^\W*(?:hello|hi|hey|good (?:morning|evening|day))\b(?:\W+(?:there|all|everyone|vibe))?\W*$", re.IGNORECASE
)
THANKS = re.compile(
    r"^\W*(?:thanks|thank you|great|nice|perfect|cool|awesome|(?:it |that )?looks? (?:good|great)|well done)\b"
    r"(?:\W+(?:a lot|so much|very much|work|job|one|thanks|thank you|that works))?\W*$",
    re.IGNORECASE,
)
UNDO = re.compile(r"^\W*(?:please\s+)?(?:undo|revert|roll back|go back|restore)\b", re.IGNORECASE)
HOW_TO_UNDO = (
    "Going back is yours to do, and costs nothing: open the versions at the top, choose the one you want and "
    "*Restore*. It becomes a new version, so nothing is lost. I changed nothing."
)
SCRIPTED = "(I am a script, not an AI: I find things, I do not judge them.)"
WHERE = re.compile(
    r"^\W*(?:where|in which file|which file)\b(?:\s+(?:is|are|does|do|can i find|stands?|holds?|has))*\s+(.+)",
    re.IGNORECASE,
)
GENERAL = re.compile(r"\b(i|words?|texts?|colou?rs?|change|edit|theme|you)\b", re.IGNORECASE)
HIT = re.compile(r"^([\w./@\[\]+-]+):(\d+):(.*)$", re.MULTILINE)
FILE = re.compile(r"(?:[\w@.\[\]+-]+/)*[\w@.+-]+\.(?:tsx?|vue|svelte|html|css|jsx?|json|md)\b")
SOURCE = re.compile(r"[\w./\[\]+-]+\.(?:tsx|ts|vue|svelte|css|html|js|json|svg)\b")
PAGE = re.compile(
    r"(?:^|/)(?:pages/[\w-]+\.(?:tsx|vue|svelte|html)|(?:\+)?page\.(?:tsx|svelte)|index\.html|[\w-]+\.html$)"
)
COMMENT = re.compile(r"(?://|/\*\*|<!--|#)\s*(.*?)\s*(?:\*/|-->)?$")
EXPORTED = re.compile(r"^export (?:default )?(?:async )?(?:function|const|class|type) (\w+)", re.MULTILINE)
QUESTION = re.compile(
    r"^\W*(what|why|how|where|who|when|which|is|are|does|do|can i|could i|should"
    r"|explain|tell me|describe|hello|hi|hey|thanks|thank you)\b",
    re.IGNORECASE,
)


def is_question(prompt: str) -> bool:
    """Whether the person asks or greets, rather than orders."""
    return bool(_small_talk(prompt) or QUESTION.match(prompt)) and not briefs.kind_of(prompt)


def plan(talk: Conversation) -> Plan:
    """Look at the project where that is possible, then answer: with the tool for plans, else in words."""
    if words := _small_talk(talk.prompt):
        yield [wire.text(words)]
    elif "propose_plan" in talk.tools:
        yield from _proposal(talk)
    elif _is_wish(talk) or ABOUT_IT.search(talk.prompt) or "list_files" not in talk.tools or len(talk.prompts) < 2:
        yield [wire.text(_plan_in_words(talk) if _is_wish(talk) else ABOUT_ME)]
    elif (words := _sought(talk.prompt)) and "search" in talk.tools:
        call = wire.tool("search", {"pattern": re.escape(words)})
        results = yield [wire.text(f"I look where “{words}” stands."), call]
        yield [wire.text(_places(words, results[0].text if results else ""))]
    elif (found := FILE.search(talk.prompt)) and "read_files" in talk.tools:
        path = found.group()
        texts = yield from edits.read(f"I read `{path}`.", path)
        yield [wire.text(_file(path, texts.get(path, "")))]
    else:
        results = yield [wire.text("I look at what is there."), wire.tool("list_files", {})]
        yield [wire.text(_overview(talk, results[0].text if results else ""))]


def _small_talk(prompt: str) -> str:
    """The answer to a greeting, to thanks, or to a wish to go back; "" for all else."""
    if THANKS.match(prompt):
        return f"Good. Tell me what you would like to change next. {SCRIPTED}"
    if GREETING.match(prompt):
        return f"Hello. {ABOUT_ME}"
    return HOW_TO_UNDO if UNDO.match(prompt) else ""


def _proposal(talk: Conversation) -> Plan:
    """A plan: for a new app by its recipe, for an app that is there by what a follow-up would do."""
    if len(talk.prompts) < 2 or _is_wish(talk):
        yield [wire.text(f"A plan, from my recipes. {SCRIPTED}"), wire.tool("propose_plan", choices.plan(talk))]
        return
    results = yield [wire.text("I look at what is there."), wire.tool("list_files", {})]
    known = SOURCE.findall(results[0].text if results else "")
    words, look = places.words(talk.framework)[0], places.stylesheet(talk.framework)
    value = {
        "title": " ".join(talk.prompt.split())[:110],
        "summary": f"What you asked for, in the app as it is. {SCRIPTED}",
        "steps": ["Read the files it is about.", "Edit only the lines it needs.", "Run the linter."],
        "files": [path for path in dict.fromkeys((words, look, places.home(talk.framework)[0])) if path in known],
        "questions": [],
    }
    yield [wire.text("Here is what I would do."), wire.tool("propose_plan", value)]


def _is_wish(talk: Conversation) -> bool:
    """Whether the person describes an app rather than asks about one."""
    return bool(briefs.kind_of(talk.prompt)) and not talk.prompt.rstrip().endswith("?") and not WHERE.match(talk.prompt)


def _plan_in_words(talk: Conversation) -> str:
    wish, made = builds.app(talk.prompt, recipes.framework(talk.framework))
    steps = "\n".join(f"- `{path}`" for path in made)
    about = recipes.recipe(wish.kind)["about"]
    return f"A plan for **{wish.name}**: {about}.\n\nFiles:\n{steps}\n\nNothing is changed yet. {SCRIPTED}"


def _sought(prompt: str) -> str:
    """The text a question asks the place of: in quotes, or a word after "where is"."""
    if quoted := briefs.QUOTED.search(prompt):
        return quoted.group(1).strip()
    found = WHERE.match(prompt)
    words = found.group(1).strip(" ?.!") if found else ""
    return "" if GENERAL.search(words) else re.sub(r"^(?:the|a|an|my|our)\s+", "", words, flags=re.IGNORECASE)


def _places(words: str, listing: str) -> str:
    hits = HIT.findall(listing)
    if not hits:
        return f"“{words}” stands in no file of this project that I can see. I changed nothing. {SCRIPTED}"
    shown = "\n".join(f"- `{path}`, line {line}: `{text.strip()[:80]}`" for path, line, text in hits[:8])
    more = f"\n\nand {len(hits) - 8} more." if len(hits) > 8 else ""
    return f"“{words}” stands here:\n\n{shown}{more}\n\nI changed nothing. {SCRIPTED}"


def _file(path: str, text: str) -> str:
    if not text:
        return f"I see no file `{path}` in this project. {SCRIPTED}"
    lines = text.splitlines()
    says = next((found.group(1) for line in lines if (found := COMMENT.match(line.strip()))), "")
    names = ", ".join(f"`{name}`" for name in dict.fromkeys(EXPORTED.findall(text)))
    told = [f"`{path}` has {len(lines)} lines.", says, f"It exports {names}." if names else ""]
    return f"{' '.join(part for part in told if part)} That is as far as a script can read. {SCRIPTED}"


def _overview(talk: Conversation, listing: str) -> str:
    paths = [path for path in dict.fromkeys(SOURCE.findall(listing)) if "node_modules" not in path]
    pages = [path for path in paths if PAGE.search(path)]
    parts = [path for path in paths if "/components/" in f"/{path}" and path not in pages]
    told = [f"This project has {len(paths)} source files that I can see."]
    told += [f"**Pages**: {_list(pages)}"] if pages else []
    told += [f"**Components**: {_list(parts)}"] if parts else []
    told.append(
        f"The words are in `{places.words(talk.framework)[0]}`, the colours are the custom properties at the top of "
        f"`{places.stylesheet(talk.framework)}`. I changed nothing."
    )
    return "\n\n".join([*told, SCRIPTED])


def _list(paths: list[str]) -> str:
    more = f" and {len(paths) - 24} more" if len(paths) > 24 else ""
    return ", ".join(f"`{path}`" for path in paths[:24]) + more
