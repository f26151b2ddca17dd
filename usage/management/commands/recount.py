"""`bin/manage recount`: adds every ledger and every open reservation up again; exits 1 on any difference."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from usage.models import Account
from usage.recount import differences


class Command(BaseCommand):
    help = "Compare every account with its ledger and its open reservations."

    def handle(self, *args: Any, **options: Any) -> None:
        found, accounts = differences(), Account.objects.count()
        for line in found:
            self.stderr.write(str(line))
        if found:
            raise CommandError(f"{len(found)} of {accounts} accounts differ.")
        self.stdout.write(f"{accounts} accounts, 0 differences.")
