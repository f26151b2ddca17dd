"""Tool calls: run one, or find out what became of it; log what it did. A tool that fails is an observation."""

import time
from contextlib import suppress
from typing import Any

from django.db import transaction

from agents import about, aio, events, locking, sandbox
from agents.bench import Bench
from agents.ending import Ending
from agents.fingerprints import fingerprint, first_line, tells_an_error
from agents.lease import RunStopped, StepTimeout
from agents.log import Log, calls, record
from agents.mcp import calls as calls_of_servers
from agents.models import Run
from agents.tools import READ_PROJECT, TOOLS, Outcome, Tool, Toolbox, ToolFailed, read_project
from projects import briefing
from projects.models import Message, Project

# The same call with the same input this often in one run is a model going in circles; so often, one that stays there.
MAX_REPEATS, GIVE_UP_REPEATS = 5, 12
# The same error after so many different changes: the model is told; so many: the run ends.
SAME_ERROR_TOLD, SAME_ERROR_ENDS = 2, 4
# Calls of one turn; a model that makes more gets an error for the rest.
MAX_CALLS = 50


class Waiting(Exception):
    """The model asked the person something; the run goes on when they have answered."""


def use(bench: Bench, tools: dict[str, Tool], turn: int, index: int, block: dict[str, Any]) -> None:
    """Runs one tool call, or finds out what became of it, and logs the result. Raises Waiting, or Ending."""
    bench.lease.renew()
    key, tool, log = f"{turn}.{index}", tools.get(block["name"]), bench.log
    again = ("tool_call", key) in log.inherited
    if tool is TOOLS["ask_user"]:
        _ask_user(bench, key, turn, index, block)
        return
    facts = _facts(tool, turn, index, block)
    _begin(log, facts, block)
    began = time.monotonic()
    try:
        with about.span("tool", facts["name"]):
            outcome = _outcome(bench, tools, tool, block, key, again)
    except ToolFailed as error:
        outcome = Outcome(str(error), ok=False, summary=str(error).split("\n")[0][:200])
    repeated = _seen_before(bench, outcome)
    result = {
        **facts,
        "ok": outcome.ok,
        "summary": outcome.summary,
        "output": outcome.output[:4_000] if not outcome.facts.get("files") else "",
        "seconds": round(time.monotonic() - began, 2),
        **repeated,
        **{name: value for name, value in outcome.facts.items() if name not in ("remember", "plan")},
    }
    answer = {
        "type": "tool_result",
        "tool_use_id": block["id"],
        "content": _content(outcome, repeated.get("again", 0)),
        "is_error": not outcome.ok,
    }
    remembered = outcome.facts.get("remember")
    # Steps alone are one statement; what is no step needs a transaction.
    with transaction.atomic() if remembered else log.together():
        log.add("tool_result", result, key=key, record=answer)
        for change in outcome.facts.get("files", []):
            told = {name: change[name] for name in ("path", "action", "added", "removed")}
            log.add("file", told, record={"sandbox": bench.sandbox.id})
        if remembered:
            briefing.remember(bench.run.project, remembered)
        if "plan" in outcome.facts:
            log.add("plan", {**outcome.facts["plan"], "state": "proposed", "run": str(bench.run.pk)}, key="plan")
        announce(bench, tools)
    _end_circles(bench, block, repeated)


def announce(bench: Bench, tools: dict[str, Tool]) -> None:
    """Logs the call that comes next together with what is being logged: one wait for the disk less at each step. Not
    one of somebody else's server: whether that began cannot be asked, so its row is written when it does.
    """
    if bench.log.kept is None:
        return
    for turn, index, block in bench.log.pending():
        tool = tools.get(block["name"])
        if tool is not TOOLS["ask_user"] and not (tool and tool.server):
            _begin(bench.log, _facts(tool, turn, index, block), block)
        return


def _facts(tool: Tool | None, turn: int, index: int, block: dict[str, Any]) -> dict[str, Any]:
    name = block["name"]
    try:
        title = tool.title(block["input"])[:200] if tool else f"Unknown tool {name[:40]}"
    except (TypeError, ValueError, LookupError, AttributeError):  # not yet checked: it may be anything
        title = name
    return {"key": f"{turn}.{index}", "turn": turn, "index": index, "name": name[:64], "title": title}


def _begin(log: Log, facts: dict[str, Any], block: dict[str, Any]) -> None:
    log.add("tool_call", {**facts, "summary": "", "input": _shown(block["input"])}, key=facts["key"])


def _content(outcome: Outcome, again: int) -> Any:
    text = outcome.output
    if again >= SAME_ERROR_TOLD:
        text += (
            f"\n\nThis is the same error as {again} times before, after different changes: they do not reach its cause."
            " Read the code and the message once more, and try something of another kind, or ask the person."
        )
    if not outcome.picture:
        return text
    source = {"type": "base64", "media_type": outcome.picture_type, "data": outcome.picture}
    return [{"type": "text", "text": text}, {"type": "image", "source": source}]


def _seen_before(bench: Bench, outcome: Outcome) -> dict[str, Any]:
    """For an error of the app: its fingerprint, and after how many changes of files it came before."""
    output = str(outcome.facts.get("output", ""))
    if outcome.ok or outcome.facts.get("exit_code") in (None, 0) or not tells_an_error(output):
        return {}  # a search that finds nothing is no error
    mark, before, changed = fingerprint(output), 0, False
    for step in bench.log.steps:
        if step.type == "file":
            changed = True
        elif step.type == "tool_result" and step.data.get("fingerprint") == mark and (changed or not before):
            before, changed = before + 1, False
    return {"fingerprint": mark, "again": before if changed else max(0, before - 1)}


