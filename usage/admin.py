"""Staff pages for credits: balances and a grant action on users; the ledger and reservations to read only."""

from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import uuid4

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet, Sum
from django.http import HttpRequest

from accounts.admin import UserAdmin
from accounts.models import User
from accounts.paging import MOST, BoundedPaginator, QuickAdmin
from usage import services
from usage.models import Account, Entry, PromoCode, Reservation

MOST_CREDITS = Decimal(1_000_000)


class GrantForm(ActionForm):
    """The fields beside the action menu. `once` makes a double click one grant.

    Text fields: with an invalid form Django would only say that no action was selected, so the action looks itself.
    """

    credits = forms.CharField(required=False, max_length=20, label="Credits")
    note = forms.CharField(required=False, max_length=150, label="Note")
    once = forms.CharField(required=False, max_length=36, initial=uuid4, widget=forms.HiddenInput, label="")


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
        return services.at_hand(account.balance) if account else "–"

    @admin.action(description="Grant credits (fill in the amount and a note)", permissions=["change"])
    def grant(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        amount, note = _micro(request.POST.get("credits", "")), request.POST.get("note", "").strip()[:150]
        if amount is None or not note:
            self.message_user(request, "A grant needs an amount of 0.01 to 1,000,000 and a note.", messages.ERROR)
            return
        once = request.POST.get("once") or uuid4()
        for user in self.reached(request, queryset):
            services.account_of(user)
            services.grant(user, amount, f"staff-{once}-{user.pk}", note)
            self.log_change(request, user, f"Granted {services.text(amount)}: {note}")
        self.message_user(request, f"Granted {services.text(amount)}.")


def _micro(text: str) -> int | None:
    """Micro-credits of what staff typed: credits with at most two decimals, up to a million; else None."""
    try:
        amount = Decimal(text.strip())
        whole = amount.is_finite() and amount == round(amount, 2)
    except InvalidOperation:
        return None
    return int(amount * settings.MICRO) if whole and 0 < amount <= MOST_CREDITS else None


class ReadOnlyAdmin(QuickAdmin):
    """To look at, search and filter; never to change, whoever asks."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ("user", "plan", "plan_until", "balance", "reserved")
    list_filter = ("plan",)
    search_fields = ("user__email",)
    list_select_related = ("user",)


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    list_display = ("created", "account_email", "kind", "amount", "note", "key")
    list_filter = ("kind",)
    search_fields = ("account__user__email", "key", "run_id")
    list_select_related = ("account__user",)
    date_hierarchy = None
    ordering = ("-id",)

    @admin.display(description="User")
    def account_email(self, entry: Entry) -> str:
        return entry.account.user.email if entry.account.user else "(deleted)"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The list, headed by the sums of the lines found, kind by kind."""
        response = super().changelist_view(request, extra_context)
        if (found := getattr(response, "context_data", None)) and "cl" in found:
            newest = found["cl"].queryset.order_by("-id").values("pk")[:MOST]
            sums = Entry.objects.filter(pk__in=newest).values_list("kind").annotate(Sum("amount")).order_by("kind")
            found["title"] = ", ".join(f"{kind}: {total / settings.MICRO:,.2f}" for kind, total in sums) or "No lines"
        return response


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    list_display = ("created", "run_id", "state", "amount", "used")
    list_filter = ("state",)
    search_fields = ("run_id", "account__user__email")
    ordering = ("-id",)


@admin.register(PromoCode)
class PromoCodeAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Made and ended here; what a code gives is fixed once it is there."""

    list_display = ("code", "amount", "uses", "most_uses", "active", "ends")
    search_fields = ("code", "note")
    show_full_result_count = False
    paginator = BoundedPaginator

    def get_readonly_fields(self, request: HttpRequest, obj: PromoCode | None = None) -> tuple[str, ...]:
        return ("uses", "created", *(("code", "amount") if obj else ()))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
