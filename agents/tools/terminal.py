"""The terminal tool: one shell command in the app's root, once per step, with its output streamed."""

from typing import Any

from agents.tools.base import Outcome, Tool, Toolbox, ToolFailed, cut
from agents.tools.servers import starts_server

DEFAULT_SECONDS, MAX_SECONDS = 60, 300


async def terminal(tools: Toolbox, values: dict[str, Any]) -> Outcome:
    command, seconds = values["command"], values.get("timeout", DEFAULT_SECONDS)
    if "\0" in command:
        raise ToolFailed("A command cannot hold a NUL character.")
    if starts_server(command, await tools.before("package.json")):
        raise ToolFailed(
            f"Not run: {command!r} starts a server. The platform keeps the dev server running on port"
            f" {tools.box.framework.port} and reloads it by itself; just go on."
        )
    background = values.get("background", False)
    result = await tools.box.run_once(tools.key, command, seconds, tools.on_output, background=background)
    if result.goes_on:
        head = f"It runs in the background, for {seconds} s at most. What it says goes to {result.log}."
        return Outcome(f"{head}\n{cut(result.output)}".strip(), "runs in the background", facts={"background": True})
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
    "Run a shell command in the app's root and wait for its end, or leave it in the background. Start no servers: the"
    " platform runs the dev server.",
    {
        "command": {"type": "string", "minLength": 1, "maxLength": 10_000},
        "timeout": {"type": "number", "minimum": 1, "maximum": MAX_SECONDS, "description": "Seconds; 60 if not given."},
        "background": {"type": "boolean", "description": "Do not wait; it ends with the time-out or with your work."},
    },
    ("command",),
    lambda values: f"Run {str(values.get('command', ''))[:80]}",
    terminal,
    runs_commands=True,
    seconds=MAX_SECONDS + 30,
)
