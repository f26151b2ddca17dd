"""Share links: a page that shows a project's running app and its name to whoever has the link, and nothing else but,
if its owner wants that, how the newest run went.
"""

from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents import previews, replays, services
from projects import api as projects
from projects.models import Project, Share

# 62^32 is 190 bits: not to be guessed.
TOKEN_CHARS = 32
# Visitors wake a sleeping app at most this often, in seconds.
WAKE_EVERY = 20


class ShareSerializer(serializers.Serializer[Any]):
    url = serializers.CharField(allow_null=True, help_text="null: not shared.")
    created = serializers.DateTimeField(allow_null=True)
    replay = serializers.BooleanField(
        help_text="It also shows how the app was made: agents/replays.py says what of it."
    )


class ShareChangeSerializer(serializers.Serializer[Any]):
    replay = serializers.BooleanField()


class ShareLink(projects.InProject):
    @extend_schema(responses=ShareSerializer)
    def get(self, request: Request, pk: Any) -> Response:
        """The project's share link, if there is one."""
        return self._answer(Share.objects.filter(project=self.project()).first())

    @extend_schema(request=None, responses={201: ShareSerializer})
    def post(self, request: Request, pk: Any) -> Response:
        """Makes a link that shows the running app and the project's name to whoever has it; 200 if there is one."""
        share, made = Share.objects.get_or_create(
            project=self.project(), defaults={"token": get_random_string(TOKEN_CHARS)}
        )
        return self._answer(share, 201 if made else 200)

    @extend_schema(request=ShareChangeSerializer, responses=ShareSerializer)
    def patch(self, request: Request, pk: Any) -> Response:
        """Whether the link also shows how the newest run went. 404 without a link."""
        mine = Share.objects.filter(project=self.project())
        if not mine.update(replay=projects.valid(ShareChangeSerializer, request)["replay"]):
            raise Http404
        return self._answer(mine.first())

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: Any) -> Response:
        """The link shows nothing any more; a later one is another link.

        The app itself, whose address its visitors know, moves to another one as soon as no run works in its sandbox.
        """
        project = self.project()
        if Share.objects.filter(project=project).delete()[0]:
            services.retire_sandbox(project)
        return Response(status=204)

    def _answer(self, share: Share | None, status: int = 200) -> Response:
        if share is None:
            return Response({"url": None, "created": None, "replay": False})
        url = self.request.build_absolute_uri(reverse("shared", args=[share.token]))
        return Response({"url": url, "created": share.created, "replay": share.replay}, status=status)


def _share(token: str) -> Share:
    """What a token opens. 404 for one that is unknown or withdrawn, and for projects and owners that are gone."""
    found = Share.objects.select_related("project__owner").filter(
        token=token, project__deleted__isnull=True, project__owner__is_active=True
    )
    share = found.first()
    if share is None:
        raise Http404
    return share


def _project(token: str) -> Project:
    return _share(token).project


@never_cache
@require_safe
def shared(request: HttpRequest, token: str) -> HttpResponse:
    share = _share(token)
    replay = share.replay and replays.newest(share.project) is not None
    facts = {"name": share.project.name, "token": token, "replay": replay}
    response = render(request, "projects/shared.html", facts)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@never_cache
@require_safe
def shared_state(request: HttpRequest, token: str) -> HttpResponse:
    """{"state": none | running | paused, "url": where the app is, null while it is not running}."""
    place = previews.status(_project(token))
    running = place["state"] == "running"
    return JsonResponse({"state": place["state"], "url": place["url"] if running else None})


@never_cache
@require_safe
def shared_replay(request: HttpRequest, token: str) -> HttpResponse:
    """{"events": …} of the newest run, as others may see it. 404 unless the owner shows it."""
    share = _share(token)
    run = replays.newest(share.project) if share.replay else None
    if run is None:
        raise Http404
    return JsonResponse({"events": replays.events(run)})


@never_cache
@require_POST
@transaction.atomic
def shared_wake(request: HttpRequest, token: str) -> HttpResponse:
    """A visitor waits for the app: has a worker wake it. Now and then only, however many visitors there are."""
    project = _project(token)
    if project.versions.exists() and cache.add(f"shared-wake:{project.pk}", 1, WAKE_EVERY):
        services.open_preview(project)
    return HttpResponse(status=202)
