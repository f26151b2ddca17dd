"""Credits are held back, settled and given back exactly once, whatever comes at the same time."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections, transaction

from tests.site import somebody_waits
from usage import services
from usage.models import Account, Entry, Reservation
from usage.services import NotEnoughCredits


@pytest.fixture
def rich(person, settings):
    """`rich(amount)`: a user with exactly that many micro-credits."""
    settings.SIGNUP_CREDITS = 0

    def make(amount: int):
        user = person()
        services.grant(user, amount, uuid4().hex, "test")
        return user

    return make


def at_once(count: int, work: Callable[[], Any]) -> list[Any]:
    """What `work` gave or raised in each of `count` threads that start together."""
    start = threading.Barrier(count)
    results: list[Any] = []

    def go() -> None:
        start.wait(20)
        try:
            results.append(work())
        except Exception as error:  # noqa: BLE001 – the answer of this thread
            results.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=go) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == count
    return results


def test_it_accepts_exactly_ten_of_forty_when_there_is_credit_for_ten(rich, transactional_db):
    user = rich(10)
    results = at_once(40, lambda: services.reserve(user, 1, uuid4()))
    assert results.count(None) == Reservation.objects.filter(account__user=user).count() == 10
    assert sum(isinstance(result, NotEnoughCredits) for result in results) == 30
    account = Account.objects.get(user=user)
    assert (account.balance, account.reserved, account.available) == (10, 10, 0)


def test_it_counts_what_another_holds_back_in_the_same_moment(rich, transactional_db, eventually):
    user, came = rich(10), []

    def ask() -> None:
        came.extend(at_once(1, lambda: services.reserve(user, 4, uuid4())))

    other = threading.Thread(target=ask)
    with transaction.atomic():
        services.reserve(user, 7, uuid4())  # held back and not yet to be seen
        other.start()
        eventually(lambda: came or somebody_waits())
    other.join()
    assert isinstance(came[0], NotEnoughCredits)
    assert Account.objects.get(user=user).reserved == 7


def test_it_settles_once_however_often_and_at_once_it_is_asked(rich, transactional_db):
    user, run = rich(100), uuid4()
    services.reserve(user, 50, run)
    results = at_once(20, lambda: services.settle(run, 30))
    assert {result.used for result in results} == {30}
    account = Account.objects.get(user=user)
    assert (account.balance, account.reserved) == (70, 0)
    assert Entry.objects.filter(account=account, kind="charge").count() == 1


def test_it_charges_a_run_once_even_if_its_reservation_were_opened_again(rich, db):
    user, run = rich(100), uuid4()
    services.reserve(user, 50, run)
    services.settle(run, 30)
    Account.objects.filter(user=user).update(reserved=50)
    Reservation.objects.filter(run_id=run).update(state="open", used=0)
    services.settle(run, 30)
    account = Account.objects.get(user=user)
    assert (account.balance, account.reserved) == (70, 0)
    assert Entry.objects.filter(account=account, kind="charge").count() == 1


def test_it_lets_only_one_of_settle_and_release_end_a_reservation(rich, transactional_db):
    user = rich(10_000)
    for _ in range(20):
        run = uuid4()
        services.reserve(user, 10, run)
        turn = iter([services.release, lambda run_id: services.settle(run_id, 4)] * 3)
        lock = threading.Lock()

        def end(run=run, turn=turn, lock=lock):
            with lock:
                act = next(turn)
            return act(run)

        assert not [result for result in at_once(6, end) if isinstance(result, Exception)]
        row = Reservation.objects.get(run_id=run)
        assert (row.state, row.used) in {("settled", 4), ("released", 0)}
    charged = -sum(Entry.objects.filter(account__user=user, kind="charge").values_list("amount", flat=True))
    account = Account.objects.get(user=user)
    assert (account.balance, account.reserved) == (10_000 - charged, 0)


def test_it_reserves_once_for_a_run(rich):
    user, run = rich(10), uuid4()
    services.reserve(user, 6, run)
    services.reserve(user, 7, run)
    assert Reservation.objects.get(run_id=run).amount == 6
    assert Account.objects.get(user=user).reserved == 6


def test_it_extends_until_there_is_no_more_and_then_says_so(rich):
    user, run = rich(10), uuid4()
    services.reserve(user, 4, run)
    assert services.extend(run, 6).amount == 10
    with pytest.raises(NotEnoughCredits) as refused:
        services.extend(run, 1)
    assert (refused.value.needed, refused.value.available) == (1, 0)
    assert Account.objects.get(user=user).reserved == 10


def test_it_tells_the_balance_with_what_other_runs_hold(rich):
    user, run = rich(10), uuid4()
    services.reserve(user, 4, run)
    services.reserve(user, 3, uuid4())
    assert services.release(run) == 10


def test_it_does_not_extend_what_has_ended(rich):
    user, run = rich(10), uuid4()
    services.reserve(user, 4, run)
    assert [services.release(run), services.release(run)] == [services.account_of(user).balance, None]
    assert Account.objects.get(user=user).available == 10
    with pytest.raises(services.ReservationClosed):
        services.extend(run, 1)


def test_it_never_charges_below_zero(rich):
    user, run = rich(10), uuid4()
    services.reserve(user, 4, run)
    assert services.settle(run, 1_000).used == 10
    assert Account.objects.get(user=user).balance == 0


def test_it_gives_back_what_was_not_used(rich):
    user, run = rich(10), uuid4()
    services.reserve(user, 8, run)
    services.settle(run, 3)
    account = Account.objects.get(user=user)
    assert (account.balance, account.reserved, account.available) == (7, 0, 7)


def test_it_releases_a_run_that_never_reserved_without_a_word(db):
    assert services.release(uuid4()) is None


def test_it_leaves_no_trace_of_a_refused_reservation(rich):
    user, run = rich(3), uuid4()
    with pytest.raises(NotEnoughCredits):
        services.reserve(user, 4, run)
    assert not Reservation.objects.filter(run_id=run).exists()


@pytest.mark.parametrize("amount", [0, -1, 10**18, 1.5, float("nan"), "5", None, True])
def test_it_refuses_what_is_not_an_amount(rich, amount):
    user = rich(10)
    with pytest.raises(ValueError, match="Not an amount"):
        services.grant(user, amount, uuid4().hex)
    with pytest.raises(ValueError, match="Not an amount"):
        services.reserve(user, amount, uuid4())
