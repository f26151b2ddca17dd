"""Apps are put online: built in a sandbox of their own, kept, and served at a host of their own."""

import gzip
import json
import os
import re

import celery
import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from agents import box, browser, tasks
from projects import frameworks, services, sites, versions
from projects.models import Site
from projects.services import create_project

look = browser.available
HTML = {
    "index.html": b'<!doctype html><title>Tea</title><link rel="stylesheet" href="styles.css"><h1>Tea</h1>',
    "styles.css": b"h1 { color: green }\n" * 40,
    "about/index.html": b"<h1>About</h1>",
    "prices.html": b"<h1>Prices</h1>",
    "logo.png": b"\x89PNG\0",
    "package.json": b"{}",
    "tools/serve.js": b"// the dev server",
    ".env": b"SECRET=1",
}


@pytest.fixture
def project(model, owner):
    """A project of plain HTML with one version."""
    made = create_project(owner, "Tea", model="vibe-m", framework="html", name="Tea shop")
    versions.save(made, HTML, source="edit")
    return made


@pytest.fixture
def path(project):
    return f"/api/v1/projects/{project.pk}/site/"


@pytest.fixture
def put(api, project, path):
    """Puts the newest version online and has it built; how the site then stands."""

    def put(**data):
        answer = api(project.owner).post(path, data)
        assert answer.status_code == 202, answer.text
        tasks.build_site(str(project.pk))
        return api(project.owner).get(path).json()

    return put


def visit(url, host="tea-shop", method="get", **headers):
    """What a stranger's browser gets from a site."""
    return getattr(Client(), method)(url, headers={"Host": f"{host}.{settings.SITES_DOMAIN}", **headers})


def test_it_puts_an_app_online(api, project, path, put):
    before = api(project.owner).get(path).json()
    assert (before["state"], before["name"], before["url"]) == ("none", "tea-shop", None)
    site = put()
    assert site["state"] == "online", site
    assert (site["version"], site["url"]) == (1, f"http://tea-shop.{settings.SITES_DOMAIN}/")
    first = visit("/")
    assert (first.status_code, first.content) == (200, HTML["index.html"])
    assert first.headers["Content-Type"] == "text/html; charset=utf-8"
    told = [step.data["state"] for step in project.steps.filter(type="site").order_by("cursor")]
    assert told == ["asked", "building", "online"]


def test_it_serves_pages_by_their_names_and_nothing_that_is_not_for_visitors(put):
    put()
    assert visit("/prices").content == visit("/prices.html").content == HTML["prices.html"]
    assert visit("/about/").content == HTML["about/index.html"]
    folder = visit("/about")
    assert (folder.status_code, folder.headers["Location"]) == (302, "/about/")
    assert folder.headers["Cache-Control"] == "no-cache"
    assert visit("/prices/").headers["Location"] == "/prices"
    assert visit("/about?from=a%20friend").headers["Location"] == "/about/?from=a%20friend"
    assert visit("/logo.png").headers["Content-Type"] == "image/png"
    for hidden in ("/.env", "/package.json", "/tools/serve.js", "/nothing", "/../settings.py"):
        assert visit(hidden).status_code == 404, hidden


def test_it_answers_only_with_the_site_at_its_host(put):
    put()
    for ours in ("/api/v1/projects/", "/accounts/login/", "/healthz", "/static/dist/site.css", "/admin/"):
        answer = visit(ours)
        assert answer.status_code == 404 and "Vibe" not in answer.text, ours
        assert not answer.cookies
    assert visit("/", method="post").status_code == 405
    assert visit("/", host="TEA-SHOP").status_code == 200
    for host in ("somebody-else", "a.tea-shop", "tea-shop.b", "tea-shop.", ""):
        at = f"{host}.{settings.SITES_DOMAIN}".lstrip(".")
        for address in (at, at.replace(":", ".:")):  # a host may end in a dot
            for path in ("/", "/accounts/login/"):
                assert Client().get(path, headers={"Host": address}).status_code in (400, 404), (address, path)


def test_it_sends_what_changed_and_sends_it_packed(put):
    put()
    packed = visit("/styles.css", **{"Accept-Encoding": "gzip, br"})
    assert packed.headers["Content-Encoding"] == "gzip" and packed.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(packed.content) == HTML["styles.css"] == visit("/styles.css").content
    assert len(packed.content) < len(HTML["styles.css"]) / 3
    again = visit("/styles.css", **{"If-None-Match": packed.headers["ETag"], "Accept-Encoding": "gzip"})
    assert (again.status_code, again.content) == (304, b"")
    assert packed.headers["Cache-Control"] == "no-cache"
    assert again.headers["ETag"] == packed.headers["ETag"] != visit("/styles.css").headers["ETag"]


