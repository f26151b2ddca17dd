"""Signing up and in, and the prompt that was typed before."""

from django.urls import reverse

from accounts.models import User
from agents.models import Run
from projects.models import Project
from usage.services import account_of

SIGN_UP = {"email": "New@Example.com", "password1": "a-long-enough-password"}
PROMPT = {"prompt": "A page for a bakery", "framework": "html", "model": "vibe-m"}


def test_it_signs_up_with_an_address_and_a_password(as_user, db):
    client = as_user()
    answer = client.post(reverse("account_signup"), SIGN_UP)
    assert answer.status_code == 302 and answer.url == reverse("project-list")
    user = User.objects.get()
    assert user.email == "new@example.com" and user.check_password(SIGN_UP["password1"])
    assert account_of(user).balance == 25_000_000
    assert client.get(reverse("project-list")).status_code == 200


def test_it_runs_the_prompt_that_was_typed_before_signing_up(as_user, db):
    client = as_user()
    assert client.post(reverse("project-create"), PROMPT).url == reverse("account_signup")
    assert not Project.objects.exists()
    answer = client.post(reverse("account_signup"), SIGN_UP, follow=True)
    project = Project.objects.get()
    # Told that it is new, the page drops the draft.
    assert answer.redirect_chain[-1][0] == project.get_absolute_url()
    assert (project.owner.email, project.framework) == ("new@example.com", "html")
    client.get(reverse("project-pending"))
    assert Run.objects.count() == 1


def test_it_keeps_no_more_of_a_strangers_form_than_a_prompt(as_user, db):
    client = as_user()
    long = {**PROMPT, "framework": "x" * 100_000, "model": "y" * 100_000, "references": ["z" * 100_000] * 50}
    assert client.post(reverse("project-create"), long).status_code == 302
    assert len(str(dict(client.session))) < 2_000


def test_it_runs_the_prompt_that_was_typed_before_signing_in(as_user, alice):
    alice.set_password("a-long-enough-password")
    alice.save()
    client = as_user()
    assert "Your prompt is kept" not in client.get(reverse("account_login")).text
    client.post(reverse("project-create"), PROMPT)
    assert "Your prompt is kept" in client.get(reverse("account_login")).text
    client.post(reverse("account_login"), {"login": alice.email, "password": "a-long-enough-password"}, follow=True)
    assert Project.objects.get().owner == alice


def test_it_leads_back_to_the_page_that_was_asked_for(as_user, alice, project):
    alice.set_password("a-long-enough-password")
    alice.save()
    client = as_user()
    asked = client.get(project.get_absolute_url())
    assert asked.status_code == 302
    form = {"login": alice.email, "password": "a-long-enough-password"}
    assert client.post(asked.url, form, follow=True).redirect_chain[-1][0] == project.get_absolute_url()


def test_it_refuses_a_weak_password_and_a_taken_address_without_saying_more(as_user, alice):
    weak = as_user().post(reverse("account_signup"), {"email": "x@example.com", "password1": "12345"})
    assert weak.status_code == 200 and not User.objects.filter(email="x@example.com").exists()
    as_user().post(reverse("account_signup"), {"email": alice.email.upper(), "password1": "a-long-enough-password"})
    assert User.objects.count() == 1


def test_it_lets_no_suspended_user_in(as_user, alice):
    alice.set_password("a-long-enough-password")
    alice.is_active = False
    alice.save()
    client = as_user()
    client.post(reverse("account_login"), {"login": alice.email, "password": "a-long-enough-password"})
    assert client.get(reverse("project-list")).status_code == 302


def test_it_ends_the_session_of_a_user_who_is_suspended(as_user, alice):
    client = as_user(alice)
    assert client.get(reverse("settings")).status_code == 200
    User.objects.update(is_active=False)
    assert client.get(reverse("settings")).status_code == 302
    assert client.get("/api/v1/projects/").status_code == 401


def test_it_does_not_send_people_to_other_sites(as_user, alice):
    alice.set_password("a-long-enough-password")
    alice.save()
    form = {"login": alice.email, "password": "a-long-enough-password", "next": "https://evil.example/"}
    assert as_user().post(reverse("account_login"), form).url == reverse("project-list")
