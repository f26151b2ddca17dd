"""Substitution: a value stays a value in every language."""

import json

import pytest

from demo_model import render

NASTY = "\"quotes' {braces} ${x} `ticks` </script><b>\\ «name» \u2028 مرحبا 🥐"


def fill(path: str, template: str, **values: object) -> str:
    return render.fill(path, template, values, lambda name: "")


def test_html_values_become_text():
    assert fill("a.html", "<p>«name»</p>", name="<b>\"x\" & 'y'") == "<p>&lt;b&gt;&quot;x&quot; &amp; &#x27;y&#x27;</p>"


def test_script_values_become_literals():
    line = fill("a.ts", "const a = «name»;", name=NASTY)
    assert json.loads(line.removeprefix("const a = ").removesuffix(";")) == NASTY
    assert "\u2028" not in line


def test_a_value_is_not_scanned_for_marks_again():
    assert fill("a.html", "«name» «other»", name="«other»", other="x") == "«other» x"


def test_lists_and_objects_become_indented_literals():
    values = [{"title": "a" * 60, "text": "b" * 60}, {"title": "c", "text": "d"}]
    text = fill("a.ts", "  offers: «offers»,\n", offers=values)
    assert text.splitlines()[:3] == ["  offers: [", "    {", f'      title: "{"a" * 60}",']
    assert text.endswith("  ],\n")


def test_css_takes_only_plainly_safe_values():
    assert fill("a.css", "a: «x»;", x="light-dark(#fff, #000)") == "a: light-dark(#fff, #000);"
    with pytest.raises(ValueError, match="not a safe CSS value"):
        fill("a.css", "a: «x»;", x="red; } body { display: none")


def test_each_repeats_its_lines():
    assert fill("a.html", "<ul>\n«each l»\n  <li>«number» «t»\n«end»\n</ul>", l=[{"t": "a"}, {"t": "<"}]) == (
        "<ul>\n  <li>1 a\n  <li>2 &lt;\n</ul>"
    )


def test_a_missing_value_is_an_error():
    with pytest.raises(KeyError):
        fill("a.html", "«nothing»")
