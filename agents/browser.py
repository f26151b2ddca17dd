"""Looks at a preview with headless Chromium: status, words, console errors, a picture.

What is looked at is hostile. Each look has a browser context of its own whose only way out is a proxy that knows one
name, the preview's (`browser_proxy`); time, memory, bytes and console lines are bounded.
"""

import asyncio
import base64
import contextlib
import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from agents import aio, browser_proxy
from agents.chromium import CallFailed, Chromium, NoBrowser

__all__ = ["Look", "NoBrowser", "available", "look"]

# Two pages at a time: a page may use a processor for as long as it is looked at.
AT_ONCE = 2
TEXT_CHARS, CONSOLE_LINES, CONSOLE_CHARS = 20_000, 50, 500
# Of the seconds a look may take, those kept for reading the page once it has loaded, or has not.
READING_SECONDS = 12.0
CLOSING_SECONDS = 3.0
# A page counts as loaded when at most two requests were under way for half a second (Chromium's networkAlmostIdle),
# then none for so long, or after that time at the latest, and it has drawn since. A stream of events counts as none:
# pages of dev servers listen to one for good.
QUIET_SECONDS, SETTLE_SECONDS, ENDLESS_SECONDS = 0.5, 0.3, 1.0
UNFINISHED = "The page did not finish loading."
NO_PAGE = "The address answered with a download or with nothing, not with a page."
READ = """({title: document.title.slice(0, 200), text: (document.body ? document.body.innerText : "").slice(0, %d)})"""


@dataclass
class Look:
    """What a visitor would see. `status` is 0 when nothing answered, `screenshot` is WebP, None when there is none.

    `console` holds uncaught errors, console.error and what failed to load from the app itself, oldest first. `audit` is
    what the auditing script said.
    """

    status: int = 0
    title: str = ""
    text: str = ""
    console: list[str] = field(default_factory=list)
    screenshot: bytes | None = None
    audit: Any = None


@cache
def _program() -> str | None:
    names = [settings.CHROMIUM] if settings.CHROMIUM else ["chromium", "chromium-browser", "google-chrome"]
    return next((path for path in map(shutil.which, names) if path), None)


def available() -> bool:
    """Whether this machine has a Chromium that has not just failed to start."""
    return _program() is not None and not _chromium().failed_lately()


async def look(
    url: str, *, width: int = 1280, height: int = 800, dark: bool = False, seconds: float = 15, audit: str = ""
) -> Look:
    """Opens a preview's address. Takes at most `seconds` and 3 to close, once its turn comes. Raises NoBrowser.

    `audit`: a script of ours that looks at the page from a world of its own, where the page's scripts have changed
    nothing; what it (or its promise) gives is `Look.audit`.

    Requests to other hosts, such as a font server, are refused; that they failed is not among the console's lines.
    """
    work = _look(url, width, height, dark, seconds, audit)
    # On a loop of its own: what a page floods us with must not hold up the model streams.
    return await asyncio.wrap_future(aio.submit(work, "browser"))


@cache
def _chromium() -> Chromium:
    return Chromium(_program() or "", os.environ.get("PATH", os.defpath), sandbox=settings.CHROMIUM_SANDBOX)


@cache
def _places() -> asyncio.Semaphore:
    return asyncio.Semaphore(AT_ONCE)


async def _look(url: str, width: int, height: int, dark: bool, seconds: float, audit: str) -> Look:
    if not available():
        raise NoBrowser("There is no Chromium on this machine.")
    authority = urlsplit(url).netloc.lower()
    inside = urlsplit(settings.E2B_SANDBOX_URL) if settings.SANDBOX_IS_EMBEDDED else None
    if inside:  # The host speaks plain HTTP at its own address, whatever stands before it for visitors.
        url = f"http://{url.partition('://')[2]}"
        way = browser_proxy.Way(authority, inside.hostname or "", inside.port or 80, tls=False)
    else:
        way = browser_proxy.Way(authority, urlsplit(url).hostname or "", urlsplit(url).port or 443, tls=True)
    async with _places(), browser_proxy.serve(way) as port, _chromium().in_use() as chromium:
        try:
            async with _tab(chromium, port) as tab:
                visit = _Visit(chromium, tab, authority, audit)
                with contextlib.suppress(TimeoutError, ConnectionError):
                    await visit.run(url, width, height, dark, seconds)
                return visit.seen
        except CallFailed as error:
            raise NoBrowser(f"Chromium broke down: {error}") from error


@asynccontextmanager
async def _tab(chromium: Chromium, port: int) -> AsyncIterator[str]:
    """A tab in a context of its own: no cookies, storage, workers or downloads of others, nothing kept."""
    made = await chromium.call(
        "Target.createBrowserContext",
        proxyServer=f"http://127.0.0.1:{port}",
        proxyBypassList="<-loopback>",  # else names like localhost would go around the proxy
        disposeOnDetach=True,
    )
    context = made["browserContextId"]
    try:
        await chromium.call("Browser.setDownloadBehavior", behavior="deny", browserContextId=context)
        target = await chromium.call("Target.createTarget", url="about:blank", browserContextId=context)
        attached = await chromium.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        yield attached["sessionId"]
    finally:
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                await chromium.call("Target.disposeBrowserContext", browserContextId=context)
        except (TimeoutError, ConnectionError):
            chromium.kill()