def test_it_is_named_in_the_list_of_projects(as_user, project, path, put, api):
    address = f'href="http://tea-shop.{settings.SITES_DOMAIN}/"'
    api(project.owner).post(path)
    assert address not in as_user(project.owner).get("/projects/").text
    tasks.build_site(str(project.pk))
    assert address in as_user(project.owner).get("/projects/").text


def test_it_lets_browsers_keep_only_what_never_changes_under_its_name(project, put):
    names = (
        "_next/static/chunks/a.js",
        "_app/immutable/start.js",
        "assets/index-B3x_9aQ2.js",
        "css/theme-Dark2024.css",
    )
    versions.save(project, {"index.html": b"<h1>Tea</h1>", **dict.fromkeys(names, b"tea")}, source="edit")
    put()
    kept = ["immutable" in visit(f"/{name}").headers["Cache-Control"] for name in names]
    assert kept == [True, True, False, False]


def test_it_sends_parts_of_films_and_the_size_of_everything(project, put):
    versions.save(project, {"index.html": b"<h1>Tea</h1>", "film.mp4": b"0123456789"}, source="edit")
    put()
    whole = visit("/film.mp4")
    assert (whole.headers["Accept-Ranges"], whole.headers["Content-Length"]) == ("bytes", "10")
    for asked, status, body in [
        ("bytes=2-4", 206, b"234"),
        ("bytes=7-", 206, b"789"),
        ("bytes=-3", 206, b"789"),
        ("bytes=5-99", 206, b"56789"),
        ("bytes=20-30", 200, b"0123456789"),
        ("bytes=-", 200, b"0123456789"),
        ("bytes=0-1,4-5", 200, b"0123456789"),
        ("bytes=" + "9" * 5000 + "-", 200, b"0123456789"),
    ]:
        part = visit("/film.mp4", Range=asked)
        assert (part.status_code, part.content) == (status, body), asked
    assert visit("/film.mp4", Range="bytes=2-4").headers["Content-Range"] == "bytes 2-4/10"


def test_it_lets_an_app_embed_and_open_what_it_wants(put):
    put()
    headers = visit("/").headers
    assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "unsafe-none"
    assert "Content-Security-Policy" not in headers and "X-Frame-Options" not in headers


def test_it_finds_files_of_any_name(project, put):
    files = {"index.html": b"<h1>Tea</h1>", "gr\u00fcn tee.html": b"green", "a b/index.html": b"spaces"}
    versions.save(project, files, source="edit")
    put()
    assert visit("/gr%C3%BCn%20tee").content == b"green"
    assert visit("/a%20b").headers["Location"] == "/a%20b/" and visit("/a%20b/").content == b"spaces"


def test_it_stays_as_it_was_until_the_next_version_is_put_online(project, put):
    put()
    versions.save_file(project, "index.html", b"<h1>Coffee</h1>")
    assert visit("/").content == HTML["index.html"]
    assert put()["version"] == 2
    assert visit("/").content == b"<h1>Coffee</h1>"
    assert put(version=1)["version"] == 1
    assert visit("/").content == HTML["index.html"]


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"styles.css": b"h1 {}"}, "no index.html"),
        ({"index.html": b"<script>const key = 'sk-ant-api03-" + b"a1B2c3D4" * 11 + b"'</script>"}, "secrets"),
        ({"index.html": b"", "app.js": b"\0" * 700_000 + b"'sk-ant-api03-" + b"a1B2c3D4" * 11 + b"'"}, "secrets"),
    ],
)
def test_it_says_why_something_did_not_go_online_and_what_was_online_stays(project, put, files, why):
    put()
    versions.save(project, files, source="edit")
    site = put()
    assert (site["state"], site["version"]) == ("failed", 1)
    assert why in site["detail"] and "a1B2c3D4" not in site["detail"]
    assert visit("/").content == HTML["index.html"]


def test_it_goes_online_with_a_key_for_browsers_and_tells_of_it(project, put):
    key = "AI" + "za" + "B" * 35
    page = f"{HTML['index.html'].decode()}<script>const firebase = {{ apiKey: '{key}' }}</script>"
    versions.save(project, HTML | {"index.html": page.encode()}, source="edit")
    site = put()
    assert site["state"] == "online" and key in visit("/").text
    assert "index.html, line 1: Google key" in site["detail"] and "restrict it" in site["detail"]
    assert key not in site["detail"]


