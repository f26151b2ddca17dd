"""The console of the app, in a real browser: a check of each run, and what check_app shows the model."""

import pytest

from agents import browser
from agents.models import Run
from demo_model import wire
from tests.agents.scripted import finish, page, write

pytestmark = pytest.mark.skipif(not browser.available(), reason="NO CHROMIUM")
look = browser.available


def test_it_sees_what_a_visitor_would_and_has_errors_mended(model, start, work, monkeypatch):
    monkeypatch.setattr(browser, "available", look)
    broken = page("Tea").replace("</html>", "<script>document.title = tea.name</script></html>")
    model.say(
        [write(index_html=broken, menu_csv="tea,price")],
        [wire.tool("check_app", {}), wire.tool("check_app", {"path": "/menu.csv"})],
        [finish()],
        [write(index_html=page("Mended"))],
        [finish("Mended.")],
    )
    run = work(start())

    seen, download = run.steps.filter(type="tool_result", data__name="check_app").order_by("seq")
    assert "1 console error" in seen.data["summary"]
    words, picture = seen.record["content"]
    assert "ReferenceError: tea is not defined" in words["text"] and "Visible text: Tea" in words["text"]
    assert picture["source"]["media_type"] == "image/webp" and len(picture["source"]["data"]) > 500
    assert download.data["summary"] == "answers 200"
    assert "answered 200 with a download" in str(download.record["content"])
    failed, passed = run.steps.filter(type="check", data__name="console").order_by("seq")
    assert (failed.data["ok"], passed.data["ok"]) == (False, True)
    assert "tea is not defined" in failed.data["output"]
    assert (run.state, run.reply.text) == (Run.State.SUCCEEDED, "Mended.")
    assert run.version.verdict == {"lint": True, "page": True, "console": True}
