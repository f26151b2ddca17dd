"""`{% load words %}`: other people's words as this site writes them."""

import re
from datetime import datetime

from django import template
from django.utils.dateformat import format as date_format
from django.utils.safestring import SafeString

from projects.markdown import render_markdown

register = template.Library()

# What a browser calls itself, the telling part first: most also name those that they are like.
BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox|FxiOS": "Firefox", "Chrome|CriOS": "Chrome", "Safari": "Safari"}
SYSTEMS = {"Android": "Android", "iPhone|iPad": "iOS", "Windows": "Windows", "Mac OS X": "macOS", "Linux": "Linux"}
# A word that has a capital for being in a title, unlike the first one, TOTP, GitHub, and names that look like one.
TITLED = re.compile(r"(?<=[ -])(?!(?:Google|Vibe)\b)[A-Z][a-z]+\b")


@register.filter
def browser(agent: str) -> str:
    """A User-Agent header as a person names it, such as "Firefox on Windows"; of others the first 40 characters."""
    found = [next((name for say, name in names.items() if re.search(say, agent)), "") for names in (BROWSERS, SYSTEMS)]
    return " on ".join(filter(None, found)) or agent[:40] or "Unknown"


@register.filter
def sentence(words: str) -> str:
    """ "Change Password" → "Change password"; names keep their capitals."""
    return TITLED.sub(lambda word: word[0].lower(), words.strip())


@register.filter
def day(at: str) -> str:
    """ "2026-11-27T18:00:00+00:00" → "27 Nov 2026"."""
    return date_format(datetime.fromisoformat(at), "j M Y")


@register.filter
def duration(seconds: float) -> str:
    """Of 8.4: "8 s"; of 153: "2 min 33 s"."""
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60} s" if whole > 120 else f"{whole} s"


@register.filter
def markdown(text: str) -> SafeString:
    """What a person or a model wrote, as HTML that is safe to show."""
    return render_markdown(text)
