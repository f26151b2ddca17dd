"""Every route of the site for every kind of caller. A route that is not in the table fails."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from django.utils import timezone

from accounts.models import ApiToken, McpServer, User
from projects import services
from projects.models import Project


@dataclass(frozen=True)
class Route:
    """One route with one method.

    `owner`: the answer to whom the thing belongs. `of`: what the address names (its owner is alice), or None. Strangers
    get 404 for a thing that is alice's; without a thing they are owners of what they see. `public`: anyone may.
    """

    owner: int
    method: str = "get"
    of: str | None = None
    public: bool = False
    data: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)


NOBODY = UUID(int=0)
PAGES = {
    "home": [Route(200, public=True)],
    "pricing": [Route(200, public=True)],
    "showcase": [Route(200, public=True)],
    # Nothing is listed here; what is, is in tests/projects/test_showcase.py.
    "showcase-entry": [Route(404, public=True, more={"pk": NOBODY})],
    "showcase-picture": [Route(404, public=True, more={"pk": NOBODY})],
    "showcase-live": [Route(404, public=True, more={"pk": NOBODY})],
    "showcase-remix": [Route(404, more={"pk": NOBODY}), Route(404, "post", more={"pk": NOBODY})],
    "showcase-withdraw": [Route(404, "post", more={"pk": NOBODY})],
    "ui": [Route(404, public=True)],
    "healthz": [Route(200, public=True)],
    # The tests' clients ask from this machine, without a proxy.
    "metrics": [Route(200, public=True)],
    # Staff only; tests/agents/test_figures.py.
    "theme": [Route(302, "post", public=True, data={"theme": "dark"})],
    "code-theme": [Route(204, "post", data={"code_theme": "site"})],
    "settings": [Route(200), Route(302, "post", data={"name": "A", "theme": "dark"})],
    "key-save": [Route(302, "post", data={"provider": "anthropic", "key": "sk-not-a-real-key"})],
    "key-runs": [Route(200)],
    # Alice has no key here.
    "key-delete": [Route(404, "post", more={"provider": "anthropic"})],
    # Nor a token for GitHub.
    "github-delete": [Route(404, "post")],
    "mcp-save": [Route(302, "post", data={"name": "wiki", "url": "https://127.0.0.1/mcp"})],
    "mcp-test": [Route(302, "post", "server")],
    "mcp-delete": [Route(302, "post", "server")],
    "token-create": [Route(302, "post", data={"name": "Laptop"})],
    "token-revoke": [Route(302, "post", "token")],
    "account-export": [Route(200, "post")],
    "account-delete": [Route(200), Route(400, "post", data={"password": "wrong", "email": "wrong"})],
    "usage": [Route(200)],
    "usage-export": [Route(200)],
    "run-cost": [Route(200, of="run")],
    "promo-redeem": [Route(302, "post", data={"code": "NONE"})],
    # Without Stripe there is nothing to buy.
    "checkout": [Route(404, "post", data={"what": "pro"})],
    "portal": [Route(404, "post")],
    "cap-set": [Route(302, "post", data={"cap": "2.5"})],
    "project-list": [Route(200)],
    # Anonymous prompts are kept, and their authors sent to sign up.
    "project-create": [Route(302, "post", public=True, data={"prompt": "A page for a bakery"})],
    "project-import": [Route(200), Route(400, "post", data={"repository": "nothing like it"})],
    "project-pending": [Route(302)],
    "project-detail": [Route(200, of="project")],
    "project-suggestions": [Route(200, of="project")],
    "project-rename": [Route(302, "post", "project", data={"name": "New"})],
    "project-delete": [Route(302, "post", "project")],
    "project-duplicate": [Route(302, "post", "project")],
    "project-favourite": [Route(302, "post", "project", data={"on": "1"})],
    "project-publish": [Route(200, of="project"), Route(400, "post", "project", data={"title": "Bread"})],
    "project-update": [Route(200, of="project"), Route(400, "post", "project", data={"repository": "none"})],
    "project-push": [Route(200, of="project"), Route(400, "post", "project", data={"repository": "none"})],
    # No picture was taken here.
    "version-picture": [Route(404, of="project", more={"number": 1})],
    "project-undelete": [Route(302, "post", "deleted")],
    "project-trash": [Route(200)],
    "project-purge": [Route(302, "post", "deleted")],
    "project-download": [Route(200, of="project")],
    "project-export": [Route(200, of="project")],
    # Nobody's link; links that work are in test_shares.py.
    "shared": [Route(404, public=True, more={"token": "x" * 32})],
    "shared-state": [Route(404, public=True, more={"token": "x" * 32})],
    "shared-replay": [Route(404, public=True, more={"token": "x" * 32})],
    "shared-wake": [Route(404, "post", public=True, more={"token": "x" * 32})],
    "message-send": [Route(302, "post", "project", data={"text": "Make it blue"})],
    "run-cancel": [Route(302, "post", "run")],
    "run-retry": [Route(302, "post", "run")],
    "run-continue": [Route(302, "post", "run")],
    # It has no plan.
    "plan-approve": [Route(404, "post", "run")],
}
API = {
    "api-schema": [Route(200, public=True)],
    "api-docs": [Route(200, public=True)],
    "api-models": [Route(200)],
    "api-frameworks": [Route(200)],
    "api-usage": [Route(200)],
    "api-estimate": [Route(200)],
    "api-run-cost": [Route(200, of="run")],
    "api-projects": [Route(200), Route(201, "post", data={"prompt": "A page"})],
    "api-deleted": [Route(200)],
    "api-undelete": [Route(200, "post", "deleted")],
    "api-project": [
        Route(200, of="project"),
        Route(200, "patch", "project", data={"name": "New"}),
        Route(204, "delete", "project"),
    ],
    "api-import": [Route(400, "post", data={"repository": "nothing like it"})],
    "api-import-figma": [Route(400, "post", data={"frame": "nothing like it", "token": "x"})],
    "api-messages": [Route(200, of="project"), Route(202, "post", "project", data={"text": "Make it blue"})],
    # She said nothing there; what there is to see of a message is in tests/agents/test_editing_a_message.py.
    "api-message": [Route(404, of="project", more={"message": NOBODY})],
    "api-share": [
        Route(200, of="project"),
        Route(201, "post", "project"),
        # Alice's project has no link here.
        Route(404, "patch", "project", data={"replay": True}),
        Route(204, "delete", "project"),
    ],
    "api-site": [
        Route(200, of="project"),
        Route(202, "post", "project", data={"name": "bakery"}),
        Route(204, "delete", "project"),
    ],
    "api-version-preview": [Route(202, "post", "project", more={"number": 1})],
    "api-queue": [Route(204, "put", "project", data={"runs": []})],
    "api-events": [Route(200, of="project")],
    "api-stream": [Route(200, of="project")],
    "api-files": [
        Route(200, of="project"),
        Route(201, "post", "project", data={"files": [{"path": "new.txt", "content": "x"}]}),
    ],
    "api-file": [
        Route(200, of="project", more={"path": "app.js"}),
        Route(201, "put", "project", data={"content": "x"}, more={"path": "app.js"}),
        Route(201, "patch", "project", data={"path": "main.js"}, more={"path": "app.js"}),
        Route(201, "delete", "project", more={"path": "app.js"}),
    ],
    "api-attachments": [Route(201, "post", "project", data={"name": "a.txt", "content": "aGk="})],
    # Alice's project has none here; that strangers get none of hers is in test_attachments.py.
    "api-attachment": [
        Route(404, of="project", more={"attachment": UUID(int=1)}),
        Route(404, "delete", "project", more={"attachment": UUID(int=1)}),
    ],
    "api-promises": [
        Route(200, of="project"),
        Route(201, "post", "project", data={"says": "It is about bread", "text": "Bread"}),
    ],
    # Alice's project has none here; that strangers delete none of hers is in test_promises.py.
    "api-promise": [Route(404, "delete", "project", more={"promise": 1})],
    "api-mcp": [Route(200, of="project"), Route(200, "put", "project", data={"servers": []})],
    "api-versions": [Route(200, of="project")],
    "api-version": [
        Route(200, of="project", more={"number": 1}),
        Route(200, "patch", "project", data={"title": "Good"}, more={"number": 1}),
    ],
    "api-search": [Route(200, of="project")],
    "api-restore": [Route(200, "post", "project", more={"number": 1})],
    "api-diff": [Route(200, of="project", more={"a": 0, "b": 1})],
    "api-download": [Route(200, of="project")],
    "api-export": [Route(200, of="project")],
    "api-update": [Route(400, "post", "project", data={"repository": "none"})],
    "api-update-figma": [Route(400, "post", "project", data={"frame": "none", "token": "x"})],
    "api-push": [Route(400, "post", "project", data={"repository": "none", "token": "x"})],
    "api-sandbox": [Route(200, of="project")],
    "api-sandbox-start": [Route(202, "post", "project")],
    "api-sandbox-restart": [Route(202, "post", "project")],
    "api-sandbox-repair": [Route(202, "post", "project")],
    "api-sandbox-stop": [Route(202, "post", "project")],
    # 409: alice's project has no sandbox here.
    "api-sandbox-keep": [Route(409, "post", "project")],
    "api-sandbox-check": [Route(200, of="project")],
    "api-context": [Route(200, of="project"), Route(200, "post", "project")],
    # 409: alice's project has no sandbox here.
    "api-sandbox-logs": [Route(409, of="project")],
    "api-run": [
        Route(200, of="run"),
        Route(200, "patch", "run", data={"text": "Make it red"}),
        Route(204, "delete", "run"),
    ],
    "api-run-cancel": [Route(202, "post", "run")],
    "api-run-retry": [Route(409, "post", "run")],
    "api-run-continue": [Route(409, "post", "run")],
    "api-run-plan": [Route(404, of="run"), Route(404, "patch", "run", data={"title": "Other"})],
    "api-run-plan-approve": [Route(404, "post", "run")],
    "api-suggest": [Route(200), Route(200, "post", data={"text": "Why?"})],
    "api-generate": [Route(200, "post", "body", data={"prompt": "Make it blue"})],
}
# Tested elsewhere: the state of other processes; packages' own pages, whose access rules are theirs.
ELSEWHERE = {"readyz", "hook-accounts", "hook-stripe"}
# For staff; for everybody else there is no such page.
STAFF = {
    "status": Route(200),
    "staff-runs": Route(200),
    "staff-models": Route(200),
    "looking-as": Route(302, "post", more={"pk": 1}),
    "looking-as-stop": Route(302, "post"),
}
PACKAGES = ("account_", "mfa_", "socialaccount_", "usersessions_", "social/", "admin:")

# Async views use connections of their own, which do not see what is not committed.
ASYNC = {"api-stream", "api-generate", "api-sandbox-logs"}
DB = {True: pytest.mark.django_db(transaction=True), False: pytest.mark.django_db}


def cases(wanted: Callable[[str, Route], bool] = lambda name, route: True) -> list[Any]:
    return [
        pytest.param(name, route, id=f"{route.method}-{name}", marks=DB[name in ASYNC])
        for name, routes in (PAGES | API).items()
        for route in routes
        if wanted(name, route)
    ]


CASES = cases()
UNSAFE = ("post", "put", "patch", "delete")


def names(patterns: list[Any], space: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield f"{space}{pattern.name or pattern.pattern}"
        else:
            yield from names(pattern.url_patterns, f"{pattern.namespace}:" if pattern.namespace else space)


def test_it_declares_every_route():
    found = {name for name in names(get_resolver().url_patterns) if not name.startswith(PACKAGES)}
    assert found == PAGES.keys() | API.keys() | STAFF.keys() | ELSEWHERE


def call(client: Client, name: str, route: Route, thing: Any, **headers: str) -> Any:
    kwargs = dict(route.more)
    data = dict(route.data)
    if route.of == "body":
        data["projectId"] = str(thing)
    elif route.of:
        kwargs["pk"] = thing
    url = reverse(name, kwargs=kwargs)
    if name in API and route.method in UNSAFE:
        return getattr(client, route.method)(url, data, content_type="application/json", headers=headers)
    return getattr(client, route.method)(url, data, headers=headers)


@pytest.fixture
def thing(request: pytest.FixtureRequest, alice: User, route: Route) -> Any:
    """The id of alice's thing that the route is about."""
    if route.of is None:
        return None
    if route.of == "token":
        return ApiToken.issue(alice)[0].pk
    if route.of == "server":
        return McpServer.objects.create(user=alice, name="wiki", url="https://127.0.0.1/mcp").pk
    if route.of == "run":
        return request.getfixturevalue("run").pk
    project = request.getfixturevalue("project")
    if route.of == "deleted":
        services.delete(project)
    return project.pk


