"""`run_code` through the code interpreter's SDK: a Python that remembers, in contexts, and can be stopped."""

import time
from collections.abc import Iterator

import pytest
from e2b.exceptions import SandboxException, TimeoutException
from e2b_code_interpreter import Sandbox

from .conftest import Host


@pytest.fixture
def interpreter(host: Host) -> Iterator[Sandbox]:
    made = Sandbox.create(timeout=120, **host.options)
    yield made
    made.kill()


def test_it_remembers_and_gives_the_last_value(interpreter: Sandbox) -> None:
    assert interpreter.run_code("x = 20").results == []
    found = interpreter.run_code("print('hello')\nx + 22")
    assert (found.text, found.logs.stdout, found.execution_count, found.error) == ("42", ["hello\n"], 2, None)


def test_it_streams_what_is_printed_also_by_programs(interpreter: Sandbox) -> None:
    seen: list[str] = []
    code = "import os, sys, time\nprint('ä' * 70000, flush=True)\ntime.sleep(0.2)\nos.system('echo from a program')\n"
    found = interpreter.run_code(
        code + "print('wrong', file=sys.stderr)", on_stdout=lambda part: seen.append(part.line)
    )
    assert "".join(seen) == "ä" * 70000 + "\nfrom a program\n"
    assert len(seen) > 1 and "".join(found.logs.stderr) == "wrong\n"


def test_it_tells_an_error_with_its_line(interpreter: Sandbox) -> None:
    error = interpreter.run_code("def f():\n    return 1 / 0\n\nf()").error
    assert error is not None and (error.name, error.value) == ("ZeroDivisionError", "division by zero")
    assert "return 1 / 0" in error.traceback and "kernel" not in error.traceback
    for code, name in (("if", "SyntaxError"), ("import sys; sys.exit(3)", "SystemExit")):
        error = interpreter.run_code(code).error
        assert error is not None and error.name == name
    assert interpreter.run_code("1").text == "1"


def test_it_shows_values_in_their_own_way(interpreter: Sandbox) -> None:
    code = "class Table:\n    def _repr_html_(self): return '<table>'\n    def __repr__(self): return 'a table'\n"
    found = interpreter.run_code(code + "display(Table())\nTable()")
    assert [(result.html, result.text, result.is_main_result) for result in found.results] == [
        ("<table>", "a table", False), ("<table>", "a table", True)]  # fmt: skip


def test_it_awaits_at_the_top_level(interpreter: Sandbox) -> None:
    assert interpreter.run_code("import asyncio\nawait asyncio.sleep(0, 'waited')").text == "'waited'"


def test_it_keeps_contexts_apart(interpreter: Sandbox) -> None:
    interpreter.files.make_dir("elsewhere")
    context = interpreter.create_code_context(cwd="/home/user/elsewhere")
    interpreter.run_code("x = 'mine'")
    assert interpreter.run_code("'x' in globals()", context=context).text == "False"
    assert interpreter.run_code("import os; os.getcwd()", context=context).text == "'/home/user/elsewhere'"
    assert context.id in [one.id for one in interpreter.list_code_contexts()]
    interpreter.run_code("y = 1", context=context)
    interpreter.restart_code_context(context)
    assert interpreter.run_code("'y' in globals()", context=context).text == "False"
    interpreter.remove_code_context(context)
    with pytest.raises(SandboxException, match="not found"):
        interpreter.run_code("1", context=context)


def test_it_sets_variables_for_one_run(interpreter: Sandbox) -> None:
    assert interpreter.run_code("import os; os.environ['A']", envs={"A": "b"}).text == "'b'"
    assert interpreter.run_code("os.environ.get('A', 'gone')").text == "'gone'"


def test_it_interrupts_what_nobody_waits_for_and_keeps_the_variables(interpreter: Sandbox) -> None:
    interpreter.run_code("x = 7")
    with pytest.raises(TimeoutException):
        interpreter.run_code("import time\nwhile True: time.sleep(0.05)", timeout=1)
    began = time.monotonic()
    assert interpreter.run_code("x").text == "7"
    assert time.monotonic() - began < 5


def test_it_starts_anew_when_the_kernel_ends(interpreter: Sandbox) -> None:
    error = interpreter.run_code("import os; os._exit(3)").error
    assert error is not None and error.name == "KernelDied"
    assert interpreter.run_code("1 + 1").text == "2"


def test_it_keeps_variables_through_a_pause(interpreter: Sandbox) -> None:
    interpreter.run_code("x = 'kept'")
    interpreter.pause()
    interpreter.connect()
    assert interpreter.run_code("x").text == "'kept'"
    interpreter.pause(keep_memory=False)
    interpreter.connect()
    assert interpreter.run_code("'x' in globals()").text == "False"


def test_it_says_which_languages_it_has(interpreter: Sandbox) -> None:
    with pytest.raises(SandboxException, match="use python"):
        interpreter.run_code("1", language="r")


def test_it_runs_code_only_for_those_with_the_token(host: Host, interpreter: Sandbox) -> None:
    import http.client
    import json

    def ask(headers: dict[str, str]) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=10)
        connection.request("POST", "/execute", json.dumps({"code": "1"}), headers)
        status = connection.getresponse().status
        connection.close()
        return status

    named = {"E2b-Sandbox-Id": interpreter.sandbox_id, "E2b-Sandbox-Port": "49999"}
    assert ask({**named, "X-Access-Token": str(interpreter._envd_access_token)}) == 200
    assert ask(named) == 401
    assert ask({"Host": f"49999-{interpreter.sandbox_id}.localhost"}) == 403
