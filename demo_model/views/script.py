"""Rewrite the small pieces of TypeScript in a view: its names become what each framework calls them. Pure."""

import re
from collections.abc import Callable, Mapping

TOKEN = re.compile(
    r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`(?:[^`\\]|\\.)*`|\.\.\.|\?\.|[A-Za-z_$][\w$]*|\d[\w.]*|\s+|.', re.DOTALL
)
HOLE = re.compile(r"\$\{([^}]*)\}")


def rename(code: str, names: Mapping[str, str]) -> str:
    """The code with each name of `names` replaced; properties, keys and strings stay as they are."""
    tokens = TOKEN.findall(code)
    out, before = [], ""
    for at, token in enumerate(tokens):
        if token.startswith("`"):
            out.append(HOLE.sub(lambda m: "${" + rename(m.group(1), names) + "}", token))
        elif token in names and before not in (".", "?.") and not _is_key(tokens, at, before):
            out.append(names[token])
        else:
            out.append(token)
        before = before if token.isspace() else token
    return "".join(out)


def _is_key(tokens: list[str], at: int, before: str) -> bool:
    after = next((token for token in tokens[at + 1 :] if not token.isspace()), "")
    return after == ":" and before in ("{", ",")


def uses(code: str) -> set[str]:
    """The names a piece of code uses (properties left out)."""
    found: set[str] = set()
    before = ""
    for token in TOKEN.findall(code):
        if token.startswith("`"):
            for hole in HOLE.findall(token):
                found |= uses(hole)
        elif (token[:1].isalpha() or token[:1] in "_$") and before not in (".", "?."):
            found.add(token)
        before = before if token.isspace() else token
    return found


def assign(code: str, states: Mapping[str, str], put: Callable[[str, str], str]) -> str:
    """Assignments to states as calls: in statements (`x = 1;`), or the whole code when it is one."""
    names = "|".join(states) or "(?!)"
    code = re.sub(rf"(?<![\w.])({names}) = ([^;]+);", lambda m: f"{put(m[1], m[2])};", code)
    return re.sub(rf"^({names}) = ([^;]+)$", lambda m: put(m[1], m[2]), code, flags=re.DOTALL)


def single(code: str) -> str:
    """Code for a double-quoted attribute: its strings in single quotes."""
    return "".join(map(_single, TOKEN.findall(code)))


def _single(token: str) -> str:
    if token.startswith("`"):
        return HOLE.sub(lambda m: "${" + single(m.group(1)) + "}", token)
    return f"'{token[1:-1]}'" if token.startswith('"') else token


def setter(name: str) -> str:
    return f"set{name[:1].upper()}{name[1:]}"


def kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
