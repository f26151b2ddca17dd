"""Runs worked on in the test's own process, against a model that says what the test wrote."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.agents.doorway import Doorway
from tests.agents.scripted import ScriptedModel

if TYPE_CHECKING:
    from agents.models import Run


@pytest.fixture
def model(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedModel]:
    """Answers what the test wrote. No page is looked at with a browser, which takes seconds: test_console.py does."""
    from agents import browser

    monkeypatch.setattr(browser, "available", lambda: False)
    scripted = ScriptedModel()
    settings.ANTHROPIC_BASE_URL, settings.ANTHROPIC_API_KEY = scripted.url, "test-key"
    yield scripted
    scripted.server.shutdown()
    scripted.server.server_close()


@pytest.fixture
def owner(transactional_db: None, django_user_model: Any) -> Iterator[Any]:
    """Somebody with the sign-up credits. Afterwards all that must always be true is asked for, and the sandboxes of
    their projects are ended, for the host has only so many.
    """
    yield django_user_model.objects.create_user("ann@example.com", None)
    from agents import invariants, sandbox
    from agents.models import Sandbox

    wrong = invariants.broken()
    for row in Sandbox.objects.all():
        sandbox.kill(row)
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def operator(owner: Any) -> Any:
    """The same, where they run the site."""
    owner.is_staff = True
    owner.save()
    return owner


@pytest.fixture
def meanwhile(owner: Any, settings: Any) -> Iterator[Callable[[bytes, Callable[[], object]], None]]:
    """`meanwhile(words, do)`: before the sandbox host hears these words, once, `do` happens."""
    url, doors = settings.E2B_API_URL, []

    def meanwhile(words: bytes, do: Callable[[], object]) -> None:
        doors.append(Doorway(url, words, do))
        settings.E2B_API_URL = settings.E2B_SANDBOX_URL = doors[-1].url

    yield meanwhile
    settings.E2B_API_URL = settings.E2B_SANDBOX_URL = url
    for door in doors:
        door.shutdown()
        door.server_close()


@pytest.fixture
def start(owner: Any) -> Callable[..., "Run"]:
    """A project with its first run, queued; html, because it has nothing to build."""

    def start(prompt: str = "A page about tea", framework: str = "html") -> "Run":
        from agents import services

        return services.start_project(owner, prompt, framework)

    return start


@pytest.fixture
def work() -> Callable[["Run"], "Run"]:
    """Works on a run as a worker does, until it ends; the run as it then is."""

    def work(run: "Run") -> "Run":
        from agents import tasks
        from agents.models import Run

        tasks.run_agent(str(run.pk))
        return Run.objects.select_related("project", "version", "reply").get(pk=run.pk)

    return work
