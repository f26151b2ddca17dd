"""The end of a run: read the sandbox back, then version, message, credits and final state in one transaction.

What the closing card says is counted here, from the real diff and the real checks.
"""

import logging
from contextlib import suppress
from typing import Any

from django.db import transaction

from agents import aio, charging, claims, figures, promises, runs, sandbox, stuck, waiting
from agents.box import Box
from agents.ending import Ending
from agents.lease import Lease
from agents.locking import Locks
from agents.log import Log
from agents.mcp.servers import PREFIX
from agents.models import Run, Sandbox
from agents.prompts import history
from projects import versions
from projects.blobs import sha256
from projects.frameworks import starting_manifest
from projects.markdown import render_markdown
from projects.models import Fragment, Message, Version
from projects.paths import BadFiles, language
from projects.services import add_message
from usage import services as credits

log = logging.getLogger(__name__)
STOPPED = "Stopped."


def close(lease: Lease, run: Run, log: Log, box: Box | None, ending: Ending) -> None:
    """Ends the run. Raises LeaseLost when somebody else has it."""
    files = None
    if log.touched() and run.message.mode == Message.Mode.BUILD:
        log.add("stage", {"stage": "save", "status": "started", "title": "Saving"}, key="save")
        left = [step.data["key"] for step in log.of("tool_result") if step.data.get("background")]
        locks = Locks(run.project, versions.newest(run.project))
        try:
            files = _read_back(box, [f"{run.pk.hex}-{key}" for key in left])
        except Ending as trouble:
            ending = _unsaved(ending, trouble)
        if box and files and (wrong := locks.keep(files)):  # whatever changed them, and however late
            _put(box, wrong)
    secrets = claims.secrets(files, versions.newest(run.project)) if files else []  # before anybody waits for a lock
    with transaction.atomic():
        runs.lock(lease.fence)
        _finish(lease, run, log, files, ending, secrets)


def _read_back(box: Box | None, left: list[str]) -> dict[str, bytes]:
    """The app's files as they are now, once the commands `left` in the background are ended. A stop does not interrupt
    this: what was done is kept. Raises Ending when they cannot be had.
    """
    if box is None:
        text = "The sandbox with the files could not be reached."
        raise Ending(Run.State.FAILED, "sandbox_unavailable", "No sandbox", text, "Try again in a moment.")
    try:
        for key in left:
            aio.run(box.kill_step(key))
        return aio.run(box.snapshot(), 120)
    except BadFiles as error:
        title, advice = "The app cannot be saved", "Ask for fewer or smaller files."
        raise Ending(Run.State.FAILED, "too_large", title, str(error), advice) from error
    except (*sandbox.DOWN, TimeoutError) as error:
        text = f"The files could not be read from the sandbox: {error}"
        raise Ending(Run.State.FAILED, "sandbox_lost", "The sandbox went away", text, "Try again.") from error


def _unsaved(ending: Ending, trouble: Ending) -> Ending:
    """How a run ends whose files cannot be saved: a success is none then, and any other end says so as well."""
    if ending.state == Run.State.SUCCEEDED:
        return trouble
    text = _and(ending.detail or STOPPED, f"Nothing that this run built is saved. {trouble.detail}")
    advice = f"{trouble.next} {ending.next}".strip()
    return Ending(ending.state, ending.reason, ending.title or trouble.title, text, advice, ending.cause)


def _and(told: str, more: str) -> str:
    """Two sentences; the first may be somebody else's, without its full stop."""
    return f"{told.rstrip('. ')}. {more}"


def _put(box: Box, files: dict[str, bytes | None]) -> None:
    with suppress(*sandbox.DOWN, TimeoutError):  # the version has it; the sandbox follows when it is next used
        aio.run(box.put(files))


