"""File tools: write, edit, read, list, search, delete."""

import asyncio
import difflib
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from agents.box import GREP_LINES
from agents.tools.base import Outcome, Tool, Toolbox, ToolFailed, below, count, cut, kept_path, safe_folder, safe_path
from projects import leaks
from projects.blobs import sha256
from projects.diffs import MAX_DIFF_LINES
from projects.frameworks import starting_manifest
from projects.locks import locked_by
from projects.paths import MAX_FILE_BYTES, BadFiles

PATH = {"type": "string", "description": "Path relative to the app's root, such as src/App.tsx."}
# Lines of a diff that the page gets, and characters of each: a minified file is one line.
DIFF_LINES, LINE_CHARS = 400, 500
# Characters of a file, and of each of its lines, in which the nearest place to a search text is looked for.
NEAREST_CHARS, NEAREST_LINE = 200_000, 200
# Characters that one call of read_files gives, shared by its files; lines of matches that search shows.
READ_CHARS, MATCHES = 60_000, 200
MAX_LINES = 10**7
# Secrets that are named of what was written.
MAX_SECRETS = 5
# A write that takes more than this share of the lines of a file of some length is refused unless meant.
LOSS_SHARE, LOSS_LINES = 0.3, 20
# "… rest of the code unchanged": a model's way of not writing a file, which would destroy it. Whole lines, of a comment
# or of dots, that speak of code which is not there. No two parts of it may take the same blanks: a line of many would
# be gone through for each of them.
_OPEN, _CLOSE, _DOTS = r"(?://|\#|/\*|<!--|\{/\*)", r"(?:\*/\}?|-->)?", r"(?:\.\.\.|…)"
_KEEP, _ALL = r"(?:keep[ ]+)?", r"(?:(?:the|all|your)[ ]+)*"
_CODE = r"""(?:code|files?|imports?|styles?|css|html|jsx|markup|functions?|methods?|components?|classes|props|state
    |handlers?|logic|contents?|sections?|parts?|routes?|types?|tests?|lines)"""
