"""Which command lines start a dev server. They are read as a shell reads them: words, not text that contains them."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping

# Programs that serve until they are stopped, with the words that make them do so; () for any words but those of QUIET.
SERVERS: dict[str, tuple[str, ...]] = {
    "vite": (), "next": ("dev", "start"), "ng": ("serve", "s"), "nuxt": ("dev", "start", "preview"),
    "astro": ("dev", "preview"), "svelte-kit": ("dev", "preview"), "react-scripts": ("start",),
    "webpack-dev-server": (), "webpack": ("serve",), "parcel": ("serve",), "remix": ("dev",), "serve": (),
    "http-server": (), "live-server": (), "browser-sync": ("start",), "nodemon": (), "gatsby": ("develop", "serve"),
    "flask": ("run",), "uvicorn": (), "gunicorn": (), "daphne": (), "wrangler": ("dev",),
}  # fmt: skip
# `vite build` and `--version` come to an end.
QUIET = {"build", "optimize", "--version", "-v", "--help", "-h"}
# Programs that run another one: what follows, after options, is the command.
WRAPPERS = {"env", "nohup", "time", "exec", "command", "sudo", "nice", "setsid", "stdbuf", "timeout", "xargs", "npx",
            "pnpx", "bunx", "concurrently", "cross-env"}  # fmt: skip
MANAGERS = {"npm", "pnpm", "yarn", "bun"}
RUN_WORDS = {"run", "run-script", "exec", "x", "dlx"}
SHELLS = {"sh", "bash", "dash", "zsh"}
HEREDOC = re.compile(r"<<-?\s*['\"]?(\w+)")
MAX_DEPTH, MAX_CHARS = 4, 20_000


def starts_server(command: str, package: bytes | None = None, depth: int = 0) -> bool:
    """Whether any part of a command line starts a dev server; `package`: the app's package.json, for its scripts."""
    if depth > MAX_DEPTH:
        return False
    return any(_serves(words, _scripts(package), package, depth) for words in _commands(command))


def _serves(words: list[str], scripts: Mapping[str, str], package: bytes | None, depth: int) -> bool:
    words = _unwrapped(words)
    if not words:
        return False
    name, rest = words[0].rsplit("/", 1)[-1], words[1:]
    if name in SHELLS and any(word.startswith("-") and "c" in word for word in rest):
        inner = [word for word in rest if not word.startswith("-")]
        return bool(inner) and starts_server(inner[0], package, depth + 1)
    if name in MANAGERS:
        return _manager_serves(rest, scripts, package, depth)
    if name.startswith("python") and rest[:2] == ["-m", "http.server"]:
        return True
    if name == "php" and "-S" in rest:
        return True
    wanted = SERVERS.get(name)
    if wanted is None or set(rest) & QUIET:
        return False
    plain = [word for word in rest if not word.startswith("-")]
    return not wanted or bool(plain and plain[0] in wanted)


def _manager_serves(rest: list[str], scripts: Mapping[str, str], package: bytes | None, depth: int) -> bool:
    """npm run NAME, yarn NAME, pnpm exec PROGRAM."""
    plain = [word for word in _without_options(rest) if word != "--"]
    if plain and plain[0] in RUN_WORDS:
        plain = plain[1:]
    if not plain:
        return False
    name = plain[0]
    if name in ("start", "dev", "serve", "preview"):  # whatever program of the app's own stands behind it
        return True
    if name in scripts:
        return starts_server(scripts[name], package, depth + 1)
    return _serves(plain, scripts, package, depth + 1)


def _unwrapped(words: list[str]) -> list[str]:
    """Without VARIABLE=value and programs that only run another one, with their options."""
    while words:
        name = words[0].rsplit("/", 1)[-1]
        if re.fullmatch(r"\w+=.*", words[0], re.DOTALL):
            words = words[1:]
        elif name in WRAPPERS:
            words = words[1:]
            while words and (words[0].startswith("-") or re.fullmatch(r"\d+[smhd]?", words[0])):
                words = words[1:]
        else:
            return words
    return words


def _without_options(words: list[str]) -> list[str]:
    kept, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word in ("--prefix", "-C", "--cwd", "--filter", "-w", "--workspace"):
            skip = True
        elif not word.startswith("-") or word == "--":
            kept.append(word)
    return kept


def _commands(line: str) -> Iterator[list[str]]:
    """The simple commands of a command line, as words."""
    line = _without_heredocs(line[:MAX_CHARS]).replace("`", ";").replace("\\\n", " ").replace("\n", " ; ")
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    try:
        for word in lexer:
            if word and set(word) <= set("();<>|&"):
                yield words
                words = []
            else:
                words.append(word)
    except ValueError:  # an open quote: the shell refuses it, too
        pass
    yield words


def _without_heredocs(text: str) -> str:
    """A script without what it feeds to its commands."""
    kept, end = [], ""
    for line in text.splitlines():
        if end:
            end = "" if line.strip() == end else end
            continue
        kept.append(line)
        if match := HEREDOC.search(line):
            end = match[1]
    return "\n".join(kept)


def _scripts(package: bytes | None) -> dict[str, str]:
    try:
        found = json.loads(package or b"{}")["scripts"]
        return {name: text for name, text in found.items() if isinstance(text, str)}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
