"""Asking a model: one turn, streamed to the page, retried when that may help, and written to the log once.

A call is tried three times; then the fallback model is asked, for the rest of the run; then the run fails.
"""

import random
import time
from asyncio import sleep
from collections.abc import Callable, Coroutine
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

from django.conf import settings
from jsonschema import Draft202012Validator

from accounts.models import ProviderKey
from accounts.vault import CannotOpen
from agents import catalogue, events, runs
from agents.catalogue import Model
from agents.lease import Lease, RunStopped, StepTimeout
from agents.llm import Block, Call, ModelBusy, ModelError, ModelRefused, OnInput, Turn, faults, providers, unheard
from agents.llm.providers import Source
from agents.log import Log, record
from agents.models import Run
from agents.prompts import talk
from agents.writing import Writing
from projects.markdown import render_markdown

# Tries of one call; the waits begin with the first and double, with jitter. A longer Retry-After than the longest wait
# is not waited for.
TRIES, FIRST_WAIT, LONGEST_WAIT = 3, 1.0, 30.0
# So long a run is not asked again for the keys of an owner who has none, as nearly all have.
KEYLESS_SECONDS = 5.0
# How often a short question is asked when the answer does not have the form that was demanded.
MISFITS = 3
# Kinds of blocks that only the model that wrote them can read.
THOUGHTS = ("thinking", "redacted_thinking", "reasoning")
UNSEEN = {"type": "text", "text": "(A picture, which this model cannot see.)"}
Said = list[dict[str, Any]]
T = TypeVar("T")
Ask = Callable[[Call, Callable[[str], None], OnInput], Coroutine[Any, Any, Turn]]
_keyless: WeakKeyDictionary[Run, float] = WeakKeyDictionary()


def wire(protocol: str) -> Ask:
    """The module that speaks a protocol. Imported at first use: each SDK costs a worker one to two seconds."""
    ask: Ask = import_module(f"agents.llm.{protocol}").ask
    return ask


class Reply(NamedTuple):
    """A turn, as it goes into the log: what pages see of it, what a resumed run needs, what it took. `owners_key`: the
    provider whose key of the owner's paid for it.
    """

    data: dict[str, Any]
    record: dict[str, Any]
    spent: runs.Spent
    owners_key: str

    @property
    def key(self) -> str:
        return f"turn-{self.data['turn']}"


def next_turn(lease: Lease, log: Log, run: Run, system: str, said: Said, tools: list[Any]) -> Reply:
    """Asks for the run's next turn, which the caller is to log. Raises ModelError when it cannot be had."""
    _stop_babble(log)
    number = log.turn + 1
    wanted = catalogue.get(run.model)

    def ask(source: Source) -> tuple[Source, Turn]:
        effort = wanted.effort if source.real.thinks else ""
        call = _call(source, system, _readable(said, log, source), tools, effort=effort)
        live = events.Live(run.project_id, run.pk, "text", {"turn": number})
        writing = Writing(run.project_id, run.pk, number)
        try:
            return source, _one(lease, source, call, live.feed, settings.MODEL_CALL_SECONDS, writing.feed)
        except RunStopped:
            _keep(log, number, live.text)
            raise
        finally:
            writing.close()
            live.close()

    source, turn = _persist(lease, log, run, wanted, ask)
    cost = _credits(source, wanted, turn)
    data = {
        "turn": number,
        "round": log.round,
        "text": turn.text,
        "html": render_markdown(turn.text),
        "tools": [block["name"] for block in turn.content if block["type"] == "tool_use"],
        "cost": cost,
        **_facts(source, turn),
    }
    content = [block for block in turn.content if block["type"] != "text" or block["text"].strip()]
    kept = {"content": content, "stop_reason": turn.stop_reason, "bad_inputs": turn.bad_inputs}
    spent = runs.Spent(run, {**turn.usage, "calls": 1}, cost)
    return Reply(data, kept, spent, source.provider.name if source.own else "")


def choose(
    lease: Lease,
    log: Log,
    run: Run,
    key: str,
    system: str,
    said: str | Said,
    tool: dict[str, Any],
    *,
    model: Model = catalogue.SMALL,
    max_tokens: int = 2_000,
    seconds: float = 60,
) -> dict[str, Any]:
    """A short question to a cheap model that must answer by calling `tool`: the input it gave, which fits its schema.

    Asked once per `key` (at most 30 characters) and run: the answer is a step `aside`, and a worker that takes over
    reads it there. `tool` has name, description, input_schema. The user is not charged. Raises ModelError.
    """
    if done := log.keys.get(("aside", key)):
        return dict(record(done))
    said = [{"role": "user", "content": [{"type": "text", "text": said}]}] if isinstance(said, str) else said
    fits = Draft202012Validator(tool["input_schema"])

    def ask(source: Source) -> tuple[Source, Turn, Block]:
        call = _call(source, system, _without(said, THOUGHTS), [tool], max_tokens=max_tokens, must_call=tool["name"])
        for _ in range(MISFITS):
            turn = _one(lease, source, call, lambda text: None, seconds)
            for block in turn.content:
                called = (
                    block["type"] == "tool_use" and block["name"] == tool["name"] and block["id"] not in turn.bad_inputs
                )
                if called and fits.is_valid(block["input"]):
                    return source, turn, block["input"]
            note(source, turn)
        # Not worth a fallback: what asks can do without an answer.
        raise ModelRefused("model_no_choice", f"{source.model} did not answer in the form it was asked for.")

    def note(source: Source, turn: Turn, step_key: str = "", answer: Any = None) -> None:
        """Each answer is a step, for what it took; the one that fits has a key."""
        with log.together(runs.Spent(run, {**turn.usage, "calls": 1}, 0)):
            log.add("aside", {"name": key, **_facts(source, turn)}, key=step_key, record=answer)

    source, turn, answer = _persist(lease, log, run, model, ask)
    note(source, turn, key, answer)
    return answer