def missing(thing: Any) -> Any:
    return 10**9 if isinstance(thing, int) else uuid4()


def unchanged(alice: User) -> tuple[Any, ...]:
    """What a refused request must leave as it was."""
    return (
        list(Project.objects.order_by("pk").values_list("pk", "name", "deleted", "cursor", "versions__number")),
        list(ApiToken.objects.order_by("pk").values_list("pk", "revoked")),
        list(McpServer.objects.order_by("pk").values_list("pk", "error")),
        User.objects.values_list("name", "theme").get(pk=alice.pk),
    )


def refused(name: str, answer: Any) -> None:
    if name in API:
        assert answer.status_code == 401 and answer.headers["Content-Type"] == "application/problem+json"
    else:
        assert answer.status_code == 302 and answer.url.startswith(reverse("account_login"))


@pytest.mark.parametrize(("name", "route"), CASES)
def test_it_serves_the_owner(as_user, alice, name, route, thing):
    assert call(as_user(alice), name, route, thing).status_code == route.owner


@pytest.mark.parametrize(("name", "route"), cases(lambda name, route: name in API))
def test_it_serves_the_owner_by_token(as_user, alice, name, route, thing):
    secret = ApiToken.issue(alice)[1]
    assert call(as_user(), name, route, thing, Authorization=f"Bearer {secret}").status_code == route.owner


