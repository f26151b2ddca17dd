"""The declare_files tool: the files that a request is about, named before they are changed. From then on the other
tools refuse to change any other; what commands change beyond them stands on the closing card.
"""

from typing import Any

from agents.tools.base import Outcome, Tool, Toolbox, ToolFailed, safe_path
from projects.locks import locked_by

# Names of one run; paths that have nothing in common: what covers both covers everything.
MOST, ANY = 200, ("qzx/qzx.qzx", "kvw/kvw.kvw")


async def declare_files(tools: Toolbox, values: dict[str, Any]) -> Outcome:
    names = list(dict.fromkeys(safe_path(name.rstrip("/")) for name in values["files"]))
    if wide := [name for name in names if all(locked_by(path, [name]) for path in ANY)]:
        raise ToolFailed(f"{wide[0]} is every file. Name those that the request is about, or their folder.")
    if len({*tools.scope, *names}) > MOST:
        raise ToolFailed(f"A request has at most {MOST} names. Name the folders that the files are in.")
    tools.unlocked(names)
    return Outcome(
        f"Noted: {', '.join(names)}. Only what you have named can be changed.",
        summary=values["why"],
        facts={"scope": names},
    )


DECLARE_FILES = Tool(
    "declare_files",
    "Name the files that the request needs changed, before the first change: others are then refused. Again for more.",
    {
        "files": {
            "type": "array",
            "minItems": 1,
            "maxItems": 50,
            "items": {"type": "string", "minLength": 1, "maxLength": 200},
            "description": "Paths, folders, globs.",
        },
        "why": {"type": "string", "minLength": 1, "maxLength": 200, "description": "For the person."},
    },
    ("files", "why"),
    lambda values: (
        f"Will change {', '.join(map(str, values['files'][:3]))}{' …' * (len(values['files']) > 3)}"
        if isinstance(values.get("files"), list)
        else "Will change files"
    ),
    declare_files,
)
