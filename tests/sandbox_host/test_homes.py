"""A sandbox's home made from a template: quick, and the template stays as it was."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox_host.templates import Library

from .conftest import ORDINARY_UID, Host, make_state


def _digest(folder: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        info = path.lstat()
        total.update(f"{path} {info.st_mode} {info.st_size} {info.st_mtime_ns}".encode())
        total.update(path.read_bytes() if path.is_file() and not path.is_symlink() else b"")
    return total.hexdigest()


@pytest.fixture(params=["root", "ordinary"] if os.geteuid() == 0 else ["ordinary"])
def prepared(request: pytest.FixtureRequest) -> Iterator[tuple[Host, Path]]:
    """A host with a template of three files, one of them a package's, and the template's home."""
    uid = ORDINARY_UID if request.param == "ordinary" and os.geteuid() == 0 else None
    state = make_state(uid)
    source = state / "sources" / "small"
    (source / "app").mkdir(parents=True)
    fields = {
        "title": "Small",
        "framework": "small",
        "install": None,
        "dev": "x",
        "port": 1,
        "build": None,
        "lint": None,
        "entry": "a",
    }
    (source / "template.json").write_text(json.dumps({"name": "small", **fields}))
    (source / "app" / "a").write_text("source")
    template = Library(source.parent, state).find("small")
    assert template is not None
    package = template.home / "app" / "node_modules" / "p"
    package.mkdir(parents=True)
    for path in (package / "index.js", package.parent / ".package-lock.json", template.home / "app" / "a"):
        path.write_text(path.name)
    (package / "link").symlink_to("index.js")
    for path in [state / "templates", *(state / "templates").rglob("*")]:
        if uid is not None:
            os.chown(path, uid, uid, follow_symlinks=False)
    host = Host(state, uid, ["--templates", str(source.parent)])
    try:
        yield host.start(), template.home
    finally:
        host.close()


def test_it_gives_a_home_that_is_the_sandboxes_own(prepared: tuple[Host, Path]) -> None:
    host, home = prepared
    before = _digest(home)
    sandbox = host.create(template="small")
    app = "/home/user/app"
    assert sandbox.commands.run(
        f"cat {app}/a {app}/node_modules/p/link {app}/node_modules/.package-lock.json"
    ).stdout == ("aindex.js.package-lock.json")
    sandbox.files.write(f"{app}/a", "changed")
    sandbox.files.write(f"{app}/node_modules/.package-lock.json", "changed")
    attack = f"cd {app}/node_modules/p; echo poison >> index.js; chmod 777 index.js; truncate -s 0 index.js; rm link"
    sandbox.commands.run(
        f"{attack}; rm -rf {app}/node_modules/p; mkdir {app}/node_modules/p; echo new > {app}/node_modules/p/index.js"
    )
    assert sandbox.files.read(f"{app}/node_modules/p/index.js") == "new\n"
    assert _digest(home) == before
    fresh = host.create(template="small")
    assert fresh.files.read(f"{app}/a") == "a" and fresh.files.read(f"{app}/node_modules/p/index.js") == "index.js"
    for made in (sandbox, fresh):
        made.kill()
