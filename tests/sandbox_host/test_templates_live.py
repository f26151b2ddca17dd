"""Our templates in a real host and a real browser: shown through the preview, and reloaded as files change."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from e2b import Sandbox

from launcher import testing
from sandbox_host.templates import SOURCES, Library

from .conftest import Host, make_state

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

APP = "/home/user/app"
# A button for each framework's page, and what its file must begin with.
BUTTONS = {
    "angular": ("""<button #b (click)="b.textContent = 'pressed'">press</button>""", ""),
    "nextjs": (
        """<button onClick={(e) => (e.currentTarget.textContent = "pressed")}>press</button>""",
        '"use client";',
    ),
    "svelte": ("""<button onclick={(e) => (e.currentTarget.textContent = "pressed")}>press</button>""", ""),
    "vue": ("""<button @click="($event.target as HTMLElement).textContent = 'pressed'">press</button>""", ""),
}
# To prepare and try them takes one and a half minutes on two cores, several when those are busy.
HEAVY = {"angular", "nextjs"} if "VIBE_ALL_TEMPLATES" not in os.environ else set()


@pytest.fixture(scope="module")
def templated() -> Iterator[Host]:
    """A host with the prepared templates of this test session."""
    place = testing.current().place
    state = make_state(None)
    (state / "templates").symlink_to(place.home / "templates")
    running = Host(state, None, ["--runtime", str(place.runtime)])
    try:
        yield running.start()
    finally:
        (state / "templates").unlink()
        running.close()


@contextmanager
def shown(host: Host, browser: "Browser", name: str) -> Iterator[tuple[Sandbox, "Page"]]:
    """A sandbox with its dev server running, and the page it serves."""
    template = Library(SOURCES, host.state).find(name)
    assert template is not None
    sandbox = host.create(template=name, request_timeout=300)  # it may have to be prepared
    sandbox.commands.run(template.dev, background=True, cwd=APP)
    page = browser.new_page()
    page.set_default_timeout(60_000)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    # The first answer may be the page that waits for the dev server and reloads itself.
    page.goto(f"http://{sandbox.get_host(template.port)}/")
    page.get_by_role("heading", name="Your app will appear here").wait_for()
    page.wait_for_load_state("networkidle")  # a page drawn by the server is there before it listens for changes
    page.evaluate("window.kept = true")
    problems.clear()
    yield sandbox, page
    assert not problems
    page.close()
    sandbox.kill()


def edit(sandbox: Sandbox, path: str, old: str, new: str) -> None:
    text = sandbox.files.read(f"{APP}/{path}")
    assert old in text
    sandbox.files.write(f"{APP}/{path}", text.replace(old, new))


def until_pressed(page: "Page") -> None:
    """A click before the page is alive does nothing: click until one does."""
    button = page.get_by_role("button")
    for _ in range(100):
        button.click()
        if button.inner_text() == "pressed":
            return
        page.wait_for_timeout(100)
    raise AssertionError("the button is dead")


@pytest.mark.sandbox
@pytest.mark.browser
def test_react_reloads_what_changed_and_keeps_the_page(templated: Host, browser: "Browser") -> None:
    with shown(templated, browser, "react") as (sandbox, page):
        edit(sandbox, "src/App.tsx", "Your app will appear here", "Hello from the sandbox")
        page.get_by_text("Hello from the sandbox").wait_for()
        assert page.evaluate("window.kept") is True
        done = sandbox.commands.run("npm run build && npm run lint", cwd=APP)
        assert "0 errors" in done.stdout


@pytest.mark.sandbox
@pytest.mark.browser
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", sorted(BUTTONS.keys() - HEAVY))
def test_it_reloads_what_changed_and_its_buttons_work(templated: Host, browser: "Browser", name: str) -> None:
    template = Library(SOURCES, templated.state).find(name)
    assert template is not None
    with shown(templated, browser, name) as (sandbox, page):
        button, first_line = BUTTONS[name]
        text = sandbox.files.read(f"{APP}/{template.entry}")
        sandbox.files.write(f"{APP}/{template.entry}", first_line + text.replace("</h1>", f"</h1>{button}"))
        page.get_by_role("button", name="press", exact=True).wait_for()
        assert page.evaluate("window.kept") is True
        page.get_by_role("button").click()
        page.get_by_role("button", name="pressed").wait_for()
        page.reload()  # where the server draws the page first, the browser's part must take it over
        until_pressed(page)
        sandbox.commands.run("npm run build && npm run lint", cwd=APP, timeout=180)
        ours = {path.relative_to(template.source).as_posix() for path in template.files()}
        tools = "-name node_modules -o -name '.[a-z]*' -type d -o -path ./dist"
        made = rf"find . \( {tools} \) -prune -o -type f -printf '%P\n'"
        assert set(sandbox.commands.run(made, cwd=APP).stdout.split()) - {"next-env.d.ts"} == ours


