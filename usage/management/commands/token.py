"""`bin/manage token EMAIL [--create] [--credits N]`: prints an API token of that user, and nothing else."""

from argparse import ArgumentParser
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from accounts.models import ApiToken, User
from usage import services


class Command(BaseCommand):
    help = "Print a new API token of a user. Credits that are asked for are added."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--create", action="store_true", help="make the user if there is none (without a password)")
        parser.add_argument("--credits", type=_credits, help="credits to add, such as 10 or 0.5")

    def handle(self, *args: Any, email: str, create: bool, **options: Any) -> None:
        user = User.objects.filter(email=email.lower()).first()
        if user is None and not create:
            raise CommandError(f"There is no user {email}. Add --create to make one.")
        user = user or _make(email)
        if not user.is_active:
            raise CommandError(f"{email} is suspended; a token would not work.")
        services.account_of(user)
        if amount := options["credits"]:
            services.grant(user, amount, f"command-{uuid4()}", "Granted on the command line")
        _, secret = ApiToken.issue(user, "Command line")
        self.stdout.write(secret)


def _make(email: str) -> User:
    try:
        validate_email(email)
    except ValidationError:
        raise CommandError(f"{email!r} is not an e-mail address.") from None
    return User.objects.create_user(email)


def _credits(text: str) -> int:
    """Micro-credits of a number of credits."""
    try:
        amount = int(Decimal(text) * settings.MICRO)
        services.check_amount(amount)
    except (InvalidOperation, ValueError, OverflowError):
        raise CommandError(f"--credits wants a number above 0, not {text!r}.") from None
    return amount
