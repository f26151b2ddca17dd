"""The agent's tools in a real sandbox: what they do, what they refuse, and what the model is told."""

import time
from typing import Any

import pytest

from agents import aio, box, calling, sandbox
from agents.models import Run
from agents.tools import TOOLS, files
from demo_model import wire
from projects import versions
from tests.agents.scripted import finish, page, write


@pytest.fixture
def told(model, start, work):
    """Has the model make these calls, a turn each; the run, and what the model was told of each call."""

    def told(*calls: wire.Block) -> tuple[Run, list[dict[str, Any]]]:
        model.say(*[[call] for call in calls], [finish()])
        run = work(start())
        results = [step.record for step in run.steps.filter(type="tool_result").order_by("cursor")]
        return run, results[: len(calls)]

    return told


HOSTILE = [
    "../../etc/passwd",
    "/etc/passwd",
    "src/../../.bashrc",
    "a/./b",
    "a//b",
    "nul\0byte",
    "back\\slash",
    "new\nline",
    "x" * 300,
    "d/" * 300 + "f",
    "",
    "/home/user/app/../.bashrc",
]


def test_it_takes_no_call_of_its_own_for_one_that_was_made_before(told):
    """Who takes a run over finds an edit done; who begins it does not, though its row is there already."""
    edit = {"path": "index.html", "edits": [{"search": "<p>No such line", "replace": "Tea"}]}
    _, results = told(write(index_html=page("Tea")), wire.tool("edit_file", edit))
    assert results[1]["is_error"] and "is not in the file" in results[1]["content"]


@pytest.mark.parametrize("name", sorted(TOOLS))
@pytest.mark.parametrize("value", [None, 1, {"a": []}, [[1]], "\ud800"], ids=ascii)
def test_it_makes_a_title_of_any_input(name, value):
    values = dict.fromkeys(TOOLS[name].properties, value)
    facts = calling._facts(TOOLS[name], 1, 0, {"name": name, "input": values})
    assert facts["title"] and isinstance(facts["title"], str)


def test_it_tells_the_model_of_an_input_of_the_wrong_kind(told):
    run, results = told(wire.tool("search", {"pattern": 1}), wire.tool("add_packages", {"packages": 1}))
    assert all(one["is_error"] and "does not fit its schema" in one["content"] for one in results)
    assert run.state == Run.State.SUCCEEDED and run.usage["calls"] >= 3


def test_it_refuses_a_path_that_leads_elsewhere(told, settings):
    settings.RUN_MAX_TURNS = 100
    calls = [
        call
        for path in HOSTILE
        for call in (
            wire.tool("write_files", {"files": [{"path": path, "content": "x"}]}),
            wire.tool("read_files", {"paths": [path]}),
            wire.tool("edit_file", {"path": path, "edits": [{"search": "a", "replace": "b"}]}),
            wire.tool("delete_files", {"paths": [path]}),
        )
    ]
    run, results = told(*calls)
    assert [ascii(call["input"]) for call, result in zip(calls, results, strict=True) if not result["is_error"]] == []
    assert run.version is None


def test_it_takes_a_strange_name_as_a_name(told):
    names = ["$(touch pwned)", "`touch pwned`", "; touch pwned", "-rf", "a b & touch pwned", "*.html"]
    calls = [
        call
        for name in names
        for call in (
            wire.tool("write_files", {"files": [{"path": name, "content": f"mine, {name}"}]}),
            wire.tool("read_files", {"paths": [name]}),
            wire.tool("search", {"pattern": "mine", "path": name}),
            wire.tool("list_files", {}),
        )
    ]
    run, results = told(*calls)
    assert not any(result["is_error"] for result in results)
    for number, name in enumerate(names):
        assert f"mine, {name}" in results[4 * number + 1]["content"]
        assert "mine" in results[4 * number + 2]["content"]
        assert versions.read(run.version, name) == f"mine, {name}".encode()
    assert "pwned" not in {path.split("/")[-1] for path in run.version.manifest}


