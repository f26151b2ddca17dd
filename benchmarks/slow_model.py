"""A model of known slowness, in a process of its own: a first token after so many milliseconds, then a steady pace.

`python -m benchmarks.slow_model PORT FIRST_MS TOKENS TOKEN_MS TURNS`: Anthropic's Messages protocol. A conversation of
fewer than TURNS answers is answered with a tool call, so that the run goes on. The answer's text begins with the
milliseconds that the model itself really took until its first token; each later piece says by the machine's monotonic
clock when it was sent: "@123.456 ".
"""

import asyncio
import sys
import time
from contextlib import suppress

from aiohttp import web

from demo_model import wire

DELTA = {"type": "text_delta", "text": "@"}
TOKEN = wire.Event({"type": "content_block_delta", "index": 0, "delta": DELTA}).encode()


async def until(moment: float) -> float:
    """Waits for a moment of the monotonic clock; when it then is."""
    await asyncio.sleep(moment - time.perf_counter())
    return time.perf_counter()


def application(first: float, tokens: int, pace: float, turns: int) -> web.Application:
    async def write_tokens(transport: asyncio.WriteTransport, begin: float) -> None:
        """By the clock: no answer is longer for what a pause took, and what is due goes out together. As chunks of HTTP
        straight to the connection: this process shares the machine with what is measured.
        """
        sent = 0
        while sent < tokens and not transport.is_closing():
            now = await until(begin + (sent + 1) * pace)
            due = max(sent + 1, min(tokens, int((now - begin) / pace))) if pace else tokens
            data = TOKEN.replace(b"@", b"@%.6f " % now) * (due - sent)
            transport.write(b"%x\r\n%b\r\n" % (len(data), data))
            sent = due

    async def answer(request: web.Request) -> web.StreamResponse:
        came, transport = time.perf_counter(), request.transport
        assert isinstance(transport, asyncio.WriteTransport)
        asked = await request.json()
        said = sum(message["role"] == "assistant" for message in asked["messages"])
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        usage = wire.Usage(input=1000, output=tokens)
        took = await until(came + first) - came
        blocks = [wire.text(f"{took * 1000:.2f} ms ")]
        if said + 1 < turns:
            blocks.append(wire.tool("nothing", {"number": said}))
        with suppress(ConnectionResetError):  # who asked is gone, or was killed
            for event in wire.events(wire.Answer(blocks, usage=usage)):
                await response.write(event.encode())
                if event.data.get("delta", {}).get("type") == "text_delta":
                    await write_tokens(transport, came + first)
        return response

    app = web.Application(client_max_size=2**25)
    app.router.add_post("/v1/messages", answer)
    app.router.add_get("/v1/models", lambda request: asyncio.sleep(0, web.json_response({"data": []})))
    return app


if __name__ == "__main__":
    port, first_ms, count, token_ms, most = (float(word) for word in sys.argv[1:6])
    app = application(first_ms / 1000, int(count), token_ms / 1000, int(most))
    web.run_app(app, host="127.0.0.1", port=int(port), print=None, access_log=None)
