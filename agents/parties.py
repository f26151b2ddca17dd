"""Who answers for models and sandboxes, for the badges on every page. Nothing else depends on it."""

from django.conf import settings

from agents import catalogue
from agents.llm import providers


def llm_party() -> dict[str, object]:
    if settings.LLM_IS_DEMO:
        return {"name": "Demo model", "scripted": True, "text": "Demo model – scripted, not an AI"}
    try:
        party = providers.source(catalogue.MEDIUM).provider
    except providers.NoProvider:
        return {"name": "No model", "scripted": False, "text": "No model answers on this site"}
    return {"name": party.title, "scripted": False, "text": f"Models by {party.title} at {party.host}"}


def sandbox_party() -> dict[str, object]:
    if settings.SANDBOX_IS_EMBEDDED:
        return {"name": "Local sandbox", "embedded": True, "text": "Local sandbox – bubblewrap on this machine"}
    return {"name": "E2B", "embedded": False, "text": f"Sandboxes by E2B ({settings.E2B_DOMAIN or 'e2b.app'})"}
