"""Decide the next turn: a pure function of the request. The plan is played again from its start each time."""

from collections.abc import Generator, Sequence
from typing import Any

from demo_model import answers, builds, choices, conversation, followups, repairs, wire
from demo_model.conversation import Conversation, Result
from demo_model.declaring import declaring

# A plan yields each turn's blocks and is sent what its tool calls brought back.
Plan = Generator[list[wire.Block], list[Result], None]


def decide(body: dict[str, Any]) -> Sequence[wire.Block]:
    """The content blocks of the next assistant turn for this request body."""
    forced = choices.forced(body)
    if forced:
        return forced
    talk = conversation.read(body)
    plan = _play(talk)
    try:
        turn = next(plan)
        for results in talk.turns:
            turn = plan.send(results)
    except StopIteration:
        return [wire.text(answers.DONE)]
    return turn


def _play(talk: Conversation) -> Plan:
    yield from builds.directed(talk)
    if repairs.wanted(talk) and "edit_file" in talk.tools:
        yield from declaring(talk, repairs.plan(talk), "The error points at it.")
    elif not talk.can_write and "edit_file" not in talk.tools:
        yield from answers.plan(talk)
    elif len(talk.prompts) > 1:
        yield from followups.plan(talk)
    elif answers.is_question(talk.prompt):
        yield from answers.plan(talk)
    else:
        yield from builds.plan(talk)
