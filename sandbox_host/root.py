"""What takes root, kept apart from what strangers can speak to.

Started as root the host is two processes. The one that listens gives up root before it does; the other one keeps it,
listens to nobody, and answers the named operations of `keeper.Keeper` over a pair of sockets. A host of an ordinary
user calls the same operations itself.
"""

import asyncio
import concurrent.futures
import ctypes
import encodings
import importlib
import itertools
import json
import logging
import os
import pkgutil
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol

from sandbox_host import mounting, registries
from sandbox_host.homes import CopyFailed
from sandbox_host.isolation import API_UID, IsolationMissing
from sandbox_host.keeper import Fd, Keeper
from sandbox_host.spawn import NotStarted
from sandbox_host.storage import DiskGone
from sandbox_host.templates import BadTemplate, UnknownTemplate

MESSAGE = 1 << 20  # bytes that one message may have
_DESCRIPTORS = 4  # that come with one
_RAISED: tuple[type[Exception], ...] = (
    DiskGone, CopyFailed, NotStarted, UnknownTemplate, BadTemplate, IsolationMissing, FileNotFoundError, OSError,
    ValueError,
)  # fmt: skip
_SO_SNDBUFFORCE = 32
_PR_SET_PDEATHSIG, _PR_GET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 2, 24, 38
_CAPABILITY_VERSION = 0x20080522
_libc = ctypes.CDLL(None, use_errno=True)
log = logging.getLogger("sandbox_host")


class Root(Protocol):
    """Do one of Keeper's operations, to its end even if the caller is cancelled meanwhile. Raises what it raises."""

    def __call__(self, operation: str, *arguments: Any) -> Awaitable[Any]: ...


class Direct:
    """In this process."""

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper

    async def __call__(self, operation: str, *arguments: Any) -> Any:
        return await _to_the_end(asyncio.ensure_future(self.keeper.do(operation, list(arguments))))


class Distant:
    """By the process at the other end of a socket. When that has gone, `lost` is called."""

    def __init__(self, sock: socket.socket, lost: Callable[[], None]) -> None:
        self._sock, self._lost = sock, lost
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._numbers = itertools.count()
        sock.setblocking(False)
        asyncio.get_running_loop().add_reader(sock, self._receive)

    async def __call__(self, operation: str, *arguments: Any) -> Any:
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            await _send(self._sock, {"number": number, "do": operation, "with": arguments})
        except BaseException:
            del self._waiting[number]
            raise
        return await _to_the_end(answer)

    def _receive(self) -> None:
        try:
            data, fds, _, _ = socket.recv_fds(self._sock, MESSAGE, _DESCRIPTORS)
        except BlockingIOError:
            return
        except OSError:
            data, fds = b"", []
        if not data:
            asyncio.get_running_loop().remove_reader(self._sock)
            self._lost()
            return
        answer = json.loads(data)
        waiting = self._waiting.pop(answer["number"])
        if "raised" in answer:
            kinds = {kind.__name__: kind for kind in _RAISED}
            waiting.set_exception(kinds.get(answer["raised"], RuntimeError)(answer["text"]))
            return
        value = answer["value"]
        for name, fd in zip(answer["descriptors"], fds, strict=True):
            value[name] = Fd(fd)
        waiting.set_result(value)


async def _to_the_end(answer: "asyncio.Future[Any]") -> Any:
    """Its result. A caller that is cancelled waits all the same: what follows is the cleaning up."""
    try:
        return await asyncio.shield(answer)
    except asyncio.CancelledError:
        await asyncio.wait([answer])
        if not answer.cancelled() and answer.exception() is None:
            for fd in _descriptors(answer.result()).values():
                os.close(fd)
        raise


def _descriptors(value: Any) -> dict[str, int]:
    return {name: each for name, each in value.items() if isinstance(each, Fd)} if isinstance(value, dict) else {}


async def _send(sock: socket.socket, message: dict[str, Any], fds: list[int] | None = None) -> None:
    data = json.dumps(message).encode()
    if len(data) > MESSAGE:
        raise ValueError("the message is too long")
    while True:
        try:
            socket.send_fds(sock, [data], fds or [])
            return
        except BlockingIOError:  # the other side has more to do than it can
            await asyncio.sleep(0.001)


class Answering(Protocol):
    """What answers at root's end: a Keeper, or what tells why there is none."""

    async def do(self, name: str, arguments: list[Any]) -> Any: ...

    async def end_all(self) -> None: ...


async def serve(sock: socket.socket, keeper: Answering) -> None:
    """Answer what comes in until the other side has gone, then leave nothing behind."""
    loop, gone = asyncio.get_running_loop(), asyncio.Event()
    tasks: set[asyncio.Task[None]] = set()
    sock.setblocking(False)

    def receive() -> None:
        try:
            data, fds, _, _ = socket.recv_fds(sock, MESSAGE, _DESCRIPTORS)
        except BlockingIOError:
            return
        except OSError:
            data, fds = b"", []
        for fd in fds:
            os.close(fd)
        if data:
            task = loop.create_task(_answer(sock, keeper, data))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        else:
            gone.set()

    loop.add_reader(sock, receive)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(sock)
        await keeper.end_all()


