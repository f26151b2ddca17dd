"""Play a follow-up on an existing app: look first, change only what was asked, say what was not understood."""

import re
from collections.abc import Callable, Generator
from dataclasses import replace

from demo_model import answers, brief, builds, edits, recipes, repaint, restructure, reword, switching, typeset, wire
from demo_model.conversation import Conversation, Result
from demo_model.declaring import declaring

# A change yields turns and returns what it did in a sentence. What it did not do stands in `talk.undone`.
Change = Generator[list[wire.Block], list[Result], str]
Plan = Generator[list[wire.Block], list[Result], None]

REMEMBER = re.compile(
    r"\b(?:remember|keep in mind|note)\b(?:\s+(?:that|this|for later))*\s*:?\s+(.{3,300})", re.IGNORECASE
)
REBUILD = re.compile(r"^\W*(?:please\s+|now\s+)*(?:build|create|make|turn|start|replace)\b", re.IGNORECASE)
CHANGES: tuple[tuple[Callable[[Conversation], bool], Callable[[Conversation], Change]], ...] = (
    (reword.wants_words, reword.words),
    (reword.wants_name, reword.name),
    (reword.wants_line, reword.line),
    (repaint.wants_colour, repaint.colour),
    (repaint.wants_scheme, repaint.scheme),
    (typeset.wants_font, typeset.font),
    (typeset.wants_size, typeset.size),
    (switching.wants_toggle, switching.toggle),
    (restructure.wants_removal, restructure.removals),
    (restructure.wants_section, restructure.sections),
)


ORDER = re.compile(
    r"^(?:please\s+|also\s+|then\s+|now\s+)*(?:add|animate|change|connect|convert|deploy|embed|enable|fetch|fix|install"
    r"|integrate|link|load|log|make|move|optimi[sz]e|publish|remove|replace|resize|send|sign|store|support|test|translate"
    r"|turn|upload|use|write)\b.{3,}",
    re.IGNORECASE,
)


def _not_understood(talk: Conversation) -> list[str]:
    """The orders in a request that none of our changes takes for its own."""
    plain = re.sub(r"[\"“][^\"”]*[\"”]", "…", talk.prompt)
    parts = [part.strip(" .!") for part in re.split(r"[,;\n]|(?<=\w)\.\s|\band\b", plain)]
    alone = [(part, replace(talk, prompts=[*talk.prompts[:-1], part])) for part in parts if ORDER.match(part)]
    return [part for part, one in alone if "…" not in part and not any(wants(one) for wants, _ in CHANGES)]


def plan(talk: Conversation) -> Plan:
    """Everything in the request that we know how to do, one after the other; then lint and finish."""
    if (noted := REMEMBER.search(talk.prompt)) and "remember" in talk.tools:
        note = noted.group(1).strip()
        results = yield [wire.text("I keep that for later."), wire.tool("remember", {"notes": [note]})]
        if refused := edits.refusal(results):
            yield [wire.text(f"I could not keep that note. {refused}")]
            return
        yield from builds.finish(talk, f"Noted in the project's memory: {note}")
        return
    wanted = [change for wants, change in CHANGES if wants(talk)]
    if not wanted:
        yield from _other(talk)
        return
    done: list[str] = []
    named: set[str] = set()
    why = f"For “{' '.join(talk.prompt.split())[:120]}”"
    for change in wanted:
        sentence = yield from declaring(talk, change(talk), why, named)
        done += [sentence] if sentence else []
    done += dict.fromkeys(talk.undone)
    if not edits.changed(talk):
        yield [wire.text(f"I looked, and I changed nothing. {' '.join([*done, answers.ABOUT_ME])}")]
        return
    if left := _not_understood(talk):
        done.append(f"I do not know how to do the rest: {'; '.join(f'“{part}”' for part in left)}.")
    yield from builds.check_and_finish(talk, " ".join(done))


def _other(talk: Conversation) -> Plan:
    """No known change: another app, an answer, or an honest no."""
    kind = brief.kind_of(talk.prompt)
    another = bool(REBUILD.match(talk.prompt)) and kind != brief.kind_of(talk.first)
    if kind in recipes.kinds() and (talk.planned or another):
        yield from builds.plan(talk)
    elif answers.is_question(talk.prompt):
        yield from answers.plan(talk)
    else:
        yield [wire.text(f"I do not know how to do that, so I changed nothing. {answers.ABOUT_ME}")]
