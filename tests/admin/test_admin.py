"""The staff pages: for staff only, quick, and without a way to bend the ledger."""

from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.urls import reverse

from accounts.models import ApiToken, User
from agents.models import Run, Sandbox
from projects.models import Project
from usage import services
from usage.models import Account, Entry

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
READ_ONLY = ["usage.account", "usage.entry", "usage.reservation", "agents.run", "agents.sandbox", "projects.version"]


def names(model):
    return f"{model._meta.app_label}_{model._meta.model_name}"


@pytest.fixture
def things(project, run, staff):
    """One of everything that staff can look at."""
    ApiToken.issue(project.owner)
    Sandbox.objects.create(project=project, sandbox_id="s1", template="html", host="x")
    LogEntry.objects.log_actions(staff.pk, [project], 2, "Looked at.", single_object=True)


@pytest.mark.parametrize("model", MODELS, ids=names)
def test_it_shows_every_list_and_every_row(as_user, staff, things, model):
    client = as_user(staff)
    answer = client.get(reverse(f"admin:{names(model)}_changelist"), {"q": "a"})
    assert answer.status_code == 200
    row = model._default_manager.first()
    if row is not None:
        assert client.get(reverse(f"admin:{names(model)}_change", args=[row.pk])).status_code == 200


@pytest.mark.parametrize("model", MODELS, ids=names)
def test_it_lets_in_nobody_without_the_right(as_user, alice, person, protect, things, model):
    powerless = protect(person(is_staff=True))
    url = reverse(f"admin:{names(model)}_changelist")
    assert as_user().get(url).status_code == as_user(alice).get(url).status_code == 302
    assert as_user(powerless).get(url).status_code == 403


OURS = [model for model in MODELS if model._meta.app_label in ("accounts", "usage", "projects", "agents")]


@pytest.mark.parametrize("model", OURS, ids=names)
def test_it_never_counts_a_whole_table(model):
    assert admin.site._registry[model].show_full_result_count is False


