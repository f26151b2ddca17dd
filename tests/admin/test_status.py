"""The staff's status page: how the installation is now, for staff only."""

from datetime import timedelta
from urllib.request import Request, urlopen

import pytest
from django.conf import settings
from django.utils import timezone

from agents.models import Run
from projects import services as projects
from vibe import status

URL = "/staff/status/"


@pytest.fixture
def run(alice):
    """A run of its own project, in a state."""

    def make(state: str, **fields: object) -> Run:
        project = projects.create_project(alice, "A page", model="vibe-m", framework="html")
        message = project.messages.create(role="user", text="A page")
        made = Run.objects.create(project=project, message=message, model="vibe-m", state=state)
        Run.objects.filter(pk=made.pk).update(**fields)
        return made

    return make


@pytest.mark.django_db
def test_it_is_for_staff_only(as_user, alice, staff):
    assert as_user(staff).get(URL).status_code == 200
    missing = as_user(alice).get("/staff/nothing/").content
    for person in (alice, None):
        answer = as_user(person).get(URL)
        assert answer.status_code == 404
    assert len(as_user(alice).get(URL).content) == len(missing)


@pytest.mark.django_db
def test_it_is_linked_for_staff_and_the_raw_answers_for_nobody(as_user, alice, staff):
    pages = [as_user(person).get("/pricing/").text for person in (staff, alice, None)]
    assert [f'href="{URL}"' in page.partition("<footer")[2] for page in pages] == [True, False, False]
    assert not any("/readyz" in page for page in pages)


@pytest.mark.django_db
def test_it_says_what_needs_a_look(as_user, staff, run):
    run("queued", created=timezone.now() - timedelta(minutes=5))
    run("running", lease_until=timezone.now() - timedelta(minutes=1))
    for _ in range(7):
        run("succeeded")
    for _ in range(3):
        run("failed")
    page = as_user(staff).get(URL).content.decode()
    assert "Something needs a look" in page
    assert "No worker answers." in page and "1 runs lost their worker." in page
    assert "30% of the last hour&#x27;s runs failed." in page
    assert "A run has waited for 300 s." in page or "A run has waited for 301 s." in page


@pytest.mark.django_db
def test_it_knows_what_the_alerts_know():
    """Whoever changes a threshold in one place changes it in the other."""
    from tests.deploy.files import text

    alerts = text("deploy/alerts.yml")
    assert f"vibe_queue_oldest_seconds) > {status.WAITS_TOO_LONG}" in alerts
    assert f"> {status.TOO_DEEP}" in alerts and f"> {status.FAILS_TOO_OFTEN} *" in alerts
    assert f">= {status.ENOUGH_RUNS}" in alerts


def test_it_names_the_workers_that_answer(stack, as_user, staff, eventually):
    cookie = as_user(staff).cookies[settings.SESSION_COOKIE_NAME].value
    asked = Request(stack.url + URL, headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}"})

    def page() -> str:
        with urlopen(asked, timeout=30) as answer:
            return str(answer.read().decode())

    eventually(lambda: "No worker answers" not in page(), 60)
    assert "Holds at most" in page()
