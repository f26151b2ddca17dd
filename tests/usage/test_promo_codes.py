"""A promo code gives once to each person and never more often than it may, whatever comes at once."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.usage.test_reservations import at_once
from usage import promo, services
from usage.models import Account, Entry, PromoCode


@pytest.fixture
def code(db):
    return PromoCode.objects.create(code="Welcome-50", amount=5_000_000, most_uses=3)


def test_it_gives_once_and_in_any_case_of_letters(code, alice):
    assert promo.redeem(alice, " welcome-50 ").amount == 5_000_000
    with pytest.raises(promo.BadCode, match="already"):
        promo.redeem(alice, "WELCOME-50")
    assert Account.objects.get(user=alice).balance == 30_000_000


def test_it_gives_one_person_once_however_many_come_at_once(transactional_db, alice):
    PromoCode.objects.create(code="RACE", amount=7)
    results = at_once(20, lambda: promo.redeem(alice, "RACE"))
    assert sum(isinstance(result, Entry) for result in results) == 1
    assert Account.objects.get(user=alice).balance == 25_000_007
    assert PromoCode.objects.get().uses == 1


def test_it_gives_no_more_people_than_it_may(transactional_db, person):
    PromoCode.objects.create(code="FEW", amount=7, most_uses=3)
    people = iter([person() for _ in range(10)])
    results = at_once(10, lambda: promo.redeem(next(people), "FEW"))
    assert sum(isinstance(result, Entry) for result in results) == 3
    assert (PromoCode.objects.get().uses, Entry.objects.filter(amount=7).count()) == (3, 3)


@pytest.mark.parametrize("over", [{"active": False}, {"ends": timezone.now() - timedelta(days=1)}, {"uses": 3}])
def test_it_says_the_same_of_a_code_that_is_over_and_of_one_that_never_was(code, alice, over):
    PromoCode.objects.update(**over)
    for word in ("welcome-50", "no such word", "", "x" * 500):
        with pytest.raises(promo.BadCode, match="not valid"):
            promo.redeem(alice, word)
    assert services.account_of(alice).balance == 25_000_000


def test_it_is_redeemed_on_the_usage_page_and_cannot_be_guessed_at(code, alice, as_user):
    client = as_user(alice)
    assert "5 credits" in client.post(reverse("promo-redeem"), {"code": "welcome-50"}, follow=True).text
    for _ in range(9):
        client.post(reverse("promo-redeem"), {"code": "guess"})
    PromoCode.objects.create(code="RIGHT", amount=1)
    assert "Come back later" in client.post(reverse("promo-redeem"), {"code": "RIGHT"}, follow=True).text
    assert PromoCode.objects.get(code="RIGHT").uses == 0
