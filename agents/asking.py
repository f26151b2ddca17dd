"""Asking the model: one turn, streamed to the page, retried when that may help, and written to the log once."""

import random
from asyncio import sleep
from collections.abc import Callable, Coroutine
from importlib import import_module
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.vault import CannotOpen
from agents import catalogue, events, runs
from agents.lease import Lease, RunStopped, StepTimeout
from agents.llm import Call, ModelBusy, ModelError, Turn, providers
from agents.log import Log
from agents.models import Run
from projects.markdown import render_markdown

# Tries of one call; waits grow 1, 2, 4 … s with jitter, a Retry-After is obeyed up to the longest wait.
TRIES, LONGEST_WAIT = 3, 30.0
Ask = Callable[[Call, Callable[[str], None]], Coroutine[Any, Any, Turn]]


def wire(protocol: str) -> Ask:
    """The module that speaks a protocol. Imported at first use: each SDK costs a worker one to two seconds."""
    ask: Ask = import_module(f"agents.llm.{protocol}").ask
    return ask


def next_turn(lease: Lease, log: Log, run: Run, system: str, said: list[dict[str, Any]], tools: list[Any]) -> None:
    """Asks for the run's next turn and appends it. Raises ModelError when it cannot be had."""
    model = catalogue.get(run.model)
    try:
        source = providers.source(model.index, _own_keys(run))
    except providers.NoProvider as error:
        raise ModelError("model_missing", str(error)) from error
    except CannotOpen as error:
        raise ModelError("own_key_lost", str(error), "Save the key again under Settings.") from error
    party = source.provider
    key_name = "your own key under Settings" if source.own else f"{party.key_name} in .env"
    call = Call(source.model, system, said, tools, party.key, party.base_url, key_name)
    number = log.turn + 1
    turn = _ask(lease, log, run, call, number, wire(party.protocol))
    cost = 0 if source.own else model.cost(turn.usage)
    data = {
        "turn": number,
        "round": log.round,
        "text": turn.text,
        "html": render_markdown(turn.text),
        "tools": [block["name"] for block in turn.content if block["type"] == "tool_use"],
        "usage": turn.usage,
        "cost": cost,
        "own_key": source.own,
    }
    content = [block for block in turn.content if block["type"] != "text" or block["text"]]
    record = {"content": content, "stop_reason": turn.stop_reason, "bad_inputs": turn.bad_inputs}
    with transaction.atomic():
        runs.lock(lease.fence)
        log.add("reply", data, key=f"turn-{number}", record=record)
        runs.add_usage(lease.fence, {**turn.usage, "calls": 1}, cost)


def _own_keys(run: Run) -> dict[str, str]:
    """The keys that the project's owner brought. Opened here, at the call, and kept nowhere."""
    return {key.provider: key.secret() for key in run.project.owner.provider_keys.all()}


def _ask(lease: Lease, log: Log, run: Run, call: Call, number: int, ask: Ask) -> Turn:
    for attempt in range(1, TRIES + 1):
        lease.renew()
        live = events.Live(run.project_id, run.pk, "text", {"turn": number})
        try:
            return lease.wait(ask(call, live.feed), settings.MODEL_CALL_SECONDS)
        except StepTimeout:
            error = ModelBusy("model_timeout", f"{call.model} did not finish its answer in time.")
        except ModelBusy as busy:
            error = busy
        except RunStopped:
            _keep(log, number, live.text)
            raise
        finally:
            live.close()
        if attempt == TRIES:
            break
        seconds = _pause(attempt, error)
        title = f"{error.detail} Trying again in {seconds:.0f} s ({attempt + 1} of {TRIES})."
        log.add("stage", {"stage": "work", "status": "waiting", "title": title, "code": error.code})
        lease.wait(sleep(seconds), seconds + 5)
    raise ModelError(error.code, f"{error.detail} Tried {TRIES} times.", error.next or "Try again in a minute.")


def _keep(log: Log, number: int, text: str) -> None:
    """Logs the part of an answer that came before the user stopped it; nobody pays for it."""
    if not text.strip():
        return
    data = {"turn": number, "round": log.round, "text": text, "html": render_markdown(text), "interrupted": True}
    record = {"content": [{"type": "text", "text": text}], "stop_reason": "interrupted", "bad_inputs": {}}
    log.add("reply", {**data, "tools": [], "usage": {}, "cost": 0}, key=f"turn-{number}", record=record)


def _pause(attempt: int, error: ModelBusy) -> float:
    wait = error.retry_after if error.retry_after is not None else 2.0 ** (attempt - 1) * random.uniform(0.8, 1.2)
    return min(wait, LONGEST_WAIT)
