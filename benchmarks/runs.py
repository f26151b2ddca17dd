"""How fast a run shows itself: message → first event on the page, prompt → working preview; with the demo model."""

import threading
import time
from collections.abc import Callable
from statistics import median

from benchmarks.client import Client, preview


def floor(client: Client, times: int = 50) -> float:
    """Milliseconds of the cheapest request this site answers: the limit of anything over HTTP here."""
    return 1000 * median(_timed(lambda: client.call("GET", "/healthz")) for _ in range(times))


def first_event(client: Client, project: str, times: int = 20) -> float:
    """Median milliseconds from sending a message to its first event on an open page."""
    measured = []
    for number in range(times):
        past = _newest(client, project)
        page = Page(client, project, past)
        began = time.perf_counter()
        client.call("POST", f"/api/v1/projects/{project}/messages/", {"text": f"What is file {number}?", "mode": "ask"})
        measured.append(page.first_event() - began)
        page.thread.join(60)  # until the run is over: the next one is not to queue behind it
    return 1000 * median(measured)


class Page:
    """An open page: follows a project from a cursor on, and notes when the first event came."""

    def __init__(self, client: Client, project: str, after: int) -> None:
        self.at, self.came = 0.0, threading.Event()
        self.events = client.events(project, after)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        for event in self.events:
            if not self.came.is_set():
                self.at = time.perf_counter()
                self.came.set()
            if event["type"] == "complete":
                return

    def first_event(self) -> float:
        if not self.came.wait(30):
            raise RuntimeError("no event within 30 s")
        return self.at


def _newest(client: Client, project: str) -> int:
    """The cursor of the project's newest event."""
    cursor = 0
    while batch := client.call("GET", f"/api/v1/projects/{project}/events/?after={cursor}")["events"]:
        cursor = batch[-1]["id"]
    return cursor


def prompt_to_preview(client: Client, framework: str, prompt: str) -> tuple[float, float, str]:
    """Seconds from the POST to a saved version whose preview answers; seconds the model itself took; the project."""
    began = time.perf_counter()
    project = client.call("POST", "/api/v1/projects/", {"prompt": prompt, "framework": framework})
    url, model, asked = "", 0.0, 0.0
    for event in client.events(project["id"]):
        kind = event["type"]
        if kind == "preview" and event["data"]["url"]:
            url = event["data"]["url"]
        if kind in ("stage", "tool_result"):
            asked = time.perf_counter()
        if kind == "reply":
            model += time.perf_counter() - asked
        if kind == "complete":
            if event["data"]["state"] != "succeeded":
                raise RuntimeError(f"the run ended as {event['data']}")
            break
    while preview(url)[0] != 200:
        if time.perf_counter() - began > 120:
            raise RuntimeError(f"the preview at {url} does not answer")
        time.sleep(0.02)
    return time.perf_counter() - began, model, project["id"]


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
