"""Serve the demo model: `python -m demo_model --port 8002`."""

import argparse
import os

from aiohttp import web

from demo_model.app import Model, create_app
from demo_model.pace import Pace


def _number(name: str, default: float) -> float:
    try:
        return max(0.0, float(os.environ.get(name) or default))
    except ValueError:
        raise SystemExit(f"{name} must be a number, not {os.environ[name]!r}.") from None


def main() -> None:
    """Read the arguments and the environment, then serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="demo_model", description="Scripted model that speaks the Messages protocol.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8002)
    arguments = parser.parse_args()
    pace = Pace(_number("DEMO_MODEL_TOKENS_PER_SECOND", 400), _number("DEMO_MODEL_FIRST_TOKEN_MS", 150))
    app = create_app(Model(pace=pace, key=os.environ.get("DEMO_MODEL_KEY", "")))
    address = f"{arguments.host}:{arguments.port}"
    try:
        web.run_app(
            app,
            host=arguments.host,
            port=arguments.port,
            handler_cancellation=True,
            shutdown_timeout=1,
            access_log=None,
            print=lambda *_: print(f"demo model on http://{address}", flush=True),
        )
    except OSError as problem:
        raise SystemExit(f"The demo model cannot listen on {address}: {problem.strerror or problem}.") from problem


if __name__ == "__main__":
    main()
