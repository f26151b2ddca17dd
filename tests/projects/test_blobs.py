"""Contents that nothing refers to go after a day, and never one that somebody is about to refer to."""

import threading
from datetime import timedelta
from typing import Any

from django.db import connection, connections, transaction
from django.db.models import F

from agents import people_views
from projects import attachments, blobs, services, versions
from projects.models import Blob, Project
from projects.tasks import sweep_blobs
from tests.usage.test_reservations import at_once


def age(hours=25):
    Blob.objects.update(wanted=F("wanted") - timedelta(hours=hours))


def kept():
    return sorted(blobs.content_of(blob) for blob in Blob.objects.all())


def test_it_removes_what_went_with_an_account_after_a_day(project, bob):
    shared = services.create_project(bob, "Another", model="vibe-m", framework="html")
    versions.save(shared, {"mine.html": b"<h1>Bread</h1>\n"}, source="run")
    attachments.add(shared, "notes.txt", b"words")
    versions.save(project, {"index.html": b"<h1>Bread</h1>\n", "app.js": b"words"}, source="run")
    versions.save(project, {"index.html": b"gone"}, source="run")
    people_views.delete(project.owner)
    age(23)
    assert blobs.sweep() == 0
    age(2)
    blobs.store({blobs.sha256(b"just now"): b"just now"})
    assert blobs.sweep() == 2
    assert kept() == [b"<h1>Bread</h1>\n", b"just now", b"words"]
    assert blobs.files(shared.versions.get()) == {"mine.html": b"<h1>Bread</h1>\n"}


def test_it_keeps_what_is_saved_at_the_same_moment(transactional_db, project, bob, eventually):
    blobs.store({blobs.sha256(b"old"): b"old"})
    age()
    with transaction.atomic():  # a save that is not over yet
        blobs.store({blobs.sha256(b"old"): b"old"})
        assert at_once(1, sweep_blobs) == [0]
    age()
    saved: list[Any] = []

    def save():
        saved.append(versions.save(project, {"index.html": b"old"}, source="edit"))
        connections.close_all()

    with transaction.atomic():  # a removal that is not over yet
        assert blobs.sweep() == 1
        saver = threading.Thread(target=save)
        saver.start()
        eventually(waits)
    saver.join(20)
    assert blobs.files(saved[0]) == {"index.html": b"old"}


def test_it_keeps_what_somebody_takes_from_one_who_leaves(transactional_db, project, bob):
    def leave():
        Project.objects.filter(pk=project.pk).delete()
        return blobs.sweep()

    age()
    with transaction.atomic():
        copy = services.copy_version(project.versions.get(), bob, "Mine")
        assert at_once(1, leave) == [0]
    assert blobs.files(copy.versions.get())["app.js"] == b"let a = 1;\n"


def waits():
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        return cursor.fetchone() is not None
