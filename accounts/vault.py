"""Secrets at rest: AES-256-GCM, each bound to its owner and purpose, under a list of keys with the newest first.

A sealed text is `v1.<key id>.<nonce and ciphertext>` in URL-safe base64. A row copied to another owner does not open,
for the owner is part of what is authenticated. To rotate, put a new key in front, run
`bin/manage rotate_keys`, and drop the old one.
"""

import base64
import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

# NIST SP 800-38D: 96-bit nonces; random ones are safe for 2^32 secrets per key.
NONCE_BYTES = 12


class CannotOpen(Exception):
    """The secret was sealed under a key that is not in ENCRYPTION_KEY, for somebody else, or was altered."""


def seal(secret: str, bound_to: str) -> str:
    """The secret, sealed under the newest key; `bound_to` has to be given again to open it."""
    key = _keys()[0]
    nonce = os.urandom(NONCE_BYTES)
    sealed = nonce + AESGCM(key).encrypt(nonce, secret.encode(), bound_to.encode())
    return f"v1.{_name(key)}.{base64.urlsafe_b64encode(sealed).decode()}"


def unseal(text: str, bound_to: str) -> str:
    """Raises CannotOpen."""
    try:
        version, name, data = text.split(".")
        key = {_name(key): key for key in _keys()}[name]
        sealed = base64.urlsafe_b64decode(data)
        if version != "v1":
            raise ValueError(version)
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to.encode()).decode()
    except (ValueError, KeyError, InvalidTag) as error:
        raise CannotOpen("A stored key cannot be opened: was ENCRYPTION_KEY changed?") from error


def is_newest(text: str) -> bool:
    """Whether a sealed text is under the newest key."""
    return text.startswith(f"v1.{_name(_keys()[0])}.")


def _keys() -> list[bytes]:
    keys = [base64.urlsafe_b64decode(text) for text in settings.ENCRYPTION_KEYS]
    if not keys or any(len(key) != 32 for key in keys):
        raise CannotOpen("ENCRYPTION_KEY must be 32 bytes in URL-safe base64, or several, newest first.")
    return keys


def _name(key: bytes) -> str:
    return hashlib.sha256(b"name of " + key).hexdigest()[:8]
