"""`bin/manage sandboxes`: lists the sandboxes of whoever gives them to us, kills one, opens a shell, tells its log."""

import json
import os
import shutil
import signal
import sys
import termios
import threading
import tty
from argparse import ArgumentParser
from typing import Any
from urllib.parse import quote

import e2b
import httpx
from django.core.management.base import BaseCommand, CommandError

from agents.models import Sandbox
from agents.sandbox import options


class Command(BaseCommand):
    help = "Sandboxes: list them, kill one, open a shell in one, or read its log."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action")
        actions.add_parser("list", help="all sandboxes, newest first (the default)")
        for name, text in (
            ("kill", "end a sandbox for good"),
            ("shell", "open a shell in a sandbox; wakes it"),
            ("log", "which hosts a sandbox asked for, and which were refused"),
        ):
            actions.add_parser(name, help=text).add_argument("id")

    def handle(self, *args: Any, **given: Any) -> None:
        try:
            match given["action"]:
                case "kill":
                    self.kill(given["id"])
                case "shell":
                    self.shell(given["id"])
                case "log":
                    self.log(given["id"])
                case _:
                    self.list()
        except e2b.NotFoundException:
            raise CommandError(f"There is no sandbox {given['id']}.") from None
        except (e2b.SandboxException, httpx.HTTPError, OSError) as error:
            raise CommandError(f"The sandbox host did not answer as it should: {error}") from None

    def list(self) -> None:
        names = dict(Sandbox.objects.exclude(project=None).values_list("sandbox_id", "project__name"))
        self.say("ID", "STATE", "TEMPLATE", "STARTED", "PROJECT")
        pages = e2b.Sandbox.list(**options())
        while pages.has_next:
            for one in pages.next_items():
                started = f"{one.started_at:%Y-%m-%d %H:%M}"
                self.say(one.sandbox_id, one.state.value, one.template_id, started, names.get(one.sandbox_id, "–"))

    def kill(self, sandbox_id: str) -> None:
        if not e2b.Sandbox.kill(sandbox_id, **options()):
            raise CommandError(f"There is no sandbox {sandbox_id}.")
        self.stdout.write(f"{sandbox_id} is gone. Its project keeps its files and gets a new one when it is opened.")

    def log(self, sandbox_id: str) -> None:
        """The newest connections, oldest first. E2B's cloud tells lines of its own kind, which are passed on."""
        config = e2b.ConnectionConfig(**options())
        address = f"{config.api_url}/sandboxes/{quote(sandbox_id, safe='')}/logs"
        answer = httpx.get(address, headers={"X-API-KEY": config.api_key or ""}, timeout=30)
        if answer.status_code == 404:
            raise e2b.NotFoundException(sandbox_id)
        answer.raise_for_status()
        for line in answer.json().get("logs", []):
            self.stdout.write(_told(line["line"]))

    def shell(self, sandbox_id: str) -> None:
        """A terminal in a terminal; without one, what stdin says is typed."""
        sandbox = e2b.Sandbox.connect(sandbox_id, timeout=3600, **options())
        columns, lines = shutil.get_terminal_size()
        terminal = sandbox.pty.create(e2b.PtySize(rows=lines, cols=columns), timeout=0)
        typing = threading.Thread(target=_type, args=(sandbox, terminal.pid), daemon=True)
        before = termios.tcgetattr(0) if sys.stdin.isatty() else None
        try:
            if before:
                tty.setraw(0)
                signal.signal(signal.SIGWINCH, lambda *_: _resize(sandbox, terminal.pid))
            typing.start()
            terminal.wait(on_pty=_show)
        except e2b.CommandExitException:
            pass  # the shell's own exit code is nobody's error
        finally:
            if before:
                termios.tcsetattr(0, termios.TCSADRAIN, before)

    def say(self, *columns: str) -> None:
        widths = (28, 8, 12, 17, 0)
        self.stdout.write(" ".join(f"{text:<{width}}" for text, width in zip(columns, widths, strict=True)).rstrip())


def _told(line: str) -> str:
    """A line of the embedded host's log for people; others as they are."""
    try:
        said = json.loads(line)
        where = f"{said['method']} {said['host']}:{said['port']}"
        amount = f"{said['sent']} B out, {said['received']} B in"
        return f"{said['at']} {said['verdict']:<8} {where:<50} {said['reason'] or amount}"
    except (ValueError, KeyError, TypeError):
        return line


def _type(sandbox: e2b.Sandbox, pid: int) -> None:
    while data := os.read(0, 4096):
        sandbox.pty.send_stdin(pid, data)
    sandbox.pty.send_stdin(pid, b"\x04")


def _resize(sandbox: e2b.Sandbox, pid: int) -> None:
    columns, lines = shutil.get_terminal_size()
    sandbox.pty.resize(pid, e2b.PtySize(rows=lines, cols=columns))


def _show(data: bytes) -> None:
    os.write(1, data)
