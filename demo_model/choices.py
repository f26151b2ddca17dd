"""Answer a call that must be answered by one tool: the framework, a review, a plan; any other from its schema."""

import re
from typing import Any

from demo_model import builds, conversation, directives, mistakes, recipes, wire
from demo_model.conversation import Conversation

FRAMEWORK_WORDS = {
    "nextjs": r"next\.?js|next(?= app)|server[- ]side|seo|many pages", "vue": r"vue(\.?js)?", "svelte": r"svelte(kit)?",
    "angular": r"angular", "react": r"react(?!ion)",
    "html": r"(plain|simple|static|vanilla)\b.{0,12}\b(html|page|site)|html",
}  # fmt: skip
HUNK = re.compile(r"^@@ -\d+(?:,\d+)? \+(\d+)", re.MULTILINE)
DIFF_FILE = re.compile(r"^\+\+\+ (?:b/)?(.+?)(?:\t.*)?$")
SAID = "Answered by the scripted demo model."


def forced(body: dict[str, Any]) -> list[wire.Block]:
    """The call that `tool_choice` demands by name, with an input that fits its schema; empty when none is demanded."""
    choice = body.get("tool_choice") or {}
    name = choice.get("name") if choice.get("type") == "tool" else ""
    tool = next((tool for tool in body.get("tools") or [] if tool["name"] == name), None)
    if not tool:
        return []
    schema = tool.get("input_schema") or {}
    talk = conversation.read(body)
    known = schema.get("properties") or {}
    if {"verdict", "issues"} <= known.keys():
        value: Any = review(body)
    elif {"title", "steps"} <= known.keys():
        value = plan(talk)
    else:
        value = _fitting(schema, _request(talk.prompt))
    return [wire.tool(str(name), value if isinstance(value, dict) else {})]


def _request(prompt: str) -> str:
    """What the person said, without the line in which the platform asks."""
    return re.sub(r"^[^\n]{0,80}:\n\n", "", prompt, count=1)


def framework(prompt: str, options: list[str]) -> str:
    """The framework a prompt names or hints at, else React, or the first of the options where that is none of them."""
    hits = [
        (found.start(), option)
        for option in options
        if (found := re.search(rf"\b(?:{FRAMEWORK_WORDS.get(option, re.escape(option))})\b", prompt, re.IGNORECASE))
    ]
    # Its template is prepared before the first start ends, so nobody who tries the demo waits a minute for another.
    return min(hits)[1] if hits else "react" if "react" in options else options[0]


def review(body: dict[str, Any]) -> dict[str, Any]:
    """A verdict on the diff in the request: a script can see what it planted itself, and says no more than that."""
    text = "\n".join(
        block["text"]
        for message in body["messages"]
        for block in _texts(message["content"])
        if message["role"] == "user"
    )
    issues = []
    path, line = "", 0
    for one in text.splitlines():
        if found := DIFF_FILE.match(one):
            path = found.group(1)
        elif found := HUNK.match(one):
            line = int(found.group(1)) - 1
        elif one.startswith("+"):
            line += 1
            if one[1:].strip() == mistakes.LEFT_IN:
                issues.append(_issue(path, line, one[1:].strip()))
        elif not one.startswith("-"):
            line += 1
    return {"verdict": "issues" if issues else "approved", "issues": issues[:8]}


def _texts(content: Any) -> list[dict[str, Any]]:
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [block for block in blocks if block["type"] == "text"]


def _issue(path: str, line: int, evidence: str) -> dict[str, Any]:
    problem = "A switch for debugging was left in; nothing uses it."
    return {"file": path, "line": line, "severity": "medium", "problem": problem, "evidence": evidence}


def plan(talk: Conversation) -> dict[str, Any]:
    """A plan for what the person wants: the prompt is its title, so that building the plan builds the same app."""
    wish, made = builds.app(talk.prompt, recipes.framework(talk.framework))
    title = " ".join(directives.strip(talk.prompt).split())
    about = recipes.recipe(wish.kind)["about"]
    first = [path for path in made if path.endswith((".css", "content.ts", ".html", ".svg"))]
    return {
        "title": title if len(title) <= 110 else f"A {recipes.recipe(wish.kind)['title']} called “{wish.name}”",
        "summary": f"{wish.name}: {about}. The scripted demo model builds it from a recipe, with sample texts.",
        "steps": [
            "The theme: one accent colour for the subject, light and dark, checked for contrast.",
            f"The words: everything {wish.name} says, in one file.",
            "The parts of the page, one component each.",
            "The page that puts them together, from phone to desktop.",
            "The linter and the build pass.",
        ],
        "files": [*first, *(path for path in made if path not in first)][:20],
        "questions": [],
    }


def _fitting(schema: dict[str, Any], prompt: str) -> Any:
    """A small value that fits a JSON schema; of a closed set of answers the one the prompt names, else the first."""
    if options := schema.get("enum"):
        return framework(prompt, options) if all(isinstance(option, str) for option in options) else options[0]
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        needed = schema.get("required") or list(schema.get("properties") or {})
        return {key: _fitting(schema.get("properties", {}).get(key) or {}, prompt) for key in needed}
    if kind == "array":
        return [_fitting(schema.get("items") or {}, prompt)] * int(schema.get("minItems", 0))
    if kind in ("integer", "number"):
        return schema.get("minimum", 0)
    if kind == "boolean":
        return False
    return SAID[: schema.get("maxLength", len(SAID))].ljust(schema.get("minLength", 0), ".")
