"""Memory: what a run notes, later runs and the owner see; the owner may change it."""

from agents import services
from demo_model import wire
from projects.models import Project
from tests.agents.scripted import finish, page, write
from tests.agents.test_taking_over import work_until


def note(*notes):
    return wire.tool("remember", {"notes": list(notes)})


def test_it_is_there_in_the_next_run_and_in_no_version(model, start, work, api):
    model.say([write(index_html=page("Tea")), note("The client is Ann", "Prices end in .90")], [finish()])
    first = work(start())
    assert Project.objects.get(pk=first.project_id).memory == "- The client is Ann\n- Prices end in .90"
    assert not [path for path in first.version.manifest if "memory" in path]

    client = api(first.project.owner)
    client.patch(f"/api/v1/projects/{first.project_id}/", {"memory": "- The client is Bea", "rules": "No red"})
    model.say([finish()])
    work(services.start_run(first.project, "Go on"))
    said = str(model.requests[-1]["messages"][-1])
    assert "The client is Bea" in said and "No red" in said and "Ann" not in said

    seen = client.get(f"/api/v1/projects/{first.project_id}/context/").json()
    assert (seen["memory"], seen["rules"], seen["version"]) == ("- The client is Bea", "No red", 1)
    assert seen["tokens"]["memory"] > 0 and seen["tokens"]["rules"] > 0 and "index.html" in seen["summary"]
    again = client.post(f"/api/v1/projects/{first.project_id}/context/")
    assert (again.status_code, again.json()) == (200, seen)


def test_it_notes_a_line_once_wherever_the_worker_died(model, start, work, monkeypatch):
    model.say([note("The client is Ann")], [finish()])
    run = start()
    work_until(run, monkeypatch, "tool_result", before=True)
    work(run)
    assert Project.objects.get(pk=run.project_id).memory == "- The client is Ann"
