"""Credits: an account per user, reservations for work under way, and an append-only ledger. Integer micro-credits."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class Account(models.Model):
    """What a user has. `balance` is the sum of the ledger; `reserved` is the sum of open reservations."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="account")
    balance = models.BigIntegerField(default=0)
    reserved = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(reserved__gte=0), name="reserved_not_negative"),
            models.CheckConstraint(condition=Q(balance__gte=F("reserved")), name="balance_covers_reserved"),
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

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="entries")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    amount = models.BigIntegerField(help_text="Micro-credits; negative for a charge.")
    key = models.CharField(max_length=120, unique=True, help_text="The same key never counts twice.")
    note = models.CharField(max_length=200, blank=True)
    created = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name_plural = "entries"
        ordering = ["-id"]

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
    used = models.BigIntegerField(default=0, help_text="What was settled.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.state} {self.amount}"
