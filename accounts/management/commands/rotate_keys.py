"""`bin/manage rotate_keys`: seals provider keys, tokens and second factors under the newest ENCRYPTION_KEY.

Safe to stop and repeat.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandError

from accounts import mfa, vault
from accounts.models import GitHubToken, McpServer, ProviderKey, Sealed


class Command(BaseCommand):
    help = "Seals every stored key, token and second factor under the newest ENCRYPTION_KEY."

    def handle(self, *args: Any, **options: Any) -> None:
        sealed, lost = 0, 0
        rows: Iterator[Sealed] = chain(
            ProviderKey.objects.iterator(),
            McpServer.objects.exclude(sealed="").iterator(),
            GitHubToken.objects.iterator(),
        )
        for row in rows:
            if vault.is_newest(row.sealed):
                continue
            before = row.sealed
            try:
                row.put(row.secret())
            except vault.CannotOpen:
                lost += 1
                continue
            # Only if nobody saved another one meanwhile.
            sealed += type(row)._default_manager.filter(pk=row.pk, sealed=before).update(sealed=row.sealed)
        for factor in Authenticator.objects.iterator():
            try:
                sealed += mfa.seal_again(factor)
            except vault.CannotOpen:
                lost += 1
        self.stdout.write(f"{sealed} keys sealed anew.")
        if lost:
            raise CommandError(f"{lost} keys cannot be opened: put the key they were sealed under back.")
