"""Templates: what names them, and how they are prepared in a real sandbox."""

import asyncio
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher import testing
from sandbox_host import preparing, templates
from sandbox_host.isolation import Limits, Machine
from sandbox_host.keeper import Keeper
from sandbox_host.root import Direct
from sandbox_host.templates import BadTemplate, Library, Template

from .conftest import make_state

FIELDS = {
    "name": "tiny",
    "title": "Tiny",
    "framework": "none",
    "install": "mkdir node_modules && echo $HOME > node_modules/installed.txt",
    "dev": "python3 -m http.server 3000",
    "port": 3000,
    "build": "mkdir out && cp index.html out/",
    "lint": None,
    "entry": "index.html",
}


@pytest.fixture
def state() -> Iterator[Path]:
    path = make_state(None)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A folder of sources with one small template in it."""
    app = tmp_path / "tiny" / "app"
    app.mkdir(parents=True)
    (app / "index.html").write_text('<script src="/script.js"></script>')
    (app / "script.js").write_text("1;")
    describe(tmp_path)
    return tmp_path


def describe(sources: Path, **fields: object) -> None:
    (sources / "tiny" / "template.json").write_text(json.dumps(FIELDS | fields))


def runtime() -> Path:
    return testing.current().place.runtime


def find(sources: Path, state: Path) -> Template:
    template = Library(sources, state).find("tiny")
    assert template is not None
    return template


async def prepare(sources: Path, state: Path) -> list[str]:
    """What was said while preparing."""
    said: list[str] = []
    keeper = Keeper(Machine.find(state, None, Limits()), Library(sources, state), runtime=runtime())
    await preparing.prepare_all(Direct(keeper), ["tiny"], said.append)
    return said


def test_a_changed_source_is_another_template(tiny: Path, state: Path) -> None:
    digests = [find(tiny, state).digest]
    (tiny / "tiny/app/script.js").write_text("2;")
    digests.append(find(tiny, state).digest)
    (tiny / "tiny/app/script.js").rename(tiny / "tiny/app/other.js")
    digests.append(find(tiny, state).digest)
    describe(tiny, dev="node server.js")
    digests.append(find(tiny, state).digest)
    assert len(set(digests)) == 4
    (tiny / "tiny/app/node_modules").mkdir()
    (tiny / "tiny/app/node_modules/x.js").touch()
    assert find(tiny, state).digest == digests[-1]


def test_it_says_what_is_wrong_with_a_template(tiny: Path, state: Path) -> None:
    assert Library(tiny, state).find("none") is None
    assert Library(tiny, state).find("../tiny") is None
    (tiny / "tiny/template.json").write_text("{")
    with pytest.raises(BadTemplate, match=r"template\.json"):
        Library(tiny, state).find("tiny")


@pytest.mark.sandbox
async def test_it_prepares_once_for_all_who_ask_together(tiny: Path, state: Path) -> None:
    said = await asyncio.gather(prepare(tiny, state), prepare(tiny, state))
    assert sorted(lines[-1] == "tiny: is prepared" for lines in said) == [False, True]
    home = find(tiny, state).home
    assert (home / "app/node_modules/installed.txt").read_text() == "/home/user\n"
    assert sorted(path.name for path in (home / "app").iterdir()) == ["index.html", "node_modules", "script.js"]
    assert sorted(path.name for path in (state / "templates").iterdir()) == [".work.lock", "tiny"]
    for path in [home, *home.rglob("*")]:
        assert path.stat().st_uid == os.geteuid()
        assert path.stat().st_mode & 0o044 == 0o044
        assert not path.stat().st_mode & 0o022


@pytest.mark.sandbox
async def test_it_prepares_a_changed_template_anew_and_drops_the_old(tiny: Path, state: Path) -> None:
    await prepare(tiny, state)
    first = find(tiny, state).digest
    (tiny / "tiny/app/script.js").write_text("2;")
    assert not find(tiny, state).prepared
    record = state / "sandboxes" / "one" / "api" / "record.json"
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps({"lower": f"tiny/{first}/home"}))
    await prepare(tiny, state)
    assert (find(tiny, state).place / first).exists()  # a sandbox lies above it
    record.unlink()
    find(tiny, state).home.parent.rename(find(tiny, state).place / "gone")
    await prepare(tiny, state)
    assert (find(tiny, state).home / "app/script.js").read_text() == "2;"
    assert sorted(path.name for path in find(tiny, state).place.iterdir()) == [find(tiny, state).digest]


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"install": "echo no such package >&2; exit 3"}, r"(?s)installing.*exit code 3.*no such package"),
        ({"build": "echo does not compile; false"}, "(?s)building.*does not compile"),
        ({"dev": "echo port is taken; exit 1"}, "(?s)dev server ended.*port is taken"),
        (
            {"dev": "rm index.html; mkdir -p x; cd x; touch 404; exec python3 -m http.server 3000 -d 404"},
            "gave no page",
        ),
    ],
)
async def test_it_keeps_nothing_of_a_failed_preparation(
    tiny: Path, state: Path, fields: dict[str, str], reason: str
) -> None:
    describe(tiny, **fields)
    with pytest.raises(preparing.Failed, match=reason):
        await prepare(tiny, state)
    assert not find(tiny, state).prepared
    assert not find(tiny, state).place.exists()


@pytest.mark.sandbox
async def test_install_scripts_of_packages_do_not_run(tiny: Path, state: Path) -> None:
    package = tiny / "tiny/app/bad"
    package.mkdir()
    scripts = dict.fromkeys(("preinstall", "install", "postinstall"), "touch /home/user/app/node_modules/ran")
    (package / "package.json").write_text(json.dumps({"name": "bad", "version": "1.0.0", "scripts": scripts}))
    (tiny / "tiny/app/package.json").write_text(json.dumps({"dependencies": {"bad": "file:bad"}, "scripts": scripts}))
    describe(tiny, install="npm install --offline")
    await prepare(tiny, state)
    installed = find(tiny, state).home / "app/node_modules"
    assert (installed / "bad").exists()
    assert not (installed / "ran").exists()


@pytest.mark.parametrize("name", Library(templates.SOURCES, Path()).names())
def test_our_templates_are_whole(name: str, state: Path) -> None:
    template = Library(templates.SOURCES, state).find(name)
    assert template is not None
    assert template.name == name
    assert (template.source.parent / "e2b.Dockerfile").is_file()
    for wanted in (template.entry, "AGENTS.md", "README.md", "package.json"):
        assert (template.source / wanted).is_file()


@pytest.mark.parametrize("name", Library(templates.SOURCES, Path()).names())
def test_our_templates_are_a_good_beginning(name: str, state: Path) -> None:
    """Exact pins, strict types, lint and build, a title, an icon, both themes, nothing from another origin."""
    template = Library(templates.SOURCES, state).find(name)
    assert template is not None
    texts = {path.name: path.read_text() for path in template.files() if path.name != "package-lock.json"}
    package = json.loads(texts["package.json"])
    pins = {**package.get("dependencies", {}), **package.get("devDependencies", {})}
    assert not [pin for pin in pins.items() if not re.fullmatch(r"\d+\.\d+\.\d+", pin[1])]
    assert {"dev", "lint"} <= package["scripts"].keys()
    together = "\n".join(texts.values())
    if name != "html":
        assert pins["tailwindcss"].startswith("4.") and "build" in package["scripts"]
        assert any(re.search(r'"strict": true', text) for file, text in texts.items() if file.startswith("tsconfig"))
    assert "Your app" in together and {"favicon.svg", "icon.svg"} & texts.keys()
    assert "dark:" in together or "prefers-color-scheme: dark" in together or "light-dark(" in together
    shown = [text for file, text in texts.items() if Path(file).suffix in (".html", ".tsx", ".vue", ".svelte", ".css")]
    assert not re.findall(r"""(?:src|href|url\()=?["']?https?://""", "\n".join(shown))


@pytest.mark.parametrize(
    "lock", list(templates.SOURCES.glob("*/app/package-lock.json")), ids=lambda path: path.parts[-3]
)
def test_our_locks_name_no_registry_and_every_platform(lock: Path) -> None:
    packages = json.loads(lock.read_text())["packages"]
    assert not [name for name, package in packages.items() if "resolved" in package]
    # What comes within another package is sealed with it.
    assert all(package.get("integrity") or package.get("inBundle") for name, package in packages.items() if name)
    optional = {name for package in packages.values() for name in package.get("optionalDependencies", {})}
    assert optional <= {name.rpartition("node_modules/")[2] for name in packages}