@pytest.mark.parametrize(("name", "route"), CASES)
def test_it_answers_a_stranger_as_if_there_were_nothing(as_user, alice, bob, name, route, thing):
    before = unchanged(alice)
    answer = call(as_user(bob), name, route, thing)
    if route.of is None:
        assert answer.status_code == route.owner
        assert alice.email not in answer.text if not answer.streaming else True
        return
    nothing = call(as_user(bob), name, route, missing(thing))
    assert answer.status_code == nothing.status_code == 404
    if name in API:
        assert answer.content == nothing.content
    assert unchanged(alice) == before


@pytest.mark.parametrize(("name", "route"), CASES)
def test_it_asks_the_anonymous_to_sign_in(as_user, alice, name, route, thing):
    before = unchanged(alice)
    answer = call(as_user(), name, route, thing)
    if route.public:
        assert answer.status_code == route.owner
    else:
        refused(name, answer)
    assert unchanged(alice) == before


@pytest.mark.parametrize(("name", "route"), CASES)
def test_it_serves_a_suspended_owner_no_more(as_user, alice, name, route, thing):
    by_session, secret = as_user(alice), ApiToken.issue(alice)[1]
    User.objects.filter(pk=alice.pk).update(is_active=False)
    before = unchanged(alice)
    session = call(by_session, name, route, thing)
    token = call(as_user(), name, route, thing, Authorization=f"Bearer {secret}")
    for answer in (session, token):
        if not route.public:
            refused(name, answer)
    assert unchanged(alice) == before


