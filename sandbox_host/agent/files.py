"""Files as the sandbox's user sees them: symlinks and odd paths are the kernel's business, and reach nothing the
user could not reach.
"""

# pathlib, contextlib and asyncio would double the time an agent takes to start.
# ruff: noqa: ASYNC240, PTH103, PTH104, PTH106, PTH108, PTH112, PTH116, PTH118, PTH119, PTH120, PTH208, SIM105

from __future__ import annotations

import errno
import os
import stat as st

from sandbox_host.agent import loop, wire

TYPE_CHECKING = False  # as mypy reads it; importing typing would cost 6 ms at each start
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

HOME = "/home/user"
ENTRY_LIMIT = 100_000  # of one listing
_METADATA = "user.e2b."
_CODES = {
    errno.ENOENT: "not_found",
    errno.EEXIST: "already_exists",
    errno.EACCES: "permission_denied",
    errno.EPERM: "permission_denied",
    errno.EROFS: "permission_denied",
    errno.ENOSPC: "no_space",
    errno.EDQUOT: "no_space",
    errno.EFBIG: "no_space",
    errno.EMFILE: "resource_exhausted",
}


def refusal(error: OSError, path: str) -> wire.OperationError:
    code = _CODES.get(error.errno or 0, "invalid_argument")
    return wire.OperationError(code, f"{(error.strerror or 'error').lower()}: {path}")


def resolve(path: str) -> str:
    """Relative paths and `~` start at the user's home; an empty path is the home."""
    if "\0" in path:
        raise wire.OperationError("invalid_argument", "a path may not contain a null byte")
    if path == "~" or path.startswith("~/"):
        path = HOME + path[1:]
    return os.path.normpath(os.path.join(HOME, path)) if path else HOME


def entry(path: str) -> dict[str, Any]:
    """E2B's EntryInfo of one path; a symlink shows the type of what it leads to."""
    info = os.lstat(path)
    found: dict[str, Any] = {}
    kind = info.st_mode
    if st.S_ISLNK(info.st_mode):
        found = {"symlinkTarget": os.path.realpath(path), "isSymlink": True}
        try:
            kind = os.stat(path).st_mode
        except OSError:
            pass
    metadata = _metadata(path)
    seconds, nanos = divmod(info.st_mtime_ns, 10**9)
    return {
        "name": os.path.basename(path) or "/",
        "type": _type(kind),
        "path": path,
        "size": str(info.st_size),
        "mode": st.S_IMODE(info.st_mode) & 0o777,
        "permissions": st.filemode(info.st_mode),
        "owner": "user",
        "group": "user",
        "modifiedTime": [seconds, nanos],
        **found,
        **({"metadata": metadata} if metadata else {}),
    }


def _type(mode: int) -> str:
    if st.S_ISDIR(mode):
        return "FILE_TYPE_DIRECTORY"
    if st.S_ISLNK(mode):
        return "FILE_TYPE_SYMLINK"
    return "FILE_TYPE_FILE" if st.S_ISREG(mode) else "FILE_TYPE_UNSPECIFIED"


def _metadata(path: str) -> dict[str, str]:
    try:
        names = [name for name in os.listxattr(path, follow_symlinks=False) if name.startswith(_METADATA)]
        return {
            n.removeprefix(_METADATA): os.getxattr(path, n, follow_symlinks=False).decode("utf-8", "replace")
            for n in names
        }
    except OSError:
        return {}


async def stat(conn: wire.Connection, request: dict[str, Any]) -> None:
    path = resolve(request["path"])
    try:
        await conn.reply(entry(path))
    except OSError as error:
        raise refusal(error, path) from None


async def listing(conn: wire.Connection, request: dict[str, Any]) -> None:
    """Entries below a directory, `depth` levels deep, in order of their paths."""
    path = resolve(request["path"])
    if not os.path.lexists(path):
        raise wire.OperationError("not_found", f"path not found: {path}")
    if not os.path.isdir(path):
        raise wire.OperationError("invalid_argument", f"path is not a directory: {path}")
    entries = []
    for found in _walk(path, max(1, request.get("depth") or 1)):
        entries.append(found)
        if len(entries) > ENTRY_LIMIT:
            raise wire.OperationError("resource_exhausted", f"more than {ENTRY_LIMIT} entries under {path}")
        if len(entries) % 500 == 0:
            await loop.sleep(0)
    await conn.reply(entries)


