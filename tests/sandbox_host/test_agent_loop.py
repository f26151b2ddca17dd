"""The agent's event loop: a number of a closed descriptor belongs to its next owner."""

import os

import pytest

from sandbox_host.agent import loop, wire


class Done(Exception):
    """Ends the loop, which otherwise runs until the process is killed."""


def test_it_does_not_let_a_task_woken_for_a_closed_descriptor_read_from_its_successor():
    first, first_end = os.pipe()
    second, second_end = os.pipe()
    for fd in (first, second):
        os.set_blocking(fd, False)
    told: list[object] = []

    async def reader() -> None:
        try:
            told.append(await wire.read_some(first))
        except loop.Closed:
            told.append("closed")

    async def closer() -> None:
        await wire.read_some(second)
        # The reader has been woken together with us and has not run yet.
        wire.close(first)
        successor, successor_end = os.pipe()
        assert successor == first
        os.set_blocking(successor, False)
        os.write(successor_end, b"for another")
        told.append("reused")
        loop.spawn(finish())

    async def finish() -> None:
        raise Done

    async def wake_both() -> None:
        os.write(second_end, b"x")
        os.write(first_end, b"x")

    loop.spawn(reader())
    loop.spawn(closer())
    loop.spawn(wake_both())
    with pytest.raises(Done):
        loop.run()
    assert told == ["reused", "closed"]
