"""What a visitor sees when a sandbox has nothing to show: says what is wrong, waits, and reloads itself."""

import html
import json
from dataclasses import dataclass

from aiohttp import hdrs, web

STATE_HEADER = "X-Preview-State"


@dataclass(frozen=True)
class Page:
    """One reason. `message` is E2B's own wording (its SDK looks for it); `{port}` stands for the port."""

    state: str
    status: int
    message: str
    title: str
    text: str
    waiting: bool  # looks again by itself
    icon: str = ""  # of _ICONS; "" turns while it waits


CLOSED = Page(
    "closed", 502, "The sandbox is running but port is not open", "Nothing listens on port {port} yet",
    "The app is starting, or its server has stopped. This page reloads as soon as something answers.", True,
)  # fmt: skip
PAUSED = Page(
    "paused", 502, "The sandbox is paused", "This app is asleep",
    "Its sandbox was paused to save resources. Open the project to wake it; this page then reloads.", True, "moon",
)  # fmt: skip
FULL = Page(
    "full", 503, "The sandbox is paused, and the host has no room to start it", "No room for this app just now",
    "It is asleep, and this machine runs as many others as it can. This page tries again, and shows it once there is "
    "room.", True, "moon",
)  # fmt: skip
STARTING = Page(
    "starting", 502, "The sandbox is starting", "The sandbox is starting",
    "It will be here in a moment. This page reloads by itself.", True,
)  # fmt: skip
BROKEN = Page(
    "broken", 502, "The sandbox is running but the app's answer was not understood", "The app hung up",
    "Something listens on port {port}, but it broke off or did not speak HTTP. This page tries again.", True,
)  # fmt: skip
GONE = Page(
    "gone", 502, "The sandbox was not found", "This preview is gone",
    "Its sandbox is no more. The project still has all its files: open it to start a new preview.", False, "slash",
)  # fmt: skip
PRIVATE = Page(
    "private", 403, "The sandbox wants a traffic access token", "This preview is private",
    "It answers only to those who send its traffic access token.", False, "lock",
)  # fmt: skip
RESERVED = Page(
    "reserved", 403, "The port is reserved", "Port {port} is reserved",
    "The sandbox needs this port for itself. Let the app listen on another one, such as 3000.", False, "slash",
)  # fmt: skip


def answer(request: web.Request, page: Page, sandbox_id: str, port: int) -> web.Response:
    """The page for people, E2B's JSON object for programs (those that do not accept HTML)."""
    headers = {hdrs.CACHE_CONTROL: "no-store", STATE_HEADER: page.state}
    if "text/html" not in request.headers.get(hdrs.ACCEPT, ""):
        body = {"sandboxId": sandbox_id, "message": page.message, "port": port, "code": page.status}
        return web.json_response(body, status=page.status, headers=headers, dumps=json.dumps)
    text = _render(page, sandbox_id, port)
    return web.Response(status=page.status, headers=headers, text=text, content_type="text/html")


def _render(page: Page, sandbox_id: str, port: int) -> str:
    title, text = page.title.format(port=port), page.text.format(port=port)
    return _HTML.format(
        title=html.escape(title), text=html.escape(text), detail=html.escape(f"{sandbox_id} · port {port}"),
        mark=_ICONS[page.icon], tail=_RELOAD if page.waiting else "",
    )  # fmt: skip


def _svg(shape: str) -> str:
    return f'<svg class="mark" viewBox="0 0 24 24" aria-hidden="true">{shape}</svg>'


_ICONS = {
    "": '<div class="mark turning" aria-hidden="true"></div>',
    "moon": _svg('<path d="M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5z"/>'),
    "lock": _svg('<rect x="4.5" y="11" width="15" height="9.5" rx="2"/><path d="M8 11V7.5a4 4 0 0 1 8 0V11"/>'),
    "slash": _svg('<circle cx="12" cy="12" r="9"/><path d="m5.7 5.7 12.6 12.6"/>'),
}


# Asks for itself and reloads once the answer is not one of these pages; ever more rarely, so that an
# abandoned tab costs nothing.
_RELOAD = f"""<noscript><meta http-equiv="refresh" content="3"></noscript>
<script>
let wait = 500;
async function look() {{
  try {{
    const answer = await fetch(location.href, {{ headers: {{ accept: "text/html" }}, cache: "no-store" }});
    if (!answer.headers.has("{STATE_HEADER}")) return location.reload();
  }} catch {{}}
  wait = document.hidden ? 10000 : Math.min(wait * 1.1, 5000);
  setTimeout(look, wait);
}}
setTimeout(look, wait);
document.addEventListener("visibilitychange", () => {{ wait = 500; }});
</script>
"""

_HTML = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>
:root {{ --back: #fafafa; --text: #18181b; --soft: #71717a; --line: #e4e4e7; --mark: #6366f1; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --back: #0b0b0f; --text: #f4f4f5; --soft: #a1a1aa; --line: #27272a; --mark: #818cf8; }}
}}
body {{ margin: 0; min-height: 100dvh; display: grid; place-content: center; justify-items: center; padding: 2rem;
  box-sizing: border-box; background: var(--back); color: var(--text); text-align: center; line-height: 1.5;
  font-family: ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }}
.mark {{ width: 2.5rem; height: 2.5rem; box-sizing: border-box; fill: none; stroke: var(--soft); stroke-width: 1.5;
  stroke-linecap: round; stroke-linejoin: round; }}
.turning {{ border: 3px solid var(--line); border-top-color: var(--mark); border-radius: 50%;
  animation: turn 0.9s linear infinite; }}
@keyframes turn {{ to {{ rotate: 360deg; }} }}
@media (prefers-reduced-motion: reduce) {{ .turning {{ animation-duration: 4s; }} }}
h1 {{ margin: 1.75rem 0 0; font-size: 1.25rem; font-weight: 600; letter-spacing: -0.01em; }}
p {{ margin: 0.5rem 0 0; max-width: 26rem; color: var(--soft); text-wrap: balance; }}
small {{ margin-top: 2rem; color: var(--soft); font-family: ui-monospace, SFMono-Regular, Menlo, monospace;
  font-size: 0.75rem; overflow-wrap: anywhere; }}
</style>
</head>
<body>
{mark}
<main role="status">
<h1>{title}</h1>
<p>{text}</p>
</main>
<small>{detail}</small>
{tail}</body>
</html>
"""