def test_it_keeps_its_name_while_it_is_online(api, project, path, put):
    put()
    answer = api(project.owner).post(path, {"name": "leaf-and-pot"})
    assert answer.status_code == 400 and "offline first" in answer.json()["errors"]["name"][0]
    assert visit("/").status_code == 200
    api(project.owner).delete(path)
    assert put(name=" Leaf-And-Pot ")["url"] == f"http://leaf-and-pot.{settings.SITES_DOMAIN}/"
    assert visit("/", host="leaf-and-pot").status_code == 200


def test_it_frees_the_name_of_what_never_went_online_and_of_what_its_owner_deleted(api, project, path, put, owner):
    def another(name):
        made = create_project(owner, "Tea", model="vibe-m", framework="html")
        versions.save(made, HTML, source="edit")
        return api(owner).post(f"/api/v1/projects/{made.pk}/site/", {"name": name}).status_code

    put()
    assert another("tea-shop") == 400
    services.delete(project)
    assert another("tea-shop") == 202
    Site.objects.update(state="failed")
    assert another("tea-shop") == 202


@pytest.mark.parametrize("name", ["www", "ab", "-tea", "tea-", "te a", "tea.shop", "x" * 41, "xn--tea", "tée", "a_b"])
def test_it_refuses_a_name_that_is_none(api, project, path, name):
    answer = api(project.owner).post(path, {"name": name})
    assert answer.status_code == 400 and answer.json()["errors"]["name"]
    assert not Site.objects.exists()


def test_it_gives_a_name_to_one_app_only(api, project, put, owner):
    put()
    other = create_project(owner, "Tea", model="vibe-m", framework="html", name="Tea shop")
    versions.save(other, HTML, source="edit")
    theirs = f"/api/v1/projects/{other.pk}/site/"
    assert re.fullmatch(r"tea-shop-[a-z2-9]{6}", api(owner).get(theirs).json()["name"])
    assert "already" in api(owner).post(theirs, {"name": "tea-shop"}).json()["errors"]["name"][0]
    assert visit("/").status_code == 200


def test_it_takes_it_offline(api, project, path, put):
    put()
    assert api(project.owner).delete(path).status_code == 204
    assert visit("/").status_code == 404
    assert api(project.owner).get(path).json()["state"] == "none"
    assert api(project.owner).delete(path).status_code == 204


def test_it_drops_a_build_that_was_taken_back_meanwhile(api, project, path):
    api(project.owner).post(path)
    api(project.owner).delete(path)
    tasks.build_site(str(project.pk))
    assert not Site.objects.exists()


def test_it_builds_one_at_a_time(api, project, path):
    assert api(project.owner).post(path).status_code == 202
    assert api(project.owner).post(path).status_code == 409
    tasks.build_site(str(project.pk))
    tasks.build_site(str(project.pk))  # a message that came twice
    assert api(project.owner).get(path).json()["state"] == "online"


def test_it_builds_two_apps_of_a_person_at_once(api, project, path, owner):
    def another(name):
        made = create_project(owner, "Tea", model="vibe-m", framework="html", name=name)
        versions.save(made, HTML, source="edit")
        return api(owner).post(f"/api/v1/projects/{made.pk}/site/").status_code

    assert [another("Cups"), another("Pots"), another("Jugs")] == [202, 202, 409]
    tasks.build_site(str(Site.objects.get(name="cups").project_id))
    assert api(owner).post(path).status_code == 202
    # Both places are taken, one by an app that is deleted then: nobody waits for that any more.
    services.delete(Site.objects.get(name="pots").project)
    assert another("Mugs") == 202


def test_it_takes_turns_with_other_builds(api, project, path):
    api(project.owner).post(path)
    assert tasks._builds.acquire(blocking=False) and tasks._builds.acquire(blocking=False)
    try:
        with pytest.raises(celery.exceptions.Retry):
            tasks.build_site.apply((str(project.pk),), throw=True)
        assert api(project.owner).get(path).json()["state"] == "asked"
    finally:
        tasks._builds.release(2)
    tasks.build_site(str(project.pk))
    assert api(project.owner).get(path).json()["state"] == "online"


def test_it_leaves_a_name_to_the_newer_of_two_attempts(api, project, path):
    api(project.owner).post(path)
    before = Site.objects.get()
    Site.objects.update(state="failed")
    api(project.owner).post(path)
    Site.objects.update(state="building")
    assert not sites.put(before, {"index.html": b"late"}) and not sites.fail(before, "late")
    assert Site.objects.get().state == "building"


