"""Colours: OKLCH to sRGB and back, contrast, and a whole light and dark theme from one hue. Pure.

Formulas: Björn Ottosson, "A perceptual color space for image processing" (2020); contrast: WCAG 2.2.
"""

import math
import re
from dataclasses import dataclass, replace
from functools import lru_cache

AA_TEXT = 4.5
AA_GRAPHIC = 3.0
# word → (hue in degrees, chroma)
WORDS: dict[str, tuple[float, float]] = {
    "red": (27, 0.19), "crimson": (18, 0.19), "burgundy": (15, 0.13), "coral": (33, 0.17), "orange": (52, 0.16),
    "terracotta": (42, 0.12), "brown": (55, 0.075), "amber": (75, 0.14), "gold": (85, 0.12), "yellow": (95, 0.14),
    "olive": (112, 0.09), "lime": (128, 0.17), "green": (150, 0.13), "forest": (152, 0.09), "sage": (150, 0.05),
    "emerald": (162, 0.13), "mint": (168, 0.09), "teal": (188, 0.1), "turquoise": (195, 0.11), "cyan": (212, 0.12),
    "sky": (232, 0.13), "ocean": (235, 0.11), "blue": (258, 0.18), "navy": (262, 0.12), "cobalt": (264, 0.2),
    "indigo": (277, 0.19), "violet": (293, 0.2), "purple": (303, 0.19), "lavender": (297, 0.1), "plum": (322, 0.12),
    "magenta": (330, 0.21), "fuchsia": (325, 0.22), "pink": (354, 0.18), "rose": (10, 0.17), "warm": (45, 0.13),
    "earthy": (60, 0.08), "autumn": (48, 0.13), "sunset": (38, 0.16), "cool": (240, 0.11), "cold": (240, 0.11),
    "pastel": (340, 0.08), "black": (260, 0.0), "grey": (260, 0.0), "gray": (260, 0.0), "monochrome": (260, 0.0),
    "neon": (145, 0.22), "slate": (255, 0.03),
}  # fmt: skip
DEEP = {"navy": 0.37, "forest": 0.42, "burgundy": 0.4, "plum": 0.42, "brown": 0.45, "black": 0.24, "monochrome": 0.3}
# Ornaments: four neighbours of the accent as (light, dark, share of its chroma, turn of its hue).
ART = ((0.905, 0.31, 0.42, 6), (0.82, 0.4, 0.66, 30), (0.73, 0.49, 0.7, -16), (0.63, 0.58, 0.8, 14))
HEX = re.compile(r"#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b")


@dataclass(frozen=True)
class Tone:
    """What a theme is made from. `exact` is a colour asked for by its hex value, used as it is in the light theme."""

    hue: float
    chroma: float
    neutral: float = 0.006
    exact: str = ""
    depth: float = 0.55  # the lightness its accent starts from in the light theme


def to_hex(lightness: float, chroma: float, hue: float) -> str:
    """OKLCH (0–1, 0–0.4, degrees) as #rrggbb; chroma is lowered until sRGB has the colour."""
    while chroma > 0.002 and not _in_gamut(_linear(lightness, chroma, hue)):
        chroma -= 0.002
    return "#" + "".join(f"{round(_encode(channel) * 255):02x}" for channel in _linear(lightness, chroma, hue))


def _in_gamut(channels: tuple[float, float, float]) -> bool:
    return all(-0.0005 <= channel <= 1.0005 for channel in channels)


