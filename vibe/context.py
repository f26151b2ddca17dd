"""What every page may show: who answers for models and sandboxes, the theme, the version."""

from django.conf import settings
from django.http import HttpRequest

from agents.parties import llm_party, sandbox_party


def site(request: HttpRequest) -> dict[str, object]:
    user = request.user
    return {
        "site_version": settings.VERSION,
        "llm_party": llm_party(),
        "sandbox_party": sandbox_party(),
        "mail_goes_out": settings.MAIL_GOES_OUT,
        "social": bool(settings.SOCIALACCOUNT_PROVIDERS),
        "theme": user.theme if user.is_authenticated else request.COOKIES.get("theme", "system"),
    }
