"""Tools about the app as a whole: does it answer, and which packages does it use."""

import base64
import re
import shlex
from typing import Any

from agents import browser, previews
from agents.tools.base import Outcome, Tool, Toolbox, ToolFailed, count, cut

# npm's own rule for names (validate-npm-package-name), with an optional version or range after it.
PACKAGE = r"^(@[a-z0-9~][a-z0-9._~-]*/)?[a-z0-9~][a-z0-9._~-]*(@[a-zA-Z0-9.^~><=*_-]+)?$"
INSTALL_SECONDS, LOOK_SECONDS = 180, 15
# Base64 of a screenshot that is sent to the model; a larger one costs more than it shows.
PICTURE_CHARS = 600_000


async def check_app(tools: Toolbox, values: dict[str, Any]) -> Outcome:
    path = "/" + values.get("path", "/").lstrip("/")
    if not re.fullmatch(r"/[\w\-./?=&%~+,:;@!$'()*]*", path):
        raise ToolFailed("path must be a URL path such as /about.")
    await tools.box.serve()
    status, text = await tools.box.page(path)
    log = await tools.box.server_log()
    if not status:
        return Outcome(f"Nothing answers at {path}. The dev server's last lines:\n{log}", "no answer", ok=False)
    seen = await _look(f"{previews.url(tools.box).rstrip('/')}{path}")
    is_page = not seen or browser.NO_PAGE not in seen.console
    text = seen.text if seen and is_page else text
    wrong = errors(seen, path) if seen else []
    what = "" if is_page else " with a download, or with nothing"
    parts = [f"GET {path} answered {status}{what}.", f"Visible text: {cut(text, 2_000) or '(none)'}"]
    if seen:
        parts.append("Console: " + ("\n".join(wrong)[:2_000] or "no errors"))
    parts.append(f"The dev server's last lines:\n{cut(log, 3_000)}")
    summary = f"answers {status}" + (f", {count(len(wrong), 'console error')}" if wrong else "")
    picture = base64.b64encode(seen.screenshot).decode() if seen and seen.screenshot else ""
    shown = picture if len(picture) <= PICTURE_CHARS else ""
    return Outcome("\n\n".join(parts), summary, ok=status < 400, picture=shown)


async def _look(url: str) -> browser.Look | None:
    """The page in a real browser; None where there is none, or it did not get there."""
    if not browser.available():
        return None
    try:
        seen = await browser.look(url, seconds=LOOK_SECONDS)
    except browser.NoBrowser:
        return None
    return seen if seen.status else None


def errors(seen: browser.Look, path: str = "/") -> list[str]:
    """What the console says is wrong. A page that never stops loading, because it asks again and again, may be well; so
    may a download, but not in place of the start page.
    """
    well = {browser.UNFINISHED} if path == "/" else {browser.UNFINISHED, browser.NO_PAGE}
    return [line for line in seen.console if line not in well]


async def add_packages(tools: Toolbox, values: dict[str, Any]) -> Outcome:
    names = values["packages"]
    tools.unlocked(["package.json"])
    if await tools.before("package.json") is None:
        raise ToolFailed("This app has no package.json, so it has no packages.")
    flags = "--save-dev" if values.get("dev") else "--save"
    command = f"npm install {flags} --ignore-scripts --no-audit --no-fund -- {' '.join(map(shlex.quote, names))}"
    result = await tools.box.run_once(tools.key, command, INSTALL_SECONDS, tools.on_output)
    facts = {"exit_code": result.exit_code, "output": cut(result.output)}
    if result.exit_code != 0:
        return Outcome(f"npm install failed:\n{cut(result.output)}", "failed", ok=False, facts=facts)
    return Outcome(f"Installed {', '.join(names)}.\n{cut(result.output)}", ", ".join(names), facts=facts)


CHECK_APP = Tool(
    "check_app",
    "See the running app as a visitor would: HTTP status, visible text, errors on the console, a screenshot, the dev"
    " server's last lines.",
    {"path": {"type": "string", "maxLength": 500, "description": "URL path; / if not given."}},
    (),
    lambda values: f"Open {values.get('path', '/')}",
    check_app,
    read_only=True,
)
ADD_PACKAGES = Tool(
    "add_packages",
    "Install npm packages into the app. Their install scripts do not run.",
    {
        "packages": {
            "type": "array",
            "minItems": 1,
            "maxItems": 20,
            "items": {"type": "string", "pattern": PACKAGE, "maxLength": 200},
        },
        "dev": {"type": "boolean", "description": "Only needed to build or test."},
    },
    ("packages",),
    lambda values: f"Add {', '.join(map(str, values.get('packages') or ['packages']))[:80]}",
    add_packages,
    runs_commands=True,
    seconds=INSTALL_SECONDS + 30,
)
