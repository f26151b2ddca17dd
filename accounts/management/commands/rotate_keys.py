"""`bin/manage rotate_keys`: seals provider keys, tokens and second factors under the newest ENCRYPTION_KEY.

Safe to stop and repeat.
"""

from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandError

from accounts import mfa, vault
from accounts.models import McpServer, ProviderKey


class Command(BaseCommand):
    help = "Seals every stored key, token and second factor under the newest ENCRYPTION_KEY."

    def handle(self, *args: Any, **options: Any) -> None:
        sealed, lost = 0, 0
        for row in ProviderKey.objects.iterator():
            if vault.is_newest(row.sealed):
                continue
            before = row.sealed
            try:
                row.put(row.secret())
            except vault.CannotOpen:
                lost += 1
                continue
            # Only if nobody saved another key meanwhile.
            sealed += ProviderKey.objects.filter(pk=row.pk, sealed=before).update(sealed=row.sealed)
        for server in McpServer.objects.exclude(sealed="").iterator():
            if vault.is_newest(server.sealed):
                continue
            before = server.sealed
            try:
                server.put(server.token())
            except vault.CannotOpen:
                lost += 1
                continue
            sealed += McpServer.objects.filter(pk=server.pk, sealed=before).update(sealed=server.sealed)
        for factor in Authenticator.objects.iterator():
            try:
                sealed += mfa.seal_again(factor)
            except vault.CannotOpen:
                lost += 1
        self.stdout.write(f"{sealed} keys sealed anew.")
        if lost:
            raise CommandError(f"{lost} keys cannot be opened: put the key they were sealed under back.")
