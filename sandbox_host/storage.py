"""Where a sandbox's files lie, and how a template is shared: what this machine can do best, found by trying it.

A sandbox's directory holds record.json and one of
  home/                    a plain directory: a copy of the template, or links to what of it cannot be changed
  disk/{upper,work} home/  what the sandbox changed, and an overlay of that over the template, which nobody writes to
  disk.img disk/upper      the same disk as an ext4 volume of a fixed size: the kernel says ENOSPC, and a copy of the
                           image is a snapshot
"""

import errno
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from sandbox_host import homes, mounting
from sandbox_host.isolation import FIRST_UID, MIB, Limits

_FICLONE = 0x40049409
_INODE_BYTES = 256
_JOURNAL = 4  # MiB
# What the machine has too little of now, and may have later.
_PASSING = frozenset({
    errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EBUSY, errno.EAGAIN, errno.EINTR, errno.ENOSPC,
})  # fmt: skip


class DiskGone(Exception):
    """A sandbox's files cannot be reached on this machine; the message says why."""


@dataclass(frozen=True)
class Disk:
    """How one sandbox's files are kept; part of its record."""

    kind: str = "plain"  # or "directory" or "volume"
    lower: str = ""  # the template below, as a path in the folder of templates


@dataclass(frozen=True)
class Storage:
    """What `find` found. `volumes`: disks are volumes; `sharing`: how a template reaches a sandbox."""

    templates: Path
    volumes: bool = False
    sharing: str = "copy"  # or "links", "reflink", "overlay"
    blank: Path = field(default_factory=Path)
    users: dict[str, int] = field(default_factory=dict)  # of sandboxes that may get a template later, see root_as

    def describe(self) -> dict[str, str]:
        """For /health."""
        return {"disk": "volume" if self.volumes else "watched", "sharing": self.sharing}

    def kind_for(self, lower: str) -> str:
        """The kind of disk of a new sandbox above the template `lower` ("": none that could be laid below)."""
        return "volume" if self.volumes else "directory" if lower else "plain"

    def make(self, directory: Path, uid: int, disk: Disk) -> None:
        """An empty disk in the sandbox's directory. Raises OSError."""
        _folder(directory / "home", uid, 0o700)
        if disk.kind != "plain":
            _folder(directory / "disk", 0, 0o711)
        if disk.kind == "volume":
            copy_image(self.blank, directory / "disk.img")
        self._open_disk(directory, disk)
        if disk.kind != "plain":
            own(directory, uid)
            _folder(directory / "disk" / "work", 0, 0o700)

    def open(self, directory: Path, uid: int, disk: Disk) -> Path:
        """Mount what is not; the path to show as the home. Raises DiskGone, and OSError for what may pass."""
        try:
            self._open_disk(directory, disk)
            home = home_of(directory, disk)
            if disk.lower and not os.path.ismount(home):
                lower = self.templates / disk.lower
                if not lower.is_dir():
                    raise DiskGone(f"the template that this sandbox was made from is gone ({disk.lower})")
                self.lay(directory, uid, disk.lower)
        except OSError as error:
            if error.errno in _PASSING:
                raise
            raise DiskGone(f"the sandbox's files cannot be mounted here: {error}") from error
        return home

    def open_empty(self, directory: Path, uid: int) -> Path:
        """As `open`, for a sandbox without a template that may still get one by `lay`. Raises DiskGone."""
        home = directory / "home"
        try:
            mounting.shared(directory / "disk" / "upper", home)
            self.users[directory.name] = mounting.root_as(uid)
        except OSError as error:
            raise DiskGone(f"the sandbox's files cannot be mounted here: {error}") from error
        return home

    def lay(self, directory: Path, uid: int, lower: str) -> None:
        """Put a template below the disk. Raises OSError."""
        users = self.users.pop(directory.name, None) or mounting.root_as(uid)
        try:
            mounting.overlay(self.templates / lower, directory, users)
        finally:
            os.close(users)

    def _open_disk(self, directory: Path, disk: Disk) -> None:
        at = directory / "disk"
        if disk.kind == "volume" and not os.path.ismount(at):
            mounting.volume(directory / "disk.img", at)

    def close(self, directory: Path) -> None:
        """Unmount; the files stay."""
        if users := self.users.pop(directory.name, None):
            os.close(users)
        if os.geteuid() == 0:
            mounting.unmount(directory / "home")
            mounting.unmount(directory / "disk")

    def copy(self, source: Path, target: Path, disk: Disk) -> None:
        """Copy the disk of a sandbox whose processes stand still, or of a snapshot, to the directory `target`. Raises
        OSError, CopyFailed.
        """
        if disk.kind == "volume":
            if os.path.ismount(source / "disk"):
                mounting.settle(source / "disk")
            else:
                mounting.wait_until_free(source / "disk.img")
            copy_image(source / "disk.img", target / "disk.img")
        else:
            homes.copy(source / "disk", target / "disk")

    def adopt(self, directory: Path, uid: int, disk: Disk) -> None:
        """Make a copied disk the disk of a sandbox of `uid`. Raises OSError."""
        for name, owner, mode in (("home", uid, 0o700), ("disk", 0, 0o711)):
            _folder(directory / name, owner, mode)
        self._open_disk(directory, disk)
        own(directory, uid)

    def usage(self, directory: Path, disk: Disk) -> tuple[int, int, bool] | None:
        """Bytes, inodes and whether one of them is used up, as the kernel counts them; None: it does not."""
        if disk.kind != "volume" or not os.path.ismount(directory / "disk"):
            return None
        now = os.statvfs(directory / "disk")
        full = now.f_bavail * now.f_frsize < MIB // 4 or now.f_ffree < 8
        return (now.f_blocks - now.f_bfree) * now.f_frsize, now.f_files - now.f_ffree, full


