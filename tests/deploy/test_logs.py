"""Log lines say what they are about; neither they nor what goes to Sentry carry a secret."""

import base64
import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from accounts.keyshapes import SHAPES, found, masked
from accounts.models import ApiToken
from tests.deploy.production import python
from vibe.logs import scrub


def jwt(**claims: object) -> str:
    parts = (json.dumps({"alg": "HS256", "typ": "JWT"}).encode(), json.dumps(claims).encode(), b"signature" * 4)
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


# Put together here, so that no scanner takes this file for a leak.
SECRETS = {
    "Anthropic key": "sk-" + "ant-api03-Ab1cdefghijklmnopqrs",
    "OpenRouter key": "sk-" + "or-v1-0123456789abcdef01",
    "OpenAI key": "sk-" + "proj-Ab1defghijklmnopqrstuvw",
    "DeepSeek key": "sk-" + "0a1b2c3d" * 4,
    "Google key": "AI" + "za" + "B" * 35,
    "Groq key": "gs" + "k_" + "aB3x" * 13,
    "xAI key": "xa" + "i-" + "Ab3" * 10,
    "Hugging Face token": "hf" + "_" + "aB" * 17,
    "E2B key": "e2" + "b_" + "0a" * 20,
    "Supabase key": "sb_" + "secret_" + "aB3-" * 8,
    "Supabase service key": jwt(iss="supabase", role="service" + "_role"),
    "Stripe key": "sk_" + "live_" + "a1" * 12,
    "Stripe webhook secret": "wh" + "sec_" + "a1" * 12,
    "GitHub token": "gh" + "p_" + "a1" * 18,
    "GitLab token": "gl" + "pat-" + "a1" * 12,
    "Slack token": "xo" + "xb-" + "12" * 8,
    "AWS key": "AK" + "IA" + "A2" * 8,
    "Figma token": "fi" + "gd_" + "a1-_" * 8,
    "npm token": "np" + "m_" + "a1" * 18,
    "SendGrid key": "SG" + "." + "a" * 22 + "." + "b" * 43,
    "Vibe token": "vi" + "be_" + "a1-_" * 11,
    "private key": "-----BEGIN EC " + "PRIVATE KEY-----\nabc\n-----END EC " + "PRIVATE KEY-----",
    "password in an address": "postgres://vibe:hunter2@db",
}
SAID = """
import django, logging
django.setup()
from agents.about import working_on
with working_on(run="r-1", project="p-1"):
    logging.getLogger("agents.loop").warning("the key %s went in", {secret!r})
    try:
        raise ValueError({secret!r})
    except ValueError:
        logging.getLogger("agents.loop").exception("it broke")
"""
SETTINGS = {"DJANGO_SETTINGS_MODULE": "vibe.settings"}


def test_it_knows_every_kind_of_secret():
    assert SECRETS.keys() == SHAPES.keys()
    for name, secret in SECRETS.items():
        assert [kind for kind, _ in found(f"a\nb {secret} c")] == [name]
        assert "hunter2" not in masked(secret) and secret not in masked(f"x={secret};")
    assert found(f"a\nb\n{SECRETS['npm token']}")[0][1] == 3


@pytest.mark.django_db
def test_it_knows_our_own_tokens(alice):
    assert [kind for kind, _ in found(ApiToken.issue(alice)[1])] == ["Vibe token"]


def test_it_leaves_ordinary_text_alone():
    for text in (
        "sk-skeleton-placeholder-item-large",
        "vibe_queue_oldest_seconds",
        "AKIA is short",
        "http://localhost:8000/@me",
        "risk-Assessment-2024-Report-Final.pdf",
        "desk-IMG_20240101_123456-edited.jpg",
        "task-or-event-of-2024-by-name",
        "risk_test_configuration2024",
        "task-" + "0a1b2c3d" * 4,
        "mongodb://${USER}:${PASS}@host",
        "postgres://$USER:$PASS@db",
        "postgres://<user>:<password>@db",
        "postgres://{user}:{password}@db",
        "postgres://%(user)s:%(password)s@db",
        "https://host:443@x",
        jwt(iss="supabase", role="anon"),
    ):
        assert masked(text) == text


@pytest.mark.parametrize("name", ["a", "ab", "abc"])
def test_it_knows_a_service_key_wherever_its_role_stands(name):
    secret = jwt(**{name: "x", "role": "service" + "_role", "exp": 1})
    assert masked(f"key={secret}") == "key=[removed]"


