"""A sandbox's own rules for its way out, through the SDK; refusals are seen in its log."""

import http.client
import json
from collections.abc import Callable

import pytest
from e2b import Sandbox
from e2b.exceptions import SandboxException

from sandbox_host import egress, egress_rules, registries

from .conftest import Host

ASK = "curl -s -o /dev/null -w '%{http_connect}' https://NAME/ || true"


def _status(sandbox: Sandbox, name: str) -> str:
    """What the proxy says to a CONNECT: 403 when the name is refused, and anything else when it is not."""
    return sandbox.commands.run(ASK.replace("NAME", name)).stdout


def _log(host: Host, sandbox: Sandbox) -> list[dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=10)
    connection.request("GET", f"/sandboxes/{sandbox.sandbox_id}/logs", headers={"X-API-KEY": host.key})
    found = json.loads(connection.getresponse().read())["logs"]
    connection.close()
    return [json.loads(entry["line"]) for entry in found]


def test_it_has_no_way_out_without_internet_access(host: Host) -> None:
    sandbox = host.create(allow_internet_access=False)
    assert sandbox.commands.run("test -e /run/egress.sock; echo $?; echo $HTTPS_PROXY").stdout == "1\n\n"
    with pytest.raises(SandboxException, match="has no way out"):
        sandbox.update_network({"allow_out": ["example.com"]})
    sandbox.kill()


def test_it_denies_a_name_below_an_allowed_one(host: Host) -> None:
    sandbox = host.create(network={"allow_out": ["*.invalid"], "deny_out": ["secret.invalid"]})
    assert _status(sandbox, "a.secret.invalid") == "403"
    assert _status(sandbox, "open.invalid") != "403"  # allowed; there is no such host
    refused = [line for line in _log(host, sandbox) if line["host"] == "a.secret.invalid"]
    assert refused[0]["verdict"] == "refused" and "deny list" in refused[0]["reason"]
    sandbox.kill()


def test_it_changes_the_rules_of_a_running_sandbox(host: Host) -> None:
    sandbox = host.create()
    assert _status(sandbox, "open.invalid") == "403"
    sandbox.update_network({"allow_out": ["open.invalid"]})
    assert _status(sandbox, "open.invalid") != "403"
    sandbox.update_network({"deny_out": ["0.0.0.0/0"]})
    assert _status(sandbox, "open.invalid") == "403"
    assert all(_status(sandbox, name.partition(":")[0]) == "403" for name in egress.default_allow())
    sandbox.kill()


def test_it_keeps_this_machines_registries_when_all_but_the_public_ones_is_denied(
    own_host: Callable[..., Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_registry", "http://npm.invalid:4873/")
    sandbox = own_host().create(network={"allow_out": list(registries.PUBLIC), "deny_out": ["0.0.0.0/0"]})
    assert all(_status(sandbox, name) != "403" for name in ("npm.invalid:4873", *registries.PUBLIC))
    assert all(_status(sandbox, name) == "403" for name in ("open.invalid", "upload.pypi.org"))
    sandbox.update_network({"allow_out": ["open.invalid"], "deny_out": ["0.0.0.0/0"]})
    assert all(_status(sandbox, name) == "403" for name in ("npm.invalid:4873", "pypi.org"))
    sandbox.kill()


def test_a_denied_registry_is_refused_although_it_is_set_up() -> None:
    registry = ("registry.example", 4873)
    allow, registries = frozenset({"registry.example:4873"}), frozenset({registry})
    egress_rules.check(*registry, allow, registries)
    with pytest.raises(egress_rules.Refused, match="deny list"):
        egress_rules.check(*registry, allow, registries, frozenset({"registry.example"}))
