"""What secrets look like: one table for everything that must not let them through (logs, errors, downloads, chats)."""

import re
from collections.abc import Iterable
from typing import Any

# Published formats of the vendors' keys, so that ordinary text is left alone; the last two are formats of standards
# (RFC 7468 for keys in PEM, RFC 3986 for a password in an address). None looks far ahead: a text of nothing but
# beginnings of keys would be gone through for each of them.
SHAPES = {
    "Anthropic key": r"sk-ant-[\w-]{16,}",
    "OpenRouter key": r"sk-or-[\w-]{16,}",
    "OpenAI key": r"sk-(?!ant-|or-)(?=[\w-]{0,200}[A-Z])(?=[\w-]{0,200}\d)[\w-]{20,}",
    "Google key": r"AIza[\w-]{35}",
    "xAI key": r"xai-[A-Za-z0-9]{20,}",
    "E2B key": r"e2b_[0-9a-f]{40}",
    "Stripe key": r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}",
    "Stripe webhook secret": r"whsec_[A-Za-z0-9+/=]{16,}",
    "GitHub token": r"(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,})",
    "GitLab token": r"glpat-[\w-]{20,}",
    "Slack token": r"xox[abeoprs]-[A-Za-z0-9-]{10,}",
    "AWS key": r"(?:AKIA|ASIA)[A-Z2-7]{16}",
    "Figma token": r"figd_[\w-]{20,}",
    "npm token": r"npm_[A-Za-z0-9]{36}",
    "SendGrid key": r"SG\.[\w-]{22}\.[\w-]{43}",
    "Vibe token": r"vibe_[\w-]{40,}",
    "private key": r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----(?:(?!-----BEGIN)[\s\S]){0,9999}?"
    r"(?:-----END (?:[A-Z]+ )?PRIVATE KEY-----|$)",
    "password in an address": r"(?<=://)[^\s:/@'\"]{1,64}:[^\s:/@'\"]{1,256}(?=@)",
}
_ANY = re.compile("|".join(f"(?P<s{number}>{shape})" for number, shape in enumerate(SHAPES.values())))
_NAMES = list(SHAPES)
# One by one they are looked for ten times as fast: most begin with letters that can be searched for.
_EACH = [re.compile(shape) for shape in SHAPES.values()]
# Keys of mappings whose value is a secret whatever it looks like.
SECRET_NAME = re.compile(
    r"passw|secret|token|api[_-]?key|authorization|cookie|session|csrf|private|credential|dsn$|(database|redis|broker|email)_url$",
    re.IGNORECASE,
)
MASK = "[removed]"
MAX_DEPTH = 12


def found(text: str) -> list[tuple[str, int]]:
    """Every secret in a text: what it is, and its line, from 1. The secret itself is not told."""
    return [_told(match) for match in _matches(text)]


def added(text: str, before: str) -> list[tuple[str, int]]:
    """As `found`, without the secrets that stood in `before`."""
    return [_told(match) for match in _matches(text) if match.group() not in before]


def _matches(text: str) -> Iterable[re.Match[str]]:
    return _ANY.finditer(text) if any(shape.search(text) for shape in _EACH) else ()  # as in most texts


def _told(match: re.Match[str]) -> tuple[str, int]:
    return _NAMES[int(str(match.lastgroup)[1:])], match.string.count("\n", 0, match.start()) + 1


def masked(text: str) -> str:
    """The text with every secret replaced."""
    return _ANY.sub(MASK, text)


def masked_all(value: Any, depth: int = 0) -> Any:
    """A structure of dicts, lists and texts with its secrets replaced: by their look, and by their names."""
    if depth > MAX_DEPTH:
        return MASK
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {
            key: MASK if isinstance(key, str) and SECRET_NAME.search(key) and item else masked_all(item, depth + 1)
            for key, item in value.items()
        }
    return [masked_all(item, depth + 1) for item in value] if isinstance(value, list | tuple) else value
