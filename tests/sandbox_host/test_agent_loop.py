"""The agent's event loop: a number of a closed descriptor belongs to its next owner."""

import os
import socket

import pytest

from sandbox_host.agent import loop, relay, wire


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


def test_it_leaves_a_connection_alone_that_got_the_number_of_a_relays_end():
    """The host hangs up on a relay while the server inside still has the connection open."""
    host, agent_end = socket.socketpair()
    server_end, server = socket.socketpair()
    agent_end.setblocking(False)
    conn = wire.Connection(agent_end.detach())
    told: list[bytes] = []

    async def relayed() -> None:
        await relay.both_ways(conn, server_end, patient=False)
        conn.close()
        # Whoever is accepted next is given the number.
        near, far = socket.socketpair()
        assert conn.fd in (near.fileno(), far.fileno())
        loop.spawn(talk(near, far))

    async def talk(near: socket.socket, far: socket.socket) -> None:
        await loop.sleep(0.01)
        for one, other in ((near, far), (far, near)):
            one.send(b"still open")
            told.append(other.recv(100))
        near.close()
        far.close()
        raise Done

    loop.spawn(relayed())
    host.close()
    with pytest.raises(Done), server:
        loop.run()
    assert told == [b"still open", b"still open"]
