"""Front-end assets: npm packages by the lock, bundled by esbuild into static/dist. Only when their sources changed."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from launcher import runtime, stamps
from launcher.place import Place
from launcher.problem import Problem
from launcher.terminal import Terminal


def prepare(place: Place, values: Mapping[str, str], terminal: Terminal) -> None:
    """Raises Problem with npm's own words when it fails."""
    root = place.root
    node = runtime.node(place)
    env = {**os.environ, **values, "PATH": f"{node}:{os.environ.get('PATH', os.defpath)}"}
    # The build needs its tools whatever this says, and npm a home for its cache, which a service's user may not have.
    env.pop("NODE_ENV", None)
    if not os.access(env.get("HOME", ""), os.W_OK):
        env["HOME"] = str(place.home)
    # The stamps lie beside what they vouch for: removing node_modules or static/dist makes it anew.
    packages = stamps.digest([root / "package.json", root / "package-lock.json"])
    if not stamps.fresh(root / "node_modules" / ".stamp", packages):
        with terminal.step("Installing the front end's packages"):
            _npm(node, ["ci", "--no-audit", "--no-fund"], root, env)
        stamps.write(root / "node_modules" / ".stamp", packages)
    inputs = [path for path in (root / "static").iterdir() if path.name != "dist"]
    sources = stamps.digest([*inputs, root / "assets.mjs"], packages)
    if not stamps.fresh(root / "static" / "dist" / ".stamp", sources):
        with terminal.step("Bundling the front end"):
            _npm(node, ["run", "build", "--silent"], root, env)
        stamps.write(root / "static" / "dist" / ".stamp", sources)


def _npm(node: Path, arguments: list[str], root: Path, env: Mapping[str, str]) -> None:
    done = subprocess.run([node / "npm", *arguments], cwd=root, env=env, capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        hint = " Is the npm registry reachable (npm config get registry)?" if arguments[0] == "ci" else ""
        words = "\n".join(f"    {line}" for line in lines[-12:])
        raise Problem(f"npm {' '.join(arguments[:2])} failed.{hint} Its last words:\n{words}")