@pytest.mark.parametrize(("name", "route"), CASES)
def test_it_serves_a_revoked_token_no_more(as_user, alice, name, route, thing):
    row, secret = ApiToken.issue(alice)
    row.revoked = row.created
    row.save()
    before = unchanged(alice)
    answer = call(as_user(), name, route, thing, Authorization=f"Bearer {secret}")
    if not route.public:
        refused(name, answer)
    assert unchanged(alice) == before


@pytest.mark.parametrize(("name", "route"), cases(lambda name, route: name in API))
def test_it_lets_a_token_that_may_only_read_change_nothing(as_user, alice, name, route, thing):
    secret = ApiToken.issue(alice, scope=ApiToken.Scope.READ)[1]
    before = unchanged(alice)
    answer = call(as_user(), name, route, thing, Authorization=f"Bearer {secret}")
    assert answer.status_code == (403 if route.method in UNSAFE else route.owner)
    assert unchanged(alice) == before


@pytest.mark.parametrize(("name", "route"), CASES)
def test_it_serves_an_expired_token_no_more(as_user, alice, name, route, thing):
    secret = ApiToken.issue(alice, expires=timezone.now())[1]
    before = unchanged(alice)
    answer = call(as_user(), name, route, thing, Authorization=f"Bearer {secret}")
    if not route.public:
        refused(name, answer)
    assert unchanged(alice) == before


@pytest.mark.parametrize(("name", "route"), cases(lambda name, route: route.method in UNSAFE))
def test_it_changes_nothing_from_another_site(alice, name, route, thing):
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(alice)
    before = unchanged(alice)
    answer = call(client, name, route, thing, Origin="https://evil.example")
    assert answer.status_code in (401, 403)
    assert unchanged(alice) == before


@pytest.mark.parametrize(
    "name", [name for name, routes in PAGES.items() if all(one.method == "post" for one in routes)]
)
def test_it_changes_nothing_by_get(as_user, alice, name, request):
    route = PAGES[name][0]
    thing = uuid4() if route.of in ("project", "run", "deleted") else 1 if route.of else None
    kwargs = {"pk": thing} if route.of else route.more
    assert as_user(alice).get(reverse(name, kwargs=kwargs)).status_code == 405


def test_it_has_an_answer_for_every_page_of_the_packages(as_user, alice):
    """No page of a package fails for anyone, and the admin opens to staff only."""
    for name in names(get_resolver().url_patterns):
        if not name.startswith(PACKAGES):
            continue
        try:
            url = reverse(name)
        except Exception:  # noqa: BLE001 – it needs arguments of its own
            continue
        for client in (as_user(), as_user(alice)):
            answer = client.get(url)
            assert answer.status_code in (200, 302, 401, 403, 404, 405), (name, answer.status_code)
            if name.startswith("admin:") and not name.endswith((":login", ":jsi18n")):
                assert answer.status_code in (302, 404), name


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(STAFF))
def test_it_has_no_page_of_the_staff_for_anybody_else(as_user, alice, person, name):
    route = STAFF[name]
    missing = as_user(alice).get("/staff/nothing/")
    for who in (None, alice, person(is_active=False)):
        answer = getattr(as_user(who), route.method)(reverse(name, kwargs=route.more))
        assert answer.status_code == missing.status_code == 404
