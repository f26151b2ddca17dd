"""Staff pages for users and API tokens. Credits join the user's page in usage/admin.py.

Django's admin and form classes take type arguments for mypy only, not when Python runs: hence the ignores.
"""

from typing import Any

import allauth.mfa.admin
import allauth.socialaccount.admin
import allauth.usersessions.admin  # noqa: F401 – registered first, so that they can be taken away below
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import people
from accounts.models import ApiToken, User
from accounts.paging import QuickAdmin


class AddUserForm(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email",)


RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


def may_touch(request: HttpRequest, user: User | None) -> bool:
    """Staff are a matter for superusers: who may change people must not make themselves, or others, more than that."""
    return user is None or not user.is_staff or bool(getattr(request.user, "is_superuser", False))


@admin.register(User)
class UserAdmin(QuickAdmin, DjangoUserAdmin):  # type: ignore[type-arg]
    """People. Nobody is deleted here: suspending keeps the ledger whole."""

    form = UserChangeForm
    add_form = AddUserForm
    list_display: tuple[str, ...] = ("email", "name", "is_active", "is_staff", "date_joined")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "name__icontains")
    ordering = ("-id",)
    readonly_fields = ("date_joined", "last_login")
    actions: tuple[str, ...] = ("suspend", "reinstate")
    fieldsets = (
        (None, {"fields": ("email", "password", "name", "theme", "code_theme")}),
        ("Rights", {"fields": ("is_active", *RIGHTS)}),
        ("Times", {"fields": ("date_joined", "last_login")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and may_touch(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        return self.readonly_fields if request.user.is_superuser else (*self.readonly_fields, *RIGHTS)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Another address is confirmed by its owner, at the next sign-in, where the site sends mail."""
        old, obj.email = form.initial.get("email", ""), obj.email.lower()
        if change and obj.email != old:
            people.save_with_address(obj, old, verified=False)
        else:
            super().save_model(request, obj, form, change)

    @admin.action(description="Suspend: end their sessions and tokens at once", permissions=["change"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self.set_active(request, queryset.exclude(email=request.user.get_username()), False)

    @admin.action(description="Reinstate", permissions=["change"])
    def reinstate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self.set_active(request, queryset, True)

    def set_active(self, request: HttpRequest, users: QuerySet[User], active: bool) -> None:
        word = "Reinstated" if active else "Suspended"
        for user in self.reached(request, users.filter(is_active=not active)):
            people.reinstate(user) if active else people.suspend(user)
            self.log_change(request, user, f"{word}.")
            self.message_user(request, f"{word}: {user.email}.")

    def reached(self, request: HttpRequest, users: QuerySet[User]) -> list[User]:
        """Those of them whom an action of this member of staff may change; says whom it may not."""
        chosen = list(users)
        if left := [user.email for user in chosen if not may_touch(request, user)]:
            text = f"Only a superuser changes staff. Left alone: {', '.join(left)}."
            self.message_user(request, text, messages.ERROR)
        return [user for user in chosen if may_touch(request, user)]


@admin.register(ApiToken)
class ApiTokenAdmin(QuickAdmin):
    """Tokens by their last four characters; read-only but for revoking, which is done by date."""

    list_display = ("name", "last_four", "user", "scope", "created", "expires", "last_used", "revoked")
    search_fields = ("user__email", "name", "last_four")
    list_select_related = ("user",)
    fields = ("user", "name", "last_four", "scope", "created", "expires", "last_used", "revoked")
    readonly_fields = ("user", "name", "last_four", "scope", "created", "expires", "last_used")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


# Allauth's own pages search by a user name we do not have, and show what staff need not see: secrets and tokens.
for hidden in (UserSession, SocialApp, SocialToken, Authenticator):
    admin.site.unregister(hidden)


@admin.register(Authenticator)
class AuthenticatorAdmin(QuickAdmin):
    """Second factors, without their secrets. Deleting one helps who has lost the telephone and the recovery codes."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    list_select_related = ("user",)
    search_fields = ("user__email",)
    fields = readonly_fields = list_display

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Authenticator | None = None) -> bool:
        return super().has_delete_permission(request, obj) and may_touch(request, obj.user if obj else None)
