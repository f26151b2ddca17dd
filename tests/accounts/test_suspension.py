"""Who is suspended, signed out or has another password is gone everywhere within five seconds."""

import time
import urllib.error
import urllib.request

import pytest
from django.test import Client

from accounts import people
from accounts.models import ApiToken, User
from agents import services
from agents.models import Run, Sandbox

SECONDS = 5.0


def ask(stack, secret):
    headers = {"Authorization": f"Bearer {secret}"}
    try:
        request = urllib.request.Request(f"{stack.url}/api/v1/projects/", headers=headers)
        return urllib.request.urlopen(request, timeout=10).status
    except urllib.error.HTTPError as error:
        return error.code


def test_it_ends_sessions_sockets_streams_tokens_and_runs(stack, person, eventually, watch):
    user = person()
    run = services.start_project(user, "A page about tea", "html")
    eventually(lambda: Run.objects.get(pk=run.pk).state == Run.State.RUNNING, 60)
    client, secret = Client(), ApiToken.issue(user)[1]
    client.force_login(user)
    socket = watch(stack, run.project_id, cookie=client.cookies["vibe_session"].value)
    stream = watch(stack, run.project_id, token=secret)
    assert ask(stack, secret) == 200
    began = time.monotonic()
    people.suspend(User.objects.get(pk=user.pk))
    assert ask(stack, secret) == 401
    assert client.get("/settings/").status_code == 302
    eventually(lambda: socket.closed and stream.closed, 30)
    assert max(socket.closed, stream.closed) - began < SECONDS
    eventually(lambda: Run.objects.get(pk=run.pk).cancel_requested, SECONDS - (time.monotonic() - began))
    eventually(lambda: Run.objects.get(pk=run.pk).state == Run.State.CANCELLED, 30)
    eventually(lambda: not Sandbox.objects.filter(project=run.project_id).exists(), 30)


HOW = ["suspended by hand", "password", "password, by token", "signed out", "token revoked"]


@pytest.mark.parametrize("how", HOW)
def test_it_closes_what_another_sign_in_could_not_open_again(stack, project, alice, eventually, watch, how):
    alice.set_password("a-long-enough-password")
    alice.save()
    client, (token, secret) = Client(), ApiToken.issue(alice)
    client.force_login(alice)
    by_session = "token" not in how
    entry = {"cookie": client.cookies["vibe_session"].value} if by_session else {"token": secret}
    services.start_run(project, "Make it blue")  # a stream without a run under way ends by itself
    page = watch(stack, project.pk, **entry)
    began = time.monotonic()
    if how == "suspended by hand":
        User.objects.filter(pk=alice.pk).update(is_active=False)
    elif how.startswith("password"):
        alice.set_password("another-long-password")
        alice.save()
    elif how == "signed out":
        client.post("/accounts/logout/")
    else:
        ApiToken.objects.filter(pk=token.pk).update(revoked=token.created)
    eventually(lambda: page.closed, 30)
    assert page.closed - began < SECONDS