@pytest.mark.sandbox
@pytest.mark.browser
def test_html_swaps_styles_and_reloads_pages(templated: Host, browser: "Browser") -> None:
    with shown(templated, browser, "html") as (sandbox, page):
        edit(sandbox, "styles.css", ".placeholder h1 {", ".placeholder h1 {\n  color: rgb(1 2 3);")
        page.wait_for_function("getComputedStyle(document.querySelector('h1')).color === 'rgb(1, 2, 3)'")
        assert page.evaluate("window.kept") is True
        edit(sandbox, "index.html", "Your app will appear here", "Hello from the sandbox")
        page.get_by_text("Hello from the sandbox").wait_for()
        assert page.evaluate("window.kept") is None


@pytest.mark.sandbox
@pytest.mark.browser
def test_a_page_that_waits_reloads_itself(templated: Host, browser: "Browser") -> None:
    sandbox, page = templated.create(), browser.new_page()
    page.goto(f"http://{sandbox.get_host(4000)}/")
    assert page.get_by_role("heading").inner_text() == "Nothing listens on port 4000 yet"
    sandbox.commands.run("echo '<h1>here</h1>' > index.html && python3 -m http.server 4000", background=True)
    page.get_by_role("heading", name="here").wait_for(timeout=20_000)
    page.close()
    sandbox.kill()


@pytest.mark.sandbox
def test_the_html_check_finds_what_is_broken(templated: Host) -> None:
    sandbox = templated.create(template="html")
    assert "no problems" in sandbox.commands.run("npm run lint", cwd=APP).stdout
    sandbox.files.write(f"{APP}/about.html", '<a href="index.html">ok</a> <img src="missing.png">')
    sandbox.files.write(f"{APP}/scripts/broken.js", "let = ;")
    found = sandbox.commands.run("npm run lint 2>&1; true", cwd=APP).stdout
    assert 'about.html: "missing.png" does not exist' in found
    assert "scripts/broken.js" in found
    assert "2 problems" in found
    sandbox.files.write(f"{APP}/about.html", '<img src="50%off.png"> <script src="gone.js"></script>')
    found = sandbox.commands.run("npm run lint 2>&1; true", cwd=APP).stdout
    assert 'about.html: "50%off.png" is no address' in found and '"gone.js" does not exist' in found
    assert "3 problems" in found
    sandbox.kill()


@pytest.mark.sandbox
def test_the_html_check_takes_no_script_for_links(templated: Host) -> None:
    sandbox = templated.create(template="html")
    script = 'list.innerHTML = `<a href="${p.link}"><img src="x.png"></a>`; img.src = "images/" + name; // <!--'
    page = f'<script>{script}</script> <template><a href="/p/${{id}}">p</a></template> <!-- <script src="old.js"> -->'
    sandbox.files.write(f"{APP}/about.html", page)
    assert "no problems" in sandbox.commands.run("npm run lint", cwd=APP).stdout
    sandbox.kill()


