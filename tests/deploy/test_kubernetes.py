"""The Kubernetes manifests: well formed, closed in, started as Compose starts the same image, naming what is there."""

import re
from typing import Any

import pytest
import yaml

from projects.importing import MAX_ZIP_BYTES
from tests.deploy.files import offered, services, text
from tests.deploy.production import ROOT

FOLDER = "deploy/kubernetes"
KUSTOMIZATION = yaml.safe_load(text(f"{FOLDER}/kustomization.yaml"))
OBJECTS: list[dict[str, Any]] = [
    found for name in KUSTOMIZATION["resources"] for found in yaml.safe_load_all(text(f"{FOLDER}/{name}"))
]
# What each kind is called by the API server of Kubernetes 1.25 and newer.
VERSIONS = {
    "ConfigMap": "v1",
    "Service": "v1",
    "Deployment": "apps/v1",
    "Job": "batch/v1",
    "PodDisruptionBudget": "policy/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "Ingress": "networking.k8s.io/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
}
RUNNING = {found["metadata"]["name"]: found for found in OBJECTS if found["kind"] in ("Deployment", "Job")}
NAMES = sorted(RUNNING)
COMPOSE = {"web": "web1"}


def of(kind: str) -> dict[str, dict[str, Any]]:
    return {found["metadata"]["name"]: found for found in OBJECTS if found["kind"] == kind}


def pod(name: str) -> dict[str, Any]:
    found: dict[str, Any] = RUNNING[name]["spec"]["template"]["spec"]
    return found


def container(name: str) -> dict[str, Any]:
    (found,) = pod(name)["containers"]
    return dict(found)


def test_its_objects_are_what_the_api_knows_and_all_are_listed():
    assert all(VERSIONS[found["kind"]] == found["apiVersion"] for found in OBJECTS)
    assert len({(found["kind"], found["metadata"]["name"]) for found in OBJECTS}) == len(OBJECTS)
    files = {path.name for path in (ROOT / FOLDER).glob("*.yaml")} - {"kustomization.yaml"}
    assert files == set(KUSTOMIZATION["resources"])


@pytest.mark.parametrize("name", NAMES)
def test_it_closes_every_container_in(name):
    security = pod(name)["securityContext"]
    assert security["runAsNonRoot"] and security["runAsUser"] == 10001
    assert (
        security["seccompProfile"] == {"type": "RuntimeDefault"} and pod(name)["automountServiceAccountToken"] is False
    )
    assert container(name)["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"cpu", "memory"} <= container(name)["resources"]["requests"].keys()
    assert "memory" in container(name)["resources"]["limits"]


@pytest.mark.parametrize("name", NAMES)
def test_it_starts_the_image_as_compose_does(name):
    assert container(name)["image"] == KUSTOMIZATION["images"][0]["name"] == "vibe"
    assert container(name)["command"] == services()[COMPOSE.get(name, name)]["command"]
    assert container(name)["envFrom"] == [{"configMapRef": {"name": "vibe"}}, {"secretRef": {"name": "vibe"}}]
    assert container(name)["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]


@pytest.mark.parametrize("name", sorted(of("Deployment")))
def test_it_finds_its_own_pods_and_asks_them(name):
    deployment = RUNNING[name]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"] == labels == {"app": "vibe", "part": name}
    assert container(name).keys() & {"livenessProbe", "readinessProbe"}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        if path := container(name).get(probe, {}).get("httpGet", {}).get("path"):
            assert path in ("/healthz", "/healthcheck")


def test_what_leads_to_pods_leads_to_ours():
    for kind in ("Service", "PodDisruptionBudget", "NetworkPolicy"):
        for found in of(kind).values():
            spec = found["spec"]
            wanted = spec.get("podSelector") or spec["selector"]
            labels = wanted.get("matchLabels", wanted)
            assert labels["app"] == "vibe" and labels.get("part", "web") in RUNNING
    backend = of("Ingress")["vibe"]["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert of("Service")[backend["name"]]["spec"]["ports"][0]["name"] == backend["port"]["name"]
    assert of("HorizontalPodAutoscaler")["web"]["spec"]["scaleTargetRef"]["name"] in RUNNING
    assert "flower" not in text(f"{FOLDER}/ingress.yaml")


def test_a_label_picks_the_migration_out_of_an_update():
    picked = [found["kind"] for found in OBJECTS if found["metadata"].get("labels", {}).get("part") == "migrate"]
    assert picked == ["Job"]
    assert "kubectl kustomize OVERLAY | kubectl apply -l part=migrate -f -" in text("docs/deployment.md")


def test_what_is_applied_leaves_the_autoscaler_its_number():
    scaled = {found["spec"]["scaleTargetRef"]["name"] for found in of("HorizontalPodAutoscaler").values()}
    assert scaled and not [name for name in scaled if "replicas" in RUNNING[name]["spec"]]


def test_its_ingress_lets_an_import_in():
    allowed = of("Ingress")["vibe"]["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"]
    assert int(allowed.removesuffix("m")) * 2**20 > MAX_ZIP_BYTES


def test_its_settings_are_explained_and_its_secrets_are_in_no_file():
    given = of("ConfigMap")["vibe"]["data"]
    secret = dict(re.findall(r"^([A-Z0-9_]+)=(.*)$", text(f"{FOLDER}/secret.example"), re.MULTILINE))
    assert given.keys() | secret.keys() <= offered() | {"FLOWER_BASIC_AUTH", "VIBE_HOME"}
    assert all(isinstance(value, str) for value in given.values())
    assert not [name for name in given if re.search("KEY|PASSWORD|TOKEN|SECRET", name)]
    assert not any(secret[name] for name in ("SECRET_KEY", "ENCRYPTION_KEY", "E2B_API_KEY"))
    assert {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ENCRYPTION_KEY", "E2B_API_KEY"} <= secret.keys()


def test_production_finds_nothing_wrong_with_its_settings():
    from tests.deploy.production import manage

    given = of("ConfigMap")["vibe"]["data"]
    done = manage("check", "--deploy", "--fail-level", "WARNING", **{**given, "ALLOWED_HOSTS": given["SITE_HOST"]})
    assert done.returncode == 0, done.stderr
