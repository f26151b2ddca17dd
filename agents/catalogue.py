"""The models a user can choose: branded names and what their tokens cost in credits. Who answers: llm/providers.py."""

from dataclasses import dataclass

# Micro-credits per token at multiplier 1; the proportions are those of Anthropic's price list (output 5 × input,
# cache read 0.1 ×, cache write 1.25 ×).
RATES = {"input": 4.0, "output": 20.0, "cache_read": 0.4, "cache_write": 5.0}


@dataclass(frozen=True)
class Model:
    """A branded model. `index` finds the real one with each provider; `window` in tokens."""

    name: str
    title: str
    blurb: str
    index: int
    multiplier: float
    window: int = 200_000

    def cost(self, usage: dict[str, int]) -> int:
        """Micro-credits for one call's tokens."""
        return round(self.multiplier * sum(rate * usage.get(kind, 0) for kind, rate in RATES.items()))


MODELS = {
    model.name: model
    for model in (
        Model("vibe-s", "Vibe-S", "Quick and light. Half the credits.", 0, 0.5),
        Model("vibe-m", "Vibe-M", "The all-rounder.", 1, 1.0),
        Model("vibe-l", "Vibe-L", "For the hard parts. Twice the credits.", 2, 2.0),
    )
}
DEFAULT_MODEL = "vibe-m"


def get(name: str) -> Model:
    """The model of that name; case does not matter, an unknown or empty name gives the default."""
    return MODELS.get(name.strip().lower(), MODELS[DEFAULT_MODEL])