@pytest.mark.sandbox
def test_html_shows_nobody_what_holds_secrets(templated: Host) -> None:
    sandbox = templated.create(template="html")
    secret = (".env", ".env.local", "deep/.git/config", "keys/site.PEM", "id_rsa", "shop.keystore")
    public = (".well-known/security.txt", "environment.html", "env", "docs/id_rsa.html")
    for path in (*secret, *public):
        sandbox.files.write(f"{APP}/{path}", "here")
    sandbox.commands.run("npm run dev", background=True, cwd=APP)
    # Wait for the server, then ask for each as it is written here: no client tidies the path.
    ask = """
    const { request } = require("node:http");
    const status = (path) => new Promise((told) => {
      request({ port: 3000, path }, (answer) => told(answer.resume().statusCode)).on("error", () => told(0)).end();
    });
    (async () => {
      while (!(await status("/"))) await new Promise((soon) => setTimeout(soon, 50));
      for (const path of PATHS) console.log(await status(path));
    })();
    """
    asked = [f"/{path}" for path in (*secret, "deep/..%2f.env", "%2eenv", "deep/../.env", *public)]
    sandbox.files.write("/home/user/ask.cjs", ask.replace("PATHS", json.dumps(asked)))
    codes = sandbox.commands.run("node /home/user/ask.cjs").stdout.split()
    assert codes == ["404"] * 9 + ["200"] * 4, list(zip(asked, codes, strict=False))
    sandbox.kill()


@pytest.mark.sandbox
def test_html_sends_parts_of_films_and_lets_go_of_who_leaves(templated: Host) -> None:
    sandbox = templated.create(template="html")
    # Visitors who leave in the middle, one at a file that cannot be read, then parts; what is open still, what is said.
    ask = """
    const { readdirSync, readlinkSync, writeFileSync, mkdirSync, chmodSync } = require("node:fs");
    const { spawn } = require("node:child_process");
    const { get } = require("node:http");
    process.chdir("/home/user/app");
    writeFileSync("big.mp4", Buffer.alloc(5e7));
    writeFileSync("film.mp4", "0123456789");
    writeFileSync("shut.mp4", "x");
    chmodSync("shut.mp4", 0);
    const server = spawn("node", ["tools/dev-server.js"], { stdio: "ignore" });
    const open = () => readdirSync(`/proc/${server.pid}/fd`).filter((fd) => {
      try { return readlinkSync(`/proc/${server.pid}/fd/${fd}`).endsWith("big.mp4"); } catch { return false; }
    }).length;
    const soon = () => new Promise((told) => setTimeout(told, 50));
    const leave = () => new Promise((told) => {
      get("http://127.0.0.1:3000/big.mp4", (answer) => answer.once("data", () => { answer.destroy(); told(); }));
    });
    const part = async (Range) => {
      const answer = await fetch("http://127.0.0.1:3000/film.mp4", { headers: { Range } });
      return `${answer.status} ${answer.headers.get("content-range")} ${await answer.text()}`;
    };
    (async () => {
      while (!(await fetch("http://127.0.0.1:3000/").catch(() => null))) await soon();
      for (let n = 0; n < 20; n++) await leave();
      for (let n = 0; n < 100 && open(); n++) await soon();
      await fetch("http://127.0.0.1:3000/shut.mp4").then((answer) => answer.text()).catch(() => null);
      const parts = await Promise.all(RANGES.map(part));
      console.log(JSON.stringify({ open: open(), parts }));
      server.kill();
    })();
    """
    ranges = ["bytes=2-4", "bytes=7-", "bytes=-3", "bytes=4-99", "bytes=10-", "bytes=4-2", "bytes=0-1,3-4", ""]
    sandbox.files.write("/home/user/ask.cjs", ask.replace("RANGES", json.dumps(ranges)))
    said = json.loads(sandbox.commands.run("node /home/user/ask.cjs").stdout)
    whole = "200 null 0123456789"
    assert said["parts"] == [
        "206 bytes 2-4/10 234",
        *["206 bytes 7-9/10 789"] * 2,
        "206 bytes 4-9/10 456789",
        "416 bytes */10 ",
        *[whole] * 3,
    ]
    assert said["open"] == 0
    sandbox.kill()


@pytest.mark.sandbox
def test_the_network_of_a_sandbox_is_the_registries_alone(templated: Host) -> None:
    sandbox = templated.create(template="html")
    fetch = "node -e \"fetch('https://{}/').then(r => console.log('answered', r.status), e => console.log('refused'))\""
    assert "refused" in sandbox.commands.run(fetch.format("example.com")).stdout
    assert "refused" in sandbox.commands.run(fetch.format("127.0.0.1")).stdout
    assert "answered" in sandbox.commands.run(fetch.format("registry.npmjs.org")).stdout
    log = (templated.state / "sandboxes" / sandbox.sandbox_id / "api/egress.log").read_text()
    assert '"host": "example.com"' in log
    sandbox.kill()
