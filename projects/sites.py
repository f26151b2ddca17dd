"""Sites: apps that are online for everybody, each at a host name of its own; what was built is served from blobs."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import OuterRef, Subquery, Value
from django.db.models.functions import Concat, Now
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.template.loader import render_to_string
from django.utils.cache import get_conditional_response
from django.utils.crypto import get_random_string
from django.utils.encoding import escape_uri_path
from django.utils.http import content_disposition_header, quote_etag
from django.utils.text import slugify
from whitenoise.media_types import MediaTypes

from projects import blobs, leaks
from projects.frameworks import FRAMEWORKS
from projects.models import Blob, Project, Site, Version
from projects.paths import BadFiles, check_files
from projects.services import BadPrompt

# One part of a host name (RFC 1035), of a length that people can say.
NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,38}[a-z0-9])")
# Names that visitors would take for the site's own.
RESERVED = frozenset(
    """
    account accounts admin api app apps assets billing blog cdn dashboard dev docs ftp git help imap login mail ns1 ns2
    pop preview root security shop site sites smtp staging static status store support test vibe web webmail www
    """.split()
)
# An attempt that said nothing for so long went with its worker.
LOST = timedelta(minutes=10)
LOST_TEXT = "The build was lost with the worker that was at it. Put it online again."
# Whose name changes with their content: in folders that are the framework's own, or with a hash as Vite and Angular
# make it. An app's own file may lie beside them; one whose name could be a word is asked for again each time.
FOREVER = re.compile(
    r"^(?:_next/static|_app/immutable)/|-(?=[\w-]{0,7}[A-Z])(?=[\w-]{0,7}[0-9])[\w-]{8}\.(?:js|css|woff2)$"
)
TYPES = MediaTypes(extra_types={".webmanifest": "application/manifest+json", ".md": "text/markdown"})
TEXTS = ("application/javascript", "application/json", "application/manifest+json", "application/xml", "image/svg+xml")
# Below this a file is no smaller compressed, headers included.
SMALL = 400
# Secrets that a refusal names.
NAMED = 5


def url(site: Site) -> str:
    """Where visitors find it."""
    return f"{_scheme()}{site.name}.{settings.SITES_DOMAIN}/"


def urls() -> Subquery:
    """For a queryset of projects: where visitors find each that is online."""
    address = Concat(Value(_scheme()), "name", Value(f".{settings.SITES_DOMAIN}/"))
    return Subquery(Site.objects.filter(project=OuterRef("pk"), version__isnull=False).values(address=address)[:1])


def _scheme() -> str:
    return "https://" if settings.HTTPS else "http://"


def facts(project: Project) -> dict[str, Any]:
    """What its page is told: state (none | asked | building | online | failed), name, address, versions, and why."""
    site = Site.objects.filter(project=project).first()
    if site is None:
        nothing = dict.fromkeys(("url", "version", "wants", "published"))
        return {"state": "none", "name": suggestion(project), **nothing, "detail": ""}
    return {
        "state": site.state,
        "name": site.name,
        "url": url(site) if site.version else None,
        "version": site.version,
        "wants": site.wants,
        "published": site.published.isoformat() if site.published else None,
        "detail": site.detail,
    }


def check_name(name: str) -> str:
    """A site's name. Raises BadPrompt."""
    name = name.strip().lower()
    if not NAME.fullmatch(name):
        text = "A name has 3 to 40 letters from a to z, digits and hyphens, and no hyphen at its ends."
        raise BadPrompt(text, "name")
    if name in RESERVED or name.startswith("xn--"):
        raise BadPrompt(f"The name {name} is reserved. Choose another.", "name")
    return name


def suggestion(project: Project) -> str:
    """A name that nobody has, made of the project's."""
    name = slugify(project.name)[:32].strip("-")
    free = NAME.fullmatch(name) and name not in RESERVED and not Site.objects.filter(name=name).exists()
    return name if free else f"{name or 'app'}-{get_random_string(6, 'abcdefghijkmnpqrstuvwxyz23456789')}"


def ask(project: Project, version: Version, name: str) -> Site:
    """Notes that this version is to be online under this name. Raises BadPrompt when another app has the name."""
    wanted = {
        "name": check_name(name),
        "wants": version.number,
        "state": Site.State.ASKED,
        "asked": Now(),
        "detail": "",
    }
    try:
        with transaction.atomic():
            site, _ = Site.objects.update_or_create(project=project, defaults=wanted)
    except IntegrityError:
        raise BadPrompt(f"Another app is at {name} already. Choose another name.", "name") from None
    site.refresh_from_db(fields=["asked"])
    return site


def is_busy(site: Site | None) -> bool:
    """Whether an attempt is under way."""
    return site is not None and site.state in (Site.State.ASKED, Site.State.BUILDING)


def begin(site: Site) -> bool:
    """Takes an attempt that was asked for. False: somebody has it, or it is not wanted any more."""
    return bool(_attempt(site, Site.State.ASKED).update(state=Site.State.BUILDING))