def test_it_keeps_pages_that_are_called_as_a_build_is(told):
    paths = ["app/coverage/page.tsx", "src/dist/a.ts", "build/c.ts", "out/d.ts"]
    run, results = told(
        wire.tool("write_files", {"files": [{"path": path, "content": "mine"} for path in paths]}),
        wire.tool("terminal", {"command": "mkdir dist coverage .cache; tee dist/b coverage/b .cache/b <<< mine"}),
        wire.tool("list_files", {}),
        wire.tool("search", {"pattern": "mine"}),
        wire.tool("search", {"pattern": "mine", "path": "app/coverage"}),
    )
    kept = {path for path in run.version.manifest if versions.read(run.version, path).startswith(b"mine")}
    assert kept == set(paths)
    assert set(paths) < {*results[2]["content"].split()} and "/b" not in results[2]["content"]
    assert {line.split(":")[0] for line in results[3]["content"].splitlines()} == set(paths)
    assert results[4]["content"] == "app/coverage/page.tsx:1:mine"


@pytest.mark.parametrize("path", ["dist/a.ts", "coverage/page.tsx", "src/.cache/a.ts", "node_modules/tea/a.ts"])
def test_it_refuses_to_write_what_would_not_be_kept(told, path):
    edit = {"path": path, "edits": [{"search": "tea", "replace": "coffee"}]}
    files = [{"path": "a.txt", "content": "tea"}, {"path": path, "content": "tea"}]
    run, results = told(wire.tool("write_files", {"files": files}), wire.tool("edit_file", edit))
    assert all(one["is_error"] and f"{path} would be lost" in one["content"] for one in results)
    assert "another name" in results[0]["content"] and run.version is None


def test_it_takes_a_strange_pattern_as_a_pattern(told):
    patterns = ["$(touch pwned)", "-f/etc/passwd", "'; touch pwned; '", "h1>"]
    searches = [wire.tool("search", {"pattern": pattern}) for pattern in patterns]
    _, results = told(write(index_html=page("Tea")), *searches, wire.tool("list_files", {}))
    assert not any(result["is_error"] or "root:" in result["content"] for result in results)
    assert "pwned" not in results[-1]["content"]


def test_it_says_what_differs_when_an_edit_does_not_fit(told):
    edit = {"path": "index.html", "edits": [{"search": "<h1>Tee</h1>", "replace": "<h1>Coffee</h1>"}]}
    _, results = told(write(index_html="<main>\n<h1>Tea</h1>\n</main>\n"), wire.tool("edit_file", edit))
    assert results[1]["is_error"]
    assert "line 2" in results[1]["content"] and "<h1>Tea</h1>" in results[1]["content"]


def test_it_refuses_an_edit_that_fits_twice(told):
    edit = {"path": "a.txt", "edits": [{"search": "tea", "replace": "coffee"}]}
    run, results = told(write(a_txt="tea, tea\n"), wire.tool("edit_file", edit))
    assert "2 times" in results[1]["content"]
    assert versions.read(run.version, "a.txt") == b"tea, tea\n"


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=ascii)
def test_it_edits_lines_that_end_as_on_windows(told, end):
    edit = {"search": f"two{end}three", "replace": f"2{end}and{end}3"}
    run, results = told(
        write(a_txt="one\r\ntwo\r\nthree\r\n"), wire.tool("edit_file", {"path": "a.txt", "edits": [edit]})
    )
    assert not results[1]["is_error"]
    assert versions.read(run.version, "a.txt") == b"one\r\n2\r\nand\r\n3\r\n"


def test_it_says_that_lines_end_in_two_ways(told):
    edit = {"path": "a.txt", "edits": [{"search": "one\ntwo", "replace": "1"}]}
    one = {"path": "a.txt", "edits": [{"search": "two", "replace": "2"}]}
    run, results = told(write(a_txt="one\r\ntwo\n"), wire.tool("edit_file", edit), wire.tool("edit_file", one))
    assert results[1]["is_error"] and "in LF there" in results[1]["content"]
    assert versions.read(run.version, "a.txt") == b"one\r\n2\n"


