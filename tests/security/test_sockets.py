"""A socket opens from our own pages only, whoever's cookie it carries."""

import asyncio
import os

import aiohttp
import pytest
from django.test import Client


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
