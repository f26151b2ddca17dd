"""User (signs in with an e-mail address), ApiToken (a hashed key for the REST API), KeptAnswer (its repeats),
ProviderKey (a sealed key of a model provider), McpServer (somebody's server with tools for the agent), GitHubToken and
Delivery (an outside system's event that took effect).
"""

import hashlib
import secrets
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.hashers import is_password_usable
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone

from accounts import vault


class UserManager(BaseUserManager["User"]):
    """Creates users by e-mail; addresses are kept in lower case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=email.lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class Theme(models.TextChoices):
    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class User(AbstractBaseUser, PermissionsMixin):
    """A person. Suspended means `is_active=False`: nothing of theirs answers any more."""

    class CodeTheme(models.TextChoices):
        SITE = "site"
        LIGHT = "light"
        DARK = "dark"
        WARM = "warm"
        CONTRAST = "contrast"

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=80, blank=True)
    theme = models.CharField(max_length=6, choices=Theme.choices, default=Theme.SYSTEM)
    code_theme = models.CharField(
        max_length=8, choices=CodeTheme.choices, default=CodeTheme.SITE, db_default=CodeTheme.SITE
    )
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now)
    external_id = models.CharField(
        max_length=120, null=True, blank=True, unique=True, help_text="Who this is to the system that sends us events."
    )
    external_at = models.DateTimeField(null=True, blank=True, help_text="When the newest event about them was made.")

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="one_user_per_address")]
        # Asked every few seconds for what still runs for them.
        indexes = [models.Index(fields=["id"], condition=models.Q(is_active=False), name="suspended_users")]

    def __str__(self) -> str:
        return self.email

    @transaction.atomic
    def save(self, *args: Any, **kwargs: Any) -> None:
        """Another password ends the API tokens, as it does sessions: whoever knew the old one may have made some."""
        is_new = getattr(self, "_password", None) is not None  # as Django's own save() asks
        before = type(self).objects.filter(pk=self.pk).values_list("password", flat=True) if is_new else ()
        is_another = any(map(is_password_usable, before))
        super().save(*args, **kwargs)
        if is_another:
            self.api_tokens.filter(revoked=None).update(revoked=timezone.now())

    @property
    def display_name(self) -> str:
        """For the person themselves: others are shown no part of an address."""
        return self.name or self.email.split("@")[0]


class ApiToken(models.Model):
    """A bearer token of the REST API. Only its hash is stored; the token itself is shown once."""

    PREFIX = "vibe_"

    class Scope(models.TextChoices):
        WRITE = "write", "Read and write"
        READ = "read", "Read only"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80, default="API token")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    last_four = models.CharField(max_length=4, editable=False)
    scope = models.CharField(max_length=5, choices=Scope.choices, default=Scope.WRITE, db_default=Scope.WRITE)
    expires = models.DateTimeField(null=True, blank=True, help_text="Empty: never.")
    created = models.DateTimeField(auto_now_add=True)
    last_used = models.DateTimeField(null=True, blank=True)
    revoked = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} (…{self.last_four})"

    @property
    def is_good(self) -> bool:
        """Not revoked, not expired; whose it is must be looked at besides."""
        return self.revoked is None and (self.expires is None or self.expires > timezone.now())

    @classmethod
    def issue(cls, user: User, name: str = "API token", **fields: Any) -> tuple["ApiToken", str]:
        """A new token: the row and, this once, the secret itself (256 random bits). `fields`: scope, expires."""
        secret = cls.PREFIX + secrets.token_urlsafe(32)
        row = cls.objects.create(user=user, name=name, digest=cls.digest_of(secret), last_four=secret[-4:], **fields)
        return row, secret

    @staticmethod
    def digest_of(secret: str) -> str:
        # A fast hash is right here: the input is 256 random bits, not a password.
        return hashlib.sha256(secret.encode()).hexdigest()


class KeptAnswer(models.Model):
    """What an API request with an Idempotency-Key was answered, so its repeat is answered the same. For 24 hours."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, help_text="SHA-256 of method, path and body.")
    status = models.PositiveSmallIntegerField(default=0)
    body = models.JSONField(default=dict)
    created = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="one_answer_per_key")]

    def __str__(self) -> str:
        return self.key


