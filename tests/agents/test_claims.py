"""What the closing card says of a summary: facts beside it, and a sentence for each claim that is not so."""

from agents.claims import doubts
from demo_model import wire
from tests.agents.scripted import finish, page, write

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