@dataclass(frozen=True)
class Source:
    """A template, a snapshot or a sandbox that another one starts from, as Keeper.make names it, and how its files are
    kept.
    """

    name: str
    disk: Disk
    template: bool = False  # never changed and never removed while it is in use, so that it may lie below others

    def above(self, storage: "Storage") -> Disk:
        """The disk of a sandbox that starts from this."""
        if self.disk.kind != "plain":
            return self.disk
        shared = self.template and storage.sharing == "overlay"
        lower = f"{self.name.removeprefix('templates/')}/home" if shared else ""
        return Disk(storage.kind_for(lower), lower)


def home_of(directory: Path, disk: Disk) -> Path:
    """The host's path of /home/user. Hostile: never follow a path below it, never write there."""
    return directory / "disk" / "upper" if disk.kind == "volume" and not disk.lower else directory / "home"


def find(state: Path, limits: Limits) -> Storage:
    """Try what can be done below `state`. As root the process must have a mount namespace of its own."""
    templates = state / "templates"
    with tempfile.TemporaryDirectory(prefix=".storage-", dir=state) as place:
        tried = Path(place)
        if os.geteuid() != 0:
            return Storage(templates, sharing="reflink" if _works(lambda: _try_reflink(tried)) else "copy")
        blank = state / f"blank-{limits.disk}-{limits.inodes}.img"
        volumes = _works(lambda: _try_volume(tried, blank, limits))
        overlay = _works(lambda: _try_overlay(tried, blank if volumes else None))
        return Storage(templates, volumes, "overlay" if overlay else "copy" if volumes else "links", blank)


def in_use(state: Path) -> set[str]:
    """The templates that lie below a sandbox or a snapshot, as Disk.lower names them."""
    found = set()
    for pattern in ("sandboxes/*/record.json", "sandboxes/*/api/record.json", "snapshots/*/snapshot.json"):
        for path in state.glob(pattern):
            with suppress(OSError, ValueError, AttributeError):
                found.add(str(json.loads(_read_plain(path)).get("lower", "")))
    return found


