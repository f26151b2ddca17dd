"""The Python kernel of `run_code`: runs one piece of code after the other in one namespace, and tells what it printed,
showed, gave and raised as JSON lines.
"""

from __future__ import annotations

import ast
import asyncio
import base64
import codecs
import contextlib
import inspect
import json
import linecache
import os
import signal
import sys
import threading
import time
import traceback
import types
from collections.abc import Iterator
from typing import Any

# A value's ways to show itself, and what E2B's SDK calls them.
_SHOWN = {
    "_repr_html_": "html",
    "_repr_markdown_": "markdown",
    "_repr_svg_": "svg",
    "_repr_png_": "png",
    "_repr_jpeg_": "jpeg",
    "_repr_latex_": "latex",
    "_repr_json_": "json",
    "_repr_javascript_": "javascript",
}
_lock = threading.Lock()
_out = -1
_running = False


def _tell(kind: str, **fields: Any) -> None:
    data = json.dumps({"type": kind, **fields}, default=repr).encode() + b"\n"
    with _lock:
        while data:
            data = data[os.write(_out, data) :]


class _Stream:
    """What is written to descriptor 1 or 2, by Python or by a program it starts, in the order it was written."""

    def __init__(self, fd: int, kind: str) -> None:
        self.kind, self.turn = kind, threading.Lock()
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.reader, writer = os.pipe()
        os.dup2(writer, fd)
        os.close(writer)
        os.set_blocking(self.reader, False)
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        import select

        while True:
            select.select([self.reader], [], [])
            self.drain()
            time.sleep(0.002)  # many small prints become one line to the caller

    def drain(self) -> None:
        with self.turn, contextlib.suppress(BlockingIOError):
            while data := os.read(self.reader, 65536):
                _tell(self.kind, text=self.decoder.decode(data), timestamp=time.time_ns())


def _show(value: Any, main: bool) -> None:
    shown: dict[str, Any] = {"text": repr(value)}
    for method, name in _SHOWN.items():
        with contextlib.suppress(Exception):
            found = None if isinstance(value, type) else getattr(value, method)()
            if isinstance(found, bytes):
                found = base64.b64encode(found).decode()
            if found is not None:
                shown[name] = found
    _tell("result", is_main_result=main, **shown)


def _display(*values: Any) -> None:
    """Show values before the end of the code."""
    for value in values:
        _show(value, main=False)


def _interrupt(number: int, frame: types.FrameType | None) -> None:
    if _running:
        raise KeyboardInterrupt


def _execute(code: str, name: str, namespace: dict[str, Any]) -> None:
    """Run it; the value of a last expression is the result. Awaits at the top level are allowed."""
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    tree = ast.parse(code, name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    _evaluate(compile(tree, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), namespace)
    if isinstance(last, ast.Expr):
        expression = ast.Expression(last.value)
        value = _evaluate(compile(expression, name, "eval", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), namespace)
        if value is not None:
            namespace["_"] = value
            _show(value, main=True)


def _evaluate(code: types.CodeType, namespace: dict[str, Any]) -> Any:
    value = eval(code, namespace)  # noqa: S307 - this is what it is for
    if code.co_flags & inspect.CO_COROUTINE:
        return asyncio.get_event_loop_policy().get_event_loop().run_until_complete(value)
    return value


@contextlib.contextmanager
def _environment(extra: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in extra}
    os.environ.update(extra)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _answer(request: dict[str, Any], count: int, namespace: dict[str, Any]) -> None:
    global _running
    try:
        with _environment(request.get("env") or {}):
            _running = True
            try:
                _execute(request["code"], f"<cell {count}>", namespace)
            finally:
                _running = False
    except BaseException as error:  # noqa: BLE001 - whatever the code raises is told, also SystemExit
        # The first frames are ours.
        ours = error.__traceback__
        while ours is not None and ours.tb_frame.f_code.co_filename == _answer.__code__.co_filename:
            ours = ours.tb_next
        text = "".join(traceback.format_exception(type(error), error, ours))
        _finish()
        _tell("error", name=type(error).__name__, value=str(error), traceback=text)


_streams: list[_Stream] = []


def _finish() -> None:
    """All that was printed is told before what comes next."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    for follower in _streams:
        follower.drain()


def main() -> None:
    """Read requests {"code", "env", "id"} as JSON lines from stdin until it ends."""
    global _out
    requests = os.fdopen(os.dup(0), "r", encoding="utf-8")
    _out = os.dup(1)
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    _streams.extend((_Stream(1, "stdout"), _Stream(2, "stderr")))
    signal.signal(signal.SIGINT, _interrupt)
    sys.argv = [""]
    sys.path.insert(0, "")
    asyncio.set_event_loop(asyncio.new_event_loop())
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    module.__dict__["display"] = _display
    for count, line in enumerate(requests, 1):
        request = json.loads(line)
        _answer(request, count, module.__dict__)
        _finish()
        _tell("number_of_executions", execution_count=count)
        _tell("end_of_execution", id=request["id"])
