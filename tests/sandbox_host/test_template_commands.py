"""Templates of an operator: list, build, audit against a registry, publish against a cloud, both over the real wire."""

import asyncio
import io
import os
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from launcher import testing
from sandbox_host import auditing
from sandbox_host.template_commands import ACTIONS
from tests.sandbox_host.conftest import Host

ROOT = Path(__file__).parents[2]
KEY = "e2b_" + "a" * 40


async def templates(*arguments: str, by: str | None = None, **changes: str | None) -> tuple[int, str, str]:
    """Exit code and what was said on stdout and stderr; `changes` are to the environment, None takes a name away.
    Without Django (`by`) what `bin/manage templates` becomes: a second less.
    """
    home = testing.current().place.home
    folders = ["--state", str(home), "--runtime", str(home / "runtime")]
    command = ["manage.py", "templates", *arguments] if by else ["-m", "sandbox_host.templates", *arguments, *folders]
    env = {name: value for name, value in {**os.environ, **changes}.items() if value is not None}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=ROOT, env=env,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, errors = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, out.decode(), errors.decode()


@asynccontextmanager
async def serving(*routes: web.RouteDef) -> AsyncIterator[str]:
    app = web.Application(client_max_size=64 << 20)
    app.add_routes(routes)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.mark.sandbox
