"""Tools about the app as a whole: does it answer, and which packages does it use."""

import re
import shlex
from typing import Any

from agents.tools.base import Outcome, Tool, Toolbox, ToolFailed, cut

# npm's own rule for names (validate-npm-package-name), with an optional version or range after it.
PACKAGE = r"^(@[a-z0-9~][a-z0-9._~-]*/)?[a-z0-9~][a-z0-9._~-]*(@[a-zA-Z0-9.^~><=*_-]+)?$"
INSTALL_SECONDS = 180


async def check_app(tools: Toolbox, values: dict[str, Any]) -> Outcome:
    path = "/" + values.get("path", "/").lstrip("/")
    if not re.fullmatch(r"/[\w\-./?=&%~+,:;@!$'()*]*", path):
        raise ToolFailed("path must be a URL path such as /about.")
    await tools.box.serve()
    status, text = await tools.box.page(path)
    log = await tools.box.server_log()
    if not status:
        return Outcome(f"Nothing answers at {path}. The dev server's last lines:\n{log}", "no answer", ok=False)
    output = f"GET {path} answered {status}.\nVisible text: {cut(text, 2_000) or '(none in the HTML itself)'}"
    return Outcome(f"{output}\n\nThe dev server's last lines:\n{cut(log, 3_000)}", f"answers {status}", ok=status < 400)


async def add_packages(tools: Toolbox, values: dict[str, Any]) -> Outcome:
    names = values["packages"]
    if await tools.box.read("package.json") is None:
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
    "See whether the running app answers: HTTP status, the text of the page, the dev server's last lines.",
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
    seconds=INSTALL_SECONDS + 30,
)
