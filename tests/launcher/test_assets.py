"""The front end bundled anew while a site serves it: pages get each file whole, the old one or the new one."""

import shutil
import subprocess

import pytest
from django.test import Client

from launcher import assets, runtime, testing
from launcher.place import ROOT


@pytest.fixture
def bundle(tmp_path):
    """Bundles a copy of the front end in `tmp_path`; whether that worked."""
    for name in ("css", "js", "img"):
        shutil.copytree(ROOT / "static" / name, tmp_path / "static" / name)
    for name in ("assets.mjs", "package.json"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    node = runtime.node(testing.current().place) / "node"
    return lambda: subprocess.run([node, "assets.mjs"], cwd=tmp_path, capture_output=True).returncode == 0


def test_it_is_made_where_a_services_user_has_no_home(place, terminal):
    for name in ("package.json", "package-lock.json", "assets.mjs"):
        (place.root / name).touch()
    (place.root / "static" / "dist").mkdir(parents=True)
    (place.root / "node_modules").mkdir()
    npm = place.folder("runtime", "node", "bin") / "npm"
    npm.write_text('#!/bin/sh\necho "$1 $HOME" >> npm.log\n')
    npm.chmod(0o755)
    assets.prepare(place, {"HOME": "/proc/nobodys"}, terminal)
    assert (place.root / "npm.log").read_text().splitlines() == [f"{step} {place.home}" for step in ("ci", "run")]


def test_it_is_served_whole_and_what_is_the_same_stays(bundle, tmp_path, settings):
    assert bundle()
    settings.STATICFILES_DIRS = [tmp_path / "static"]
    dist, source, client = tmp_path / "static" / "dist", tmp_path / "static" / "js" / "site.js", Client()

    def served(coding):
        answer = client.get("/static/dist/site.js", headers={"accept-encoding": coding})
        body = answer.getvalue()
        assert (answer["Content-Length"], answer.get("Content-Encoding", "")) == (str(len(body)), coding)
        return body

    old = {coding: served(coding) for coding in ("", "gzip", "br")}

    def others():
        return {path: path.stat().st_ino for path in (*dist.glob("editor*"), *dist.glob("*.css*"))}

    kept = others()
    begun = (dist / "site.js").open("rb")
    (dist / ".stamp").write_text("of what was bundled")
    (dist / "editor-OLD.js").write_text("of a version before")
    source.write_text(source.read_text() + "\nconsole.log('one more line');")
    assert bundle()
    assert b"one more line" in served("")
    assert all(len(served(coding)) > len(was) for coding, was in old.items())
    with begun:  # sent to a slow page
        assert begun.read() == old[""]
    assert others() == kept

    # One that fails leaves what was there, and vouches for nothing.
    (dist / ".stamp").write_text("of what was bundled")
    source.write_text("const ;")
    assert not bundle()
    assert b"one more line" in served("") and not (dist / ".stamp").exists()
