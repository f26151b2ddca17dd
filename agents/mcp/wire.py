"""The Model Context Protocol over Streamable HTTP, as a client: what a server offers, and calls of it.

https://modelcontextprotocol.io/specification/2025-11-25/basic/transports, and where a server knows no `initialize` any
more the requests of 2026-07-28, which need no session.

Written here over httpx. The official SDK (mcp 2.3) takes 0.6 s and 28 MB of a worker that has the other SDKs, 1.3 s and
58 MB of a web process, brings a web server (starlette, uvicorn) and five more packages, and reads a JSON answer of any
size. A server is hostile by assumption: bytes and time are bounded, nothing it says is followed.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

import httpx
from django.conf import settings

from accounts.keyshapes import MASK
from agents import sse
from agents.mcp.guard import CONNECT_SECONDS, Guarded, NotAllowed

Message = dict[str, Any]
VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
STATELESS = "2026-07-28"
# JSON-RPC: no such method; and what a server answers to `initialize` that only knows STATELESS.
NO_METHOD, NO_VERSION = -32601, -32022
# Of one answer, streams included.
MAX_BYTES = 2 * 2**20
MAX_DEPTH = 40
# Pages of one list.
MAX_PAGES = 20
# What is said to a server on leaving it is not waited for any longer.
LEAVE_SECONDS = 2


class McpError(Exception):
    """A request failed. The text says what happened and what to do.

    `refused`: without a token, or with this one, it will not work. `unsure`: the request may have taken effect. `code`:
    of the server's own answer, as JSON-RPC has it; 0: it gave none.
    """

    def __init__(self, text: str, *, refused: bool = False, unsure: bool = False, code: int = 0) -> None:
        super().__init__(text)
        self.refused, self.unsure, self.code = refused, unsure, code


class _NoSession(McpError):
    """The server has forgotten the session, and did nothing."""


class Server:
    """One server as it is talked to. Its session is begun at first use and kept for the next call.

    To be used by one coroutine at a time. Every method raises McpError.
    """

    def __init__(self, url: str, token: str) -> None:
        self.url, self.secret = url, token
        self.session, self.version, self.number = "", "", 0

    async def tools(self, most: int) -> list[Message]:
        """Its tools as it describes them; not many more than `most`."""
        found: list[Message] = []
        cursor: Message = {}
        for _ in range(MAX_PAGES):
            page = await self._ask("tools/list", cursor)
            tools = page.get("tools")
            if not isinstance(tools, list):
                raise McpError("It answers, but not with a list of tools. Is this the address of an MCP server?")
            found += [tool for tool in tools if isinstance(tool, dict)]
            if not isinstance(page.get("nextCursor"), str) or len(found) > most:
                break
            cursor = {"cursor": page["nextCursor"]}
        return found

    async def call(self, tool: str, values: Message) -> Message:
        """A tool's result: {"content": [...], "isError": ...}."""
        result = await self._ask("tools/call", {"name": tool, "arguments": values})
        if not isinstance(result.get("content", []), list):
            raise McpError("Its answer is no result of a tool.", unsure=True)
        return result

    async def leave(self) -> None:
        """Ends the session, where there is one; a server that does not hear it ends it by itself."""
        if self.session:
            with suppress(httpx.HTTPError, NotAllowed, TimeoutError):
                async with asyncio.timeout(LEAVE_SECONDS), self._client() as client:
                    await client.delete(self.url, headers=self._headers())
            self.session = ""

    async def _ask(self, method: str, params: Message) -> Message:
        try:
            async with self._client() as client:
                if not self.version:
                    await self._begin(client)
                try:
                    return await self._send(client, method, params)
                except _NoSession:
                    await self._begin(client)
                    return await self._send(client, method, params)
        except NotAllowed as error:
            raise McpError(str(error), refused=True) from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol):
            raise McpError("It cannot be reached now. Is the address right, and the server running?") from None
        except httpx.TimeoutException:
            raise McpError("It did not answer in time.", unsure=True) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError):
            raise McpError("The connection broke off before it had answered.", unsure=True) from None

    async def _begin(self, client: httpx.AsyncClient) -> None:
        self.session = self.version = ""
        us = {"name": "vibe", "version": settings.VERSION}
        hello = {"protocolVersion": VERSIONS[0], "capabilities": {}, "clientInfo": us}
        try:
            result = await self._send(client, "initialize", hello)
        except McpError as error:
            if error.code not in (NO_METHOD, NO_VERSION):
                raise
            self.version = STATELESS
            return
        if result.get("protocolVersion") not in VERSIONS:
            raise McpError("It speaks a version of the protocol that is not known here.")
        self.version = result["protocolVersion"]
        await self._tell(client, {"jsonrpc": "2.0", "method": "notifications/initialized"})

    async def _send(self, client: httpx.AsyncClient, method: str, params: Message) -> Message:
        """One request; the result of its answer."""
        self.number += 1
        request = {"jsonrpc": "2.0", "id": self.number, "method": method, "params": params}
        headers = self._headers()
        if self.version == STATELESS:
            request["params"] = {**params, "_meta": _about_us()}
            headers["Mcp-Method"] = method
            if "name" in params and _fits_a_header(params["name"]):
                headers["Mcp-Name"] = params["name"]
        try:
            async with client.stream("POST", self.url, content=_packed(request), headers=headers) as answer:
                return self._result(await self._answer(client, answer, self.number))
        except asyncio.CancelledError:
            if self.version != STATELESS and method != "initialize":
                about = {"requestId": request["id"], "reason": "stopped"}
                stop = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": about}
                with suppress(httpx.HTTPError, NotAllowed, TimeoutError):
                    async with asyncio.timeout(LEAVE_SECONDS):
                        await self._tell(client, stop)
            raise

    async def _answer(self, client: httpx.AsyncClient, answer: httpx.Response, number: int) -> Message:
        """The message that answers the request of that number."""
        if sent := answer.headers.get("Mcp-Session-Id"):
            if not _fits_a_header(sent):
                raise McpError("Its answer is none of the Model Context Protocol.", unsure=True)
            self.session = sent[:1_000]
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "text/event-stream" and answer.is_success:
            async with aclosing(_events(answer)) as events:
                async for message in events:
                    if message.get("id") == number and "method" not in message:
                        return message
                    if "method" in message and isinstance(message.get("id"), str | int):
                        await self._tell(client, _reply(message))
            raise McpError("The connection ended before it had answered.", unsure=True)
        body = b"".join([piece async for piece in _pieces(answer)])
        message = _parsed(body) if kind == "application/json" else {}
        if self.session and answer.status_code in (400, 404) and (answer.status_code == 404 or b"ession" in body):
            raise _NoSession("It has forgotten the session.")
        is_ours = "error" in message or (answer.is_success and message.get("id") == number)
        if is_ours and answer.status_code not in (401, 403):
            return message
        raise self._refusal(answer)

    def _result(self, message: Message) -> Message:
        message = _bare(message, self.secret)
        if (error := message.get("error")) is not None:
            error = error if isinstance(error, dict) else {}
            code = error.get("code")
            text = f"It answers: {str(error.get('message', 'an error'))[:500]}"
            raise McpError(text, code=code if isinstance(code, int) else 0)
        if not isinstance(result := message.get("result"), dict):
            raise McpError("Its answer is none of the Model Context Protocol.", unsure=True)
        if result.get("resultType") == "input_required":
            raise McpError("It wants to ask the person something first, which is not possible here.")
        return result

    def _refusal(self, answer: httpx.Response) -> McpError:
        """What an answer that is none means for who asked."""
        status = answer.status_code
        if status in (401, 403):
            text = "It refuses this token." if self.secret else "It asks for a token."
            more = "Give it one that is good for its MCP server; signing in by OAuth is not possible here."
            return McpError(f"{text} {more}", refused=True)
        if answer.is_redirect:
            return McpError(f"It sends elsewhere ({status}). Give the address where the server is itself.")
        if status in (400, 404, 405, 406, 415):
            return McpError(f"There is no MCP server at this address that speaks Streamable HTTP ({status}).")
        if status == 429:
            return McpError("It has too much to do (429). Try again later.")
        if status >= 500:
            return McpError(f"It failed ({status}). Try again later.", unsure=True)
        return McpError("It answers, but not as an MCP server. Is the address right?", unsure=True)

    async def _tell(self, client: httpx.AsyncClient, message: Message) -> None:
        """Sends what has no answer."""
        async with client.stream("POST", self.url, content=_packed(message), headers=self._headers()) as answer:
            if answer.status_code in (401, 403):
                raise self._refusal(answer)

    def _headers(self) -> dict[str, str]:
        headers = {
            "Accept": "application/json, text/event-stream",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
        }
        if self.secret:
            headers["Authorization"] = f"Bearer {self.secret}"
        if self.session:
            headers["Mcp-Session-Id"] = self.session
        if self.version:
            headers["MCP-Protocol-Version"] = self.version
        return headers

    def _client(self) -> httpx.AsyncClient:
        # How long an answer may take is for the caller to say.
        timeout = httpx.Timeout(None, connect=CONNECT_SECONDS)
        agent = {"User-Agent": f"vibe/{settings.VERSION}"}
        return httpx.AsyncClient(transport=Guarded(), timeout=timeout, headers=agent, trust_env=False)


