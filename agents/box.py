"""Box: what the agent does inside one sandbox — files under the app's root, commands, the dev server, a snapshot.

Commands run at most once per step key: the claim, the output and the exit code are kept inside the sandbox, so a
worker that takes over a run finds what became of a command instead of running it again.
"""

import asyncio
import posixpath
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import e2b
from e2b_code_interpreter import AsyncSandbox

from agents import box_scripts, unpacking
from projects.blobs import sha256
from projects.frameworks import FRAMEWORKS
from projects.paths import MADE_AT_ROOT, MADE_BY_TOOLS, MAX_FILE_BYTES, BadFiles

ROOT = "/home/user/app"
REPAIR_SECONDS = 150
# What a sandbox that is being opened gives its packages; what takes longer the doctor repairs.
INSTALL_SECONDS = 45
# What the dev server and the pages in our frame are given, so that the workspace hears of errors.
BRIDGE = Path(__file__).parent / "bridge"
# Where the file that was edited last is kept as it was before.
EDITING = "/home/user/.vibe-editing"
# Lines that a search gives at most, and where the names of the only files to look into are kept for it.
GREP_LINES, AMONG = 2_000, "/home/user/.vibe-among"
# Output of one command that is sent to the page and kept from its beginning; of its end, the last TAIL_BYTES.
HEAD_BYTES, TAIL_BYTES = 1_000_000, 20_000
# Characters that are taken of what one of our own scripts says, such as the names of all files.
SAID_CHARS = 16_000_000


@dataclass(frozen=True)
class Result:
    """How a command ended. `exit_code` is None when that is unknown; `output` holds both streams, middle cut.

    `goes_on`: it runs in the background, and writes what it says to `log` (a path in the sandbox).
    """

    exit_code: int | None
    output: str
    timed_out: bool = False
    goes_on: bool = False
    log: str = ""


class TooMuch(e2b.SandboxException):
    """The sandbox says more than our scripts let through: something inside took the place of their programs."""


