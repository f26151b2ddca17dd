"""Who answers for models and sandboxes, for the badges on every page. Nothing else depends on it."""

from urllib.parse import urlsplit

from django.conf import settings


def llm_party() -> dict[str, object]:
    if settings.LLM_IS_DEMO:
        return {"name": "Demo model", "scripted": True, "text": "Demo model – scripted, not an AI"}
    host = urlsplit(settings.ANTHROPIC_BASE_URL).netloc
    return {"name": host, "scripted": False, "text": f"Models answer at {host}"}


def sandbox_party() -> dict[str, object]:
    if settings.SANDBOX_IS_EMBEDDED:
        return {"name": "Local sandbox", "embedded": True, "text": "Local sandbox – bubblewrap on this machine"}
    return {"name": "E2B", "embedded": False, "text": f"Sandboxes by E2B ({settings.E2B_DOMAIN or 'e2b.app'})"}