_STAYS = r"(?:[ ]+(?:is|are|stays?|remains?|left|kept))?[ ]+(?:the[ ]+)?(?:unchanged|same|as[ ]before|as[ ]is|here)"
ELISION = re.compile(
    rf"""^[ \t]*(?:
        {_OPEN}[ ]*{_DOTS}[ ]*\(?{_KEEP}{_ALL}(?:rest|remaining|existing|other|previous|same|unchanged)\b.*
      | {_DOTS}[ ]*\(?{_KEEP}{_ALL}(?:rest|remainder)[ ]of[ ](?:the[ ])?{_CODE}\b.*
      | {_DOTS}[ ]*\(?{_KEEP}{_ALL}(?:remaining|existing|other|previous)[ ]+{_CODE}\b.*
      | {_OPEN}[ ]*{_ALL}(?:rest|remainder)[ ]of[ ](?:the[ ])?{_CODE}\b.*(?:unchanged|same|here).*
      | {_OPEN}[ ]*{_KEEP}{_ALL}(?:existing|previous)[ ]+{_CODE}(?:{_STAYS})?[ ]*{_DOTS}?[ ]*{_CLOSE}
      | {_OPEN}[ ]*{_ALL}(?:(?:other|remaining)[ ]+)?{_CODE}{_STAYS}[ ]*{_DOTS}?[ ]*{_CLOSE}
      | {_OPEN}[ ]*[(\[](?:unchanged|same[ ]as[ ]before|no[ ]changes?)[)\]][ ]*{_CLOSE}
    )[ \t]*$""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)


async def write_files(tools: Toolbox, values: dict[str, Any]) -> Outcome:
    contents: dict[str, bytes] = {}
    shrink: dict[str, bool] = {}
    for item in values["files"]:
        path, data = kept_path(item["path"]), item["content"].encode("utf-8", "replace")
        if len(data) > MAX_FILE_BYTES:
            raise ToolFailed(f"{path} is larger than {MAX_FILE_BYTES // 2**20} MB. Write less at once.")
        if words := left_out(item["content"]):
            raise ToolFailed(
                f"{path} was not written: it says {words!r} where code should stand. Write the whole file, or use"
                " edit_file for a part of it."
            )
        # Of a path that is named twice the last one counts.
        contents[path], shrink[path] = data, item.get("shrink", False)
    tools.may_change(contents)
    before = {path: await tools.before(path) for path in contents}
    for path in contents:
        if not shrink[path]:
            _refuse_loss(tools, path, before[path], contents[path])
    changes = await _changes(contents, before)
    await tools.box.write(contents)
    return Outcome(
        output=f"Wrote {', '.join(contents)}.{await _warning(contents, before)}",
        summary=", ".join(contents),
        facts={"files": changes},
    )


async def _warning(contents: Mapping[str, bytes], before: Mapping[str, bytes | None]) -> str:
    """What the model is told of keys that came into files; "" of none."""
    # In a thread: a file made to be slow is not to hold up what other runs wait for.
    found = await asyncio.to_thread(leaks.added, contents, lambda path: before[path] or b"")
    if not found:
        return ""
    return (
        f" Secrets are in it now: {'; '.join(map(str, found[:MAX_SECRETS]))}. What runs in a browser is read by whoever"
        " opens the app. Take them out unless the user asked for just that, and tell the user."
    )


def left_out(text: str, before: str = "") -> str:
    """The line of a text that stands for code which is not there, unless it stood there `before`; "" without one."""
    lines = (match[0].strip() for match in ELISION.finditer(text))
    return next((line for line in lines if line not in before), "")


def _refuse_loss(tools: Toolbox, path: str, before: bytes | None, after: bytes) -> None:
    """A file that loses much of itself is nearly always a model that forgot the rest. A template's own may go."""
    if before is None or sha256(before) == starting_manifest(tools.box.framework.name).get(path):
        return
    old, new = before.count(b"\n"), after.count(b"\n")
    if old >= LOSS_LINES and new < old * (1 - LOSS_SHARE):
        raise ToolFailed(
            f"{path} was not written: it would shrink from {old} lines to {new}. Use edit_file for a part of it, or say"
            ' "shrink": true for this file if that is meant.'
        )


async def edit_file(tools: Toolbox, values: dict[str, Any]) -> Outcome:
    path = kept_path(values["path"])
    tools.may_change([path])
    # An edit that may have been made already begins where it began then: made twice, it comes to the same.
    kept = await tools.box.before_edit(tools.key) if tools.again else None
    before = _decoded(path, kept) if kept is not None else await _text(tools, path)
    after = await asyncio.to_thread(_edited, path, before, values["edits"])
    new, old = {path: after.encode("utf-8", "replace")}, {path: before.encode()}
    await tools.box.edit(tools.key, path, old[path], new[path])
    [change] = await _changes(new, old)
    warning = await _warning(new, old)
    return Outcome(
        output=f"Edited {path}: {change['added']} lines added, {change['removed']} removed.{warning}",
        summary=f"+{change['added']} −{change['removed']}",
        facts={"files": [change]},
    )


def _edited(path: str, before: str, edits: list[dict[str, str]]) -> str:
    """A file's text after all edits, which take on its line ends. Raises ToolFailed for one that does not fit."""
    after, lines, windows = before, before.count("\n"), before.count("\r\n")
    mixed = " Its lines end in CRLF here and in LF there: search for parts of one line." if 0 < windows < lines else ""
    for number, edit in enumerate(edits, 1):
        if words := left_out(edit["replace"], before):
            raise ToolFailed(
                f"{path} was not changed: edit {number} would put {words!r} where code should stand. Give all of the"
                " text that is to stand there; what is not in an edit's search stays as it is anyway."
            )
        search, replace = edit["search"], edit["replace"]
        if 0 < windows == lines:
            search, replace = (re.sub(r"\r?\n", "\r\n", text) for text in (search, replace))
        after = _replace(after, search, replace, f"edit {number} of {path}", mixed)
    return after


def _replace(text: str, search: str, replace: str, what: str, hint: str) -> str:
    found = text.count(search) if search else 0
    if found == 1:
        return text.replace(search, replace)
    if found > 1:
        raise ToolFailed(f"{what}: the search text stands {found} times in the file. Give more lines around it.")
    raise ToolFailed(f"{what}: the search text is not in the file.{hint}{_nearest(text, search)}")


def _nearest(text: str, search: str) -> str:
    """What comes nearest to the search text, so that the model sees what differs."""
    wanted, lines = search.strip().splitlines(), text.splitlines()
    if not wanted or len(text) > NEAREST_CHARS:
        return " Read the file again."
    heads = [line[:NEAREST_LINE] for line in lines]
    close = difflib.get_close_matches(wanted[0][:NEAREST_LINE], heads, n=1, cutoff=0.5)
    if not close:
        return " Nothing like its first line is there; read the file again."
    start = heads.index(close[0])
    there = "\n".join(lines[start : start + len(wanted)])
    return f" The nearest place, line {start + 1}, reads:\n{cut(there, 2_000)}"


async def read_files(tools: Toolbox, values: dict[str, Any]) -> Outcome:
    texts: dict[str, str | ToolFailed] = {}
    for raw in paths_of(values["paths"]):
        try:
            if safe_path(raw) in tools.dropped:
                raise ToolFailed(
                    "The owner dropped this file from what you see, and the request does not name it. Go on without it;"
                    " if that is not possible, ask with ask_user and name the file in the options."
                )
            texts[raw] = await _text(tools, safe_path(raw))
        except ToolFailed as error:
            texts[raw] = error
    return excerpts(values["paths"], texts)


def excerpts(items: list[str | dict[str, Any]], texts: Mapping[str, str | ToolFailed]) -> Outcome:
    """Files or ranges of their lines, as a model is shown them, all within READ_CHARS; `texts`: by the paths named."""
    parts, names, found = [], [], 0
    limit = max(2_000, READ_CHARS // len(items))
    for item in items:
        raw, first, last = _range(item)
        names.append(raw)
        if isinstance(text := texts[raw], ToolFailed):
            parts.append(f"### {raw}\n{text}")
            continue
        lines = text.splitlines(keepends=True)
        found += 1
        part = "".join(lines[first - 1 : last])
        whole = first == 1 and last >= len(lines)
        head = raw if whole else f"{raw}, lines {first} to {min(last, len(lines))} of {len(lines)}"
        hint = "" if len(part) <= limit else f"\n(cut: the file has {len(lines)} lines; read a range of them)"
        parts.append(f"### {head}\n{cut(part, limit)}{hint}")
    return Outcome("\n\n".join(parts), summary=", ".join(names), ok=found > 0)


def paths_of(items: list[str | dict[str, Any]]) -> list[str]:
    """The paths that are named, each once."""
    return list(dict.fromkeys(_range(item)[0] for item in items))


def _range(item: str | dict[str, Any]) -> tuple[str, int, int]:
    """A path with its first and last line."""
    if isinstance(item, str):
        return item, 1, MAX_LINES
    first = item.get("from", 1)
    return item["path"], first, max(first, item.get("to", MAX_LINES))


async def list_files(tools: Toolbox, values: dict[str, Any]) -> Outcome:
    paths = below(safe_folder(values.get("path", "")), await tools.box.paths())
    return Outcome(cut("\n".join(paths)) or "(no files)", summary=count(len(paths), "file"))


async def search(tools: Toolbox, values: dict[str, Any]) -> Outcome:
    folder, among = safe_folder(values.get("path", "")), None
    if glob := values.get("glob"):
        among = [path for path in below(folder, await tools.box.paths()) if locked_by(path, [glob])]
    found, trouble = await tools.box.grep(
        values["pattern"],
        folder,
        among,
        literal=values.get("literal", False),
        ignore_case=values.get("ignore_case", False),
    )
    if trouble:
        raise ToolFailed(
            f"The pattern is no regular expression: {trouble[:300]} Give literal: true to find it as it is."
        )
    if folder and not found:
        below(folder, await tools.box.paths())
    shown, least = "\n".join(found[:MATCHES]), "at least " if len(found) == GREP_LINES else ""
    more = f"\n… {least}{len(found) - MATCHES} more lines match; narrow the search." if len(found) > MATCHES else ""
    return Outcome(cut(shown) + more or "Nothing matches.", summary=least + count(len(found), "line"))


async def delete_files(tools: Toolbox, values: dict[str, Any]) -> Outcome:
    paths = [safe_path(path) for path in values["paths"]]
    tools.may_change(paths)
    present = set(await tools.box.paths())
    missing = [path for path in paths if path not in present]
    if missing and not tools.again:
        raise ToolFailed(f"There is no {', '.join(missing)}. Nothing was deleted.")
    doomed = [path for path in paths if path in present]
    changes = await _changes(dict.fromkeys(doomed), {path: await tools.before(path) for path in doomed})
    await tools.box.remove(doomed)
    return Outcome(f"Deleted {', '.join(paths)}.", summary=", ".join(paths), facts={"files": changes})


async def _text(tools: Toolbox, path: str) -> str:
    try:
        data = await tools.box.read(path)
    except BadFiles as error:
        raise ToolFailed(str(error)) from error
    if data is None:
        raise ToolFailed(f"There is no file {path}. Use list_files to see what is there.")
    return _decoded(path, data)


def _decoded(path: str, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ToolFailed(f"{path} is not text.") from None


async def _changes(after: Mapping[str, bytes | None], before: Mapping[str, bytes | None]) -> list[dict[str, Any]]:
    """What became of each file of `after`. In a thread: files made to be slow hold up no other run."""
    return await asyncio.to_thread(lambda: [_change(path, before[path], data) for path, data in after.items()])


def _change(path: str, before: bytes | None, after: bytes | None) -> dict[str, Any]:
    """One file's change as facts: what was done, lines added and removed, a short unified diff. None of bytes, nor of
    files with very many lines, where lines that only moved are not counted.
    """
    action = "created" if before is None else "deleted" if after is None else "changed"
    texts = (b"" if data is None or b"\0" in data else data for data in (before, after))
    old, new = (text.decode("utf-8", "replace").splitlines() for text in texts)
    facts = {"path": path, "action": action}
    if old and new and max(len(old), len(new)) > MAX_DIFF_LINES:
        added, removed = (Counter(new) - Counter(old)).total(), (Counter(old) - Counter(new)).total()
        shown = f"… not shown: the file has more than {MAX_DIFF_LINES:,} lines …"
        return {**facts, "added": added, "removed": removed, "diff": shown}
    diff = list(difflib.unified_diff(old, new, lineterm="", n=2))[2:]
    added = sum(line.startswith("+") for line in diff)
    removed = sum(line.startswith("-") for line in diff)
    return {**facts, "added": added, "removed": removed, "diff": cut_lines(diff)}


def cut_lines(diff: list[str]) -> str:
    left = len(diff) - DIFF_LINES
    shown = [line if len(line) <= LINE_CHARS else f"{line[:LINE_CHARS]}…" for line in diff[:DIFF_LINES]]
    return "\n".join(shown + ([f"… {left} more lines …"] if left > 0 else []))


def _files_title(verb: str, key: str) -> Any:
    def title(values: dict[str, Any]) -> str:
        items = values.get(key)
        if not isinstance(items, list) or not items:
            return f"{verb} files"
        first = items[0].get("path") if isinstance(items[0], dict) else items[0]
        return f"{verb} {first}" if len(items) == 1 else f"{verb} {len(items)} files"

    return title


STRINGS = {"type": "array", "items": PATH, "minItems": 1, "maxItems": 50}

LINE = {"type": "integer", "minimum": 1, "maximum": MAX_LINES}
RANGE = {
    "type": "object",
    "properties": {"path": PATH, "from": LINE, "to": LINE},
    "required": ["path"],
    "additionalProperties": False,
}
RANGES = {"type": "array", "items": {"anyOf": [PATH, RANGE]}, "minItems": 1, "maxItems": 50}

FILE_TOOLS = (
    Tool(
        "write_files",
        "Write new or small files, each whole. Several files in one call are welcome. For a change to a part of an"
        " existing file use edit_file.",
        {
            "files": {
                "type": "array",
                "minItems": 1,
                "maxItems": 50,
                "items": {
                    "type": "object",
                    "properties": {
                        "path": PATH,
                        "content": {"type": "string"},
                        "shrink": {"type": "boolean", "description": "The file is meant to lose much of its lines."},
                    },
                    "required": ["path", "content"],
                    "additionalProperties": False,
                },
            }
        },
        ("files",),
        _files_title("Write", "files"),
        write_files,
    ),
    Tool(
        "edit_file",
        "Change parts of a file by exact search and replace. Each search text must stand exactly once in the file,"
        " spaces included.",
        {
            "path": PATH,
            "edits": {
                "type": "array",
                "minItems": 1,
                "maxItems": 50,
                "items": {
                    "type": "object",
                    "properties": {"search": {"type": "string", "minLength": 1}, "replace": {"type": "string"}},
                    "required": ["search", "replace"],
                    "additionalProperties": False,
                },
            },
        },
        ("path", "edits"),
        lambda values: f"Edit {values.get('path', 'a file')}",
        edit_file,
    ),
    Tool(
        "read_files",
        "Read files, or of long ones a range of lines.",
        {"paths": RANGES},
        ("paths",),
        _files_title("Read", "paths"),
        read_files,
        read_only=True,
    ),
    Tool(
        "list_files",
        "List the app's files, or those below a folder.",
        {"path": PATH},
        (),
        lambda values: f"List {values['path']}" if values.get("path") else "List files",
        list_files,
        read_only=True,
    ),
    Tool(
        "search",
        "Find lines in the app's files by a regular expression (Perl syntax), as path:line:text.",
        {
            "pattern": {"type": "string", "minLength": 1, "maxLength": 500},
            "path": {"type": "string", "description": "A folder or file to look in; all if not given."},
            "glob": {"type": "string", "maxLength": 200, "description": "Only files such as *.tsx or src/**/*.css."},
            "literal": {"type": "boolean", "description": "The pattern is plain text."},
            "ignore_case": {"type": "boolean"},
        },
        ("pattern",),
        lambda values: f"Search for {values.get('pattern', '')[:60]}",
        search,
        read_only=True,
    ),
    Tool(
        "delete_files", "Delete files.", {"paths": STRINGS}, ("paths",), _files_title("Delete", "paths"), delete_files
    ),
)
