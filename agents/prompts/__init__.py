"""What the model is told: prompts are files here, put together with the project's facts."""

from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts import prepared
from agents.models import Run
from projects import promises, versions
from projects.frameworks import FRAMEWORKS, default, starting_files, starting_manifest
from projects.models import Message, Project, Version

HERE = Path(__file__).parent
TREE_LINES = 200
# Characters of a file that the first look holds.
FILE_CHARS = 3_000
# Characters of all pinned files together, about 8,000 tokens.
PINNED_CHARS = 28_000
DROPPED = "[not to be read]"
# Files that say in words what a project is; shown when they are not the template's own.
READMES = ("AGENTS.md", "README.md")


@cache
def template(name: str) -> str:
    """The text of a prompt file."""
    return (HERE / f"{name}.md").read_text().strip()


def version(name: str) -> str:
    """A prompt's version: the first digits of the SHA-256 of its text."""
    return sha256(template(name).encode()).hexdigest()[:10]


def files() -> list[tuple[str, str, str]]:
    """Every prompt: its name, its version and its text."""
    names = sorted(path.stem for path in HERE.glob("*.md"))
    return [(name, version(name), template(name)) for name in names]


def instructions(framework: str, stage: str = Message.Mode.BUILD) -> str:
    """The system prompt of a mode (build, ask, plan) or of the review, whatever the project."""
    frame = template("system" if stage == Message.Mode.BUILD else stage)
    return frame.format(framework=framework, port=FRAMEWORKS[framework].port, rules=template(framework))


def choosing() -> str:
    """The system prompt of the question which framework fits a request."""
    return template("framework").format(default=default())


def context(project: Project, refresh: bool = False) -> str:
    """The model's first look at a project: tree, package.json, README and pinned files of the newest version, or of the
    template before there is one. Kept with the project until a new version comes, or what is pinned or dropped changes.
    No sandbox is asked, so the model can begin while one is being made.
    """
    newest = next(iter(_newest(project.pk)), 0)
    if refresh or project.context_version != newest or not project.context:
        project.context, project.context_version = _look(project), newest
        # Not over what somebody pinned or dropped meanwhile.
        same = Project.objects.filter(pk=project.pk, pinned=project.pinned, dropped=project.dropped)
        same.update(context=project.context, context_version=newest)
    return project.context


@prepared.rows
def _newest(project_id: UUID) -> QuerySet[Version, int]:
    return Version.objects.filter(project_id=project_id).order_by("-number").values_list("number", flat=True)[:1]


def _look(project: Project) -> str:
    version = versions.newest(project)
    starting = starting_manifest(project.framework)
    manifest = version.manifest if version else starting

    def content(path: str) -> bytes:
        return versions.read(version, path) if version else starting_files(project.framework)[path]

    dropped = set(project.dropped)
    paths = [f"{path} {DROPPED}" if path in dropped else path for path in sorted(manifest)]
    tree = "\n".join(paths[:TREE_LINES]) + (f"\n… {len(paths) - TREE_LINES} more" if len(paths) > TREE_LINES else "")
    parts = [f"Files:\n{tree or '(none)'}"]
    if dropped & manifest.keys():
        parts[0] += f"\nThe owner dropped what is marked {DROPPED}: leave it alone unless the request is about it."
    for path in ("package.json", *READMES):
        if path not in manifest or (path in READMES and manifest[path] == starting.get(path)):
            continue
        if path not in dropped and path not in project.pinned:
            parts.append(f"{path}:\n{content(path).decode('utf-8', 'replace')[:FILE_CHARS]}")
    return "\n\n".join(parts + _pins({path: content(path) for path in project.pinned if path in manifest}))


def _pins(contents: dict[str, bytes]) -> list[str]:
    """Pinned files, together at most PINNED_CHARS, each cut where it takes more than its share; only those of text."""
    parts, left, texts = [], PINNED_CHARS, {}
    for path, content in contents.items():
        with suppress(UnicodeDecodeError):
            texts[path] = content.decode()
    # The short ones first: what they do not need is there for the long ones.
    for number, path in enumerate(sorted(texts, key=lambda path: len(texts[path]))):
        text, share = texts[path], left // (len(texts) - number)
        left -= min(len(text), share)
        cut = f"\n(cut: {share:,} of {len(text):,} characters; read_files has the rest)" if len(text) > share else ""
        parts.append(f"{path}, pinned by the owner:\n{text[:share]}{cut}")
    return parts


def told(project: Project) -> str:
    """What the owner and earlier runs tell this one: rules, memory, locked files, promises; "" without any."""
    parts = []
    if project.rules:
        parts.append(f"<rules>\n{project.rules}\n</rules>")
    if project.memory:
        parts.append(f"<memory>\n{project.memory}\n</memory>")
    if project.locked:
        parts.append("<rules>\nLocked files, not to be changed: " + ", ".join(project.locked) + "\n</rules>")
    if kept := promised(project):
        parts.append(f"<promises>\n{kept}\n</promises>")
    return "\n\n".join(parts)


def promised(project: Project) -> str:
    """What earlier requests made true, a line each with its number; "" without any."""
    if not (kept := promises.of(project.pk)):
        return ""
    changed = promises.since(project)
    return "\n".join(
        f"{promise.pk}. {promise.says} On {promise.path} stands: {promise.text}"
        + (" (not true now)" if promises.holds(promise, changed) is False else "")
        for promise in kept
    )


def problem(check: dict[str, Any]) -> str:
    """A failed check as the model is told of it."""
    again = ""
    if check.get("again"):
        again = "This is the same error as before your last change, which did not reach its cause. "
    if check.get("name") == "promises":
        again += (
            "Make true again what was true before; where the request itself asked for the change, give its number to"
            " finish as outdated instead. "
        )
    return template("fix").format(title=check["title"], output=check["output"], history=again)


def findings(issues: list[dict[str, Any]]) -> str:
    """What a review found, as the model is told of it."""
    lines = []
    for issue in issues:
        place = f"{issue['file']}:{issue['line']}" if issue["line"] else issue["file"]
        lines.append(f"- {issue['severity']}: {place}: {issue['problem']} ({issue['evidence']})")
    return template("findings").format(issues="\n".join(lines))


def review(run: Run, checks: str, diff: str) -> str:
    """The one message of a review."""
    criteria = run.project.criteria or "(none of its own)"
    rules = run.project.rules or "(none)"
    return (
        f"<request>\n{run.message.text}\n</request>\n\n<criteria>\n{criteria}\n</criteria>\n\n"
        f"<rules>\n{rules}\n</rules>\n\n<checks>\n{checks}\n</checks>\n\n<diff>\n{diff}\n</diff>"
    )


def plan(value: dict[str, Any]) -> str:
    """An approved plan as the message that has it built."""
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(value["steps"], 1))
    files = "\nFiles: " + ", ".join(f"`{path}`" for path in value["files"]) + "\n" if value["files"] else ""
    asked = [item for item in value["questions"] if item.get("answer")]
    answers = "\n".join(f"\n{item['question']} {item['answer']}" for item in asked)
    return template("build_plan").format(
        title=value["title"], summary=value["summary"], steps=steps, files=files, answers=answers
    )