def window(run: Run) -> int:
    """Tokens of a conversation that the run's model and its fallback read well: the smaller window of the two, or less
    where that would cost too much.
    """
    return min(talk.MOST_TOKENS, *(source.real.window for source in _sources(run, catalogue.get(run.model))))


def _persist(lease: Lease, log: Log, run: Run, model: Model, ask: Callable[[Source], T]) -> T:
    """Asks a model's source, three times where that may help, then its fallback. Raises ModelError."""
    first, *rest = _sources(run, model)
    fallback = rest[0] if rest else None
    ask = partial(_plainly, run, ask)
    if fallback and log.has("stage", f"fallback-{model.name}"):
        return _tried(lease, log, fallback, ask)
    try:
        return _tried(lease, log, first, ask)
    except ModelBusy as error:
        if fallback is None:
            raise
        title = f"{error.detail} Going on with {fallback.model} by {fallback.provider.title}."
        data = {"stage": "work", "status": "fallback", "title": title, "code": error.code, "model": fallback.name}
        log.add("stage", data, key=f"fallback-{model.name}")
        try:
            return _tried(lease, log, fallback, ask)
        except ModelRefused as refused:
            if refused.code == "model_context":
                raise  # the loop makes the conversation shorter and asks again
            # Else the first failure is the one to mend.
            raise ModelError(error.code, f"{error.detail} {refused.detail}", error.next) from refused


def _plainly(run: Run, ask: Callable[[Source], T], source: Source) -> T:
    """Asks; what goes wrong is told as the project's owner may read it."""
    try:
        return ask(source)
    except ModelError as error:
        if source.own and error.code == "model_key_refused":
            error.detail = f"{source.provider.title} refused your own key."
        elif not run.project.owner.is_staff:
            faults.keep_private(error, f"Run {run.pk}")
        raise


def _tried(lease: Lease, log: Log, source: Source, ask: Callable[[Source], T]) -> T:
    """Raises ModelRefused, or ModelBusy after TRIES, or at once when that asks for more patience than we have."""
    for attempt in range(1, TRIES + 1):
        lease.renew()
        try:
            return ask(source)
        except ModelBusy as busy:
            if (why := _give_up(attempt, busy)) is not None:
                what_next = busy.next or "Try again in a minute."
                raise ModelBusy(busy.code, f"{busy.detail}{why}", what_next, busy.retry_after) from busy
            seconds = _pause(attempt, busy)
            title = f"{busy.detail} Trying again in {seconds:.0f} s ({attempt + 1} of {TRIES})."
            log.add("stage", {"stage": "work", "status": "waiting", "title": title, "code": busy.code})
        lease.wait(sleep(seconds), seconds + 5)
    raise AssertionError("the last try returns or raises")


def _give_up(attempt: int, busy: ModelBusy) -> str | None:
    """Why it is not tried again, to be added to what went wrong. None: it is."""
    if busy.is_final:
        return ""
    if (busy.retry_after or 0) > LONGEST_WAIT:
        return f" It asks to be left alone for {busy.retry_after:.0f} s."
    return f" Tried {TRIES} times." if attempt == TRIES else None


def _one(
    lease: Lease,
    source: Source,
    call: Call,
    on_text: Callable[[str], None],
    seconds: float,
    on_input: OnInput = unheard,
) -> Turn:
    """One call, at most `seconds` long. Raises ModelBusy, ModelRefused, RunStopped, LeaseLost."""
    try:
        return lease.wait(wire(source.provider.protocol)(call, on_text, on_input), seconds)
    except StepTimeout:
        text = f"{call.model} did not finish its answer within {seconds:.0f} s."
        raise ModelBusy("model_timeout", text, is_final=True) from None


def _sources(run: Run, model: Model) -> list[Source]:
    try:
        return providers.chain(model, _own_keys(run))
    except providers.NoProvider as error:
        missing = ModelError("model_missing", str(error))
        if not run.project.owner.is_staff:
            faults.keep_private(missing, f"Run {run.pk}")
        raise missing from error
    except CannotOpen as error:
        raise ModelError("own_key_lost", str(error), "Save the key again under Settings.") from error