class _Visit:
    """One page being looked at: events fill `seen` as they come."""

    def __init__(self, chromium: Chromium, tab: str, authority: str, audit: str = "") -> None:
        self.chromium, self.tab, self.authority, self.audit = chromium, tab, authority, audit
        self.seen = Look()
        self.almost_idle = asyncio.Event()
        # Requests that are to end, and when the last of them did.
        self.under_way: set[str] = set()
        self.quiet_since = 0.0
        self.frame = self.empty = ""
        self.tasks: set[asyncio.Task[Any]] = set()
        chromium.listen(tab, self._take)

    async def run(self, url: str, width: int, height: int, dark: bool, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        async with asyncio.timeout_at(end):
            try:
                async with asyncio.timeout_at(end - min(READING_SECONDS, seconds / 3)):
                    await self._open(url, width, height, dark)
            except TimeoutError:
                self._say(UNFINISHED)
            await self._read()

    async def _open(self, url: str, width: int, height: int, dark: bool) -> None:
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        for method, parameters in (
            ("Page.enable", {}),
            ("Runtime.enable", {}),
            ("Log.enable", {}),
            ("Network.enable", {}),
            ("Page.setLifecycleEventsEnabled", {"enabled": True}),
            ("Emulation.setDeviceMetricsOverride", size),
            ("Emulation.setEmulatedMedia", {"features": [theme, still]}),
        ):
            await self._call(method, **parameters)
        empty = (await self._call("Page.getFrameTree"))["frameTree"]["frame"]
        # An empty tab becomes idle too, while a page that takes its time to answer is still awaited.
        self.frame, self.empty = empty["id"], empty["loaderId"]
        went = await self._call("Page.navigate", url=url)
        if went.get("errorText") == "net::ERR_ABORTED":  # the empty tab stays, and no event will come
            self._say(NO_PAGE)
            return
        await self.almost_idle.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ENDLESS_SECONDS):
                while not self._is_quiet():  # noqa: ASYNC110 – it is time that has to pass
                    await asyncio.sleep(0.05)
        await asyncio.sleep(SETTLE_SECONDS)

    def _is_quiet(self) -> bool:
        return not self.under_way and time.monotonic() - self.quiet_since >= QUIET_SECONDS

    async def _read(self) -> None:
        """Words and picture. Scripts that never end are ended, so that both can be had."""
        try:
            async with asyncio.timeout(1):
                # In a world of its own, where the page's scripts have changed nothing.
                world = await self._call("Page.createIsolatedWorld", frameId=self.frame)
        except TimeoutError:
            self._say("The page's scripts never came to an end.")
            await self._call("Runtime.terminateExecution")
            world = await self._call("Page.createIsolatedWorld", frameId=self.frame)
        inside = {"contextId": world["executionContextId"], "returnByValue": True, "awaitPromise": True}
        read = await self._call("Runtime.evaluate", expression=READ % TEXT_CHARS, **inside)
        words = read["result"].get("value") or {}
        self.seen.title, self.seen.text = str(words.get("title", "")), str(words.get("text", ""))
        picture = await self._call("Page.captureScreenshot", format="webp", quality=80)
        self.seen.screenshot = base64.b64decode(picture["data"])
        if self.audit:
            found = await self._call("Runtime.evaluate", expression=self.audit, **inside)
            self.seen.audit = found["result"].get("value")

    async def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return await self.chromium.call(method, self.tab, **parameters)

    def _take(self, method: str, event: dict[str, Any]) -> None:
        match method:
            case "Network.responseReceived" if event["type"] == "Document" and event.get("frameId") == self.frame:
                self.seen.status = event["response"]["status"]
            case "Network.requestWillBeSent" if event.get("type") != "EventSource":
                self.under_way.add(event["requestId"])
            case "Network.loadingFinished" | "Network.loadingFailed":
                self.under_way.discard(event["requestId"])
                self.quiet_since = time.monotonic()
            case "Page.lifecycleEvent" if event["frameId"] == self.frame and event["loaderId"] != self.empty:
                if event["name"] == "networkAlmostIdle":
                    self.almost_idle.set()
            case "Page.javascriptDialogOpening":
                self._later("Page.handleJavaScriptDialog", accept=False)
            case "Runtime.exceptionThrown":
                details = event["exceptionDetails"]
                self._say(details.get("exception", {}).get("description") or details["text"])
            case "Runtime.consoleAPICalled" if event["type"] in ("error", "assert"):
                self._say(" ".join(str(one.get("value", one.get("description", ""))) for one in event["args"]))
            case "Log.entryAdded" if event["entry"]["level"] == "error":
                self._log(event["entry"]["text"], event["entry"].get("url", ""))

    def _log(self, text: str, url: str) -> None:
        """What Chromium says of a request. That we refused one to another host is no fault of the app's."""
        try:
            address = urlsplit(url)
        except ValueError:  # such as http://[, which is no address of the app's
            return
        if not url or (address.netloc.lower() == self.authority and address.path != "/favicon.ico"):
            self._say(f"{text} {url}".strip())

    def _say(self, line: str) -> None:
        lines = self.seen.console
        lines.append(line.strip()[:CONSOLE_CHARS])
        if len(lines) == CONSOLE_LINES:  # a flood: nobody reads on
            self._later("Runtime.disable")
            self._later("Log.disable")
        del lines[CONSOLE_LINES:]

    def _later(self, method: str, **parameters: Any) -> None:
        task = asyncio.ensure_future(self._call(method, **parameters))
        self.tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self.tasks.discard(task)
        if not task.cancelled():
            task.exception()  # a dialog that is gone already is no trouble
