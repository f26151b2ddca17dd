"""What a shop sells, and addresses for stories, works and products. Pure."""

import re
import unicodedata
from typing import Any

from demo_model.brief import Brief, subjects


def slug(words: str, taken: set[str]) -> str:
    """A part of an address from a title, unique among `taken`, to which it is added."""
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:48].rstrip("-") or "item"
    made, number = base, 2
    while made in taken:
        made, number = f"{base}-{number}", number + 1
    taken.add(made)
    return made


def addressed(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items, each with a `slug` from its title."""
    taken: set[str] = set()
    return [{"slug": slug(item["title"], taken)} | item for item in items]


def shop(brief: Brief) -> dict[str, Any]:
    """Headline, title of the shelf, options and products of a shop; a subject without goods sells what it offers."""
    own: dict[str, Any] | None = brief.copy["shop"]
    if own:
        return own | {"products": addressed(own["products"])}
    plain = subjects()["anything"]["shop"]
    kinds = brief.copy["metrics"]["parts"]
    offers = [
        {
            "title": offer["title"],
            "kind": kinds[at % len(kinds)],
            "price": _price(offer["price"]),
            "text": offer["text"],
        }
        for at, offer in enumerate(brief.copy["offers"])
    ]
    words = {"headline": brief.copy["headline"], "title": brief.copy["offersTitle"], "options": plain["options"]}
    return words | {"products": addressed(offers)}


def _price(words: str) -> float:
    """The number in "from £1,150"; what has none costs 25."""
    found = re.search(r"\d[\d,]*(?:\.\d+)?", words)
    value = float(found.group().replace(",", "")) if found else 25.0
    return int(value) if value.is_integer() else value
