"""Which of its owner's MCP servers a project's runs may use, over REST: off at first, and only one's own."""

import pytest

from accounts.models import McpServer


@pytest.fixture
def url(project):
    return f"/api/v1/projects/{project.pk}/mcp/"


@pytest.fixture
def connect():
    def connect(user, name="wiki", **fields):
        tools = [{"name": f"mcp__{name}__search", "remote": "search", "description": "Looks.", "schema": {}}]
        return McpServer.objects.create(
            user=user, name=name, url="https://mcp.example.com/mcp", tools=tools, last_four="abcd", sealed="x", **fields
        )

    return connect


def test_it_switches_servers_on_and_off(api, alice, url, connect, project):
    wiki, other = connect(alice), connect(alice, "other", error="It failed (503).")
    rows = api(alice).get(url).json()
    assert rows[1] == {
        "id": wiki.pk,
        "name": "wiki",
        "host": "mcp.example.com",
        "tools": ["search"],
        "error": "",
        "on": False,
    }
    assert (rows[0]["name"], rows[0]["error"]) == ("other", "It failed (503).")
    answer = api(alice).put(url, {"servers": [wiki.pk, other.pk, wiki.pk]})
    assert answer.status_code == 200 and [row["on"] for row in answer.json()] == [True, True]
    assert [row["on"] for row in api(alice).put(url, {"servers": [wiki.pk]}).json()] == [False, True]
    assert list(project.mcp_servers.all()) == [wiki]
    wiki.delete()
    assert not project.mcp_servers.exists()


def test_it_knows_no_server_of_somebody_else(api, alice, bob, url, connect, project):
    mine, theirs = connect(alice), connect(bob)
    project.mcp_servers.set([mine])
    answers = [api(alice).put(url, {"servers": [mine.pk, pk]}) for pk in (theirs.pk, 10**9)]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].content == answers[1].content
    assert list(project.mcp_servers.all()) == [mine]
    assert [row["id"] for row in api(alice).get(url).json()] == [mine.pk]
    assert api(bob).get(url).status_code == api(bob).put(url, {"servers": [theirs.pk]}).status_code == 404


@pytest.mark.parametrize("servers", [None, "x", ["x"], [0], [2**70], [[]], list(range(1, 200))])
def test_it_refuses_what_is_no_list_of_servers(api, alice, url, servers, connect, project):
    project.mcp_servers.set([connect(alice)])
    assert api(alice).put(url, {"servers": servers}).status_code == 400
    assert project.mcp_servers.count() == 1


def test_the_lens_counts_what_is_said_of_tools(api, alice, url, connect, project):
    lens = f"/api/v1/projects/{project.pk}/context/"
    assert api(alice).get(lens).json()["tokens"]["servers"] == 0
    project.mcp_servers.set([connect(alice)])
    assert api(alice).get(lens).json()["tokens"]["servers"] > 40


def test_a_copy_of_a_project_begins_without_any(as_user, alice, project, connect):
    from projects.models import Project

    project.mcp_servers.set([connect(alice)])
    assert as_user(alice).post(f"/projects/{project.pk}/duplicate/").status_code == 302
    copy = Project.objects.exclude(pk=project.pk).get()
    assert not copy.mcp_servers.exists()
