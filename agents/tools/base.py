"""What a tool is, what it works with, and how its input is checked."""

import json
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator

from agents.box import ROOT, Box
from projects.locks import locked_by
from projects.paths import BadFiles, check_kept, check_path, made_by_tools

# Characters of a result that go back to the model; the middle of what is longer is left out.
OUTPUT_CHARS = 16_000


class ToolFailed(Exception):
    """The tool did not do it. The text goes to the model as it is and should say how to do better."""


@dataclass
class Outcome:
    """What a tool did: `output` for the model, `summary` for people, `facts` for the page."""

    output: str
    summary: str = ""
    ok: bool = True
    facts: dict[str, Any] = field(default_factory=dict)
    # A screenshot as base64, for models that see, and its media type.
    picture: str = ""
    picture_type: str = "image/webp"


@dataclass(frozen=True)
class Toolbox:
    """What a tool may use: the sandbox, the step's key, where live output goes.

    `again`: an earlier try of this very step may have done all or part of it. `locked`: globs of files not to change.
    `dropped`: files not to read. `scope`: globs of the only files to change; none: nobody has said.
    """

    box: Box
    key: str
    on_output: Callable[[str], None]
    again: bool = False
    locked: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()

    def may_change(self, paths: Collection[str]) -> None:
        """Raises ToolFailed for a file that the owner locked, or that is not among those that the agent named."""
        self.unlocked(paths)
        if self.scope and (other := [path for path in paths if not locked_by(path, self.scope)]):
            raise ToolFailed(
                f"{', '.join(other[:5])} is not among the files that you named for this request"
                f" ({', '.join(self.scope[:20])}); nothing was changed. Do it without, or, if that is not possible,"
                " name it with declare_files and say why."
            )

    async def before(self, path: str) -> bytes | None:
        """What a file holds that may be written over or deleted; of one that is too large to be read, as good as that:
        NUL, of which no diff is shown.
        """
        try:
            return await self.box.read(path)
        except BadFiles:
            return b"\0"

    def unlocked(self, paths: Iterable[str]) -> None:
        """Raises ToolFailed for a file that the owner locked."""
        for path in paths:
            if pattern := locked_by(path, self.locked):
                raise ToolFailed(
                    f"{path} is locked by the owner ({pattern}); nothing was changed. If the task needs a change there,"
                    " ask the person with ask_user; else do it elsewhere."
                )


@dataclass(frozen=True)
class Tool:
    """One tool: its schema for the model, a title for people, and the work."""

    name: str
    description: str
    properties: dict[str, Any]
    required: tuple[str, ...]
    title: Callable[[dict[str, Any]], str]
    # None: it is done without the sandbox, by the loop itself or by a server.
    work: Callable[[Toolbox, dict[str, Any]], Awaitable[Outcome]] | None = None
    read_only: bool = False
    # Runs commands, which may do more than its input says.
    runs_commands: bool = False
    # Seconds the work may take at most, whatever the input asks for.
    seconds: float = 60
    # Done by an MCP server of the owner's (the id of its row), under this name there. It checks the input itself,
    # against the schema it gave: patterns and references in that are somebody else's.
    server: int = 0
    remote: str = ""
    given: dict[str, Any] | None = None

    @property
    def schema(self) -> dict[str, Any]:
        return self.given or {
            "type": "object",
            "properties": self.properties,
            "required": list(self.required),
            "additionalProperties": False,
        }

    def definition(self) -> dict[str, Any]:
        """The tool as the Messages protocol describes it."""
        return {"name": self.name, "description": self.description, "input_schema": self.schema}

    def check(self, values: dict[str, Any]) -> None:
        """Raises ToolFailed when the input does not fit the schema of a tool of ours, or is no text to send."""
        if self.server:
            return
        try:
            json.dumps(values, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            half = f"\\u{ord(error.object[error.start]):04x}"
            raise ToolFailed(f"The input holds {half}, half of a surrogate pair. Write the whole character.") from error
        misfit = next(iter(Draft202012Validator(self.schema).iter_errors(values)), None)
        if misfit is not None:
            where = "/".join(map(str, misfit.absolute_path)) or "input"
            raise ToolFailed(f"The input of {self.name} does not fit its schema: {where}: {misfit.message[:300]}")


def safe_path(path: str) -> str:
    """A path relative to the app's root. Raises ToolFailed for one that leads anywhere else."""
    path = path.removeprefix(ROOT + "/").removeprefix("./")
    try:
        return check_path(path)
    except BadFiles as error:
        raise ToolFailed(f"{error} Paths are relative to {ROOT}.") from error


def safe_folder(path: str) -> str:
    """A folder or file, as `safe_path`; "" for the app's root. Raises ToolFailed."""
    path = path.rstrip("/")
    return "" if path in ("", ".", ROOT) else safe_path(path)


def below(folder: str, paths: Iterable[str]) -> list[str]:
    """Those of the paths that are a folder's, or are itself; "" is the root. Raises ToolFailed where there are none."""
    found = [path for path in paths if not folder or path == folder or path.startswith(f"{folder}/")]
    if folder and not found:
        made = made_by_tools(folder)
        hint = f" What is called {made} is made by tools and left out." if made else " List files without a folder."
        raise ToolFailed(f"There is no {folder} among the app's files.{hint}")
    return found


def kept_path(path: str) -> str:
    """A path, as `safe_path`, of a file that versions keep. Raises ToolFailed."""
    path = safe_path(path)
    try:
        check_kept([path])
    except BadFiles as error:
        raise ToolFailed(f"Nothing was written: {error}") from error
    return path


def cut(text: str, limit: int = OUTPUT_CHARS) -> str:
    """Long text without its middle, and how much was left out."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n… {len(text) - limit:,} characters left out …\n{text[-half:]}"


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