def test_it_knows_a_key_after_what_is_no_word():
    key, address = SECRETS["OpenAI key"], "postgres://${USER}:hunter2@db"
    assert "sk-" not in masked(f"KEY={key} '{key}' {key!r} {json.dumps(f'my key:{chr(10)}{key}')}")
    assert "hunter2" not in masked(address) and "12345678" not in masked("redis://x:12345678@db")


def test_it_writes_json_lines_about_the_run_without_secrets():
    secret = SECRETS["Anthropic key"]
    done = python("-c", SAID.format(secret=secret), LOG_FORMAT="json", **SETTINGS)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["message"] for line in lines] == ["the key [removed] went in", "it broke"]
    assert all(line["run"] == "r-1" and line["project"] == "p-1" and line["at"] for line in lines)
    assert "ValueError: [removed]" in lines[1]["error"] and secret not in done.stderr


def test_it_writes_lines_for_people():
    done = python("-c", SAID.format(secret=SECRETS["E2B key"]), **SETTINGS)
    assert "WARNING agents.loop the key [removed] went in [run=r-1 project=p-1]" in done.stderr
    assert SECRETS["E2B key"] not in done.stderr


@pytest.fixture
def sentry() -> Iterator[tuple[str, list[bytes]]]:
    """A server that takes what an SDK sends to Sentry: its DSN, and the bodies that came."""
    bodies: list[bytes] = []

    class Sink(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            bodies.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://public@127.0.0.1:{server.server_port}/1", bodies
    server.shutdown()
    thread.join()
    server.server_close()


def test_it_sends_errors_to_sentry_without_secrets(sentry):
    dsn, bodies = sentry
    secret = SECRETS["OpenAI key"]
    code = SAID.format(secret=secret) + "\nimport sentry_sdk; sentry_sdk.flush(10)\n"
    done = python("-c", code, SENTRY_DSN=dsn, NO_PROXY="127.0.0.1", **SETTINGS)
    sent = b"\n".join(bodies).decode()
    assert '"run":"r-1"' in sent.replace(" ", "") and "ValueError" in sent, done.stderr
    assert secret not in sent and "k9k9" not in sent


def test_it_tells_sentry_what_a_run_did_before_an_error_and_how_long(sentry):
    dsn, bodies = sentry
    code = """
import django, logging
django.setup()
import sentry_sdk
from agents.about import span, working_on
with sentry_sdk.start_transaction(name="run"), working_on(run="r-1"):
    with span("tool", "terminal"):
        pass
    logging.getLogger("agents.loop").error("it broke")
sentry_sdk.flush(10)
"""
    done = python("-c", code, SENTRY_DSN=dsn, SENTRY_TRACES="1", NO_PROXY="127.0.0.1", **SETTINGS)
    lines = [line for body in bodies for line in body.splitlines() if line.startswith(b"{")]
    items: list[dict[str, Any]] = [json.loads(line) for line in lines]
    error = next((item for item in items if item.get("level") == "error"), {})
    assert ("tool", "terminal") in [(one["category"], one["message"]) for one in error["breadcrumbs"]["values"]], done
    traced = next((item for item in items if item.get("type") == "transaction" and "spans" in item), {})
    assert ("tool", "terminal") in [(one["op"], one["description"]) for one in traced["spans"]]


def test_it_sends_no_body_cookie_or_header_that_opens_something():
    event = {
        "request": {
            "data": {"prompt": "private"},
            "cookies": {"session": "abc"},
            "query_string": "token=abc",
            "headers": {"Authorization": "Bearer abc", "Cookie": "abc", "User-Agent": "Firefox"},
        },
        "extra": {"DATABASE_URL": "x", "deep": [{"api_key": "abc", "fine": "yes"}]},
    }
    clean = scrub(event, {})
    assert clean["request"] == {
        "headers": {"Authorization": "[removed]", "Cookie": "[removed]", "User-Agent": "Firefox"}
    }
    assert clean["extra"] == {"DATABASE_URL": "[removed]", "deep": [{"api_key": "[removed]", "fine": "yes"}]}


@pytest.mark.django_db
def test_it_gives_every_answer_an_id(client):
    first, second = (client.get("/healthz").headers["X-Request-ID"] for _ in range(2))
    assert first != second
    assert (
        client.get("/healthz", headers={"X-Request-ID": "from-the-proxy-1"}).headers["X-Request-ID"]
        == "from-the-proxy-1"
    )
    forged = client.get("/healthz", headers={"X-Request-ID": "a b<script>"}).headers["X-Request-ID"]
    assert "<" not in forged