def _read_plain(path: Path) -> bytes:
    """A file that may not be ours: no link is followed, and nothing but a file is read. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as file:
        return file.read(1 << 20)


def _works(attempt: Callable[[], None]) -> bool:
    try:
        attempt()
    except (OSError, subprocess.SubprocessError, DiskGone):
        return False
    return True


def _try_reflink(place: Path) -> None:
    (place / "a").write_text("x")
    with (place / "a").open("rb") as one, (place / "b").open("wb") as other:
        fcntl.ioctl(other, _FICLONE, one.fileno())


def _try_volume(place: Path, blank: Path, limits: Limits) -> None:
    """Format the image that all volumes start as, mount one, and see that it ends where it should."""
    if not blank.exists():
        _format(blank, place / "blank", limits)
    storage, disk, directory = Storage(place, volumes=True, blank=blank), Disk("volume"), place / "v"
    directory.mkdir(mode=0o711)
    try:
        storage.make(directory, FIRST_UID, disk)
        room = os.statvfs(directory / "disk")
        if not 0 < room.f_bavail * room.f_frsize <= limits.disk * MIB * 1.1 + 16 * MIB:
            raise OSError("the volume has another size")
    finally:
        storage.close(directory)


def _try_overlay(place: Path, blank: Path | None) -> None:
    """A template below, written to from above by the sandbox's uid: it stays as it was."""
    lower, directory = place / "lower", place / "o"
    (lower / "folder").mkdir(parents=True)
    (lower / "folder" / "file").write_text("template")
    directory.mkdir(mode=0o711)
    disk = Disk("volume" if blank else "directory", "lower")
    storage = Storage(place, blank is not None, "overlay", blank or Path())
    for path in (place, lower, lower / "folder"):
        path.chmod(0o755)
    try:
        storage.make(directory, FIRST_UID, disk)
        home = storage.open(directory, FIRST_UID, disk)
        script = 'cd "$0" && mv folder moved && echo changed > moved/file && rm moved/file && mkdir folder'
        subprocess.run(["/bin/sh", "-c", script, str(home)], user=FIRST_UID, group=FIRST_UID, extra_groups=[],
                       env={}, check=True, capture_output=True, timeout=10)  # fmt: skip
        if (lower / "folder" / "file").read_text() != "template":
            raise OSError("the template could be changed")
    finally:
        storage.close(directory)


def _format(blank: Path, fresh: Path, limits: Limits) -> None:
    """An empty ext4 image that holds `limits.disk` MiB beside its own tables; sparse, so that it takes almost none.

    Made at `fresh`, which nobody else has, and there at once when it is whole: a host and a build of templates may
    begin at the same moment, and each finds an image from then on.
    """
    program = shutil.which("mkfs.ext4", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        raise OSError("mkfs.ext4 is not installed")
    inodes = limits.inodes + 16
    size = limits.disk * 103 // 100 + inodes * _INODE_BYTES // MIB + _JOURNAL + 4
    with fresh.open("wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.truncate(size * MIB)
    features = "^resize_inode,^metadata_csum,uninit_bg,sparse_super2"
    extended = "lazy_itable_init=1,lazy_journal_init=1,nodiscard,num_backup_sb=0"
    command = [program, "-q", "-F", "-m", "0", "-b", "4096", "-I", str(_INODE_BYTES), "-N", str(inodes)]
    command += ["-J", f"size={_JOURNAL}", "-O", features, "-E", extended, str(fresh)]
    subprocess.run(command, check=True, capture_output=True, timeout=60, env={})
    fresh.rename(blank)
    for older in blank.parent.glob("blank-*.img"):
        if older != blank:
            older.unlink(missing_ok=True)


def copy_image(source: Path, target: Path) -> None:
    """Copy a sparse file: by sharing its blocks where the file system can, else what is not a hole. Raises OSError."""
    with source.open("rb") as one, target.open("xb") as other:
        os.fchmod(other.fileno(), 0o600)
        with suppress(OSError):
            fcntl.ioctl(other, _FICLONE, one.fileno())
            return
        size = os.fstat(one.fileno()).st_size
        other.truncate(size)
        at = 0
        while at < size:
            try:
                at = os.lseek(one.fileno(), at, os.SEEK_DATA)
            except OSError:  # nothing but a hole
                return
            end = os.lseek(one.fileno(), at, os.SEEK_HOLE)
            while at < end:
                at += os.copy_file_range(one.fileno(), other.fileno(), end - at, at, at)


def own(directory: Path, uid: int) -> None:
    """Give all that a disk holds to `uid`, by chown, which follows no link and minds no depth. Raises OSError."""
    upper = directory / "disk" / "upper"
    if not upper.exists():
        _folder(upper, uid, 0o700)
        return
    whiteouts_too = ["chown", "-hR", f"{uid}:{uid}", "--", str(upper)]
    done = subprocess.run(whiteouts_too, capture_output=True, env={"PATH": os.defpath})
    if done.returncode:
        raise OSError(done.stderr.decode("utf-8", "replace")[-300:])


def _folder(path: Path, uid: int, mode: int) -> None:
    path.mkdir(mode=mode, exist_ok=True)
    path.chmod(mode)
    if os.geteuid() == 0:
        os.chown(path, uid, uid)
