"""Credits: an account per user, reservations for work under way, and an append-only ledger. Integer micro-credits."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper


class Account(models.Model):
    """What a user has. `balance` is the sum of the ledger; `reserved` is the sum of open reservations.

    An account outlives its user: when a person is deleted, the ledger stays without a name.
    """

    class Plan(models.TextChoices):
        FREE = "free"
        PRO = "pro"
        TEAM = "team"

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="account")
    balance = models.BigIntegerField(default=0)
    reserved = models.BigIntegerField(default=0)
    plan = models.CharField(max_length=4, choices=Plan.choices, default=Plan.FREE, db_default=Plan.FREE)
    plan_since = models.DateTimeField(null=True, blank=True, help_text="Its months are counted from here.")
    plan_until = models.DateTimeField(null=True, blank=True, help_text="Afterwards the plan is Free; empty: no end.")
    refilled = models.DateField(null=True, blank=True, help_text="UTC day whose refill was given.")
    customer = models.CharField(
        max_length=80, blank=True, default="", db_default="", help_text="Who this is to Stripe."
    )
    run_cap = models.BigIntegerField(null=True, blank=True, help_text="Micro-credits that one run may cost.")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(reserved__gte=0), name="reserved_not_negative"),
            models.CheckConstraint(condition=Q(balance__gte=F("reserved")), name="balance_covers_reserved"),
            models.CheckConstraint(condition=Q(run_cap__gt=0), name="run_cap_above_nothing"),
        ]

    def __str__(self) -> str:
        return f"account {self.pk}"

    @property
    def available(self) -> int:
        return self.balance - self.reserved


class Entry(models.Model):
    """One line of the ledger. Inserted, never changed: a trigger refuses UPDATE and DELETE."""

    class Kind(models.TextChoices):
        GRANT = "grant"
        CHARGE = "charge"
        REFUND = "refund"
        REVERSAL = "reversal"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="entries")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    amount = models.BigIntegerField(help_text="Micro-credits; negative for a charge and for a grant taken back.")
    key = models.CharField(max_length=120, unique=True, help_text="The same key never counts twice.")
    note = models.CharField(max_length=200, blank=True)
    run_id = models.UUIDField(null=True, blank=True, help_text="The run of a charge or refund.")
    created = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name_plural = "entries"
        ordering = ["-id"]
        indexes = [models.Index(fields=["account", "-id"]), models.Index(fields=["account", "created"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount}"


class Reservation(models.Model):
    """Credits held back for one run until it ends. Ends once, by settle or release."""

    class State(models.TextChoices):
        OPEN = "open"
        SETTLED = "settled"
        RELEASED = "released"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="reservations")
    run_id = models.UUIDField(unique=True, default=uuid.uuid4)
    amount = models.BigIntegerField()
    cap = models.BigIntegerField(null=True, help_text="Most that the run may hold and cost.")
    used = models.BigIntegerField(default=0, help_text="What was settled.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.state} {self.amount}"


class PromoCode(models.Model):
    """A word that gives credits: once to each user, and to at most `most_uses` of them."""

    code = models.CharField(max_length=40)
    amount = models.BigIntegerField(help_text="Micro-credits.")
    note = models.CharField(max_length=150, blank=True)
    most_uses = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: no limit.")
    uses = models.PositiveIntegerField(default=0)
    active = models.BooleanField(default=True)
    ends = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(Upper("code"), name="one_promo_per_code"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="promo_gives_something"),
        ]

    def __str__(self) -> str:
        return self.code


class Redemption(models.Model):
    """A promo code that a user has used."""

    promo = models.ForeignKey(PromoCode, on_delete=models.PROTECT, related_name="redemptions")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="redemptions")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["promo", "account"], name="one_redemption_per_user")]

    def __str__(self) -> str:
        return f"{self.promo_id} by {self.account_id}"


class Subscription(models.Model):
    """A subscription at Stripe, as it last said. The account's plan comes from those that live."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="subscriptions")
    stripe_id = models.CharField(max_length=80, unique=True)
    status = models.CharField(max_length=30)
    plan = models.CharField(max_length=4, blank=True, help_text="Empty: a price that is none of ours.")
    until = models.DateTimeField()
    paid_until = models.DateTimeField(
        null=True, blank=True, help_text="A month that begins then or later gives nothing."
    )

    def __str__(self) -> str:
        return f"{self.plan} {self.status}"


class Purchase(models.Model):
    """A top-up that was offered at checkout: what it gives, whether it was paid, what a refund has taken back."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="purchases")
    session_id = models.CharField(max_length=120, unique=True)
    payment_intent = models.CharField(max_length=80, unique=True, null=True, blank=True)
    credits = models.BigIntegerField(help_text="Micro-credits.")
    paid = models.BooleanField(default=False)
    taken_back = models.BigIntegerField(default=0, help_text="Micro-credits.")
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.session_id
