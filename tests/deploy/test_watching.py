"""Prometheus asks the web processes, alerts on what /metrics prints; Caddy and systemd name what is there."""

import re
from typing import Any

import pytest
import yaml
from django.core.management import get_commands
from django.urls import reverse

from tests.deploy.files import services, text
from tests.deploy.production import ROOT
from vibe.metrics import collect

RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(text("deploy/alerts.yml"))["groups"] for rule in group["rules"]
]


@pytest.fixture
def printed(db, client) -> dict[str, set[str]]:
    """Every metric's name, and the names of its labels, once there was a request."""
    client.get(reverse("healthz"))
    return {
        metric.name: {label for labels in metric.values for label in re.findall(r"(\w+)=", labels)}
        for metric in collect()
    }


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_it_alerts_on_what_is_measured(rule, printed):
    names = set(re.findall(r"\bvibe_\w+", rule["expr"]))
    assert names <= printed.keys() and (names or "up{" in rule["expr"])
    for name, labels in re.findall(r"\b(vibe_\w+)\{([^}]*)\}", rule["expr"]):
        assert set(re.findall(r"(\w+)=", labels)) <= printed[name]
    for label in re.findall(r"by \((\w+)\)", rule["expr"]):
        assert any(label in printed[name] for name in names)
    assert rule["expr"].count("(") == rule["expr"].count(")")
    assert re.fullmatch(r"\d+[smh]", rule["for"]) and rule["labels"]["severity"] in ("warning", "critical")
    assert rule["annotations"].keys() == {"summary", "next"}


def test_it_asks_every_web_process(settings):
    parsed = yaml.safe_load(text("deploy/prometheus.yml"))
    (job,) = parsed["scrape_configs"]
    (group,) = job["static_configs"]
    assert job["metrics_path"] == reverse("metrics")
    webs = {name for name in services() if name.startswith("web")}
    assert {target.partition(":")[0] for target in group["targets"]} == webs
    allowed = services()["web1"]["environment"]["ALLOWED_HOSTS"].split(",")
    assert webs | {"localhost"} <= set(allowed)
    mounted = [mount.split(":")[1] for mount in services()["prometheus"]["volumes"]]
    assert set(parsed["rule_files"]) <= set(mounted)


def test_its_proxy_leads_to_what_is_there():
    caddyfile = text("deploy/Caddyfile")
    upstreams = re.findall(r"\b([a-z0-9-]+):(\d+)\b", " ".join(re.findall(r"reverse_proxy (.+) \{", caddyfile)))
    assert {name for name, _ in upstreams} == {"web1", "web2", "sandbox-host"}
    for name, port in upstreams:
        assert port in services()[name]["command"]
    assert set(re.findall(r"\{\$(\w+)\}", caddyfile)) == services()["proxy"]["environment"].keys()
    assert caddyfile.count("{") == caddyfile.count("}")
    assert "@inside path /metrics" in caddyfile and "respond @inside 404" in caddyfile


def test_its_units_start_what_is_there():
    units = list((ROOT / "deploy" / "systemd").iterdir())
    commands = [command for unit in units for command in re.findall(r"/srv/vibe/(\S+)", unit.read_text())]
    assert "bin/up" in commands and "bin/manage" in commands
    assert all((ROOT / command).is_file() for command in commands)


def test_its_page_names_what_is_there():
    page = text("docs/deployment.md")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", page) if "://" not in link]
    assert links and all((ROOT / "docs" / link).exists() for link in links)
    for service in re.findall(r"docker compose (?:exec|stop|run|up)((?: [a-z0-9-]+)+)", page):
        named = [word for word in service.split() if word in services()]
        assert named or service.split()[0].startswith("-"), service
    commands = set(re.findall(r"bin/manage (\w+)", page))
    assert {"backup", "restore"} <= commands <= get_commands().keys()
