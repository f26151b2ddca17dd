"""A new sandbox's home from a template's: packages are shared by hard links where that is safe, all else is copied."""

import asyncio
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any


class CopyFailed(Exception):
    """The template could not be copied; the message is what cp said."""


async def fill(home: Path, source: Path, uid: int) -> None:
    """Fill the empty `home` of `uid` from a prepared template, which nobody writes to. Raises CopyFailed.

    As root, packages are linked and stay root's: the sandbox can replace them but not write into the shared files.
    An ordinary user owns the template as well, so that a link would let a sandbox change it: everything is copied.
    """
    try:
        if os.geteuid() == 0:
            await asyncio.to_thread(_fill, source, home, uid, shared=False)
        else:
            await asyncio.to_thread(copy, source, home)
    except (OSError, RecursionError) as error:  # recursion: somebody made thousands of folders in each other
        raise CopyFailed(str(error)) from error


def _fill(source: Path, target: Path, uid: int, *, shared: bool) -> None:
    """`shared`: below node_modules and outside what tools rewrite there in place: dot folders, SvelteKit's `$app`."""
    with os.scandir(source) as entries:
        for entry in entries:
            fresh = target / entry.name
            if entry.is_symlink():
                fresh.symlink_to(Path(entry.path).readlink())
                os.chown(fresh, uid, uid, follow_symlinks=False)
            elif entry.is_dir(follow_symlinks=False):
                fresh.mkdir()
                below = entry.name == "node_modules" or (shared and not entry.name.startswith((".", "$")))
                _fill(Path(entry.path), fresh, uid, shared=below)
                os.chown(fresh, uid, uid)
                fresh.chmod(stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode) & 0o777)
            elif entry.is_file(follow_symlinks=False) and not (shared and _link(entry, fresh)):
                shutil.copy2(entry.path, fresh)
                os.chown(fresh, uid, uid)


def _link(entry: os.DirEntry[str], fresh: Path) -> bool:
    """Whether the file could be shared: only root's, readable by all and writable by nobody else."""
    info = entry.stat(follow_symlinks=False)
    if info.st_uid != 0 or info.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or not info.st_mode & stat.S_IROTH:
        return False
    if entry.name.startswith("."):
        return False
    try:
        fresh.hardlink_to(entry.path)
    except OSError:  # another file system, or the most links a file can have
        return False
    return True


def copy(source: Path, target: Path) -> None:
    """A tree as it is, owners and attributes included; blocks are shared where the file system can. Raises
    CopyFailed. What its owner made unreadable is made readable first if we are not root.
    """
    command = ["cp", "-a", "--reflink=auto", "--no-target-directory", f"{source}/", f"{target}/"]
    environment = {"PATH": os.defpath, "LC_ALL": "C"}
    done = subprocess.run(command, env=environment, cwd="/", capture_output=True)
    if done.returncode and os.geteuid() != 0 and b"ermission denied" in done.stderr:
        subprocess.run(["chmod", "-R", "u+rX", "--", str(source)], env=environment, cwd="/", capture_output=True)
        done = subprocess.run(command, env=environment, cwd="/", capture_output=True)
    if done.returncode:
        raise CopyFailed(done.stderr.decode("utf-8", "replace")[-300:])


async def size(home: Path, unit: str) -> int:
    """Of a tree, in du's `unit`: du follows no link and minds no depth. What its owner made unreadable is made readable
    first if we are not root.
    """
    for _ in range(2):
        options: dict[str, Any] = {
            "stdout": asyncio.subprocess.PIPE,
            "stderr": asyncio.subprocess.PIPE,
            "env": {"LC_ALL": "C"},
        }
        process = await asyncio.create_subprocess_exec("du", "-sx", unit, "--", str(home), **options)
        out, errors = await process.communicate()
        if b"ermission denied" not in errors:
            break
        await (
            await asyncio.create_subprocess_exec(
                "chmod", "-R", "u+rwX", "--", str(home), stderr=asyncio.subprocess.DEVNULL
            )
        ).wait()
    return int(out.split()[0]) if out.split() else 0
