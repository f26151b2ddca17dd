"""Sites: apps that are online for everybody, each at a host name of its own. What visitors get is in visits.py."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Concat, Now
from django.utils.crypto import get_random_string
from django.utils.text import slugify

from projects import blobs, leaks
from projects.models import Project, Site, Version
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
# Longer than any part of a build may take: one that was not heard of for so long went with its worker.
LOST = timedelta(minutes=7)
LOST_TEXT = "The build was lost with the worker that was at it. Put it online again."
# One that nobody took for so long is asked for again: the message is lost, or others are before it.
LATE = timedelta(minutes=1)
# Secrets that a refusal names.
NAMED = 5
# Sites of projects and owners that are not gone: no others are built or shown.
THERE = Q(project__deleted=None, project__owner__is_active=True)


def url(site: Site) -> str:
    """Where visitors find it."""
    return f"{_scheme()}{site.name}.{settings.SITES_DOMAIN}/"


def urls() -> Subquery | Value:
    """For a queryset of projects: where visitors find each that is online."""
    if not settings.SITES_DOMAIN:
        return Value("")
    address = Concat(Value(_scheme()), "name", Value(f".{settings.SITES_DOMAIN}/"))
    return Subquery(Site.objects.filter(project=OuterRef("pk"), version__isnull=False).values(address=address)[:1])


def _scheme() -> str:
    return "https://" if settings.HTTPS else "http://"


def name_in(host: str) -> str | None:
    """The name of the site that a host (and port) would be of; None for the hosts of Vibe itself. All that ends in the
    domain is no host of ours, whether it has a name of one part, of several, or none.
    """
    domain = f".{settings.SITES_DOMAIN.partition(':')[0]}"
    host = f".{host.partition(':')[0].lower().removesuffix('.')}"
    return host.removesuffix(domain)[1:] if host.endswith(domain) else None


def facts(project: Project) -> dict[str, Any]:
    """What its page is told: state (none | asked | building | online | failed), name, address, versions, and why."""
    site = Site.objects.filter(project=project).defer("manifest").first()
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
    """Notes that this version is to be online under this name. Raises BadPrompt when it cannot have the name."""
    name = check_name(name)
    before = Site.objects.filter(project=project).first()
    if before and before.version and before.name != name:
        text = f"It is online as {before.name}. Take it offline first; then it can have another name."
        raise BadPrompt(text, "name")
    # What was never online, and what its owner deleted, holds no name.
    failed = Q(version=None, state=Site.State.FAILED)
    deleted = Q(project__deleted__isnull=False, project__owner=project.owner_id)
    Site.objects.filter(failed | deleted, name=name).exclude(project=project).delete()
    wanted = {"name": name, "wants": version.number, "state": Site.State.ASKED, "asked": Now(), "detail": ""}
    try:
        with transaction.atomic():
            site, _ = Site.objects.update_or_create(project=project, defaults=wanted)
    except IntegrityError:
        raise BadPrompt(f"Another app is at {name} already. Choose another name.", "name") from None
    return site


def under_way() -> QuerySet[Site]:
    """Those that are waited for."""
    return Site.objects.filter(THERE, state__in=(Site.State.ASKED, Site.State.BUILDING))


def begin(site: Site) -> bool:
    """Takes an attempt that was asked for. False: somebody has it, or it is not wanted any more."""
    return _change(site, Site.State.ASKED, state=Site.State.BUILDING, asked=Now())


def go_on(site: Site) -> bool:
    """Notes that its build is alive. False: it is not wanted any more."""
    return _change(site, Site.State.BUILDING, asked=Now())


def put(site: Site, files: Mapping[str, bytes], detail: str = "") -> bool:
    """Puts what was built online, in place of what was. False: it is not wanted any more."""
    manifest = {path: blobs.sha256(files[path]) for path in sorted(files)}
    blobs.store({manifest[path]: content for path, content in files.items()})
    now = {"version": site.wants, "manifest": manifest, "published": Now(), "detail": _storable(detail)}
    return _change(site, Site.State.BUILDING, state=Site.State.ONLINE, **now)


def fail(site: Site, why: str) -> bool:
    """Ends an attempt. What was online before stays."""
    return _change(site, Site.State.BUILDING, state=Site.State.FAILED, detail=_storable(why))


def lost() -> list[Site]:
    """Attempts that went with their worker; they have failed then."""
    silent = Site.objects.filter(state=Site.State.BUILDING, asked__lt=Now() - LOST).select_related("project")
    return [site for site in silent if fail(site, LOST_TEXT)]


def late() -> list[Site]:
    """Attempts that nobody took yet, although they were asked for: to be asked for again, now and then."""
    waiting = Site.objects.filter(state=Site.State.ASKED, asked__lt=Now() - LATE)
    return [site for site in waiting if _change(site, Site.State.ASKED, asked=Now())]


def _change(site: Site, was: str, **values: Any) -> bool:
    """Changes an attempt that is still the newest, in this state, of a project that is still there."""
    attempt = Site.objects.filter(THERE, pk=site.pk, asked=site.asked, state=was)
    # A filter over other tables is no condition of an UPDATE itself: so the row is locked while it is looked at.
    with transaction.atomic():
        if not attempt.select_for_update(of=("self",)).exists():
            return False
        Site.objects.filter(pk=site.pk).update(**values)
        site.refresh_from_db(fields=["state", "asked"])
    return True


def _storable(text: str) -> str:
    """Text of an app or a build as PostgreSQL takes it."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def chosen(files: Mapping[str, bytes], leave: tuple[str, ...]) -> tuple[dict[str, bytes], str]:
    """What of a built folder is for visitors: no hidden or private files, and nothing that is left; and what its owner
    is to know of it. Raises BadFiles.
    """
    found = {
        path: content
        for path, content in files.items()
        if path.split("/")[0] not in leave and not leaks.is_private(path) and not _is_hidden(path)
    }
    check_files(found)
    if "index.html" not in found:
        raise BadFiles("The build made no index.html, so there would be nothing to see.")
    secrets, told = leaks.sorted_out(leaks.written(found))
    if secrets:
        more = f", and {len(secrets) - NAMED} more" if len(secrets) > NAMED else ""
        text = f"Every visitor could read the secrets in it: {'; '.join(map(str, secrets[:NAMED]))}{more}."
        raise BadFiles(f"{text} Take them out of the app, and replace them at their providers.")
    return found, told


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.removeprefix(".well-known/").split("/"))
