"""One Chromium: started at first use, spoken to over a pipe in the DevTools protocol, ended when idle or too large."""

import asyncio
import contextlib
import itertools
import json
import logging
import os
import pwd
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

START_SECONDS = 30
# One that does not start is not tried again for so long.
FAILED_SECONDS = 600
IDLE_SECONDS = 120
WATCH_SECONDS = 0.5
# Anonymous and shared memory of all its processes. A page of an ordinary app makes it 0.3 GB.
MEMORY_BYTES = 1_500 * 2**20
MESSAGE_BYTES = 64 * 2**20
# The protocol's pipes are descriptors 3 and 4.
START = 'exec "$@" 3<&0 4>&1 < /dev/null > /dev/null 2>&1'
# The last two are pages of its address bar, which each new tab's window would load: more work than our page is.
UNUSED = (
    "Translate",
    "MediaRouter",
    "OptimizationHints",
    "DialMediaRouteProvider",
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
)
FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    # Whatever has no context of its own has no way out, and nobody asks a name server.
    "--proxy-server=http://127.0.0.1:9",
    "--proxy-bypass-list=<-loopback>",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-quic",
    "--block-new-web-contents",
    "--js-flags=--max-old-space-size=512",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-sync",
    f"--disable-features={','.join(UNUSED)}",
    "--hide-scrollbars",
    "--mute-audio",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-startup-window",
    "--password-store=basic",
)
Listener = Callable[[str, dict[str, Any]], None]


class NoBrowser(Exception):
    """There is no Chromium, or it does not start. The text says which."""


class CallFailed(ConnectionError):
    """Chromium refused a call, or is gone."""


class Chromium:
    """The process and its pipe. All methods belong to one event loop."""

    def __init__(self, program: str, path: str, *, sandbox: bool) -> None:
        self.program, self.path, self.sandbox = program, path, sandbox
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._listeners: dict[str, Listener] = {}
        self._numbers = itertools.count(1)
        self._users = 0
        self._starting = asyncio.Lock()
        self._receiver: asyncio.Task[None] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._ended = False
        self._failed = -float(FAILED_SECONDS)

    def failed_lately(self) -> bool:
        return time.monotonic() - self._failed < FAILED_SECONDS

    @asynccontextmanager
    async def in_use(self) -> AsyncIterator["Chromium"]:
        """Running, for as long as the block needs it. Raises NoBrowser."""
        self._users += 1
        try:
            async with self._starting:
                if self._ended and self._receiver:
                    await self._receiver
                if self._writer is None:
                    await self._start()
            yield self
        finally:
            self._users -= 1

    def listen(self, session: str, listener: Listener) -> None:
        """Events of a tab go to `listener(method, parameters)`."""
        self._listeners[session] = listener

    async def call(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        """One call of the protocol. Raises CallFailed, a ConnectionError."""
        if self._writer is None:
            raise CallFailed("Chromium is gone")
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._writer.write(json.dumps(message).encode() + b"\0")
            return await answer
        finally:
            self._waiting.pop(number, None)

    def kill(self) -> None:
        """Ends all its processes at once; the next use starts a new one."""
        self._ended = True
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def _start(self) -> None:
        profile = await asyncio.to_thread(_new_profile)
        try:
            self._process = await self._spawn(profile)
            self._ended = False
            self._writer = self._process.stdin
            self._receiver = asyncio.ensure_future(self._receive(self._process, profile))
            self._watcher = asyncio.ensure_future(self._watch(self._process))
            async with asyncio.timeout(START_SECONDS):
                await self.call("Browser.getVersion")
        except (OSError, TimeoutError) as error:
            self._failed = time.monotonic()
            self.kill()
            raise NoBrowser(
                f"{self.program} does not start. It must be able to make its own sandbox (user namespaces)."
            ) from error

    async def _spawn(self, profile: Path) -> asyncio.subprocess.Process:
        """Starts it as an ordinary user with nothing of our environment."""
        command = [self.program, *FLAGS, f"--user-data-dir={profile}", *([] if self.sandbox else ["--no-sandbox"])]
        return await asyncio.create_subprocess_exec(
            *("sh", "-c", START, "sh", *command),
            env={"PATH": self.path, "HOME": str(profile), "LANG": "C.UTF-8"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=MESSAGE_BYTES,
            start_new_session=True,
            cwd="/",
            **_ordinary_user(profile),
        )

    async def _receive(self, process: asyncio.subprocess.Process, profile: Path) -> None:
        """Hands out answers and events until Chromium is gone, then cleans up after it."""
        assert process.stdout
        try:
            while True:
                self._take(json.loads((await process.stdout.readuntil(b"\0"))[:-1]))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass
        except Exception:  # whoever awaits us is to start another one, not to fail with it
            log.exception("Chromium was ended: what it said was not understood")
        self.kill()
        self._writer = None
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(CallFailed("Chromium is gone"))
        self._listeners.clear()
        await process.wait()
        await asyncio.to_thread(shutil.rmtree, profile, ignore_errors=True)

    def _take(self, message: dict[str, Any]) -> None:
        answer = self._waiting.get(message.get("id", 0))
        if answer is not None and not answer.done():
            if "error" in message:
                answer.set_exception(CallFailed(message["error"].get("message", "")))
            else:
                answer.set_result(message["result"])
        elif "method" in message:
            session = message.get("sessionId", "")
            if listener := self._listeners.get(session):
                try:
                    listener(message["method"], message["params"])
                except Exception:  # a page decides what is in it: no other page is to be the worse for it
                    log.exception("an event of a page was passed over: %s", message["method"])
            elif message["method"] == "Target.detachedFromTarget":
                self._listeners.pop(message["params"]["sessionId"], None)

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Ends it when a page makes it too large, and when nobody needed it for a while."""
        idle_since = time.monotonic()
        while process.returncode is None:
            await asyncio.sleep(WATCH_SECONDS)
            if self._users:
                idle_since = time.monotonic()
                if await asyncio.to_thread(_memory, process.pid) > MEMORY_BYTES:
                    log.warning("Chromium was ended: a page made it use more than %d MB", MEMORY_BYTES >> 20)
                    self.kill()
            elif time.monotonic() - idle_since > IDLE_SECONDS:
                self.kill()


def _new_profile() -> Path:
    """A folder for its files. Those of processes that were killed before they could clean up are removed."""
    for left in Path(tempfile.gettempdir()).glob("vibe-browser-*-*"):
        owner = left.name.split("-")[2]
        if owner.isdecimal() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"vibe-browser-{os.getpid()}-"))


def _ordinary_user(profile: Path) -> dict[str, Any]:
    """As root: start it as `nobody`, whose the profile then is. Else it runs as we do."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(profile, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _memory(pid: int) -> int:
    """Bytes that a process and all below it hold for themselves or share among each other."""
    parents: dict[int, int] = {}
    sizes: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError, KeyError, ValueError):
            facts = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
            one = int(status.parent.name)
            parents[one] = int(facts["PPid"])
            sizes[one] = sum(int(facts[name].split()[0]) * 1024 for name in ("RssAnon", "RssShmem"))
    family, size = {pid}, 0
    while True:
        below = {one for one, parent in parents.items() if parent in family} - family
        if not below:
            break
        family |= below
    for one in family:
        size += sizes.get(one, 0)
    return size