def test_it_makes_several_edits_or_none(told):
    good, bad = {"search": "one", "replace": "1"}, {"search": "three", "replace": "3"}
    run, results = told(
        write(a_txt="one two\n"),
        wire.tool("edit_file", {"path": "a.txt", "edits": [good, bad]}),
        wire.tool("edit_file", {"path": "a.txt", "edits": [good, {"search": "two", "replace": "2"}]}),
    )
    assert [result["is_error"] for result in results] == [False, True, False]
    assert versions.read(run.version, "a.txt") == b"1 2\n"


def writing(content: str) -> wire.Block:
    return wire.tool("write_files", {"files": [{"path": "app.js", "content": content}]})


ELIDED = [
    "// ... rest of the code unchanged",
    "/* ... existing styles ... */",
    "<!-- … remaining sections … -->",
    "# the rest of the file stays the same",
    "// ... keep existing code",
    "/* existing styles */",
    "  // ... (same as before)",
    "// (unchanged)",
    "// other imports unchanged",
    "{/* existing content */}",
    "<!-- the other sections stay the same -->",
    "...existing code...",
    "# keep the previous functions as is",
]
MEANT = [
    "const { a, ...rest } = props",
    "// the rest is history",
    "call(...args)",
    "...previous,",
    "...rest,",
    "… the rest of the story",
    "// Existing customers get the old price",
    "// Other imports",
    "/* Styles for the header */",
    "// keeps the order of its items unchanged",
    "# Unchanged since 2019, do not touch: the tax rate",
    "<p>… and the same for you</p>",
    "// same as the total without tax",
]


def test_it_refuses_a_file_that_says_rest_unchanged(told):
    lines = ELIDED[:4]
    run, results = told(*(writing(f"let a = 1;\n{line}\n") for line in lines))
    for line, result in zip(lines, results, strict=True):
        assert result["is_error"] and "Write the whole file" in result["content"], line
    assert run.version is None


def test_it_refuses_an_edit_that_says_so_too(told):
    def edit(replace: str) -> wire.Block:
        return wire.tool("edit_file", {"path": "app.js", "edits": [{"search": "let a = 1;", "replace": replace}]})

    old = "let a = 1;\n// ... existing code\n"
    run, results = told(
        writing("let a = 1;\n"),
        edit("let b = 2;\n// ... rest of the code\n"),
        edit("let a = 2;"),
    )
    assert [result["is_error"] for result in results] == [False, True, False]
    assert "should stand" in results[1]["content"]
    assert versions.read(run.version, "app.js") == b"let a = 2;\n"
    assert files.left_out("let b;\n// ... existing code", old) == ""  # what stood there may stay


@pytest.mark.parametrize("line", ELIDED)
def test_it_knows_words_that_stand_for_code(line):
    assert files.left_out(f"let a = 1;\n{line}\nlet b = 2;\n") == line.strip()


@pytest.mark.parametrize("text", [" " * 10**6, "\n" * 10**6, "// the " * 10**5, f"//{' ' * 10**6}x"], ids=str.__len__)
def test_it_is_not_kept_by_a_file_of_blanks(text):
    began = time.process_time()
    assert not files.left_out(text)
    assert time.process_time() - began < 5  # where blanks could be shared out, it took minutes


@pytest.mark.parametrize("line", MEANT)
def test_it_takes_code_that_only_looks_like_it(line):
    assert not files.left_out(f"let a = 1;\n  {line}\nlet b = 2;\n")


def test_it_does_not_start_a_server(told):
    commands = ["npm run dev", "npm start", "cd . && npx vite --port 4000", "PORT=1 npm run dev &", "yarn dev", "vite"]
    _, results = told(*(wire.tool("terminal", {"command": command}) for command in commands))
    for command, result in zip(commands, results, strict=True):
        assert result["is_error"] and "dev server" in result["content"], command


