"""Remembering what was done already: a stamp is a hash of what a step was made from, written after it succeeded."""

import hashlib
from collections.abc import Iterable
from pathlib import Path


def digest(paths: Iterable[Path], *facts: str) -> str:
    """A hash over names and contents of files (folders: all files in them) and over some facts."""
    total = hashlib.sha256("\0".join(facts).encode())
    for path in sorted(_files(paths)):
        total.update(f"\0{path}\0".encode())
        total.update(path.read_bytes())
    return total.hexdigest()


def fresh(stamp: Path, wanted: str) -> bool:
    return stamp.is_file() and stamp.read_text() == wanted


def write(stamp: Path, value: str) -> None:
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(value)


def _files(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        if path.is_dir():
            inside = (file for file in path.rglob("*") if not {"__pycache__", "node_modules"} & set(file.parts))
            yield from (file for file in inside if file.is_file())
        elif path.is_file():
            yield path
