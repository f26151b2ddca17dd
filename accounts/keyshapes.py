"""What secrets look like: one table for everything that must not let them through (logs, errors, downloads, chats)."""

import base64
import re
from collections.abc import Iterable
from typing import Any


def _begins(prefix: str) -> str:
    """A short prefix (letters, or sets of them) where a word begins, for `sk-` is in `risk-`; also after the end of a
    line as a program or JSON writes it.

    The prefix comes first, so that a text is searched for it.
    """
    return rf"{prefix}(?:(?<![\w-]{prefix})|(?<=\\[nrt]{prefix}))"


# How `"service_role"` stands in base64 at each of three places: the characters that do not depend on others around.
_SERVICE_ROLE = "|".join(
    base64.b64encode(b" " * at + b'"service_role"').decode()[-(-at * 8 // 6) : (at + 14) * 8 // 6] for at in range(3)
)
# What stands for a password in an address, as examples and programs have it, and numbers as short as a port's.
_STAND_IN = r"(?:[$#]?\{[^\s:/@'\"]{1,200}\}|\$\w{1,64}|<[^\s:/@'\"]{1,64}>|%s|%\(\w{1,64}\)s|\*{1,64}|\d{1,5})@"
# Published formats of the vendors' keys, so that ordinary text is left alone; the last two are formats of standards
# (RFC 7468 for keys in PEM, RFC 3986 for a password in an address). None looks far ahead: a text of nothing but
# beginnings of keys would be gone through for each of them.
SHAPES = {
    "Anthropic key": r"sk-ant-[\w-]{16,}",
    "OpenRouter key": _begins("sk-") + r"or-[\w-]{16,}",
    "OpenAI key": _begins("sk-") + r"(?!ant-|or-)(?=[\w-]{0,200}[A-Z])(?=[\w-]{0,200}\d)[\w-]{20,}",
    "DeepSeek key": _begins("sk-") + r"[0-9a-f]{32}(?![\w-])",
    "Google key": _begins("AIza") + r"[\w-]{35}",
    "Groq key": _begins("gsk_") + r"[A-Za-z0-9]{48,}",
    "xAI key": _begins("xai-") + r"[A-Za-z0-9]{20,}",
    "Hugging Face token": _begins("hf_") + r"[A-Za-z0-9]{34,}",
    "E2B key": r"e2b_[0-9a-f]{40}",
    "Supabase key": r"sb_secret_[\w-]{20,}",
    # A JWT that opens everything; those with the role `anon` are made for browsers.
    "Supabase service key": _begins("eyJ")
    + rf"[\w-]{{5,400}}\.(?=[\w-]{{0,1000}}?(?:{_SERVICE_ROLE}))[\w-]{{1,4000}}\.[\w-]{{20,}}",
    "Stripe key": _begins("[sr]k_") + r"(?:live|test)_[A-Za-z0-9]{16,}",
    "Stripe webhook secret": r"whsec_[A-Za-z0-9+/=]{16,}",
    "GitHub token": r"(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,})",
    "GitLab token": r"glpat-[\w-]{20,}",
    "Slack token": r"xox[abeoprs]-[A-Za-z0-9-]{10,}",
    "AWS key": _begins("A[KS]IA") + r"[A-Z2-7]{16}",
    "Figma token": r"figd_[\w-]{20,}",
    "npm token": _begins("npm_") + r"[A-Za-z0-9]{36}",
    "SendGrid key": _begins(r"SG\.") + r"[\w-]{22}\.[\w-]{43}",
    "Vibe token": r"vibe_[\w-]{40,}",
    "private key": r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----(?:(?!-----BEGIN)[\s\S]){0,9999}?"
    r"(?:-----END (?:[A-Z]+ )?PRIVATE KEY-----|$)",
    "password in an address": rf"(?<=://)[^\s:/@'\"]{{1,64}}:(?!{_STAND_IN})[^\s:/@'\"]{{1,256}}(?=@)",
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
