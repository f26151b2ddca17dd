"""The review: a second look at what a run changed, by a model that did not write it. One short call, structured.

A review whose answer does not fit is neither an approval nor a failure: the run goes on without one.
"""

from collections.abc import Mapping
from typing import Any

from agents import prompts
from agents.asking import choose
from agents.bench import Bench
from agents.llm import ModelError
from agents.log import to_mend
from agents.models import Step
from projects import diffs, versions
from projects.blobs import sha256
from projects.frameworks import starting_files
from projects.models import Version

# Characters of the diff that are shown: some 12,000 tokens, a third of them at most for one file.
DIFF_CHARS, FILE_CHARS = 40_000, 14_000
TOKENS, SECONDS, MAX_ISSUES = 2_000, 60, 8
# Severities that are worth a round of work; the others are notes.
SERIOUS = ("high", "medium")
SKIPPED = ("package-lock.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock")
_TEXT = {"type": "string", "maxLength": 1_000}

REVIEW = {
    "name": "review",
    "description": "Gives your verdict on the change.",
    "input_schema": {
        "type": "object",
        "properties": {
            "verdict": {"type": "string", "enum": ["approved", "issues"]},
            "issues": {
                "type": "array",
                "maxItems": MAX_ISSUES,
                "items": {
                    "type": "object",
                    "properties": {
                        "file": {**_TEXT, "maxLength": 512},
                        "line": {"type": "integer", "minimum": 0, "description": "0 when it is about no one line."},
                        "severity": {"type": "string", "enum": ["high", "medium", "low"]},
                        "problem": {**_TEXT, "description": "What is wrong, in one sentence."},
                        "evidence": {**_TEXT, "description": "The line of code or the fact that shows it."},
                    },
                    "required": ["file", "severity", "problem", "evidence"],
                },
            },
        },
        "required": ["verdict", "issues"],
    },
}


def review(bench: Bench, files: Mapping[str, bytes]) -> None:
    """Logs the verdict on what changed from the version before to `files`: "approved", "issues" with a serious one
    among them, or "none" when no answer came.
    """
    run, number = bench.run, bench.log.rounds("review") + 1
    key = f"review-{number}"
    checks = "\n".join(f"{step.data['title']}: {_result(step)}" for step in bench.log.checks().values())
    text = prompts.review(run, checks, changed_text(run.project.framework, bench.before(), files))
    system = prompts.instructions(run.project.framework, "review")
    try:
        said = choose(bench.lease, bench.log, run, key, system, text, REVIEW, max_tokens=TOKENS, seconds=SECONDS)
        issues = [{"line": 0, **issue} for issue in said["issues"]]
    except ModelError as error:
        facts: dict[str, Any] = {"verdict": "none", "issues": [], "detail": error.detail}
    else:
        serious = any(issue["severity"] in SERIOUS for issue in issues)
        facts = {"verdict": "issues" if serious else "approved", "issues": issues}
    bench.log.add("review", {**facts, "round": bench.log.round, "number": number}, key=key)


def _result(check: Step) -> str:
    return "passed" if check.data["ok"] else "failed" if to_mend(check) else "failed before this change, too"


def changed_text(framework: str, before: Version | None, files: Mapping[str, bytes]) -> str:
    """The change as a unified diff, bounded; files that a person does not write are only named."""
    old: dict[str, bytes] = {}
    manifest: dict[str, str] = {}
    if before:
        manifest = before.manifest
    else:
        old = starting_files(framework)
        manifest = {path: sha256(content) for path, content in old.items()}
    parts, left = [], DIFF_CHARS
    for path in sorted(manifest.keys() | files.keys(), key=lambda path: (path.count("/"), path)):
        new = files.get(path)
        if new is not None and manifest.get(path) == sha256(new):
            continue
        was = (versions.read(before, path) if before else old[path]) if path in manifest else None
        change = diffs.diff_file(path, was, new)
        text = change.diff if path.rsplit("/", 1)[-1] not in SKIPPED else None
        if text is None or left <= 0:
            parts.append(f"{change.action} {path} (not shown)")
            continue
        shown = text if len(text) <= min(left, FILE_CHARS) else text[: min(left, FILE_CHARS)] + "\n… (cut)"
        left -= len(shown)
        parts.append(shown)
    return "\n".join(parts)
