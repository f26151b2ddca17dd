"""Second factors: their secrets are sealed at rest like every other, and staff need one for the admin."""

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled

from accounts import vault
from accounts.models import User

BOUND_TO = "second-factor"
# Where allauth keeps a sealed text, by kind of factor.
SEALED = {"totp": "secret", "recovery_codes": "seed"}


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    def encrypt(self, text: str) -> str:
        return vault.seal(text, BOUND_TO)

    def decrypt(self, encrypted_text: str) -> str:
        return vault.unseal(encrypted_text, BOUND_TO)


def has_factor(user: User) -> bool:
    """Whether a second factor protects this account."""
    return bool(is_mfa_enabled(user))


def seal_again(row: Authenticator) -> bool:
    """Seals a factor's secret under the newest key; False if it is already, or has none. Raises vault.CannotOpen."""
    field = SEALED.get(row.type, "")
    sealed = row.data.get(field)
    if not sealed or vault.is_newest(sealed):
        return False
    data = {**row.data, field: vault.seal(vault.unseal(sealed, BOUND_TO), BOUND_TO)}
    # The row as it was read: a code used up meanwhile is not brought back.
    return bool(Authenticator.objects.filter(pk=row.pk, data=row.data).update(data=data))
