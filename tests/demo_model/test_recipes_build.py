"""Every recipe and every follow-up in every framework, built and linted for real with the template's own tools."""

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from demo_model import recipes, views
from tests.demo_model import looking, workshop
from tests.demo_model.playing import Agent
from tests.demo_model.test_builds import KINDS
from tests.demo_model.test_recipes_browser import buys_something

SLOW = ("nextjs", "angular")  # half a minute for each app
ALL = "VIBE_ALL_TEMPLATES" in os.environ
HOSTILE = ("landing", "blog", "shop")  # the others share their ways of substitution
FOLLOWUPS = [
    "make it #ff5500",
    "add a dark mode toggle",
    "add testimonials, FAQ, a contact form, pricing, our team, a gallery and a newsletter",
    'change the headline to "Quotes \\" and {braces} and </script>"',
    'rename it to "O’Neill & <Sons> `${x}`"',
    "remove the testimonials",
    'change "News, not noise" to "Letters {now} & then"',
]
NASTY = (
    "A landing page for a \"quoted\" 'thing' with {braces} ${x} `ticks` </script><script>alert(1)</script> \\ \\n "
    "🥐 مخبز السعادة called «Crumb» </style> & Co\u2028 " + "long words " * 500
)


def nasty(kind: str) -> str:
    return NASTY.replace("landing page", KINDS[kind].split(" ", 1)[1].split(" called")[0])


def follow(agent: Agent) -> None:
    for prompt in FOLLOWUPS:
        if kind_has(agent, prompt):
            assert agent.ask(prompt, limit=40).summary, (prompt, agent.said)


def kind_has(agent: Agent, prompt: str) -> bool:
    """Every app has what the follow-ups speak of, but for a section that another recipe brings along."""
    return not prompt.startswith("remove") or "estimonials" in agent.everything()


@pytest.mark.timeout(600)  # a minute on a quiet machine: nineteen apps are checked, built and looked at
@pytest.mark.parametrize("frame", ["react", "vue"] if ALL else ["react"])
def test_every_recipe_builds_also_after_follow_ups(tmp_path: Path, client, frame):
    project = workshop.install(frame, tmp_path)
    for kind, prompt in KINDS.items():
        agent = Agent(client, tmp_path / kind, frame).ask(prompt)
        workshop.place(project, frame, kind, agent)
        follow(agent)
        workshop.place(project, frame, f"{kind}-changed", agent)
    for kind in HOSTILE:
        workshop.place(
            project, frame, f"{kind}-nasty", Agent(client, tmp_path / f"{kind}-nasty", frame).ask(nasty(kind))
        )
    built = workshop.build(project, frame)
    assert len(list(built.glob("apps/*/index.html"))) == 2 * len(KINDS) + len(HOSTILE)
    assert "<script>alert" not in (built / "apps/landing-nasty/index.html").read_text()
    if Path(looking.CHROMIUM).exists():
        look(built)


def look(built: Path) -> None:
    """Every app as it is seen: silent, narrow enough, accessible, and doing what it promises."""
    with looking.chromium() as browser, looking.served(built) as root:
        url = f"{root}apps/"
        for kind in KINDS:
            with looking.tab(browser, "dark" if kind in ("shop", "kanban") else "light") as (page, problems):
                for address in ("", *(f"#{route}" for route in looking.ROUTES.get(kind, ()))):
                    page.goto(f"{url}{kind}/{address}")
                    assert looking.complaints(page) + problems == [], (kind, address)
        with looking.tab(browser) as (page, problems):
            page.goto(f"{url}shop/")
            buys_something(page)
            page.goto(f"{url}kanban/")
            move = page.get_by_role("button", name="Move ").first
            name = move.get_attribute("id")
            move.press("ArrowRight")
            expect(page.locator(f"section[aria-label=Doing] #{name}, section[aria-label=Next] #{name}")).to_be_focused()
            page.goto(f"{url}todo-changed/")
            ground = "getComputedStyle(document.body).backgroundColor"
            before = page.evaluate(ground)
            page.get_by_role("button", name="Switch between light and dark").click()
            page.reload()
            page.wait_for_function(f"{ground} !== {before!r}")
            assert problems == []


@pytest.mark.skipif(not ALL, reason="slow: set VIBE_ALL_TEMPLATES=1")
@pytest.mark.timeout(600)
def test_every_svelte_recipe_is_sound_and_one_builds(tmp_path: Path, client):
    """Routes must stand where SvelteKit looks, so only one app's do; all else of an app is in its lib folder."""
    project = workshop.install("svelte", tmp_path)
    for kind, prompt in KINDS.items():
        agent = Agent(client, tmp_path / kind, "svelte").ask(prompt)
        follow(agent)
        shutil.copytree(agent.root / "src/lib", project / "src/apps" / kind / "lib")
        if kind == "shop":
            shutil.copytree(agent.root / "src", project / "src", dirs_exist_ok=True)
    workshop.script(project, "build")
    workshop.script(project, "lint")


@pytest.mark.skipif(not ALL, reason="slow: set VIBE_ALL_TEMPLATES=1")
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("frame", SLOW)
def test_every_recipe_builds_in_the_slow_frameworks(tmp_path: Path, client, frame):
    project = workshop.install(frame, tmp_path)
    own = ("src", "public") if frame == "angular" else ("app", "components", "lib")
    for prompt in KINDS.values():
        for folder in own:
            shutil.rmtree(project / folder, ignore_errors=True)
        shutil.copytree(workshop.TEMPLATES / frame / "app", project, dirs_exist_ok=True)
        follow(Agent(client, project, frame).ask(prompt))
        workshop.script(project, "build")
        workshop.script(project, "lint")


@pytest.mark.parametrize("kind", KINDS)
def test_the_html_recipe_passes_its_linter_also_after_follow_ups(tmp_path: Path, client, kind):
    folder = tmp_path / "app"
    shutil.copytree(workshop.TEMPLATES / "html/app", folder)
    agent = Agent(client, folder, "html").ask(KINDS[kind])
    workshop.script(folder, "lint")
    follow(agent)
    workshop.script(folder, "lint")


@pytest.mark.parametrize("kind", KINDS)
def test_a_nasty_prompt_stays_words_in_plain_html(tmp_path: Path, client, kind):
    folder = tmp_path / "app"
    shutil.copytree(workshop.TEMPLATES / "html/app", folder)
    Agent(client, folder, "html").ask(nasty(kind))
    workshop.script(folder, "lint")
    assert "<script>alert" not in (folder / "index.html").read_text()


def test_every_recipe_is_there_for_every_framework():
    assert set(recipes.FRAMEWORKS) == {*views.FRAMES, "html"} == {p.name for p in workshop.TEMPLATES.iterdir()}
    for kind in recipes.kinds():
        assert (recipes.FOLDER / kind / "views/Home.view").is_file() and (recipes.FOLDER / kind / "html").is_dir()
