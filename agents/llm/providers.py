"""Who can answer: each provider's protocol, address and key, from the environment or from the run's user.

The first provider with a key answers, unless MODEL_S, MODEL_M or MODEL_L name another. Which models: catalogue.py.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlsplit

from django.conf import settings

from agents import catalogue
from agents.catalogue import REAL, TIERS, Model, Real

Protocol = Literal["messages", "chat"]
# What is sent as the key to a server that asks for none; the SDK wants something.
NO_KEY = "none"


@dataclass(frozen=True)
class Provider:
    """Somebody who answers. One that cannot, for want of a key, has key ''."""

    name: str
    title: str
    protocol: Protocol
    key: str
    base_url: str

    @property
    def models(self) -> tuple[str, ...]:
        """The real names behind Vibe-S, Vibe-M and Vibe-L."""
        return tuple(REAL[self.name])

    @property
    def host(self) -> str:
        """Where it is, for everybody to read: an address may carry a password, and ways that are nobody's business."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def key_name(self) -> str:
        """The variable that holds the key."""
        return f"{'AI_GATEWAY' if self.name == 'gateway' else self.name.upper()}_API_KEY"


@dataclass(frozen=True)
class Source:
    """Where one branded model's answers come from. `own`: with the user's own key."""

    provider: Provider
    model: str
    tier: Model
    own: bool = False

    @property
    def name(self) -> str:
        """As MODEL_S, MODEL_M and MODEL_L have it, and the log."""
        return f"{self.provider.name}:{self.model}"

    @property
    def real(self) -> Real:
        return catalogue.real(self.provider.name, self.model)


class NoProvider(Exception):
    """No provider has a key. The text says what to set."""


def providers() -> dict[str, Provider]:
    """Every provider there is, in order of preference."""
    found = (
        Provider("anthropic", "Anthropic", "messages", settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_BASE_URL),
        Provider("openai", "OpenAI", "chat", _openai_key(), settings.OPENAI_BASE_URL),
        Provider(
            "gemini",
            "Google Gemini",
            "chat",
            settings.GEMINI_API_KEY,
            "https://generativelanguage.googleapis.com/v1beta/openai/",
        ),
        Provider("xai", "xAI", "chat", settings.XAI_API_KEY, "https://api.x.ai/v1"),
        Provider("openrouter", "OpenRouter", "chat", settings.OPENROUTER_API_KEY, "https://openrouter.ai/api/v1"),
        Provider("gateway", "AI gateway", "chat", settings.AI_GATEWAY_API_KEY, settings.AI_GATEWAY_BASE_URL),
    )
    return {provider.name: provider for provider in found}


def _openai_key() -> str:
    """Servers of one's own that speak the protocol (Ollama, llama.cpp, vLLM) ask for no key; OpenAI does."""
    is_theirs = (urlsplit(settings.OPENAI_BASE_URL).hostname or "").endswith("openai.com")
    return settings.OPENAI_API_KEY or ("" if is_theirs else NO_KEY)


def source(tier: Model, own: dict[str, str] | None = None) -> Source:
    """Who answers for a branded model. Raises NoProvider. `own`: as for `chain`."""
    return chain(tier, own)[0]


def chain(tier: Model, own: dict[str, str] | None = None) -> list[Source]:
    """Who answers for a branded model, and who does when that one fails: another provider if there is one, else the
    same provider's next smaller model (larger, for the smallest). Raises NoProvider.

    `own`: keys that the run's user brought, by provider; with one of those, only those answer.
    """
    if own:
        known = [replace(party, key=own[name]) for name, party in providers().items() if name in own]
        found = [Source(party, party.models[tier.index], tier, own=True) for party in known]
    else:
        found = _ours(tier)
    first = found[0]
    others = [other for other in found if other.provider.name != first.provider.name]
    second = others[0] if others else _sibling(first)
    return [first, second] if second else [first]


def _sibling(first: Source) -> Source | None:
    """The next model of the same provider; where the operator named the first, only one that they named, too."""
    tier = TIERS[first.tier.index - 1 if first.tier.index else 1]
    if not first.own:
        with suppress(NoProvider):
            if wished := _wished(tier):
                return wished if wished.name != first.name else None
    if first.model not in first.provider.models:
        return None
    return Source(first.provider, first.provider.models[tier.index], tier, first.own)


def _ours(tier: Model) -> list[Source]:
    """The operator's sources in order: the wished one, then every provider with a key."""
    wished = _wished(tier)
    found = [Source(party, party.models[tier.index], tier) for party in providers().values() if party.key]
    if not (wished or found):
        raise NoProvider("No model can answer: set ANTHROPIC_API_KEY, or another provider's key, in .env.")
    return [wished, *found] if wished else found


def _wished(tier: Model) -> Source | None:
    """What the operator named for this tier. Raises NoProvider when that cannot be."""
    if not (wish := settings.MODEL_CHOICES[tier.index]):
        return None
    name, _, model = wish.partition(":")
    provider = providers().get(name.strip().lower())
    if provider is None or not model or not provider.key:
        raise NoProvider(f"MODEL_{'SML'[tier.index]}={wish} must be PROVIDER:MODEL, with that provider's key set.")
    return Source(provider, model.strip(), tier)
