"""Terminals in a sandbox through the SDK."""

import pytest
from e2b import PtySize, Sandbox
from e2b.sandbox.commands.command_handle import CommandExitException


def _talk(sandbox: Sandbox, *lines: str) -> str:
    """Type lines into a fresh terminal and give back all it showed until it ended."""
    terminal = sandbox.pty.create(PtySize(rows=24, cols=80))
    for line in lines:
        sandbox.pty.send_stdin(terminal.pid, f"{line}\n".encode())
    shown: list[bytes] = []
    terminal.wait(on_pty=shown.append)
    return b"".join(shown).decode()


def test_it_talks_to_a_terminal(sandbox: Sandbox) -> None:
    assert "42" in _talk(sandbox, "echo $((6 * 7))", "exit 0")


def test_it_has_the_size_it_was_given(sandbox: Sandbox) -> None:
    assert "24 80" in _talk(sandbox, "stty size", "exit 0")


def test_it_changes_its_size(sandbox: Sandbox) -> None:
    terminal = sandbox.pty.create(PtySize(rows=24, cols=80))
    sandbox.pty.resize(terminal.pid, PtySize(rows=50, cols=132))
    sandbox.pty.send_stdin(terminal.pid, b"stty size\nexit\n")
    shown: list[bytes] = []
    terminal.wait(on_pty=shown.append)
    assert b"50 132" in b"".join(shown)


def test_it_streams_what_is_typed(sandbox: Sandbox) -> None:
    terminal = sandbox.pty.create(PtySize(rows=24, cols=80))
    sandbox.pty.stream_input(terminal.pid, ["echo one", "two\n", b"exit\n"])
    shown: list[bytes] = []
    terminal.wait(on_pty=shown.append)
    assert b"onetwo" in b"".join(shown)


def test_it_is_killed(sandbox: Sandbox) -> None:
    terminal = sandbox.pty.create(PtySize(rows=24, cols=80), timeout=0)
    assert sandbox.pty.kill(terminal.pid) is True
    with pytest.raises(CommandExitException):
        terminal.wait()


def test_it_refuses_to_type_for_the_user(sandbox: Sandbox) -> None:
    """TIOCSTI would put characters into the terminal as if someone had typed them."""
    program = "import fcntl,sys; fcntl.ioctl(0, 0x5412, b'x')"
    assert "PermissionError" in _talk(sandbox, f'python3 -c "{program}"', "exit 0")
