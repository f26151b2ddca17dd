"""Which mode fits a text: ask for a question, build for an order. And the route that says so."""

import pytest

from agents.questions import fitting_mode


@pytest.mark.parametrize(
    "text",
    [
        "What does this do?", "how do I add a page?", "Why is the header blue", "Is it accessible?", "Explain the cart",
        "Where are the colours?\nAnd which file has the texts?", "Does the form validate e-mail addresses?",
        "What's in index.html?", "Hi! How does the login work?",
    ],
)  # fmt: skip
def test_it_sees_a_question(text):
    assert fitting_mode(text) == "ask"


@pytest.mark.parametrize(
    "text",
    [
        "Add a page", "Make the header blue", "Can you add a page?", "Could we use green?", "A shop for tea", "",
        "Why is the header blue? Make it green.", "What if the header was green?", "How about a dark mode?",
        "please explain nothing, just build it", "Is it accessible? If not, fix it.", "What? " * 700,
    ],
)  # fmt: skip
def test_it_sees_an_order(text):
    assert fitting_mode(text) == "build"


@pytest.mark.django_db
def test_it_says_so_over_rest(api, alice):
    assert api(alice).get("/api/v1/suggest/", {"text": "What does this do?"}).json() == {"mode": "ask"}
    assert api(alice).get("/api/v1/suggest/", {"text": "Add a page"}).json() == {"mode": "build"}
    assert api(alice).get("/api/v1/suggest/").json() == {"mode": "build"}
    assert api(alice).post("/api/v1/suggest/", {"text": "What does this do?"}).json() == {"mode": "ask"}
    assert api().get("/api/v1/suggest/").status_code == api().post("/api/v1/suggest/").status_code == 401
