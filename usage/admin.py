"""Staff pages for credits: balances and a grant action on users; the ledger and reservations to read only."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin import UserAdmin
from accounts.models import User
from usage import services
from usage.models import Account, Entry, Reservation


class GrantForm(ActionForm):
    """The fields beside the action menu. `once` makes a double click one grant."""

    credits = forms.DecimalField(
        required=False, min_value=Decimal("0.01"), max_value=Decimal(1_000_000), decimal_places=2, label="Credits"
    )
    note = forms.CharField(required=False, max_length=150, label="Note")
    once = forms.UUIDField(required=False, initial=uuid4, widget=forms.HiddenInput)


admin.site.unregister(User)


@admin.register(User)
class UserWithCreditsAdmin(UserAdmin):
    action_form = GrantForm
    actions = (*UserAdmin.actions, "grant")
    list_display = (*UserAdmin.list_display, "balance")
    list_select_related = ("account",)

    @admin.display(description="Balance")
    def balance(self, user: User) -> str:
        account = getattr(user, "account", None)
        return services.text(account.balance) if account else "–"

    @admin.action(description="Grant credits (fill in the amount and a note)", permissions=["change"])
    def grant(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        form = GrantForm(request.POST)
        form.fields["action"].choices = [(request.POST.get("action"), "")]  # type: ignore[attr-defined]
        if not form.is_valid() or not form.cleaned_data["credits"] or not form.cleaned_data["note"].strip():
            self.message_user(request, "A grant needs an amount of at least 0.01 and a note.", messages.ERROR)
            return
        amount = int(form.cleaned_data["credits"] * settings.MICRO)
        once, note = form.cleaned_data["once"] or uuid4(), form.cleaned_data["note"].strip()
        for user in queryset:
            services.account_of(user)
            services.grant(user, amount, f"staff-{once}-{user.pk}", note)
            self.log_change(request, user, f"Granted {services.text(amount)}: {note}")
        self.message_user(request, f"Granted {services.text(amount)}.")


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """To look at, search and filter; never to change, whoever asks."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ("user", "balance", "reserved")
    search_fields = ("user__email",)
    list_select_related = ("user",)


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    list_display = ("created", "account_email", "kind", "amount", "note", "key")
    list_filter = ("kind",)
    search_fields = ("account__user__email", "key", "note")
    list_select_related = ("account__user",)
    date_hierarchy = None
    ordering = ("-id",)

    @admin.display(description="User")
    def account_email(self, entry: Entry) -> str:
        return entry.account.user.email


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    list_display = ("created", "run_id", "state", "amount", "used")
    list_filter = ("state",)
    search_fields = ("run_id", "account__user__email")
    ordering = ("-id",)
