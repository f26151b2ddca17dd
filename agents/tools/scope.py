"""The declare_files tool: the files that a request is about, named before they are changed. From then on the other
tools refuse to change any other; what commands change beyond them stands on the closing card.
"""

from typing import Any

from agents.tools.base import Outcome, Tool, Toolbox, ToolFailed, safe_path


async def declare_files(tools: Toolbox, values: dict[str, Any]) -> Outcome:
    names = list(dict.fromkeys(safe_path(name.strip("/")) for name in values["files"]))
    if wide := [name for name in names if not name.strip("*?/.")]:
        raise ToolFailed(f"{wide[0]} is every file. Name those that the request is about, or their folder.")
    tools.unlocked(names)
    return Outcome(
        f"From here on only these can be changed: {', '.join((*tools.scope, *names))}.",
        summary=values["why"],
        facts={"scope": names},
    )


DECLARE_FILES = Tool(
    "declare_files",
    "Name the files that this request needs changed, before the first change: others are refused from then on. Again if"
    " more turn out to be needed.",
    {
        "files": {
            "type": "array",
            "minItems": 1,
            "maxItems": 50,
            "items": {"type": "string", "minLength": 1, "maxLength": 200},
            "description": "Paths, folders, or globs such as src/*.tsx.",
        },
        "why": {"type": "string", "minLength": 1, "maxLength": 200, "description": "A few words for the person."},
    },
    ("files", "why"),
    lambda values: (
        f"Will change {', '.join(map(str, values['files'][:3]))}{' …' * (len(values['files']) > 3)}"
        if isinstance(values.get("files"), list)
        else "Will change files"
    ),
    declare_files,
)
