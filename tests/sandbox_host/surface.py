"""Every public method of the installed Python SDK that a program may call, and which of them a test really called."""

import importlib
import inspect
import sys
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any, TypeVar, cast

import e2b
import e2b_code_interpreter

T = TypeVar("T")
KINDS = ("sync", "async")


def sdk(kind: str, name: str) -> Any:
    """A class of the SDK in its synchronous or asynchronous form, `Sandbox` for example."""
    full = f"Async{name}" if kind == "async" else name
    return getattr(e2b_code_interpreter, full, None) or getattr(e2b, full)


async def got(value: Awaitable[T] | T) -> T:
    """What a call of either kind gives."""
    return cast("T", await value if inspect.isawaitable(value) else value)


def _classes(kind: str) -> Iterator[tuple[str, type]]:
    for name in ("Sandbox", "Template", "Volume", "Secret", "SandboxPaginator", "SnapshotPaginator", "SecretPaginator"):
        yield name, sdk(kind, name)
    for name, module in (
        ("Filesystem", "filesystem.filesystem"),
        ("WatchHandle", "filesystem.watch_handle"),
        ("Commands", "commands.command"),
        ("CommandHandle", "commands.command_handle"),
        ("CommandInputHandle", "commands.command_input_handle"),
        ("Pty", "commands.pty"),
        ("Git", "git"),
    ):
        try:
            home = importlib.import_module(f"e2b.sandbox_{kind}.{module}")
        except ModuleNotFoundError:
            continue  # the synchronous SDK has no input handle
        yield name, getattr(home, f"Async{name}", None) or getattr(home, name)


def methods(kind: str) -> dict[CodeType, str]:
    """Code and name ("Sandbox.connect") of each public method. A method of an object that is also one of its class
    has two codes and one name. What builds a template's description speaks to nobody and is left out.
    """
    found: dict[CodeType, str] = {}
    for name, cls in _classes(kind):
        for attribute in dir(cls):
            if not attribute.startswith("_") and (name != "Template" or attribute in vars(cls)):
                found.update(dict.fromkeys(_codes(cls, attribute), f"{name}.{attribute}"))
    return found


def _codes(cls: type, attribute: str) -> list[CodeType]:
    raw = inspect.getattr_static(cls, attribute)
    if variant := getattr(raw, "class_method_name", None):
        raws = [raw.method, inspect.getattr_static(cls, variant)]
    else:  # a DualMethod holds two functions, too
        raws = [raw, *getattr(raw, "__dict__", {}).values()]
    functions = [one.__func__ if isinstance(one, classmethod | staticmethod) else one for one in raws]
    return [inspect.unwrap(one).__code__ for one in functions if inspect.isfunction(one)]


@contextmanager
def calls(kind: str) -> Iterator[set[str]]:
    """The names of the public methods that run while the block does, noted by the interpreter itself."""
    known, seen = methods(kind), set[str]()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and (name := known.get(frame.f_code)):
            seen.add(name)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield seen
    finally:
        sys.setprofile(before)
