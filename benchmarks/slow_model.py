"""A model of known slowness, in a process of its own: a first token after so many milliseconds, then a steady pace.

`python -m benchmarks.slow_model PORT FIRST_MS TOKENS TOKEN_MS TURNS`: Anthropic's Messages protocol. A conversation of
fewer than TURNS answers is answered with a tool call, so that the run goes on. The answer's text begins with the
milliseconds that the model itself really took until its first token; each later piece says by the machine's monotonic
clock when it was sent: "@123.456 ".
"""

import asyncio
import sys
import time

from aiohttp import web

from demo_model import wire


def application(first: float, tokens: int, pace: float, turns: int) -> web.Application:
    async def answer(request: web.Request) -> web.StreamResponse:
        came = time.perf_counter()
        asked = await request.json()
        said = sum(message["role"] == "assistant" for message in asked["messages"])
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        usage = wire.Usage(input=1000, output=tokens)
        await asyncio.sleep(max(0.0, first - (time.perf_counter() - came)))
        took = (time.perf_counter() - came) * 1000
        # As long as a piece of the stream, so that there are as many pieces as tokens.
        words = f"{took:.2f} ms ".ljust(wire.TEXT_CHUNK) + "word ".ljust(wire.TEXT_CHUNK) * tokens
        blocks = [wire.text(words)]
        if said + 1 < turns:
            blocks.append(wire.tool("nothing", {"number": said}))
        begun = False
        for event in wire.events(wire.Answer(blocks, usage=usage)):
            delta = event.data.get("delta", {})
            if delta.get("type") == "text_delta":
                if begun:
                    delta["text"] = f"@{time.perf_counter():.6f} "
                begun = True
            try:
                await response.write(event.encode())
            except ConnectionResetError:  # who asked is gone, or was killed
                break
            if pace and event.data["type"] == "content_block_delta":
                await asyncio.sleep(pace)
        return response

    app = web.Application(client_max_size=2**25)
    app.router.add_post("/v1/messages", answer)
    app.router.add_get("/v1/models", lambda request: asyncio.sleep(0, web.json_response({"data": []})))
    return app


if __name__ == "__main__":
    port, first_ms, count, token_ms, most = (float(word) for word in sys.argv[1:6])
    app = application(first_ms / 1000, int(count), token_ms / 1000, int(most))
    web.run_app(app, host="127.0.0.1", port=int(port), print=None, access_log=None)
