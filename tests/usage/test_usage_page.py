"""The usage page shows its owner's ledger, and nobody else's."""

from uuid import uuid4

from django.urls import reverse

from usage import services


def test_it_shows_what_the_user_has_and_every_line(as_user, alice):
    services.grant(alice, 2_500_000, uuid4().hex, "A present for you")
    answer = as_user(alice).get(reverse("usage"))
    assert answer.status_code == 200
    assert "A present for you" in answer.text
    assert "2.5 credits" in answer.text


def test_it_does_not_show_other_peoples_lines(as_user, alice, bob):
    services.grant(alice, 2_500_000, uuid4().hex, "A present for Alice")
    assert "A present for Alice" not in as_user(bob).get(reverse("usage")).text


def test_it_goes_on_below_a_line(as_user, alice):
    for number in range(55):
        services.grant(alice, 1_000_000, uuid4().hex, f"present-{number:02}")
    client = as_user(alice)
    first = client.get(reverse("usage"))
    assert "present-54" in first.text and "present-03" not in first.text
    second = client.get(reverse("usage"), {"before": first.context["next_before"]})
    assert "present-03" in second.text and "present-54" not in second.text
    assert second.context["next_before"] is None


def test_it_takes_a_nonsense_place_as_the_beginning(as_user, alice):
    for before in ("x", "-1", "9" * 40):
        assert as_user(alice).get(reverse("usage"), {"before": before}).status_code == 200


def test_it_asks_strangers_to_sign_in(as_user):
    assert as_user().get(reverse("usage")).status_code == 302
