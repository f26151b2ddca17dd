"""The Celery application: `celery -A vibe worker -P threads`, `celery -A vibe beat`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vibe.settings")

app = Celery("vibe")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
