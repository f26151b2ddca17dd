"""What of allauth is ours: where it sends people, whose address it counts, that no address joins two accounts, and that
who waits for mail servers and for other sites leaves room for others.
"""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.http import HttpRequest
from django.urls import reverse

from accounts import limits, outside
from accounts.models import Theme, User

# The session key under which the landing page keeps a prompt until its author has signed in.
PENDING_PROMPT = "pending_prompt"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Allauth's own behaviour, but a kept prompt comes first after sign-in and sign-up."""

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """A theme that was chosen before signing up stays chosen."""
        chosen = request.COOKIES.get("theme", "")
        user.theme = chosen if chosen in Theme.values else user.theme
        saved: User = super().save_user(request, user, form, commit)
        return saved

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        if PENDING_PROMPT in request.session:
            return reverse("project-pending")
        return str(super().get_login_redirect_url(request))

    def get_signup_redirect_url(self, request: HttpRequest) -> str:
        return self.get_login_redirect_url(request)

    def get_email_verification_redirect_url(self, email_address: object) -> str:
        request = self.request
        if request is not None and request.user.is_authenticated:
            return self.get_login_redirect_url(request)
        return reverse("account_login")

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Raises outside.Busy where the mail that follows could not be sent now: else half of it would be done."""
        if request.method == "POST":
            with outside.waiting():
                pass
        return bool(super().is_open_for_signup(request))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Raises outside.Busy."""
        with outside.waiting():
            super().send_mail(template_prefix, email, context)

    def get_client_ip(self, request: HttpRequest) -> str:
        return limits.address(request)


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """An outside account is linked by its owner under Settings, never because two addresses are the same."""

    def can_authenticate_by_email(self, login: object, email: str) -> bool:
        return False

    def get_requests_session(self) -> Any:
        """For each conversation with the other site. Its requests raise outside.Busy."""
        session = super().get_requests_session()
        ask = session.request

        def request(*args: Any, **options: Any) -> Any:
            with outside.waiting():
                return ask(*args, **options)

        session.request = request
        return session
