"""Celery tasks of projects: each night, what nothing refers to any more goes."""

import logging

from celery import shared_task
from django.db import connection

from projects import blobs

log = logging.getLogger(__name__)


@shared_task
def sweep_blobs() -> int:
    """Removes the contents of files that went with their project or owner; how many."""
    gone = blobs.sweep()
    log.info("%d blobs were removed: nothing refers to them any more", gone)
    connection.close()
    return gone
