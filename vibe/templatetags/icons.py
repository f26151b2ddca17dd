"""`{% icon "check" %}`, `{% icon "check" "ok" %}`: an icon of the sprite, in every template. A page has a hundred."""

from functools import cache

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
@cache
def icon(name: str, classes: str = "") -> SafeString:
    """The icon as an element that assistive technology passes over, and a line's end, which parts it from words."""
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>\n',
        f"icon {classes}".rstrip(),
        static("dist/icons.svg"),
        name,
    )
