"""How long `bin/up` takes to be ready: on a fresh clone with nothing installed, and the second time."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# What `bin/manage` computed for its own site; ours is another one.
OURS = (
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "ENCRYPTION_KEY",
    "E2B_",
    "ANTHROPIC_",
    "LLM_IS_",
    "SANDBOX_IS_",
    "PREVIEW_",
)
ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def site(root: Path, home: Path, port: int, seconds: float = 900) -> Iterator[float]:
    """Vibe started by `bin/up` in a state folder of its own; the seconds it took. Stopped at the end."""
    began = time.monotonic()
    process = subprocess.Popen(
        [str(root / "bin/up"), "--port", str(port)],
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield _until_ready(process, began, seconds)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()


def environment(home: Path) -> dict[str, str]:
    """This process's environment without what belongs to another site."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {**kept, "VIBE_HOME": str(home)}


def _until_ready(process: "subprocess.Popen[str]", began: float, seconds: float) -> float:
    assert process.stdout
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if re.match(r"Ready in ", line):
            return time.monotonic() - began
        if time.monotonic() - began > seconds:
            break
    raise RuntimeError("bin/up did not get ready:\n" + "".join(lines[-20:]))


def first_start(port: int) -> float:
    """Seconds of `bin/up` in a fresh clone: packages, assets, templates and all."""
    with tempfile.TemporaryDirectory(prefix="vibe-first-") as folder:
        Path(folder).chmod(0o755)
        clone = Path(folder) / "vibe"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        with site(clone, clone / ".vibe", port) as seconds:
            return seconds


@contextmanager
def prepared_home() -> Iterator[Path]:
    """A state folder that other users of this machine can reach, as sandboxes need it."""
    home = Path(tempfile.mkdtemp(prefix="vibe-benchmark-"))
    home.chmod(0o755)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)
