"""The themes: readable in both schemes whatever the colour."""

import pytest

from demo_model import brief, colour

TONES = [colour.Tone(float(hue), chroma) for hue in range(0, 360, 24) for chroma in (0.0, 0.06, 0.14, 0.22)]
TONES += [colour.from_hex(value) for value in ("#ff5500", "#ffff00", "#000000", "#ffffff", "#7a00cc", "#808080")]
TONES += [tone for word in colour.WORDS if (tone := colour.asked_for(word))]
TONES += [colour.Tone(s["hue"] or 0, s["chroma"], s["neutral"]) for s in brief.subjects().values()]


def test_text_meets_aa_on_every_ground_in_both_schemes():
    for tone in TONES:
        theme = colour.theme(tone)
        for scheme in (0, 1):
            for ink in ("ink", "muted", "accent-text"):
                for ground in ("bg", "surface", "soft"):
                    ratio = colour.contrast(theme[ink][scheme], theme[ground][scheme])
                    assert ratio >= colour.AA_TEXT, (tone, scheme, ink, ground)
            assert colour.contrast(theme["ink"][scheme], theme["art-1"][scheme]) >= colour.AA_TEXT, (tone, scheme)
            assert colour.contrast(theme["on-accent"][scheme], theme["accent"][scheme]) >= colour.AA_TEXT, (
                tone,
                scheme,
            )


def test_a_hex_colour_is_used_as_it_is():
    assert colour.theme(colour.from_hex("#ff5500"))["accent"][0] == "#ff5500"


@pytest.mark.parametrize("value", ["#ff5500", "#123456", "#abc", "#808080"])
def test_a_colour_survives_the_way_there_and_back(value):
    tone = colour.from_hex(value)
    whole = value if len(value) == 7 else "#" + "".join(c * 2 for c in value[1:])
    steps = [colour.to_hex(lightness / 1000, tone.chroma, tone.hue) for lightness in range(1001)]
    near = min(steps, key=lambda s: sum(abs(int(s[i : i + 2], 16) - int(whole[i : i + 2], 16)) for i in (1, 3, 5)))
    assert all(abs(int(near[i : i + 2], 16) - int(whole[i : i + 2], 16)) <= 2 for i in (1, 3, 5))


def test_it_reads_words():
    assert colour.asked_for("make it green") == colour.Tone(150, 0.13)
    assert colour.asked_for("a warm orange please").hue == 52  # type: ignore[union-attr]
    assert colour.asked_for("nothing here") is None