class Sealed(models.Model):
    """A secret at rest, which opens for what it is bound to and nothing else."""

    sealed = models.TextField(editable=False)
    last_four = models.CharField(max_length=4, editable=False)

    class Meta:
        abstract = True

    @property
    def bound_to(self) -> str:
        """Whose it is and what it is for."""
        raise NotImplementedError

    def put(self, secret: str) -> None:
        """Seals a secret into the row, or takes it out (""); saving is the caller's."""
        self.sealed, self.last_four = (vault.seal(secret, self.bound_to), secret[-4:]) if secret else ("", "")

    def secret(self) -> str:
        """ "" without one. Raises vault.CannotOpen."""
        return vault.unseal(self.sealed, self.bound_to) if self.sealed else ""


class ProviderKey(Sealed):
    """A user's own key of a model provider, sealed. It is opened in a worker, at the call, and nowhere else."""

    class Provider(models.TextChoices):
        ANTHROPIC = "anthropic", "Anthropic"
        OPENAI = "openai", "OpenAI"
        GEMINI = "gemini", "Google Gemini"
        XAI = "xai", "xAI"
        OPENROUTER = "openrouter", "OpenRouter"
        GATEWAY = "gateway", "AI gateway"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="provider_keys")
    provider = models.CharField(max_length=12, choices=Provider.choices)
    created = models.DateTimeField(auto_now_add=True)
    last_used = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["provider"]
        constraints = [models.UniqueConstraint(fields=["user", "provider"], name="one_key_per_provider")]

    def __str__(self) -> str:
        return f"{self.provider} (…{self.last_four})"

    @property
    def bound_to(self) -> str:
        return f"provider-key|{self.user_id}|{self.provider}"


class McpServer(Sealed):
    """A server that a person connected, whose tools the agent may use where they switch it on: the Model Context
    Protocol over HTTP. Its token is sealed, and opened at the call and nowhere else.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="mcp_servers")
    name = models.CharField(max_length=24, help_text="Letters, digits and single hyphens: part of its tools' names.")
    url = models.CharField(max_length=500)
    sealed = models.TextField(blank=True, editable=False, help_text="The bearer token; empty: it asks for none.")
    last_four = models.CharField(max_length=4, blank=True, editable=False)
    tools = models.JSONField(default=list, help_text="What it offered when last asked (agents/mcp/servers.py).")
    error = models.CharField(max_length=300, blank=True, help_text="Why it did not say what it offers; empty: it did.")
    created = models.DateTimeField(auto_now_add=True)
    last_used = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="one_mcp_server_per_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def bound_to(self) -> str:
        # To the address as well: a token goes nowhere but where its owner sent it.
        return f"mcp-server|{self.user_id}|{self.url}"


class GitHubToken(Sealed):
    """A person's access token for GitHub, sealed: kept because they said so when it worked, for their next pushes and
    imports. It is opened at the call and nowhere else.
    """

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="github_token")
    created = models.DateTimeField(auto_now=True)
    last_used = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"GitHub (…{self.last_four})"

    @property
    def bound_to(self) -> str:
        # To the address as well: one that an operator names later does not get it.
        return f"github-token|{self.user_id}|{settings.GITHUB_API_BASE_URL}"


class Delivery(models.Model):
    """An event that an outside system sent and that took effect: the same id never counts twice."""

    source = models.CharField(max_length=20)
    key = models.CharField(max_length=200)
    type = models.CharField(max_length=80)
    created = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [models.UniqueConstraint(fields=["source", "key"], name="one_effect_per_delivery")]

    def __str__(self) -> str:
        return f"{self.source} {self.key}"