def test_it_runs_what_only_names_a_server(told):
    commands = ["echo npm run dev", "true # vite", "ls vite.config.ts || true"]
    _, results = told(*(wire.tool("terminal", {"command": command}) for command in commands))
    assert not any(result["is_error"] for result in results)


def test_it_leaves_a_command_in_the_background_and_ends_it_with_the_work(told):
    slow = {"command": "echo begun; sleep 1000", "background": True, "timeout": 200}
    quick = {"command": "echo done; exit 3", "background": True}
    run, results = told(
        wire.tool("terminal", slow),
        wire.tool("terminal", {"command": "cat $HOME/.vibe/steps/*-1.0/out; pgrep -c -f 'sleep [1]000'"}),
        wire.tool("terminal", quick),
    )
    assert "in the background" in results[0]["content"] and "begun" in results[0]["content"]
    *_, begun, running = results[1]["content"].split()
    assert begun == "begun" and int(running) > 0
    assert results[2]["is_error"] and "Exit code 3" in results[2]["content"]
    opened = sandbox.ensure(run.project)
    left = aio.run(opened.sdk.commands.run("pgrep -c -f 'sleep [1]000' || true"))
    assert left.stdout.strip() == "0"


@pytest.mark.parametrize("order", [1, -1], ids=["before", "after"])
def test_it_does_not_finish_over_a_failure_of_the_same_turn(model, start, work, order):
    edit = wire.tool("edit_file", {"path": "index.html", "edits": [{"search": "No such line", "replace": "Tea"}]})
    last = finish("The edit did not fit; all else is there.")
    model.say([write(index_html=page("Tea"))], [edit, finish("Added dark mode.")][::order], [last])
    run = work(start())

    told = {block["tool_use_id"]: block for block in model.requests[2]["messages"][-1]["content"]}
    refused = next(block for block in told.values() if "Not finished" in str(block))
    assert refused["is_error"] and "Edit index.html" in str(refused["content"]) and len(told) == 2
    assert "is not in the file" in str(told[edit["id"]]["content"])
    assert run.state == Run.State.SUCCEEDED and len(model.requests) == 3
    assert "did not fit" in run.reply.text and "dark mode" not in run.reply.text


def test_it_reads_ranges_of_lines(told):
    lines = "".join(f"line {number}\n" for number in range(1, 101))
    paths = [
        "b.txt",
        {"path": "a.txt", "from": 10, "to": 12},
        {"path": "a.txt", "from": 99},
        {"path": "a.txt", "to": 1},
    ]
    _, results = told(write(a_txt=lines, b_txt="whole\n"), wire.tool("read_files", {"paths": paths}))
    text = results[1]["content"]
    assert "### b.txt\nwhole" in text
    assert "### a.txt, lines 10 to 12 of 100\nline 10\nline 11\nline 12\n" in text
    assert "lines 99 to 100 of 100\nline 99\nline 100\n" in text and "lines 1 to 1 of 100\nline 1\n" in text


def test_it_searches_by_pattern_by_words_and_in_some_files(told):
    _, results = told(
        write(a_css="a { color: red }\n", a_txt="x (1)\nRed\n"),
        wire.tool("search", {"pattern": r"x \(\d\)"}),
        wire.tool("search", {"pattern": "x (1)", "literal": True}),
        wire.tool("search", {"pattern": "red", "ignore_case": True, "glob": "*.txt"}),
        wire.tool("search", {"pattern": "red", "glob": "a.*"}),
        wire.tool(
            "search",
            {
                "pattern": "(",
            },
        ),
    )
    assert results[1]["content"] == results[2]["content"] == "a.txt:1:x (1)"
    assert results[3]["content"] == "a.txt:2:Red"
    assert results[4]["content"] == "a.css:1:a { color: red }"
    assert results[5]["is_error"] and "literal" in results[5]["content"]


