"""Signs in with a GitHub of our own making, in a process where that is configured; prints what came of each attempt."""

import json
import os
import sys
import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import django

MAILS: list[dict[str, Any]] = []
IDENTITY = {"id": 1, "login": "octo", "name": "Octo", "email": None}
ASKED: list[tuple[str, dict[str, list[str]]]] = []
# Of each request: whether who made it held one of the places for waiting.
PLACED: list[bool] = []


class GitHub(BaseHTTPRequestHandler):
    """docs.github.com: authorizing OAuth apps; users; emails."""

    def answer(self, body: Any) -> None:
        from accounts import outside

        PLACED.append(dict(outside._places) == {None: 1})
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        ASKED.append((self.path, form))
        self.answer({"access_token": "gho_test", "token_type": "bearer", "scope": "user:email"})

    def do_GET(self) -> None:
        self.answer(MAILS if self.path.endswith("/emails") else IDENTITY)

    def log_message(self, *args: Any) -> None:
        pass


def begin(client: Any) -> tuple[Any, dict[str, list[str]]]:
    """The redirect to GitHub, and the query it carries."""
    answer = client.post("/accounts/github/login/")
    return answer, parse_qs(urlsplit(answer.headers["Location"]).query)


def come_back(client: Any, state: str) -> Any:
    return client.get("/accounts/github/login/callback/", {"code": "abc", "state": state})


def signed_in(client: Any) -> str:
    """The address of who is signed in, or ""."""
    from accounts.models import User

    key = client.session.get("_auth_user_id")
    return User.objects.get(pk=key).email if key else ""


def attempt(identity: int, email: str, verified: bool, state: str | None = None) -> Any:
    from django.test import Client

    IDENTITY["id"] = identity
    MAILS[:] = [{"email": email, "verified": verified, "primary": True}]
    client = Client(raise_request_exception=False)
    _, query = begin(client)
    answer = come_back(client, query["state"][0] if state is None else state)
    return {"who": signed_in(client), "status": answer.status_code}


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), GitHub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    import vibe.settings

    # Before Django starts: allauth reads the address when it is imported.
    vibe.settings.SOCIALACCOUNT_PROVIDERS["github"]["GITHUB_URL"] = address
    django.setup()
    from django.test import Client, override_settings
    from django.test.utils import setup_test_environment

    from accounts import outside
    from accounts.models import User

    setup_test_environment()
    found: dict[str, Any] = {}
    with override_settings(SECURE_SSL_REDIRECT=False):
        client = Client()
        page = client.get("/accounts/login/").text
        answer, query = begin(client)
        found["offered"] = "Continue with GitHub" in page and "Continue with Google" not in page
        found["by get"] = client.get("/accounts/github/login/").status_code
        found["to"] = urlsplit(answer.headers["Location"]).netloc == urlsplit(address).netloc
        found["pkce"] = "code_challenge" in query and query["scope"] == ["user:email"]
        found["new"] = attempt(1, "new@example.com", verified=True)
        found["again"] = attempt(1, "new@example.com", verified=True)
        found["unverified of another"] = attempt(2, "victim@example.com", verified=False)
        found["verified of another"] = attempt(3, "victim@example.com", verified=True)
        found["no state"] = attempt(4, "four@example.com", True, "")
        found["foreign state"] = attempt(4, "four@example.com", True, query["state"][0])
        come_back(client, query["state"][0])
        client.logout()
        come_back(client, query["state"][0])
        found["reused state"] = signed_in(client)
        with ExitStack() as taken:
            for _ in range(outside.NOBODY):
                taken.enter_context(outside.waiting())
            found["busy"] = attempt(1, "new@example.com", verified=True)
        found["placed"] = all(PLACED)
        found["verifier sent"] = all("code_verifier" in form for path, form in ASKED)
        found["tokens kept"] = User.objects.filter(socialaccount__socialtoken__isnull=False).count()
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vibe.settings")
    main()