@pytest.mark.parametrize("model", [model for model in MODELS if model._meta.label_lower in READ_ONLY], ids=names)
def test_it_changes_adds_and_deletes_nothing_in_what_is_to_read_only(as_user, staff, things, model):
    client, row = as_user(staff), model._default_manager.first()
    assert client.get(reverse(f"admin:{names(model)}_add")).status_code == 403
    assert client.post(reverse(f"admin:{names(model)}_change", args=[row.pk]), {"amount": 1}).status_code == 403
    assert client.post(reverse(f"admin:{names(model)}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    model._default_manager.get(pk=row.pk)


def grant(client, users, **fields):
    form = {"action": "grant", "_selected_action": [user.pk for user in users], **fields}
    return client.post(reverse("admin:accounts_user_changelist"), form, follow=True)


def test_it_grants_credits_with_a_note_and_logs_it(as_user, staff, alice, bob):
    answer = grant(as_user(staff), [alice, bob], credits="2.50", note="For your patience", once=uuid4())
    assert "Granted 2.5 credits" in answer.text
    for user in (alice, bob):
        assert Account.objects.get(user=user).balance == 27_500_000
        assert Entry.objects.filter(account__user=user, note="For your patience", amount=2_500_000).count() == 1
        logged = LogEntry.objects.get(object_id=str(user.pk))
        assert logged.user == staff and "2.5 credits: For your patience" in logged.change_message


def test_it_grants_once_for_a_double_click(as_user, staff, alice):
    once = uuid4()
    for _ in range(2):
        grant(as_user(staff), [alice], credits="1", note="Sorry", once=once)
    assert Account.objects.get(user=alice).balance == 26_000_000


@pytest.mark.parametrize("amount", ["", "0", "-5", "1e9", "1e999999", "x", "NaN", "0.001", "1000000000000"])
def test_it_refuses_an_odd_amount(as_user, staff, alice, amount):
    services.account_of(alice)
    answer = grant(as_user(staff), [alice], credits=amount, note="Hm", once=uuid4())
    assert "needs an amount" in answer.text
    assert Account.objects.get(user=alice).balance == 25_000_000 and not LogEntry.objects.exists()


def test_it_grants_nothing_without_a_note(as_user, staff, alice):
    assert "needs an amount" in grant(as_user(staff), [alice], credits="1", note=" ", once=uuid4()).text


def test_it_suspends_and_reinstates(as_user, staff, alice, run):
    client, url = as_user(staff), reverse("admin:accounts_user_changelist")
    client.post(url, {"action": "suspend", "_selected_action": [alice.pk, staff.pk]})
    assert not User.objects.get(pk=alice.pk).is_active and User.objects.get(pk=staff.pk).is_active
    assert Run.objects.get(pk=run.pk).state == "cancelled"
    client.post(url, {"action": "reinstate", "_selected_action": [alice.pk]})
    assert User.objects.get(pk=alice.pk).is_active
    assert LogEntry.objects.filter(object_id=str(alice.pk)).count() == 2


@pytest.fixture
def helper(person, protect):
    """Somebody who may change people, and no more than that."""
    helper = protect(person(name="Helper", is_staff=True))
    helper.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    helper.user_permissions.add(*Permission.objects.filter(codename__endswith="_authenticator"))
    return helper


def test_it_lets_who_may_change_people_change_nobodys_rights(as_user, helper, alice):
    client, change = as_user(helper), reverse("admin:accounts_user_change", args=[alice.pk])
    everything = Permission.objects.values_list("pk", flat=True)
    form = {
        "email": alice.email,
        "name": "Alice B.",
        "theme": alice.theme,
        "code_theme": alice.code_theme,
        "is_active": "on",
    }
    rights = {"is_active": "on", "is_staff": "on", "is_superuser": "on", "user_permissions": list(everything)}
    assert client.post(change, form | rights).status_code == 302
    alice.refresh_from_db()
    assert alice.name == "Alice B." and not alice.is_staff and not alice.is_superuser
    assert not alice.user_permissions.exists()


def test_it_leaves_staff_to_superusers(as_user, helper, staff):
    client = as_user(helper)
    for user in (helper, staff):
        change = reverse("admin:accounts_user_change", args=[user.pk])
        assert client.get(change).status_code == 200  # to look at
        assert client.post(change, {"email": "taken@example.com"}).status_code == 403
        password = reverse("admin:auth_user_password_change", args=[user.pk])
        assert client.post(password, {"password1": "over-taken-9", "password2": "over-taken-9"}).status_code == 403
    factor = Authenticator.objects.get(user=staff)
    delete = reverse("admin:mfa_authenticator_delete", args=[factor.pk])
    assert client.post(delete, {"post": "yes"}).status_code == 403
    form = {"action": "delete_selected", "_selected_action": [factor.pk], "post": "yes"}
    client.post(reverse("admin:mfa_authenticator_changelist"), form)
    assert Authenticator.objects.filter(pk=factor.pk).exists()


def test_it_suspends_and_pays_no_staff_for_who_is_no_superuser(as_user, helper, staff, alice):
    client, people = as_user(helper), reverse("admin:accounts_user_changelist")
    form = {"action": "suspend", "_selected_action": [staff.pk, alice.pk]}
    answer = client.post(people, form, follow=True)
    assert f"Left alone: {staff.email}" in answer.text and f"Suspended: {alice.email}" in answer.text
    staff.refresh_from_db()
    assert staff.is_active
    grant(client, [helper], credits="1000", note="For me", once=uuid4())
    assert not Entry.objects.filter(note="For me").exists()


def test_it_deletes_nobody(as_user, staff, alice):
    client = as_user(staff)
    assert client.post(reverse("admin:accounts_user_delete", args=[alice.pk]), {"post": "yes"}).status_code == 403
    client.post(
        reverse("admin:accounts_user_changelist"), {"action": "delete_selected", "_selected_action": [alice.pk]}
    )
    assert User.objects.filter(pk=alice.pk).exists()


def test_it_adds_a_user_by_address(as_user, staff):
    form = {
        "email": "new@example.com",
        "usable_password": "true",
        "password1": "a-long-1-enough",
        "password2": "a-long-1-enough",
    }
    as_user(staff).post(reverse("admin:accounts_user_add"), form)
    assert User.objects.get(email="new@example.com").check_password("a-long-1-enough")


def test_it_hides_a_project_with_its_runs_and_brings_it_back(as_user, staff, run):
    client, url = as_user(staff), reverse("admin:projects_project_changelist")
    client.post(url, {"action": "hide", "_selected_action": [run.project_id]})
    assert Project.objects.get().deleted and Run.objects.get().state == "cancelled"
    client.post(url, {"action": "bring_back", "_selected_action": [run.project_id]})
    assert Project.objects.get().deleted is None


def test_it_shows_a_run_as_a_timeline_with_hostile_text_as_text(as_user, staff, project):
    from agents.services import start_run

    run = start_run(project, "<script>alert(1)</script>")
    page = as_user(staff).get(reverse("admin:agents_run_change", args=[run.pk])).text
    assert "user_message" in page and "&lt;script&gt;alert(1)" in page and "<script>alert(1)" not in page


def test_it_never_shows_a_token(as_user, staff, alice):
    row, secret = ApiToken.issue(alice)
    page = as_user(staff).get(reverse("admin:accounts_apitoken_change", args=[row.pk])).text
    assert secret not in page and row.digest not in page and row.last_four in page
