"""Read `[[demo:…]]` directives from a prompt and remember how often each has struck."""

import hashlib
import json
import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

# [[demo:NAME]] · [[demo:NAMExTIMES]] · [[demo:NAME@TURN]] · [[demo:NAME=value]]
PATTERN = re.compile(r"\[\[demo:([a-z-]+|\d{3})(?:x(\d{1,4}))?(?:@(\d{1,3}))?(?:=(.*?))?\]\]", re.DOTALL)
STATUSES = ("400", "401", "429", "500", "529")
# What does not go away by asking again: errors that a provider answers with for a while, and slowness.
LASTING = (*STATUSES, "slow")
ALWAYS = 10**6
MAX_ENTRIES = 1024


@dataclass(frozen=True)
class Directive:
    """One directive: its name, how often it strikes, at which turn of the request, and its value."""

    name: str
    times: int
    turn: int = 0
    value: str = ""

    def number(self, default: float) -> float:
        """The value as a number; `default` when it is none."""
        try:
            return float(self.value)
        except ValueError:
            return default


def parse(prompt: str) -> list[Directive]:
    """The directives of a prompt in order. HTTP errors and slowness strike always, the rest once, unless counted."""
    found = []
    for name, times, turn, value in PATTERN.findall(prompt):
        usual = ALWAYS if name in LASTING else 1
        found.append(Directive(name, int(times) if times else usual, int(turn or 0), value))
    return found


def strip(prompt: str) -> str:
    """The prompt without its directives."""
    return PATTERN.sub("", prompt).strip()


class Memory:
    """How often a directive struck at one position of one conversation. Bounded; forgets when it has struck enough."""

    def __init__(self) -> None:
        self._struck: OrderedDict[str, int] = OrderedDict()

    def strikes(self, directive: Directive, position: list[Any]) -> bool:
        """Whether the directive strikes this call; the call that gets through clears the count."""
        place = json.dumps([directive.name, *position], default=str)
        key = hashlib.sha256(place.encode("utf-8", "replace")).hexdigest()
        struck = self._struck.pop(key, 0)
        if struck >= directive.times:
            return False
        self._struck[key] = struck + 1
        while len(self._struck) > MAX_ENTRIES:
            self._struck.popitem(last=False)
        return True
