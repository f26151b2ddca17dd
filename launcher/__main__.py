"""The commands behind bin/: `python -m launcher up | manage | build | ...`."""

import errno
import os
import sys
from collections.abc import Callable

from launcher.problem import Problem


def main(arguments: list[str]) -> int:
    # Sandboxes and servers run as other users and must be able to read what we make; secrets get their own modes.
    os.umask(0o022)
    if not arguments or arguments[0] not in COMMANDS:
        print(f"usage: python -m launcher {{{'|'.join(COMMANDS)}}} ...", file=sys.stderr)
        return 2
    try:
        return COMMANDS[arguments[0]](arguments[1:])
    except Problem as problem:
        print(f"vibe: {problem}", file=sys.stderr)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        print(
            f"vibe: The disk is full ({error.filename or 'while writing'}). Free some space and start again.",
            file=sys.stderr,
        )
    return 1


def _up(arguments: list[str]) -> int:
    from launcher import up

    return up.main(arguments)


def _manage(arguments: list[str]) -> int:
    from launcher import manage

    return manage.main(arguments)


def _build(arguments: list[str]) -> int:
    from launcher import build

    return build.main(arguments)


def _run(arguments: list[str]) -> int:
    from launcher import testing

    return testing.run_in_environment(arguments)


def _prepare(arguments: list[str]) -> int:
    from launcher import up

    return up.prepare_only(arguments)


def _prepare_tests(arguments: list[str]) -> int:
    from launcher import testing
    from launcher.terminal import Terminal

    terminal = Terminal()
    testing.prepare(terminal)
    if testing.chromium(terminal) is None:
        terminal.always(
            "!!! NO CHROMIUM HERE: BROWSER TESTS WILL BE SKIPPED. Install it: sudo apt-get install chromium"
        )
    return 0


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "up": _up,
    "manage": _manage,
    "build": _build,
    "prepare": _prepare,
    "prepare-tests": _prepare_tests,
    "run": _run,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