def _about_us() -> Message:
    """What every request of STATELESS says."""
    us = {"name": "vibe", "version": settings.VERSION}
    about = {"protocolVersion": STATELESS, "clientInfo": us, "clientCapabilities": {}}
    return {f"io.modelcontextprotocol/{name}": value for name, value in about.items()}


def _packed(message: Message) -> bytes:
    """A message as it is sent: in ASCII, for half a pair of surrogates, of a model's or a server's, is no UTF-8."""
    return json.dumps(message).encode()


def _fits_a_header(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _reply(message: Message) -> Message:
    """What is answered to a server that asks: it may ask whether anybody is there, and nothing else."""
    answer: Message = {"result": {}}
    if message["method"] != "ping":
        answer = {"error": {"code": NO_METHOD, "message": "This client offers nothing."}}
    return {"jsonrpc": "2.0", "id": message["id"], **answer}


async def _pieces(answer: httpx.Response) -> AsyncGenerator[bytes, None]:
    """The body as it was sent, as far as it may be long."""
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise McpError("Its answer is packed, although it was asked not to.", unsure=True)
    size = 0
    async for piece in answer.aiter_raw():
        size += len(piece)
        if size > MAX_BYTES:
            raise McpError(f"Its answer is longer than {MAX_BYTES // 2**20} MB.", unsure=True)
        yield piece


async def _events(answer: httpx.Response) -> AsyncGenerator[Message, None]:
    """The messages of a stream of server-sent events."""
    events = sse.Events()
    async with aclosing(_pieces(answer)) as pieces:
        async for piece in pieces:
            for data in events.of(piece):
                yield _parsed(data)


def _parsed(body: bytes) -> Message:
    """The message in a text; {} for what is none."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def _bare(value: Any, secret: str, depth: int = 0) -> Any:
    """A value without the token, which a server may send back, without what is nested deeper than anything is, and
    without characters that the database does not take.
    """
    if isinstance(value, str):
        value = value.replace(secret, MASK) if secret else value
        return value.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict | list) and depth > MAX_DEPTH:
        return None
    if isinstance(value, dict):
        return {_bare(name, secret): _bare(item, secret, depth + 1) for name, item in value.items()}
    return [_bare(item, secret, depth + 1) for item in value] if isinstance(value, list) else value