def test_it_builds_beside_a_host_that_runs(own_host: Callable[..., Host], tmp_path: Path) -> None:
    host = own_host()
    made = host.create()
    command = [sys.executable, "-m", "sandbox_host.templates", "build", "--state", str(host.state)]
    done = subprocess.run([*command, "--templates", str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert made.commands.run("ls /run/agent/sandbox_host/agent /opt/shim/npm").exit_code == 0, "taken from under it"
    assert made.commands.run("echo on").stdout == "on\n"
    assert host.create().commands.run("echo on").stdout == "on\n"


async def test_it_lists_what_is_prepared() -> None:
    code, out, _ = await templates("list", "react", "html", by="manage.py")
    rows = [line.split() for line in out.splitlines()]
    assert code == 0
    assert rows[0][:4] == ["NAME", "STATE", "SIZE", "PREPARED"]
    assert rows[1][:2] == ["react", "prepared"] and rows[1][3] == "MB" and int(rows[1][2]) > 20
    assert "React 19" in out and "Vite 8" in out
    assert await templates("build", "react") == (0, "react: is prepared\n", "")
    code, _, errors = await templates("list", "cobol")
    assert code == 1 and "no template 'cobol'" in errors and "react" in errors


def registry(status: int, advisories: dict[str, Any], asked: list[str]) -> Iterator[web.RouteDef]:
    async def bulk(request: web.Request) -> web.Response:
        asked.append(request.headers["Content-Type"])
        return web.json_response(advisories, status=status)

    yield web.post("/-/npm/v1/security/advisories/bulk", bulk)


ADVISORY = {"id": 1, "url": "https://x.test/1", "title": "bad", "severity": "high", "vulnerable_versions": "*"}


@pytest.mark.parametrize(
    ("status", "advisories", "code", "said"),
    [(200, {}, 0, "no known advisories"), (200, {"oxlint": [ADVISORY]}, 1, "1 high"), (405, {}, 2, "not audited")],
)
async def test_it_audits_the_locked_packages(status: int, advisories: dict[str, Any], code: int, said: str) -> None:
    asked: list[str] = []
    async with serving(*registry(status, advisories, asked)) as url:
        done = await templates("audit", "react", "html", NPM_CONFIG_REGISTRY=url, npm_config_registry=url)
    assert done[0] == code and asked == ["application/json"], done
    assert f"react      {said}" in done[1] and "html       has no packages" in done[1]


def test_what_npm_says_instead_of_an_audit_is_a_reason() -> None:
    for out in (b"", b"[]", b"null", b'{"error": {}}', b"{"):
        assert "not audited" in auditing.read(out, b"npm error no such thing").text


class Cloud:
    """The part of E2B's API that builds templates, as its SDK asks it."""

    def __init__(self, outcome: str = "ready") -> None:
        self.outcome, self.address = outcome, ""
        self.requests: list[tuple[str, str]] = []
        self.plan: dict[str, Any] = {}
        self.files: list[str] = []

    def routes(self) -> list[web.RouteDef]:
        build = "/templates/tpl1/builds/6ba7b810-9dad-11d1-80b4-00c04fd430c8"
        return [
            web.post("/v3/templates", self.request),
            web.get("/templates/tpl1/files/{hash}", self.link),
            web.put("/upload", self.upload),
            web.post("/v2" + build, self.start),
            web.get(build + "/status", self.status),
        ]

    async def request(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.requests.append((request.headers["X-API-KEY"], body["name"]))
        names = {"names": [body["name"]], "aliases": [body["name"]], "tags": ["default"], "public": False}
        build = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
        return web.json_response({"templateID": "tpl1", "buildID": build, **names}, status=202)

    async def link(self, request: web.Request) -> web.Response:
        return web.json_response({"present": False, "url": f"{self.address}/upload"}, status=201)

    async def upload(self, request: web.Request) -> web.Response:
        with tarfile.open(fileobj=io.BytesIO(await request.read())) as tar:
            self.files += tar.getnames()
        return web.Response()

    async def start(self, request: web.Request) -> web.Response:
        self.plan = await request.json()
        return web.Response(status=202)

    async def status(self, request: web.Request) -> web.Response:
        entry = {"timestamp": "2026-01-01T00:00:00Z", "level": "info", "message": "RUN npm ci"}
        reason = {"reason": {"message": "npm ci failed"}} if self.outcome == "error" else {}
        said = [] if request.query.get("logsOffset", "0") != "0" else [entry]
        ids = {"templateID": "tpl1", "buildID": "6ba7b810-9dad-11d1-80b4-00c04fd430c8"}
        return web.json_response({**ids, "status": self.outcome, "logs": [], "logEntries": said, **reason})


async def publish(cloud: Cloud, *names: str, key: str | None = KEY, **changes: str | None) -> tuple[int, str, str]:
    async with serving(*cloud.routes()) as cloud.address:
        away = {"SANDBOX_IS_EMBEDDED": None, "E2B_SANDBOX_URL": None}
        return await templates(
            "publish", *names, **{**away, "E2B_API_KEY": key, "E2B_API_URL": cloud.address, **changes}
        )


async def test_it_builds_the_same_folder_in_the_cloud() -> None:
    cloud = Cloud()
    code, out, errors = await publish(cloud, "react")
    assert code == 0, errors
    assert cloud.requests == [(KEY, "react")]
    assert "react: RUN npm ci\n" in out and out.endswith("react: published as tpl1\n")
    assert cloud.plan["fromImage"] == "node:24-bookworm-slim"
    steps = [(step["type"], " ".join(step["args"])) for step in cloud.plan["steps"]]
    assert ("WORKDIR", "/home/user/app") in steps
    assert any(kind == "RUN" and "npm ci --ignore-scripts" in text for kind, text in steps)
    assert any(kind == "RUN" and "chown -R user:user /home/user/app" in text for kind, text in steps)
    sources = {path.relative_to(ROOT / "sandbox_templates/react").as_posix() for path in _sources("react")}
    assert sources <= set(cloud.files)
    assert not [name for name in cloud.files if "node_modules" in name]


def _sources(name: str) -> list[Path]:
    found = (ROOT / "sandbox_templates" / name / "app").rglob("*")
    return [path for path in found if path.is_file() and "node_modules" not in path.parts]


async def test_it_says_why_a_build_failed() -> None:
    code, _, errors = await publish(Cloud("error"), "html")
    assert code == 1 and "html was not published: npm ci failed" in errors and "Traceback" not in errors


@pytest.mark.parametrize("changes", [{"E2B_API_KEY": None}, {"SANDBOX_IS_EMBEDDED": "true"}])
async def test_it_asks_for_a_key_in_one_sentence(changes: dict[str, str | None]) -> None:
    cloud = Cloud()
    code, out, errors = await publish(cloud, **changes)
    assert (code, out, cloud.requests) == (1, "", [])
    assert errors.strip().count("\n") == 0 and "E2B_API_KEY" in errors


def test_its_actions_are_those_of_the_host() -> None:
    from vibe.management.commands.templates import ACTIONS as OFFERED

    assert list(OFFERED) == list(ACTIONS)
