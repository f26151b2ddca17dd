"""Watching directories through the SDK."""

import pytest
from e2b import AsyncSandbox, FilesystemEventType, Sandbox
from e2b.exceptions import FileNotFoundException

from .conftest import Host, wait_for


def test_it_collects_events_for_a_poller(sandbox: Sandbox) -> None:
    sandbox.files.make_dir("w")
    watcher = sandbox.files.watch_dir("w")
    sandbox.files.write("w/a", "x")
    events = [(event.name, event.type) for event in watcher.get_new_events()]
    assert events == [
        ("a", FilesystemEventType.CREATE),
        ("a", FilesystemEventType.CHMOD),
        ("a", FilesystemEventType.WRITE),
    ]
    assert watcher.get_new_events() == []
    sandbox.files.remove("w/a")
    assert [event.type for event in watcher.get_new_events()] == [FilesystemEventType.REMOVE]
    watcher.stop()


def test_it_watches_below_when_asked(sandbox: Sandbox) -> None:
    sandbox.files.make_dir("w/below")
    watcher = sandbox.files.watch_dir("w", recursive=True, include_entry=True)
    sandbox.files.write("w/below/a", "x")
    events = watcher.get_new_events()
    assert {event.name for event in events} == {"below/a"}
    assert events[-1].entry is not None and events[-1].entry.size == 1
    sandbox.files.write("w/fresh/b", "x")
    wait_for(lambda: any(event.name.startswith("fresh") for event in watcher.get_new_events()))


def test_it_refuses_to_watch_nothing(sandbox: Sandbox) -> None:
    with pytest.raises(FileNotFoundException):
        sandbox.files.watch_dir("nothing")


async def test_it_streams_events(host: Host) -> None:
    sandbox = await AsyncSandbox.create(timeout=60, **host.options)
    seen: list[str] = []
    handle = await sandbox.files.watch_dir(".", on_event=lambda event: seen.append(event.name))
    await sandbox.files.write("streamed", "x")
    await sandbox.commands.run("sleep 0.3")
    await handle.stop()
    await sandbox.kill()
    assert seen[:1] == ["streamed"]