class Box:
    """One running sandbox. Paths are relative to the app's root."""

    def __init__(self, sdk: AsyncSandbox, template: str) -> None:
        self.sdk, self.framework = sdk, FRAMEWORKS[template]

    @property
    def id(self) -> str:
        return str(self.sdk.sandbox_id)

    @property
    def host(self) -> str:
        return str(self.sdk.get_host(self.framework.port))

    async def read(self, path: str) -> bytes | None:
        """A file's bytes, or None when there is no such file. Raises BadFiles for more than can be kept of a file."""
        try:
            content = await self._bytes(posixpath.join(ROOT, path), MAX_FILE_BYTES)
        except (e2b.FileNotFoundException, e2b.InvalidArgumentException):
            return None
        if content is None:
            size = f"{MAX_FILE_BYTES // 2**20} MB"
            raise BadFiles(f"{path} has more than {size}, so it is not read. Look at a part of it with a command.")
        return content

    async def _bytes(self, path: str, most: int) -> bytes | None:
        """What a file of the sandbox holds; None where that is more than `most` bytes, of which no more are taken."""
        content = bytearray()
        async with await self.sdk.files.read(path, format="stream") as pieces:
            async for piece in pieces:
                content += piece
                if len(content) > most:
                    return None
        return bytes(content)

    async def write(self, files: dict[str, bytes]) -> None:
        if files:
            await self.sdk.files.write_files([{"path": posixpath.join(ROOT, p), "data": d} for p, d in files.items()])

    async def edit(self, key: str, path: str, before: bytes, after: bytes) -> None:
        """Writes a file in place of what it held, which is kept first, under a step key."""
        kept = f"{key} {sha256(before)}\n".encode() + before
        # One form: its parts are written one after the other.
        await self.sdk.files.write_files(
            [{"path": EDITING, "data": kept}, {"path": posixpath.join(ROOT, path), "data": after}]
        )

    async def before_edit(self, key: str) -> bytes | None:
        """What the file held that was edited under a step key; None where that had not begun."""
        try:
            kept = await self._bytes(EDITING, MAX_FILE_BYTES + 1_000)
        except (e2b.FileNotFoundException, e2b.InvalidArgumentException):
            return None
        head, _, before = (kept or b"").partition(b"\n")
        # The sum tells what was kept as a whole: as long as it was not, the file itself was not written.
        return before if head == f"{key} {sha256(before)}".encode() else None

    async def remove(self, paths: list[str]) -> None:
        for path in paths:
            await self.sdk.files.remove(posixpath.join(ROOT, path))

    async def paths(self) -> list[str]:
        """All files a person would call theirs, sorted."""
        out = await self._shell(box_scripts.FIND, VIBE_PRUNE=_pruned())
        return sorted(path.removeprefix("./") for path in out.split("\0") if path)

    async def hashes(self) -> dict[str, str]:
        """{path: sha256} of all files that `paths` names."""
        out = await self._shell(box_scripts.HASHES, VIBE_PRUNE=_pruned())
        pairs = (line.split("  ", 1) for line in out.split("\0") if line)
        return {path.removeprefix("./"): sha for sha, path in pairs}

    async def put(self, files: dict[str, bytes | None]) -> None:
        """Writes files, and removes those that are None."""
        await self.write({path: content for path, content in files.items() if content is not None})
        await self.remove([path for path, content in files.items() if content is None])

    async def grep(
        self, pattern: str, path: str, among: list[str] | None = None, *, literal: bool, ignore_case: bool
    ) -> tuple[list[str], str]:
        """Lines that match below a path ("": anywhere), or in the files `among`, as `path:number:line`, at most
        GREP_LINES; and what is wrong with the pattern, if it is.
        """
        if among is not None:
            await self.sdk.files.write(AMONG, "\0".join(among))
        flags = ("-F" if literal else "-P") + (" -i" if ignore_case else "")
        envs = {"VIBE_PATTERN": pattern, "VIBE_PATH": f"./{path}".rstrip("/"), "VIBE_FLAGS": flags}
        more = {"VIBE_PRUNE": _pruned(), "VIBE_MOST": str(GREP_LINES), "VIBE_AMONG": "" if among is None else AMONG}
        result = await self._script(box_scripts.GREP, {**envs, **more})
        lines = [line.removeprefix("./") for line in result.stdout.splitlines()]
        return lines, "" if lines else result.stderr.strip()

    async def snapshot(self, folder: str = ".") -> dict[str, bytes]:
        """All files of the app, or all below a folder that tools made, read in one go. Links and devices are left out;
        more than 60 MB raise BadFiles.
        """
        made = [*(f"--exclude=./{name}" for name in MADE_AT_ROOT), *(f"--exclude={name}" for name in MADE_BY_TOOLS)]
        excluded = " ".join(made) if folder == "." else ""
        root = posixpath.join(ROOT, folder)
        await self._shell(
            box_scripts.PACK, VIBE_ROOT=root, VIBE_EXCLUDE=excluded, VIBE_MOST=str(unpacking.MAX_BYTES + 1)
        )
        packed = await self._bytes("/home/user/.vibe-snapshot", unpacking.MAX_BYTES * 101 // 100)
        if packed is None:  # what was packed was exchanged for something else
            raise BadFiles(unpacking.TOO_LARGE)
        # In a thread: other runs wait on this loop too.
        return await asyncio.to_thread(unpacking.unpack, packed)

    async def replace_all(self, files: dict[str, bytes]) -> None:
        """Makes the app's files equal to `files`; tools' folders stay. Other packages than before are installed.

        What is equal already is not written: a dev server starts anew for each file that it was configured by.
        """
        present = await self.hashes()
        changed = {path: content for path, content in files.items() if present.get(path) != sha256(content)}
        await self.remove(sorted(present.keys() - files.keys()))
        await self.write(changed)
        if "package.json" in changed:
            await self._install(box_scripts.INSTALL, INSTALL_SECONDS)

    async def run_once(
        self,
        key: str,
        command: str,
        seconds: float,
        on_output: Callable[[str], None],
        root: str = ROOT,
        background: bool = False,
    ) -> Result:
        """Runs a command under a step key, or finds out what became of it. Output is streamed to `on_output`.

        `background`: returns after a second at most; the command ends after `seconds`, or by `kill_step`.
        """
        pieces: list[str] = []

        def keep(text: str) -> None:
            pieces.append(text)
            on_output(text)

        take = _at_most(HEAD_BYTES + TAIL_BYTES, keep)
        envs = {"VIBE_KEY": key, "VIBE_CMD": command, "VIBE_ROOT": root, "VIBE_HEAD": str(HEAD_BYTES)}
        envs["VIBE_TAIL"] = str(TAIL_BYTES)
        envs["VIBE_BACKGROUND"] = str(int(seconds)) if background else ""
        handle = await self.sdk.commands.run(
            box_scripts.STEP,
            background=True,
            envs=envs,
            timeout=30 if background else seconds,
            on_stdout=take,
            on_stderr=take,
            retain_output=False,
        )
        try:
            code = await _exit_code(handle.wait)
        except e2b.TimeoutException:
            await self.kill_step(key)
            return Result(124, "".join(pieces), timed_out=True)
        except TooMuch:
            await handle.disconnect()
            await self.kill_step(key)
            raise
        except BaseException:
            # Only let go: whoever stops the run kills the command, whoever takes the run over finds it.
            await handle.disconnect()
            raise
        output = "".join(pieces)
        if background and code == box_scripts.GOES_ON:
            return Result(None, output, goes_on=True, log=f"/home/user/.vibe/steps/{key}/out")
        if len(output) >= HEAD_BYTES:
            output += "\n… (output cut) …\n" + await self._shell(
                box_scripts.TAIL, VIBE_KEY=key, VIBE_TAIL=str(TAIL_BYTES)
            )
        return Result(None if code == box_scripts.UNKNOWN else code, output)

    async def kill_step(self, key: str) -> None:
        """Kills the command that runs under a step key, with all its children."""
        await self._shell(box_scripts.KILL_STEP, VIBE_KEY=key)

    async def serve(self, restart: bool = False) -> int:
        """Sees to it that the dev server runs and shows the files as they are; the status of its start page, 0 when it
        does not answer in 20 s.
        """
        await self._shell(
            box_scripts.SERVE,
            VIBE_CMD=self.framework.dev,
            VIBE_PRUNE=_pruned(),
            VIBE_PORT=str(self.framework.port),
            VIBE_RESTART="1" * restart,
            VIBE_BRIDGE=(BRIDGE / "bridge.js").read_text(),
            VIBE_BRIDGE_SERVER=(BRIDGE / "server.cjs").read_text(),
        )
        return await self.page_status(seconds=20)

    async def serve_folder(self, folder: str) -> int:
        """Serves the files of a folder at the app's port; the status of its start page, 0 when it does not answer."""
        await self._shell(
            box_scripts.SERVE_FOLDER, VIBE_ROOT=posixpath.join(ROOT, folder), VIBE_PORT=str(self.framework.port)
        )
        return await self.page_status(seconds=10)

    async def repair(self) -> None:
        """Clears caches and installs packages that are missing; the dev server has to be started again after it."""
        await self._install(box_scripts.REPAIR, REPAIR_SECONDS - 10)

    async def install(self) -> str:
        """Installs packages that are missing; what npm said if it could not, else ""."""
        return await self._install(box_scripts.INSTALL, REPAIR_SECONDS - 10)

    async def _install(self, script: str, seconds: float) -> str:
        return (await self._script(script, {"VIBE_SECONDS": str(seconds)}, seconds + 10)).stdout.strip()

    async def page_status(self, path: str = "/", seconds: float = 5) -> int:
        url = f"http://127.0.0.1:{self.framework.port}{path}"
        return int(await self._shell(box_scripts.PROBE, VIBE_URL=url, VIBE_SECONDS=str(seconds)) or 0)

    async def page(self, path: str) -> tuple[int, str]:
        """A page as the dev server sends it: its status (0: no answer) and its visible text."""
        url = f"http://127.0.0.1:{self.framework.port}{path}"
        status, _, text = (await self._shell(box_scripts.PAGE, VIBE_URL=url)).partition("\n")
        return int(status or 0), text.strip()

    async def server_log(self, lines: int = 40) -> str:
        return await self._shell('tail -n "$VIBE_LINES" "$HOME/.vibe/dev.log" 2>/dev/null; true', VIBE_LINES=str(lines))

    async def _shell(self, script: str, **envs: str) -> str:
        """Runs one of our own scripts; what varies comes by environment. Non-zero exits raise."""
        return (await self._script(script, envs)).stdout

    async def _script(self, script: str, envs: dict[str, str], seconds: float = 45) -> e2b.CommandResult[str]:
        """Runs one of our own scripts. Raises ENDED for another exit code than 0, TooMuch for what floods us."""
        take = _at_most(SAID_CHARS)
        handle = await self.sdk.commands.run(
            script,
            background=True,
            envs={"VIBE_ROOT": ROOT, **envs},
            timeout=seconds,
            on_stdout=take,
            on_stderr=take,
        )
        try:
            return cast(e2b.CommandResult[str], await handle.wait())
        finally:
            await handle.disconnect()


def _at_most(most: int, on_output: Callable[[str], object] = len) -> Callable[[str], None]:
    """Hands on what a command says until it comes to more than `most` characters; then the waiting ends by TooMuch."""
    left = most

    def take(text: str) -> None:
        nonlocal left
        left -= len(text)
        if left < 0:
            raise TooMuch(f"More than {most:,} characters came from a command that was to say less.")
        on_output(text)

    return take


def _pruned() -> str:
    return " -o ".join([*(f"-path ./{name}" for name in MADE_AT_ROOT), *(f"-name {name}" for name in MADE_BY_TOOLS)])


async def _exit_code(wait: Callable[[], Awaitable[object]]) -> int:
    try:
        await wait()
    except e2b.CommandExitException as error:
        return error.exit_code
    return 0