def _end_circles(bench: Bench, block: dict[str, Any], repeated: dict[str, Any]) -> None:
    """Ends a run that makes the same error, or the same call, over and over. Nothing of it is charged."""
    if repeated.get("again", 0) >= SAME_ERROR_ENDS:
        error = first_line(str(bench.log.of("tool_result")[-1].data["output"]))
        text = f"The same error came back after {repeated['again']} different changes, so the run was stopped: {error}"
        raise Ending(Run.State.FAILED, "same_error", "Going in circles", text, CIRCLES_NEXT, cause=error)
    if bench.log.repeats(block) >= GIVE_UP_REPEATS:
        text = f"The model made the same call of {block['name'][:40]} more than {GIVE_UP_REPEATS} times."
        raise Ending(Run.State.FAILED, "same_call", "Going in circles", text, CIRCLES_NEXT)


CIRCLES_NEXT = "Say it differently, or choose a stronger model."


def _ask_user(bench: Bench, key: str, turn: int, index: int, block: dict[str, Any]) -> None:
    """Puts the run to wait for the person, or takes their answer as the call's result."""
    facts = {"key": key, "turn": turn, "index": index, "name": "ask_user", "title": "A question for you"}
    try:
        TOOLS["ask_user"].check(block["input"])
    except ToolFailed as error:
        answer, ok = str(error), False
    else:
        asked = {"question": block["input"]["question"], "options": block["input"].get("options", [])}
        bench.log.add("tool_call", {**facts, **asked, "summary": "", "input": {}}, key=key)
        if (said := bench.log.answer_to(key)) is None:
            raise Waiting
        answer, ok, facts = said, True, {**facts, **asked}
    result = {"type": "tool_result", "tool_use_id": block["id"], "content": answer, "is_error": not ok}
    shown = {**facts, "ok": ok, "summary": answer[:200], "output": "", "seconds": 0}
    bench.log.add("tool_result", shown, key=key, record=result)


def _outcome(
    bench: Bench, tools: dict[str, Tool], tool: Tool | None, block: dict[str, Any], key: str, again: bool
) -> Outcome:
    """What the tool did. Raises ToolFailed with what the model should know."""
    reply = bench.log.of("reply")[-1]
    if tool is None:
        raise ToolFailed(f"There is no tool {block['name'][:64]!r}. There are: {', '.join(tools)}.")
    if (raw := record(reply)["bad_inputs"].get(block["id"])) is not None:
        raise ToolFailed(f"The input was not a valid JSON object: {raw[:500]!r}. Send the call again.")
    if int(key.split(".")[1]) >= MAX_CALLS:
        raise ToolFailed(f"Not run: one turn has at most {MAX_CALLS} calls, this one has {len(calls(reply))}.")
    tool.check(block["input"])
    if bench.log.repeats(block) >= MAX_REPEATS:
        raise ToolFailed(f"Not run: this very call was made {MAX_REPEATS} times already. Do something else or finish.")
    if tool is TOOLS["finish"] and (failed := bench.log.failed()):
        raise ToolFailed(
            f"Not finished: in the same turn this failed: {'; '.join(failed[:5])}. See what it says, and mend it;"
            " if the work is done all the same, call finish again and say what is so."
        )
    if tool is READ_PROJECT:
        return read_project(bench.run, block["input"])
    if tool.server:
        return calls_of_servers.use(bench, tool, block["input"], again)
    work, step_key = tool.work, bench.step_key(key)
    assert work
    locks = None if tool.read_only else locking.Locks(bench.run.project, bench.before())
    locked = tuple(locks.patterns) if locks else ()
    dropped = _dropped(bench.run) if tool is TOOLS["read_files"] else ()
    with events.lazy(bench.run, "terminal", {"key": key}) as live:
        try:
            outcome: Outcome = bench.in_sandbox(
                lambda box, retry: work(
                    Toolbox(box, step_key, live.feed, again or retry, locked, dropped, bench.log.scope()),
                    block["input"],
                ),
                tool.seconds,
            )
            if locks and tool.runs_commands:
                outcome.output += locking.told(_put_back(bench, locks))
            return outcome
        except StepTimeout as error:
            _kill(bench, step_key)
            raise ToolFailed(f"{tool.name} was stopped: {error}.") from error
        except RunStopped:
            _kill(bench, step_key)
            raise


def _kill(bench: Bench, step_key: str) -> None:
    """Ends what a call began. Where there is no sandbox yet nothing began, and one that does not answer is no reason to
    forget why the call ends.
    """
    if bench.box:
        with suppress(*sandbox.DOWN, TimeoutError):
            aio.run(bench.box.kill_step(step_key))


def _dropped(run: Run) -> tuple[str, ...]:
    """Files that the owner dropped, and that nothing they said since the run was asked for names."""
    # They may have dropped something while the run is at work.
    if not (dropped := Project.objects.values_list("dropped", flat=True).get(pk=run.project_id)):
        return ()
    said = run.project.messages.filter(role=Message.Role.USER, created__gte=run.message.created)
    words = "\n".join(said.values_list("text", flat=True))
    return tuple(path for path in dropped if path.rsplit("/", 1)[-1] not in words)


def _put_back(bench: Bench, locks: locking.Locks) -> list[str]:
    """Puts back locked files that a command changed; their paths."""
    if not locks.patterns:
        return []
    wrong = locks.differing(bench.in_sandbox(lambda box, _: box.hashes(), 60))
    if wrong:
        bench.in_sandbox(lambda box, _: box.put(wrong), 60)
    return sorted(wrong)


def _shown(values: dict[str, Any]) -> dict[str, Any]:
    """A tool's input as a page may see it: paths and short values, not whole files."""
    return {name[:64]: value[:500] for name, value in list(values.items())[:20] if isinstance(value, str)}
