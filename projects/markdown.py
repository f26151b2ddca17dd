"""Markdown from people and models as HTML that is safe on our own pages.

Raw HTML is shown as text; pictures become links (a remote picture is a beacon); code is coloured with classes only.
"""

from collections.abc import Callable
from functools import cache
from html import escape
from typing import Any

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.table import table
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

TAGS = {
    *("p", "br", "hr", "strong", "em", "s", "code", "pre", "span", "blockquote", "ul", "ol", "li", "a"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"a": {"href", "title"}, "span": {"class"}, "code": {"class"}, "pre": {"class"}, "ol": {"start"}}
# Above this, code is shown plain: lexers are slow on it and nobody reads it in a chat.
MAX_COLOURED_CHARS = 50_000
# Cells of all tables of one text. Short rows are filled up, so that a few characters may stand for many cells.
MAX_CELLS = 3_000


def render_markdown(text: str) -> SafeString:
    """HTML of a message: safe to put into a page as it is."""
    html = _cleaner().clean(_parser().render(text))
    return mark_safe(html)  # noqa: S308 – nh3 has just cleaned it


def colour(code: str, language: str) -> str:
    """Code as spans with Pygments' short class names; escaped and plain if the language is unknown."""
    if len(code) > MAX_COLOURED_CHARS:
        return escape(code)
    try:
        lexer = get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return escape(code)
    return str(highlight(code, lexer, HtmlFormatter(nowrap=True)))


@cache
def _cleaner() -> nh3.Cleaner:
    schemes = {"http", "https", "mailto"}
    return nh3.Cleaner(tags=TAGS, attributes=ATTRIBUTES, url_schemes=schemes, link_rel="noopener nofollow")


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "highlight": _highlight})
    parser.block.ruler.at("table", _table, {"alt": ["paragraph"]})
    parser.enable(["table", "strikethrough"])
    # [name] and, elsewhere, [name]: address. Each name brings its address along: 20 kB of text become 80 MB.
    parser.disable("reference")
    parser.add_render_rule("image", _image_as_link)
    return parser


def _table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Tables as far as MAX_CELLS go; what would be beyond stays text."""
    used = state.env.get("cells", 0)
    columns = 1 + state.src.count("|", state.bMarks[start], state.eMarks[start])
    rows = (MAX_CELLS - used) // columns - 1
    if rows < 1 or not table(state, start, min(end, start + 2 + rows), silent):
        return False
    if not silent:
        state.env["cells"] = used + columns * (state.line - start)
    return True


def _highlight(code: str, language: str, attributes: str) -> str:
    return colour(code, language) if language else escape(code)


def _image_as_link(
    renderer: Any, tokens: list[Token], index: int, options: Any, env: Any, *rest: Callable[..., str]
) -> str:
    token = tokens[index]
    alt = renderer.renderInlineAsText(token.children or [], options, env) or "picture"
    return f'<a href="{escape(str(token.attrs.get("src", "")))}">{escape(alt)}</a>'
