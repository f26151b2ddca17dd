"""The fingerprint of an error: what stays the same when only places, numbers and times differ.

Two outputs with one fingerprint are the same error; so a fix that changed nothing about it is seen to have failed.
"""

import hashlib
import re

ERROR_LINES, END_CHARS = 12, 30_000
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_SIGN = re.compile(
    r"error|fail|cannot|can't|could not|not found|unexpected|undefined|missing|invalid|unresolved|unknown|denied"
    r"|refused|not assignable|not exist|not defined|exception|answered \d|\bTS\d{3,}",
    re.IGNORECASE,
)
# Summaries that only count: "3 errors", "Found 2 problems", "npm ERR! code 1".
_COUNT = re.compile(r"^\W*(found\s+)?#?\s*(errors?|problems?|warnings?)\W*$|^npm (err|warn)", re.IGNORECASE)
# A line that only counts says nothing of what is wrong, and a linter's of an output that a compiler ends: nothing is.
_COUNTS = r"(?:\d+|no) (?:errors?|problems?|warnings?|issues?)\b"
_COUNTING = re.compile(rf"^[^:]{{0,40}}?{_COUNTS}(?:\W+(?:and )?{_COUNTS})*(?: in [\d.]+ ?m?s)?\W*$", re.IGNORECASE)
_NOISE = (
    (re.compile(r"\b[a-z][\w+.-]*://[^\s'\"<>)]+"), "<url>"),
    (re.compile(r"(?:[\w.@~-]*/)+([\w.@-]+)"), r"\1"),  # of a path, the file's name stays
    (re.compile(r"\b0x[0-9a-f]+\b|\b[0-9a-f]{8,}\b", re.IGNORECASE), "#"),
    (re.compile(r"(?<![A-Za-z\d])\d+(?:[.:,_-]\d+)*"), "#"),  # a code such as TS2322 stays
    (re.compile(r"#\s?(?:ms|s|m|h|kB|MB|B)\b"), "#"),
    (re.compile(r"\s+"), " "),
)


def fingerprint(output: str) -> str:
    """Twelve hex digits for an error's output; the same for the same error elsewhere in the file, or tomorrow."""
    return hashlib.sha256("\n".join(essence(output)).encode()).hexdigest()[:12]


def essence(output: str) -> list[str]:
    """The lines that make the error, without what varies; sorted, each once."""
    lines = _lines(output)
    told = [line for line in lines if _tells(line)] or lines[-ERROR_LINES:]
    plain = dict.fromkeys(bare for line in told if (bare := _bare(line)) and not _COUNT.search(bare))
    return sorted(list(plain)[:ERROR_LINES])


def tells_an_error(output: str) -> bool:
    """Whether any line says that something is wrong."""
    return any(_SIGN.search(line) for line in _lines(output))


def first_line(output: str) -> str:
    """The first line that says what is wrong, for people."""
    lines = [line.strip() for line in _lines(output) if line.strip()]
    return next((line for line in lines if _tells(line)), lines[-1] if lines else "")[:300]


def _tells(line: str) -> bool:
    return bool(_SIGN.search(line)) and not _COUNTING.search(line)


def _lines(output: str) -> list[str]:
    """Both ends of an output in lines of bounded length, so that no output makes the patterns slow."""
    ends = output if len(output) <= 2 * END_CHARS else f"{output[:END_CHARS]}\n{output[-END_CHARS:]}"
    return [line[:400] for line in _ANSI.sub("", ends).splitlines()]


def _bare(line: str) -> str:
    for pattern, instead in _NOISE:
        line = pattern.sub(instead, line)
    return line.strip()