def test_it_is_taken_offline_by_staff(as_user, staff, put):
    put()
    address = reverse("admin:projects_site_changelist")
    assert "tea-shop" in as_user(staff).get(address).text
    asked = {"action": "take_offline", "_selected_action": [str(Site.objects.get().pk)]}
    assert as_user(staff).post(address, asked).status_code == 302
    assert visit("/").status_code == 404


@pytest.mark.skipif(not browser.available(), reason="NO CHROMIUM")
def test_it_looks_at_what_was_built(project, put, monkeypatch):
    monkeypatch.setattr(browser, "available", look)
    put()
    versions.save_file(project, "index.html", b"<h1>Tea</h1><script>document.title = tea.name</script>")
    site = put()
    assert (site["state"], site["version"]) == ("online", 2)
    assert "tea is not defined" in site["detail"]
    versions.save_file(project, "index.html", b"<div id=root></div><script>root.append(tea.name)</script>")
    site = put()
    assert (site["state"], site["version"]) == ("failed", 2)
    assert "stays empty" in site["detail"] and "tea is not defined" in site["detail"]


def test_it_has_no_version_to_put_online_before_the_first(api, owner, model):
    empty = create_project(owner, "Tea", model="vibe-m", framework="html")
    assert api(owner).post(f"/api/v1/projects/{empty.pk}/site/").status_code == 404


def test_it_says_so_of_a_build_that_went_with_its_worker(api, project, path):
    api(project.owner).post(path)
    Site.objects.update(state="building")
    assert tasks.keep_sites_up() == 0
    Site.objects.update(asked="2020-01-01T00:00Z")
    assert tasks.keep_sites_up() == 1
    assert "lost" in api(project.owner).get(path).json()["detail"]
    assert project.steps.filter(type="site").last().data["state"] == "failed"


def test_it_asks_again_for_a_build_that_nobody_took(api, project, path, monkeypatch):
    rung = []
    monkeypatch.setattr(celery.current_app, "send_task", lambda name, *args, **more: rung.append(name))
    api(project.owner).post(path)
    rung.clear()  # as if the broker had lost it
    assert tasks.keep_sites_up() == 0 and not rung
    Site.objects.update(asked="2020-01-01T00:00Z")
    assert tasks.keep_sites_up() == 1 and rung == ["agents.tasks.build_site"]
    assert tasks.keep_sites_up() == 0
    tasks.build_site(str(project.pk))
    assert api(project.owner).get(path).json()["state"] == "online"


@pytest.mark.parametrize("what", ["deleted", "suspended", "offline"])
def test_it_stops_a_build_that_nobody_wants_any_more(api, project, path, what, monkeypatch):
    from agents import sandbox

    opened = sandbox.beside

    def beside(*args):
        box = opened(*args)
        if what == "deleted":
            services.delete(project)
        elif what == "suspended":
            type(project.owner).objects.update(is_active=False)
        else:
            api(project.owner).delete(path)
        return box

    monkeypatch.setattr(sandbox, "beside", beside)
    api(project.owner).post(path)
    tasks.build_site(str(project.pk))
    assert not Site.objects.filter(version__isnull=False).exists()


def test_it_takes_a_log_and_names_that_are_no_text(project, put):
    site = put()
    row = Site.objects.get()
    Site.objects.update(state="building")
    assert sites.fail(row, "broken \x00 \ud800") and Site.objects.get().detail == "broken \ufffd ?"
    assert site["state"] == "online"


@pytest.mark.parametrize("what", ["deleted", "suspended"])
def test_it_ends_with_the_project_and_its_owner(project, put, what):
    put()
    if what == "deleted":
        services.delete(project)
    else:
        project.owner.is_active = False
        project.owner.save()
    assert visit("/").status_code == 404


def test_it_is_no_strangers_business(api, bob, project, path, put):
    put()
    before = Site.objects.values().get()
    for method in ("get", "post", "delete"):
        assert getattr(api(bob), method)(path).status_code == 404
    assert Site.objects.values().get() == before and visit("/").status_code == 200


def test_it_keeps_what_is_online_when_nothing_else_needs_it(project, put):
    from projects import blobs
    from projects.models import Blob

    put()
    project.versions.all().delete()
    Blob.objects.update(wanted="2020-01-01T00:00Z")
    blobs.sweep()
    assert visit("/").content == HTML["index.html"]
    Site.objects.all().delete()
    assert blobs.sweep() >= 5


def test_it_puts_nothing_online_where_no_domain_is_set_aside_for_it(api, project, path, settings):
    settings.SITES_DOMAIN = ""
    assert api(project.owner).get(path).status_code == 404
    assert api(project.owner).post(path).status_code == 404


