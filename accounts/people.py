"""What becomes of a person's account: suspended, reinstated (pages, sockets, tokens and runs follow within seconds), or
given another address.
"""

import contextlib

from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from celery import current_app
from django.db import transaction
from django.db.models import Q
from kombu.exceptions import OperationalError

from accounts.models import User


@transaction.atomic
def suspend(user: User) -> bool:
    """Nothing of theirs answers any more, and what runs for them stops. False if it was so already."""
    user.is_active = False
    if not User.objects.filter(pk=user.pk, is_active=True).update(is_active=False):
        return False
    end_sessions(user)
    transaction.on_commit(_ring, robust=True)
    return True


def reinstate(user: User) -> bool:
    """They may sign in again; tokens and keys are as they were. False if they were not suspended."""
    user.is_active = True
    return bool(User.objects.filter(pk=user.pk, is_active=False).update(is_active=True))


@transaction.atomic
def save_with_address(user: User, old: str, verified: bool) -> None:
    """Saves a person with another address than `old`: from then on they sign in, and set another password, by that one
    and not by the old one. `verified`: somebody vouches that it is theirs.

    Raises IntegrityError for an address of somebody else.
    """
    user.save()
    addresses = EmailAddress.objects.filter(user=user)
    addresses.filter(Q(email__iexact=old) | Q(primary=True)).exclude(email__iexact=user.email).delete()
    row = addresses.filter(email__iexact=user.email).first() or EmailAddress(user=user, email=user.email)
    row.primary, row.verified = True, row.verified or verified
    row.save()


def end_sessions(user: User) -> None:
    """Signs a person out everywhere."""
    for row in UserSession.objects.filter(user=user):
        row.end()


def _ring() -> None:
    # Beat looks every three seconds all the same: see agents.tasks.stop_suspended.
    with contextlib.suppress(OperationalError, OSError):
        current_app.send_task("agents.tasks.stop_suspended", retry=False)
