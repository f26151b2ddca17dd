"""The environment's values: read from `.env`, the real environment and the generated secrets, and checked by name."""

import base64
import binascii
import difflib
import os
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from launcher.problem import Problem

KNOWN = frozenset(
    """
    FREE_DAILY_CREDITS FREE_MONTHLY_CREDITS PRO_MONTHLY_CREDITS PRO_PRICE TEAM_MONTHLY_CREDITS TEAM_PRICE
    REFUNDS_PER_DAY GITHUB_CLIENT_ID GITHUB_CLIENT_SECRET GOOGLE_CLIENT_ID GOOGLE_CLIENT_SECRET WEBHOOK_SECRETS
    TRUSTED_PROXIES SIGN_INS_PER_MINUTE SIGN_IN_TRIES ADMIN_PATH ADMIN_MFA STRIPE_SECRET_KEY
    STRIPE_WEBHOOK_SECRET STRIPE_API_BASE STRIPE_PRICE_PRO STRIPE_PRICE_TEAM STRIPE_PRICE_TOPUP TOPUP_CREDITS
    TOPUP_PRICE DATABASE_POOLED LOG_FORMAT SENTRY_ENVIRONMENT SENTRY_TRACES GITHUB_ARCHIVES_BASE_URL
    GITHUB_API_BASE_URL FIGMA_API_BASE_URL FIGMA_IMAGES_BASE_URL
    DATABASE_URL DATABASE_POOL REDIS_URL ANTHROPIC_API_KEY ANTHROPIC_BASE_URL OPENAI_API_KEY OPENAI_BASE_URL
    GEMINI_API_KEY XAI_API_KEY OPENROUTER_API_KEY AI_GATEWAY_API_KEY AI_GATEWAY_BASE_URL MODEL_S MODEL_M MODEL_L
    E2B_API_KEY E2B_DOMAIN
    E2B_API_URL E2B_SANDBOX_URL ENCRYPTION_KEY SECRET_KEY DEBUG ALLOWED_HOSTS CSRF_TRUSTED_ORIGINS PREVIEW_DOMAIN
    SITES_DOMAIN
    PREVIEW_ORIGINS HTTPS SENTRY_DSN EMAIL_URL EMAIL_VERIFICATION DEFAULT_FROM_EMAIL WORKER_CONCURRENCY VIBE_HOME
    WEB_PROCESSES
    LOG_LEVEL SIGNUP_CREDITS FLOWER_PASSWORD LEASE_SECONDS HEARTBEAT_SECONDS RUN_MAX_TURNS RUN_MAX_SECONDS
    DEFAULT_FRAMEWORK RUN_MAX_TOKENS
    RUNS_PER_USER MODEL_CALL_SECONDS MODEL_FIRST_SECONDS MODEL_STALL_SECONDS SANDBOX_TIMEOUT_SECONDS
    SANDBOX_IDLE_SECONDS API_READS_PER_MINUTE API_WRITES_PER_MINUTE METRICS_TOKEN CHROMIUM CHROMIUM_SANDBOX MAINTENANCE
    MCP_LOCAL OWN_KEYS_ELSEWHERE
    """.split()
)
MODEL_KEYS = (
    "ANTHROPIC_API_KEY",
    "OPENAI_API_KEY",
    "GEMINI_API_KEY",
    "XAI_API_KEY",
    "OPENROUTER_API_KEY",
    "AI_GATEWAY_API_KEY",
)
NUMBERS = tuple(
    "_SECONDS _TURNS _CREDITS _CONCURRENCY _POOL _MINUTE _TOKENS _TRIES _PROXIES _DAY _USER _PROCESSES".split()
)
MAY_BE_ZERO = ("_CREDITS", "_PROXIES", "_DAY")
# A switch that is neither would count as off, whatever was meant.
SWITCHES = ("DEBUG", "HTTPS", "CHROMIUM_SANDBOX", "MAINTENANCE", "ADMIN_MFA", "DATABASE_POOLED", "OWN_KEYS_ELSEWHERE")
YES, NO = ("true", "1", "yes", "on"), ("false", "0", "no", "off")
CHOICES = {
    "EMAIL_VERIFICATION": ("none", "optional", "mandatory"),
    "LOG_FORMAT": ("line", "json"),
    "LOG_LEVEL": ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
    "DEFAULT_FRAMEWORK": ("nextjs", "react", "vue", "svelte", "angular", "html"),
}
MAIL_SCHEMES = ("smtp", "smtps", "smtp+tls", "smtp+ssl", "submission", "consolemail", "filemail", "dummymail")
# As a shell has it, a comment begins only after white space: `a#b`, `#3` and an address with a fragment are values.
_LINE = re.compile(
    r"""^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*
    (?:"([^"]*)"|'([^']*)'|((?:(?<!\s)\#|[^\s#"']).*?)|)(?:(?<=\s)\#.*|\s+\#.*)?$""",
    re.VERBOSE,
)


def read_values(dotenv: Path, environ: Mapping[str, str], warn: Callable[[str], None]) -> dict[str, str]:
    """`.env` under the real environment, which wins; empty means unset. Raises Problem naming a bad line."""
    values = read_dotenv(dotenv) if dotenv.is_file() else {}
    for name in sorted(values.keys() - KNOWN):
        near = difflib.get_close_matches(name, KNOWN, n=1, cutoff=0.8)
        if near:
            warn(f"{name} in .env is not a setting of Vibe. Was {near[0]} meant?")
    merged = {**values, **environ}
    return {name: value for name, value in merged.items() if value or name not in KNOWN}


