"""Markdown from people and models cannot do anything on our pages."""

import re
from html.parser import HTMLParser

import pytest

from projects.markdown import MAX_CELLS, colour, render_markdown

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![beacon](https://evil.example/pixel.png)",
    '![x](x"onerror="alert(1))',
    "[click](javascript:alert(1))",
    "[click](JaVaScRiPt:alert(1))",
    "[click](data:text/html,<script>alert(1)</script>)",
    "[click](vbscript:x)",
    "<a href='javascript:alert(1)'>x</a>",
    "<iframe src='//evil.example'></iframe>",
    "<svg/onload=alert(1)>",
    "[a](https://x.example 'onmouseover=alert(1)')",
    "```html\n<script>alert(1)</script>\n```",
    '```"onload=alert(1)\nx\n```',
    "<style>@import 'https://evil.example'</style>",
    '<https://x.example/"onclick=alert(1)>',
    "[x]: javascript:alert(1)\n\n[x]",
    "<!--><img src=x onerror=alert(1)>-->",
    "<form action=//evil.example><button>",
    "![a]( )",
]


class Tags(HTMLParser):
    """Every tag and attribute, as a browser would find them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("text", HOSTILE)
def test_it_makes_nothing_that_runs_or_loads(text):
    for tag, attributes in Tags(render_markdown(text)).found:
        assert tag in {"p", "a", "pre", "code", "span", "h1", "em"}
        assert attributes.keys() <= {"href", "rel", "title", "class"}
        assert re.match(r"(https?:|mailto:|[^:]*$)", attributes.get("href") or "")


BOMB = "|".join(["a"] * 181) + "\n" + "|".join(["-"] * 181) + "\n" + "b\n" * 360
SEVERAL = "\n".join(["|a|b|", "|-|-|", *["|c|"] * 20, ""]) * 300


@pytest.mark.parametrize("text", [BOMB, f"{BOMB}\n" * 12, SEVERAL])
def test_it_makes_of_few_characters_no_table_without_end(text):
    html = render_markdown(text)
    cells = sum(tag in ("td", "th") for tag, _ in Tags(html).found)
    assert 0 < cells <= MAX_CELLS
    assert html.count("b") >= text.count("b")  # what is beyond is there all the same


def test_it_repeats_no_address_for_each_name():
    html = render_markdown(f"[a]: http://x.example/{'x' * 1_000}\n\n" + "[a]" * 1_000)
    assert len(html) < 10_000 and html.count("[a]") == 1_001


def test_it_shows_a_picture_as_a_link():
    assert render_markdown("![A cat](https://x.example/cat.png)") == (
        '<p><a href="https://x.example/cat.png" rel="noopener nofollow">A cat</a></p>\n'
    )


def test_it_marks_links_for_browsers_and_robots():
    assert 'rel="noopener nofollow"' in render_markdown("[docs](https://x.example)")


def test_it_colours_code_with_classes_only():
    html = render_markdown("```python\ndef f(): return 1\n```")
    assert '<span class="k">def</span>' in html and "style=" not in html


def test_it_shows_code_of_an_unknown_language_plain():
    assert "&lt;b&gt;" in render_markdown("```nosuch\n<b>\n```")
    assert colour("<b>", "nosuch") == "&lt;b&gt;"


def test_it_renders_what_models_write():
    html = render_markdown("# Done\n\n- **one**\n- `two`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n~~old~~")
    for part in ("<h1>Done</h1>", "<strong>one</strong>", "<code>two</code>", "<td>1</td>", "<s>old</s>"):
        assert part in html


def test_it_is_quick_on_nonsense():
    for text in ("[" * 20_000, "*" * 20_000, "> " * 5_000 + "x", "`" * 20_000, "| " * 10_000):
        render_markdown(text)
