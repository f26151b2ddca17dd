"""docker-compose.yml is well formed, closed in, keeps no secret, and names only what is there."""

import importlib
import importlib.util
import json
import os
import re
from typing import Any

import jsonschema
import pytest
from daphne.cli import CommandLineInterface

from agents.chromium import MEMORY_BYTES
from tests.deploy.files import BASE, MANAGED, ONCE, VARIABLE, compose, offered, ours, services, text
from tests.deploy.production import ROOT, python

STRINGS = {"type": "array", "items": {"type": "string"}, "minItems": 1}
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
DURATION = {"type": "string", "pattern": "^[0-9]+(ms|s|m|h)$"}
SIZE = {"type": "string", "pattern": "^[0-9]+[kmgKMG]$"}
CONDITIONS = ["service_started", "service_healthy", "service_completed_successfully"]


def record(must: list[str] | None = None, /, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "required": must or [],
    }


# The parts of the Compose specification that are in use here; what is not listed is a misspelling.
SERVICE = record(
    image={"type": "string", "pattern": r"^[a-z0-9./-]+:[^:]+(:-[a-z]+\})?$"},
    build=record(context={"const": "."}, target={"type": "string"}),
    command=STRINGS,
    user={"type": "string"},
    profiles=STRINGS,
    restart={"enum": ["no", "always", "on-failure", "unless-stopped"]},
    init={"type": "boolean"},
    read_only={"type": "boolean"},
    tmpfs=STRINGS,
    cap_drop=STRINGS,
    cap_add=STRINGS,
    security_opt=STRINGS,
    logging=record(["driver"], driver={"type": "string"}, options=TEXTS),
    env_file={"type": "array", "items": record(["path"], path={"type": "string"}, required={"type": "boolean"})},
    environment=TEXTS,
    networks={"anyOf": [STRINGS, {"type": "object", "additionalProperties": record(aliases=STRINGS)}]},
    volumes=STRINGS,
    ports={"type": "array", "items": {"type": "string", "pattern": r"^([0-9.]+:)?[0-9]+:[0-9]+(/udp)?$"}},
    shm_size=SIZE,
    stop_signal={"enum": ["SIGINT", "SIGTERM"]},
    stop_grace_period=DURATION,
    depends_on={
        "type": "object",
        "additionalProperties": record(
            ["condition"], condition={"enum": CONDITIONS}, required={"type": "boolean"}
        ),
    },
    healthcheck=record(
        ["test", "interval", "timeout", "retries"],
        test=STRINGS,
        interval=DURATION,
        timeout=DURATION,
        start_period=DURATION,
        retries={"type": "integer"},
    ),
    deploy=record(
        resources=record(
            limits=record(
                ["cpus", "memory"],
                cpus={"type": "string", "pattern": r"^[0-9.]+$"},
                memory=SIZE,
                pids={"type": "integer"},
            )
        )
    ),
)  # fmt: skip
FILE = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "services": {"type": "object", "additionalProperties": SERVICE},
        "networks": {"type": "object", "additionalProperties": record(internal={"type": "boolean"})},
        "volumes": {"type": "object", "additionalProperties": record()},
    },
    "patternProperties": {"^x-": {}},
    "additionalProperties": False,
    "required": ["services"],
}
NAMES = sorted(services())


@pytest.mark.parametrize("name", [BASE, MANAGED])
def test_it_is_a_compose_file(name):
    jsonschema.validate(compose(name), FILE)


@pytest.mark.parametrize("name", NAMES)
def test_it_closes_every_container_in(name):
    service = services()[name]
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert {"cpus", "memory"} <= service["deploy"]["resources"]["limits"].keys()
    # Caddy's image runs as root; one right is left to it.
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "proxy" else [])
    assert name == "proxy" or service["user"].split(":")[0] not in ("", "0", "root")
    loosened = [option for option in service["security_opt"] if "unconfined" in option]
    assert not loosened or name in ("sandbox-host", "templates")


@pytest.mark.parametrize("name", NAMES)
def test_it_restarts_and_asks_what_keeps_running(name):
    service = services()[name]
    if name in ONCE:
        assert service["restart"] == "no" and "healthcheck" not in service
    else:
        assert service["restart"] == "unless-stopped" and service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


@pytest.mark.parametrize("name", NAMES)
def test_it_waits_for_what_is_there(name):
    for other, wait in services()[name].get("depends_on", {}).items():
        wanted = "service_completed_successfully" if other in ONCE else "service_healthy"
        assert services()[other] and wait["condition"] == wanted


