"""`Idempotency-Key`: a request that is sent again is answered again, not done again."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import KeptAnswer, User

KEPT_FOR = timedelta(hours=24)


class KeyTaken(APIException):
    status_code = 422
    default_detail = "This Idempotency-Key was used for another request within 24 hours. Use a new key."
    default_code = "key_taken"


def once(request: Request, work: Callable[[], Response]) -> Response:
    """`work()`, or the kept answer of the same request with the same key. Raises KeyTaken.

    Call it before anything reads `request.data`. An answer is kept only if the work succeeded, in its own
    transaction; a second request that comes meanwhile waits for the first one's end.
    """
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        return work()
    if len(key) > 200 or not key.isascii() or not key.isprintable():
        raise ValidationError({"Idempotency-Key": ["At most 200 printable ASCII characters."]})
    user = request.user
    assert isinstance(user, User)  # every API view asks for a signed-in user
    digest = hashlib.sha256(f"{request.method} {request.path}\n".encode() + request._request.body).hexdigest()
    KeptAnswer.objects.filter(user=user, created__lt=timezone.now() - KEPT_FOR).delete()
    with transaction.atomic():
        try:
            with transaction.atomic():
                kept = KeptAnswer.objects.create(user=user, key=key, digest=digest)
        except IntegrityError:
            return _again(user, key, digest)
        response = work()
        kept.status = response.status_code
        kept.body = json.loads(JSONRenderer().render(response.data))
        kept.save(update_fields=["status", "body"])
        return response


def _again(user: User, key: str, digest: str) -> Response:
    kept = KeptAnswer.objects.get(user=user, key=key)
    if kept.digest != digest:
        raise KeyTaken
    return Response(kept.body, status=kept.status, headers={"Idempotency-Replayed": "true"})
