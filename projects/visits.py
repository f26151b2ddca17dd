"""What a visitor of a site gets: one of its files, from the blobs, or a page for what is not there."""

import re
from functools import lru_cache

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.encoding import escape_uri_path
from django.utils.http import content_disposition_header, quote_etag
from whitenoise.media_types import MediaTypes

from projects import blobs
from projects.frameworks import FRAMEWORKS
from projects.models import Blob, Site
from projects.sites import THERE

# Folders of the frameworks' own in which a name changes with its content. Elsewhere a visitor's browser asks each time
# whether it changed: an app's own files keep their names.
FOREVER = re.compile(r"^(?:_next/static|_app/immutable)/")
UNKNOWN = "application/octet-stream"
TYPES = MediaTypes(
    extra_types={
        **dict.fromkeys((".map", ".geojson", ".jsonld"), "application/json"),
        **dict.fromkeys((".yaml", ".yml"), "application/yaml"),
        ".csv": "text/csv",
        ".md": "text/markdown",
        ".webmanifest": "application/manifest+json",
    }
)
TEXTS = ("application/json", "application/manifest+json", "application/xml", "application/yaml", "image/svg+xml")
# Below this a file is no smaller compressed, headers included.
SMALL = 400
# An app of somebody's: it may embed what wants to know where, and open windows that answer. Ours are stricter.
HEADERS = {
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "unsafe-none",
    "Cache-Control": "no-cache",
}
RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


def respond(request: HttpRequest, name: str) -> HttpResponse:
    """The answer of the site of that name to a request. Nothing is read of a request's body."""
    response = _respond(request, name)
    for header, value in HEADERS.items():
        response.headers.setdefault(header, value)
    if response.content:
        response.headers["Content-Length"] = str(len(response.content))
    return response


def _respond(request: HttpRequest, name: str) -> HttpResponse:
    if request.method not in ("GET", "HEAD"):
        return HttpResponse("Only GET and HEAD.", status=405, headers={"Allow": "GET, HEAD"}, content_type="text/plain")
    online = Site.objects.filter(THERE, name=name, version__isnull=False)
    site = online.select_related("project").defer("manifest").first()
    if site is None:
        return HttpResponse(render_to_string("site_missing.html", {"name": name}), status=404)
    manifest = _manifest(site.pk, str(site.published))
    fallback = FRAMEWORKS[site.project.framework].site.fallback
    path, status = _found(manifest, fallback, request)
    if path is None:
        answer = HttpResponse(render_to_string("site_missing.html", {"site": site}), status=404)
    elif status == 302:
        query = request.META.get("QUERY_STRING")
        return HttpResponseRedirect(f"/{escape_uri_path(path)}{'?' * bool(query)}{query}")
    else:
        answer = _file(request, path, manifest[path], status)
    if fallback in manifest and (status == 404 or path == fallback):
        patch_vary_headers(answer, ["Accept"])
    return answer


@lru_cache(16)
def _manifest(site: int, published: str) -> dict[str, str]:
    """The files of a site as it was put online then: a page asks for many of them."""
    return Site.objects.filter(pk=site).values_list("manifest", flat=True).first() or {}


def _found(manifest: dict[str, str], fallback: str | None, request: HttpRequest) -> tuple[str | None, int]:
    """The file for a request and its status; with 302, the path at which its page is."""
    path = request.path.lstrip("/")
    bare = path.rstrip("/")
    if path and path == bare:
        for candidate in (path, f"{path}.html"):
            if candidate in manifest:
                return candidate, 200
    page = f"{bare}/index.html".lstrip("/")
    if page in manifest:
        return (page, 200) if path != bare or not path else (f"{path}/", 302)
    if f"{bare}.html" in manifest:
        return bare, 302
    # A page that only the app knows; a picture that is not there is no page. What is no browser takes anything.
    accept = request.headers.get("Accept", "text/html")
    takes_page = "text/html" in accept or ("*/*" in accept and "." not in path.rpartition("/")[2])
    if fallback in manifest and TYPES.get_type(path) == UNKNOWN and takes_page:
        return fallback, 200
    return ("404.html", 404) if "404.html" in manifest else (None, 404)


def _file(request: HttpRequest, path: str, sha: str, status: int) -> HttpResponse:
    kind = TYPES.get_type(path)
    is_text = kind.startswith("text/") or kind in TEXTS
    packs = is_text and "gzip" in request.headers.get("Accept-Encoding", "")
    headers = {"ETag": quote_etag(sha[:32] + "-gz" * packs)}
    if FOREVER.search(path):
        headers["Cache-Control"] = "public, max-age=31536000, immutable"
    if is_text:
        headers["Vary"] = "Accept-Encoding"
    if status == 200 and headers["ETag"] in request.headers.get("If-None-Match", ""):
        return HttpResponseNotModified(headers=headers)
    blob = Blob.objects.get(pk=sha)
    if packs and blob.size > SMALL:
        body = blobs.gzipped(blob)
        headers["Content-Encoding"] = "gzip"
    else:
        body = blobs.content_of(blob)
    if kind == UNKNOWN:
        headers["Content-Disposition"] = str(content_disposition_header(True, path.rpartition("/")[2]))
    if not is_text and status == 200:
        headers["Accept-Ranges"] = "bytes"
        if part := _range(request, len(body)):
            headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{len(body)}"
            body, status = body[part.start : part.stop], 206
    return HttpResponse(
        body, content_type=f"{kind}; charset=utf-8" if is_text else kind, status=status, headers=headers
    )


def _range(request: HttpRequest, size: int) -> range | None:
    """The one part of a file that is asked for, as players of films do (RFC 9110, 14.2). None: all of it."""
    asked = RANGE.fullmatch(request.headers.get("Range", ""))
    if request.method != "GET" or not asked or not any(asked.groups()) or "If-Range" in request.headers:
        return None
    first, last = asked.groups()
    start = int(first) if first else max(0, size - int(last))
    stop = min(size, int(last) + 1) if first and last else size
    return range(start, stop) if start < stop else None
