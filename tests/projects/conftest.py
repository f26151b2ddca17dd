"""What several tests of projects need."""

import pytest


@pytest.fixture
def rich(project):
    """A project of alice's with all that one can have: three versions, rules, promises, a conversation."""
    from projects import attachments, briefing, versions
    from projects.models import Promise, Version
    from projects.services import add_message
    from tests.projects.whole import PNG

    briefing.promise(project, "It sells bread", "/", "Bread")
    briefing.promise(project, "It has a menu", "/menu", "Menu")
    versions.save_file(project, "src/über.css", b"a{}")
    made = versions.save(
        project, {"index.html": b"<h1>Cake</h1>\n", "app.js": b"let a = 1;\n"}, source="run", title="Cake"
    )
    assert made
    versions.name(made, "The cake")
    Promise.objects.filter(project=project, path="/").update(version=1, held=True, checked=1)
    Promise.objects.filter(project=project, path="/menu").update(aside=True)
    Version.objects.filter(pk=made.pk).update(verdict={"build": True})
    texts = {"rules": "Be kind.\nAlways.", "criteria": "No tables", "memory": "- It is a bakery"}
    paths = {"locked": ["src/*.css"], "pinned": ["index.html"], "dropped": ["app.js"]}
    briefing.change(project, **texts, **paths, review=False, auto_fix=False)
    asked = add_message(project, "user", "A page for a *bakery*")
    sent = attachments.add(project, "plan.png", PNG), attachments.add(project, "menu.txt", b"Bread 3")
    attachments.send(project, [one.pk for one in sent], asked)
    add_message(project, "assistant", "Here **it** is.\n\n```js\nlet a\n```")
    add_message(project, "user", "Which colour is it?", "ask")
    add_message(project, "assistant", "Brown.", "ask")
    return project
