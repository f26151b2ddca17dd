"""A demo model served for a test, and a small agent that runs its tools on real files."""

import asyncio
import re
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import anthropic
from aiohttp import web

from demo_model.app import MODEL, Model, create_app

TOOLS = {
    "write_files": {"files": "array"},
    "edit_file": {"path": "string", "edits": "array"},
    "read_files": {"paths": "array"},
    "list_files": {},
    "search": {"pattern": "string"},
    "delete_files": {"paths": "array"},
    "declare_files": {"files": "array", "why": "string"},
    "remember": {"notes": "array"},
    "terminal": {"command": "string"},
    "ask_user": {"question": "string"},
    "finish": {"summary": "string", "expects": "array", "outdated": "array"},
}


def tools(*names: str) -> list[dict[str, Any]]:
    """Tool declarations, all of them or the named ones."""
    chosen = names or tuple(TOOLS)
    return [
        {
            "name": name,
            "description": name,
            "input_schema": {"type": "object", "properties": {k: {"type": v} for k, v in TOOLS[name].items()}},
        }
        for name in chosen
    ]


class Server:
    """A real server in a thread of its own."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.loop = asyncio.new_event_loop()
        self.port = 0
        self.started = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        assert self.started.wait(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.stopping = asyncio.Event()
        self.loop.run_until_complete(self._serve())
        self.loop.close()

    async def _serve(self) -> None:
        app = create_app(self.model)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        assert app[MODEL] is self.model
        self.started.set()
        await self.stopping.wait()
        await runner.cleanup()

    def wait_for(self, condition: Callable[[], bool], seconds: float = 5) -> bool:
        """Whether the condition comes true in time."""
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.01)
        return condition()

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.stopping.set)
        self.thread.join(10)
        assert not self.thread.is_alive()


@dataclass
class Agent:
    """Plays the platform: asks the model, runs its tools in `root`, until it stops. Nothing of the model is faked."""

    client: anthropic.Anthropic
    root: Path
    framework: str = "react"
    offered: tuple[str, ...] = ()
    messages: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, Any]] = field(default_factory=list)
    summary: str = ""
    said: str = ""
    expects: list[dict[str, str]] = field(default_factory=list)
    outdated: list[int] = field(default_factory=list)
    declared: set[str] = field(default_factory=set)
    locked: tuple[str, ...] = ()
    max_tokens: int = 16000
    lint: str = "exit code: 0\n"

    def ask(self, prompt: str, limit: int = 20) -> "Agent":
        """Say something and let the model work until it finishes or only talks."""
        self.messages.append({"role": "user", "content": prompt})
        self.summary = self.said = ""
        self.declared.clear()
        for _ in range(limit):
            if not self.step():
                return self
        raise AssertionError(f"still working after {limit} turns")

    def step(self) -> bool:
        """One turn; False when the model is through."""
        with self.client.messages.stream(
            model="demo",
            max_tokens=self.max_tokens,
            system=f"You build web apps.\nFramework: {self.framework}\n",
            tools=tools(*self.offered),  # type: ignore[arg-type]
            messages=self.messages,  # type: ignore[arg-type]
        ) as stream:
            answer = stream.get_final_message()
        self.messages.append({"role": "assistant", "content": [b.model_dump(include=_keep(b)) for b in answer.content]})
        self.said += "".join(b.text for b in answer.content if b.type == "text")
        results = [self._run(b) for b in answer.content if b.type == "tool_use"]
        if results:
            self.messages.append({"role": "user", "content": results})
        return bool(results) and not self.summary

    def _run(self, block: Any) -> dict[str, Any]:
        self.calls.append((block.name, block.input))
        try:
            text, failed = str(getattr(self, f"_{block.name}")(**block.input)), False
        except (
            OSError,
            TypeError,
            ValueError,
            AttributeError,
        ) as problem:  # what a tool raises is an observation for the model
            text, failed = str(problem), True
        return {"type": "tool_result", "tool_use_id": block.id, "content": text or "done", "is_error": failed}

    def _inside(self, path: str) -> Path:
        whole = (self.root / path).resolve()
        if not whole.is_relative_to(self.root.resolve()):
            raise PermissionError(f"{path} is outside the project")
        return whole

    def _write_files(self, files: list[dict[str, str]]) -> str:
        self._may_change(*(file["path"] for file in files))
        for file in files:
            target = self._inside(file["path"])
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(file["content"])
        return f"wrote {len(files)} files"

    def _edit_file(self, path: str, edits: list[dict[str, str]]) -> str:
        self._may_change(path)
        text = self._inside(path).read_text()
        for edit in edits:
            if text.count(edit["search"]) != 1:
                raise ValueError(f"search occurs {text.count(edit['search'])} times in {path}: {edit['search'][:80]!r}")
            text = text.replace(edit["search"], edit["replace"])
        self._inside(path).write_text(text)
        return f"edited {path}"

    def _read_files(self, paths: list[str]) -> str:
        return "\n".join(f"=== {path} ===\n{self._text(path)}" for path in paths)

    def _text(self, path: str) -> str:
        target = self._inside(path)
        return target.read_text() if target.is_file() else "(no such file)"

    def _list_files(self) -> str:
        return "\n".join(sorted(str(p.relative_to(self.root)) for p in self.root.rglob("*") if p.is_file()))

    def _search(self, pattern: str) -> str:
        hits = []
        for path in sorted(self.root.rglob("*")):
            if path.is_file() and "node_modules" not in path.parts:
                lines = enumerate(path.read_text(errors="replace").splitlines(), 1)
                hits += [f"{path.relative_to(self.root)}:{n}:{line}" for n, line in lines if re.search(pattern, line)]
        return "\n".join(hits) or "Nothing matches."

    def _delete_files(self, paths: list[str]) -> str:
        self._may_change(*paths)
        for path in paths:
            self._inside(path).unlink()
        return f"Deleted {', '.join(paths)}."

    def _declare_files(self, files: list[str], why: str) -> str:
        self._unlocked(*files)
        self.declared |= set(files)
        return f"Only {', '.join(files)} can be changed."

    def _unlocked(self, *paths: str) -> None:
        """Refuses in the platform's own words."""
        from agents.tools.base import Toolbox, ToolFailed  # it needs Django, which is ready by now

        try:
            Toolbox(box=cast(Any, None), key="", on_output=print, locked=self.locked).unlocked(paths)
        except ToolFailed as refused:
            raise ValueError(refused) from refused

    def _may_change(self, *paths: str) -> None:
        self._unlocked(*paths)
        if self.declared and (other := set(paths) - self.declared):
            raise ValueError(f"{other} was not named before")

    def _remember(self, notes: list[str]) -> str:
        return f"Noted {len(notes)}."

    def _terminal(self, command: str) -> str:
        return self.lint

    def _ask_user(self, question: str, options: list[str] | None = None) -> str:
        return "Blue, please."

    def _finish(self, summary: str, expects: list[Any] | None = None, outdated: list[int] | None = None) -> str:
        self.summary = summary
        self.expects, self.outdated = expects or [], outdated or []
        return "ok"

    def text(self, path: str) -> str:
        return (self.root / path).read_text()

    def everything(self) -> str:
        return "\n".join(p.read_text() for p in sorted(self.root.rglob("*")) if p.is_file())


def _keep(block: Any) -> set[str]:
    return {"type", "text"} if block.type == "text" else {"type", "id", "name", "input"}


def run(command: list[str], folder: Path, env: dict[str, str]) -> str:
    """Run a command to its end; its output, and a failed assertion when it fails."""
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=180, check=False)
    output = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    assert done.returncode == 0, output
    return output
