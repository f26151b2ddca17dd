"""Where Vibe keeps its state on this machine, and as which user each kind of process runs there.

As root the servers run as `nobody`: PostgreSQL refuses root, and nothing else needs it. That user must be able to
reach its files, so a checkout under a folder that only root may enter gets its state elsewhere, behind a link.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from launcher.problem import Problem

ROOT = Path(__file__).resolve().parent.parent
STATE_PARENTS = (Path("/var/lib/vibe"), Path("/tmp/vibe"))  # noqa: S108 - a fallback, for root only
# A unix socket's path holds 107 characters; the longest name we put into the folder is ".s.PGSQL.5432.lock".
SOCKET_FOLDER_MAX = 88


@dataclass(frozen=True)
class User:
    """A user to run a process as."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Place:
    """One checkout and its state folder. `home` is resolved: it never has a link in it."""

    root: Path
    home: Path
    server_user: User | None
    """PostgreSQL and Valkey run as this user; None: as whoever started us."""

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def runtime(self) -> Path:
        """What sandboxes and other users must be able to read: Node, Python, server binaries."""
        return self.home / "runtime"

    @cached_property
    def sockets(self) -> Path:
        """The folder of our unix sockets, which only the server user (and root) may enter."""
        folder = self.home / "sockets"
        if len(str(folder)) <= SOCKET_FOLDER_MAX:
            return folder
        return Path(f"/tmp/vibe-{os.geteuid()}-{_digest(self.home)}")  # noqa: S108 - made with mode 0700, owner checked

    @cached_property
    def app_user(self) -> User | None:
        """Web, worker and beat run as this user: the server user, where that one can read the code and the Python."""
        code = (self.root / "manage.py", Path(sys.executable), Path(os.__file__))
        return self.server_user if all(reachable(path) for path in code) else None

    def folder(self, *parts: str, user: User | None = None, mode: int = 0o755) -> Path:
        """A folder in the state folder, made if missing, with this mode and owner."""
        return own_folder(self.home.joinpath(*parts), user, mode)

    def lock(self, name: str, *, wait: bool = False) -> int | None:
        """Hold this place's lock `name` until the process ends. None: another process holds it."""
        handle = os.open(self.home / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(handle)
            return None
        return handle


def open_place(environ: Mapping[str, str], root: Path = ROOT) -> Place:
    """The place of this checkout, made on first use. Raises Problem when it cannot be used."""
    asked = environ.get("VIBE_HOME")
    home = Path(asked).expanduser().absolute() if asked else root / ".vibe"
    as_root = os.geteuid() == 0
    try:
        if as_root and not asked and not reachable(root) and not home.exists():
            _link_elsewhere(home)
        home.mkdir(parents=True, exist_ok=True)
        home = home.resolve()
        if home.stat().st_uid == os.geteuid():
            home.chmod(0o755)
    except OSError as error:
        raise Problem(
            f"The state folder {home} cannot be made: {error.strerror}. Name another one in VIBE_HOME."
        ) from error
    if not os.access(home, os.W_OK | os.X_OK) or home.stat().st_uid != os.geteuid():
        owner = _user_name(home.stat().st_uid)
        raise Problem(
            f"The state folder {home} belongs to {owner}. Start Vibe as {owner}, or name another folder in VIBE_HOME."
        )
    if as_root and not reachable(home):
        raise Problem(
            f"VIBE_HOME is {home}, which lies in a folder only its owner may enter. As root, the servers and sandboxes "
            f"run as other users and could not reach it: name a folder such as /var/lib/vibe/home in VIBE_HOME."
        )
    nobody = pwd.getpwnam("nobody")
    return Place(root, home, User(nobody.pw_uid, nobody.pw_gid) if as_root else None)


def reachable(path: Path) -> bool:
    """Whether every user may enter the folders above `path` and read it."""
    path = path.resolve()
    parents_open = all(parent.stat().st_mode & stat.S_IXOTH for parent in path.parents)
    wanted = stat.S_IROTH | stat.S_IXOTH if path.is_dir() else stat.S_IROTH
    return parents_open and path.exists() and path.stat().st_mode & wanted == wanted


def own_folder(folder: Path, user: User | None, mode: int) -> Path:
    """Make `folder` if missing and give it this owner and mode. Raises Problem if it is someone else's."""
    folder.mkdir(parents=True, exist_ok=True)
    if user and folder.stat().st_uid != user.uid:
        os.chown(folder, user.uid, user.gid)
    wanted = user.uid if user else os.geteuid()
    # A link of our own is fine; one that somebody else put into a shared folder is not.
    if folder.stat().st_uid != wanted or folder.lstat().st_uid not in (wanted, os.geteuid()):
        raise Problem(f"The folder {folder} belongs to another user. Remove it and start again.")
    folder.chmod(mode)
    return folder


def _link_elsewhere(link: Path) -> None:
    """Make a fresh folder that every user can reach, and `link` to it: deleting the link is a full reset."""
    parent = next((parent for parent in STATE_PARENTS if os.access(parent.parent, os.W_OK)), STATE_PARENTS[-1])
    own_folder(parent, None, 0o755)
    target = parent / _digest(link)
    shutil.rmtree(target, ignore_errors=True)  # what an earlier, deleted link left behind
    target.mkdir()
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def _digest(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:12]


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
