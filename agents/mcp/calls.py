"""Tools of MCP servers in a run: which there are, and a call of one. None of it needs the sandbox."""

import json
import re
from typing import Any

from django.db.models.functions import Now

from accounts.models import McpServer
from agents.bench import Bench
from agents.lease import StepTimeout
from agents.mcp import servers
from agents.mcp.wire import NO_METHOD, McpError
from agents.models import Run
from agents.tools import Outcome, Tool, ToolFailed
from agents.tools.base import cut
from projects.models import Message

CALL_SECONDS = 120
# JSON-RPC: wrong parameters, such as the name of a tool that is not there.
WRONG = -32602
UNKNOWN_TOOL = re.compile(
    r"(unknown|no such|unrecogni[sz]ed) tool|tool\b.{0,150}\b(not found|does not exist)", re.IGNORECASE | re.DOTALL
)
UNSURE = "Whether it was done is unknown. Find out before you call it again."


def for_run(run: Run) -> dict[str, Tool]:
    """The tools of servers that a run is offered. None in Ask and Plan, which change nothing: nobody knows of a
    server's tool whether it does.
    """
    if run.message.mode != Message.Mode.BUILD or not run.has_servers:
        return {}
    return {tool.name: tool for tool in (_tool(*one) for one in servers.offered(run.project))}


def _tool(row: McpServer, remote: str, definition: dict[str, Any]) -> Tool:
    title = f"{row.name}: {remote}"
    return Tool(
        definition["name"],
        definition["description"],
        {},
        (),
        lambda values: title,
        given=definition["input_schema"],
        server=row.pk,
        remote=remote,
    )


def use(bench: Bench, tool: Tool, values: dict[str, Any], again: bool) -> Outcome:
    """What the server did. Raises ToolFailed with what the model should know.

    `again`: an earlier worker may have called it. Nobody can be asked, so it is not called a second time.
    """
    if again:
        raise ToolFailed(f"The worker was interrupted while {tool.name} was called. {UNSURE}")
    # The owner may have switched it off, or given it another token, while the run is at work.
    row = servers.switched_on(bench.run.project).filter(pk=tool.server).first()
    if row is None:
        raise ToolFailed("Not called: the owner has switched this server off for the project. Go on without it.")
    try:
        server = bench.servers.get((row.url, row.sealed)) or servers.talk_to(row)
        bench.servers[row.url, row.sealed] = server
        McpServer.objects.filter(pk=row.pk).update(last_used=Now())
        result = bench.lease.wait(server.call(tool.remote, values), CALL_SECONDS)
    except StepTimeout:
        raise ToolFailed(f"{row.name} did not answer within {CALL_SECONDS} s. {UNSURE}") from None
    except McpError as error:
        if error.code == NO_METHOD or (error.code == WRONG and UNKNOWN_TOOL.search(str(error))):
            raise ToolFailed(_list_anew(bench, row, tool)) from None
        said = servers.marked("answer", str(error)) if error.code else str(error)
        raise ToolFailed(f"{row.name} did not do it. {said} {UNSURE if error.unsure else ''}".strip()) from None
    text = cut(_text(result))
    if result.get("isError") and UNKNOWN_TOOL.search(text):
        raise ToolFailed(_list_anew(bench, row, tool))
    ok = not result.get("isError")
    shown = {"output": text[:4_000], "asked": cut(json.dumps(values, ensure_ascii=False, indent=2), 1_000)}
    return Outcome(servers.marked("answer", text), summary="" if ok else "It failed", ok=ok, facts=shown)


def _list_anew(bench: Bench, row: McpServer, tool: Tool) -> str:
    """Asks the server for its tools again, as it does not know one that it had; what the model is told."""
    try:
        servers.ask(row, bench.lease.wait)
    except McpError:
        return f"{row.name} does not know the tool {tool.name} any more. Go on without it."
    McpServer.objects.filter(pk=row.pk).update(tools=row.tools, error="")
    names = servers.marked("answer", ", ".join(one["remote"] for one in row.tools)[:2_000] or "none")
    return f"{row.name} does not know the tool {tool.name} any more. What the next run is offered: {names}"


def _text(result: dict[str, Any]) -> str:
    """A result in words. Pictures, sounds and files are named, and no more."""
    parts = []
    for block in result.get("content", []):
        match block:
            case {"type": "text", "text": str(text)}:
                parts.append(text)
            case {"type": "resource", "resource": {"text": str(text), "uri": uri}}:
                parts.append(f"[resource {str(uri)[:500]}]\n{text}")
            case {"type": "resource", "resource": {"uri": uri}} | {"type": "resource_link", "uri": uri}:
                parts.append(f"[resource {str(uri)[:500]}: not shown]")
            case {"type": kind}:
                parts.append(f"[{str(kind)[:40]} {str(block.get('mimeType', ''))[:80]}: not shown]")
    if not parts and (value := result.get("structuredContent")) is not None:
        parts.append(json.dumps(value, ensure_ascii=False))
    return "\n".join(parts).strip() or "(no output)"
