"""Mounts by system calls, for a host that is root: in a mount namespace of its own, so that they end with it.

Nothing has to be cleaned up after `kill -9`: with the last process of the namespace the kernel unmounts everything and
lets go of the loop devices, and no other process of the machine ever sees these mounts.
"""

import ctypes
import fcntl
import os
import signal
import struct
import time
from contextlib import suppress
from errno import EBUSY
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
# The numbers of the newer calls are the same on all processors.
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442
_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE_NEWNS, _CLONE_NEWUSER = 0x20000, 0x10000000
_NOSUID, _NODEV, _NOATIME, _RECURSIVE, _SLAVE = 2, 4, 1024, 0x4000, 0x80000
_BIND, _SHARED = 0x1000, 0x100000
_DETACH = 2
_AT_FDCWD, _AT_EMPTY_PATH = -100, 0x1000
_OPEN_TREE_CLONE, _MOVE_MOUNT_F_EMPTY_PATH = 1, 4
_ATTR_READ_ONLY, _ATTR_NOSUID, _ATTR_NODEV, _ATTR_IDMAP = 1, 2, 4, 0x100000
# <linux/loop.h>, and its struct loop_config: descriptor, block size, struct loop_info64, eight reserved words.
_LOOP_CTL_GET_FREE, _LOOP_CONFIGURE, _LO_FLAGS_AUTOCLEAR = 0x4C82, 0x4C0A, 4
_LOOP_CONFIG = struct.Struct("=II 5Q 4I 64s 64s 32s 2Q 8Q")
_EXT4_IOC_CHECKPOINT = 0x4004662B
DETACHING = 10.0  # seconds that the kernel may take to end the mounts of a host that was killed


def own_namespace() -> None:
    """What this process mounts from now on is seen by it and its children alone. Raises OSError."""
    _check(_libc.unshare(_CLONE_NEWNS))
    _check(_libc.mount(b"none", b"/", None, _RECURSIVE | _SLAVE, None))


def volume(image: Path, at: Path) -> None:
    """Mount an ext4 image at a directory. Raises OSError."""
    wait_until_free(image)
    device = _loop(image)
    try:
        path = str(Path(f"/proc/self/fd/{device}").readlink())
        options = b"noinit_itable,discard,errors=remount-ro"
        _mount(path, at, "ext4", _NOSUID | _NODEV | _NOATIME, options)
    finally:
        os.close(device)  # it lives as long as the mount


def shared(source: Path, at: Path) -> None:
    """Show the directory `source` at `at` too, so that what is mounted over `at` later appears wherever that was shown.
    Raises OSError.
    """
    _mount(str(source), at, "none", _BIND, b"")
    _mount("none", at, "none", _SHARED, b"")


def overlay(lower: Path, directory: Path, users: int) -> None:
    """Mount the tree `lower`, which is root's, at `directory`/home as if it belonged to whom root is in `users`, see
    root_as; what is changed goes to disk/upper. Raises OSError.
    """
    at = directory / "home"
    tree = _check(_libc.syscall(_OPEN_TREE, _AT_FDCWD, os.fsencode(lower), _OPEN_TREE_CLONE | os.O_CLOEXEC))
    try:
        flags = _ATTR_READ_ONLY | _ATTR_NOSUID | _ATTR_NODEV | _ATTR_IDMAP
        attributes = struct.pack("=4Q", flags, 0, 0, users)
        _check(_libc.syscall(_MOUNT_SETATTR, tree, b"", _AT_EMPTY_PATH, attributes, len(attributes)))
        # Overlays take a path: the clone is mounted where the overlay will be, which then keeps it.
        _check(_libc.syscall(_MOVE_MOUNT, tree, b"", _AT_FDCWD, os.fsencode(at), _MOVE_MOUNT_F_EMPTY_PATH))
    finally:
        os.close(tree)
    place = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # By a descriptor: who is inside can read the options. Tools rename whole folders of packages, so redirect_dir;
        # it is kept in attributes that only root can write.
        here = f"/proc/self/fd/{place}"
        paths = f"lowerdir={here}/home,upperdir={here}/disk/upper,workdir={here}/disk/work"
        _mount("overlay", at, "overlay", _NOSUID | _NODEV, f"{paths},redirect_dir=on,metacopy=off,index=off".encode())
    except OSError:
        unmount(at)
        raise
    finally:
        os.close(place)


def unmount(at: Path) -> None:
    """Unmount what lies at `at`, layer by layer; nothing if there is none. One in use ends with its last user."""
    flags = 0
    while True:
        if _libc.umount2(os.fsencode(at), flags) == 0:
            flags = 0
        elif ctypes.get_errno() == EBUSY and not flags:
            flags = _DETACH
        else:
            return


def settle(at: Path) -> None:
    """Write all that a volume holds into its image, its journal included, so that a copy of the image is whole. Nobody
    may be writing.
    """
    folder = os.open(at, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _check(_libc.syncfs(folder))
        with suppress(OSError):  # before Linux 5.14: the copy replays the journal
            fcntl.ioctl(folder, _EXT4_IOC_CHECKPOINT, struct.pack("=I", 0))
    finally:
        os.close(folder)


def _mount(source: str, at: Path, kind: str, flags: int, options: bytes) -> None:
    _check(_libc.mount(os.fsencode(source), os.fsencode(at), kind.encode(), flags, options))


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _loop(image: Path) -> int:
    """An open loop device of the image; it is given back when it is neither open nor mounted."""
    backing = os.open(image, os.O_RDWR | os.O_CLOEXEC)
    control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
    try:
        while True:
            device = os.open(f"/dev/loop{fcntl.ioctl(control, _LOOP_CTL_GET_FREE)}", os.O_RDWR | os.O_CLOEXEC)
            name = os.fsencode(image.name)[:63]
            info = (0, 0, 0, 0, 0, 0, 0, 0, _LO_FLAGS_AUTOCLEAR, name, b"", b"", 0, 0)
            try:
                fcntl.ioctl(device, _LOOP_CONFIGURE, _LOOP_CONFIG.pack(backing, 4096, *info, *[0] * 8))
            except OSError as error:
                os.close(device)
                if error.errno != EBUSY:  # somebody else took it meanwhile
                    raise
                continue
            return device
    finally:
        os.close(backing)
        os.close(control)


def loops() -> dict[str, str]:
    """The files behind the machine's loop devices: their paths, and the devices' names."""
    found = {}
    for folder in Path("/sys/block").glob("loop*/loop/backing_file"):
        with suppress(OSError):
            found[folder.read_text().removesuffix("\n")] = folder.parts[3]
    return found


def wait_until_free(image: Path) -> None:
    """The same image mounted twice would be ruined; the kernel may still be unmounting it for a host that died."""
    deadline = time.monotonic() + DETACHING
    while str(image) in loops():
        if time.monotonic() > deadline:
            raise OSError(EBUSY, f"{image} is in use by another process")
        time.sleep(0.01)


def root_as(uid: int) -> int:
    """A descriptor of a user namespace in which root stands for `uid`; it takes a process to make one."""
    pid = _check(_libc.syscall(_CLONE[os.uname().machine], _CLONE_NEWUSER | signal.SIGCHLD, 0, 0, 0, 0))
    if pid == 0:
        while True:
            _libc.pause()
    try:
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{pid}/{name}").write_text(f"0 {uid} 1")
        return os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
