"""Answer without changing anything: questions, plans, unknown wishes, and forced tool choices."""

import re
from collections.abc import Generator
from typing import Any

from demo_model import brief as briefs
from demo_model import conversation, recipes, wire
from demo_model.conversation import Conversation, Result

Plan = Generator[list[wire.Block], list[Result], None]

DONE = "The work on this request is finished. Tell me what you would like to change next."
ABOUT_ME = (
    "I am the scripted demo model, not an AI. I can build "
    "a landing page, a pricing page, a todo app, a kanban board, a dashboard, a portfolio or a blog. "
    "In an app I can change the colour, the name, the headline or a quoted text, switch or add dark mode, "
    "and add a section: testimonials, FAQ, contact, pricing, team, gallery or newsletter. "
    "For everything else connect a real model (set ANTHROPIC_API_KEY)."
)
QUESTION = re.compile(
    r"^\W*(what|why|how|where|who|when|which|is|are|does|do|can i|could i|should"
    r"|explain|tell me|describe|hello|hi|hey|thanks|thank you)\b",
    re.IGNORECASE,
)


def is_question(prompt: str) -> bool:
    """Whether the person asks or greets, rather than orders."""
    return bool(QUESTION.match(prompt)) and not briefs.kind_of(prompt)


def plan(talk: Conversation) -> Plan:
    """Look at the project where that is possible, then answer in words."""
    if "list_files" in talk.tools and len(talk.prompts) > 1:
        results = yield [wire.text("I look at what is there."), wire.tool("list_files", {})]
        yield [wire.text(_answer(talk, results[0].text if results else ""))]
        return
    yield [wire.text(_answer(talk, ""))]


def _answer(talk: Conversation, listing: str) -> str:
    if briefs.kind_of(talk.prompt) and not talk.prompt.rstrip().endswith("?"):
        wish = briefs.make(talk.prompt, recipes.kinds())
        made = recipes.files(wish, recipes.framework(talk.framework))
        steps = "\n".join(f"- `{path}`" for path in made)
        about = recipes.recipe(wish.kind)["about"]
        return f"A plan for **{wish.name}**: {about}.\n\nFiles:\n{steps}\n\nNothing is changed yet."
    if listing:
        paths = re.findall(r"[\w./-]+\.(?:tsx|ts|css|html|js|json|svg)\b", listing)
        shown = [path for path in dict.fromkeys(paths) if "node_modules" not in path]
        where = "`src/content.ts`" if any(p.endswith("content.ts") for p in shown) else "`index.html`"
        look = "`src/index.css`" if any(p.endswith("index.css") for p in shown) else "`styles.css`"
        return (
            f"This project has {len(shown)} source files that I can see. The words are in {where}, the colours are the "
            f"custom properties at the top of {look}. I changed nothing.\n\n{ABOUT_ME}"
        )
    return ABOUT_ME


def forced(body: dict[str, Any]) -> list[wire.Block]:
    """The call that `tool_choice` demands by name, with an input that fits its schema; empty when none is demanded."""
    choice = body.get("tool_choice") or {}
    name = choice.get("name") if choice.get("type") == "tool" else ""
    tool = next((tool for tool in body.get("tools") or [] if tool["name"] == name), None)
    if not tool:
        return []
    prompt = conversation.read(body).prompt
    value = _fitting(tool.get("input_schema") or {}, prompt)
    return [wire.tool(str(name), value if isinstance(value, dict) else {})]


def _fitting(schema: dict[str, Any], prompt: str) -> Any:
    """A small value that fits a JSON schema; of a closed set of answers the one the prompt names, else the first."""
    if options := schema.get("enum"):
        lower = prompt.lower()
        return next((option for option in options if str(option).lower() in lower), options[0])
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        needed = schema.get("required") or list(schema.get("properties") or {})
        return {key: _fitting(schema.get("properties", {}).get(key) or {}, prompt) for key in needed}
    if kind == "array":
        return []
    if kind in ("integer", "number"):
        return schema.get("minimum", 0)
    return False if kind == "boolean" else "Answered by the scripted demo model."
