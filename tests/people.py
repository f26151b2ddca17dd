"""The people of the tests: alice owns things, bob is the stranger, staff has the admin; and ways to act as them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from django.test import Client
    from rest_framework.test import APIClient

    from accounts.models import User
    from agents.models import Run
    from projects.models import Project

Ask = Callable[..., Any]
PASSWORD = "a-long-enough-password"


@pytest.fixture
def person(db: None) -> Callable[..., "User"]:
    """`person()`: a new user; fields may be given."""
    from accounts.models import User

    # The password's hash is slow on purpose; who needs to sign in by form sets it.
    return lambda **fields: User.objects.create_user(f"{uuid4().hex[:12]}@example.com", None, **fields)


@pytest.fixture
def alice(person: Callable[..., "User"]) -> "User":
    return person(name="Alice")


@pytest.fixture
def bob(person: Callable[..., "User"]) -> "User":
    return person(name="Bob")


@pytest.fixture
def protect(db: None) -> Callable[["User"], "User"]:
    """`protect(user)`: gives them a second factor, which the admin asks of staff."""
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    def protect(user: "User") -> "User":
        TOTP.activate(user, generate_totp_secret())
        return user

    return protect


@pytest.fixture
def staff(person: Callable[..., "User"], protect: Callable[["User"], "User"]) -> "User":
    return protect(person(name="Staff", is_staff=True, is_superuser=True))


@pytest.fixture
def as_user() -> Callable[["User | None"], "Client"]:
    """`as_user(alice)`: a browser's client, signed in; errors are answers, as in production."""
    from django.test import Client

    def make(user: "User | None" = None) -> Client:
        client = Client(raise_request_exception=False)
        if user is not None:
            client.force_login(user)
        return client

    return make


@pytest.fixture
def api() -> Callable[["User | None"], "APIClient"]:
    """`api(alice)`: a client of the REST API with a token of hers; errors are answers, as in production."""
    from rest_framework.test import APIClient

    from accounts.models import ApiToken

    def make(user: "User | None" = None) -> APIClient:
        client = APIClient(raise_request_exception=False)
        if user is not None:
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {ApiToken.issue(user)[1]}")
        return client

    return make


@pytest.fixture
def project(alice: "User") -> "Project":
    """A project of alice's with one version of two files."""
    from projects import services, versions

    made = services.create_project(alice, "A page for a bakery", model="vibe-m", framework="html")
    versions.save(made, {"index.html": b"<h1>Bread</h1>\n", "app.js": b"let a = 1;\n"}, source="run", title="First")
    return made


@pytest.fixture
def run(project: "Project") -> "Run":
    """A run in alice's project that waits for a worker."""
    from agents import services

    return services.start_run(project, "Make it blue")
