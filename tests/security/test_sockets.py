"""A socket opens from our own pages only, whoever's cookie it carries; and one that nobody reads costs little."""

import asyncio
import json
import os
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from accounts.models import ApiToken
from agents import events, runs
from agents.models import Run
from projects.services import add_message


def status(stack, project, session, origin):
    async def connect():
        headers = {"Cookie": f"vibe_session={session}"} | ({"Origin": origin} if origin is not None else {})
        async with aiohttp.ClientSession() as http:
            try:
                async with http.ws_connect(f"{stack.ws_url}/ws/projects/{project}/", headers=headers):
                    return 101
            except aiohttp.WSServerHandshakeError as error:
                return error.status

    return asyncio.run(connect())


@pytest.fixture
def session(alice):
    client = Client()
    client.force_login(alice)
    return client.cookies["vibe_session"].value


def test_it_opens_from_no_other_origin(stack, project, session):
    host = stack.url.removeprefix("http://")
    preview = f"http://5173-abc.{os.environ['PREVIEW_DOMAIN']}"
    evil = ["https://evil.example", preview, "null", "", None, f"{stack.url}.evil.example", f"http://evil@{host}"]
    evil += [f"http://{host.split(':')[0]}", f"ftp://{host}", "http://[", f"{stack.url}/", f"http://x.{host}"]
    refused = {origin: status(stack, project.pk, session, origin) for origin in evil}
    allowed_slash = refused.pop(f"{stack.url}/")
    assert refused.pop("") in (400, 403)  # an empty header: no handshake at all
    assert refused.pop("http://[") in (400, 403)
    assert set(refused.values()) <= {400, 403}, refused  # 400: no Origin that can be read
    assert allowed_slash in (101, 403)
    assert status(stack, project.pk, session, stack.url) == 101


def test_it_opens_for_nobody_without_a_session_and_for_no_stranger(stack, project, bob):
    client = Client()
    client.force_login(bob)
    for cookie in ("", "nonsense", client.cookies["vibe_session"].value):
        assert status(stack, project.pk, cookie, stack.url) == 403


MANY = """
WITH last AS (UPDATE projects_project SET cursor = cursor + %(count)s WHERE id = %(project)s RETURNING cursor)
INSERT INTO agents_step (project_id, run_id, cursor, seq, type, key, data, record, at)
SELECT %(project)s, NULL, cursor - %(count)s + number, 0, 'stage', '', jsonb_build_object(
    'stage', 'work', 'status', 'started', 'title', repeat('x', 1000)), NULL, now()
FROM last, generate_series(1, %(count)s) AS number
"""


def test_it_loses_nothing_of_five_thousand_events_for_a_page_that_does_not_read_and_stays_small(
    stack, project, session
):
    where = urlsplit(stack.url)
    with socket.create_connection((where.hostname, where.port), timeout=30) as client, client.makefile("rb") as stream:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**17)
        head = {
            "Host": where.netloc,
            "Origin": stack.url,
            "Cookie": f"vibe_session={session}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        lines = [f"GET /ws/projects/{project.pk}/ HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
        client.sendall("\r\n".join([*lines, "", ""]).encode())
        assert b" 101 " in stream.readline()
        while stream.readline().strip():
            pass
        before = _megabytes(stack.pids["web"])
        with connection.cursor() as cursor:
            cursor.execute(MANY, {"count": 5000, "project": project.pk})
        last = runs.note(project.pk, "stage", {"stage": "work", "status": "started", "title": "."}).cursor
        grown = []
        for _ in range(20):  # the page is away; the events come
            time.sleep(0.1)
            grown.append(_megabytes(stack.pids["web"]) - before)
        assert max(grown) < 40, grown
        seen: list[int] = []
        while not seen or seen[-1] < last:
            event = json.loads(_frame(stream))
            if "id" in event:
                seen.append(event["id"])
        assert seen == list(range(1, last + 1))


def _frame(stream):
    """The text of the next message that a server sent; pings are passed over."""
    while True:
        kind, size = stream.read(2)
        if size > 125:
            size = int.from_bytes(stream.read(2 if size == 126 else 8), "big")
        text = stream.read(size)
        if kind & 15 == 1:
            return text


def _megabytes(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_it_holds_no_connection_to_the_database_for_a_stream_that_is_open(stack, project, alice):
    """More streams than connections: the site answers all the same."""
    message = add_message(project, "user", "Which one?")
    Run.objects.create(project=project, message=message, model="vibe-m", state=Run.State.WAITING)
    head = {"Authorization": f"Bearer {ApiToken.issue(alice)[1]}"}
    address = f"{stack.url}/api/v1/projects/{project.pk}/stream/"
    count = settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"] + 5

    async def watch():
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=head) as http:
            open_now = await asyncio.gather(*(http.get(address) for _ in range(count)))
            async with http.get(f"{stack.url}/api/v1/projects/", timeout=aiohttp.ClientTimeout(5)) as answer:
                found = answer.status, [one.status for one in open_now]
            for one in open_now:
                one.close()
            return found

    status, streams = asyncio.run(watch())
    assert (status, set(streams)) == (200, {200})


def test_it_lets_go_of_a_stream_whose_reader_is_gone(stack, project, alice, eventually):
    message = add_message(project, "user", "Which one?")
    Run.objects.create(project=project, message=message, model="vibe-m", state=Run.State.WAITING)
    head = {"Authorization": f"Bearer {ApiToken.issue(alice)[1]}"}
    address = f"{stack.url}/api/v1/projects/{project.pk}/stream/"

    async def look():
        async with aiohttp.ClientSession(headers=head) as http, http.get(address) as stream:
            await stream.content.readline()
            await asyncio.to_thread(eventually, lambda: listeners(project) == 1)

    asyncio.run(look())
    eventually(lambda: listeners(project) == 0, 5)  # Daphne ends what is left after ten


def listeners(project):
    [(_, count)] = events._redis().pubsub_numsub(events.channel(project.pk))
    return count
