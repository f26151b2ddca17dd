"""Start the sandbox host: `python -m sandbox_host --port 8001 --state DIR --runtime DIR`, its key in E2B_API_KEY."""

import argparse
import asyncio
import fcntl
import os
import resource
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import IO

from aiohttp import web

from sandbox_host import app, log, selftest, templates
from sandbox_host.first_use import FirstUse
from sandbox_host.isolation import IsolationMissing, Limits
from sandbox_host.preview import HEAD_BYTES
from sandbox_host.registry import Caps, Facts, Registry
from sandbox_host.root import Root, have

CLEANING = 2.0  # seconds


def main() -> int:
    """Serve until SIGTERM or SIGINT. Exit code 1 with one sentence if something needed is missing."""
    arguments = _arguments()
    log.begin()
    key = os.environ.get("E2B_API_KEY", "")
    if not key:
        print("E2B_API_KEY is not set: the sandbox host needs a key that its callers must send.", file=sys.stderr)
        return 1
    try:
        _allow_many_connections()
        arguments.state.mkdir(mode=0o711, parents=True, exist_ok=True)
        limits = Limits(**{name: getattr(arguments, f"limit_{name}") for name in vars(Limits())})
        with _lock(arguments.state):
            have(partial(_serve, arguments, key), arguments.state, arguments.templates, arguments.runtime, limits)
    except (IsolationMissing, OSError) as problem:
        print(f"The sandbox host cannot start: {problem}", file=sys.stderr)
        return 1
    return 0


def _allow_many_connections() -> None:
    """A visitor of a preview takes two descriptors, and the usual soft limit is 1024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox_host", description="Embedded sandbox host that speaks E2B's protocol."
    )
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--host", action="append", help="address to listen on; default 127.0.0.1 and ::1")
    parser.add_argument("--domain", help="what preview host names end in, with its port; default localhost:PORT")
    parser.add_argument("--state", type=Path, required=True, help="where sandboxes and prepared templates live")
    parser.add_argument("--templates", type=Path, default=templates.SOURCES, help="folder of template sources")
    parser.add_argument("--runtime", type=Path, help="folder with node/ and python/ to show inside sandboxes")
    parser.add_argument("--max-running", type=int, default=50, help="sandboxes at once")
    parser.add_argument("--max-total", type=int, default=1000, help="sandboxes kept, the paused ones included")
    parser.add_argument("--max-days", type=float, default=90, help="days that a sandbox is kept that nobody starts")
    parser.add_argument("--spares", type=int, default=2, help="sandboxes that are started before anybody asks")
    parser.add_argument("--prepare", action="append", default=[], help="template to prepare before anybody asks for it")
    parser.add_argument("--min-free", type=int, default=1024, help="MiB of the machine's disk that sandboxes leave")
    for name, default in vars(Limits()).items():
        parser.add_argument(f"--limit-{name.replace('_', '-')}", type=int, default=default)
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace, key: str, root: Root) -> None:
    domain = arguments.domain or f"localhost:{arguments.port}"
    caps = Caps(
        arguments.max_running, arguments.max_total, arguments.max_days, arguments.min_free, arguments.spares
    )  # fmt: skip
    registry = Registry(root, await Facts.ask(root), caps, domain)
    report = {**await selftest.run(registry), **registry.storage.describe()}
    first_use = FirstUse(root)
    application = app.build(registry, first_use, key, domain, report)
    runner = web.AppRunner(
        application,
        handler_cancellation=True,
        access_log=None,
        max_line_size=HEAD_BYTES,
        max_field_size=HEAD_BYTES,
    )
    await runner.setup()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        for address in arguments.host or ["127.0.0.1", "::1"]:
            await _listen(runner, address, arguments.port)
        print(f"sandbox host ready on port {arguments.port}", flush=True)
        first_use.begin(arguments.prepare)
        log.say("started", port=arguments.port, **report)
        await stop.wait()
        log.say("stopping")
    finally:
        await runner.cleanup()
        log.say("stopped")


def _lock(state: Path) -> IO[str]:
    """Two hosts on one state would end each other's sandboxes. The kernel lets go when both processes have ended; the
    one of a host that was killed may still be cleaning up.
    """
    file = (state / "host.lock").open("w")
    deadline = time.monotonic() + CLEANING
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            if time.monotonic() > deadline:
                file.close()
                raise OSError(f"another one is running on {state}") from None
            time.sleep(0.05)


async def _listen(runner: web.AppRunner, address: str, port: int) -> None:
    try:
        await web.TCPSite(runner, address, port, shutdown_timeout=1).start()
    except OSError:
        if address != "::1":  # a machine without IPv6
            raise


if __name__ == "__main__":
    sys.exit(main())
