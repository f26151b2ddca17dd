"""An error that fixes do not reach: the run stops, says what was tried, charges nothing, offers what worked."""

from agents import services
from agents.events import render
from agents.fingerprints import fingerprint
from agents.models import Run
from demo_model import wire
from projects import briefing, versions
from tests.agents.scripted import finish, page, write
from usage.services import account_of

BROKEN = "const tea = ;\n"


def card(run):
    return run.steps.get(type="error").data


def test_it_stops_at_the_same_error_after_two_different_fixes(model, start, work):
    model.say([write(index_html=page("Tea"))], [finish()])
    good = work(start())
    fixes = [[write(script_js=f"{BROKEN}// try {number}\n")] for number in range(3)]
    model.say(fixes[0], [finish()], fixes[1], [finish("I moved it.")], fixes[2], [finish("Now it works!")])
    balance = account_of(good.project.owner).balance
    run = work(services.start_run(good.project, "Add a script"))

    assert (run.state, run.reason, run.cost) == (Run.State.FAILED, "same_error", 0)
    assert account_of(good.project.owner).balance == balance
    told = card(run)
    assert "same error after 2 fixes" in told["detail"] and "SyntaxError" in told["cause"]
    assert [one["files"] for one in told["tried"]] == [["script.js"], ["script.js"]]
    assert told["tried"][0]["said"] == "I moved it."
    assert told["options"][0] == {
        "action": "restore", "version": 1, "label": "Go back to version 1, the last that worked",
    }  # fmt: skip
    assert "Now it works!" not in run.reply.text
    assert "did not reach its cause" in str(model.requests[-2]["messages"])
    # What was built is kept, and known not to work.
    assert (run.version.number, run.version.works) == (2, False)
    working = versions.last_working(run.project)
    assert working and working.number == 1


def test_it_stops_after_two_rounds_of_fixing_whatever_the_errors_are(model, start, work):
    errors = [BROKEN, "return return;\n", "const tea;\n", "let let = 1;\n"]
    for error in errors:
        model.say([write(script_js=error)], [finish()])
    run = work(start())

    assert (run.state, run.reason, run.cost) == (Run.State.FAILED, "checks_failed", 0)
    assert "after 2 rounds" in card(run)["detail"]
    # There is nothing to go back to.
    assert "restore" not in [one["action"] for one in card(run)["options"]] and "version" not in card(run)["next"]
    assert len(model.requests) == 6 and len(model.script) == 2


def test_it_offers_no_way_back_to_the_version_that_is_there(model, start, work):
    model.say([write(index_html=page("Tea"))], [finish()])
    good = work(start())
    model.say(*[[wire.tool("list_files", {})]] * 20)
    run = work(services.start_run(good.project, "Look around"))
    assert (run.state, run.reason, run.version) == (Run.State.FAILED, "same_call", None)
    assert [one["action"] for one in card(run)["options"]] == ["continue", "plan"]


def test_it_stops_at_once_when_a_fix_changes_nothing(model, start, work):
    model.say([write(script_js=BROKEN)], [finish()], [finish("Fixed!")])
    run = work(start())
    assert (run.state, run.reason, run.cost) == (Run.State.FAILED, "same_error", 0)
    assert "changed no file" in card(run)["detail"]
    assert len(model.requests) == 3


def test_it_mends_nothing_by_itself_when_that_is_switched_off(model, start, work):
    run = start()
    briefing.change(run.project, auto_fix=False)
    model.say([write(script_js=BROKEN)], [finish()])
    run = work(run)
    assert (run.state, run.reason, len(model.requests)) == (Run.State.FAILED, "checks_failed", 2)
    assert run.version.number == 1


def test_its_card_shows_what_failed_and_nothing_that_was_right(model, start, work):
    run = start()
    briefing.change(run.project, auto_fix=False)
    model.say([wire.tool("delete_files", {"paths": ["index.html"]})], [finish()])
    run = work(run)
    done = run.steps.get(type="complete")
    assert (done.data["checks"]["lint"], done.data["checks"]["page"]) == (True, False)
    shown = render(done)
    assert "This did not work" in shown and "Page answers" in shown and "Lint clean" not in shown
    assert "> · " not in shown


def test_it_is_told_of_an_error_that_comes_back_and_stopped_when_it_stays(model, start, work):
    turns = []
    for number in range(8):
        turns.append([write(a_txt=f"{number}\n")])
        turns.append(
            [wire.tool("terminal", {"command": f"echo 'error: no tea at 0x{number}f00d{number}' >&2; exit 1"})]
        )
    model.say(*turns)
    run = work(start())

    assert (run.state, run.reason, run.cost) == (Run.State.FAILED, "same_error", 0)
    ran = list(run.steps.filter(type="tool_result", data__name="terminal").order_by("seq"))
    assert [step.data["again"] for step in ran] == [0, 1, 2, 3, 4]
    assert "the same error as 2 times before" in ran[2].record["content"]
    assert "the same error" not in ran[1].record["content"]


def test_it_names_what_went_wrong_and_not_what_a_linter_found_right_before(model, start, work):
    command = "echo 'Found 0 warnings and 0 errors.'; echo 'Finished in 8ms'; echo 'page.js: error: no tea' >&2; exit 1"
    for number in range(5):
        model.say([write(a_txt=f"{number}\n"), wire.tool("terminal", {"command": command})])
    run = work(start())
    assert (run.state, run.reason) == (Run.State.FAILED, "same_error")
    assert card(run)["cause"] == "page.js: error: no tea" and "0 errors" not in card(run)["detail"]


def test_it_does_not_take_another_error_for_the_same(model, start, work):
    calls = [
        wire.tool("terminal", {"command": f"echo 'error: no {word}' >&2; exit 1"}) for word in ("tea", "milk", "cup")
    ]
    model.say(*[[write(a_txt=f"{number}\n"), call] for number, call in enumerate(calls)], [finish()])
    run = work(start())
    assert run.state == Run.State.SUCCEEDED
    assert [step.data["again"] for step in run.steps.filter(type="tool_result", data__name="terminal")] == [0, 0, 0]


def test_it_knows_an_error_by_what_does_not_vary():
    first = "src/App.tsx(12,5): error TS2322: 'string' is not assignable.\nFound 1 error in 3.21s"
    same = "\x1b[31m/home/user/app/src/App.tsx(140,9): error TS2322: 'string' is not assignable.\nFound 1 error in 12s"
    other = "src/App.tsx(12,5): error TS2304: Cannot find name 'tea'.\nFound 1 error in 3.21s"
    assert fingerprint(first) == fingerprint(same) != fingerprint(other)
    clean = "Found 0 warnings and 0 errors."
    assert fingerprint(f"{clean}\nThe tea is cold.") != fingerprint(f"{clean}\nThe cup leaks.")
    assert fingerprint("TypeError: x at 0xdeadbeef 10:31:02") == fingerprint("TypeError: x at 0xcafebabe 22:01:59")