def test_it_publishes_the_proxy_only():
    for name, service in services().items():
        if name != "proxy":
            assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
    for name in ("postgres", "pgbouncer", "valkey", "sandbox-host", "demo-model", "web1", "web2"):
        assert "ports" not in services()[name]
    assert compose()["networks"]["data"] == {"internal": True}
    assert all(services()[name]["networks"] == ["data"] for name in ("postgres", "pgbouncer", "valkey"))
    assert "data" not in services()["sandbox-host"]["networks"]


@pytest.mark.parametrize("name", [BASE, MANAGED])
def test_it_keeps_no_secret(name):
    for service in services(name).values():
        for variable, value in service.get("environment", {}).items():
            if re.search("KEY|PASSWORD|AUTH|TOKEN|SECRET", variable):
                # Nothing but references is left when the user's name is taken away.
                assert VARIABLE.sub("", value) in ("", "vibe:"), variable
    must = {found["name"] for found in VARIABLE.finditer(text(BASE)) if found["kind"] == "?"}
    assert must >= {"SECRET_KEY", "ENCRYPTION_KEY", "POSTGRES_PASSWORD", "E2B_API_KEY", "FLOWER_PASSWORD", "SITE_HOST"}


@pytest.mark.parametrize("name", [BASE, MANAGED])
def test_it_uses_variables_that_are_explained(name):
    lines = "\n".join(line for line in text(name).splitlines() if not line.lstrip().startswith("#"))
    used = {found["name"] for found in VARIABLE.finditer(lines)}
    assert used and used <= offered()
    assert lines.count("${") == len(VARIABLE.findall(lines)), "a variable is written in another way"


@pytest.mark.parametrize("name", NAMES)
def test_it_mounts_what_is_there(name):
    for mount in services()[name].get("volumes", []):
        source, target, *mode = mount.split(":")
        assert target.startswith("/")
        if source.startswith("."):
            assert (ROOT / source).exists() and mode == ["ro"]
        else:
            assert source in compose()["volumes"]
    for option in services()[name]["security_opt"]:
        if option.startswith("seccomp="):
            assert (ROOT / option.partition("=")[2]).is_file()


def test_its_filter_takes_nothing_that_sandboxes_are_made_of():
    profile = json.loads(text("deploy/seccomp.json"))
    denied = {name for rule in profile["syscalls"] if rule["action"] == "SCMP_ACT_ERRNO" for name in rule["names"]}
    needed = "clone clone3 unshare mount umount2 pivot_root sethostname prctl seccomp setns capset execve memfd_create"
    assert profile["defaultAction"] == "SCMP_ACT_ALLOW" and denied.isdisjoint(needed.split())
    assert denied >= {"bpf", "kexec_load", "init_module", "finit_module", "reboot", "userfaultfd", "io_uring_setup"}


def test_it_starts_sites_as_daphne_takes_it():
    for name in ("web1", "web2"):
        command = services()[name]["command"]
        assert command[:3] == ["python", "-m", "daphne"]
        options = CommandLineInterface().parser.parse_args(command[3:])
        module, _, attribute = options.application.partition(":")
        assert callable(getattr(importlib.import_module(module), attribute))
        # Who came from where is read from the header by accounts/limits.py, which believes only our own proxy.
        assert (options.host, options.port, options.proxy_headers) == ("0.0.0.0", 8000, False)
    assert f"CMD {json.dumps(services()['web1']['command'])}" in text("Dockerfile")


@pytest.mark.parametrize("name", ["worker", "beat"])
def test_it_starts_celery_as_celery_takes_it(name):
    command = services()[name]["command"]
    assert command[:6] == ["python", "-m", "celery", "-A", "vibe", name]
    click = getattr(importlib.import_module(f"celery.bin.{name}"), name)
    options = click.make_parser(click.make_context(name, [], resilient_parsing=True)).parse_args(command[6:])
    assert options[1] == [], f"left over: {options[1]}"


def test_it_starts_flower_with_a_password():
    flower = services()["flower"]
    assert importlib.util.find_spec("flower") and flower["command"][:6] == [
        "python",
        "-m",
        "celery",
        "-A",
        "vibe",
        "flower",
    ]
    assert re.fullmatch(r"vibe:\$\{FLOWER_PASSWORD:\?.+\}", flower["environment"]["FLOWER_BASIC_AUTH"])


@pytest.mark.parametrize("name", ["sandbox-host", "templates", "demo-model"])
def test_it_starts_stand_ins_with_options_they_have(name):
    command = services()[name]["command"]
    assert command[:2] == ["python", "-m"] and importlib.util.find_spec(command[2])
    said = python("-m", command[2], "--help")
    assert said.returncode == 0
    for option in command[3:]:
        assert not option.startswith("--") or option in said.stdout
    if name == "templates":
        names = command[4 : command.index("--state")]
        assert names and all((ROOT / "sandbox_templates" / each / "template.json").is_file() for each in names)


