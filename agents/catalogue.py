"""The models: branded names that a user chooses, what their tokens cost in credits, and the real ones behind them.

Who answers, at which address and with whose key: llm/providers.py.
"""

from dataclasses import dataclass, field

# Micro-credits per token at multiplier 1; the proportions are those of Anthropic's price list (output 5 × input,
# cache read 0.1 ×, cache write 1.25 ×).
RATES = {"input": 4.0, "output": 20.0, "cache_read": 0.4, "cache_write": 5.0}


@dataclass(frozen=True)
class Price:
    """USD per million tokens. A call whose prompt is longer than `long` tokens costs `times` as much for the prompt and
    `times_output` for the answer, all of it.
    """

    input: float
    output: float
    cache_read: float
    cache_write: float = 0.0
    long: int = 0
    times: float = 1.0
    times_output: float = 1.0

    def usd(self, usage: dict[str, int]) -> float:
        """What the provider asks for one call's tokens."""
        prompt = {kind: usage.get(kind, 0) for kind in ("input", "cache_read", "cache_write")}
        is_long = bool(self.long) and sum(prompt.values()) > self.long
        rates = {"input": self.input, "cache_read": self.cache_read, "cache_write": self.cache_write}
        asked = sum(rates[kind] * tokens for kind, tokens in prompt.items()) * (self.times if is_long else 1)
        said = self.output * usage.get("output", 0) * (self.times_output if is_long else 1)
        return (asked + said) / 1_000_000


@dataclass(frozen=True)
class Real:
    """A provider's model: its window in tokens, its price, whether it takes a reasoning effort."""

    window: int
    price: Price | None = None
    thinks: bool = False


_HAIKU = Real(1_000_000, Price(0.1, 0.5, 0.01, 0.125, 100_000, 5, 5))
_SONNET = Real(1_000_000, Price(2, 10, 0.1, 2.5), thinks=True)
_OPUS = Real(1_000_000, Price(4, 20, 0.2, 5), thinks=True)
# By provider and the provider's own name. Source of windows and prices: the package genai-prices 0.2.3 (the providers'
# price lists of October 2026); tests/agents/test_models.py compares them.
REAL = {
    "anthropic": {"claude-haiku-5-5": _HAIKU, "claude-sonnet-5-5": _SONNET, "claude-opus-5-5": _OPUS},
    "openai": {
        "gpt-6-luna": Real(1_050_000, Price(0.1, 0.5, 0.01, 0.125, 272_000, 2, 1.5), thinks=True),
        "gpt-6.1-terra": Real(1_050_000, Price(1, 5, 0.05, 1.25, 272_000, 2, 1.5), thinks=True),
        "gpt-6.1-sol": Real(1_050_000, Price(2, 10, 0.1, 2.5, 272_000, 2, 1.5), thinks=True),
    },
    "gemini": {
        "gemini-3.5-flash-lite": Real(1_000_000, Price(0.3, 2.5, 0.03), thinks=True),
        "gemini-3.8-flash": Real(1_000_000, Price(0.75, 3.75, 0.075), thinks=True),
        "gemini-4-argon": Real(1_048_576, Price(2, 10, 0.1), thinks=True),
    },
    "xai": {
        "grok-4-1-fast-reasoning": Real(2_000_000, Price(0.2, 0.5, 0.05)),
        "grok-4.3": Real(1_000_000, Price(1.25, 2.5, 0.2, 0, 199_999, 2, 2)),
        "grok-4.7": Real(500_000, Price(2, 6, 0.5, 0, 199_999, 2, 2), thinks=True),
    },
    "openrouter": {
        "anthropic/claude-haiku-5.5": _HAIKU,
        "anthropic/claude-sonnet-5.5": _SONNET,
        "anthropic/claude-opus-5.5": _OPUS,
    },
    "gateway": {
        "anthropic/claude-haiku-5.5": _HAIKU,
        "anthropic/claude-sonnet-5.5": _SONNET,
        "anthropic/claude-opus-5.5": _OPUS,
    },
}
# What is assumed of a model that an operator named and this table does not know.
UNKNOWN = Real(128_000)


def real(provider: str, name: str) -> Real:
    """What is known of a provider's model."""
    return REAL.get(provider, {}).get(name, UNKNOWN)


@dataclass(frozen=True)
class Model:
    """A branded model. `index` finds the real one with each provider (0, 1, 2: small to large); `effort` is how hard it
    is asked to think, where the real one takes that.
    """

    name: str
    title: str
    blurb: str
    index: int
    multiplier: float
    effort: str = ""
    is_auto: bool = field(default=False, kw_only=True)

    def cost(self, usage: dict[str, int]) -> int:
        """Micro-credits for one call's tokens."""
        return round(self.multiplier * sum(rate * usage.get(kind, 0) for kind, rate in RATES.items()))


SMALL = Model("vibe-s", "Vibe-S", "Quick and light. Half the credits.", 0, 0.5)
MEDIUM = Model("vibe-m", "Vibe-M", "The all-rounder.", 1, 1.0, "medium")
LARGE = Model("vibe-l", "Vibe-L", "For the hard parts. Twice the credits.", 2, 2.0, "high")
AUTO = Model("auto", "Auto", "Picks S, M or L for each message; costs what was picked.", 1, 1.0, is_auto=True)
# The three that work, small to large; and all that may be chosen.
TIERS = (SMALL, MEDIUM, LARGE)
MODELS = {model.name: model for model in (AUTO, *TIERS)}
DEFAULT_MODEL = AUTO.name

# A request this long (characters) is a specification, not a wish.
LONG_REQUEST = 3_000
# A change this short is a small one.
SHORT_REQUEST = 160


def get(name: str) -> Model:
    """The model of that name; case does not matter, an unknown or empty name gives auto."""
    return MODELS.get(name.strip().lower(), AUTO)


def pick(name: str, text: str, *, question: bool, follow_up: bool, failed: bool) -> Model:
    """The model that works on a message. What was chosen; for auto the first of these that fits:

    after a run that failed, or for a long specification: Vibe-L; a question or a short change to an app that stands:
    Vibe-S; everything else: Vibe-M.
    """
    model = get(name)
    if not model.is_auto:
        return model
    if not question and (failed or len(text) >= LONG_REQUEST):
        return LARGE
    if question or (follow_up and len(text) <= SHORT_REQUEST):
        return SMALL
    return MEDIUM
