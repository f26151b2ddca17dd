"""Every public method of the Python SDK, synchronous and asynchronous, against the host. A method that a newer SDK
brings and nobody wrote a case for fails the last test here.
"""

import base64
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from e2b import (
    CommandExitException,
    InvalidArgumentException,
    NotFoundException,
    PtySize,
    SandboxException,
    SandboxNotFoundException,
    SandboxNotRunningException,
    SandboxQuery,
    SandboxState,
    Template,
    TimeoutException,
)

from .conftest import Host, make_state
from .surface import KINDS, calls, got, methods, sdk

pytestmark = pytest.mark.sandbox


@dataclass
class Desk:
    """What a case works with: one kind of SDK, one host. Sandboxes it makes are killed after it."""

    kind: str
    host: Host
    made: list[Any] = field(default_factory=list)

    @property
    def sandboxes(self) -> Any:
        return sdk(self.kind, "Sandbox")

    @property
    def options(self) -> dict[str, Any]:
        return self.host.options

    async def create(self, **given: Any) -> Any:
        self.made.append(await got(self.sandboxes.create(**{"timeout": 120, **given}, **self.options)))
        return self.made[-1]


Case = Callable[[Desk], Awaitable[None]]
CASES: dict[str, tuple[Case, set[str]]] = {}


def shows(*names: str) -> Callable[[Case], Case]:
    """Marks a case; `names` are the methods it calls."""

    def add(case: Case) -> Case:
        CASES[case.__name__] = (case, {f"{prefix}.{name}" for prefix, _, rest in (n.partition(".") for n in names)
                                       for name in rest.split()})  # fmt: skip
        return case

    return add


@pytest.fixture(scope="module")
def one_host() -> Iterator[Host]:
    running = Host(make_state(None))
    try:
        yield running.start()
    finally:
        running.close()