def _walk(path: str, depth: int) -> Iterator[dict[str, Any]]:
    try:
        names = sorted(os.listdir(path))
    except OSError:
        return
    for name in names:
        below = os.path.join(path, name)
        try:
            found = entry(below)
        except OSError:
            continue  # gone in the meantime
        yield found
        if depth > 1 and found["type"] == "FILE_TYPE_DIRECTORY" and "isSymlink" not in found:
            yield from _walk(below, depth - 1)


async def make_directory(conn: wire.Connection, request: dict[str, Any]) -> None:
    path = resolve(request["path"])
    if os.path.isdir(path):
        raise wire.OperationError("already_exists", f"directory already exists: {path}")
    try:
        os.makedirs(path, mode=0o755)
        await conn.reply(entry(path))
    except FileExistsError:
        raise wire.OperationError(
            "invalid_argument", f"path already exists but it is not a directory: {path}"
        ) from None
    except OSError as error:
        raise refusal(error, path) from None


async def move(conn: wire.Connection, request: dict[str, Any]) -> None:
    source, target = resolve(request["source"]), resolve(request["destination"])
    try:
        os.lstat(source)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.rename(source, target)
        await conn.reply(entry(target))
    except OSError as error:
        raise refusal(error, source) from None


async def remove(conn: wire.Connection, request: dict[str, Any]) -> None:
    """Remove a file or a whole directory; what is not there is as good as removed."""
    path = resolve(request["path"])
    try:
        await _remove_tree(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise refusal(error, path) from None
    await conn.reply({})


async def _remove_tree(top: str) -> None:
    """Without recursion (a hostile tree can be thousands deep) and with breaths for the other tasks."""
    if not st.S_ISDIR(os.lstat(top).st_mode):
        os.unlink(top)
        return
    pending = [top]
    while pending:
        directories = []
        for count, item in enumerate(os.scandir(pending[-1])):
            if item.is_dir(follow_symlinks=False):
                directories.append(item.path)
            else:
                os.unlink(item.path)
            if count % 500 == 499:
                await loop.sleep(0)
        if directories:
            pending.extend(directories)
        else:
            os.rmdir(pending.pop())


async def read(conn: wire.Connection, request: dict[str, Any]) -> None:
    """The file in frames, after a reply with its size. Only regular files: a pipe would block and a device never
    end.
    """
    path = resolve(request["path"])
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        raise wire.OperationError("not_found", f"path '{path}' does not exist") from None
    except OSError as error:
        raise refusal(error, path) from None
    try:
        info = os.fstat(fd)
        if st.S_ISDIR(info.st_mode):
            raise wire.OperationError("invalid_argument", f"path '{path}' is a directory")
        if not st.S_ISREG(info.st_mode):
            raise wire.OperationError("invalid_argument", f"path '{path}' is not a regular file")
        await conn.reply({"size": info.st_size, "name": os.path.basename(path)})
        while data := os.read(fd, wire.CHUNK):
            await conn.send(b"D", data)
        await conn.send(b"Z")
    finally:
        os.close(fd)


async def write(conn: wire.Connection, request: dict[str, Any]) -> None:
    """Several files in one go: frame F names one, D frames follow with its bytes, Z ends it and is answered; end of
    stream ends all.
    """
    while (frame := await conn.frame())[0] == b"F":
        named = wire.loads(frame[1].decode("utf-8", "surrogateescape"))
        path = resolve(named["path"])
        try:
            await _write_one(conn, path, named.get("metadata"))
        except OSError as error:
            raise refusal(error, path) from None
        await conn.reply({"path": path, "name": os.path.basename(path), "type": "file"})


async def _write_one(conn: wire.Connection, path: str, metadata: dict[str, str] | None) -> None:
    if os.path.isdir(path):
        raise wire.OperationError("invalid_argument", f"path is a directory: {path}")
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK, 0o644)
    try:
        info = os.fstat(fd)
        if not st.S_ISREG(info.st_mode):
            raise wire.OperationError("invalid_argument", f"path is not a regular file: {path}")
        if info.st_size:
            os.ftruncate(fd, 0)
        os.fchown(fd, info.st_uid, info.st_gid)  # watchers see CREATE, CHMOD, WRITE, as from E2B
        for key, value in (metadata or {}).items():
            os.setxattr(fd, _METADATA + key, value.encode())
        while True:
            kind, payload = await conn.frame()
            if kind == b"Z":
                return
            view = memoryview(payload)
            while view:
                view = view[os.write(fd, view) :]
    finally:
        os.close(fd)
