"""Every page of the site, for everyone it answers: a strict policy with a nonce of its own, and nothing inline."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from django.urls import NoReverseMatch, get_resolver, reverse

from tests.api.test_matrix import PACKAGES, PAGES, names
from tests.deploy.production import python

DIRECTIVES = {
    "default-src": {"'self'"},
    "object-src": {"'none'"},
    "base-uri": {"'none'"},
    "frame-ancestors": {"'none'"},
    "form-action": {"'self'"},
    "img-src": {"'self'", "data:"},
}


class Inline(HTMLParser):
    """What a policy without unsafe-inline would not run, and the nonces that a page gives."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.nonces: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.found += [f"<{tag} {name}>" for name in given if name.startswith("on") or name == "style"]
        self.found += [f"<{tag} {given[name]}>" for name in ("href", "src", "action") if _bad(given.get(name, ""))]
        if tag == "script":
            self.nonces |= {given["nonce"]} if "nonce" in given else set()
            if "src" not in given and "nonce" not in given and given.get("type") != "application/json":
                self.found.append("<script>")
        if tag == "style" and "nonce" not in given:
            self.found.append("<style>")


def _bad(address: str) -> bool:
    """Runs a script, or leads to another host. The icon is a picture in the page itself."""
    address = address.strip().lower()
    return address.startswith(("javascript:", "vbscript:", "//")) or (
        "://" in address.split("?")[0] and not address.startswith("data:image/svg+xml,")
    )


def addresses(project: Any, run: Any) -> Iterator[str]:
    for name in names(get_resolver().url_patterns):
        try:
            if name in PAGES:
                route = PAGES[name][0]
                things = {"project": {"pk": project.pk}, "run": {"pk": run.pk}, None: {}}
                yield reverse(name, kwargs={**route.more, **things.get(route.of, {"pk": 1})})
            elif name.startswith(PACKAGES):
                yield reverse(name)
        except NoReverseMatch:
            continue
    yield from ("/nowhere/", "/api/v1/docs/", "/projects/00000000-0000-0000-0000-000000000000/")


@pytest.mark.parametrize("who", ["anonymous", "owner", "staff"])
def test_it_sends_a_strict_policy_with_every_page(as_user, alice, staff, project, run, who):
    client = as_user({"anonymous": None, "owner": alice, "staff": staff}[who])
    pages, nonces, bad = 0, set(), []
    for url in addresses(project, run):
        answer = client.get(url)
        bad += [f"{url}: {problem}" for problem in general(answer, who)]
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            continue
        pages += 1
        policy = {
            part.split()[0]: set(part.split()[1:]) for part in answer.headers["Content-Security-Policy"].split("; ")
        }
        bad += [f"{url}: {name}" for name, value in DIRECTIVES.items() if policy.get(name) != value]
        if "unsafe" in answer.headers["Content-Security-Policy"] or "*" in policy["script-src"]:
            bad.append(f"{url}: unsafe policy")
        page = Inline()
        page.feed(answer.text)
        bad += [f"{url}: {found}" for found in page.found]
        for nonce in page.nonces:
            if f"'nonce-{nonce}'" not in policy["script-src"] or nonce in nonces:
                bad.append(f"{url}: a nonce that is not its own")
        nonces |= page.nonces
    assert not bad, "\n".join(sorted(set(bad)))
    assert pages > (20 if who == "anonymous" else 30)


def general(answer: Any, who: str) -> Iterator[str]:
    headers = answer.headers
    if headers.get("X-Content-Type-Options") != "nosniff":
        yield "may be sniffed"
    if headers.get("Referrer-Policy") != "same-origin":
        yield "tells others where people come from"
    if headers.get("X-Frame-Options") != "DENY":
        yield "may be framed"
    if who != "anonymous" and answer.status_code == 200 and "no-store" not in headers.get("Cache-Control", ""):
        yield "may be cached"
    for cookie in answer.cookies.values():
        if not cookie["httponly"] or cookie["samesite"] != "Lax" or cookie["domain"]:
            yield f"cookie {cookie.key}"


def test_it_keeps_api_answers_out_of_caches(api, alice, project):
    for path in ("projects/", "usage/", f"projects/{project.pk}/", f"projects/{project.pk}/download/", "estimate/"):
        assert "no-store" in api(alice).get(f"/api/v1/{path}").headers["Cache-Control"], path


def test_it_serves_nothing_a_user_wrote_as_a_page(api, alice, project):
    from projects import versions

    evil = b"<script>alert(1)</script>"
    files = {"evil.html": evil, "evil.svg": b"<svg onload=alert(1)>", "index.html": b"<h1>x</h1>\n"}
    versions.save(project, files, source="edit")
    for name in files:
        answer = api(alice).get(f"/api/v1/projects/{project.pk}/files/{name}", {"raw": "1"})
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_it_refuses_forms_that_are_too_large(as_user, alice):
    client = as_user(alice)
    large = client.post(reverse("settings"), {"name": "x" * 6 * 2**20, "theme": "dark"})
    many = client.post(reverse("settings"), {f"f{number}": "" for number in range(1_500)})
    assert (large.status_code, many.status_code) == (400, 400)


def test_it_binds_cookies_to_its_own_host_under_https():
    names = (
        "SESSION_COOKIE_NAME SESSION_COOKIE_SECURE CSRF_COOKIE_NAME CSRF_COOKIE_SECURE SECURE_HSTS_SECONDS ADMIN_MFA"
    )
    said = python("-c", f"import vibe.settings as s; print([getattr(s, name) for name in {names.split()!r}])")
    assert said.stdout.strip() == "['__Host-session', True, '__Host-csrf', True, 31536000, True]", said.stderr


@pytest.mark.parametrize("path", ["admin", "back-office"])
def test_it_has_the_admin_where_the_operator_wants_it(path):
    code = "import django; django.setup(); from django.urls import reverse; print(reverse('admin:index'))"
    said = python("-c", code, ADMIN_PATH=path, DJANGO_SETTINGS_MODULE="vibe.settings")
    assert said.stdout.strip() == f"/{path}/", said.stderr


def test_it_lets_no_method_through_that_changes_by_get(as_user, alice):
    answer = Client(enforce_csrf_checks=True).post(reverse("account_logout"))
    assert answer.status_code == 403
    assert re.search("form", as_user(alice).get(reverse("account_logout")).text)