@pytest.mark.parametrize("folder", [".github", "./.github/", "/home/user/app/.github", ".github/a.yml"])
def test_it_looks_into_a_folder_however_it_is_named(told, folder):
    written = {"files": [{"path": ".github/a.yml", "content": "tea"}, {"path": "github/b.yml", "content": "tea"}]}
    _, results = told(
        wire.tool("write_files", written),
        wire.tool("list_files", {"path": folder}),
        wire.tool("search", {"pattern": "tea", "path": folder}),
    )
    assert [results[1]["content"], results[2]["content"]] == [".github/a.yml", ".github/a.yml:1:tea"]


@pytest.mark.parametrize("folder", ["", ".", "./", "/", "/home/user/app"])
def test_it_looks_everywhere_for_any_name_of_the_root(told, folder):
    _, results = told(
        write(a_txt="so tea"),
        wire.tool("list_files", {"path": folder}),
        wire.tool("search", {"pattern": "so tea", "path": folder}),
    )
    assert "a.txt" in results[1]["content"].split() and results[2]["content"] == "a.txt:1:so tea"


def test_it_says_that_a_folder_is_not_there(told):
    listed = [wire.tool("list_files", {"path": path}) for path in ("scr", "dist")]
    _, results = told(wire.tool("search", {"pattern": "a", "path": "scr"}), *listed)
    assert all(one["is_error"] and "There is no" in one["content"] for one in results)
    assert "made by tools" in results[2]["content"]


def test_it_finds_what_stands_in_few_files_beside_many_others(told):
    many = {"files": [{"path": f"a/{n}.txt", "content": "tea\n" * 900} for n in range(3)]}
    few = {"files": [{"path": f"{folder}/[id]/z.css", "content": "tea"} for folder in ("z", "a")]}
    _, results = told(
        wire.tool("write_files", many),
        wire.tool("write_files", few),
        wire.tool("search", {"pattern": "tea", "glob": "*.css"}),
        wire.tool("search", {"pattern": "tea", "glob": "z.css", "path": "z"}),
        wire.tool("search", {"pattern": "tea", "glob": "*.none"}),
        wire.tool("search", {"pattern": "tea", "path": "a"}),
    )
    assert sorted(results[2]["content"].split()) == ["a/[id]/z.css:1:tea", "z/[id]/z.css:1:tea"]
    assert results[3]["content"] == "z/[id]/z.css:1:tea" and results[4]["content"] == "Nothing matches."
    assert "at least 1800 more lines match" in results[5]["content"]


def test_it_reports_a_command_as_it_ended(told):
    run, results = told(wire.tool("terminal", {"command": "echo out; echo err >&2; exit 3"}))
    assert results[0]["is_error"]
    assert "Exit code 3" in results[0]["content"] and "out" in results[0]["content"] and "err" in results[0]["content"]
    assert run.steps.get(type="tool_result", data__name="terminal").data["exit_code"] == 3


def test_it_stops_a_command_that_takes_too_long(told):
    _, results = told(
        wire.tool("terminal", {"command": "echo begun; sleep 1000", "timeout": 1}),
        wire.tool("terminal", {"command": "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'sleep [1]000' || true"}),
    )
    assert "Stopped after 1 s" in results[0]["content"] and "begun" in results[0]["content"]
    assert "0" in results[1]["content"].splitlines()


def test_it_keeps_head_and_tail_of_a_flood(told):
    _, results = told(
        wire.tool("terminal", {"command": "echo first; head -c 30000000 /dev/zero | tr '\\0' x; echo; echo last"})
    )
    text = results[0]["content"]
    assert len(text) < 20_000
    assert "first" in text and "last" in text and "left out" in text


def test_it_takes_no_more_of_a_flood_out_of_the_sandbox_than_it_shows(model, start, work):
    model.say([write(index_html=page("Tea"))], [finish()])
    opened = sandbox.ensure(work(start()).project)
    pieces: list[str] = []
    command = "echo first; head -c 30000000 /dev/zero | tr '\\0' x; echo; echo last"
    result = aio.run(opened.run_once("flood", command, 60, pieces.append))

    assert sum(map(len, pieces)) == box.HEAD_BYTES
    assert result.output.startswith("first") and result.output.endswith("last\n")
    assert len(result.output) < box.HEAD_BYTES + box.TAIL_BYTES + 100


