"""Fill the recipe files: «value», «each list» … «end», «include path». Values are escaped. Pure.

In .html a value becomes escaped text; in .ts, .tsx, .js and .json a whole literal (quotes included), lists and
objects too; in .css only plainly safe values pass. A value is never scanned for marks again.
"""

import html
import json
import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

MARK = re.compile(r"«\s*([^«»]+?)\s*»")
LOOP = re.compile(r"[ \t]*«each ([\w.]+)»\n?(.*?)[ \t]*«end»\n?", re.DOTALL)
INCLUDE = re.compile(r"«include ([\w./-]+)»\n?")
SAFE_CSS = re.compile(r"[\w#%.,()\-\"' ]*")
NAME = re.compile(r"[A-Za-z_]\w*")
WIDTH = 100


def escape(path: str, value: Any, indent: int = 0) -> str:
    """A value as it must stand in this file. Raises ValueError for a value that CSS cannot hold safely."""
    suffix = PurePosixPath(path).suffix
    if suffix in (".html", ".svg"):
        return html.escape(str(value), quote=True)
    if suffix in (".ts", ".tsx", ".js"):
        return literal(value, indent)
    if suffix == ".json":
        return json.dumps(value, ensure_ascii=False)
    if suffix == ".css":
        if not SAFE_CSS.fullmatch(str(value)):
            raise ValueError(f"not a safe CSS value: {value!r}")
        return str(value)
    return " ".join(str(value).split())


def string(value: str) -> str:
    """A JavaScript string literal for a script file (not for a script element inside a page)."""
    return json.dumps(value, ensure_ascii=False).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def literal(value: Any, indent: int = 0) -> str:
    """A JavaScript literal, on one line where it is short, else indented by two more than `indent`."""
    if isinstance(value, str):
        return string(value)
    if not isinstance(value, dict | list):
        return json.dumps(value)
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        keys = [key if NAME.fullmatch(key) else string(key) for key in value]
        parts = [f"{key}: {literal(item, indent + 2)}" for key, item in zip(keys, value.values(), strict=True)]
        opening, closing, pad = "{", "}", " "
    else:
        parts = [literal(item, indent + 2) for item in value]
        opening, closing, pad = "[", "]", ""
    short = f"{opening}{pad}{', '.join(parts)}{pad}{closing}"
    if "\n" not in short and len(short) + indent <= WIDTH:
        return short
    return f"{opening}\n" + "".join(f"{inner}{part},\n" for part in parts) + " " * indent + closing


def fill(path: str, template: str, values: dict[str, Any], include: Callable[[str], str]) -> str:
    """The file's text. Raises KeyError for a value that is not there."""
    template = INCLUDE.sub(lambda m: include(m.group(1)), template)
    pieces, at = [], 0
    for loop in LOOP.finditer(template):
        pieces.append(_plain(path, template[at : loop.start()], values))
        for number, item in enumerate(_find(values, loop.group(1)), 1):
            scope = item if isinstance(item, dict) else {"item": item}
            pieces.append(_plain(path, loop.group(2), values | scope | {"number": number}))
        at = loop.end()
    return "".join(pieces) + _plain(path, template[at:], values)


def _find(values: dict[str, Any], dotted: str) -> Any:
    found: Any = values
    for key in dotted.split("."):
        found = found[int(key)] if isinstance(found, list) else found[key]
    return found


def _plain(path: str, template: str, values: dict[str, Any]) -> str:
    def put(mark: re.Match[str]) -> str:
        line = template[template.rfind("\n", 0, mark.start()) + 1 : mark.start()]
        return escape(path, _find(values, mark.group(1)), len(line) - len(line.lstrip()))

    return MARK.sub(put, template)
