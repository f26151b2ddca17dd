"""`bin/up` as a whole: it starts, says where, refuses a second one, and stops leaving nothing."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from launcher import running, services
from launcher import up as program
from launcher.machine import free_port
from launcher.place import ROOT
from launcher.plan import Plan

# docs/deployment.md, "Without containers".
BEHIND_A_PROXY = {
    "HTTPS": "true",
    "ALLOWED_HOSTS": "vibe.example.com",
    "CSRF_TRUSTED_ORIGINS": "https://vibe.example.com",
    "PREVIEW_DOMAIN": "preview.example.net",
}
NAMES = ["postgres", "valkey", "sandbox-host", "demo-model", "web", "web-2", "worker", "chores", "beat"]


@pytest.fixture
def up(home):
    """`up(*options, **settings)`: bin/up's program, with no other settings but the state folder."""
    started = []
    port = free_port(53000)

    def start(*options: str, **settings: str) -> subprocess.Popen[str]:
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
        process = subprocess.Popen(
            [sys.executable, "-m", "launcher", "up", "--port", str(port), *options],
            cwd=ROOT,
            env={**kept, "VIBE_HOME": str(home), "WEB_PROCESSES": "2", **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def finished(process: subprocess.Popen[str]) -> tuple[int, str]:
    output, _ = process.communicate(timeout=120)
    return process.returncode, output


def processes_of(home: Path) -> list[str]:
    """Command lines of what still has this state folder in its environment or arguments."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            if str(home).encode() in command + (folder / "environ").read_bytes():
                found.append(command.decode(errors="replace").replace("\0", " "))
        except OSError:
            continue
    return found


@pytest.mark.timeout(240)
def test_it_starts_everything_once_and_leaves_nothing(up, home):
    running = up()
    lines = []
    for line in running.stdout:
        lines.append(line)
        if line.startswith("Logs are in"):
            break
    text = "".join(lines)
    assert all(name in text for name in NAMES), text
    address = text.partition("Ready in ")[2].split()[2]
    with urllib.request.urlopen(f"{address}/healthz") as answer:
        assert answer.status == 200

    code, output = finished(up())
    assert code == 1
    assert f"Vibe is already running here (bin/up, pid {running.pid}): {address}." in output

    code, output = finished(up("--status", "--json"))
    assert code == 0
    rows = json.loads(output)
    assert [(row["service"], row["state"]) for row in rows] == [(name, "ok") for name in NAMES]
    if Path(program.CERTIFICATES).exists():  # for addresses with sslrootcert=system
        [web] = [row["pid"] for row in rows if row["service"] == "web"]
        assert b"\0SSL_CERT_FILE=/" in Path(f"/proc/{web}/environ").read_bytes()

    code, output = finished(up("--check"))
    assert code == 0
    assert [line.split()[0] for line in output.splitlines()] == NAMES and output.count(" ok ") == len(NAMES)

    running.send_signal(signal.SIGINT)
    code, output = finished(running)
    assert code == 0, output
    assert output.endswith("Stopped.\n")
    assert processes_of(home) == []

    code, output = finished(up("--status"))
    assert code == 1
    assert "not running" in output

    code, output = finished(up("--check", **BEHIND_A_PROXY))
    assert code == 0, output
    assert "Ready in " in output and output.endswith("Stopped.\n")
    assert set(NAMES) <= {line.split()[0] for line in output.splitlines() if line.strip()}, output
    assert processes_of(home) == []


def test_it_says_in_a_check_why_it_cannot_start(up, home):
    with socket.create_server(("127.0.0.1", free_port(54000))) as other:
        port = other.getsockname()[1]
        code, output = finished(up("--check", "--port", str(port)))
    assert code == 1
    assert f"Port {port} (for web) is in use by another program." in output and "Ready in" not in output


def test_it_tells_of_each_process_by_its_own_life(place, terminal, capsys):
    """Another web process would answer at the address of one that has ended."""
    lock = place.lock("up")
    running.write(Plan(place, {"WEB_PROCESSES": "3"}, port=free_port(53000)), "up", os.getpid(), [])
    assert program._status(place, {"WEB_PROCESSES": "1"}, terminal, as_json=True) == 1
    rows = json.loads(capsys.readouterr().out)
    assert [row["service"] for row in rows if row["service"].startswith("web")] == ["web", "web-2", "web-3"]
    assert {row["state"] for row in rows} == {"down"}
    os.close(lock)


@pytest.mark.parametrize(
    ("host", "given", "allowed"),
    [
        ("127.0.0.1", {}, "localhost,127.0.0.1,[::1]"),
        ("127.0.0.1", {"ALLOWED_HOSTS": "vibe.example.com"}, "vibe.example.com,localhost,127.0.0.1,[::1]"),
        ("10.0.0.5", {"ALLOWED_HOSTS": "vibe.example.com"}, "vibe.example.com,localhost,127.0.0.1,[::1],10.0.0.5"),
        ("0.0.0.0", {}, "*,localhost,127.0.0.1,[::1]"),
    ],
)
def test_it_answers_to_the_names_it_is_asked_by_from_inside(place, host, given, allowed):
    assert Plan(place, given, host=host).environment()["ALLOWED_HOSTS"] == allowed


@pytest.mark.parametrize(("given", "ahead"), [({}, []), ({"ANTHROPIC_API_KEY": "key"}, ["--prepare", "nextjs"])])
def test_it_prepares_what_a_real_model_chooses_when_it_is_unsure(place, given, ahead):
    [host] = [job for job in services.backing_jobs(Plan(place, given)) if job.name == "sandbox-host"]
    assert list(host.command)[list(host.command).index("--runtime") + 2 :] == ahead


@pytest.mark.parametrize(("given", "domain"), [({}, "localhost:53001"), (BEHIND_A_PROXY, "preview.example.net")])
def test_it_tells_the_sandbox_host_where_previews_are_opened(place, given, domain):
    """Dev servers refuse names that the host did not tell them."""
    plan = Plan(place, given, port=53000)
    [host] = [job for job in services.backing_jobs(plan) if job.name == "sandbox-host"]
    assert host.command[host.command.index("--domain") + 1] == domain == plan.environment()["PREVIEW_DOMAIN"]


@pytest.mark.parametrize(
    ("given", "domain"),
    [({}, "sites.localhost:53000"), (BEHIND_A_PROXY, None), ({"HTTPS": "On", "SITES_DOMAIN": "a.app"}, "a.app")],
)
def test_it_puts_apps_online_here_only_where_who_looks_is_here(place, given, domain):
    assert Plan(place, given, port=53000).environment().get("SITES_DOMAIN") == domain


@pytest.mark.parametrize(
    ("host", "given", "told"),
    [
        ("127.0.0.1", {}, False),
        ("0.0.0.0", {}, True),
        ("127.0.0.1", {"HTTPS": "true"}, True),
        ("0.0.0.0", BEHIND_A_PROXY, False),
    ],
)
def test_it_says_what_previews_need_where_who_looks_is_elsewhere(place, terminal, lines, host, given, told):
    program._say_ready(Plan(place, given, host=host, port=53000), terminal, 1)
    assert ("PREVIEW_DOMAIN is a wildcard name that your proxy sends to port 53001 here. Apps" in lines.text) is told
