"""Suggestions for the next step: what failed comes first, what was asked for is not offered again."""

from agents.suggestions import MOST, suggest
from projects import services, versions


def test_it_suggests_what_is_left(project):
    labels = [one.label for one in suggest(project, versions.newest(project))]
    assert len(labels) == MOST and "Add dark mode" in labels

    services.add_message(project, "user", "Please add a DARK theme")
    broken = versions.save(project, {"a.txt": b"x"}, source="run", verdict={"lint": False, "build": True})
    found = suggest(project, broken)
    assert found[0].label == "Mend what failed" and "the linter" in found[0].text
    assert "Add dark mode" not in [one.label for one in found]
    assert suggest(project, None) == []
