"""Does a provider answer, with this key? Asked when a key is saved and by /readyz; costs no tokens."""

import urllib.error
import urllib.request

from agents.llm.providers import Provider


class NotReached(Exception):
    """It does not answer, or not with this key (`refused`)."""

    def __init__(self, detail: str, refused: bool = False) -> None:
        super().__init__(detail)
        self.refused = refused


def reach(provider: Provider, seconds: float) -> None:
    """Lists the provider's models. Raises NotReached."""
    headers, route = {"Authorization": f"Bearer {provider.key}"}, "/models"
    if provider.protocol == "messages":
        headers, route = {"x-api-key": provider.key, "anthropic-version": "2023-06-01"}, "/v1/models?limit=1"
    # The operator's own addresses, never a user's.
    request = urllib.request.Request(provider.base_url.rstrip("/") + route, headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=seconds):  # noqa: S310
            return
    except urllib.error.HTTPError as error:
        if error.code in (401, 403):
            raise NotReached(f"{provider.title} refuses this key.", refused=True) from None
        raise NotReached(f"{provider.title} answers {error.code}.") from None
    except (OSError, ValueError) as error:
        if isinstance(error, TimeoutError) or isinstance(getattr(error, "reason", None), TimeoutError):
            raise NotReached(f"{provider.title} did not answer within {seconds:.0f} s.") from None
        raise NotReached(f"{provider.title} does not answer at {provider.host}.") from None
