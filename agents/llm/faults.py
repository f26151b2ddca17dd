"""What went wrong with a model call, in our words. The two SDKs' errors are of one family, so one table serves both."""

import logging
import re
import time
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any

from accounts.keyshapes import MASK
from agents.llm import Call, ModelBusy, ModelError, ModelRefused
from agents.llm.providers import NO_KEY

log = logging.getLogger(__name__)
# Status codes below 500 after which the same request may succeed (RFC 9110). Of those above, all may.
TRANSIENT = {408, 429}
# What providers say when a conversation does not fit into a model's window (Anthropic, OpenAI; llama.cpp, xAI, Gemini,
# Bedrock), and what those call it that have a name for it.
TOO_LONG = re.compile(
    r"prompt is too long|context.{0,20}(length|window|limit)|maximum context|too many tokens"
    r"|available context size|maximum prompt length|input token.{0,40}exceeds the maximum|\binput is too long\b",
    re.IGNORECASE,
)
TOO_LONG_NAMES = ("context_length_exceeded", "exceed_context_size_error")
# Characters of a provider's own words that are shown.
MOST_SAID = 1_000
# What is said, and what to do next, in place of what names addresses and settings of the site.
TELL = "Tell whoever runs this site, or use a key of your own in Settings."
PLAIN = {
    "model_key_refused": ("The site's key for the model was refused.", TELL),
    "model_unreachable": ("The model cannot be reached.", f"Try again in a minute. {TELL}"),
    "model_no_stream": ("What answers this site's model calls is no model.", TELL),
    "model_missing": ("No model answers on this site.", TELL),
}
# The HTTP libraries below the SDKs; their own errors pass through unwrapped when a stream breaks.
BELOW = {"httpx", "httpx2", "httpcore", "httpcore2", "h11"}


def is_broken_stream(error: Exception) -> bool:
    """Whether an error that is none of the SDK's means that the connection broke."""
    return isinstance(error, (OSError, EOFError)) or type(error).__module__.split(".")[0] in BELOW


def keep_private(error: ModelError, who: str) -> None:
    """Takes out of an error what only those who run the site may read and can mend, and logs it. `who`: whose it is."""
    if error.code in PLAIN:
        log.warning("%s: %s %s", who, error.detail, error.next)
        error.detail, error.next = PLAIN[error.code]


def explain(error: Any, call: Call) -> ModelBusy | ModelRefused:
    """An SDK's APIError as ours, with what to do next."""
    kind, said = type(error).__name__, _without_key(_said(error), call)
    if kind == "APITimeoutError":
        return ModelBusy("model_timeout", f"{call.model} did not answer in time.")
    if kind == "APIConnectionError":
        what_next = "Check the network and the provider's address (ANTHROPIC_BASE_URL, OPENAI_BASE_URL) in .env."
        return ModelBusy("model_unreachable", f"{call.model} cannot be reached at {call.base_url}.", what_next)
    status = getattr(error, "status_code", None)
    if status is None:
        return ModelBusy("model_stream_broken", f"The model's answer broke off: {said}")
    if _is_named_too_long(_inner(error)):  # whatever the status: llama.cpp's was 500
        return _too_long(call)
    if status in TRANSIENT or status >= 500:
        code = "model_rate_limited" if status == 429 else "model_overloaded"
        return ModelBusy(code, f"The model answered {status}: {said}", retry_after=_retry_after(error))
    if status in (401, 403):
        what_next = f"Check {call.key_name}, then try again."
        return ModelRefused("model_key_refused", f"The key for {call.base_url} was refused.", what_next)
    if status == 404:
        return ModelRefused("model_unknown", f"There is no model named {call.model}.", "Choose another model.")
    if status == 413 or TOO_LONG.search(said):
        return _too_long(call)
    return ModelRefused("model_refused", f"The model refused the request ({status}): {said}")


def broke_off(error: Any, call: Call) -> ModelBusy | ModelRefused:
    """An error inside a stream that began well, as the provider said it: {type, message} or words."""
    if _is_named_too_long(error):
        return _too_long(call)
    return ModelBusy("model_overloaded", f"The model broke off its answer: {_without_key(_words(error), call)}")


def _too_long(call: Call) -> ModelRefused:
    text = f"The conversation is longer than what {call.model} can read."
    return ModelRefused("model_context", text, "Start a new project from this one, or choose another model.")


def _is_named_too_long(error: Any) -> bool:
    return isinstance(error, dict) and any(error.get(field) in TOO_LONG_NAMES for field in ("code", "type"))


def _inner(error: Any) -> Any:
    """What the provider's answer says of an SDK's error: {type, message, …}, words, or None."""
    body = getattr(error, "body", None)
    return body.get("error", body) if isinstance(body, dict) else None


def _said(error: Any) -> str:
    """The provider's own words where its answer has them; the SDK's message is the whole answer, for a programmer."""
    return _words(_inner(error), str(error.message))


def _words(error: Any, default: str = "") -> str:
    words = error.get("message") if isinstance(error, dict) else error
    said = words if isinstance(words, str) and words.strip() else default or str(error)
    return said.strip()


def _without_key(said: str, call: Call) -> str:
    """What a provider says, cut, and without the key that it may repeat: pages and the log show it."""
    masked = said if call.api_key in ("", NO_KEY) else said.replace(call.api_key, MASK)
    return masked[:MOST_SAID]


def _retry_after(error: Any) -> float | None:
    """Seconds, from the header's number or date (RFC 9110, 10.2.3)."""
    value = error.response.headers.get("retry-after", "")
    with suppress(ValueError):
        return max(0.0, float(value))
    with suppress(ValueError):
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    return None
