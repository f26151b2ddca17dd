"""Name the files of each edit before it, where the platform has a tool for that."""

from collections.abc import Generator
from typing import TypeVar

from demo_model import wire
from demo_model.conversation import Conversation, Result

T = TypeVar("T")
Plan = Generator[list[wire.Block], list[Result], T]

DECLARE = "declare_files"


def declaring(talk: Conversation, plan: Plan[T], why: str, named: set[str] | None = None) -> Plan[T]:
    """The plan, each of its edits with the names of new files before it. `named`: those that were, by earlier plans."""
    if DECLARE not in talk.tools:
        return (yield from plan)
    named = set() if named is None else named
    try:
        turn = next(plan)
        while True:
            new = [path for path in _edited(turn) if path not in named]
            results = yield _with(turn, new, why) if new else turn
            if not any(result.is_error for result in results if result.name == DECLARE):
                named.update(new)
            turn = plan.send([result for result in results if result.name != DECLARE])
    except StopIteration as end:
        done: T = end.value
        return done


def _with(turn: list[wire.Block], paths: list[str], why: str) -> list[wire.Block]:
    at = next(index for index, block in enumerate(turn) if block["type"] == "tool_use")
    return [*turn[:at], wire.tool(DECLARE, {"files": paths, "why": why}), *turn[at:]]


def _edited(turn: list[wire.Block]) -> list[str]:
    """The files that a turn changes, each once."""
    paths: list[str] = []
    for call in (block for block in turn if block["type"] == "tool_use"):
        match call["name"]:
            case "edit_file":
                paths.append(call["input"]["path"])
            case "write_files":
                paths += [file["path"] for file in call["input"]["files"]]
            case "delete_files":
                paths += call["input"]["paths"]
    return list(dict.fromkeys(paths))
