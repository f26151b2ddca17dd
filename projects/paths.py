"""Which paths and amounts of files a version may hold. Everything here must be safe to unpack on any system."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

MAX_FILES = 2_000
MAX_FILE_BYTES = 5 * 2**20
MAX_TOTAL_BYTES = 50 * 2**20
MAX_PATH_BYTES = 512
# What ext4, APFS and NTFS all take.
MAX_PART_BYTES = 255
# Where an export keeps what is no file of the app: its versions and its conversation (projects/exporting.py).
OURS = ".vibe"
# Made by tools, not by people: never listed, searched, saved or imported. What builds make only at the root: below it a
# page of an app may well be called so.
MADE_BY_TOOLS = (
    "node_modules", ".git", ".vite", ".next", "next-env.d.ts", ".svelte-kit", ".angular", ".cache", OURS,
)  # fmt: skip
MADE_AT_ROOT = ("dist", "coverage")
# How languages are called by their files' endings, where that is not the ending itself.
LANGUAGES = {
    "ts": "typescript", "js": "javascript", "mjs": "javascript", "cjs": "javascript", "md": "markdown", "yml": "yaml",
    "htm": "html", "py": "python", "sh": "bash",
}  # fmt: skip


def language(path: str) -> str:
    """The language of a file by its name, such as typescript; "" for a name without an ending."""
    ending = PurePosixPath(path).suffix[1:].lower()
    return LANGUAGES.get(ending, ending)


class BadFiles(ValueError):
    """These files cannot be kept. The text names the file and what is wrong with it."""


def check_path(path: str) -> str:
    """The path itself, relative with forward slashes. Raises BadFiles."""
    shown = ascii(path[:100])
    try:
        raw = path.encode()
    except UnicodeEncodeError:
        raise BadFiles(f"The file name {shown} is not valid Unicode.") from None
    if not path or path.startswith("/") or re.match(r"[A-Za-z]:", path):
        raise BadFiles(f"The file name {shown} must be relative to the project.")
    if "\\" in path or any(unicodedata.category(char) == "Cc" for char in path):
        raise BadFiles(f"The file name {shown} holds a backslash or a control character.")
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise BadFiles(f"The file name {shown} has an empty part, '.' or '..'.")
    if parts[0].casefold() == OURS:
        raise BadFiles(f"The folder {OURS} is no part of an app: exports keep versions and the chat there.")
    if len(raw) > MAX_PATH_BYTES or any(len(part.encode()) > MAX_PART_BYTES for part in parts):
        raise BadFiles(
            f"The file name {shown} is longer than {MAX_PATH_BYTES} bytes, or a part of it than {MAX_PART_BYTES}."
        )
    return path


def made_by_tools(path: str) -> str:
    """The part of a path by which it is no file of a person's; "" for one that is."""
    parts = path.split("/")
    return parts[0] if parts[0] in MADE_AT_ROOT else next((part for part in parts if part in MADE_BY_TOOLS), "")


def check_kept(paths: Iterable[str]) -> None:
    """Refuse to write what no snapshot of a sandbox takes along. Raises BadFiles."""
    for path in paths:
        if part := made_by_tools(path):
            where = " at the app's root" if part in MADE_AT_ROOT else ""
            raise BadFiles(
                f"{path[:100]} would be lost: what is called {part}{where} is made by tools and never saved."
                " Use another name."
            )


def check_files(files: Mapping[str, bytes]) -> None:
    """Refuse as a whole what is too much, badly named, or would overwrite itself when unpacked. Raises BadFiles."""
    check_amounts({path: len(content) for path, content in files.items()})
    for path in files:
        check_path(path)
    check_clashes(files)


def check_amounts(sizes: Mapping[str, int]) -> None:
    """{path: bytes} within the limits. Raises BadFiles."""
    if len(sizes) > MAX_FILES:
        raise BadFiles(f"The project has {len(sizes):,} files; at most {MAX_FILES:,} can be kept.")
    for path, size in sizes.items():
        if size > MAX_FILE_BYTES:
            raise BadFiles(f"{path[:100]} has {size:,} bytes; a file has at most {MAX_FILE_BYTES:,}.")
    if (total := sum(sizes.values())) > MAX_TOTAL_BYTES:
        raise BadFiles(f"The project has {total:,} bytes; at most {MAX_TOTAL_BYTES:,} can be kept.")


def check_clashes(paths: Iterable[str]) -> None:
    """No two names that one file system would take for one, and no file that is also a folder. Raises BadFiles."""
    seen: dict[str, tuple[str, bool]] = {}
    for path in paths:
        parts = path.split("/")
        for end in range(1, len(parts) + 1):
            name, is_file = "/".join(parts[:end]), end == len(parts)
            first = seen.setdefault(unicodedata.normalize("NFC", name).casefold(), (name, is_file))
            if first != (name, is_file):
                raise BadFiles(f"{first[0]} and {name} are the same name on some systems. Rename one.")