@pytest.fixture
async def desk(one_host: Host, request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    here = Desk(request.param, one_host)
    yield here
    for sandbox in here.made:
        await got(sandbox.kill())


@shows("Sandbox.create connect get_info set_timeout is_running kill get_metrics get_host")
async def lives_and_ends(desk: Desk) -> None:
    sandbox = await desk.create(metadata={"who": "ann"}, envs={"A": "1"}, timeout=60)
    info = await got(sandbox.get_info())
    assert (info.sandbox_id, info.metadata, info.state) == (sandbox.sandbox_id, {"who": "ann"}, SandboxState.RUNNING)
    assert info.envd_version and info.cpu_count >= 1 and info.memory_mb > 0
    again = await got(desk.sandboxes.connect(sandbox.sandbox_id, timeout=5, **desk.options))
    assert (await got(sandbox.get_info())).end_at == info.end_at, "connect shortened the time"
    await got(again.connect(timeout=600))
    assert (await got(sandbox.get_info())).end_at > info.end_at + timedelta(seconds=500)
    await got(sandbox.set_timeout(30))
    assert (await got(desk.sandboxes.get_info(sandbox.sandbox_id, **desk.options))).end_at < info.end_at
    await got(desk.sandboxes.set_timeout(sandbox.sandbox_id, 60, **desk.options))
    (reading,) = await got(sandbox.get_metrics())
    assert reading.mem_total >= reading.mem_used > 0 and reading.cpu_count >= 1 and reading.disk_total > 0
    later = datetime.now(UTC) + timedelta(hours=1)
    assert await got(desk.sandboxes.get_metrics(sandbox.sandbox_id, start=later, **desk.options)) == []
    assert sandbox.get_host(3000) == f"3000-{sandbox.sandbox_id}.localhost:{desk.host.port}"
    assert await got(sandbox.is_running()) is True
    assert await got(sandbox.kill()) is True
    assert await got(desk.sandboxes.kill(sandbox.sandbox_id, **desk.options)) is False
    assert await got(sandbox.is_running()) is False
    with pytest.raises(SandboxNotFoundException):
        await got(sandbox.get_info())
    with pytest.raises(SandboxNotFoundException):
        await got(sandbox.connect())
    with pytest.raises(SandboxNotRunningException):
        await got(sandbox.commands.run("true"))


@shows("Sandbox.list", "SandboxPaginator.next_items")
async def is_listed(desk: Desk) -> None:
    made = [await desk.create(metadata={"number": str(n), "of": desk.kind}) for n in range(3)]
    await got(made[0].pause())
    mine = {"query": SandboxQuery(metadata={"of": desk.kind}), **desk.options}
    pages, seen = desk.sandboxes.list(limit=2, **mine), []
    while pages.has_next:
        page = await got(pages.next_items())
        assert len(page) <= 2
        seen += [one.sandbox_id for one in page]
    assert seen == [sandbox.sandbox_id for sandbox in reversed(made)]
    oldest = await got(desk.sandboxes.list(order="asc", limit=1, **mine).next_items())
    assert [one.sandbox_id for one in oldest] == seen[-1:]
    for query, expected in (
        (SandboxQuery(metadata={"of": desk.kind, "number": "1"}), 1),
        (SandboxQuery(metadata={"of": desk.kind}, state=[SandboxState.PAUSED]), 1),
        (SandboxQuery(metadata={"of": desk.kind}, state=[SandboxState.RUNNING]), 2),
        (SandboxQuery(metadata={"of": desk.kind}, started_after=datetime.now(UTC)), 0),
        (SandboxQuery(metadata={"of": desk.kind}, template="none"), 0),
        (SandboxQuery(metadata={"of": "a&b=c ü"}), 0),
    ):
        assert len(await got(desk.sandboxes.list(query=query, **desk.options).next_items())) == expected


@shows("Sandbox.pause beta_pause connect")
async def sleeps_and_wakes(desk: Desk) -> None:
    sandbox = await desk.create()
    await got(sandbox.files.write("kept", "yes"))
    handle = await got(sandbox.commands.run("sleep 1000", background=True))
    assert await got(sandbox.pause()) is True
    assert await got(sandbox.beta_pause()) is False, "it is paused already"
    assert (await got(sandbox.get_info())).state == SandboxState.PAUSED
    assert await got(sandbox.is_running()) is False
    await got(sandbox.connect())
    assert handle.pid in [process.pid for process in await got(sandbox.commands.list())]
    await got(desk.sandboxes.pause(sandbox.sandbox_id, mode="filesystem", **desk.options))
    await got(sandbox.connect())
    assert await got(sandbox.commands.list()) == []
    assert await got(sandbox.files.read("kept")) == "yes"
    await got(sandbox.pause())
    await got(sandbox.connect(on_resume="reboot"))
    assert await got(sandbox.files.read("kept")) == "yes"


@shows("Sandbox.create get_info")
async def ends_as_its_lifecycle_says(desk: Desk) -> None:
    plain = await desk.create(timeout=1)
    light = await desk.create(timeout=1, lifecycle={"on_timeout": {"action": "pause", "mode": "filesystem"}})
    full = await desk.create(timeout=1, lifecycle={"on_timeout": "pause", "auto_resume": True})
    assert (await got(full.get_info())).lifecycle == {"on_timeout": "pause", "auto_resume": True}
    for sandbox in (light, full):
        await got(sandbox.commands.run("sleep 1000", background=True))
    paused = SandboxQuery(state=[SandboxState.PAUSED])
    for sandbox in (light, full):
        while sandbox.sandbox_id not in {
            one.sandbox_id for one in await got(desk.sandboxes.list(query=paused, **desk.options).next_items())
        }:
            pass
        await got(sandbox.connect(timeout=60))
    assert [len(await got(sandbox.commands.list())) for sandbox in (light, full)] == [0, 1]
    with pytest.raises(SandboxNotFoundException):
        await got(plain.get_info())
    for refused in ({"on_timeout": "kill", "auto_resume": True},
                    {"on_timeout": {"action": "pause", "mode": "filesystem"}, "auto_resume": True}):  # fmt: skip
        with pytest.raises((SandboxException, InvalidArgumentException), match=r"(?i)auto.?resume"):
            await desk.create(lifecycle=refused)


@shows("Sandbox.create_snapshot list_snapshots delete_snapshot fork", "SnapshotPaginator.next_items")
async def is_copied(desk: Desk) -> None:
    sandbox = await desk.create()
    await got(sandbox.files.write("a", "first"))
    made = [await got(sandbox.create_snapshot(name=f"{desk.kind}-{n}")) for n in range(3)]
    await got(sandbox.files.write("a", "second"))
    copy = await desk.create(template=made[0].snapshot_id)
    assert await got(copy.files.read("a")) == "first"
    pages, seen = sandbox.list_snapshots(limit=2), []
    while pages.has_next:
        seen += [one.snapshot_id for one in await got(pages.next_items())]
    assert seen == [one.snapshot_id for one in reversed(made)]
    every = desk.sandboxes.list_snapshots(name=f"{desk.kind}-1", **desk.options)
    assert [one.snapshot_id for one in await got(every.next_items())] == [made[1].snapshot_id]
    for one in made:
        assert await got(desk.sandboxes.delete_snapshot(one.snapshot_id, **desk.options)) is True
    assert await got(desk.sandboxes.delete_snapshot(made[0].snapshot_id, **desk.options)) is False
    forks = await got(sandbox.fork(count=2, timeout=30))
    desk.made += forks
    assert [await got(fork.files.read("a")) for fork in forks] == ["second"] * 2


@shows("Sandbox.update_network get_info")
async def has_rules_for_its_way_out(desk: Desk) -> None:
    sandbox = await desk.create(network={"allow_out": ["open.invalid"], "deny_out": ["shut.invalid"]})
    info = await got(sandbox.get_info())
    assert (info.network["allow_out"], info.network["deny_out"]) == (["open.invalid"], ["shut.invalid"])
    await got(sandbox.update_network({"deny_out": lambda context: [context.all_traffic]}))
    assert (await got(sandbox.get_info())).network["deny_out"] == ["0.0.0.0/0"]
    closed = await desk.create(allow_internet_access=False)
    assert (await got(closed.get_info())).allow_internet_access is False
    private = await desk.create(network={"allow_public_traffic": False})
    assert private.traffic_access_token and not sandbox.traffic_access_token
    with pytest.raises(SandboxException, match=r"501.*egressProxy"):
        await got(sandbox.update_network({"egress_proxy": {"address": "proxy.example:1080"}}))


@shows("Commands.run list kill connect send_stdin close_stdin",
       "CommandHandle.wait kill disconnect send_stdin close_stdin")  # fmt: skip
async def runs_commands(desk: Desk) -> None:
    sandbox = await desk.create(envs={"GIVEN": "at create"})
    commands = sandbox.commands
    done = await got(commands.run("echo $GIVEN; echo $MORE >&2; pwd", envs={"MORE": "now"}, cwd="/tmp"))
    assert (done.stdout, done.stderr, done.exit_code) == ("at create\n/tmp\n", "now\n", 0)
    with pytest.raises(CommandExitException) as failed:
        await got(commands.run("echo why >&2; exit 3"))
    assert (failed.value.exit_code, failed.value.stderr, failed.value.error) == (3, "why\n", "exit status 3")
    pieces: list[str] = []
    await got(commands.run("echo a; echo b >&2", on_stdout=pieces.append, on_stderr=pieces.append))
    assert sorted(pieces) == ["a\n", "b\n"]
    cat = await got(commands.run("cat", background=True, stdin=True))
    assert [(p.pid, p.args[-1]) for p in await got(commands.list())] == [(cat.pid, "cat")]
    await got(commands.send_stdin(cat.pid, "typed "))
    await got(cat.disconnect())
    again = await got(commands.connect(cat.pid))
    await got(again.send_stdin("later"))
    await got(commands.close_stdin(cat.pid))
    assert (await got(again.wait())).stdout.endswith("later")
    for end in (lambda handle: handle.kill(), lambda handle: commands.kill(handle.pid)):
        sleep = await got(commands.run("sleep 1000", background=True))
        assert await got(end(sleep)) is True
        assert await got(commands.kill(sleep.pid)) is False
    reader = await got(commands.run("cat", background=True, stdin=True))
    await got(reader.close_stdin())
    assert (await got(reader.wait())).exit_code == 0
    with pytest.raises(TimeoutException):
        await got(commands.run("sleep 1000", timeout=0.3))
    with pytest.raises(NotFoundException):
        await got(commands.connect(999_999))
    with pytest.raises(InvalidArgumentException, match="cwd"):
        await got(commands.run("true", cwd="/nowhere"))


@shows("Commands.stream_input", "CommandInputHandle.send close")
async def streams_input(desk: Desk) -> None:
    sandbox = await desk.create()
    cat = await got(sandbox.commands.run("cat", background=True, stdin=True))
    parts = [b"one ", b"two ", b"three"]
    if desk.kind == "async":
        stream = sandbox.commands.stream_input(cat.pid)
        for part in parts:
            await stream.send(part)
        await stream.close()
    else:
        sandbox.commands.stream_input(cat.pid, iter(parts))
    await got(cat.close_stdin())
    assert (await got(cat.wait())).stdout == "one two three"


@shows("Pty.create connect resize send_stdin stream_input kill")
async def has_a_terminal(desk: Desk) -> None:
    sandbox = await desk.create()
    seen = bytearray()
    size = PtySize(rows=20, cols=70)
    if desk.kind == "async":
        terminal = await sandbox.pty.create(size, on_data=seen.extend, envs={"A": "b"}, cwd="/tmp")
        second = await sandbox.pty.connect(terminal.pid, on_data=lambda data: None)
        feed = sandbox.pty.stream_input(terminal.pid)
        await feed.send(b"stty size; pwd; echo $A$TERM; sleep 0.01; exec -a named-once bash -i\n")
        await feed.close()
    else:
        terminal = sandbox.pty.create(size, envs={"A": "b"}, cwd="/tmp")
        second = sandbox.pty.connect(terminal.pid)
        sandbox.pty.stream_input(
            terminal.pid, iter([b"stty size; pwd; echo $A$TERM; sleep 0.01; exec -a named-once bash -i\n"])
        )
    await got(second.disconnect())
    await got(sandbox.commands.run("until pgrep -f '[n]amed-once'; do :; done >/dev/null"))
    await got(sandbox.pty.resize(terminal.pid, PtySize(rows=30, cols=100)))
    await got(sandbox.pty.send_stdin(terminal.pid, b"stty size; exit 4\n"))
    with pytest.raises(CommandExitException) as ended:
        await got(terminal.wait(**({"on_pty": seen.extend} if desk.kind == "sync" else {})))
    assert ended.value.exit_code == 4
    for part in (b"20 70", b"/tmp", b"xterm", b"30 100"):
        assert part in seen
    nothing = {"on_data": seen.extend} if desk.kind == "async" else {}
    other = await got(sandbox.pty.create(size, **nothing))
    assert await got(sandbox.pty.kill(other.pid)) is True
    assert await got(sandbox.pty.kill(other.pid)) is False


@shows("Filesystem.write write_files read list get_info exists make_dir rename remove")
async def keeps_files(desk: Desk) -> None:
    sandbox = await desk.create()
    files, data = sandbox.files, bytes(range(256)) * 500
    for form in ({}, {"gzip": True}, {"use_octet_stream": True}, {"use_octet_stream": True, "gzip": True}):
        written = await got(files.write("deep/data", data, metadata={"form": "x"}, **form))
        assert (written.path, written.metadata) == ("/home/user/deep/data", {"form": "x"})
        assert bytes(await got(files.read("deep/data", format="bytes"))) == data
    stream = await got(files.read("deep/data", format="stream", gzip=True))
    assert (b"".join(stream) if desk.kind == "sync" else b"".join([piece async for piece in stream])) == data
    many = await got(files.write_files([{"path": f"deep/{n}.txt", "data": f"text {n}"} for n in range(3)]))
    assert [one.name for one in many] == ["0.txt", "1.txt", "2.txt"]
    assert await got(files.read("~/deep/2.txt")) == "text 2"
    assert {entry.name for entry in await got(files.list("."))} >= {"deep"}
    assert len(await got(files.list("/home/user", depth=2))) > len(await got(files.list("/home/user")))
    info = await got(files.get_info("deep/data"))
    assert (info.size, info.permissions, info.metadata) == (len(data), "-rw-r--r--", {"form": "x"})
    assert await got(files.make_dir("new/er")) is True
    assert await got(files.make_dir("new/er")) is False
    assert (await got(files.rename("deep/data", "new/data"))).path == "/home/user/new/data"
    assert [await got(files.exists(name)) for name in ("new/data", "deep/data")] == [True, False]
    await got(files.remove("new"))
    assert not await got(files.exists("new"))
    with pytest.raises(NotFoundException):
        await got(files.read("new/data"))
    with pytest.raises(InvalidArgumentException):
        await got(files.list("deep/0.txt"))


@shows("Filesystem.watch_dir", "WatchHandle.stop get_new_events")
async def watches(desk: Desk) -> None:
    sandbox = await desk.create()
    await got(sandbox.files.make_dir("seen/below"))
    events: list[Any] = []
    options = {"recursive": True, "include_entry": True}
    if desk.kind == "async":
        handle = await sandbox.files.watch_dir("seen", on_event=events.append, **options)
    else:
        handle = sandbox.files.watch_dir("seen", **options)
    await got(sandbox.files.write("seen/below/new.txt", "x"))
    for _ in range(100):
        events += handle.get_new_events() if desk.kind == "sync" else []
        if len(events) >= 3:
            break
        await got(sandbox.commands.run("true"))
    assert [(event.name, event.type.value) for event in events[:3]] == [
        ("below/new.txt", kind) for kind in ("create", "chmod", "write")
    ]
    assert events[0].entry.path == "/home/user/seen/below/new.txt"
    await got(handle.stop())
    with pytest.raises(NotFoundException):
        await got(sandbox.files.watch_dir("missing", **({"on_event": print} if desk.kind == "async" else {})))


def fetch(request: urllib.request.Request) -> tuple[int, bytes]:
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status, answer.read()


@shows("Sandbox.upload_url download_url")
async def signs_addresses(desk: Desk) -> None:
    sandbox = await desk.create()
    target = sandbox.upload_url("by-url.txt", use_signature_expiration=60)
    request = urllib.request.Request(target, data=b"posted", headers={"Content-Type": "application/octet-stream"})
    assert fetch(request)[0] == 200
    assert fetch(urllib.request.Request(sandbox.download_url("by-url.txt"))) == (200, b"posted")


@shows("Sandbox.run_code create_code_context list_code_contexts restart_code_context remove_code_context")
async def runs_code(desk: Desk) -> None:
    sandbox = await desk.create(template="code-interpreter-v1")
    heard: list[tuple[str, str]] = []
    code = "import os, sys\nprint('out', os.environ['A'])\nprint('err', file=sys.stderr)\nx = 41\nx + 1"
    listening = {
        "on_stdout": lambda said: heard.append(("out", said.line)),
        "on_stderr": lambda said: heard.append(("err", said.line)),
        "on_result": lambda result: heard.append(("result", result.text)),
    }
    run = await got(sandbox.run_code(code, envs={"A": "b"}, **listening))
    assert sorted(heard) == [("err", "err\n"), ("out", "out b\n"), ("result", "42")]
    assert (run.text, run.logs.stdout, run.execution_count) == ("42", ["out b\n"], 1)
    picture = base64.b64encode(b"\x89PNG").decode()
    shown = await got(sandbox.run_code(
        "class Rich:\n _repr_html_ = lambda s: '<b>'\n _repr_png_ = lambda s: b'\\x89PNG'\n"
        " _repr_json_ = lambda s: {'a': 1}\n _repr_markdown_ = lambda s: '*'\n _repr_svg_ = lambda s: '<svg/>'\n"
        "display(Rich())\nx"
    ))  # fmt: skip
    rich = shown.results[0]
    assert (rich.html, rich.png, rich.json, rich.markdown, rich.svg) == ("<b>", picture, {"a": 1}, "*", "<svg/>")
    assert (rich.is_main_result, shown.text) == (False, "41")
    failed = await got(sandbox.run_code("1 / 0", on_error=lambda error: heard.append(("error", error.name))))
    assert (failed.error.name, heard[-1]) == ("ZeroDivisionError", ("error", "ZeroDivisionError"))
    context = await got(sandbox.create_code_context(cwd="/tmp"))
    assert (await got(sandbox.run_code("import os; os.getcwd()", context=context))).text == "'/tmp'"
    assert (await got(sandbox.run_code("'x' in globals()", context=context))).text == "False"
    assert context.id in {one.id for one in await got(sandbox.list_code_contexts())}
    await got(sandbox.run_code("y = 1", context=context))
    await got(sandbox.restart_code_context(context))
    assert (await got(sandbox.run_code("y", context=context))).error.name == "NameError"
    await got(sandbox.remove_code_context(context.id))
    with pytest.raises(Exception, match=r"(?i)not found"):
        await got(sandbox.run_code("1", context=context))
    with pytest.raises(TimeoutException):
        await got(sandbox.run_code("while True: pass", timeout=0.5))
    assert (await got(sandbox.run_code("x"))).text == "41", "the kernel was interrupted, not lost"
    with pytest.raises(SandboxException, match="python"):
        await got(sandbox.run_code("1", language="r"))


GIT = ("init remote_add remote_get status branches create_branch checkout_branch delete_branch add commit reset "
       "restore push pull clone set_config get_config configure_user dangerously_authenticate")  # fmt: skip


@shows(f"Git.{GIT}")
async def speaks_git(desk: Desk) -> None:
    sandbox = await desk.create()
    git, here, far = sandbox.git, "/home/user/repo", "/home/user/far.git"
    await got(git.init(far, bare=True, initial_branch="main"))
    await got(git.init(here, initial_branch="main"))
    await got(git.configure_user("Ann", "ann@example.com"))
    await got(git.set_config("pull.rebase", "false"))
    assert await got(git.get_config("pull.rebase")) == "false"
    await got(git.remote_add(here, "origin", far))
    assert await got(git.remote_get(here, "origin")) == far
    await got(sandbox.files.write(f"{here}/a.txt", "one"))
    assert not (await got(git.status(here))).is_clean
    await got(git.add(here))
    await got(git.commit(here, "First"))
    await got(git.push(here, "origin", "main"))
    await got(git.clone(far, "/home/user/copy"))
    await got(sandbox.files.write("copy/b.txt", "two"))
    await got(git.add("/home/user/copy"))
    await got(git.commit("/home/user/copy", "Second"))
    await got(git.push("/home/user/copy", "origin", "main"))
    await got(git.pull(here, "origin", "main"))
    assert await got(sandbox.files.read(f"{here}/b.txt")) == "two"
    await got(git.create_branch(here, "next"))
    await got(git.checkout_branch(here, "main"))
    assert sorted((await got(git.branches(here))).branches) == ["main", "next"]
    await got(git.delete_branch(here, "next"))
    await got(sandbox.files.write(f"{here}/a.txt", "changed"))
    await got(git.restore(here, ["a.txt"]))
    assert await got(sandbox.files.read(f"{here}/a.txt")) == "one"
    await got(git.reset(here, mode="hard", target="HEAD~1"))
    assert not await got(sandbox.files.exists(f"{here}/b.txt"))
    await got(git.dangerously_authenticate("ann", "s3cret", host="git.invalid"))


VOLUME = "create connect destroy list get_info exists make_dir read_file remove update_metadata write_file"
SECRET = "create update get_info exists destroy list fill iam_token"
TEMPLATE = "build build_in_background get_build_status exists alias_exists assign_tags remove_tags get_tags"


@shows(f"Volume.{VOLUME}", f"Secret.{SECRET}", f"Template.{TEMPLATE}", "SecretPaginator.next_items",
       "Sandbox.get_mcp_token get_mcp_url")  # fmt: skip
async def says_what_only_the_cloud_can_do(desk: Desk) -> None:
    volumes, secrets, templates = (sdk(desk.kind, name) for name in ("Volume", "Secret", "Template"))
    volume = volumes(volume_id="v", name="v", token=desk.host.key)
    there, options = {"api_url": desk.host.url}, desk.options
    plan = Template().from_image("debian").run_cmd("true")
    build = type("Build", (), {"template_id": "t", "build_id": "b"})
    refused: list[Callable[[], Any]] = [
        lambda: volumes.create("v", **options), lambda: volumes.connect("v", **options),
        lambda: volumes.list(**options), lambda: volumes.get_info("v", **options),
        lambda: volumes.destroy("v", **options),
        lambda: volume.list("/", **there), lambda: volume.get_info("/a", **there),
        lambda: volume.exists("/a", **there), lambda: volume.make_dir("/a", **there),
        lambda: volume.read_file("/a", **there), lambda: volume.write_file("/a", "x", **there),
        lambda: volume.update_metadata("/a", mode=0o600, **there), lambda: volume.remove("/a", **there),
        lambda: secrets.create("s", "x", **options), lambda: secrets.update("s", "x", **options),
        lambda: secrets.get_info("s", **options), lambda: secrets.exists("s", **options),
        lambda: secrets.destroy("s", **options), lambda: secrets.list(**options).next_items(),
        lambda: templates.build(plan, "t", **options), lambda: templates.build_in_background(plan, "t", **options),
        lambda: templates.get_build_status(build, **options), lambda: templates.assign_tags("t:a", ["b"], **options),
        lambda: templates.remove_tags("t", ["b"], **options), lambda: templates.get_tags("t", **options),
        lambda: desk.sandboxes.create(mcp={"github": {}}, **options),
        lambda: desk.sandboxes.create(volume_mounts={"/mnt": "v"}, **options),
        lambda: desk.sandboxes.create(
            iam={"tokens": {"aws": secrets.iam_token(audience="x", token_type="jwt-svid")}}, **options
        ),
    ]  # fmt: skip
    for number, call in enumerate(refused):
        with pytest.raises(Exception, match=r"501.*(?s:embedded sandbox host)") as told:
            await got(call())
        assert getattr(told.value, "status_code", 501) == 501, number
    assert secrets.fill("s")
    for name in ("react", "no-such-template"):
        assert await got(templates.exists(name, **options)) is await got(templates.alias_exists(name, **options))
    assert await got(templates.exists("react", **options)) is True
    sandbox = await desk.create()
    assert sandbox.get_mcp_url().endswith("/mcp")
    with pytest.raises(NotFoundException):
        await got(sandbox.get_mcp_token())


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("desk", KINDS, indirect=True)
async def test_it_serves(desk: Desk, case: str) -> None:
    run, promised = CASES[case]
    with calls(desk.kind) as made:
        await run(desk)
    there = promised & set(methods(desk.kind).values())  # a few methods are of one kind only
    assert there <= made, f"not called after all: {there - made}"


@pytest.mark.parametrize("kind", KINDS)
def test_no_method_of_the_sdk_is_without_a_case(kind: str) -> None:
    covered = set().union(*(names for _, names in CASES.values()))
    assert set(methods(kind).values()) - covered == set()
