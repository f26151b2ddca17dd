"""`Authorization: Bearer vibe_…`: a personal API token as the way to sign in to the REST API."""

from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from accounts import prepared
from accounts.models import ApiToken, User

# `last_used` is for people: written at most this often, so that a busy client does not write at each request.
LAST_USED_EVERY = timedelta(minutes=1)


class BearerTokenAuthentication(BaseAuthentication):
    """Knows a token by its hash. Unknown, revoked, expired, and of a suspended user are the same answer: 401."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        if len(words) != 2:
            raise AuthenticationFailed("Send one token: Authorization: Bearer <token>.")
        token = next(iter(tokens(ApiToken.digest_of(words[1].decode("latin-1")))), None)
        if token is None or not token.is_good or not token.user.is_active:
            raise AuthenticationFailed("This token is not valid. Make one under Settings, API tokens.")
        if token.scope == ApiToken.Scope.READ and request.method not in SAFE_METHODS:
            raise PermissionDenied("This token may only read. Use one that may write.")
        _note_use(token)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Vibe"'


@prepared.rows
def tokens(digest: str) -> "QuerySet[ApiToken]":
    """The token of that digest, with its user."""
    return ApiToken.objects.select_related("user").filter(digest=digest)


def _note_use(token: ApiToken) -> None:
    now = timezone.now()
    old = Q(last_used__isnull=True) | Q(last_used__lt=now - LAST_USED_EVERY)
    if token.last_used is None or token.last_used < now - LAST_USED_EVERY:
        ApiToken.objects.filter(old, pk=token.pk).update(last_used=now)


class BearerTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The same, for the OpenAPI description."""

    target_class = BearerTokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