def build(api, owner, framework, files, name):
    """Builds the site of an app that has its framework's first files and these; how it stands."""
    project = create_project(owner, "Tea", model="vibe-m", framework=framework)
    versions.save(project, {**frameworks.starting_files(framework), **files}, source="edit")
    path = f"/api/v1/projects/{project.pk}/site/"
    assert api(owner).post(path, {"name": name}).status_code == 202
    tasks.build_site(str(project.pk))
    return api(owner).get(path).json()


def test_it_builds_what_has_to_be_built(model, api, owner):
    app = b"export default function App() { return <h1>Green tea</h1> }"
    site = build(api, owner, "react", {"src/App.tsx": app}, "green-tea")
    assert site["state"] == "online", site["detail"]
    first = visit("/", host="green-tea")
    [script] = re.findall(r'src="(/assets/[^"]+\.js)"', first.text)
    assert "Green tea" in visit(script, host="green-tea").text
    assert visit("/a/page/of/the/app", host="green-tea").content == first.content
    assert visit("/assets/missing.js", host="green-tea").status_code == 404

    # curl, monitors and what draws previews of links take anything; what an answer depends on is told to caches.
    page = visit("/a/page/of/the/app", host="green-tea", Accept="*/*")
    assert page.content == first.content and page.headers["Vary"] == "Accept-Encoding, Accept"
    for path, accept in [("/a/page", "application/json"), ("/a/page.of", "*/*"), ("/a/picture.png", "*/*")]:
        missing = visit(path, host="green-tea", Accept=accept)
        assert (missing.status_code, missing.headers["Vary"]) == (404, "Accept"), path
    assert visit(f"{script}", host="green-tea", Accept="*/*").headers["Vary"] == "Accept-Encoding"


def test_it_shows_what_the_build_said_when_it_failed(model, api, owner):
    site = build(api, owner, "react", {"src/App.tsx": b"export default () => <p>{1 +}</p>"}, "green-tea")
    assert (site["state"], site["url"]) == ("failed", None)
    assert "App.tsx" in site["detail"] and "TS1109" in site["detail"]


def with_package(place):
    """The files of an app of React that shows what a package says, which lies at that place beside it."""
    package = json.loads(frameworks.starting_files("react")["package.json"])
    package["dependencies"]["tea"] = f"file:{place}"
    return {
        "package.json": json.dumps(package).encode(),
        "tea/package.json": b'{"name": "tea", "version": "1.0.0", "main": "index.js", "types": "index.d.ts"}',
        "tea/index.js": b"module.exports = 'Green tea'",
        "tea/index.d.ts": b"declare const tea: string; export = tea",
        "src/App.tsx": b"import tea from 'tea'; export default () => <h1>{tea}</h1>",
    }


def test_it_waits_for_packages_that_take_long(model, api, owner, monkeypatch):
    monkeypatch.setattr(box, "INSTALL_SECONDS", 0.01)
    site = build(api, owner, "react", with_package("tea"), "green-tea")
    assert site["state"] == "online", site["detail"]


def test_it_says_of_packages_that_cannot_be_had_that_they_are_the_reason(model, api, owner):
    site = build(api, owner, "react", with_package("no-tea.tgz"), "green-tea")
    assert site["state"] == "failed" and "packages could not be installed" in site["detail"]
    assert "no-tea.tgz" in site["detail"]


@pytest.mark.skipif("VIBE_ALL_TEMPLATES" not in os.environ, reason="slow: set VIBE_ALL_TEMPLATES=1")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("framework", ["vue", "svelte", "angular", "nextjs"])
def test_it_builds_every_framework(model, api, owner, framework):
    site = build(api, owner, framework, {}, "first-app")
    assert site["state"] == "online", site["detail"]
    first = visit("/", host="first-app")
    assert first.status_code == 200 and "<title>Your app</title>" in first.text
    linked = set(re.findall(r'(?:src|href)="(?:\.?/)?([^":]+\.(?:js|css))"', first.text))
    assert linked and all(visit(f"/{path}", host="first-app").status_code == 200 for path in linked)


@pytest.mark.skipif("VIBE_ALL_TEMPLATES" not in os.environ, reason="slow: set VIBE_ALL_TEMPLATES=1")
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("framework", "path", "code"),
    [
        ("nextjs", "app/api/tea/route.ts", b"export const POST = () => Response.json({})"),
        ("svelte", "src/routes/tea/+server.ts", b"export const POST = () => new Response()"),
    ],
)
def test_it_says_what_needs_a_server(model, api, owner, framework, path, code):
    site = build(api, owner, framework, {path: code}, "first-app")
    assert site["state"] == "failed" and path in site["detail"] and "need a server" in site["detail"]