async def _answer(sock: socket.socket, keeper: Answering, data: bytes) -> None:
    number: Any = None
    fds: dict[str, int] = {}
    try:
        message = json.loads(data)
        number, operation, arguments = message["number"], message["do"], message["with"]
        if not isinstance(operation, str) or not isinstance(arguments, list):
            raise ValueError("no such operation")
        value = await keeper.do(operation, arguments)
        fds = _descriptors(value)
        rest = {name: each for name, each in value.items() if name not in fds} if fds else value
        answer = {"number": number, "value": rest, "descriptors": list(fds)}
    except _RAISED as problem:
        kind = next(kind for kind in _RAISED if isinstance(problem, kind))
        answer = {"number": number, "raised": kind.__name__, "text": str(problem)}
    except Exception as problem:
        log.exception("an operation failed that should not")
        answer = {"number": number, "raised": "RuntimeError", "text": repr(problem)}
    try:
        if type(number) is not int:
            return  # nobody waits for it
        with suppress(OSError):  # it has gone meanwhile
            await _send(sock, answer, list(fds.values()))
    finally:
        for fd in fds.values():
            os.close(fd)


def have(use: Callable[[Root], Coroutine[Any, Any, None]], *found: Any) -> None:
    """Run `use` with what does Keeper's operations; `found`: as Keeper.open takes it. As root this process is nobody
    from then on, which is why it must have neither threads nor listeners yet.
    """
    if os.geteuid() != 0:
        asyncio.run(_directly(use, *found))
        return
    sock, pid = _split(lambda: Keeper.open(*found, owner=API_UID))
    try:
        asyncio.run(_from_afar(use, sock))
    finally:
        sock.close()
        os.waitpid(pid, 0)


async def _directly(use: Callable[[Root], Coroutine[Any, Any, None]], *found: Any) -> None:
    keeper = await asyncio.to_thread(Keeper.open, *found)
    try:
        await use(Direct(keeper))
    finally:
        await keeper.end_all()


async def _from_afar(use: Callable[[Root], Coroutine[Any, Any, None]], sock: socket.socket) -> None:
    def lost() -> None:
        """Without it nothing can be ended. What is on the disk may be left at any time."""
        print(
            "The sandbox host cannot go on: its other process, which is root, has ended.", file=sys.stderr, flush=True
        )
        os._exit(1)

    await use(Distant(sock, lost))


def _split(open_keeper: Callable[[], Keeper]) -> tuple[socket.socket, int]:
    """Become two processes. Returns in the one that is nobody any more: the socket that leads to root, and root's pid.
    It is the parent that returns, so that whoever started us still has the host.
    """
    with suppress(OSError):  # a container without the right to mount: files lie in plain directories
        mounting.own_namespace()
    ours, roots = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (ours, roots):
        with suppress(OSError):  # a container without the right to more
            end.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, 2 * MESSAGE)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            ours.close()
            _forget_key()
            asyncio.run(_be_root(roots, open_keeper))
            code = 0
        finally:
            sys.stderr.flush()
            os._exit(code)
    roots.close()
    _import_ahead()
    _keep_registries()
    _be_nobody()
    return ours, pid


class _NoKeeper:
    """Tells everybody why there is none."""

    def __init__(self, problem: Exception) -> None:
        self.problem = problem

    async def do(self, name: str, arguments: list[Any]) -> Any:
        raise self.problem

    async def end_all(self) -> None:
        pass


async def _be_root(sock: socket.socket, open_keeper: Callable[[], Keeper]) -> None:
    # Who stops the host stops the other process, which cleans up first. Not ignored: sandboxes would inherit that.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, lambda: None)
    try:
        keeper: Answering = await asyncio.to_thread(open_keeper)
    except _RAISED as problem:
        keeper = _NoKeeper(problem)
    await serve(sock, keeper)


def _forget_key() -> None:
    """Also where the kernel shows a process's first environment."""
    _libc.getenv.restype = ctypes.c_void_p
    if at := _libc.getenv(b"E2B_API_KEY"):
        ctypes.memset(at, 0, len(os.environb.pop(b"E2B_API_KEY")))


def _import_ahead() -> None:
    """What would be imported when it is first needed: Python may lie where only root can read, as below its home."""
    for package in (asyncio, concurrent.futures, encodings):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            with suppress(ImportError):  # of another operating system
                importlib.import_module(module.name)


def _keep_registries() -> None:
    """The configuration that names them is the user's who started us."""
    index, *extra = registries.pip_indexes()
    os.environ["NPM_CONFIG_REGISTRY"] = registries.npm_registry()
    os.environ |= {"PIP_INDEX_URL": index, "PIP_EXTRA_INDEX_URL": " ".join(extra)}


def _be_nobody() -> None:
    """Give up root and all ways back to it."""
    parent, death_signal = os.getppid(), ctypes.c_int()
    _check(_libc.prctl(_PR_GET_PDEATHSIG, ctypes.byref(death_signal)))
    for capability in range(64):
        if _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0):
            break  # the kernel knows no more
    os.setgroups([])
    os.setresgid(API_UID, API_UID, API_UID)
    os.setresuid(API_UID, API_UID, API_UID)
    header, none = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)()
    _check(_libc.capset(header, none))
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    # It was cleared with the user id. Whoever started us may have died before this line.
    _check(_libc.prctl(_PR_SET_PDEATHSIG, death_signal.value, 0, 0, 0))
    if death_signal.value and os.getppid() != parent:
        sys.exit(1)


def _check(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