def _finish(
    lease: Lease, run: Run, log: Log, files: dict[str, bytes] | None, ending: Ending, secrets: list[str]
) -> None:
    project, before, plan = run.project, versions.newest(run.project), _plan(run)
    # Promises of which some were not looked at are neither kept nor broken.
    checks = {name: step.data for name, step in log.checks().items()}
    verdict = {name: data["ok"] for name, data in checks.items() if not (data["ok"] and data.get("unchecked"))}
    old = before.manifest if before else starting_manifest(project.framework)
    version = None
    if files is not None and {path: sha256(content) for path, content in files.items()} != old:
        title = plan["title"] if plan else run.message.text.split("\n")[0]
        try:
            version = versions.save(project, files, source=Version.Source.RUN, title=title, verdict=verdict)
        except BadFiles as error:
            title, advice = "The app cannot be saved", "Ask for other files."
            ending = _unsaved(ending, Ending(Run.State.FAILED, "bad_files", title, str(error), advice))
            files = None
    if version is None and before and files is not None and verdict:
        # Nothing was changed: what was checked is the version that is there. One saved by hand had no verdict yet.
        project.versions.filter(pk=before.pk, verdict={}).update(verdict=verdict)
    saved = version or (before if files is not None else None)
    promised, unseen = promises.settle(project, log, ending.state, saved)
    changes = versions.changes(old, version.manifest if version else old)
    if version:
        Sandbox.objects.filter(project=project).update(version=version.number)
        log.add("version", {**versions.facts(version), **changes})
        if ending.detail:
            ending.detail = _and(ending.detail, "What was built so far is kept.")
    free = _why_free(ending, version, run, log)
    balance = credits.release(run.pk) if free else None
    charged = 0 if free else charging.settle(run, log.cost())
    reply = _reply(run, log, ending, changes)
    if ending.detail:
        log.add("error", _trouble(run, log, ending))
    if balance is None:
        balance = credits.account_of(project.owner).balance
    doubts = [*secrets] if version else []
    if ending.state == Run.State.SUCCEEDED:
        doubts += [
            *claims.doubts(reply.text, changes, version.manifest if version else old, log.steps),
            *claims.beyond(plan.get("files", []), changes),
            *claims.undeclared(log.scope(), changes),
            *unseen,
        ]
    complete = {
        "state": ending.state,
        "reason": ending.reason,
        "message_id": str(reply.pk),
        "version": version.number if version else None,
        "summary": reply.text,
        "html": render_markdown(reply.text),
        "files": changes,
        "checks": verdict,
        "seconds": round(log.seconds(), 1),
        "cost": charged,
        "cost_text": credits.text(charged),
        "mode": run.message.mode,
        "doubts": doubts,
        "promises": promised,
        "review": _last_review(log),
        "can_continue": ending.state in (Run.State.STOPPED, Run.State.CANCELLED),
        "complete": True,
    }
    if ending.state in (Run.State.FAILED, Run.State.STOPPED):  # before pages look for what comes next
        waiting.set_aside(run)
    with log.together():
        log.add("credit", {"charged": charged, "balance": balance, "reason": free})
        log.add("state", {"state": ending.state, "reason": ending.reason})
        log.add("complete", complete, key="complete")
    facts = {**figures.facts(log.steps), "prompts": history.given(run, log.steps)}
    runs.finish(lease.fence, ending.state, ending.reason, reply=reply, version=version, cost=charged, facts=facts)


def _plan(run: Run) -> dict[str, Any]:
    """The plan that this run builds; {} where it builds none."""
    if run.follows_id is None:
        return {}
    plans = Fragment.objects.filter(message__reply_of=run.follows_id, kind=Fragment.Kind.PLAN)
    plan = plans.filter(meta__built_by=str(run.pk)).first()
    return dict(plan.meta) if plan else {}


def _trouble(run: Run, log: Log, ending: Ending) -> dict[str, Any]:
    """The card of a run that did not end well: what happened, what was tried, the believed cause, what can be done."""
    told = {"code": ending.reason, "title": ending.title, "detail": ending.detail, "next": ending.next}
    return {**told, "cause": ending.cause, "tried": stuck.tried(log.steps), "options": stuck.options(run)}


def _last_review(log: Log) -> dict[str, Any] | None:
    """The newest verdict and what it left open; None without a review."""
    found = log.of("review")[-1:]
    return {name: found[0].data[name] for name in ("verdict", "issues", "round")} if found else None


def _why_free(ending: Ending, version: Version | None, run: Run, log: Log) -> str:
    """Why a run costs nothing: it failed, or changed nothing. "" for one that delivered."""
    if ending.state == Run.State.FAILED:
        return "failed runs are free"
    turns = log.of("reply")
    if turns and all(turn.data.get("own_key") for turn in turns):
        return "your own key was used"
    # What one of the user's servers did is done, though no file shows it.
    used = any(step.data["ok"] and step.data["name"].startswith(PREFIX) for step in log.of("tool_result"))
    answered = ending.state == Run.State.SUCCEEDED and (used or run.message.mode != Message.Mode.BUILD)
    return "" if version or answered else "no files changed"


def _reply(run: Run, log: Log, ending: Ending, changes: dict[str, list[str]]) -> Message:
    """The assistant's message with its fragments: prose, files written, commands run."""
    text = log.summary() if ending.state == Run.State.SUCCEEDED else ending.detail or STOPPED
    reply = add_message(run.project, Message.Role.ASSISTANT, text, mode=run.message.mode)
    fragments = [Fragment(kind=Fragment.Kind.TEXT, text=reply.text)]
    for change in ("added", "changed", "deleted"):
        fragments += [
            Fragment(kind=Fragment.Kind.CODE, meta={"path": path, "language": language(path), "change": change})
            for path in changes[change]
        ]
    for step in log.of("tool_result"):
        if step.data["name"] == "terminal":
            meta = {"exit_code": step.data.get("exit_code"), "seconds": step.data["seconds"]}
            fragments.append(Fragment(kind=Fragment.Kind.COMMAND, text=step.data["title"], meta=meta))
    if plan := log.keys.get(("plan", "plan")):
        fragments.append(Fragment(kind=Fragment.Kind.PLAN, text=plan.data["title"], meta=plan.data))
    for position, fragment in enumerate(fragments):
        fragment.message, fragment.position = reply, position
    Fragment.objects.bulk_create(fragments)
    return reply