def test_it_leaves_out_the_middle_of_a_long_file_and_the_end_of_a_long_list(told):
    lines = "".join(f"tea {number} {'x' * 40}\n" for number in range(4_000))
    _, results = told(
        write(a_txt=lines), wire.tool("read_files", {"paths": ["a.txt"]}), wire.tool("search", {"pattern": "tea"})
    )
    text = results[1]["content"]
    assert len(text) < files.READ_CHARS + 200
    assert "tea 0 " in text and "tea 3999 " in text and "left out" in text and "the file has 4000 lines" in text
    assert len(results[2]["content"].splitlines()) == files.MATCHES + 1
    assert "narrow the search" in results[2]["content"]


def test_it_keeps_what_a_database_cannot(told):
    run, results = told(wire.tool("terminal", {"command": "printf 'a\\0b \\xff \\xed\\xa0\\x80 end'"}))
    assert "end" in results[0]["content"]
    assert run.state == Run.State.SUCCEEDED


def test_it_shows_the_diff_of_each_file(told):
    edit = {"path": "a.txt", "edits": [{"search": "two", "replace": "2"}]}
    run, _ = told(
        write(a_txt="one\ntwo\n"), wire.tool("edit_file", edit), wire.tool("delete_files", {"paths": ["a.txt"]})
    )
    changes = [step.data["files"][0] for step in run.steps.filter(type="tool_result") if step.data.get("files")]
    assert [change["action"] for change in changes] == ["created", "changed", "deleted"]
    assert changes[1]["diff"].splitlines()[-2:] == ["-two", "+2"]
    assert (changes[1]["added"], changes[1]["removed"]) == (1, 1)


# Lines that come back again and again in another order, of which a diff takes many seconds: 8 at 8,000.
SLOW = ["".join(f"l{(number * step) % 100}\n" for number in range(8_000)) for step in (1, 7)]


def test_it_counts_the_lines_of_a_very_long_file_and_shows_no_diff(told):
    edit = {"path": "a.txt", "edits": [{"search": "\nlast", "replace": "\nend\nmore"}]}
    run, results = told(
        write(a_txt=SLOW[0]),
        write(a_txt=f"{SLOW[1]}last\n"),
        wire.tool("edit_file", edit),
        wire.tool("delete_files", {"paths": ["a.txt"]}),
    )
    assert not any(result["is_error"] for result in results)
    steps = [step.data for step in run.steps.filter(type="tool_result").order_by("cursor") if step.data.get("files")]
    created, written, edited, deleted = (data["files"][0] for data in steps)
    assert (created["added"], deleted["removed"]) == (8_000, 8_002) and "l1" in created["diff"]
    assert (written["added"], written["removed"]) == (1, 0)
    assert (edited["added"], edited["removed"]) == (2, 1)
    assert written["diff"] == edited["diff"] == "… not shown: the file has more than 3,000 lines …"
    assert all(data["seconds"] < 6 for data in steps)


def test_it_is_not_kept_by_a_search_for_what_nearly_fits(told):
    there, wanted = ("".join(chr(0x400 + (number * step) % 100) for number in range(8_000)) for step in (1, 7))
    edit = {"path": "a.txt", "edits": [{"search": wanted, "replace": "tea"}]}
    run, results = told(write(a_txt=f"{there}\n" * 3), wire.tool("edit_file", edit))
    assert results[1]["is_error"] and "is not in the file" in results[1]["content"]
    assert run.steps.get(type="tool_result", data__name="edit_file").data["seconds"] < 6


def test_it_shows_the_beginning_of_a_long_line_and_nothing_of_bytes(told):
    run, _ = told(
        write(a_js="x" * 100_000),
        wire.tool("terminal", {"command": "head -c 3M /dev/zero > b"}),
        wire.tool("delete_files", {"paths": ["b"]}),
    )
    changes = [step.data["files"][0] for step in run.steps.filter(type="tool_result") if step.data.get("files")]
    assert len(changes[0]["diff"]) < 1_000 and changes[0]["added"] == 1
    assert (changes[1]["action"], changes[1]["diff"]) == ("deleted", "")


