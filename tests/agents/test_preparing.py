"""A run whose template nobody prepared yet says what it waits for."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from launcher import testing
from tests.agents.scripted import ScriptedModel, finish, page, write
from tests.sandbox_host.conftest import ROOT, Host, make_state

if TYPE_CHECKING:
    from agents.models import Run

pytestmark = pytest.mark.sandbox


@pytest.fixture
def unprepared(tmp_path: Path, settings: Any) -> Iterator[Host]:
    """The host that the site uses, with a template that takes its time to be made ready."""
    shutil.copytree(ROOT / "sandbox_templates/html", tmp_path / "html")
    described = tmp_path / "html/template.json"
    described.write_text(json.dumps({**json.loads(described.read_text()), "install": "sleep 8"}))
    runtime = str(testing.current().place.runtime)
    host = Host(make_state(None), None, ["--templates", str(tmp_path), "--runtime", runtime])
    try:
        host.start()
        settings.E2B_API_URL = settings.E2B_SANDBOX_URL = host.url
        settings.E2B_API_KEY = host.key
        yield host
    finally:
        host.close()


def test_it_says_what_the_host_does(
    unprepared: Host, start: Callable[..., "Run"], model: ScriptedModel, work: Callable[["Run"], "Run"]
) -> None:
    model.say([write(index_html=page("Tea"))], [finish()])
    run = work(start())
    titles = [step.data["title"] for step in run.steps.filter(type="stage")]
    told = titles.index("Preparing the template, once: installing packages")
    assert "Building" in titles[told:], "it did not say that it goes on"
    assert run.steps.filter(type="file").exists()
