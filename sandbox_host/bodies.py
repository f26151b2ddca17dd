"""What a request to the REST API says: read, checked, and turned into fields of a sandbox's record."""

import json
import secrets
from typing import Any

from aiohttp import web

from sandbox_host.registry import DEFAULT_TIMEOUT, MAX_TIMEOUT

CLOUD_ONLY = "is not something the embedded sandbox host can do; set E2B_API_KEY to use E2B's cloud for it."
_CLOUD_OPTIONS = {"mcp": "An MCP gateway", "iam": "IAM", "volumeMounts": "A volume"}
_CLOUD_NETWORK = ("dnsServers", "egressProxy", "rules", "httpsPorts")
MAX_METADATA = 64  # names in metadata or envVars


class Refusal(Exception):
    """Answered as E2B's {"code", "message"}."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


async def read(request: web.Request) -> dict[str, Any]:
    """The JSON object that a request carries, {} if it carries nothing. Raises Refusal."""
    try:
        value = json.loads(await request.read() or b"{}")
    except (ValueError, RecursionError):
        raise Refusal(400, "The request body is not JSON.") from None
    if not isinstance(value, dict):
        raise Refusal(400, "The request body is not a JSON object.")
    return value


def number(text: str, default: int) -> int:
    """A whole number in ASCII digits (at most 15 of them), or `default`: `isdigit` alone lets "²" pass."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else default


def timeout(body: dict[str, Any], default: int = DEFAULT_TIMEOUT, name: str = "timeout") -> int:
    """Seconds. Raises Refusal."""
    value = body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Refusal(400, f"{name} must be a whole number of seconds, 0 or more.")
    if value > MAX_TIMEOUT:
        raise Refusal(400, f"Timeout cannot be greater than {MAX_TIMEOUT // 3600} hours")
    return value


def new_sandbox(body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The template that a create names, and its options as fields of Record. What is not known is not looked at.
    Raises Refusal.
    """
    for name, title in _CLOUD_OPTIONS.items():
        if body.get(name):
            raise Refusal(501, f"{title} {CLOUD_ONLY}")
    template = body.get("templateID")
    if not isinstance(template, str) or not template:
        raise Refusal(400, "templateID is missing.")
    options = {
        **_lifecycle(body),
        "internet": body.get("allow_internet_access") is not False,
        "metadata": _strings(body, "metadata"),
        "envs": _strings(body, "envVars"),
        **network(_object(body, "network")),
        **_visits(_object(body, "network")),
    }
    return template, options


def _lifecycle(body: dict[str, Any]) -> dict[str, bool]:
    """What happens at the end of the time. E2B's default is to kill."""
    pauses, resumes = body.get("autoPause") is True, _object(body, "autoResume").get("enabled") is True
    memory = body.get("autoPauseMemory") is not False
    if resumes and not (pauses and memory):
        raise Refusal(400, "autoResume needs autoPause with its memory: a visit wakes what was only put to sleep.")
    return {"auto_pause": pauses, "pause_memory": memory, "auto_resume": resumes}


def network(rules: dict[str, Any]) -> dict[str, list[str]]:
    """allowOut and denyOut. Only host names: inside there is no network to filter addresses on. Raises Refusal."""
    for name in _CLOUD_NETWORK:
        if rules.get(name):
            raise Refusal(501, f"network.{name} {CLOUD_ONLY}")
    fields: dict[str, list[str]] = {}
    for name, target in (("allowOut", "allow_out"), ("denyOut", "deny_out")):
        value = rules.get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise Refusal(400, f"network.{name} must be a list of strings.")
        fields[target] = [item.lower() for item in value]
    fields["deny_out"] = [item.removeprefix("*.") for item in fields["deny_out"]]
    for item in fields["allow_out"]:
        if not any(letter.isalpha() for letter in item) or "/" in item or ":" in item:
            raise Refusal(501, f"network.allowOut '{item}': an address {CLOUD_ONLY} Name hosts instead.")
    return fields


def _visits(rules: dict[str, Any]) -> dict[str, str]:
    """Who may visit a preview, and as which host the app inside is asked."""
    mask = rules.get("maskRequestHost") or ""
    if not isinstance(mask, str) or not mask.isascii() or not mask.isprintable() or " " in mask or len(mask) > 255:
        raise Refusal(400, "network.maskRequestHost must be a host name; ${PORT} in it stands for the port.")
    token = secrets.token_hex(32) if rules.get("allowPublicTraffic") is False else ""
    return {"traffic_token": token, "mask_host": mask}


def _object(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name) or {}
    if not isinstance(value, dict):
        raise Refusal(400, f"{name} must be an object.")
    return value


def _strings(body: dict[str, Any], name: str) -> dict[str, str]:
    value = _object(body, name)
    if not all(isinstance(one, str) for one in value.values()):
        raise Refusal(400, f"{name} must map strings to strings.")
    if len(value) > MAX_METADATA:
        raise Refusal(400, f"{name} may hold {MAX_METADATA} names, and holds {len(value)}.")
    text = "".join([*value, *value.values()])
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise Refusal(400, f"{name} must be text.")
    if name == "envVars" and any("\0" in k + v or not k or "=" in k for k, v in value.items()):
        raise Refusal(400, "envVars must have names without '=' and no null bytes.")
    return value