def test_it_refuses_to_lose_most_of_a_file_unless_that_is_meant(told):
    long, short = "line\n" * 40, "line\n" * 10
    meant = {"files": [{"path": "a.txt", "content": short, "shrink": True}]}
    run, results = told(
        write(a_txt=long), write(a_txt="line\n" * 27), write(a_txt="line\n" * 28), wire.tool("write_files", meant)
    )
    assert [result["is_error"] for result in results] == [False, True, False, False]
    assert "from 40 lines to 27" in results[1]["content"]
    assert versions.read(run.version, "a.txt").decode() == short


def test_it_lets_only_that_file_shrink_which_is_meant(told):
    long = "line\n" * 40
    named = [("a.txt", long, False), ("a.txt", long, True), ("b.txt", "line\n", False)]
    files = [{"path": path, "content": text, "shrink": shrink} for path, text, shrink in named]
    _, results = told(write(a_txt=long, b_txt=long), wire.tool("write_files", {"files": files}))
    assert results[1]["is_error"] and "b.txt was not written" in results[1]["content"]


def test_it_refuses_a_file_that_is_too_large(told, monkeypatch):
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 2**20)
    _, results = told(write(a_txt="x" * 2**20 + "x"), write(a_txt="x" * 2**20))
    assert [result["is_error"] for result in results] == [True, False]
    assert "larger than 1 MB" in results[0]["content"]


def test_it_lets_a_template_s_own_file_go(told):
    _, results = told(write(styles_css="body { margin: 0 }\n"))
    assert not results[0]["is_error"]


def test_it_sees_whether_the_app_answers(told):
    _, results = told(
        write(index_html=page("Tea")),
        wire.tool("check_app", {}),
        wire.tool("check_app", {"path": "/missing.html"}),
        wire.tool("check_app", {"path": "/$(touch pwned)"}),
        wire.tool("list_files", {}),
    )
    assert "GET / answered 200" in results[1]["content"] and "Tea" in results[1]["content"]
    assert "404" in results[2]["content"]
    assert results[3]["is_error"] and "must be a URL path" in results[3]["content"]
    assert "pwned" not in results[4]["content"]


NO_NAMES = ["; touch pwned", "$(id)", "--global", "-g", "../evil", "file:/etc", "https://evil/x.tgz", "a b"]
# What npm would fetch from elsewhere than the registry: a repository, an alias, an address in place of a version.
NO_NAMES += ["evil/repo", "tea@npm:evil", "tea@https://evil/x.tgz", "tea@evil/repo"]


def test_it_refuses_what_is_no_package_name(told):
    _, results = told(*(wire.tool("add_packages", {"packages": [name]}) for name in NO_NAMES))
    for name, result in zip(NO_NAMES, results, strict=True):
        assert result["is_error"] and "does not fit its schema" in result["content"], name


# In place of `npm install`: says how it was called.
NPM = """
echo 'npm() { if [ "$1" = install ]; then echo npm "$@"; else command npm "$@"; fi }' > ~/.bash_profile
"""


def test_it_runs_no_script_of_a_package(told):
    add = wire.tool("add_packages", {"packages": ["left-pad", "@scope/tea@^1.2"]})
    _, results = told(wire.tool("terminal", {"command": NPM}), add)
    assert "npm install --save --ignore-scripts" in results[1]["content"]
    assert "-- left-pad @scope/tea@^1.2" in results[1]["content"]


def test_it_shows_changed_lines_that_look_like_the_head_of_a_diff(told, as_user):
    run, _ = told(write(notes_md="-- Bread --\n"), write(notes_md="++ Tea ++\n"))
    shown = as_user(run.project.owner).get(run.project.get_absolute_url()).text
    assert '<span class="del">--- Bread --' in shown and '<span class="add">+++ Tea ++' in shown
