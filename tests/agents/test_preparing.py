"""A run whose template nobody prepared yet says what it waits for."""

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from launcher import testing
from tests.agents.scripted import ScriptedModel, finish, page, write
from tests.sandbox_host.conftest import ROOT, Host, make_state

if TYPE_CHECKING:
    from agents.models import Run

pytestmark = pytest.mark.sandbox


TITLE = "Preparing the HTML template, once: installing packages"


@pytest.fixture
def unprepared(tmp_path: Path, settings: Any) -> Iterator[Host]:
    """The host that the site uses, with a template whose packages are there as soon as somebody says so."""
    shutil.copytree(ROOT / "sandbox_templates/html", tmp_path / "html")
    described = tmp_path / "html/template.json"
    fields = json.loads(described.read_text())
    described.write_text(json.dumps({**fields, "install": "until [ -e go ]; do sleep 0.05; done"}))
    runtime = str(testing.current().place.runtime)
    host = Host(make_state(None), None, ["--spares", "0", "--templates", str(tmp_path), "--runtime", runtime])
    try:
        host.start()
        settings.E2B_API_URL = settings.E2B_SANDBOX_URL = host.url
        settings.E2B_API_KEY = host.key
        yield host
    finally:
        host.close()


def test_it_says_what_the_host_does(
    unprepared: Host, owner: Any, start: Callable[..., "Run"], model: ScriptedModel, eventually: Callable[..., object],
    work: Callable[["Run"], "Run"], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from django.db import connection

    from agents import sandbox
    from agents.models import Sandbox, Step

    def install() -> None:
        try:
            eventually(lambda: Step.objects.filter(type="stage", data__title=TITLE).exists())
        finally:
            connection.close()
            for app in unprepared.within("templates/.work/sandboxes").glob("*/home/app"):
                (app / "go").touch()

    monkeypatch.setattr(sandbox, "PATIENCE_SECONDS", 0.2)
    model.say([write(index_html=page("Tea"))], [finish()])
    with ThreadPoolExecutor(1) as pool:
        installed = pool.submit(install)
        run = work(start())
    installed.result()
    titles = [step.data["title"] for step in run.steps.filter(type="stage")]
    assert "Building" in titles[titles.index(TITLE) :], "it did not say that it goes on"
    assert run.steps.filter(type="file").exists()
    for row in Sandbox.objects.all():  # while its host is there
        sandbox.kill(row)
