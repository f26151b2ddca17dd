"""People take their data with them, and take themselves out: everything goes but the amounts in the books."""

import io
import json
import zipfile

import pytest
from django.urls import reverse

from accounts.models import ApiToken, ProviderKey, User
from agents import edits, people_views, runs
from agents.models import Run, Step
from projects import attachments, github
from projects.models import Project
from tests.people import PASSWORD
from usage.models import Account, Entry, Reservation
from usage.services import account_of


@pytest.fixture
def keyed(alice):
    row = ProviderKey(user=alice, provider="anthropic")
    row.put("sk-very-secret-0123456789")
    row.save()
    return alice


def test_it_gives_everything_and_no_secret(as_user, keyed, project, run, bob):
    _, secret = ApiToken.issue(keyed)
    server = keyed.mcp_servers.model(user=keyed, name="wiki", url="https://mcp.example.com/")
    server.put("wiki-very-secret-token-4321")
    server.save()
    github.keep(keyed, "github_pat_very-secret-8765")
    Project.objects.filter(pk=project.pk).update(rules="Prices in euros.", locked=["legal/"])
    answer = as_user(keyed).post(reverse("account-export"))
    assert "attachment" in answer.headers["Content-Disposition"] and "no-store" in answer.headers["Cache-Control"]
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        names = archive.namelist()
        about = json.loads(archive.read("account.json"))
        told = json.loads(archive.read(f"projects/{project.pk}/project.json"))
        assert archive.read(f"projects/{project.pk}/files/app.js") == b"let a = 1;\n"
        whole = b"".join(archive.read(name) for name in names)
    assert about["email"] == keyed.email and about["provider_keys"][0]["last_four"] == "6789"
    assert [message["text"] for message in told["messages"]] == ["Make it blue"] and len(told["runs"]) == 1
    assert (told["rules"], told["locked"]) == ("Prices in euros.", ["legal/"])
    assert about["mcp_servers"][0]["last_four"] == "4321" and b"wiki-very-secret" not in whole
    assert about["github_token"]["last_four"] == "8765" and b"github_pat_very" not in whole
    assert b"sk-very-secret" not in whole and secret.encode() not in whole and bob.email.encode() not in whole


def test_it_gives_what_was_attached_and_what_was_deleted(as_user, alice, run):
    message = run.message
    for name, content in (("menu.txt", b"Bread 3"), ("later.txt", b"Tea 2")):
        attachments.add(run.project, name, content)
    first, _ = run.project.attachments.all()
    attachments.send(run.project, [first.pk], message, ())
    edits.delete_project(run.project)
    answer = as_user(alice).post(reverse("account-export"))
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        folder = f"projects/{run.project_id}"
        told = json.loads(archive.read(f"{folder}/project.json"))
        assert told["deleted"] and told["messages"][0]["id"] == str(message.pk)
        given = {one["name"]: (one["message"], archive.read(f"{folder}/{one['file']}")) for one in told["attachments"]}
    assert given == {"menu.txt": (str(message.pk), b"Bread 3"), "later.txt": (None, b"Tea 2")}
    assert "1 project with all versions" in as_user(alice).get(reverse("account-delete")).text


def test_it_gives_so_many_exports_a_day(as_user, alice):
    client = as_user(alice)
    answers = [client.post(reverse("account-export")).status_code for _ in range(people_views.EXPORTS + 1)]
    assert answers == [200] * people_views.EXPORTS + [302]


def test_it_deletes_an_account_only_with_its_password(as_user, alice, project):
    alice.set_password(PASSWORD)
    alice.save()
    client, url = as_user(alice), reverse("account-delete")
    for data in ({}, {"password": "wrong"}, {"password": ""}, {"email": alice.email}):
        assert client.post(url, data).status_code == 400
    assert User.objects.filter(pk=alice.pk).exists()
    assert client.post(url, {"password": PASSWORD}).url == reverse("home")
    assert not User.objects.filter(pk=alice.pk).exists() and not Project.objects.exists()
    assert client.get(reverse("settings")).status_code == 302


def test_it_asks_who_has_no_password_for_the_address(as_user, alice):
    client, url = as_user(alice), reverse("account-delete")
    assert client.post(url, {"email": "other@example.com"}).status_code == 400
    assert client.post(url, {"email": alice.email.upper()}).status_code == 302


def test_it_takes_everything_along_and_keeps_the_amounts(project, run, keyed, bob):
    account, other = account_of(keyed), account_of(bob)
    assert account.reserved == 1_000_000
    people_views.delete(keyed)
    for kind in (Project, Run, Step, ApiToken, ProviderKey):
        assert not kind.objects.exists(), kind
    assert not Reservation.objects.filter(state="open").exists()
    kept = Account.objects.get(pk=account.pk)
    assert (kept.user, kept.balance, kept.reserved) == (None, 25_000_000, 0)
    assert {entry.note for entry in Entry.objects.filter(account=kept)} == {""}
    assert Account.objects.get(pk=other.pk).user == bob


def test_it_leaves_a_worker_nothing_to_write(transactional_db, alice, run):
    fence = runs.claim(run.pk, 30)
    assert fence
    people_views.delete(alice)
    with pytest.raises(runs.LeaseLost):
        runs.append(fence, "stage", {"stage": "work"})
