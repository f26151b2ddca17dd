"""Files in a sandbox through the SDK."""

import gzip
import io
import urllib.error
import urllib.request

import pytest
from e2b import FileType, Sandbox
from e2b.exceptions import AuthenticationException, FileNotFoundException, InvalidArgumentException

from .conftest import Host


def test_it_writes_and_reads(sandbox: Sandbox) -> None:
    info = sandbox.files.write("deep/er/a.txt", "héllo")
    assert info.path == "/home/user/deep/er/a.txt"
    assert info.name == "a.txt"
    assert sandbox.files.read("deep/er/a.txt") == "héllo"
    assert sandbox.files.read("~/deep/er/a.txt", format="bytes") == bytearray("héllo".encode())


def test_it_replaces_a_longer_file(sandbox: Sandbox) -> None:
    sandbox.files.write("a", "a long text")
    sandbox.files.write("a", "short")
    assert sandbox.files.read("a") == "short"
    sandbox.files.write("a", "")
    assert sandbox.files.read("a") == ""


def test_it_writes_many_files_at_once(sandbox: Sandbox) -> None:
    written = sandbox.files.write_files([{"path": f"many/{n}", "data": f"text {n}"} for n in range(150)])
    assert [info.path for info in written] == [f"/home/user/many/{n}" for n in range(150)]
    assert sandbox.commands.run("cat many/149; ls many | wc -l").stdout == "text 149150\n"


def test_it_takes_absolute_paths_in_a_form_of_many_files(sandbox: Sandbox) -> None:
    paths = ["/home/user/app/src/a.ts", '/home/user/app/süß/with space "q".txt', "/home/user/b;c=d.txt"]
    written = sandbox.files.write_files([{"path": path, "data": path} for path in paths])
    assert [info.path for info in written[::2]] == paths[::2]
    assert [sandbox.files.read(info.path) for info in written] == paths


def test_it_takes_a_path_as_long_as_linux_knows(sandbox: Sandbox) -> None:
    longest = "/".join([f"/home/user/{'ä' * 115}", *["ä" * 120] * 15, "ä" * 119])
    assert len(longest.encode()) == 4095
    assert sandbox.files.write(longest, "deep").path == longest
    assert sandbox.files.read(longest) == "deep"
    with pytest.raises(InvalidArgumentException):
        sandbox.files.write(f"{longest}/more", "deeper")


def test_it_carries_bytes_unchanged_both_ways(sandbox: Sandbox) -> None:
    data = bytes(range(256)) * 20_000
    for packed, plain in ((False, False), (True, True), (False, True)):
        sandbox.files.write("binary", data, gzip=packed, use_octet_stream=plain)
        assert bytes(sandbox.files.read("binary", format="bytes")) == data
    sandbox.files.write("binary", io.BytesIO(data))
    assert b"".join(sandbox.files.read("binary", format="stream")) == data
    assert bytes(sandbox.files.read("binary", format="bytes", gzip=True)) == data


def test_it_lists_to_a_depth(sandbox: Sandbox) -> None:
    sandbox.files.write_files([{"path": path, "data": ""} for path in ("d/a", "d/sub/b", "d/sub/deep/c")])
    assert [entry.name for entry in sandbox.files.list("d")] == ["a", "sub"]
    assert [entry.path for entry in sandbox.files.list("d", depth=2)] == [
        f"/home/user/d/{p}" for p in ("a", "sub", "sub/b", "sub/deep")
    ]
    assert sandbox.files.list("d")[1].type == FileType.DIR


def test_it_describes_an_entry(sandbox: Sandbox) -> None:
    sandbox.files.write("a.txt", "12345")
    info = sandbox.files.get_info("a.txt")
    assert (info.name, info.type, info.size, info.mode, info.permissions) == (
        "a.txt",
        FileType.FILE,
        5,
        0o644,
        "-rw-r--r--",
    )
    assert (info.owner, info.group) == ("user", "user")
    sandbox.commands.run("ln -s a.txt link")
    assert sandbox.files.get_info("link").symlink_target == "/home/user/a.txt"


def test_it_makes_moves_and_removes(sandbox: Sandbox) -> None:
    assert sandbox.files.make_dir("x/y") is True
    assert sandbox.files.make_dir("x/y") is False
    sandbox.files.write("x/y/z", "z")
    assert sandbox.files.rename("x/y/z", "moved/z").path == "/home/user/moved/z"
    assert sandbox.files.exists("moved/z") and not sandbox.files.exists("x/y/z")
    sandbox.files.remove("x")
    assert not sandbox.files.exists("x")


def test_it_keeps_metadata(sandbox: Sandbox) -> None:
    sandbox.files.write("m", "x", metadata={"Author": "ann"})
    assert sandbox.files.get_info("m").metadata == {"author": "ann"}


def test_it_answers_with_the_errors_of_e2b(sandbox: Sandbox) -> None:
    with pytest.raises(FileNotFoundException):
        sandbox.files.read("nothing")
    with pytest.raises(FileNotFoundException):
        sandbox.files.list("nothing")
    with pytest.raises(FileNotFoundException):
        sandbox.files.rename("nothing", "else")
    with pytest.raises(InvalidArgumentException, match="directory"):
        sandbox.files.read("/home/user")
    with pytest.raises(InvalidArgumentException, match="directory"):
        sandbox.files.write("/home/user", "x")
    with pytest.raises(AuthenticationException, match="invalid username"):
        sandbox.files.read("x", user="mallory")


def _fetch(url: str, data: bytes | None = None) -> tuple[int, bytes]:
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/octet-stream"})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read()


def test_it_serves_signed_urls(sandbox: Sandbox) -> None:
    status, _ = _fetch(sandbox.upload_url("signed.txt"), b"by url")
    assert status == 200
    assert _fetch(sandbox.download_url("signed.txt", use_signature_expiration=60)) == (200, b"by url")


def test_it_refuses_bad_signatures(sandbox: Sandbox) -> None:
    url = sandbox.download_url("signed.txt", use_signature_expiration=-10)
    assert _fetch(url) == (401, b'{"code": 401, "message": "signature is already expired"}')
    assert _fetch(sandbox.download_url("a").replace("path=a", "path=b"))[0] == 401
    assert _fetch(sandbox.download_url("a"), b"written with a reader's url")[0] == 401


def test_it_unpacks_nothing_it_was_not_asked_to(host: Host, sandbox: Sandbox) -> None:
    packed = gzip.compress(b"stay packed")
    sandbox.files.write("a.gz", packed)
    assert bytes(sandbox.files.read("a.gz", format="bytes")) == packed
