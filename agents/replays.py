"""How a run went, for people who are not its owner. Each thing is named here; what is not named is not shown."""

import re
from typing import Any

from django.template.loader import render_to_string

from accounts import keyshapes
from agents.models import Run, Step
from projects.markdown import render_markdown
from projects.models import Message, Project

MAX_STEPS = 500
CODE = re.compile(r"^ *(```|~~~).*?(?:^ *\1[^\n]*$|\Z)", re.DOTALL | re.MULTILINE)
# Tools whose title holds no more than paths and names of packages; of others only the kind of work is told.
TITLED = {"write_files", "edit_file", "read_files", "list_files", "delete_files", "check_app", "add_packages"}
UNTITLED = {"terminal": "Run a command", "search": "Search the files"}
CHECKS = {"build": "Builds", "lint": "Lint clean", "page": "Page answers", "console": "Console clean"}


def newest(project: Project) -> Run | None:
    """The newest run that built something."""
    built = project.runs.filter(state=Run.State.SUCCEEDED, message__mode=Message.Mode.BUILD, version__isnull=False)
    return built.filter(message__aside=False).order_by("-created").first()


def events(run: Run) -> list[dict[str, Any]]:
    """[{type, at, html_id, html, data}] as the page's player takes them.

    What was asked and said, the titles of steps, names of files with counts of lines, and which checks passed: without
    the owner's address and anything that looks like a key. No command, output, code, cost or id.
    """
    steps = run.steps.order_by("cursor").defer("record")[:MAX_STEPS]
    email = re.compile(re.escape(run.project.owner.email), re.IGNORECASE)
    found = []
    for number, step in enumerate(steps):
        card = _card(step, f"step-{number}", lambda text: email.sub(keyshapes.MASK, keyshapes.masked(str(text))))
        if card is None:
            continue
        title, name = card.pop("stage", ""), card.pop("name")
        html = render_to_string("projects/_replayed.html", card) if card else ""
        at = step.at.isoformat()
        found.append({"type": step.type, "at": at, "html_id": name, "html": html, "data": {"title": title}})
    return found


def _card(step: Step, name: str, clean: Any) -> dict[str, Any] | None:
    """What is shown of a step; a later one of the same name takes its place. None for nothing."""
    data = step.data
    match step.type:
        case "stage" if data.get("status") == "started":  # others say what failed, and whose servers are asked
            return {"name": name, "stage": clean(data.get("title", ""))}
        case "user_message":
            return {"name": name, "said": render_markdown(clean(data["text"]))}
        case "reply" if data.get("text"):
            return {"name": name, "reply": render_markdown(clean(CODE.sub("", data["text"])))}
        case "tool_call" | "tool_result":
            title = clean(data["title"]) if data["name"] in TITLED else UNTITLED.get(data["name"])
            if title is None:
                return None
            files = [
                {"path": clean(one["path"]), "added": int(one.get("added", 0)), "removed": int(one.get("removed", 0))}
                for one in data.get("files", [])
            ]
            return {
                "name": f"tool-{data['key']}",
                "title": title,
                "files": files,
                "ok": data.get("ok"),
                "tool": data["name"],
            }
        case "check":
            return {"name": name, "title": clean(data["title"]), "ok": bool(data["ok"]), "check": True}
        case "complete":
            ticks = [(label, data.get("checks", {}).get(check)) for check, label in CHECKS.items()]
            return {"name": name, "ended": True, "ticks": ticks}
    return None
