"""Asking the outside services a configuration names, so that a stale value is found at the start, by its name."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import urlsplit

from launcher.asking import NoAnswer, ask_http, ask_postgres, ask_redis
from launcher.problem import Problem

# Variable of the key, variable and default of the address, route that only needs a good key, header.
MODEL_ROUTES = (
    ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "https://api.anthropic.com", "/v1/models"),
    ("OPENAI_API_KEY", "OPENAI_BASE_URL", "https://api.openai.com/v1", "/models"),
    ("GEMINI_API_KEY", "", "https://generativelanguage.googleapis.com/v1beta/openai", "/models"),
    ("XAI_API_KEY", "", "https://api.x.ai/v1", "/models"),
    ("OPENROUTER_API_KEY", "", "https://openrouter.ai/api/v1", "/key"),
    ("AI_GATEWAY_API_KEY", "AI_GATEWAY_BASE_URL", "https://ai-gateway.vercel.sh/v1", "/credits"),
)


def check_parties(values: Mapping[str, str], warn: Callable[[str], None]) -> None:
    """Ask, all at once, those that `values` name. Raises Problem listing what was refused.

    A vendor that cannot be reached at its default address is only warned about: the rest of Vibe works without.
    """
    questions: list[Callable[[], str | None]] = []
    if url := values.get("DATABASE_URL"):
        questions.append(partial(_server, "DATABASE_URL", url, ask_postgres, "embedded PostgreSQL"))
    if redis_url := values.get("REDIS_URL"):
        questions.append(partial(_server, "REDIS_URL", redis_url, ask_redis, "embedded Valkey"))
    questions += [partial(_model, values, *route, warn) for route in MODEL_ROUTES if values.get(route[0])]
    if values.get("E2B_API_KEY"):
        questions.append(partial(_e2b, values, warn))
    if not questions:
        return
    with ThreadPoolExecutor(len(questions)) as pool:
        problems = [problem for problem in pool.map(lambda question: question(), questions) if problem]
    if problems:
        raise Problem("\n".join(problems))


def _server(name: str, url: str, ask: Callable[[str], str], otherwise: str) -> str | None:
    try:
        ask(url)
    except (NoAnswer, ValueError, KeyError) as answer:
        where = urlsplit(url).hostname or "that address"
        return (
            f"{name}: no usable answer from {where}: {answer}. "
            f"Start that server, mend {name}, or remove it to use the {otherwise}."
        )
    return None


def _model(
    values: Mapping[str, str], key: str, address: str, default: str, route: str, warn: Callable[[str], None]
) -> str | None:
    base = values.get(address) or default
    headers = {"Authorization": f"Bearer {values[key]}"}
    if key == "ANTHROPIC_API_KEY":
        headers |= {"x-api-key": values[key], "anthropic-version": "2023-06-01"}
        del headers["Authorization"]
    return _ask_key(key, base.rstrip("/") + route, headers, named=bool(values.get(address)), address=address, warn=warn)


def _e2b(values: Mapping[str, str], warn: Callable[[str], None]) -> str | None:
    named = next((name for name in ("E2B_API_URL", "E2B_DOMAIN") if values.get(name)), "")
    base = values.get("E2B_API_URL") or f"https://api.{values.get('E2B_DOMAIN') or 'e2b.app'}"
    headers = {"X-API-KEY": values["E2B_API_KEY"]}
    return _ask_key(
        "E2B_API_KEY", base.rstrip("/") + "/v2/sandboxes?limit=1", headers, named=bool(named), address=named, warn=warn
    )


def _ask_key(
    key: str, url: str, headers: Mapping[str, str], *, named: bool, address: str, warn: Callable[[str], None]
) -> str | None:
    host = urlsplit(url).netloc
    try:
        status, _ = ask_http(url, dict(headers), timeout=8)
    except NoAnswer as answer:
        text = f"{host} cannot be reached: {answer}."
        if named:
            return f"{address}: {text} Mend it, or remove it to use the default address."
        warn(f"{key} is set, but {text} Runs that need it will fail until it can.")
        return None
    if status in (401, 403):
        return f"{key}: {host} rejected this key (HTTP {status}). Put a valid one in its place, or remove it."
    return None
