"""Adds every ledger and every open reservation up again, and compares them with what the accounts say."""

from typing import NamedTuple

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


class Difference(NamedTuple):
    """An account that does not add up. Micro-credits."""

    account: int
    balance: int
    ledger: int
    reserved: int
    held: int

    def __str__(self) -> str:
        amounts = f"balance {self.balance}, ledger {self.ledger}; reserved {self.reserved}, held {self.held}"
        return f"account {self.account}: {amounts}"


def differences() -> list[Difference]:
    """Every account that does not add up."""
    with connection.cursor() as cursor:
        cursor.execute(DIFFERENCES)
        return [Difference(*(int(value) for value in row)) for row in cursor.fetchall()]
