"""What a sandbox answers is made by whoever took it over: it costs their own run, never the worker that asks."""

import base64
import gzip
import io
import resource
import tarfile
import time

import pytest

from agents import aio, box, sandbox
from agents.models import Run
from demo_model import wire
from projects import frameworks, versions
from projects.paths import BadFiles
from tests.agents.scripted import finish, page, write


@pytest.fixture
def taken_over(owner):
    """A sandbox in which `do(script)` does what its app may do."""
    from projects import services

    made = services.create_project(owner, "Tea", model="vibe-m", framework="html")
    versions.save(made, {"index.html": page("Tea").encode()}, source="edit")
    return sandbox.ensure(made)


def do(taken, script):
    return aio.run(taken.sdk.commands.run(script)).stdout


def instead_of(name, content):
    """A shell script after which the program of that name writes this."""
    encoded = base64.b64encode(content).decode()
    return (
        f"mkdir -p ~/.local/bin; cd ~/.local/bin; echo {encoded} | base64 -d > .{name}; chmod +x .{name}"
        f"; printf '#!/bin/sh\\ncat > /dev/null; cat ~/.local/bin/.{name}' > {name}; chmod +x {name}"
        "; echo 'PATH=$HOME/.local/bin:$PATH' >> ~/.bash_profile"
    )


def member(kind=b"0", size=0, **more):
    """A header that a `tar` of somebody's own may write; the size is what it claims."""
    header = tarfile.TarInfo("index.html")
    header.type, header.mode = kind, 0o644
    raw = bytearray(header.tobuf(tarfile.GNU_FORMAT))
    raw[124:136] = tarfile.itn(size, 12, tarfile.GNU_FORMAT)  # type: ignore[attr-defined]
    for at, value in more.items():
        raw[int(at[1:]) : int(at[1:]) + len(value)] = value
    raw[148:156] = b"%06o\0 " % tarfile.calc_chksums(bytes(raw))[0]  # type: ignore[attr-defined]
    return bytes(raw)


END = bytes(1024)
# One hole of 256 MiB, of which nothing is stored (GNU tar: map at byte 386, real size at byte 483).
HOLE = b"%011o\0%011o\0" % (256 << 20, 0)
ARCHIVES = {
    "a hole": member(b"S", _386=HOLE, _483=b"%011o\0" % (256 << 20)) + END,
    "a size below 0": member() + member(size=-512) + END,
    "a name of a size below 0": member() + member(b"L", size=-512) + END,
    "more than there is": member(size=1 << 30) + END,
    "many digits": member(b"x", size=1 << 19) + b"1" * (1 << 19) + member() + END,
    "names of names": member(b"L") * 3000,
    "no end": member(),
    "no archive": b"what a pity",
}


@pytest.mark.parametrize("what", ARCHIVES)
def test_it_refuses_an_archive_that_is_made_to_hurt(taken_over, what):
    do(taken_over, instead_of("gzip", gzip.compress(ARCHIVES[what])))
    began = time.monotonic()
    with pytest.raises(BadFiles, match="no archive"):
        aio.run(taken_over.snapshot(), 20)
    assert time.monotonic() - began < 15


def test_it_refuses_what_unpacks_to_more_than_can_be_kept(taken_over):
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9) as stream:
        for _ in range(64):
            stream.write(bytes(1 << 20))
    do(taken_over, instead_of("gzip", packed.getvalue()))
    with pytest.raises(BadFiles, match="60 MB"):
        aio.run(taken_over.snapshot(), 20)


def test_it_ends_the_run_with_what_was_wrong(model, start, work):
    script = instead_of("gzip", gzip.compress(ARCHIVES["a size below 0"]))
    model.say([write(index_html=page("Tea"))], [wire.tool("terminal", {"command": script})], [finish()])
    run = work(start())
    assert (run.state, run.reason, run.version) == (Run.State.FAILED, "too_large", None)
    assert "no archive" in run.steps.get(type="error").data["detail"]


def test_it_reads_no_file_that_is_too_large_to_be_kept(model, start, work):
    """It has no size on the disk. Commands still run, and it can be deleted and written over."""
    package = frameworks.starting_files("html")["package.json"]
    huge = "truncate -s 2G package.json big.txt; echo small > small.txt"
    model.say(
        [wire.tool("terminal", {"command": huge}), write(index_html=page("Tea"))],
        [wire.tool("read_files", {"paths": ["big.txt", "small.txt"]})],
        [wire.tool("edit_file", {"path": "big.txt", "edits": [{"search": "a", "replace": "b"}]})],
        [wire.tool("terminal", {"command": "echo still"})],
        [write(package_json=package.decode()), wire.tool("delete_files", {"paths": ["big.txt"]})],
        [finish()],
    )
    before = _most_memory()
    run = work(start())
    _, _, reading, editing, still, writing, deleting, *_ = [
        step.record["content"] for step in run.steps.filter(type="tool_result").order_by("cursor")
    ]
    assert "more than 5 MB" in reading and "small.txt\nsmall" in reading and "more than 5 MB" in editing
    assert "still" in still and "Wrote" in writing and "Deleted" in deleting
    assert (run.state, versions.read(run.version, "package.json")) == (Run.State.SUCCEEDED, package)
    assert _most_memory() - before < 200 << 20


FLOOD = "#!/bin/sh\nexec /usr/bin/yes"


@pytest.mark.parametrize("name", ["head", "xargs"])
def test_it_takes_no_more_than_its_own_programs_would_say(taken_over, name):
    do(taken_over, f"{instead_of(name, b'')}; printf '{FLOOD}' > ~/.local/bin/{name}")
    ask = {
        "head": lambda: taken_over.run_once("flood", "echo tea", 30, said.append),
        "xargs": taken_over.hashes,
    }
    said: list[str] = []
    before = _most_memory()
    with pytest.raises(box.TooMuch):
        aio.run(ask[name](), 40)
    assert sum(map(len, said)) <= box.HEAD_BYTES + box.TAIL_BYTES
    assert _most_memory() - before < 200 << 20


def _most_memory():
    """The most that this process ever held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_it_keeps_files_as_they_are(taken_over):
    deep = "/".join(["folder"] * 30) + "/tea with spaces.txt"
    wanted = {"index.html": page("Tea").encode(), deep: b"", "ä.bin": bytes(range(256)) * 5}
    aio.run(taken_over.write({**wanted, "twin.txt": b"one"}))
    do(taken_over, "cd app; ln twin.txt other.txt; ln -s index.html link; mkfifo pipe; mkdir empty")
    files = aio.run(taken_over.snapshot())
    assert files == {**files, **wanted, "twin.txt": b"one", "other.txt": b"one"}
    assert not {"link", "pipe", "empty", "."} & files.keys()


def test_it_reads_an_app_that_writes_files_meanwhile(taken_over):
    """Of some of them tar says that they changed as it read them."""
    moves = "for n in $(seq 100000); do mv log/a log/b; mv log/b log/a; done"
    live = f"cd app; mkdir log; head -c 8M /dev/urandom > log/a; {moves}"
    do(taken_over, f"({live}) > /dev/null 2>&1 &")
    for _ in range(10):
        assert aio.run(taken_over.snapshot())["index.html"] == page("Tea").encode()


def test_it_refuses_what_cannot_be_read_whole(taken_over):
    do(taken_over, "cd app; echo secret > closed.txt; chmod 000 closed.txt")
    with pytest.raises(sandbox.ENDED):
        aio.run(taken_over.snapshot())
