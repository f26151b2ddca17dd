"""`bin/manage evaluate`: prompts run end to end and are scored; it says whether all passed."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from agents import evaluation
from agents.models import Sandbox
from projects.models import Project


def test_it_ships_with_enough_prompts_across_frameworks() -> None:
    cases = evaluation.load(evaluation.FOLDER / "suite.json")
    assert len(cases) >= 20 and len({case.name for case in cases}) == len(cases)
    assert len({case.framework for case in cases}) >= 4
    assert sum(bool(case.then) for case in cases) >= 6


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "a list of cases"),
        ("{", "Expecting"),
        ('[{"name": "a"}]', "needs a name and a prompt"),
        ('[{"name": "a", "prompt": "b", "framework": "cobol"}]', "no framework 'cobol'"),
        ('[{"name": "a", "prompt": "b", "then": "c"}]', "then is not known or not of its kind"),
        ('[{"name": "a", "prompt": "b", "colour": "c"}]', "colour is not known"),
    ],
)
def test_it_refuses_a_suite_that_it_cannot_use(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "suite.json").write_text(text)
    with pytest.raises(evaluation.BadSuite, match=said):
        evaluation.load(tmp_path / "suite.json")


@pytest.mark.sandbox
def test_it_scores_what_came_of_each_prompt(stack: Any, tmp_path: Path) -> None:
    suite = [
        {
            "name": "good",
            "framework": "html",
            "prompt": "A landing page for a tea shop named Camellia",
            "then": ["Make it dark"],
            "text": ["Camellia"],
        },
        {"name": "bad", "framework": "html", "prompt": "A page about tea", "text": ["Quantum chromodynamics"]},
        {"name": "refused", "framework": "html", "prompt": "A page [[demo:401]]"},
    ]
    (tmp_path / "suite.json").write_text(json.dumps(suite))
    out = StringIO()
    with pytest.raises(CommandError, match="Not all passed"):
        call_command(
            "evaluate", suite=tmp_path / "suite.json", json=tmp_path / "out.json", stdout=out, stderr=StringIO()
        )

    whole = json.loads((tmp_path / "out.json").read_text())
    good, bad, refused = whole["scores"]
    assert good["finished"] and good["turns"] >= 2 and good["tokens"] > 0 and good["seconds"] > 0
    assert good["verdicts"]["page"] and good["verdicts"]["text"]
    assert bad["verdicts"]["text"] is False and not bad["passed"]
    assert "not on the page: Quantum chromodynamics" in bad["notes"]
    assert not refused["finished"] and refused["reason"] == "model_key_refused"
    assert (whole["cases"], whole["passed"]) == (3, int(good["passed"]))
    assert "good" in out.getvalue() and "model_key_refused" in out.getvalue()
    assert not Project.objects.filter(deleted=None).exists() and not Sandbox.objects.exists()