def read_dotenv(path: Path) -> dict[str, str]:
    """NAME=value lines; quotes, `export` and comments as a shell has them."""
    values = {}
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"{path} cannot be read: {error}. Mend it, or remove it to use the defaults.") from error
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.match(line.strip())
        if not match:
            raise Problem(f"{path} line {number} is not NAME=value. Mend or remove that line.")
        values[match[1]] = next((group for group in match.groups()[1:] if group is not None), "")
    return values


def read_secrets(path: Path) -> dict[str, str]:
    """The secrets of this installation, made on first use, readable by their owner only."""
    kept = read_dotenv(path) if path.is_file() else {}
    made: dict[str, Callable[[], str]] = {
        "SECRET_KEY": lambda: secrets.token_urlsafe(48),
        "ENCRYPTION_KEY": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "E2B_API_KEY": lambda: "e2b_" + secrets.token_hex(20),
        "FLOWER_PASSWORD": lambda: secrets.token_urlsafe(12),
    }
    values = {name: kept.get(name) or make() for name, make in made.items()}
    if values != kept:
        temporary = path.with_suffix(".new")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(
                "# Made on the first start. ENCRYPTION_KEY opens stored provider keys: keep it with the database.\n"
            )
            file.writelines(f"{name}={value}\n" for name, value in values.items())
        temporary.rename(path)
    return values


def asks_for_no_key(values: Mapping[str, str]) -> bool:
    """Whether OPENAI_BASE_URL leads to a server of one's own, such as Ollama, which needs no key."""
    host = urlsplit(values.get("OPENAI_BASE_URL", "")).hostname or ""
    return bool(host) and not host.endswith("openai.com")


def check_values(values: Mapping[str, str]) -> list[str]:
    """Everything wrong with the values that can be told without asking anyone, a sentence each, by variable name."""
    checks: list[str | None] = [
        _scheme(values, "DATABASE_URL", ("postgres", "postgresql", "psql"), "embedded PostgreSQL"),
        _scheme(values, "REDIS_URL", ("redis", "rediss", "unix"), "embedded Valkey"),
        *(
            _scheme(values, name, ("http", "https"), "default address")
            for name in KNOWN
            if name.endswith(("_BASE_URL", "_API_URL"))
        ),
        _scheme(values, "E2B_SANDBOX_URL", ("http", "https"), "default address"),
        _scheme(values, "EMAIL_URL", MAIL_SCHEMES, "log of the web process"),
        _scheme(values, "SENTRY_DSN", ("http", "https"), "nothing"),
        _encryption_key(values.get("ENCRYPTION_KEY")),
        *(_number(values, name) for name in KNOWN if name.endswith(NUMBERS)),
        *(_boolean(values, name) for name in SWITCHES),
        *(_choice(values, name, choices) for name, choices in CHOICES.items()),
    ]
    if len(values.get("SECRET_KEY", "x" * 32)) < 32:
        checks.append(
            "SECRET_KEY is shorter than 32 characters. Use a long random value, or remove it: one is generated."
        )
    checks += [
        f"{name} holds an address. It is a name with an optional port, such as {example}.example.com."
        for name, example in (("PREVIEW_DOMAIN", "preview"), ("SITES_DOMAIN", "sites"))
        if "://" in values.get(name, "")
    ]
    if values.get("ANTHROPIC_BASE_URL") and not values.get("ANTHROPIC_API_KEY"):
        checks.append(
            "ANTHROPIC_BASE_URL is set, but ANTHROPIC_API_KEY is not. Set it (any text, if that server asks for none)."
        )
    checks += [
        f"{name} is set, but E2B_API_KEY is not. Set it, or remove {name} to use the embedded sandbox host."
        for name in ("E2B_API_URL", "E2B_SANDBOX_URL", "E2B_DOMAIN")
        if values.get(name) and not values.get("E2B_API_KEY")
    ]
    return [check for check in checks if check]


def _scheme(values: Mapping[str, str], name: str, schemes: tuple[str, ...], otherwise: str) -> str | None:
    if not (value := values.get(name)):
        return None
    found = urlsplit(value).scheme
    if found in schemes:
        return None
    wanted = " or ".join(f"{scheme}://" for scheme in schemes)
    begins = f"begins with {found}://" if found else "has no scheme"
    return f"{name} {begins}; it must begin with {wanted}. Mend it, or remove it to use the {otherwise}."


def _encryption_key(value: str | None) -> str | None:
    for number, key in enumerate((value or "").split(",") if value else (), 1):
        try:
            good = len(base64.b64decode(key.strip(), altchars=b"-_", validate=True)) == 32
        except (binascii.Error, ValueError):
            good = False
        if not good:
            return (
                f"ENCRYPTION_KEY: key {number} is not 32 bytes in URL-safe base64. Mend it, or remove ENCRYPTION_KEY: "
                f"one is generated. (A lost key makes the stored provider keys unreadable.)"
            )
    return None


def _number(values: Mapping[str, str], name: str) -> str | None:
    value = values.get(name)
    least = 0 if name.endswith(MAY_BE_ZERO) else 1
    if value is None or (value.isdecimal() and int(value) >= least):
        return None
    return f"{name} is {value!r}; it must be a whole number from {least}. Mend it, or remove it to use the default."


def _boolean(values: Mapping[str, str], name: str) -> str | None:
    value = values.get(name)
    if value is None or value.lower() in YES + NO:
        return None
    return f"{name} is {value!r}; it must be true or false."


def _choice(values: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str | None:
    value = values.get(name)
    if value is None or value in choices:
        return None
    return f"{name} is {value!r}; it must be one of {', '.join(choices)}. Mend it, or remove it to use the default."
