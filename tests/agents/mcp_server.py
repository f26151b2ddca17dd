"""An MCP server that offers what the test wrote, over the real wire: Streamable HTTP, answers as JSON or as events."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SEARCH = {
    "name": "search",
    "description": "Looks for pages.",
    "inputSchema": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
}
VERSION = "2025-11-25"


class McpServer:
    """`calls`: (tool, arguments) as they came. What a test may set: see `__init__`."""

    def __init__(self) -> None:
        self.tools: list[dict[str, Any]] = [SEARCH]
        # Tool → its result: a text, a whole result, a JSON-RPC error, or a function of the arguments that gives one.
        self.results: dict[str, Any] = {"search": "Two pages."}
        self.token, self.events, self.page, self.stateless = "", False, 100, False
        # Instead of an answer to this method: (status, headers, body), or seconds to say nothing.
        self.instead: dict[str, Any] = {}
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.said: list[str] = []
        self.sessions: set[str] = set()
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The result of a request, or its error."""
        method, params = request["method"], request.get("params", {})
        if method == "initialize":
            if self.stateless:
                return {"error": {"code": -32022, "message": "Unsupported protocol version"}}
            about = {"protocolVersion": VERSION, "capabilities": {"tools": {}}, "serverInfo": {"name": "t"}}
            return {"result": about}
        if method == "tools/list":
            start = int(params.get("cursor", 0))
            more = {"nextCursor": str(start + self.page)} if start + self.page < len(self.tools) else {}
            return {"result": {"tools": self.tools[start : start + self.page], **more}}
        if method == "tools/call":
            return self._call(params["name"], params["arguments"])
        return {"error": {"code": -32601, "message": "Method not found"}}

    def _call(self, tool: str, values: dict[str, Any]) -> dict[str, Any]:
        if tool not in self.results:
            return {"error": {"code": -32602, "message": f"Unknown tool: {tool}"}}
        self.calls.append((tool, values))
        result = self.results[tool]
        result = result(values) if callable(result) else result
        if isinstance(result, str):
            result = {"content": [{"type": "text", "text": result}]}
        return result if "error" in result else {"result": result}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        ours = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                ours.asked.append(request)
                ours.headers.append(dict(self.headers))
                method = request.get("method", "")
                ours.said.append(method)
                if isinstance(instead := ours.instead.get(method), tuple):
                    return self._send(*instead)
                if ours.token and self.headers.get("Authorization") != f"Bearer {ours.token}":
                    return self._send(401, {"WWW-Authenticate": "Bearer"}, b"")
                session = self.headers.get("Mcp-Session-Id", "")
                if method != "initialize" and not ours.stateless and session not in ours.sessions:
                    return self._json(404, {"id": None, "error": {"code": -32000, "message": "Session not found"}})
                if instead:
                    time.sleep(instead)
                if "id" not in request or not method:
                    return self._send(202, {}, b"")
                reply = {"id": request["id"], **ours.answer(request)}
                more = {}
                if method == "initialize" and not ours.stateless:
                    ours.sessions.add(f"session-{len(ours.asked)}")
                    more = {"Mcp-Session-Id": f"session-{len(ours.asked)}"}
                return self._events(reply, more) if ours.events else self._json(200, reply, more)

            def do_DELETE(self) -> None:
                ours.said.append("DELETE")
                ours.sessions.discard(self.headers.get("Mcp-Session-Id", ""))
                self._send(200, {}, b"")

            def _events(self, reply: dict[str, Any], headers: dict[str, str]) -> None:
                """A remark, a question of the server's own, and the answer, which is cut into several lines."""
                note = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x"}}
                ping = {"jsonrpc": "2.0", "method": "ping", "id": "p1"}
                lines = json.dumps({"jsonrpc": "2.0", **reply}, indent=1).split("\n")
                text = f": hello\r\n\r\nevent: message\r\ndata: {json.dumps(note)}\r\n\r\n"
                text += f"data: {json.dumps(ping)}\n\n" + "".join(f"data: {line}\n" for line in lines) + "\n"
                self._send(200, {**headers, "Content-Type": "text/event-stream; charset=utf-8"}, text.encode())

            def _json(self, status: int, reply: dict[str, Any], headers: dict[str, str] | None = None) -> None:
                body = json.dumps({"jsonrpc": "2.0", **reply}).encode()
                self._send(status, {**(headers or {}), "Content-Type": "application/json"}, body)

            def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
                try:
                    self.send_response(status)
                    for name, value in {"Content-Length": str(len(body)), **headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(body)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # who asked has gone away

            def log_message(self, *args: Any) -> None:
                pass

        return Handler
