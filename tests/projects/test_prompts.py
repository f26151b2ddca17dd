"""What a person types becomes a project with a name, or a clear sentence about what is wrong with it."""

import pytest

from projects import services
from projects.models import Message, Project
from projects.services import BadPrompt

BAD = ["", "   \n\t ", "a\x00b", "bell\x07", "\x1b[31mred", "half \ud800", "x" * 20_001]


@pytest.mark.parametrize("prompt", BAD)
def test_it_refuses_a_prompt_and_leaves_nothing(alice, prompt):
    with pytest.raises(BadPrompt) as refused:
        services.create_project(alice, prompt, model="vibe-m")
    assert refused.value.field == "prompt"
    assert not Project.objects.exists()


def test_it_takes_the_longest_prompt_and_odd_letters(alice):
    for prompt in ("x" * 20_000, "A menu für Łódź 🍞 — مرحبا\n\n\tindented\r\nline"):
        services.create_project(alice, prompt, model="vibe-m")
    assert Project.objects.count() == 2


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("Please build me a pricing page for a bakery. It has three tiers.", "Pricing page for a bakery"),
        ("todo app", "Todo app"),
        ("Create an app", "App"),
        ("a", "A"),
        ("...", "..."),
        ("build", "Build"),
        ("A chat by sk-ant-api03-abcdefghijklmnop0123456789", "Chat by [removed]"),
        ("Help me to make the website of our choir\nwith dates", "Website of our choir"),
    ],
)
def test_it_names_a_project_from_its_prompt(prompt, name):
    assert services.name_from_prompt(prompt) == name


def test_it_cuts_a_long_name_between_words():
    name = services.name_from_prompt("A dashboard " + "with many numbers " * 20)
    assert len(name) <= 60 and name.endswith(("with", "many", "numbers"))
    assert len(services.name_from_prompt("x" * 500)) == 60


def test_it_refuses_an_unknown_framework_and_names_those_there_are(alice):
    with pytest.raises(BadPrompt, match=r"html, .*react") as refused:
        services.create_project(alice, "A page", model="vibe-m", framework="cobol")
    assert refused.value.field == "framework"


def test_it_keeps_a_models_words_but_for_what_postgresql_cannot_hold(project):
    message = services.add_message(project, Message.Role.ASSISTANT, "a\x00b \ud800 c")
    assert Message.objects.get(pk=message.pk).text == "ab ? c"


def test_it_refuses_an_unknown_mode(project):
    with pytest.raises(BadPrompt) as refused:
        services.add_message(project, Message.Role.USER, "Hello", mode="destroy")
    assert refused.value.field == "mode"


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\x00b"])
def test_it_refuses_a_name(project, name):
    with pytest.raises(BadPrompt) as refused:
        services.rename(project, name)
    assert refused.value.field == "name"
