"""`bin/manage recount`: adds every ledger and every open reservation up again; exits 1 on any difference."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

# One statement, so one snapshot: runs may go on meanwhile.
DIFFERENCES = """
SELECT account.id, account.balance, coalesce(ledger.total, 0), account.reserved, coalesce(held.total, 0)
FROM usage_account AS account
LEFT JOIN (SELECT account_id, sum(amount) AS total FROM usage_entry GROUP BY 1) AS ledger
    ON ledger.account_id = account.id
LEFT JOIN (SELECT account_id, sum(amount) AS total FROM usage_reservation WHERE state = 'open' GROUP BY 1) AS held
    ON held.account_id = account.id
WHERE account.balance <> coalesce(ledger.total, 0) OR account.reserved <> coalesce(held.total, 0)
ORDER BY account.id
"""


class Command(BaseCommand):
    help = "Compare every account with its ledger and its open reservations."

    def handle(self, *args: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(DIFFERENCES)
            rows = cursor.fetchall()
            cursor.execute("SELECT count(*) FROM usage_account")
            accounts = cursor.fetchone()[0]
        for account, balance, ledger, reserved, held in rows:
            self.stderr.write(
                f"account {account}: balance {balance}, ledger {ledger}; reserved {reserved}, held {held}"
            )
        if rows:
            raise CommandError(f"{len(rows)} of {accounts} accounts differ.")
        self.stdout.write(f"{accounts} accounts, 0 differences.")
