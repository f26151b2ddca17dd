"""The page of sessions names browsers as people do."""

import pytest

from vibe.templatetags.words import browser

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (CHROME, "Chrome on Linux"),
        (f"{CHROME} Edg/131.0".replace("X11; Linux x86_64", "Windows NT 10.0"), "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iOS"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", "Unknown"),
    ],
)
def test_it_names_a_browser_and_its_system(agent, name):
    assert browser(agent) == name


def test_it_shows_where_somebody_is_signed_in(client, alice):
    client.post("/accounts/login/", {"login": alice.email, "password": "wrong"}, headers={"user-agent": CHROME})
    client.force_login(alice)
    page = client.get("/accounts/sessions/", headers={"user-agent": CHROME})
    assert page.status_code == 200
    assert "Where you are signed in." in page.text