def _linear(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _encode(channel: float) -> float:
    channel = min(1.0, max(0.0, channel))
    return 12.92 * channel if channel <= 0.0031308 else 1.055 * channel ** (1 / 2.4) - 0.055


def _decode(hexed: str) -> tuple[float, float, float]:
    digits = hexed.lstrip("#")
    digits = "".join(d * 2 for d in digits) if len(digits) == 3 else digits
    values = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return red, green, blue


def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio of two hex colours, 1 to 21."""
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(hexed: str) -> float:
    red, green, blue = _decode(hexed)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def from_hex(hexed: str) -> Tone:
    """The tone of a hex colour."""
    red, green, blue = _decode(hexed)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return Tone(math.degrees(math.atan2(b, a)) % 360, math.hypot(a, b), exact=hexed.lower())


def asked_for(words: str) -> Tone | None:
    """The tone that a text names by hex value or by word, if any; the first one wins, "bright" and "soft" count."""
    if found := HEX.search(words):
        return from_hex(found.group())
    hits = [(m.start(), word) for word in WORDS if (m := re.search(rf"\b{word}(ish|er)?\b", words, re.IGNORECASE))]
    if not hits:
        return None
    names = [word for _, word in sorted(hits)]
    word = next((n for n in names if n not in ("warm", "cool")), names[0])  # "a warm orange" is orange
    hue, chroma = WORDS[word]
    if re.search(r"\b(soft|muted|pale|pastel|dusty|calm)\b", words, re.IGNORECASE):
        chroma *= 0.6
    return Tone(
        hue,
        chroma,
        depth=DEEP.get(word, 0.55),
        neutral=0.012 if word in ("warm", "earthy", "autumn", "brown") else 0.006,
    )


def _readable(start: float, step: float, tone: Tone, grounds: list[str], least: float) -> str:
    """The first colour of the tone, from lightness `start` on, with enough contrast to all the grounds."""
    lightness = start
    while 0.05 < lightness < 0.99:
        colour = to_hex(lightness, tone.chroma, tone.hue)
        if all(contrast(colour, ground) >= least for ground in grounds):
            return colour
        lightness += step
    return "#000000" if step < 0 else "#ffffff"


@lru_cache(maxsize=64)
def theme(tone: Tone) -> dict[str, tuple[str, str]]:
    """CSS token → (light, dark) hex colours. Text tokens meet WCAG AA on bg, surface and soft; data tokens 3:1."""
    warm = 25 if 15 <= tone.hue <= 75 else 0  # cream rather than pink paper
    grey = replace(tone, hue=tone.hue + warm, chroma=min(tone.neutral, tone.chroma * 0.12 + 0.002))
    tint = min(tone.chroma, 0.16)

    def neutral(light: float, dark: float) -> tuple[str, str]:
        return to_hex(light, grey.chroma, grey.hue), to_hex(dark, grey.chroma * 1.4, grey.hue)

    bg, surface, line = neutral(0.983, 0.165), neutral(0.998, 0.205), neutral(0.905, 0.305)
    soft = to_hex(0.952, tint * 0.16, tone.hue + warm / 2), to_hex(0.25, tint * 0.18, tone.hue)
    light, dark = [bg[0], surface[0], soft[0]], [bg[1], surface[1], soft[1]]
    accent_text = _readable(tone.depth, -0.01, tone, light, AA_TEXT), _readable(0.76, 0.01, tone, dark, AA_TEXT)
    accent = tone.exact or accent_text[0], accent_text[1]
    series = [replace(tone, chroma=max(tone.chroma * k, 0.02 if tone.chroma else 0), hue=(tone.hue + turn) % 360)
              for turn, k in ((0, 1.0), (62, 0.85), (-78, 0.8), (150, 0.75))]  # fmt: skip
    tokens = {
        "bg": bg,
        "surface": surface,
        "soft": soft,
        "line": line,
        "ink": neutral(0.205, 0.955),
        "muted": (_readable(0.5, -0.01, grey, light, 5.0), _readable(0.7, 0.01, grey, dark, 5.0)),
        "accent": accent,
        "on-accent": (_on(accent[0]), _on(accent[1])),
        "accent-text": accent_text,
    }
    for number, one in enumerate(series, 1):
        tokens[f"data-{number}"] = (
            _readable(0.62, -0.01, one, light[:2], AA_GRAPHIC),
            _readable(0.72, 0.01, one, dark[:2], AA_GRAPHIC),
        )
    for number, (light_at, dark_at, chroma, turn) in enumerate(ART, 1):
        hue, strength = tone.hue + turn, min(tone.chroma, 0.17) * chroma
        tokens[f"art-{number}"] = to_hex(light_at, strength, hue), to_hex(dark_at, strength, hue)
    return tokens


def _on(ground: str) -> str:
    """White where it is readable, else the darker of two inks: one of them always is."""
    if contrast("#ffffff", ground) >= AA_TEXT:
        return "#ffffff"
    return max("#161412", "#000000", key=lambda ink: (contrast(ink, ground) >= AA_TEXT, ink))


def css(tone: Tone) -> list[tuple[str, str]]:
    """The theme as (name, value) pairs of CSS custom properties."""
    return [(f"--{name}", f"light-dark({light}, {dark})") for name, (light, dark) in theme(tone).items()]