def test_it_migrates():
    assert services()["migrate"]["command"][:3] == ["python", "manage.py", "migrate"]
    assert (ROOT / "manage.py").is_file()


def run_check(name: str, inside: str, url: str) -> None:
    """A health check's own code, against a server that runs here instead."""
    kind, program, option, code = services()[name]["healthcheck"]["test"]
    assert (kind, program, option) == ("CMD", "python", "-c") and inside in code
    done = python("-c", code.replace(inside, url))
    assert done.returncode == 0, done.stderr


def test_its_checks_find_what_runs(live_server):
    run_check("web1", "http://localhost:8000", live_server.url)
    run_check("sandbox-host", "http://localhost:8001", os.environ["E2B_API_URL"])
    run_check("demo-model", "http://localhost:8002", os.environ["ANTHROPIC_BASE_URL"])
    with pytest.raises(AssertionError):
        run_check("web2", "http://localhost:8000/healthz", f"{live_server.url}/nothing")


def test_its_other_checks_ask_what_is_there():
    from celery.bin.control import inspect

    said = services()["worker"]["healthcheck"]["test"][1].split()
    assert said[:6] == ["python", "-m", "celery", "-A", "vibe", "inspect"]
    given, left, _ = inspect.make_parser(inspect.make_context("inspect", [], resilient_parsing=True)).parse_args(
        said[6:]
    )
    assert (given["command"], given["destination"], left) == ("ping", "worker@$$HOSTNAME", [])
    kinds = {name: services()[name]["healthcheck"]["test"][1] for name in ("postgres", "valkey", "proxy", "prometheus")}
    assert kinds == {"postgres": "pg_isready", "valkey": "valkey-cli", "proxy": "wget", "prometheus": "wget"}
    beat = services()["beat"]
    assert beat["command"][beat["command"].index("-s") + 1] == "/tmp/beat-schedule"
    assert "find /tmp -name 'beat-schedule*'" in beat["healthcheck"]["test"][1]


def test_it_names_the_sandbox_host_as_that_one_answers():
    """A request for a foreign name is refused, so the name in the network must be one of the host's own."""
    aliases = services()["sandbox-host"]["networks"]["front"]["aliases"]
    assert aliases == ["api.${PREVIEW_DOMAIN}"]
    command = services()["sandbox-host"]["command"]
    assert command[command.index("--domain") + 1] == "${PREVIEW_DOMAIN}"
    for name in ("E2B_API_URL", "E2B_SANDBOX_URL"):
        assert services()["worker"]["environment"][name] == "http://api.${PREVIEW_DOMAIN}:8001"


def test_it_can_do_without_what_others_run():
    changed = services(MANAGED)
    absent = {name for name, service in changed.items() if service.get("profiles") == ["embedded"]}
    assert absent == {"postgres", "pgbouncer", "valkey", "sandbox-host", "templates"}
    for name, service in services().items():
        if name in absent:
            continue
        for other, wait in service.get("depends_on", {}).items():
            assert other not in absent or wait["required"] is False, (name, other)
        if "DATABASE_URL" in service.get("environment", {}):
            given = changed[name]["environment"]
            assert given["DATABASE_URL"].startswith("${DATABASE_URL:?") and given["SANDBOX_IS_EMBEDDED"] == "false"


def test_it_runs_one_image_as_one_user():
    assert set(ours()) == services().keys() - {"proxy", "postgres", "pgbouncer", "valkey", "prometheus"}
    assert {services()[name]["user"] for name in ours()} == {"10001:10001"}
    assert "USER 10001:10001" in text("Dockerfile")


def test_it_gives_a_browser_to_who_looks_at_apps_and_lets_it_close_itself_in():
    assert {name for name in ours() if services()[name]["build"]["target"] == "worker"} == {"worker", "pictures"}
    loosened = {name for name, one in services().items() if "seccomp=deploy/seccomp.json" in one["security_opt"]}
    assert loosened == {"worker", "pictures", "sandbox-host", "templates"}
    for name in ("worker", "pictures"):
        assert services()[name]["image"].startswith("vibe-worker:") and services()[name]["tmpfs"] == ["/tmp"]
        # Larger than what a Chromium is ended at, and room for what it lies beside.
        assert services()[name]["deploy"]["resources"]["limits"]["memory"] == "3G"
        assert MEMORY_BYTES < 2 * 2**30
    stages = re.findall(r"^FROM \S+ AS (\w+)$", text("Dockerfile"), re.MULTILINE)
    assert {one["build"]["target"] for one in services().values() if "build" in one} <= set(stages)
