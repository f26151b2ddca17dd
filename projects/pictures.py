"""Pictures of versions: kept as WebP beside their version, the newest of a project only, shown to who may see it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from projects.models import Picture, Project, Version

MAX_BYTES = 600_000
# Of one project; older versions lose theirs.
KEPT = 30


def keep(version: Version, webp: bytes) -> bool:
    """Keeps a version's picture in place of an earlier one. False: it is no WebP, or too large."""
    if not (webp[:4] == b"RIFF" and webp[8:12] == b"WEBP") or len(webp) > MAX_BYTES:
        return False
    Picture.objects.update_or_create(version=version, defaults={"webp": webp})
    _prune(version.project_id, KEPT)
    return True


def copy(source: Version, target: Version) -> None:
    """Gives a version that has the same files the same picture, if there is one."""
    if picture := Picture.objects.filter(version=source).first():
        Picture.objects.get_or_create(version=target, defaults={"webp": picture.webp})


def prune(kept: int) -> int:
    """Removes all but the `kept` newest pictures of each project; how many."""
    projects = Picture.objects.values_list("version__project_id", flat=True).distinct()
    return sum(_prune(project_id, kept) for project_id in list(projects))


def newest() -> Subquery:
    """For a queryset of projects: the number of the newest version that has a picture."""
    pictures = Picture.objects.filter(version__project=OuterRef("pk")).order_by("-version__number")
    return Subquery(pictures.values("version__number")[:1])


def has_one(version: Version) -> bool:
    return Picture.objects.filter(version=version).exists()


def marked(found: QuerySet[Version]) -> QuerySet[Version]:
    """Adds `has_picture`."""
    return found.annotate(has_picture=Exists(Picture.objects.filter(version=OuterRef("pk"))))


def _prune(project_id: UUID, kept: int) -> int:
    rows: QuerySet[Picture] = Picture.objects.filter(version__project_id=project_id)
    doomed = list(rows.order_by("-version__number").values_list("pk", flat=True)[kept:])
    return Picture.objects.filter(pk__in=doomed).delete()[0]


@login_required
@require_safe
def picture(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """The picture of a version of one's own project."""
    return answer(
        {"version__project__in": Project.objects.for_user(request.user).filter(pk=pk), "version__number": number}
    )


def answer(which: Mapping[str, Any], *, public: bool = False) -> HttpResponse:
    """The one picture that a filter finds. A version's files never change, so neither does what they look like."""
    webp = Picture.objects.filter(**which).values_list("webp", flat=True).first()
    if webp is None:
        raise Http404
    response = HttpResponse(bytes(webp), content_type="image/webp")
    patch_cache_control(response, private=not public, public=public, max_age=86_400)
    return response