def put(site: Site, files: Mapping[str, bytes], detail: str = "") -> bool:
    """Puts what was built online, in place of what was. False: it is not wanted any more. Raises BadFiles."""
    check_files(files)
    manifest = {path: blobs.sha256(files[path]) for path in sorted(files)}
    blobs.store({manifest[path]: content for path, content in files.items()})
    now = {
        "state": Site.State.ONLINE,
        "version": site.wants,
        "manifest": manifest,
        "published": Now(),
        "detail": detail,
    }
    return bool(_attempt(site, Site.State.BUILDING).update(**now))


def fail(site: Site, why: str) -> bool:
    """Ends an attempt. What was online before stays."""
    return bool(_attempt(site, Site.State.BUILDING).update(state=Site.State.FAILED, detail=why))


def lost() -> list[Site]:
    """Attempts that went with their worker; they have failed then."""
    late = Site.objects.filter(state__in=(Site.State.ASKED, Site.State.BUILDING), asked__lt=Now() - LOST)
    return [
        site
        for site in late.select_related("project")
        if _attempt(site, site.state).update(state=Site.State.FAILED, detail=LOST_TEXT)
    ]


def _attempt(site: Site, state: str) -> Any:
    return Site.objects.filter(pk=site.pk, asked=site.asked, state=state)


def chosen(files: Mapping[str, bytes], leave: tuple[str, ...]) -> dict[str, bytes]:
    """What of a built folder is for visitors: no hidden or private files, and nothing that is left. Raises BadFiles."""
    found = {
        path: content
        for path, content in files.items()
        if path.split("/")[0] not in leave and not leaks.is_private(path) and not _is_hidden(path)
    }
    if "index.html" not in found:
        raise BadFiles("The build made no index.html, so there would be nothing to see.")
    if secrets := [str(leak) for leak in leaks.written(found)]:
        more = f", and {len(secrets) - NAMED} more" if len(secrets) > NAMED else ""
        text = f"Every visitor could read the secrets in it: {'; '.join(secrets[:NAMED])}{more}."
        raise BadFiles(f"{text} Take them out of the app, and replace them at their providers.")
    return found


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.removeprefix(".well-known/").split("/"))


def name_in(host: str) -> str | None:
    """The name of the site that a host (and port) would be of; None for the hosts of Vibe itself. All that ends in the
    domain is no host of ours, whether it has a name of one part, of several, or none.
    """
    domain = f".{settings.SITES_DOMAIN.partition(':')[0]}"
    host = f".{host.partition(':')[0].lower().removesuffix('.')}"
    return host.removesuffix(domain)[1:] if host.endswith(domain) else None


def respond(request: HttpRequest, name: str) -> HttpResponse:
    """What a visitor of a site gets: one of its files, or its page for what is not there."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponse("Only GET and HEAD.", status=405, headers={"Allow": "GET, HEAD"}, content_type="text/plain")
    online = Site.objects.filter(version__isnull=False, project__deleted__isnull=True, project__owner__is_active=True)
    site = online.filter(name=name).select_related("project").first()
    if site is None:
        return HttpResponse(render_to_string("site_missing.html", {"name": name}), status=404)
    path, status = _found(site, request.path)
    if path is None:
        return HttpResponse(render_to_string("site_missing.html", {"site": site}), status=404)
    if path.endswith("/"):
        query = request.META.get("QUERY_STRING")
        return HttpResponsePermanentRedirect(f"/{escape_uri_path(path)}{'?' * bool(query)}{query}")
    return _file(request, path, Blob.objects.get(pk=site.manifest[path]), status)


def _found(site: Site, asked: str) -> tuple[str | None, int]:
    """The file for a path and its status; a folder's path, ending in "/", when that is the address of its page."""
    path, manifest = asked.lstrip("/"), site.manifest
    for candidate in (path, f"{path}.html"):
        if candidate in manifest and not path.endswith("/"):
            return candidate, 200
    page = f"{path.rstrip('/')}/index.html".lstrip("/")
    if page in manifest:
        return (page, 200) if path in ("", page) or path.endswith("/") else (f"{path}/", 301)
    fallback = FRAMEWORKS[site.project.framework].site.fallback
    # A page that only the app knows; a picture that is not there is no page.
    if fallback in manifest and "." not in path.rpartition("/")[2]:
        return fallback, 200
    return ("404.html", 404) if "404.html" in manifest else (None, 404)


def _file(request: HttpRequest, path: str, blob: Blob, status: int) -> HttpResponse:
    kind = TYPES.get_type(path)
    is_text = kind.startswith("text/") or kind in TEXTS
    etag = quote_etag(blob.sha256[:32])
    headers = {
        "ETag": etag,
        "Cache-Control": "public, max-age=31536000, immutable" if FOREVER.search(path) else "no-cache",
    }
    if is_text:
        headers["Vary"] = "Accept-Encoding"
    packed = is_text and blob.size > SMALL and "gzip" in request.headers.get("Accept-Encoding", "")
    if packed:
        headers["Content-Encoding"] = "gzip"
    body = blobs.gzipped(blob) if packed else blobs.content_of(blob)
    content_type = f"{kind}; charset=utf-8" if is_text else kind
    response = HttpResponse(body, content_type=content_type, status=status, headers=headers)
    if kind == "application/octet-stream":
        response.headers["Content-Disposition"] = str(content_disposition_header(True, path.rpartition("/")[2]))
    if status != 200:
        return response
    return get_conditional_response(request, etag=etag, response=response) or response
