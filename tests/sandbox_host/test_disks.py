"""A sandbox's disk as root's host makes it: a volume that ends at its limit, above a template nobody can change."""

import json
import os
import resource
import shutil
import signal
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from e2b import Sandbox, SandboxQuery, SandboxState
from e2b.exceptions import NotEnoughSpaceException, SandboxNotFoundException

from sandbox_host import mounting, storage
from sandbox_host.isolation import Limits

from .conftest import Host, make_state, wait_for
from .test_homes import prepared

__all__ = ["prepared"]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user mounts nothing here")
SMALL = ["--limit-disk", "40", "--limit-inodes", "2000"]
NO_MOUNTS = ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"]
MIB = 1 << 20


@pytest.fixture(scope="module")
def small() -> Iterator[Host]:
    host = Host(make_state(None), None, SMALL)
    try:
        yield host.start()
    finally:
        host.close()


def _loops(host: Host) -> list[str]:
    return [path for path in mounting.loops() if path.startswith(str(host.state))]


@pytest.mark.parametrize(
    "fill",
    [
        "head -c 60M /dev/zero > big",
        "for n in $(seq 5000); do : > many$n || exit 1; done",
        "python3 -c \"import os\nfor n in range(5000): os.mkdir('deep'); os.chdir('deep')\"",
        "for n in $(seq 9); do fallocate -l 9M sparse$n || exit 1; done",
    ],
    ids=["bytes", "files", "depth", "reserved"],
)
def test_it_ends_at_its_limit_and_goes_on_when_something_is_deleted(small: Host, fill: str) -> None:
    sandbox = small.create()
    sandbox.files.write("before", "kept")
    free = os.statvfs(small.state).f_bavail * os.statvfs(small.state).f_frsize
    handle = sandbox.commands.run("sleep 100", background=True, timeout=0)
    ended = sandbox.commands.run(f"({fill}) 2>&1; echo $?").stdout
    assert "No space left on device" in ended and not ended.endswith("\n0\n")
    assert handle.pid in [process.pid for process in sandbox.commands.list()]  # nothing had to be killed
    assert sandbox.files.read("before") == "kept"
    image = small.state / "sandboxes" / sandbox.sandbox_id / "disk.img"
    assert image.stat().st_blocks * 512 < 56 * MIB
    assert free - os.statvfs(small.state).f_bavail * os.statvfs(small.state).f_frsize < 1024 * MIB  # others run too
    with pytest.raises(NotEnoughSpaceException, match="the limit is 40 MiB and 2000 files"):
        sandbox.files.write("more", b"x" * 41 * MIB)
    sandbox.commands.run("rm -rf big many* deep sparse*")
    sandbox.files.write("more", "x")
    assert sandbox.get_metrics()[0].disk_used < 10 * MIB
    sandbox.kill()


def test_it_cannot_be_given_devices_or_other_users(small: Host) -> None:
    sandbox = small.create()
    options = sandbox.commands.run("grep ' /home/user ' /proc/self/mounts").stdout
    assert "nosuid" in options and "nodev" in options
    assert str(small.state) not in sandbox.commands.run("cat /proc/self/mounts").stdout
    sandbox.kill()


def test_it_shares_a_template_that_stays_as_it_was(prepared: tuple[Host, Path]) -> None:
    host, home = prepared
    if host.uid is not None:
        pytest.skip("copies, see test_homes")
    before = [(path, path.lstat().st_mtime_ns, path.lstat().st_mode) for path in sorted(home.rglob("*"))]
    sandbox = host.create(template="small")
    assert "overlay on /home/user" in sandbox.commands.run("mount").stdout
    attacks = (
        "chmod -R 777 app; echo x >> app/a; : > app/node_modules/p/index.js",
        "mv app/node_modules/p app/q; echo x > app/q/index.js; ln app/a hard; echo x > hard",
        "setfattr -n trusted.overlay.redirect -v /../.. app; setfattr -n user.overlay.redirect -v /../.. app",
        "python3 -c \"import os; os.setxattr('app', 'trusted.overlay.opaque', b'y')\"",
        "mknod white c 0 0; rm -rf app; ls -A; mkdir app; touch app/new",
        "python3 -c \"import mmap; f = open('app/a', 'w+b'); f.write(b'x' * 9); mmap.mmap(f.fileno(), 9)[0:1] = b'y'\"",
    )
    for attack in attacks:
        sandbox.commands.run(f"({attack}) 2>&1; true")
    assert [(path, path.lstat().st_mtime_ns, path.lstat().st_mode) for path in sorted(home.rglob("*"))] == before
    assert (home / "app/a").read_text() == "a"
    sandbox.kill()


def test_it_takes_deletions_along_to_snapshots_and_forks(prepared: tuple[Host, Path]) -> None:
    host, _ = prepared
    sandbox = host.create(template="small")
    sandbox.commands.run("cd app && rm a && mv node_modules moved && echo kept > new")
    taken = sandbox.create_snapshot()
    (fork,) = sandbox.fork(timeout=60)
    assert isinstance(fork, Sandbox)
    sandbox.pause()
    host.kill()
    host.start()
    resumed = Sandbox.connect(sandbox.sandbox_id, timeout=60, **host.options)
    from_snapshot = host.create(template=taken.snapshot_id)
    for one in (resumed, fork.connect(timeout=60), from_snapshot):
        assert one.commands.run("cd app; ls; cat new moved/p/index.js; stat -c %U new moved/p").stdout == (
            "moved\nnew\nkept\nindex.jsuser\nuser\n"
        )
        one.files.write("app/again", "x")