def _own_keys(run: Run) -> dict[str, str]:
    """The keys that the project's owner brought. Opened here, at the call, and kept nowhere."""
    if time.monotonic() < _keyless.setdefault(run, 0 if run.has_keys else time.monotonic() + KEYLESS_SECONDS):
        return {}
    keys = list(ProviderKey.objects.filter(user=run.project.owner_id))
    if not keys:
        _keyless[run] = time.monotonic() + KEYLESS_SECONDS
    return {key.provider: key.secret() for key in keys}


def _call(source: Source, system: str, said: Said, tools: list[Any], **more: Any) -> Call:
    party = source.provider
    key_name = "your own key under Settings" if source.own else f"{party.key_name} in .env"
    return Call(party.name, source.model, system, said, tools, party.key, party.base_url, key_name, **more)


def _facts(source: Source, turn: Turn) -> dict[str, Any]:
    """Who answered, what it took, and what the provider asks for it (USD; None where no price is known)."""
    price = source.real.price
    usd = round(price.usd(turn.usage), 6) if price else None
    return {"model": source.name, "usage": turn.usage, "usd": usd, "own_key": source.own}


def _credits(source: Source, wanted: Model, turn: Turn) -> int:
    """Micro-credits: by the model that was chosen, or by the smaller one that stood in for it. Own keys are free."""
    return 0 if source.own else min(wanted.cost(turn.usage), source.tier.cost(turn.usage))


def _stop_babble(log: Log) -> None:
    """A model whose tool calls were no JSON was told so once; a second such turn in a row ends the run."""
    last = [record(step) for step in log.of("reply")[-2:]]
    if len(last) == 2 and all(turn["bad_inputs"] for turn in last):
        cut = " Its answer was cut at the longest length." if last[-1]["stop_reason"] == "max_tokens" else ""
        text = f"The model called a tool with something that is no JSON, twice in a row.{cut}"
        raise ModelError("model_bad_json", text, "Ask for a smaller change, or choose another model.")


def _readable(said: Said, log: Log, source: Source) -> Said:
    """The conversation as a source can take it: turns of others without what only those understand, their thoughts and
    signatures, and with ids of calls that every provider takes, each once.
    """
    if source.real == catalogue.UNKNOWN:
        said = [{**message, "content": _in_words(message["content"])} for message in said]
    # What others wrote, and a name for each block: by identity, as a conversation carries the log's own blocks.
    foreign = {
        id(block): f"t{step.data['turn']}_{index}"
        for step in log.of("reply")
        if step.data.get("model") != source.name
        for index, block in enumerate(record(step)["content"])
    }
    given: dict[str, list[str]] = {}  # ids in the log, which several calls may have, and what is sent for each

    def readable(block: Block) -> Block:
        if block["type"] == "tool_use":
            is_foreign = id(block) in foreign
            sent = foreign[id(block)] if is_foreign else block["id"]
            given.setdefault(block["id"], []).append(sent)
            if is_foreign:
                return {"type": "tool_use", "id": sent, "name": block["name"], "input": block["input"]}
        elif block["type"] == "tool_result" and (ids := given.get(block["tool_use_id"])):
            return {**block, "tool_use_id": ids.pop(0)}
        return block

    def kept(content: list[Block]) -> list[Block]:
        return [readable(block) for block in content if block["type"] not in THOUGHTS or id(block) not in foreign]

    return [{**message, "content": kept(message["content"])} for message in said] if foreign else said


def _in_words(content: Any) -> Any:
    """Content without pictures: nobody knows whether the model sees, and one that does not refuses the whole call."""
    if not isinstance(content, list):
        return content
    parts = [part if part["type"] != "image" else UNSEEN for part in content]
    results = (part["type"] == "tool_result" for part in parts)
    return [
        {**part, "content": _in_words(part["content"])} if is_result else part
        for part, is_result in zip(parts, results, strict=True)
    ]


def _without(said: Said, kinds: tuple[str, ...]) -> Said:
    def kept(content: Any) -> Any:
        return [block for block in content if block["type"] not in kinds] if isinstance(content, list) else content

    return [{**message, "content": kept(message["content"])} for message in said]


def _keep(log: Log, number: int, text: str) -> None:
    """Logs the part of an answer that came before the user stopped it; nobody pays for it."""
    if not text.strip():
        return
    data = {"turn": number, "round": log.round, "text": text, "html": render_markdown(text), "interrupted": True}
    kept = {"content": [{"type": "text", "text": text}], "stop_reason": "interrupted", "bad_inputs": {}}
    log.add("reply", {**data, "tools": [], "usage": {}, "cost": 0}, key=f"turn-{number}", record=kept)


def _pause(attempt: int, error: ModelBusy) -> float:
    if error.retry_after is not None:
        return error.retry_after
    return float(FIRST_WAIT * 2 ** (attempt - 1) * random.uniform(0.8, 1.2))
