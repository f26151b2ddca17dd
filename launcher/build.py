"""`bin/build`: one prompt to one app without a browser, with the services of a running `bin/up` or with our own."""

import os
import sys
from pathlib import Path

from launcher import running
from launcher.beside import make_ready, run_beside
from launcher.terminal import Terminal
from launcher.up import here, jobs


def main(arguments: list[str]) -> int:
    # Progress goes to standard error: with --json the output is for a program.
    terminal = Terminal(sys.stderr, quiet=True)
    place, given = here(terminal)
    command = [sys.executable, str(place.root / "manage.py"), "build", *_from_caller(arguments)]
    asking = {"-h", "--help"} & set(arguments)
    if running.read(place) is None and not asking:
        print("Starting Vibe's services for this build ...", file=sys.stderr)
        make_ready(place, given, terminal)
    return run_beside(place, given, terminal, "build", (lambda plan: []) if asking else jobs, command)


def _from_caller(arguments: list[str]) -> list[str]:
    """`--out` is meant from where the person stands, not from the project's root."""
    caller = Path(os.environ.get("VIBE_CALLER_DIR", "."))
    found = list(arguments)
    for number, argument in enumerate(arguments):
        if argument.startswith("--out="):
            found[number] = f"--out={caller / argument.removeprefix('--out=')}"
        elif argument == "--out" and number + 1 < len(arguments):
            found[number + 1] = str(caller / arguments[number + 1])
    return found
