"""The pooler of the deployment, started with its own file in front of the tests' database: Django works through it."""

import pwd
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings

from launcher import machine
from launcher.terminal import Terminal
from tests.deploy.files import services, text
from tests.deploy.production import python

PROGRAM = "/usr/sbin/pgbouncer"
# Forty threads on three connections: transactions, row locks, long reads, what else is planned once per connection.
WORK = """
import django; django.setup()
import threading
from django.db import connection, transaction
from accounts.authentication import tokens
from accounts.models import User
people = [User.objects.create_user(f"pool-{n}@example.com", "x") for n in range(3)]
def work(number):
    for turn in range(5):
        with transaction.atomic():
            person = User.objects.select_for_update().get(pk=people[number % 3].pk)
            person.name = f"{int(person.name or 0) + 1}"
            person.save(update_fields=["name"])
        assert sum(1 for _ in User.objects.iterator(chunk_size=1)) >= 3
        assert tokens(str(number)) == []
        connection.close()
threads = [threading.Thread(target=work, args=(n,)) for n in range(40)]
[t.start() for t in threads]; [t.join() for t in threads]
print(sum(int(User.objects.get(pk=person.pk).name) for person in people))
User.objects.filter(pk__in=[person.pk for person in people]).delete()
"""


@pytest.fixture
def pooler(tmp_path, transactional_db, eventually) -> Iterator[str]:
    """Its address, with the database behind it named as in the file."""
    if shutil.which(PROGRAM) is None:
        machine.install_by_apt("pgbouncer", Terminal(quiet=True))
    database = settings.DATABASES["default"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "users.txt").write_text('"vibe" "sent"\n')
    behind = f"host={database['HOST']} dbname={database['NAME']} user={database['USER']}"
    changed = {
        "host=postgres port=5432 dbname=vibe": behind,
        "listen_addr = 0.0.0.0": "listen_addr = 127.0.0.1",
        "listen_port = 6432": f"listen_port = {port}",
        "/tmp/users.txt": str(tmp_path / "users.txt"),
        "default_pool_size = 40": "default_pool_size = 3",
        "reserve_pool_size = 10": "reserve_pool_size = 0",
    }
    file = text("deploy/pgbouncer.ini")
    for before, after in changed.items():
        assert before in file
        file = file.replace(before, after)
    (tmp_path / "pgbouncer.ini").write_text(file)
    nobody = pwd.getpwnam("nobody")
    for path in (tmp_path, *tmp_path.iterdir()):
        shutil.chown(path, nobody.pw_uid)
    for parent in tmp_path.parents:
        if parent.owner() == pwd.getpwuid(0).pw_name and parent.name:
            parent.chmod(parent.stat().st_mode | 0o011)
    address = f"postgres://vibe:sent@127.0.0.1:{port}/vibe"
    server = subprocess.Popen([PROGRAM, "-q", tmp_path / "pgbouncer.ini"], user=nobody.pw_uid, group=nobody.pw_gid)
    try:
        eventually(lambda: answers(address))
        yield address
    finally:
        server.terminate()
        server.wait(10)


def answers(address: str) -> bool:
    try:
        psycopg.connect(address).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.mark.skipif("__import__('os').geteuid() != 0", reason="the tests' database is opened by its own user only")
def test_it_serves_many_threads_from_few_connections(pooler):
    done = python("-c", WORK, DATABASE_URL=pooler, DATABASE_POOLED="true", DJANGO_SETTINGS_MODULE="vibe.settings")
    assert done.stdout.split() == ["200"], done.stderr[-2000:]


def test_the_compose_file_starts_it_with_this_file():
    service = services()["pgbouncer"]
    assert service["volumes"] == ["./deploy/pgbouncer.ini:/etc/pgbouncer/pgbouncer.ini:ro"]
    assert re.search(r"exec pgbouncer -q /etc/pgbouncer/pgbouncer.ini$", service["command"][-1])
    for name in ("web1", "worker", "beat", "flower"):
        environment = services()[name]["environment"]
        assert "@pgbouncer:6432/" in environment["DATABASE_URL"] and environment["DATABASE_POOLED"] == "true"
    assert "@postgres:5432/" in services()["migrate"]["environment"]["DATABASE_URL"]
