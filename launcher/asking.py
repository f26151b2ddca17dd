"""Asking a service whether it is there. Each question returns its version, or raises `NoAnswer` with the reason."""

import http.client
import json
import os
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TIMEOUT = 2.0
# Asked again and again while others start; a worker that is up answers in milliseconds.
PING_SECONDS = 0.4


class NoAnswer(Exception):
    """The service did not answer, or not well; the text says how."""


def ask_postgres(url: str, *, create: bool = False) -> str:
    """Log in and ask the version. `create`: make the database if it is missing (the embedded server's first start)."""
    import psycopg

    try:
        parameters = postgres_parameters(url)
        if create:
            _create_database(parameters)
        with psycopg.connect(**parameters, connect_timeout=5) as connection:
            row = connection.execute("SHOW server_version").fetchone()
    except psycopg.Error as error:
        raise NoAnswer(_telling_line(str(error))) from error
    return str(row[0]).split()[0] if row else ""


def _telling_line(text: str) -> str:
    """libpq's errors come in several lines; the one that says what failed."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no reason given"]
    return next((line.partition("failed:")[2].strip() for line in lines if "failed:" in line), lines[-1])


def postgres_parameters(url: str) -> dict[str, Any]:
    """A DATABASE_URL as libpq's parameters, read by the code that reads it for Django."""
    from environ import Env

    config = Env.db_url_config(url)
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    given: dict[str, Any] = {ours: config[theirs] for theirs, ours in names.items() if config.get(theirs)}
    options: dict[str, Any] = config.get("OPTIONS", {})
    return given | options


def _create_database(parameters: dict[str, Any]) -> None:
    import psycopg
    from psycopg import sql

    name = parameters["dbname"]
    with psycopg.connect(**{**parameters, "dbname": "postgres"}, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def ask_redis(url: str) -> str:
    """PING, then the server's version."""
    import redis

    try:
        with redis.Redis.from_url(url, socket_timeout=TIMEOUT, socket_connect_timeout=5, protocol=2) as client:
            client.ping()
            facts: dict[str, Any] = client.info("server")
    except (redis.RedisError, OSError, ValueError) as error:
        raise NoAnswer(str(error).rstrip(".")) from error
    return str(facts.get("valkey_version") or facts.get("redis_version") or "")


def ask_http(url: str, headers: dict[str, str] | None = None, *, timeout: float = TIMEOUT) -> tuple[int, Any]:
    """GET: the status and the JSON (or None). Raises NoAnswer when there is no HTTP answer at all."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=ssl.create_default_context())
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""), headers=headers or {})
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(str(error) or type(error).__name__) from error
    finally:
        connection.close()
    try:
        return answer.status, json.loads(body)
    except ValueError:
        return answer.status, None


def ask_health(url: str) -> Any:
    """The JSON of a health route; anything but 200 is no good answer."""
    status, facts = ask_http(url)
    if status != 200:
        raise NoAnswer(f"{url} answered {status}: {json.dumps(facts)[:300]}")
    return facts or {}


def ask_worker(broker: str, name: str) -> str:
    """Celery's own ping, answered by the worker of that name; returns Celery's version."""
    import celery

    # kombu wants redis+socket:// where redis-py says unix://.
    broker = broker.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host=")
    app = celery.Celery(broker=broker, set_as_current=False)
    if broker.startswith("rediss://"):  # of itself kombu takes any certificate
        app.conf.broker_use_ssl = {"ssl_cert_reqs": ssl.CERT_REQUIRED}
    app.conf.update(broker_connection_retry=False, broker_connection_max_retries=0)
    try:
        answers = app.control.broadcast("ping", reply=True, destination=[name], timeout=PING_SECONDS, limit=1)
    except Exception as error:  # kombu passes through the error of whichever client library it uses
        raise NoAnswer(str(error)) from error
    finally:
        app.close()
    if not answers:
        raise NoAnswer("it did not answer a ping")
    return str(celery.__version__)


def ask_process(pid: int, command: str) -> None:
    """Whether a process with this word in its command line is alive, for a program that cannot be asked anything."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        os.kill(pid, 0)
    except (OSError, ValueError) as error:
        raise NoAnswer("it is not running") from error
    if command not in words:
        raise NoAnswer("it is not running")
