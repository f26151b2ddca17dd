"""`bin/manage`: Django's manage.py in the environment the services have."""

import os
import subprocess
import sys

from launcher import running
from launcher.plan import Plan
from launcher.terminal import Terminal
from launcher.up import here


def main(arguments: list[str]) -> int:
    place, given = here(Terminal(sys.stderr))
    note = running.read(place)
    plan = note.plan(place, given) if note else Plan(place, given)
    command = [sys.executable, str(place.root / "manage.py"), *arguments]
    if note or not (plan.embeds_postgres or plan.embeds_valkey):
        os.execve(sys.executable, command, plan.environment())
    code = subprocess.run(command, env=plan.environment()).returncode
    if code and code > 0:
        print(
            "vibe: Vibe is not running here. Commands that use the database need bin/up in another terminal.",
            file=sys.stderr,
        )
    return code if code >= 0 else 128 - code
