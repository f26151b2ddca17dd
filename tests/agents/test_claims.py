"""What the closing card says of a summary: facts beside it, and a sentence for each claim that is not so."""

from agents import services
from agents.claims import doubts
from demo_model import wire
from tests.agents.scripted import finish, page, write

KEY = "sk-ant-api03-abcdefghijklmnop0123456789"
NOTHING: dict[str, list[str]] = {"added": [], "changed": [], "deleted": []}
FILES = {"index.html": "1", "src/App.tsx": "2", "src/lib/tea.ts": "3"}


def test_it_puts_the_facts_beside_a_summary_that_claims_too_much(model, start, work):
    model.say(
        [write(index_html=page("Tea"))], [finish("I changed `styles.css` and wrote `src/shop.ts`. All tests pass.")]
    )
    run = work(start())
    told = run.steps.get(type="complete").data
    assert told["files"]["changed"] == ["index.html"]
    assert told["doubts"] == [
        "Named, but not changed: styles.css.",
        "Named, but not there: src/shop.ts.",
        "It speaks of tests that pass; no test command succeeded in this run.",
    ]


def test_it_has_no_doubts_of_a_true_summary(model, start, work):
    test = wire.tool("terminal", {"command": "echo run npm test"})
    model.say([write(index_html=page("Tea"))], [test], [finish("`index.html` has a heading now; the tests pass.")])
    assert work(start()).steps.get(type="complete").data["doubts"] == []


def test_it_tells_the_model_and_its_user_of_a_key_in_the_code(model, start, work):
    put = {"path": "index.html", "edits": [{"search": "<h1>", "replace": f"<!-- {KEY} --><h1>"}]}
    hidden = wire.tool("write_files", {"files": [{"path": ".env", "content": f"KEY={KEY}"}]})
    model.say([write(index_html=page("Tea"))], [wire.tool("edit_file", put), hidden], [finish("Done.")])
    run = work(start())

    edited, wrote = run.steps.filter(type="tool_result").exclude(data__name="finish").order_by("seq")[1:]
    assert "line 1: Anthropic key" in edited.record["content"] and "tell the user" in edited.record["content"]
    assert "Secrets" not in wrote.record["content"]  # that file stays here whoever sees the app
    [doubt] = run.steps.get(type="complete").data["doubts"]
    assert "where visitors may read it: index.html, line 1: Anthropic key." in doubt
    assert KEY not in doubt

    # Who leaves it there is not told again; what comes beside it is.
    more = {"path": "index.html", "edits": [{"search": "</h1>", "replace": f"!</h1><!-- {KEY}2 -->"}]}
    less = {"path": "index.html", "edits": [{"search": "!</h1>", "replace": "</h1>"}]}
    model.say([wire.tool("edit_file", more)], [finish("Done.")], [wire.tool("edit_file", less)], [finish("Done.")])
    for expected in (1, 0):
        run = work(services.start_run(run.project, "Another word"))
        told = run.steps.get(type="tool_result", data__name="edit_file").record["content"]
        assert told.count("Anthropic key") == len(run.steps.get(type="complete").data["doubts"]) == expected


def test_it_says_so_of_a_run_that_was_ended_early_too(model, start, work, settings):
    settings.RUN_MAX_TURNS = 1
    model.say([write(index_html=page("Tea") + f"<!-- {KEY} -->")], [finish("Done.")])
    run = work(start())
    assert run.state == "stopped"
    assert "Anthropic key" in run.steps.get(type="complete").data["doubts"][0]


def test_it_says_plainly_that_nothing_changed(model, start, work):
    from agents.events import render

    model.say([finish("Fixed the header in `index.html`!")])
    run = work(start())
    done = run.steps.get(type="complete")
    assert (run.cost, done.data["files"]) == (0, NOTHING)
    assert "No files changed" in render(done)


def test_it_reads_names_as_people_write_them():
    changed = {**NOTHING, "changed": ["src/App.tsx"]}
    assert doubts("Changed src/App.tsx, see https://a.b/c.html and e.g. v1.2 of Next.js", changed, FILES, []) == []
    assert doubts("Changed `App.tsx` and `tea.ts`", changed, FILES, []) == ["Named, but not changed: src/lib/tea.ts."]
    assert doubts("x" * 100_000 + " `a.b`", changed, FILES, []) == []
