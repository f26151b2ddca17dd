"""The terminal tool: one shell command in the app's root, once per step, with its output streamed."""

import shlex
from typing import Any

from agents.tools.base import Outcome, Tool, Toolbox, ToolFailed, cut

DEFAULT_SECONDS, MAX_SECONDS = 60, 300
# Commands that start a server and never end. The platform runs the dev server; a second would fight for its port.
SERVERS = {
    ("npm", "start"), ("npm", "run", "dev"), ("npm", "run", "start"), ("npm", "run", "serve"),
    ("npm", "run", "preview"), ("yarn", "dev"), ("yarn", "start"), ("pnpm", "dev"), ("pnpm", "start"),
    ("pnpm", "run", "dev"), ("bun", "dev"), ("vite",), ("npx", "vite"), ("vite", "dev"), ("next", "dev"),
    ("npx", "next", "dev"), ("next", "start"), ("ng", "serve"), ("npx", "ng", "serve"), ("npx", "serve"),
    ("npx", "http-server"),
}  # fmt: skip


def starts_server(command: str) -> bool:
    """Whether any part of a command line starts a dev server."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:
        return False
    parts: list[list[str]] = [[]]
    for word in words:
        if set(word) <= set("();<>|&"):
            parts.append([])
        elif parts[-1] or "=" not in word:  # VARIABLE=value in front of a command
            parts[-1].append(word)
    return any(tuple(part[: len(server)]) == server and _bare(part, server) for part in parts for server in SERVERS)


def _bare(part: list[str], server: tuple[str, ...]) -> bool:
    """`vite build` is no server, `vite --port 4000` is."""
    rest = part[len(server) :]
    return not rest or rest[0].startswith("-") or server[-1] not in ("vite", "serve", "http-server")


async def terminal(tools: Toolbox, values: dict[str, Any]) -> Outcome:
    command, seconds = values["command"], values.get("timeout", DEFAULT_SECONDS)
    if "\0" in command:
        raise ToolFailed("A command cannot hold a NUL character.")
    if starts_server(command):
        raise ToolFailed(
            f"Not run: {command!r} starts a server. The platform keeps the dev server running on port"
            f" {tools.box.framework.port} and reloads it by itself; just go on."
        )
    result = await tools.box.run_once(tools.key, command, seconds, tools.on_output)
    if result.timed_out:
        head = f"Stopped after {seconds} s."
    elif result.exit_code is None:
        head = "The worker was interrupted; whether this command finished is unknown. Check before you repeat it."
    else:
        head = f"Exit code {result.exit_code}."
    return Outcome(
        output=f"{head}\n{cut(result.output)}".strip(),
        summary=head.rstrip("."),
        ok=result.exit_code == 0,
        facts={"exit_code": result.exit_code, "output": cut(result.output)},
    )


TERMINAL = Tool(
    "terminal",
    "Run a shell command in the app's root and wait for its end. Start no servers: the platform runs the dev server.",
    {
        "command": {"type": "string", "minLength": 1, "maxLength": 10_000},
        "timeout": {"type": "number", "minimum": 1, "maximum": MAX_SECONDS, "description": "Seconds; 60 if not given."},
    },
    ("command",),
    lambda values: f"Run {str(values.get('command', ''))[:80]}",
    terminal,
    seconds=MAX_SECONDS + 30,
)
