"""How many statements stand between a message and the model: each is a round trip that the person waits for."""

from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from demo_model import wire

# Bounds with some room; what goes beyond them wants a reason.
TO_SUBMIT, TO_ASK, COMMITS_TO_ASK = 45, 45, 8


def test_it_submits_a_message_in_few_statements(api: Any, alice: Any, project: Any) -> None:
    client = api(alice)
    path = f"/api/v1/projects/{project.pk}/messages/"
    assert client.post(path, {"text": "One"}).status_code == 202
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.post(path, {"text": "Two"}).status_code == 202
    said = [query["sql"] for query in queries]
    assert len(said) <= TO_SUBMIT, said


def test_it_asks_the_model_after_few_statements(model: Any, start: Any, work: Any) -> None:
    seen: list[str] = []
    run = start()

    def answer(request: Any) -> Any:
        seen.extend(query["sql"] for query in queries.captured_queries)
        return [wire.text("Hello.")]

    model.say(answer)
    with CaptureQueriesContext(connection) as queries:
        work(run)
    assert len(seen) <= TO_ASK, seen
    assert sum(sql.startswith("COMMIT") for sql in seen) <= COMMITS_TO_ASK
