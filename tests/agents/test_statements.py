"""How many statements stand between a message and the model: each is a round trip that the person waits for."""

from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from demo_model import wire

# What it is now; more wants a reason.
TO_SUBMIT, TO_ASK, COMMITS_TO_ASK = 30, 30, 8


def test_it_submits_a_message_in_few_statements(api: Any, alice: Any, project: Any) -> None:
    client = api(alice)
    path = f"/api/v1/projects/{project.pk}/messages/"
    assert client.post(path, {"text": "One"}).status_code == 202
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.post(path, {"text": "Two"}).status_code == 202
    said = [query["sql"] for query in queries]
    print("SUBMIT", len(said), *said, sep="\n")
    assert len(said) <= TO_SUBMIT


def test_it_asks_the_model_after_few_statements(model: Any, start: Any, work: Any) -> None:
    seen: list[str] = []
    run = start()

    def answer(request: Any) -> Any:
        seen.extend(query["sql"] for query in queries.captured_queries)
        return [wire.text("Hello.")]

    model.say(answer)
    with CaptureQueriesContext(connection) as queries:
        work(run)
    print("ASK", len(seen), *seen, sep="\n")
    assert len(seen) <= TO_ASK
    assert sum(sql.startswith("COMMIT") for sql in seen) <= COMMITS_TO_ASK
