"""As much of Stripe as the site speaks with, on its own wire: form-encoded requests, JSON answers, signed events."""

import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from django.test import Client

SECRET = "whsec_for_tests"


class StripeServer:
    """`requests`: what came, in order. `subscriptions`: what Stripe says of each now. `fail`: the status of answers."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], dict[str, str]]] = []
        self.subscriptions: dict[str, dict[str, Any]] = {}
        self.fail = 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def subscribe(
        self, key: str, account: int, price: str, status: str = "active", begins: float = 0, days: int = 30
    ) -> dict[str, Any]:
        """`begins`: of the period, as a time stamp; now without it. Its invoice is paid."""
        begins = int(begins or time.time())
        period = {"current_period_start": begins, "current_period_end": begins + days * 86400}
        item = {"id": "si_1", "object": "subscription_item", "price": {"id": price, "object": "price"}, **period}
        items = {"object": "list", "data": [item], "has_more": False, "url": "/v1/subscription_items"}
        facts = {"metadata": {"account": str(account)}, "customer": "cus_1", "items": items}
        self.subscriptions[key] = {"id": key, "object": "subscription", "status": status, **facts}
        self.subscriptions[key]["latest_invoice"] = {"id": "in_1", "object": "invoice", "status": "paid"}
        return self.subscriptions[key]

    def _answer(self, method: str, path: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if self.fail:
            return self.fail, {"error": {"type": "api_error", "message": "Down."}}
        if (method, path) == ("POST", "/v1/checkout/sessions"):
            number = len(self.requests)
            return 200, {
                "id": f"cs_{number}",
                "object": "checkout.session",
                "url": f"https://checkout.stripe.com/c/cs_{number}",
            }
        if (method, path) == ("POST", "/v1/billing_portal/sessions"):
            url = "https://billing.stripe.com/p/1"
            return 200, {"id": "bps_1", "object": "billing_portal.session", "url": url}
        if method == "DELETE" and path.startswith("/v1/subscriptions/"):
            found = self.subscriptions.get(path.removeprefix("/v1/subscriptions/"))
            if found and found["status"] != "canceled":
                found["status"] = "canceled"
                return 200, found
        if method == "GET" and (found := self.subscriptions.get(path.removeprefix("/v1/subscriptions/"))):
            return 200, found
        return 404, {"error": {"type": "invalid_request_error", "message": f"No such thing: {path}"}}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stripe = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                form = dict(parse_qsl(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()))
                stripe.requests.append((self.command, self.path, form, dict(self.headers)))
                status, body = stripe._answer(self.command, self.path.split("?")[0], form)
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self) -> None:
                self.answer()

            def do_DELETE(self) -> None:
                self.answer()

            def do_POST(self) -> None:
                self.answer()

            def log_message(self, *args: Any) -> None:
                pass

        return Handler


def event(kind: str, thing: dict[str, Any], key: str = "", *, at: float = 0, secret: str = SECRET) -> Any:
    """Sends an event as Stripe does (docs.stripe.com/webhooks#verify-manually); the site's answer."""
    stamp = int(at or time.time())
    key = key or f"evt_{hashlib.sha256(f'{kind}{thing}{stamp}'.encode()).hexdigest()[:20]}"
    body = json.dumps({"id": key, "object": "event", "type": kind, "created": stamp, "data": {"object": thing}})
    signature = hmac.new(secret.encode(), f"{stamp}.{body}".encode(), hashlib.sha256).hexdigest()
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    headers = {"Stripe-Signature": f"t={stamp},v1={signature}"}
    return client.post("/hooks/stripe/", body, content_type="application/json", headers=headers)
