"""Who can answer: each provider's protocol, address and key (from the environment), and which of its models stands
behind a branded name. The first provider with a key answers, unless MODEL_S, MODEL_M or MODEL_L name another.
"""

from dataclasses import dataclass, replace
from typing import Literal

from django.conf import settings

Protocol = Literal["messages", "chat"]


@dataclass(frozen=True)
class Provider:
    """`models`: the real names behind Vibe-S, Vibe-M and Vibe-L."""

    name: str
    title: str
    protocol: Protocol
    key: str
    base_url: str
    models: tuple[str, str, str]

    @property
    def key_name(self) -> str:
        """The variable that holds the key."""
        return f"{'AI_GATEWAY' if self.name == 'gateway' else self.name.upper()}_API_KEY"


@dataclass(frozen=True)
class Source:
    """Where one branded model's answers come from."""

    provider: Provider
    model: str
    own: bool = False


class NoProvider(Exception):
    """No provider has a key. The text says what to set."""


CLAUDE = ("anthropic/claude-haiku-5.5", "anthropic/claude-sonnet-5.5", "anthropic/claude-opus-5.5")


def providers() -> dict[str, Provider]:
    """Every provider there is, in order of preference; one without a key has key ''."""
    found = (
        Provider(
            "anthropic",
            "Anthropic",
            "messages",
            settings.ANTHROPIC_API_KEY,
            settings.ANTHROPIC_BASE_URL,
            ("claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5"),
        ),
        Provider(
            "openai",
            "OpenAI",
            "chat",
            settings.OPENAI_API_KEY,
            settings.OPENAI_BASE_URL,
            ("gpt-6-luna", "gpt-6.1-terra", "gpt-6.1-sol"),
        ),
        Provider(
            "gemini",
            "Google Gemini",
            "chat",
            settings.GEMINI_API_KEY,
            "https://generativelanguage.googleapis.com/v1beta/openai/",
            ("gemini-3.5-flash-lite", "gemini-3.8-flash", "gemini-4-argon"),
        ),
        Provider(
            "xai",
            "xAI",
            "chat",
            settings.XAI_API_KEY,
            "https://api.x.ai/v1",
            ("grok-4-1-fast-reasoning", "grok-4.3", "grok-4.7"),
        ),
        Provider(
            "openrouter",
            "OpenRouter",
            "chat",
            settings.OPENROUTER_API_KEY,
            "https://openrouter.ai/api/v1",
            CLAUDE,
        ),
        Provider("gateway", "AI gateway", "chat", settings.AI_GATEWAY_API_KEY, settings.AI_GATEWAY_BASE_URL, CLAUDE),
    )
    return {provider.name: provider for provider in found}


def source(index: int, own: dict[str, str] | None = None) -> Source:
    """Who answers for Vibe-S (0), Vibe-M (1) or Vibe-L (2). Raises NoProvider.

    `own`: keys that the run's user brought, by provider; with one of those, that provider answers.
    """
    known, wish = providers(), settings.MODEL_CHOICES[index]
    for name, party in known.items():
        if own and name in own:
            return Source(replace(party, key=own[name]), party.models[index], own=True)
    if wish:
        name, _, model = wish.partition(":")
        provider = known.get(name.strip().lower())
        if provider is None or not model or not provider.key:
            raise NoProvider(f"MODEL_{'SML'[index]}={wish} must be PROVIDER:MODEL, with that provider's key set.")
        return Source(provider, model)
    for provider in known.values():
        if provider.key:
            return Source(provider, provider.models[index])
    raise NoProvider("No model can answer: set ANTHROPIC_API_KEY, or another provider's key, in .env.")
