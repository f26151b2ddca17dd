"""Whatever fits the API's own description, and what does not, never breaks the server.

The suite asks some hundred times, the same each time; `VIBE_FUZZ_CASES=10000 bin/test tests/api/test_fuzz.py` asks as
often as you like, otherwise each time.
"""

import os
from collections import Counter
from typing import Any

import pytest
import requests
import schemathesis
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from accounts.models import ApiToken
from agents import services

CASES = int(os.environ.get("VIBE_FUZZ_CASES", "400"))
# They answer as long as a run or a log goes on, by an event loop; tests of their own.
STREAMS = ("/stream/", "/logs/", "/generate/")


@pytest.fixture
def description(alice, settings) -> dict[str, Any]:
    settings.API_READS_PER_MINUTE = settings.API_WRITES_PER_MINUTE = 10**9
    from drf_spectacular.generators import SchemaGenerator

    described: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    described["paths"] = {path: methods for path, methods in described["paths"].items() if not path.endswith(STREAMS)}
    return described


def test_it_describes_itself_without_a_warning(tmp_path):
    """Two fields of one name and different values, say, would make a client's types change their names."""
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "api.yml"))


def send(client: Client, case: Any, token: str) -> Any:
    """The case as it would go over the wire, to this process."""
    ready = requests.Request(**case.as_transport_kwargs(base_url="http://localhost")).prepare()
    body = ready.body.encode() if isinstance(ready.body, str) else ready.body or b""
    kind = str(ready.headers.pop("Content-Type", "application/octet-stream"))
    kept = {
        name: str(value) for name, value in ready.headers.items() if name.lower() not in ("cookie", "content-length")
    }
    kept["Authorization"] = f"Bearer {token}"
    return client.generic(str(ready.method), ready.path_url, body, kind, headers=kept)


@pytest.mark.timeout(max(180, CASES))
@pytest.mark.django_db
def test_it_never_breaks(alice, description):
    run = services.start_project(alice, "A page for a bakery", framework="html")
    things = {"project": str(run.project_id), "run": str(run.pk)}
    _, token = ApiToken.issue(alice)
    client, schema = Client(raise_request_exception=False), schemathesis.openapi.from_dict(description)
    operations: list[Any] = [found.ok() for found in schema.get_all_operations()]  # type: ignore[union-attr]
    each, seen, broken = max(2, CASES // len(operations)), Counter[int](), []
    for operation in operations:
        modes = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))

        @settings(
            max_examples=each, deadline=None, database=None, derandomize=CASES < 1_000,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=modes, ours=st.booleans())
        def ask(case: Any, ours: bool) -> None:
            if ours and case.path_parameters:
                kind = "run" if "/runs/" in case.path else "project"
                case.path_parameters = {
                    name: things[kind] if name in ("id", "pk") else value
                    for name, value in case.path_parameters.items()
                }
            with transaction.atomic():  # what it did is undone, for the next
                answer = send(client, case, token)
                transaction.set_rollback(True)
            seen[answer.status_code] += 1
            if answer.status_code >= 500:
                broken.append(f"{answer.status_code} {case.as_curl_command()[:2000]}")

        ask()
    print(f"\n{sum(seen.values())} cases of {len(operations)} operations: {dict(sorted(seen.items()))}")
    assert not broken, "\n".join(broken[:20])
    # A test of which everything is refused at the door would show nothing.
    assert seen[200] + seen[201] + seen[202] + seen[204] > sum(seen.values()) / 20 and seen[401] == 0