def test_it_leaves_no_mount_and_no_device_behind(own_host: Callable[..., Host]) -> None:
    host = own_host()
    mounts = Path("/proc/self/mountinfo").read_text()
    kept, killed = host.create(), host.create()
    kept.files.write("kept", "text")
    assert Path("/proc/self/mountinfo").read_text() == mounts  # nobody else sees them
    assert len(_loops(host)) >= 2
    killed.kill()
    wait_for(lambda: not any(killed.sandbox_id in path for path in mounting.loops()))
    host.kill(signal.SIGKILL)
    wait_for(lambda: not _loops(host), 20)
    host.start()
    assert Sandbox.connect(kept.sandbox_id, timeout=60, **host.options).files.read("kept") == "text"


def test_it_unmounts_what_sleeps_without_memory(own_host: Callable[..., Host]) -> None:
    host = own_host()
    sandbox = host.create()
    sandbox.files.write("kept", "text")
    sandbox.pause(keep_memory=False)
    wait_for(lambda: not any(sandbox.sandbox_id in path for path in _loops(host)))
    assert sandbox.connect(timeout=60).files.read("kept") == "text"


def test_it_says_why_a_volume_cannot_be_had_where_nothing_can_be_mounted(prepared: tuple[Host, Path]) -> None:
    """As in a container: the host goes on with plain directories, and tells what became of older sandboxes."""
    host, home = prepared
    if host.uid is not None:
        pytest.skip("an ordinary user's host is that already")
    old = host.create(template="small")
    host.kill(signal.SIGTERM)
    host.prefix = NO_MOUNTS
    host.start()
    listed = Sandbox.list(query=SandboxQuery(state=[SandboxState.PAUSED]), **host.options).next_items()
    assert [info.sandbox_id for info in listed] == [old.sandbox_id]
    with pytest.raises(SandboxNotFoundException):
        Sandbox.connect(old.sandbox_id, timeout=60, **host.options)
    assert "cannot be mounted here" in _refusal(host, old)
    plain = host.create(template="small")
    plain.files.write("app/a", "plain")
    plain.commands.run("rm -rf app/node_modules/p/link")
    assert (home / "app/a").read_text() == "a"
    host.kill(signal.SIGTERM)
    host.prefix = []
    host.start()
    for one, text in ((old, "a"), (plain, "plain")):
        assert Sandbox.connect(one.sandbox_id, timeout=60, **host.options).files.read("app/a") == text


@pytest.mark.parametrize("lost", ["template", "image"])
def test_it_is_gone_to_its_callers_when_its_files_are(prepared: tuple[Host, Path], lost: str) -> None:
    """So that whoever knows what was in it makes another, instead of trying this one for ever."""
    host, home = prepared
    sandbox = host.create(template="small")
    sandbox.pause(keep_memory=False)
    image = host.state / "sandboxes" / sandbox.sandbox_id / "disk.img"
    if not image.exists():
        pytest.skip("no volumes here")
    if lost == "template":
        shutil.rmtree(home)
    else:
        image.write_bytes(b"x" * MIB)
    assert _refusal(host, sandbox) == f"Sandbox {sandbox.sandbox_id} cannot be started: " + (
        f"the template that this sandbox was made from is gone (small/{home.parent.name}/home)"
        if lost == "template"
        else "the sandbox's files cannot be mounted here: [Errno 22] Invalid argument"
    )
    with pytest.raises(SandboxNotFoundException):
        sandbox.connect(timeout=60)


def test_it_is_not_gone_for_want_of_what_comes_back(small: Host) -> None:
    sandbox = small.create()
    sandbox.pause(keep_memory=False)
    directory, disk = small.state / "sandboxes" / sandbox.sandbox_id, storage.Disk("volume")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            storage.Storage(small.state, volumes=True).open(directory, os.geteuid(), disk)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def _refusal(host: Host, sandbox: Sandbox) -> str:
    """What connecting by hand is told; the SDK has words of its own."""
    url = f"{host.url}/v2/sandboxes/{sandbox.sandbox_id}/connect"
    request = urllib.request.Request(url, b'{"timeout": 60}', {"X-API-KEY": host.key})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=20)
    assert refused.value.code == 404
    return str(json.loads(refused.value.read())["message"])


def test_it_finds_what_the_machine_can_do() -> None:
    state = make_state(None)
    try:
        found = storage.find(state, Limits(disk=40, inodes=1000))
        assert found.describe() == {"disk": "watched", "sharing": "links"} or found.volumes
        assert [path.name for path in state.iterdir() if path.name.startswith(".storage")] == []
    finally:
        shutil.rmtree(state)


def test_it_finds_the_same_for_each_of_several_that_begin_at_once() -> None:
    """As a host and a build of templates do."""
    state = make_state(None)
    try:
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: storage.find(state, Limits(disk=40, inodes=1000)), range(4)))
        assert found == [storage.find(state, Limits(disk=40, inodes=1000))] * 4
    finally:
        shutil.rmtree(state)
