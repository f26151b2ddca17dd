"""The file calls meet a hostile directory: they never leave the sandbox and never block."""

import asyncio
import time

import pytest
from e2b import AsyncSandbox, Sandbox
from e2b.exceptions import InvalidArgumentException, SandboxException

from .conftest import Host


def test_it_follows_no_link_to_the_host(host: Host, sandbox: Sandbox) -> None:
    secret = host.state / "secret"
    secret.write_text("canary")
    secret.chmod(0o644)
    sandbox.commands.run(
        f"ln -s {secret} leaf; ln -s {host.state} dir; ln -s /proc/1/root root; ln -s / all; ln -s /proc/self/cwd here"
    )
    for path in (
        "leaf",
        "dir/secret",
        f"root{secret}",
        f"all{secret}",
        "../../../../../../.." + str(secret),
        f"here/../../..{secret}",
    ):
        with pytest.raises(SandboxException):
            sandbox.files.read(path)
    sandbox.files.write("leaf2", "x")
    sandbox.commands.run(f"ln -sf {secret} leaf2")
    with pytest.raises(SandboxException):
        sandbox.files.write("leaf2", "overwritten")
    assert secret.read_text() == "canary"
    secret.unlink()


@pytest.mark.parametrize(
    "make",
    [
        "mkfifo odd",
        "ln -s /dev/zero odd",
        "ln -s /proc/kmsg odd",
        "ln -s odd odd",
        "python3 -c \"import socket; socket.socket(1).bind('odd')\"",
    ],
)
def test_it_never_blocks_on_odd_files(sandbox: Sandbox, make: str) -> None:
    sandbox.commands.run(make)
    started = time.monotonic()
    with pytest.raises(SandboxException):
        sandbox.files.read("odd", request_timeout=10)
    with pytest.raises(SandboxException):
        sandbox.files.write("odd", "x", request_timeout=10)
    sandbox.files.list(".")
    assert time.monotonic() - started < 3


STRINGS = ["../../../../etc/passwd-x", "/../../x/../root/x", "%2e%2e/%2e%2e/x", "..\\..\\x", "-rf", "--help",
"a\nb", "․․/x", "a" * 300, "/".join(["d"] * 2100), " ",
           "$(touch /tmp/pwned)", "`id`", "'; id; '", "*", "~root/x", "~/../../x", "./././x", "//etc//x"]  # fmt: skip


@pytest.mark.parametrize("path", STRINGS)
def test_it_takes_any_path_as_a_path(host: Host, sandbox: Sandbox, path: str) -> None:
    """Either refused, or inside."""
    try:
        sandbox.files.write(path, "x")
        assert sandbox.files.read(path) == "x"
        sandbox.files.remove(path)
    except SandboxException:
        pass
    assert not sandbox.files.exists("/tmp/pwned")


def test_it_refuses_null_bytes(sandbox: Sandbox) -> None:
    with pytest.raises(InvalidArgumentException):
        sandbox.files.read("a\0b")
    with pytest.raises(InvalidArgumentException):
        sandbox.files.list("a\0b")


async def test_it_wins_a_swap_race(host: Host) -> None:
    """A directory turns into a link to /etc and back while files are written through it: /etc is the sandbox's own,
    and read-only.
    """
    sandbox = await AsyncSandbox.create(timeout=60, **host.options)
    swap = "mkdir real; while true; do ln -sfn real d; ln -sfn /etc d; done"
    await sandbox.commands.run(swap, background=True, timeout=0)

    async def attempt(n: int) -> str:
        try:
            return (await sandbox.files.write(f"d/raced{n}", "x")).path
        except SandboxException as refused:
            return str(refused)

    for _ in range(10):
        await asyncio.gather(*(attempt(n) for n in range(20)))
    assert (await sandbox.commands.run("ls /etc | grep -c raced || true")).stdout.strip() == "0"
    await sandbox.kill()


def test_it_removes_a_hostile_tree(host: Host) -> None:
    """Deep, unreadable, full of links: kill and remove leave nothing and touch nothing else."""
    sandbox = host.create()
    code = "import os\nfor _ in range(3000):\n os.mkdir('deep'); os.chdir('deep')\nos.symlink('/', 'root')\n"
    sandbox.files.write("/tmp/deep.py", code)
    sandbox.commands.run("python3 /tmp/deep.py; mkdir locked; touch locked/x; chmod 000 locked; ln -s /usr usr")
    sandbox.files.remove("usr")
    assert sandbox.files.exists("/usr/bin/env")
    directory = host.state / "sandboxes" / sandbox.sandbox_id
    sandbox.kill()
    assert not directory.exists()
    deadline = time.monotonic() + 10
    while any((host.state / "trash").iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any((host.state / "trash").iterdir())
