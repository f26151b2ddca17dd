"""Control groups of both versions. The kernel has one of them; a folder plays the files of the other."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox_host import cgroup
from sandbox_host.cgroup import Groups
from sandbox_host.isolation import Limits

V1 = """\
30 20 0:26 / {0}/memory rw,relatime - cgroup cgroup rw,memory
31 20 0:27 / {0}/pids rw,relatime - cgroup cgroup rw,pids
32 20 0:28 / {0}/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
"""
V2 = "30 20 0:26 / {0} rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n"


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Makes /proc/self/mountinfo and /proc/self/cgroup say this; gives the folder that plays /sys/fs/cgroup."""
    tree = tmp_path / "tree"
    tree.mkdir()

    def make(mounts: str, own: str) -> Path:
        files = {"/proc/self/mountinfo": mounts.format(tree), "/proc/self/cgroup": own}
        real = Path.read_text
        monkeypatch.setattr(Path, "read_text", lambda path: files.get(str(path)) or real(path))
        return tree

    return make


def _offer(group: Path, controllers: str, enabled: str = "") -> None:
    group.mkdir(parents=True, exist_ok=True)
    (group / "cgroup.controllers").write_text(controllers)
    (group / "cgroup.subtree_control").write_text(enabled)


def _files(folder: Path, *names: str) -> None:
    """What the kernel puts into a new group."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("cgroup.procs", *names):
        (folder / name).write_text("")


def test_it_limits_by_version_2(kernel: Callable[..., Path], tmp_path: Path) -> None:
    tree, name = kernel(V2, "0::/\n"), cgroup.name(tmp_path)
    _offer(tree, "cpu memory pids io")
    _offer(tree / name, "cpu memory pids")
    one = tree / name / "one"
    _files(one, "memory.max", "memory.swap.max", "pids.max", "cpu.weight")
    groups = Groups.find(tmp_path)
    assert groups is not None and groups.version == 2
    assert (tree / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"
    group = groups.create("one", Limits(memory=256, processes=64))
    wanted = {"memory.max": str(256 << 20), "memory.swap.max": "0", "pids.max": "64", "cpu.weight": "100"}
    assert {file: (one / file).read_text() for file in wanted} == wanted
    (one / "memory.events").write_text("low 0\noom 3\noom_kill 2\n")
    (one / "pids.events").write_text("max 7\n")
    (one / "memory.current").write_text("4096\n")
    assert (group.memory_kills(), group.refused_processes(), group.memory_used()) == (2, 7, 4096)


def test_it_kills_by_version_2_all_at_once(tmp_path: Path) -> None:
    _files(tmp_path / "one", "cgroup.kill")
    assert cgroup.end_at_once(tmp_path / "one")
    assert (tmp_path / "one" / "cgroup.kill").read_text() == "1"
    assert not cgroup.end_at_once(tmp_path)


def test_it_takes_the_slice_of_an_ordinary_user(kernel: Callable[..., Path], tmp_path: Path) -> None:
    """The own group holds processes, so that it cannot have groups with controllers below; the one above can."""
    tree, name = kernel(V2, "0::/user.slice/app.slice/vibe.scope\n"), cgroup.name(tmp_path)
    _offer(tree, "")
    _offer(tree / "user.slice/app.slice/vibe.scope", "")
    _offer(tree / "user.slice/app.slice", "memory pids", "memory pids")
    _offer(tree / "user.slice/app.slice" / name, "memory pids")
    groups = Groups.find(tmp_path)
    assert groups is not None and groups.parents == [tree / "user.slice/app.slice" / name]


def test_it_limits_by_version_1(kernel: Callable[..., Path], tmp_path: Path) -> None:
    tree, name = kernel(V1, "3:cpu,cpuacct:/\n2:pids:/\n1:memory:/service\n"), cgroup.name(tmp_path)
    wanted = {
        "memory/service/{}/one/memory.limit_in_bytes": str(256 << 20),
        "pids/{}/one/pids.max": "64",
        "cpu,cpuacct/{}/one/cpu.shares": "1024",
    }
    for file in wanted:
        path = tree / file.format(name)
        _files(path.parent, path.name)
    groups = Groups.find(tmp_path)
    assert groups is not None and groups.version == 1
    groups.create("one", Limits(memory=256, processes=64))
    assert {file: (tree / file.format(name)).read_text() for file in wanted} == wanted


def test_it_freezes_by_version_2_beside_version_1(kernel: Callable[..., Path], tmp_path: Path) -> None:
    tree, name = (
        kernel(V1 + V2.format("{0}/unified"), "3:cpu,cpuacct:/\n2:pids:/\n1:memory:/\n0::/\n"),
        cgroup.name(tmp_path),
    )
    for controller in ("memory", "pids", "cpu,cpuacct"):
        _files(tree / controller / name / "one")
    assert len(Groups.find(tmp_path).parents) == 3  # type: ignore[union-attr] # version 2 cannot be written
    (tree / "unified").mkdir()
    _files(tree / "unified" / name / "one", "cgroup.freeze", "cgroup.events")
    groups = Groups.find(tmp_path)
    assert groups is not None and groups.version == 1
    group = groups.create("one", Limits())
    procs = tree / "unified" / name / "one" / "cgroup.procs"
    assert len(group.directories) == 4 and str(procs) not in group.entries
    (group.directories[0] / "cgroup.procs").write_text("4242\n")
    assert group.freeze() and procs.read_text() == "4242"
    assert (procs.parent / "cgroup.freeze").read_text() == "1" and not group.frozen()
    (procs.parent / "cgroup.events").write_text("populated 1\nfrozen 1\n")
    assert group.frozen()
    group.thaw()
    assert (procs.parent / "cgroup.freeze").read_text() == "0"


def test_it_removes_what_a_host_that_is_gone_left(kernel: Callable[..., Path], tmp_path: Path) -> None:
    tree = kernel(V1, "3:cpu,cpuacct:/\n2:pids:/\n1:memory:/\n")
    for controller in ("memory", "pids", "cpu,cpuacct"):
        (tree / controller).mkdir(parents=True)
    states = [tmp_path / name for name in ("ours", "living", "gone", "young", "busy")]
    ours, living, gone, young, busy = (Groups.find(state) for state in states)
    assert ours and living and gone and young and busy
    for dead in (gone, young, busy):
        for lock in dead._locks:
            os.close(lock)
    _files(busy.parents[0] / "one")  # what is not empty cannot be removed
    (gone.parents[1] / "one").mkdir()
    for old in (living, gone, busy):
        for parent in old.parents:
            os.utime(parent, (0, 0))
    assert ours.remove_abandoned() == [cgroup.name(states[2])]
    assert not any(parent.exists() for parent in gone.parents)
    assert all(parent.exists() for kept in (ours, living, young) for parent in kept.parents)
    assert busy.parents[0].exists()
    ours.close()
    assert not any(parent.exists() for parent in ours.parents)


def test_it_does_without_where_nothing_can_be_written(kernel: Callable[..., Path], tmp_path: Path) -> None:
    _offer(kernel(V2, "0::/\n"), "cpu io")
    assert Groups.find(tmp_path) is None
