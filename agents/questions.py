"""Does a text ask something, or does it order something? By its words; a wrong guess costs one click."""

import re

_WORDS = 600
# "Can you …", "could we …" are orders said politely; "how do I …" is a question.
_ASKS = re.compile(
    r"^\W*(what|which|why|where|when|who|whose|how|is|are|was|were|does|do|did|has|have|explain|tell me|describe"
    r"|show me (how|why|where)|what's|where's|how's|any idea|do you know|i wonder|help me understand)\b",
    re.IGNORECASE,
)
_ORDERS = re.compile(
    r"\b(add|build|change|create|delete|fix|implement|improve|increase|insert|make|move|redesign|refactor|remove|rename"
    r"|replace|reduce|rewrite|set|style|translate|update|use|write|put|turn|convert|connect|integrate|install)\b",
    re.IGNORECASE,
)
_POLITE = re.compile(r"^\W*(please|can|could|would|will) (you|we)\b", re.IGNORECASE)
# "What if you made …", "how about adding …" are proposals; "why don't you …" as well.
_PROPOSES = re.compile(r"^\W*(what if|how about|what about|why don'?t (you|we)|why not)\b", re.IGNORECASE)
# "How do I add a page?" asks, although it has an order's verb.
_ABOUT = re.compile(r"^\W*(how|why|where|what|which|when|who|is|are|does|do|did|has|explain|describe)\b", re.IGNORECASE)


def looks_like_question(text: str) -> bool:
    """Whether an answer, rather than a change, is what the person wants."""
    text = text.strip()[:4_000]
    if not text or len(text.split()) > _WORDS or _POLITE.match(text) or _PROPOSES.match(text):
        return False
    sentences = [part for part in re.split(r"(?<=[.!?])\s+|\n+", text) if part.strip()]
    asking = [part for part in sentences if _ASKS.match(part)]
    if len(asking) < len(sentences):  # something else stands beside the question: an order, if a verb says so
        rest = " ".join(part for part in sentences if part not in asking)
        if _ORDERS.search(rest):
            return False
    return bool(asking) and (text.endswith("?") or bool(_ABOUT.match(text)) or len(asking) == len(sentences))


def fitting_mode(text: str) -> str:
    """ "ask" for a question, else "build"."""
    return "ask" if looks_like_question(text) else "build"
