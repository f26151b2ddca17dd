"""Signed events from outside, as Standard Webhooks has them (standardwebhooks.com, specification 1.0.0).

`webhook-id`, `webhook-timestamp` (seconds) and `webhook-signature`: `v1,` and the base64 of HMAC-SHA-256 over
`id.timestamp.body`, several with spaces. Senders that still say `svix-…` are understood.
"""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence

WINDOW_SECONDS = 300


class BadSignature(Exception):
    """The event is not from who may send any, was altered, or is too old. Never says which to the sender."""


def check(headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> tuple[str, int]:
    """The event's id and the time it was sent (seconds since 1970). Raises BadSignature."""
    key, stamp, signatures = (
        headers.get(f"webhook-{name}") or headers.get(f"svix-{name}") or "" for name in ("id", "timestamp", "signature")
    )
    if not (0 < len(key) <= 200 and key.isascii() and key.isprintable() and "." not in key):
        raise BadSignature("no id")
    if not (stamp.isdecimal() and len(stamp) <= 12 and abs(time.time() - int(stamp)) <= WINDOW_SECONDS):
        raise BadSignature("too old, or no time")
    given = [text.removeprefix("v1,") for text in signatures.split() if text.startswith("v1,")][:10]
    wanted = [sign(secret, key, stamp, body) for secret in secrets]
    if not any(hmac.compare_digest(one.encode(), two.encode()) for one in given for two in wanted):
        raise BadSignature("no signature fits")
    return key, int(stamp)


def sign(secret: str, key: str, stamp: str, body: bytes) -> str:
    """The signature without its `v1,`."""
    return base64.b64encode(hmac.digest(_bytes(secret), f"{key}.{stamp}.".encode() + body, hashlib.sha256)).decode()


def _bytes(secret: str) -> bytes:
    """`whsec_` is followed by base64; any other text is taken as it is."""
    if secret.startswith("whsec_"):
        try:
            return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            pass
    return secret.encode()
