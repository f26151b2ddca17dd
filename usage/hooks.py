"""POST /hooks/accounts/: an outside identity or billing system makes, changes, suspends and tops up users.

`{"type", "timestamp"?, "data": {"id"?, "email"?, "name"?, "credits"?, "plan"?, "until"?, "note"?}}`. A user is found by
the sender's `id`, else by address. The event's id is stored in the transaction of its effect, so each counts once; what
says how a user is (not what they got) is dropped when something newer was said before.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts import people
from accounts.models import Delivery, User
from accounts.problems import CONTENT_TYPE, problem
from accounts.signing import BadSignature, check
from usage import plans, services
from usage.ledger import KeyReused

SOURCE = "accounts"
Data = dict[str, Any]


class BadEvent(ValueError):
    """The sender is known and the event makes no sense. The text says what is wrong with it."""


@csrf_exempt
@never_cache
@require_POST
def accounts_hook(request: HttpRequest) -> JsonResponse:
    """200 {"applied": true | false}; 401 for a signature or time that is not right, 400 for what cannot be read."""
    if not settings.WEBHOOK_SECRETS:
        raise Http404
    try:
        key, sent = check(request.headers, request.body, settings.WEBHOOK_SECRETS)
    except BadSignature:
        return _refuse(401, "The signature is missing, wrong or too old.")
    try:
        kind, at, data = _parsed(request.body, sent)
        with transaction.atomic():
            if not _first(key, kind):
                return JsonResponse({"applied": False, "reason": "This event took effect before."})
            applied = EVENTS[kind](data, at, key)
    except BadEvent as error:
        return _refuse(400, str(error))
    return JsonResponse({"applied": applied, **({} if applied else {"reason": "Something newer was said before."})})


def _first(key: str, kind: str) -> bool:
    try:
        with transaction.atomic():
            Delivery.objects.create(source=SOURCE, key=key, type=kind)
    except IntegrityError:
        return False
    return True


def _parsed(body: bytes, sent: int) -> tuple[str, datetime, Data]:
    try:
        event = json.loads(body)
        kind, data, at = event["type"], event["data"], event.get("timestamp")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BadEvent("Send a JSON object with type and data.") from None
    if kind not in EVENTS:
        raise BadEvent(f"There is no such type. There are: {', '.join(EVENTS)}.")
    if not isinstance(data, dict):
        raise BadEvent("data must be an object.")
    if at is None:
        return kind, datetime.fromtimestamp(sent, UTC), data
    return kind, _time(at, "timestamp"), data


def _save(data: Data, at: datetime, key: str) -> bool:
    """Makes the user, or gives them another address or name."""
    email, name = _email(data), _text(data, "name", 80)
    user = _find(data)
    if user is None:
        if not email:
            raise BadEvent("A new user needs an email.")
        user = User(email=email)
        user.set_unusable_password()
    elif not _newer(user, at):
        return False
    old = user.email
    user.email, user.external_at = email or user.email, at
    user.name = name if "name" in data else user.name
    user.external_id = _text(data, "id", 120) or user.external_id
    try:
        with transaction.atomic():
            user.save() if user.email == old else people.save_with_address(user, old, verified=True)
    except IntegrityError:
        raise BadEvent("This email or id belongs to another user.") from None
    services.account_of(user)
    return True


def _set_active(active: bool) -> Callable[[Data, datetime, str], bool]:
    def apply(data: Data, at: datetime, key: str) -> bool:
        user = _known(data)
        if not _newer(user, at):
            return False
        User.objects.filter(pk=user.pk).update(external_at=at)
        people.reinstate(user) if active else people.suspend(user)
        return True

    return apply


def _grant(data: Data, at: datetime, key: str) -> bool:
    """Credits are added whenever the event comes: a grant does not grow old."""
    user = _known(data)
    try:
        micro = Decimal(str(data.get("credits"))) * settings.MICRO
        if isinstance(data.get("credits"), bool) or not micro.is_finite() or micro != int(micro):
            raise ValueError
        services.check_amount(int(micro))
    except (InvalidOperation, ValueError, OverflowError):
        raise BadEvent("credits must be a number above 0 with at most six decimals.") from None
    services.account_of(user)
    try:
        services.grant(user, int(micro), f"hook-{key}"[:120], _text(data, "note", 150) or "Top-up")
    except KeyReused:
        raise BadEvent("This id stands for another top-up.") from None
    return True


def _plan(data: Data, at: datetime, key: str) -> bool:
    user, name = _known(data), data.get("plan")
    if name not in plans.plans():
        raise BadEvent(f"There is no such plan. There are: {', '.join(plans.plans())}.")
    if not _newer(user, at):
        return False
    until = _time(data["until"], "until") if data.get("until") else None
    User.objects.filter(pk=user.pk).update(external_at=at)
    plans.set_plan(services.account_of(user), name, until)
    return True


EVENTS: dict[str, Callable[[Data, datetime, str], bool]] = {
    "user.created": _save,
    "user.updated": _save,
    "user.suspended": _set_active(False),
    "user.reinstated": _set_active(True),
    "credits.granted": _grant,
    "plan.changed": _plan,
}


def _find(data: Data) -> User | None:
    external, email = _text(data, "id", 120), _email(data)
    users = User.objects.select_for_update().filter(is_staff=False)  # staff are not for others to change
    found = users.filter(external_id=external).first() if external else None
    if found is None and email:
        found = users.filter(email=email).first()
        if found and external and found.external_id:
            raise BadEvent("This email belongs to a user with another id.")
    return found


def _known(data: Data) -> User:
    user = _find(data)
    if user is None:
        raise BadEvent("There is no such user.")
    return user


def _newer(user: User, at: datetime) -> bool:
    return user.external_at is None or at >= user.external_at


def _email(data: Data) -> str:
    email = _text(data, "email", 254).lower()
    try:
        if email:
            validate_email(email)
    except ValidationError:
        raise BadEvent("email is not an address.") from None
    return email


def _text(data: Data, name: str, most: int) -> str:
    value = data.get(name) or ""
    if not isinstance(value, str) or len(value) > most or not value.isprintable():
        raise BadEvent(f"{name} must be a text of at most {most} characters.")
    return value.strip()


def _time(value: object, name: str) -> datetime:
    try:
        at = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None:
        raise BadEvent(f"{name} must be a time such as 2027-01-31T12:00:00Z.")
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _refuse(code: int, detail: str) -> JsonResponse:
    return JsonResponse(problem(code, detail), status=code, content_type=CONTENT_TYPE)
