"""What runs took and how they ended: counted once for each, summed for staff and for Prometheus."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from agents import figures, prompts
from agents.models import PromptVersion, Run
from agents.prompts import history
from projects.models import Message
from tests.agents.scripted import Failure, finish, page, write


@pytest.fixture(autouse=True)
def fresh() -> None:
    for name in figures.SPANS:
        cache.delete(f"figures:{name}")
    history.kept.clear()  # of a database that was emptied since


def test_it_counts_what_a_run_took(model: Any, start: Any, work: Any) -> None:
    model.say([write(index_html="<h1>Tea")], [finish()], *[[write(index_html=page("Tea"))], [finish()]] * 3)
    facts = work(start()).facts
    assert facts["turns"] == facts["models"]["anthropic:claude-sonnet-5-5"]["calls"] >= 2
    assert facts["models"]["anthropic:claude-sonnet-5-5"]["usd"] > 0
    assert facts["stages"]["work"] > 0 and set(facts["stages"]) >= {"prepare", "context", "work", "validate"}
    assert facts["fixes"] == ({"checks": facts["turns"] // 2 - 1} if facts["turns"] > 2 else {})


def test_it_keeps_each_version_of_a_prompt_that_a_run_was_given(
    model: Any, start: Any, work: Any, as_user: Any, staff: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.say([write(index_html=page("Tea"))], [finish()], Failure(401))
    run = work(start())
    told = run.facts["prompts"]
    assert set(told) == {"system", "html", "review"} and PromptVersion.objects.count() == 3
    kept = PromptVersion.objects.get(name="system")
    assert (kept.version, kept.text) == (told["system"], prompts.template("system"))
    before = prompts.template
    monkeypatch.setattr(prompts, "template", lambda name: before(name) + " Be kind." * (name == "system"))
    later = work(start("Another"))
    assert later.facts["prompts"]["system"] != told["system"] and later.facts["prompts"]["html"] == told["html"]
    assert list(PromptVersion.objects.filter(name="system").values_list("text", flat=True)) == [
        kept.text + " Be kind.", kept.text,
    ]  # fmt: skip
    shown = as_user(staff).get("/staff/models/").content.decode()
    old, new = shown.index(told["system"]), shown.index(later.facts["prompts"]["system"])
    assert new < old and "1 run, 0 % succeeded" in shown and "1 run, 100 % succeeded" in shown
    assert "2 runs, 50 % succeeded" in shown and "no run was given it yet" in shown
    assert as_user(staff).get(f"/admin/agents/promptversion/?q={kept.version}").text.count("field-version") == 1


def test_it_shows_staff_and_nobody_else(
    model: Any, start: Any, work: Any, as_user: Any, staff: Any, alice: Any, settings: Any
) -> None:
    model.say([write(index_html=page("Tea"))], [finish()], Failure(401))
    work(start())
    work(start("Another"))
    settings.LLM_IS_DEMO = False
    shown = as_user(staff).get("/staff/runs/").content.decode()
    assert "what providers ask" in shown
    settings.LLM_IS_DEMO = True
    assert "what providers would ask" in as_user(staff).get("/staff/runs/").content.decode()
    assert "anthropic:claude-sonnet-5-5" in shown and "model_key_refused" in shown and "50 %" in shown
    assert as_user(staff).get("/staff/runs/?span=7d").status_code == 200
    for client, path in ((as_user(alice), ""), (as_user(), ""), (as_user(staff), "?span=century")):
        assert client.get(f"/staff/runs/{path}").status_code == 404
    metrics = as_user().get("/metrics").content.decode()
    assert 'vibe_tokens_last_day{model="anthropic:claude-sonnet-5-5",kind="input"} ' in metrics


def test_it_says_so_when_nothing_happened(as_user: Any, staff: Any) -> None:
    assert "No run ended" in as_user(staff).get("/staff/runs/").content.decode()


def test_it_is_quick_with_many_runs(project: Any) -> None:
    """4 000 runs in the last month and more before it: some 20 ms; the bound is for a machine that is busy."""
    facts = {
        "turns": 9,
        "fixes": {"checks": 1},
        "review": "approved",
        "checks": {"build": True},
        "stages": {"prepare": 0.1, "context": 0.1, "work": 40.0, "validate": 9.0, "save": 0.3},
        "models": {"anthropic:m": {"calls": 9, "input": 1, "output": 2, "cache_read": 3, "cache_write": 4, "usd": 0.1}},
    }
    now, count = timezone.now(), 10_000
    said = Message.objects.bulk_create(Message(project=project, role="user", text="x") for _ in range(count))
    Run.objects.bulk_create(
        Run(
            project=project, message=message, model="vibe-m", state="succeeded", facts=facts,
            started=now, finished=now - timedelta(minutes=number * 10 if number < 4_000 else 60_000),
        )
        for number, message in enumerate(said)
    )  # fmt: skip
    began = time.perf_counter()
    found = figures.over("30d")
    assert time.perf_counter() - began < 5
    assert found["runs"] == 4_000 and found["approved"] == 4_000
    assert found["models"][0]["cache_read"] == 12_000
    assert found["checks"] == [{"name": "build", "failed": 4_000, "mended": 4_000}]
