"""The site: settings, URLs, ASGI, Celery."""

from vibe.celery import app as celery_app

__all__ = ["celery_app"]
