"""A version as a ZIP that every tool reads, made without compressing anything again."""

import io
import shutil
import subprocess
import zipfile
import zlib

import pytest

from projects import services, versions

FILES = {
    "index.html": b"<p>hello</p>\n" * 300,
    "empty": b"",
    "a/b/c.bin": bytes(range(256)) * 30,
    "ordner/übersicht – 日本.md": "Grüße\n".encode(),
}


@pytest.fixture
def version(alice):
    project = services.create_project(alice, "A shop", model="vibe-m", framework="html")
    return versions.save(project, FILES, source="run")


def test_it_holds_every_file_byte_for_byte(version):
    archive = zipfile.ZipFile(io.BytesIO(b"".join(versions.zip_chunks(version))))
    assert archive.testzip() is None
    assert {name: archive.read(name) for name in archive.namelist()} == FILES
    assert all(info.create_system == 3 and info.external_attr >> 16 == 0o100644 for info in archive.infolist())


@pytest.mark.skipif(not shutil.which("unzip"), reason="this machine has no unzip")
def test_it_unpacks_with_unzip(version, tmp_path):
    (tmp_path / "app.zip").write_bytes(b"".join(versions.zip_chunks(version)))
    subprocess.run(["unzip", "-q", "app.zip", "-d", "out"], cwd=tmp_path, check=True)
    out = tmp_path / "out"
    found = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert found == FILES


def test_it_does_not_compress_again(version, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("compressed again")

    monkeypatch.setattr(zlib, "compressobj", refuse)
    monkeypatch.setattr(zlib, "decompress", refuse)
    assert b"".join(versions.zip_chunks(version))


def test_it_is_the_same_for_everyone_who_asks(version):
    assert b"".join(versions.zip_chunks(version)) == b"".join(versions.zip_chunks(version))


def test_it_zips_a_version_without_files(alice):
    project = services.create_project(alice, "A shop", model="vibe-m", framework="html")
    version = versions.save(project, {}, source="run")
    assert version
    assert zipfile.ZipFile(io.BytesIO(b"".join(versions.zip_chunks(version)))).namelist() == []
