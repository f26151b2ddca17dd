"""Refuse a request that the real Messages API would refuse, with its words, so that mistakes show up offline."""

from typing import Any


class InvalidRequest(Exception):
    """The request breaks the protocol; the message says where."""


def _need(condition: object, words: str) -> None:
    if not condition:
        raise InvalidRequest(words)


def blocks(message: dict[str, Any]) -> list[Any]:
    """A message's content as blocks."""
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def check(body: Any) -> dict[str, Any]:
    """Return the body if it is a valid request, else raise InvalidRequest."""
    _need(isinstance(body, dict), "The request body is not a JSON object.")
    _need(isinstance(body.get("model"), str) and body["model"], "model: Field required")
    limit = body.get("max_tokens")
    _need(isinstance(limit, int) and not isinstance(limit, bool), "max_tokens: Field required")
    _need(limit >= 1, "max_tokens: Input should be greater than or equal to 1")
    messages = body.get("messages")
    _need(isinstance(messages, list) and messages, "messages: at least one message is required")
    for index, message in enumerate(messages):
        _check_message(index, message)
    _need(messages[0]["role"] == "user", 'messages: first message must use the "user" role')
    for index, tool in enumerate(body.get("tools") or []):
        _need(isinstance(tool, dict) and tool.get("name"), f"tools.{index}.name: Field required")
    names = [tool["name"] for tool in body.get("tools") or []]
    _need(len(names) == len(set(names)), "tools: Tool names must be unique.")
    _check_tool_results(messages)
    return dict(body)


def _check_message(index: int, message: Any) -> None:
    _need(isinstance(message, dict), f"messages.{index}: Input should be an object")
    _need(
        message.get("role") in ("user", "assistant", "system"),
        f"messages.{index}.role: Input should be 'user', 'assistant' or 'system'",
    )
    content = message.get("content")
    _need(isinstance(content, str | list), f"messages.{index}.content: Field required")
    _need(content, f"messages.{index}: all messages must have non-empty content")
    for at, block in enumerate(blocks(message)):
        _need(isinstance(block, dict) and "type" in block, f"messages.{index}.content.{at}.type: Field required")
        if block["type"] == "text":
            filled = isinstance(block.get("text"), str) and block["text"].strip()
            _need(filled, f"messages.{index}: text content blocks must be non-empty")
        if block["type"] == "tool_use":
            _need(
                isinstance(block.get("input"), dict),
                f"messages.{index}.content.{at}.tool_use.input: Input should be an object",
            )


def _check_tool_results(messages: list[dict[str, Any]]) -> None:
    for index, message in enumerate(messages):
        uses = {b["id"] for b in blocks(message) if b["type"] == "tool_use"}
        following = messages[index + 1] if index + 1 < len(messages) else None
        results = (
            {b.get("tool_use_id") for b in blocks(following) if b["type"] == "tool_result"} if following else set()
        )
        if uses:
            _need(
                following and uses <= results,
                f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(sorted(uses - results))}. Each `tool_use` block must have a corresponding `tool_result` "
                "block in the next message.",
            )
        strangers = sorted(str(result) for result in results - uses)
        _need(
            not strangers,
            f"messages.{index + 1}: unexpected `tool_use_id` found in `tool_result` blocks: {', '.join(strangers)}. "
            "Each `tool_result` block must have a corresponding `tool_use` block in the previous message.",
        )
