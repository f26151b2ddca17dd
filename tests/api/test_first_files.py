"""Pictures and texts that go with a first prompt, by the API: kept with the project that it starts, or nothing is."""

import pytest

from projects import attachments
from projects.models import Attachment, Project
from tests.api.test_attachments import body, png

URL = "/api/v1/projects/"


def prompt(*files):
    return {"prompt": "A shop like this", "attachments": [body(*file) for file in files]}


def test_it_starts_a_project_with_them(api, alice, bob):
    # Two of one name: that is what pasted pictures have.
    made = api(alice).post(URL, prompt(("image.png", png()), ("image.png", png(5, 4)), ("n.txt", b"note")))
    assert made.status_code == 201
    project = Project.objects.get(pk=made.json()["id"])
    sent = project.messages.get().attachments.all()
    expected = [("image.png", png()), ("image.png", png(5, 4)), ("n.txt", b"note")]
    assert [(one.name, attachments.content(one)) for one in sent] == expected
    said = project.steps.get(type="user_message").data
    assert [one["id"] for one in said["attachments"]] == [str(one.pk) for one in sent]
    [message] = api(alice).get(f"{URL}{project.pk}/messages/").json()["results"]
    assert [one["meta"]["width"] for one in message["fragments"]] == [3, 5]
    picture = f"{URL}{project.pk}/attachments/{sent[0].pk}/"
    assert api(alice).get(picture).content == png()
    assert api(bob).get(picture).status_code == 404


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ([("a.png", png()), ("a.pdf", b"%PDF-1.7\n\xff")], "Only pictures"),
        ([("a.txt", b"x" * (attachments.MAX_TEXT_BYTES + 1))], "a.txt has 200,001 bytes"),
        ([("a.png", png(attachments.MAX_SIDE + 1, 1))], "8001 × 1"),
        ([("a.txt", b"x")] * (attachments.MOST + 1), "8"),
    ],
    ids=["type", "size", "side", "count"],
)
def test_it_leaves_nothing_behind_when_one_is_refused(api, alice, files, why):
    refused = api(alice).post(URL, prompt(*files))
    assert refused.status_code == 400 and why in str(refused.json()["errors"]["attachments"])
    assert not Project.objects.exists() and not Attachment.objects.exists()


def test_it_refuses_what_is_no_file(api, alice):
    for one in ({"name": "a.txt", "content": "!!"}, {"name": "a.txt"}, "4b4f", {"name": "", "content": "aGk="}):
        assert api(alice).post(URL, {"prompt": "A shop", "attachments": [one]}).status_code == 400
    assert api(alice).post(URL, {"prompt": "A shop", "attachments": "x"}).status_code == 400
    assert not Project.objects.exists()


def test_it_takes_them_once_for_a_key(api, alice):
    client, key = api(alice), {"Idempotency-Key": "one"}
    first, again = (client.post(URL, prompt(("a.png", png())), headers=key) for _ in range(2))
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json() and again.headers["Idempotency-Replayed"] == "true"
    assert Attachment.objects.count() == Project.objects.count() == 1
    # Another picture is another request.
    assert client.post(URL, prompt(("a.png", png(9, 9))), headers=key).status_code == 422
    assert Attachment.objects.count() == 1
