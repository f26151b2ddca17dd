"""A model that says what the test wrote, over the real wire, and the blocks it says most often."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from demo_model import wire


@dataclass
class Failure:
    """An answer that is none: a status with headers, another body, a stream that hangs, drips or breaks off."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    break_after: int | None = None
    # Seconds of pings, after what is to be said and called first; `whole`: with its end.
    hang: float = 0
    say: str = ""
    calls: list[wire.Block] = field(default_factory=list)
    whole: bool = False
    # A body that is sent as it is; `drip`: a byte at a time, this many seconds apart.
    body: bytes = b""
    drip: float = 0


class ScriptedModel:
    """Speaks both protocols; answers call after call with what was written down, and keeps the requests."""

    def __init__(self) -> None:
        self.script: list[Any] = []
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        # Questions beside the conversation, each answered by the tool it demands: tool → answers, the last one again.
        self.answers: dict[str, list[Any]] = {"review": [{"verdict": "approved", "issues": []}]}
        self.asides: list[dict[str, Any]] = []
        self.gone = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        # A shutdown is noticed at the next look.
        threading.Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def say(self, *turns: Any) -> None:
        """The next turns: lists of blocks, Failures, or functions of the request that give either."""
        self.script.extend(turns)

    def turn(self, request: dict[str, Any], headers: dict[str, str]) -> Any:
        """What to answer to a request: by the script, or for a call that is demanded, by `answers`."""
        demanded = demanded_tool(request)
        if demanded in self.answers:
            self.asides.append(request)
            left = self.answers[demanded]
            answer = left.pop(0) if len(left) > 1 else left[0]
            return [wire.tool(demanded, answer)] if isinstance(answer, dict) else answer
        self.requests.append(request)
        self.headers.append(headers)
        return self.script.pop(0) if self.script else [wire.text("Nothing more to say.")]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                turn = model.turn(request, dict(self.headers))
                turn = turn(request) if callable(turn) else turn
                try:
                    self._fail(turn) if isinstance(turn, Failure) else self._stream(turn)
                except (BrokenPipeError, ConnectionResetError):
                    model.gone.set()

            def _stream(self, blocks: list[wire.Block], stop_after: int | None = None) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                frames = chat_frames(blocks) if self.path.endswith("/chat/completions") else frames_of(blocks)
                for number, frame in enumerate(frames):
                    if number == stop_after:
                        return
                    self.wfile.write(frame)
                    self.wfile.flush()

            def _fail(self, failure: Failure) -> None:
                end = time.monotonic() + failure.hang
                if failure.hang:
                    self.send_response(200)
                    self.send_header("Content-Type", "text/event-stream")
                    self.end_headers()
                    make = chat_frames if self.path.endswith("/chat/completions") else frames_of
                    ping = b": ping\n\n" if make is chat_frames else b'event: ping\ndata: {"type": "ping"}\n\n'
                    blocks = [*([wire.text(failure.say)] if failure.say else []), *failure.calls]
                    said = list(make(blocks)) if blocks else []
                    for frame in said if failure.whole else said[:-3]:
                        self.wfile.write(frame)
                    while time.monotonic() < end:  # a drip, so that a client that goes away is noticed
                        self.wfile.write(ping)
                        self.wfile.flush()
                        time.sleep(0.05)
                elif failure.break_after is not None:
                    self._stream(
                        [wire.text("This breaks off somewhere in the middle of a sentence")], failure.break_after
                    )
                else:
                    body = failure.body or json.dumps(wire.error(failure.status, failure.say or "scripted")).encode()
                    self.send_response(failure.status)
                    for name, value in {**failure.headers, "Content-Length": str(len(body))}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    for piece in (body[at : at + 1] for at in range(len(body))) if failure.drip else [body]:
                        self.wfile.write(piece)
                        self.wfile.flush()
                        time.sleep(failure.drip)

            def log_message(self, *args: Any) -> None:
                pass

        return Handler


def demanded_tool(request: dict[str, Any]) -> str:
    """The tool that a request says has to be called, in either protocol; "" if it leaves that open."""
    choice = request.get("tool_choice")
    if not isinstance(choice, dict):
        return ""
    return str(choice.get("name") or choice.get("function", {}).get("name", ""))


def frames_of(blocks: list[wire.Block]) -> Iterator[bytes]:
    """A turn in the Messages protocol."""
    usage = wire.Usage(input=1000, output=wire.output_tokens(blocks))
    return (event.encode() for event in wire.events(wire.Answer(blocks, usage=usage)))


def chat_frames(blocks: list[wire.Block]) -> Iterator[bytes]:
    """A turn in the chat completions protocol; 100 of 1000 prompt tokens cached, 60 tokens answered."""

    def chunk(**fields: Any) -> bytes:
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": "scripted"}
        return b"data: " + json.dumps({**head, "choices": [], **fields}).encode() + b"\n\n"

    def choice(delta: dict[str, Any], reason: str | None = None) -> bytes:
        return chunk(choices=[{"index": 0, "delta": delta, "finish_reason": reason}])

    calls = [block for block in blocks if block["type"] == "tool_use"]
    for block in blocks:
        if block["type"] == "text":
            for word in block["text"].split(" "):
                yield choice({"content": word if block["text"].startswith(word) else f" {word}"})
    for index, call in enumerate(calls):
        yield choice(
            {
                "tool_calls": [
                    {
                        "index": index,
                        "id": call["id"],
                        "type": "function",
                        "function": {"name": call["name"], "arguments": ""},
                    }
                ]
            }
        )
        text = wire.input_text(call)
        for piece in (text[at : at + 30] for at in range(0, len(text), 30)):
            yield choice({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield choice({}, "tool_calls" if calls else "stop")
    details = {"cached_tokens": 100}
    yield chunk(
        usage={"prompt_tokens": 1000, "completion_tokens": 60, "total_tokens": 1060, "prompt_tokens_details": details}
    )
    yield b"data: [DONE]\n\n"


def page(heading: str) -> str:
    return f"<!doctype html><html lang=en><title>{heading}</title><h1>{heading}</h1></html>\n"


def write(**files: str) -> wire.Block:
    named = {name.replace("_", "."): content for name, content in files.items()}
    return wire.tool("write_files", {"files": [{"path": path, "content": text} for path, text in named.items()]})


def finish(summary: str = "The page is there.") -> wire.Block:
    return wire.tool("finish", {"summary": summary})


def types(project: Any) -> list[str]:
    return list(project.steps.values_list("type", flat=True))
