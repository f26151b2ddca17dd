"""Pictures and texts that go with a first prompt, by the page's form: sent to the model, kept for no visitor."""

import base64

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from agents.models import Run
from projects import attachments
from projects.models import Attachment, Blob, Project
from tests.agents.scripted import finish, page, write
from tests.api.test_attachments import png

URL = "/projects/new/"


def form(*files):
    sent = [SimpleUploadedFile(name, content) for name, content in files]
    return {"prompt": "A shop like this", "framework": "html", "model": "vibe-m", "attachments": sent}


def test_it_shows_the_model_what_came_with_the_first_prompt(model, work, owner, client):
    client.force_login(owner)
    assert client.post(URL, form(("look.png", png()), ("n.txt", b"Two lines"))).status_code == 302
    run = Run.objects.get()
    model.say([write(index_html=page("Tea"))], [finish()])
    assert work(run).state == Run.State.SUCCEEDED
    *_, picture, text, prompt = model.requests[0]["messages"][0]["content"]
    assert picture["source"] == {
        "type": "base64",
        "media_type": "image/png",
        "data": base64.b64encode(png()).decode(),
    }
    assert text["text"] == '<attached_file name="n.txt">\nTwo lines\n</attached_file>'
    assert prompt["text"].endswith("A shop like this")


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ([("a.png", png()), ("a.pdf", b"%PDF-1.7\n\xff")], "Only pictures (PNG, JPEG, GIF, WebP) and text files"),
        ([("a.txt", b"x" * (attachments.MAX_TEXT_BYTES + 1))], "a.txt has 200,001 bytes; at most 200,000 can be sent."),
        ([("a.png", b"x")] * (attachments.MOST + 1), "At most 8 files can go with a message."),
        ([("a.txt", b"x" * 3_000_000)] * 6, "These files have 18,000,000 bytes together"),
    ],
    ids=["type", "size", "count", "together"],
)
def test_it_says_what_it_does_not_take_and_gives_the_prompt_back(as_user, alice, files, why):
    refused = as_user(alice).post(URL, form(*files))
    assert refused.status_code == 400
    assert why in refused.text and "A shop like this</textarea>" in refused.text
    assert not Project.objects.exists() and not Attachment.objects.exists()


def test_it_leaves_a_visitors_files_in_the_browser_until_there_is_an_account(as_user, alice):
    client = as_user()
    # The page's script says that there are some; a form that sends them all the same is treated like that.
    for wish in (form() | {"files_wait": "1"}, form(("a.png", png()))):
        assert client.post(URL, wish).url == reverse("account_signup")
        assert not Blob.objects.exists() and len(str(dict(client.session))) < 1_000
        assert "data-files-wait" not in client.get("/").text
        client.force_login(alice)
        # The page sends it, once: what was wished is in its form, and not in the session any more.
        again = client.get(reverse("project-pending"))
        assert "data-files-wait" in again.text and "A shop like this</textarea>" in again.text
        assert client.get(reverse("project-pending")).url == reverse("project-list")
        assert not Project.objects.exists()
        client.logout()
    client.force_login(alice)
    assert client.post(URL, form(("a.png", png()))).status_code == 302
    assert Project.objects.get().messages.get().attachments.get().name == "a.png"


def test_it_takes_no_form_of_another_site(alice):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post(URL, form(("a.png", png()))).status_code == 403
    assert not Attachment.objects.exists()
