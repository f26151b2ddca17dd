"""Commands in a sandbox through the SDK."""

import time

import pytest
from e2b import AsyncSandbox, Sandbox
from e2b.exceptions import InvalidArgumentException, NotFoundException, TimeoutException
from e2b.sandbox.commands.command_handle import CommandExitException

from .conftest import Host, wait_for


def test_it_runs_a_command(sandbox: Sandbox) -> None:
    result = sandbox.commands.run("echo out; echo err >&2; pwd; whoami")
    assert result.stdout == "out\n/home/user\nuser\n"
    assert result.stderr == "err\n"
    assert result.exit_code == 0


def test_it_tells_the_exit_code(sandbox: Sandbox) -> None:
    with pytest.raises(CommandExitException) as caught:
        sandbox.commands.run("echo partly; exit 7")
    assert caught.value.exit_code == 7
    assert caught.value.stdout == "partly\n"


def test_it_passes_variables_and_a_directory(host: Host) -> None:
    sandbox = host.create(envs={"A": "creator", "B": "creator"})
    result = sandbox.commands.run("echo $A $B $PWD", envs={"B": "call"}, cwd="/tmp")
    assert result.stdout == "creator call /tmp\n"
    sandbox.kill()


def test_it_refuses_a_directory_that_is_not_there(sandbox: Sandbox) -> None:
    with pytest.raises(InvalidArgumentException, match="does not exist"):
        sandbox.commands.run("true", cwd="/nowhere")


def test_it_streams_output_as_it_comes(sandbox: Sandbox) -> None:
    seen: list[tuple[float, str]] = []
    sandbox.commands.run("echo one; sleep 0.6; echo two", on_stdout=lambda text: seen.append((time.monotonic(), text)))
    assert [text for _, text in seen] == ["one\n", "two\n"]
    assert seen[1][0] - seen[0][0] > 0.4


def test_it_gives_back_all_bytes_in_order(sandbox: Sandbox) -> None:
    result = sandbox.commands.run("seq 1 400000")
    assert result.stdout == "".join(f"{n}\n" for n in range(1, 400_001))


def test_it_keeps_two_full_outputs_apart(sandbox: Sandbox) -> None:
    """Both are faster than the reader, so that both wait for it at once."""
    result = sandbox.commands.run("(yes out | head -c 20000000) & (yes err | head -c 20000000 >&2) & wait")
    assert result.stdout == "out\n" * 5_000_000
    assert result.stderr == "err\n" * 5_000_000


def test_it_keeps_a_background_command_running(sandbox: Sandbox) -> None:
    handle = sandbox.commands.run("sleep 0.3; echo done", background=True)
    assert handle.pid in [process.pid for process in sandbox.commands.list()]
    assert handle.wait().stdout == "done\n"
    assert handle.pid not in [process.pid for process in sandbox.commands.list()]


def test_it_connects_to_a_running_command(sandbox: Sandbox) -> None:
    handle = sandbox.commands.run("read line; echo got $line", background=True, stdin=True)
    handle.disconnect()
    again = sandbox.commands.connect(handle.pid)
    sandbox.commands.send_stdin(handle.pid, "this\n")
    assert again.wait().stdout == "got this\n"


def test_it_feeds_and_closes_stdin(sandbox: Sandbox) -> None:
    handle = sandbox.commands.run("cat", background=True, stdin=True)
    handle.send_stdin("hello ")
    handle.send_stdin("world")
    handle.close_stdin()
    assert handle.wait().stdout == "hello world"


def test_it_kills_a_command_and_what_it_started(sandbox: Sandbox) -> None:
    handle = sandbox.commands.run("sleep 1000 & sleep 1000", background=True)
    wait_for(lambda: sandbox.commands.run("pgrep -c sleep || true").stdout.strip() == "2")
    assert handle.kill() is True
    wait_for(lambda: sandbox.commands.run("pgrep -c sleep || true").stdout.strip() == "0")
    assert sandbox.commands.kill(handle.pid) is False
    with pytest.raises(CommandExitException) as caught:
        handle.wait()
    assert caught.value.error == "signal: killed"


def test_it_ends_a_command_whose_time_is_over(sandbox: Sandbox) -> None:
    with pytest.raises(TimeoutException):
        sandbox.commands.run("sleep 1000", timeout=0.5)
    wait_for(lambda: sandbox.commands.run("pgrep -c sleep || true").stdout.strip() == "0")


def test_it_does_not_wait_for_what_a_command_left_behind(sandbox: Sandbox) -> None:
    started = time.monotonic()
    assert sandbox.commands.run("(sleep 2; echo late; touch /tmp/survived) & echo now").stdout == "now\n"
    assert time.monotonic() - started < 1.5
    wait_for(lambda: sandbox.files.exists("/tmp/survived"))


def test_it_refuses_to_follow_an_unknown_command(sandbox: Sandbox) -> None:
    with pytest.raises(NotFoundException):
        sandbox.commands.connect(999_999)


def test_it_offers_the_tools_of_a_web_developer(sandbox: Sandbox) -> None:
    tools = ("node", "npm", "npx", "python", "python3", "git", "curl", "bash")
    asked = " && ".join(f"{tool} --version" for tool in tools)
    assert sandbox.commands.run(f"{asked} && sudo -n whoami").exit_code == 0


async def test_it_serves_the_asynchronous_sdk(host: Host) -> None:
    sandbox = await AsyncSandbox.create(timeout=60, **host.options)
    handle = await sandbox.commands.run("read x; echo $x", background=True, stdin=True)
    await handle.send_stdin("async\n")
    assert (await handle.wait()).stdout == "async\n"
    await sandbox.files.write("a.txt", "text")
    assert await sandbox.files.read("a.txt") == "text"
    await sandbox.kill()
    assert not await sandbox.is_running()
