"""A template nobody prepared is prepared when a sandbox is first asked of it."""

import asyncio
import json
import os
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from e2b import Sandbox, SandboxException

from launcher import testing
from sandbox_host.isolation import FIRST_UID, LAST_UID

from .conftest import Host, wait_for

pytestmark = pytest.mark.sandbox

FIELDS = {
    "name": "tiny",
    "title": "Tiny",
    "framework": "none",
    "install": "mkdir node_modules && date +%N > node_modules/installed.txt",
    "dev": "python3 -m http.server 3000",
    "port": 3000,
    "build": None,
    "lint": None,
    "entry": "index.html",
}
Make = Callable[..., Host]


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    (tmp_path / "tiny/app").mkdir(parents=True)
    (tmp_path / "tiny/app/index.html").write_text("<h1>tiny</h1>")
    describe(tmp_path)
    return tmp_path


def describe(sources: Path, **fields: object) -> None:
    (sources / "tiny/template.json").write_text(json.dumps(FIELDS | fields))


def arguments(sources: Path) -> list[str]:
    return ["--templates", str(sources), "--runtime", str(testing.current().place.runtime)]


def health(host: Host) -> Any:
    with urllib.request.urlopen(f"{host.url}/health", timeout=5) as answer:
        return json.load(answer)


def test_it_prepares_once_for_all_who_ask_together(own_host: Make, sources: Path) -> None:
    host = own_host(*arguments(sources))
    assert health(host)["templates"] == {"tiny": False}
    with ThreadPoolExecutor(3) as pool:
        made = list(pool.map(lambda _: host.create(template="tiny"), range(3)))
    installed = {sandbox.files.read("/home/user/app/node_modules/installed.txt") for sandbox in made}
    assert len(installed) == 1
    assert health(host)["templates"] == {"tiny": True}
    assert health(host)["sandboxes"] == 3


def test_it_prepares_before_anybody_asks_what_it_is_told_to(own_host: Make, sources: Path) -> None:
    host = own_host(*arguments(sources), "--prepare", "none-such", "--prepare", "tiny")
    wait_for(lambda: health(host)["templates"]["tiny"], 30)
    assert health(host)["sandboxes"] == 0


def test_it_goes_on_where_that_fails_and_tries_again_at_first_use(own_host: Make, sources: Path) -> None:
    describe(sources, install="echo no such package >&2; exit 3")
    host = own_host(*arguments(sources), "--prepare", "tiny")
    wait_for(lambda: health(host)["preparing"])
    wait_for(lambda: not health(host)["preparing"], 30)
    describe(sources)
    assert host.create(template="tiny").files.exists("/home/user/app/index.html")


def test_it_says_what_it_is_doing_and_uses_no_uid_of_the_host(own_host: Make, sources: Path) -> None:
    describe(sources, install="until [ -e /tmp/never ]; do :; done")
    host = own_host(*arguments(sources))
    homes = host.state / "templates/.work/sandboxes"
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(host.create, template="tiny")
        wait_for(lambda: health(host)["preparing"].get("tiny", "").startswith("installing packages"))
        owners = {path.stat().st_uid for path in homes.glob("*/home")}
        assert owners
        assert os.geteuid() or not owners & set(range(FIRST_UID, LAST_UID + 1))
        host.close()
        assert asked.exception() is not None


def test_it_answers_with_the_end_of_what_failed_and_tries_again(own_host: Make, sources: Path) -> None:
    describe(sources, install="echo no such package >&2; exit 3")
    host = own_host(*arguments(sources))
    with pytest.raises(SandboxException, match=r"(?s)tiny: installing packages failed.*exit code 3.*no such package"):
        host.create(template="tiny")
    assert health(host)["preparing"] == {}
    assert health(host)["sandboxes"] == 0
    describe(sources)
    assert host.create(template="tiny").files.exists("/home/user/app/index.html")


async def test_it_makes_no_sandbox_for_who_has_gone(own_host: Make, sources: Path) -> None:
    host = own_host(*arguments(sources))
    body = b'{"templateID": "tiny"}'
    request = f"POST /sandboxes HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: {host.key}\r\nContent-Length: {len(body)}\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", host.port)
    writer.write(request.encode() + b"\r\n" + body)
    await writer.drain()
    await asyncio.to_thread(wait_for, lambda: "tiny" in health(host)["preparing"])
    writer.close()
    await asyncio.to_thread(wait_for, lambda: health(host)["templates"]["tiny"], 30)
    await asyncio.to_thread(host.create, template="tiny")
    assert health(host)["sandboxes"] == 1


def test_dev_servers_are_told_the_preview_domain(own_host: Make) -> None:
    sandbox: Sandbox = own_host("--domain", "preview.example:8443").create()
    told = sandbox.commands.run("echo $PREVIEW_DOMAIN $__VITE_ADDITIONAL_SERVER_ALLOWED_HOSTS").stdout
    assert told == "preview.example .preview.example\n"
