"""A clock for what plans give, and a Stripe that the site speaks with."""

from datetime import datetime

import pytest
from django.utils import timezone

from tests.usage.stripe_server import SECRET, StripeServer


@pytest.fixture
def on(monkeypatch):
    """`on("2027-01-31")`: makes it that UTC day, for the ledger and for everything it asks."""

    def on(day: str) -> None:
        at = datetime.fromisoformat(f"{day}T12:00:00+00:00")
        monkeypatch.setattr("usage.ledger.today", at.date)
        monkeypatch.setattr(timezone, "now", lambda: at)

    return on


@pytest.fixture
def stripe(settings, transactional_db):
    server = StripeServer()
    settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = "sk_test_1", server.url
    settings.STRIPE_WEBHOOK_SECRETS, settings.STRIPE_PRICE_TOPUP = ["whsec_newer", SECRET], "price_topup"
    for name in ("pro", "team"):
        plan = {**settings.PLANS[name], "stripe_price": f"price_{name}"}
        settings.PLANS = {**settings.PLANS, name: plan}
    yield server
    server.server.shutdown()
    server.server.server_close()
