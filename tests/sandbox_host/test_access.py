"""Who may do what: the API key, each sandbox's token, and names that are not ours."""

import http.client
import json

import pytest
from e2b import Sandbox

from .conftest import Host


def _ask(host: Host, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=10)
    try:
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def _rpc(host: Host, sandbox_id: str, token: str) -> int:
    headers = {
        "E2b-Sandbox-Id": sandbox_id,
        "E2b-Sandbox-Port": "49983",
        "X-Access-Token": token,
        "Content-Type": "application/json",
    }
    return _ask(host, "POST", "/process.Process/List", headers, b"{}")[0]


@pytest.mark.parametrize("key", ["", "e2b_wrong", "e2b_" + "0" * 40])
def test_it_refuses_callers_without_the_key(host: Host, sandbox: Sandbox, key: str) -> None:
    calls = [("GET", "/v2/sandboxes"), ("POST", "/v2/sandboxes"), ("POST", "/sandboxes"), ("DELETE",
    f"/sandboxes/{sandbox.sandbox_id}"),
             ("POST", f"/v2/sandboxes/{sandbox.sandbox_id}/connect"), ("GET",
             f"/sandboxes/{sandbox.sandbox_id}")]  # fmt: skip
    for method, path in calls:
        status, text = _ask(host, method, path, {"X-API-KEY": key})
        assert status == 401 and json.loads(text)["code"] == 401
    assert sandbox.is_running()


def test_it_refuses_the_token_of_another_sandbox(host: Host, sandbox: Sandbox) -> None:
    other = host.create()
    token, others = str(sandbox._envd_access_token), str(other._envd_access_token)
    assert token != others and len(token) == 64
    assert _rpc(host, sandbox.sandbox_id, token) == 200
    for wrong in ("", others, token[:-1], host.key):
        assert _rpc(host, sandbox.sandbox_id, wrong) == 401
    status, _ = _ask(
        host, "GET", "/files?path=.bashrc", {"E2b-Sandbox-Id": sandbox.sandbox_id, "X-Access-Token": others}
    )
    assert status == 401
    other.kill()
    assert _rpc(host, other.sandbox_id, others) == 502


def test_it_keeps_control_off_preview_names(host: Host, sandbox: Sandbox) -> None:
    name = sandbox.get_host(3000)
    for path in ("/v2/sandboxes", f"/sandboxes/{sandbox.sandbox_id}", "/health"):
        status, text = _ask(host, "GET", path, {"Host": name, "X-API-KEY": host.key})
        assert status == 502 and "sandboxID" not in text
    status, _ = _ask(host, "POST", "/process.Process/List", {"Host": name, "E2b-Sandbox-Id": sandbox.sandbox_id,
    "E2b-Sandbox-Port": "49983",
                     "X-Access-Token": str(sandbox._envd_access_token)}, b"{}")  # fmt: skip
    assert status == 502


def test_it_has_no_init_route(host: Host, sandbox: Sandbox) -> None:
    headers = {"E2b-Sandbox-Id": sandbox.sandbox_id, "X-Access-Token": str(sandbox._envd_access_token)}
    assert _ask(host, "POST", "/init", headers, b"{}")[0] == 404


def test_it_refuses_foreign_names(host: Host) -> None:
    assert _ask(host, "GET", "/v2/sandboxes", {"Host": "attacker.example", "X-API-KEY": host.key})[0] == 421


def test_it_ignores_launch_options_it_does_not_know(host: Host) -> None:
    body = {
        "templateID": "base",
        "timeout": 30,
        "uid": 0,
        "user": "root",
        "binds": ["/"],
        "args": ["--share-net"],
        "state": "x",
    }
    status, text = _ask(host, "POST", "/v2/sandboxes", {"X-API-KEY": host.key}, json.dumps(body).encode())
    assert status == 201
    sandbox = Sandbox.connect(json.loads(text)["sandboxID"], **host.options)
    assert sandbox.commands.run("id -u; tail -n +3 /proc/net/dev | wc -l").stdout == "1000\n1\n"
    sandbox.kill()


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[]", 400), (b"{}", 400), (b'{"templateID": 5}', 400),
     (b'{"templateID": "base", "timeout": -1}', 400),
     (b'{"templateID": "base", "timeout": 999999999}', 400), (b'{"templateID": "base", "metadata": {"a": 1}}', 400),
     (b'{"templateID": "../../etc"}', 404), (b'{"templateID": "base", "envVars": {"A=B": "x"}}', 400),
     (b'{"templateID": "base", "volumeMounts": [{"name": "x", "path": "/x"}]}', 501),
     (b'{"templateID": "base", "network": {"allowOut": ["10.0.0.0/8"]}}', 501)],
)  # fmt: skip
def test_it_refuses_bad_requests(host: Host, body: bytes, status: int) -> None:
    answer = _ask(host, "POST", "/v2/sandboxes", {"X-API-KEY": host.key}, body)
    assert answer[0] == status and json.loads(answer[1])["message"]


def test_it_reads_no_message_without_end(host: Host) -> None:
    body = b'{"templateID": "' + b"x" * (17 << 20) + b'"}'
    assert _ask(host, "POST", "/v2/sandboxes", {"X-API-KEY": host.key}, body)[0] == 413


def test_it_tells_its_health(host: Host) -> None:
    status, text = _ask(host, "GET", "/health", {})
    told = json.loads(text)
    assert status == 200 and told["status"] == "ok" and told["tier"] == "bwrap"
    assert told["limits"] in ("cgroup", "watchdog") and isinstance(told["templates"], dict)
