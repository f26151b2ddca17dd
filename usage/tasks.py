"""Celery tasks of the ledger: each night it is counted again."""

import logging
import time

from celery import shared_task
from django.core.cache import cache
from django.db import connection

from usage.recount import differences

log = logging.getLogger(__name__)
# What the last count found, for /metrics: {"differences", "at"} (seconds since 1970).
LAST_COUNT = "ledger-recount"


@shared_task
def recount() -> int:
    """Counts every account again; how many differ from their ledger or their reservations."""
    found = differences()
    for line in found:
        log.error("The ledger does not add up: %s", line)
    cache.set(LAST_COUNT, {"differences": len(found), "at": time.time()}, timeout=None)
    connection.close()
    return len(found)
