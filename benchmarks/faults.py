"""Runs while things die: how soon one goes on after its worker was killed, and a storm with all rules checked.

The storm is the same for the same seed. What is killed is only what this command started.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.client import Client
from benchmarks.site import Site, quantile, site
from launcher.supervisor import Job, Supervisor

Say = Callable[[str, str, str, str], None]
ASK = """
import django, json, sys
django.setup()
from agents import invariants
from agents.models import Run
print(json.dumps({"broken": invariants.broken(), "ends": list(Run.objects.values_list("state", "reason"))}))
"""


def recovery(say: Say, times: int = 5) -> None:
    """Worker killed in the middle of an answer; another one is there. Until the run's next step."""
    with site({}, model=(2_000.0, 40, 50.0, 3)) as running:
        [person] = running.people(1)
        client = Client(int(running.url.rpartition(":")[2]), person["token"])
        took = [_killed(running, client, person["project"]) for _ in range(times)]
        state = _state(running)
    say("worker killed → run goes on, p50", f"{quantile(took, 0.5):.1f} s", "30 s lease + 10 s sweep", "–")
    say("worker killed → run goes on, p95", f"{quantile(took, 0.95):.1f} s", "30 s lease + 10 s sweep", "≤ 45 s")
    say("rules broken", str(len(state["broken"])), "–", "0")


def _killed(running: Site, client: Client, project: str) -> float:
    past = _cursor(client, project)
    client.call("POST", f"/api/v1/projects/{project}/messages/", {"text": "Go on", "mode": "ask"})
    events = client.events(project, past)
    next(event for event in events if event["type"] == "text")
    _kill(_job(running.supervisor, "worker"))
    began, seen = time.monotonic(), _cursor(client, project)
    _restart(running.supervisor)
    while _cursor(client, project) == seen:
        time.sleep(0.1)
    took = time.monotonic() - began
    for event in events:
        if event["type"] == "complete" and event["data"]["state"] != "succeeded":
            raise RuntimeError(f"the run ended as {event['data']}")
    return took


def storm(say: Say, minutes: float, seed: int, count: int = 50) -> None:
    """`count` runs while workers, Valkey and the database are killed at random, every 5 to 40 s, for `minutes`."""
    dice = random.Random(seed)
    changes = {"LEASE_SECONDS": "10", "HEARTBEAT_SECONDS": "3", "WORKER_CONCURRENCY": "100"}
    with site({**changes, "API_WRITES_PER_MINUTE": "100000"}, model=(300.0, 40, 20.0, 6)) as running:
        supervisors = [running.supervisor, running.services]
        people, end, kills = running.people(count), time.monotonic() + minutes * 60, 0
        asked = 0
        while time.monotonic() < end or asked < count:
            if asked < count:
                asked += _ask(running, people[asked])
            if time.monotonic() < end and asked >= min(count, 5):
                time.sleep(dice.uniform(0.5, 5) if asked < count else dice.uniform(5, 40))
                job = dice.choice([job for each in supervisors for job in each.jobs if job.name in VICTIMS])
                immediate = job.name == "postgres" and dice.random() < 0.5
                _kill(job, signal.SIGQUIT if immediate else signal.SIGKILL)  # SIGQUIT: PostgreSQL's immediate stop
                kills += 1
                time.sleep(dice.uniform(0, 2))
                for each in reversed(supervisors):
                    _restart(each)
        state = _until_over(running)
    say(f"{kills} kills (seed {seed}), {count} runs: rules broken", str(len(state["broken"])), "–", "0")
    wrong = [end for end in state["ends"] if end[0] != "succeeded"]
    say("runs that did not come to their right end", str(len(wrong)), str(wrong[:3]), "0")
    for sentence in state["broken"][:10]:
        say("", sentence, "", "")


VICTIMS = ("worker", "valkey", "postgres")


def _ask(running: Site, person: dict[str, str]) -> int:
    """Sends one message; 0 when the site is too shaken to take it, and nothing was kept of it."""
    client = Client(int(running.url.rpartition(":")[2]), person["token"])
    try:
        client.call("POST", f"/api/v1/projects/{person['project']}/messages/", {"text": "Go on", "mode": "ask"})
    except (OSError, RuntimeError):
        time.sleep(0.5)
        return 0
    return 1


def _until_over(running: Site, seconds: float = 300) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while True:
        state = _state(running)
        active = [end for end in state["ends"] if end[0] in ("queued", "running", "waiting")]
        if not active or time.monotonic() > deadline:
            return state
        time.sleep(2)


def _state(running: Site) -> dict[str, Any]:
    environment = {**running.environment, "DJANGO_SETTINGS_MODULE": "vibe.settings"}
    out = subprocess.run([sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=True)
    state: dict[str, Any] = json.loads(out.stdout.splitlines()[-1])
    return state


def _cursor(client: Client, project: str) -> int:
    cursor = 0
    while batch := client.call("GET", f"/api/v1/projects/{project}/events/?after={cursor}")["events"]:
        cursor = int(batch[-1]["id"])
    return cursor


def _job(supervisor: Supervisor, name: str) -> Job:
    return next(job for job in supervisor.jobs if job.name == name)


def _kill(job: Job, number: int = signal.SIGKILL) -> None:
    if job.process is None:
        return
    if number == signal.SIGKILL:
        os.killpg(job.process.pid, number)
    else:
        os.kill(job.process.pid, number)
    job.process.wait()
    job.process, job.ready = None, False


def _restart(supervisor: Supervisor) -> None:
    """Starts what does not run, and waits until it answers."""
    for job in supervisor.jobs:
        if job.process is not None and job.process.poll() is not None:
            job.process, job.ready = None, False
    supervisor.start()
