"""A demo model on a free port, the official SDK against it, and the small agent on top."""

from collections.abc import Iterator
from pathlib import Path

import anthropic
import pytest
from playwright.sync_api import Browser

from demo_model.app import Model
from demo_model.pace import Pace
from tests.demo_model import looking
from tests.demo_model.playing import Agent, Server


@pytest.fixture
def model() -> Model:
    """A fast model; a test may change it before it asks for the server."""
    return Model(pace=Pace(0, 0))


@pytest.fixture
def server(model: Model) -> Iterator[Server]:
    running = Server(model)
    yield running
    running.stop()


@pytest.fixture
def client(server: Server) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(api_key="any", base_url=server.url, max_retries=0) as sdk:
        yield sdk


@pytest.fixture
def agent(client: anthropic.Anthropic, tmp_path: Path) -> Agent:
    return Agent(client, tmp_path)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not Path(looking.CHROMIUM).exists():
        pytest.skip("NO CHROMIUM")
    with looking.chromium() as running:
        yield running
