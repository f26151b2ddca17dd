"""Follow-ups on a finished app: read first, exact edits, nothing else touched."""

import re

import pytest

from demo_model import colour, places, recipes
from tests.demo_model.playing import TOOLS, Agent

FIRST = "A landing page for a bakery called Crumb & Co"
WORDS = {frame: places.words(frame)[0] for frame in recipes.FRAMEWORKS}
THEME = {frame: places.stylesheet(frame) for frame in recipes.FRAMEWORKS}
PAGE = {frame: places.home(frame)[0] for frame in recipes.FRAMEWORKS}


@pytest.fixture(params=["react", "html"])
def built(request, agent: Agent) -> Agent:
    return build(agent, request.param)


def build(agent: Agent, framework: str) -> Agent:
    agent.framework = framework
    agent.ask(FIRST)
    agent.calls.clear()
    return agent


def changed(agent: Agent) -> set[str]:
    """Paths that were written or edited."""
    paths = {i["path"] for name, i in agent.calls if name == "edit_file"}
    return paths | {f["path"] for name, i in agent.calls if name == "write_files" for f in i["files"]}


def test_it_names_the_files_before_it_changes_them(built: Agent):
    built.ask("make it green, call it Mill Lane and add testimonials")
    named: set[str] = set()
    for name, values in built.calls:
        if name == "declare_files":
            named |= set(values["files"])
            assert values["why"].startswith("For “make it green")
        elif name == "edit_file":
            assert values["path"] in named
    assert named == changed(built) and len(named) > 1
    built.calls.clear()
    built.offered = tuple(name for name in TOOLS if name != "declare_files")
    built.ask("make it blue")
    assert changed(built) and "declare_files" not in dict(built.calls)


@pytest.mark.parametrize(
    "prompt", ["make it green", "#ff5500", "use a warm palette", "Change the colours to navy blue"]
)
def test_it_changes_the_colour(built: Agent, prompt):
    built.ask(prompt)
    tone = colour.asked_for(prompt)
    assert tone
    assert built.calls[0][0] == "read_files"
    assert changed(built) == {THEME[built.framework]}
    assert f"--accent: {dict(colour.css(tone))['--accent']};" in built.text(THEME[built.framework])


def test_it_makes_the_app_dark(built: Agent):
    built.ask("make it dark")
    assert changed(built) == {THEME[built.framework]}
    assert re.search(r":root \{\s*color-scheme: dark;", built.text(THEME[built.framework]))


@pytest.mark.parametrize(
    "prompt", ["make it light blue", "use a dark green", 'Change the headline to "Turn on the light"']
)
def test_it_takes_no_shade_and_no_quote_for_a_wish_for_light_or_dark(built: Agent, prompt):
    built.ask(prompt)
    assert built.summary and "The app is" not in built.summary
    assert "color-scheme: light dark;" in built.text(THEME[built.framework])


@pytest.mark.parametrize(
    "prompt",
    [
        "add a dark mode toggle",
        "Add dark mode",
        "dark mode please",
        "and now dark mode",
        "I want a switch between light and dark",
    ],
)
def test_it_adds_a_theme_switch(built: Agent, prompt):
    built.ask(prompt)
    assert "switch in the header" in built.summary
    assert "ThemeToggle" in built.everything() or "data-theme-toggle" in built.everything()


@pytest.mark.parametrize(
    ("prompt", "anchor"),
    [
        ("add testimonials", "testimonials"),
        ("Please add an FAQ section", "faq"),
        ("add a contact form", "contact"),
        ("include a pricing section", "plans"),
        ("add our team", "team"),
        ("add a gallery", "gallery"),
        ("add a newsletter sign-up", "newsletter"),
    ],
)
def test_it_adds_a_section(built: Agent, prompt, anchor):
    built.ask(prompt)
    assert f'id="{anchor}"' in built.everything()
    assert PAGE[built.framework] in changed(built)
    assert built.summary.startswith("Added")


def test_it_does_not_add_a_section_twice(built: Agent):
    built.ask("add testimonials")
    built.calls.clear()
    built.ask("add testimonials")
    assert changed(built) == set()
    assert "I changed nothing. Testimonials: that section is there already." in built.said


def test_it_renames_the_app_everywhere(built: Agent):
    built.ask('rename it to Loaf & "Love"')
    assert "Crumb &" not in built.everything()
    words = built.text(WORDS[built.framework])
    assert "Loaf &amp; &quot;Love&quot;<" in words or r'"Loaf & \"Love\""' in words
    built.ask('Call it "Rye.')
    assert "is called Rye now" in built.summary


def test_it_renames_words_and_not_parts_of_them(built: Agent):
    built.ask("call it Go")
    built.ask("change the headline to Goods of the day")
    built.ask("call it Zed")
    text = built.everything()
    assert "Goods of the day" in text and "Zedods" not in text and "Zed" in built.text(WORDS[built.framework])


def test_it_changes_the_headline(built: Agent):
    built.ask('Change the headline to "Bread <b>first</b>"')
    expected = "Bread &lt;b&gt;first&lt;/b&gt;" if built.framework == "html" else 'headline: "Bread <b>first</b>"'
    assert expected in built.text(WORDS[built.framework])


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("Make the subtitle say 'Baked before dawn.'", "Baked before dawn."),
        ("change the button to See the bread", "See the bread"),
        ("the footer should say: All rights to the crumbs", "All rights to the crumbs"),
    ],
)
def test_it_changes_another_line_that_has_a_name(built: Agent, prompt, words):
    built.ask(prompt)
    assert words in built.text(WORDS[built.framework])
    assert changed(built) == {WORDS[built.framework]}


def test_it_does_not_take_a_colour_for_words(built: Agent):
    built.ask("Change the headline colour to red")
    assert changed(built) == {THEME[built.framework]}
    assert "no way to colour the headline alone" in built.summary


def test_it_takes_each_wish_of_a_sentence_for_itself(built: Agent):
    built.ask("change the name to Krume and the headline to Fresh bread")
    text = built.text(WORDS[built.framework])
    assert "Fresh bread" in text and "Krume and" not in text
    assert "Crumb & Co is called Krume now" in built.summary


@pytest.mark.parametrize(
    ("prompt", "family"),
    [("use a serif font", "ui-serif"), ("Change the font to monospace", "ui-monospace"), ("use Comic Sans", "Comic")],
)
def test_it_sets_the_text_in_another_font(built: Agent, prompt, family):
    built.ask(prompt)
    assert changed(built) == {THEME[built.framework]}
    text = built.text(THEME[built.framework])
    assert all(family in line for line in text.splitlines() if "--font-sans:" in line or "--font-display:" in line)
    built.calls.clear()
    built.ask(prompt)
    assert changed(built) == set() and "already" in built.said


def test_it_takes_a_font_and_a_size_in_one_sentence(built: Agent):
    built.ask("use a serif font and make the text bigger")
    text = built.text(THEME[built.framework])
    assert "--font-sans: ui-serif" in text and "font-size: 112.5%" in text


def test_it_makes_the_text_larger_and_smaller_step_by_step(built: Agent):
    for prompt, size in (("make the text bigger", 112.5), ("larger text please", 125), ("font size smaller", 112.5)):
        built.ask(prompt)
        assert built.text(THEME[built.framework]).count(f"font-size: {size:g}%;") == 1, built.said
    for _ in range(9):
        built.ask("make the text smaller")
    assert "as small as I make it" in built.said
    assert "font-size: 75%;" in built.text(THEME[built.framework])


@pytest.mark.parametrize(
    ("prompt", "added", "not_added", "says"),
    [
        ("put the pricing above the testimonials", "plans", "testimonials", "how to put it above the testimonials"),
        ("add a page about us", "team", "", "I do not know how to add pages"),
    ],
)
def test_it_says_where_a_section_did_not_go(built: Agent, prompt, added, not_added, says):
    built.ask(prompt)
    assert f'id="{added}"' in built.everything() and says in built.summary
    assert not not_added or f'id="{not_added}"' not in built.everything()


def test_it_takes_no_wish_for_small_talk(agent: Agent):
    agent.framework = "html"
    for prompt in ("Great landing page for a baker", "Nice, add an FAQ", "Hi, make it blue"):
        assert agent.ask(prompt).summary, (prompt, agent.said)


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        ("hello", "Hello. I am the scripted"),
        ("Thanks!", "what you would like to change next"),
        ("undo that", "*Restore*"),
    ],
)
def test_it_answers_small_talk_without_looking_around(built: Agent, prompt, says):
    built.ask(prompt)
    assert built.calls == [] and says in built.said


@pytest.mark.parametrize("prompt", ["add a button to subscribe", "put an e-mail address to write to in the footer"])
def test_it_does_not_take_an_addition_for_a_change_of_words(built: Agent, prompt):
    before = built.text(WORDS[built.framework])
    built.ask(prompt)
    assert built.text(WORDS[built.framework]).startswith(before[:400])
    assert "See today’s bake" in built.everything() and "reads “" not in built.summary


def test_it_finds_a_text_that_stands_in_a_component(built: Agent):
    built.ask('change "Ask us anything" to "Write {to} us"')
    assert "Ask us anything" not in built.everything()
    assert "Write &#123;to&#125; us" in built.everything() or "Write {to} us" in built.text("index.html")


@pytest.mark.parametrize("framework", [frame for frame in recipes.FRAMEWORKS if frame not in ("react", "html")])
def test_it_can_do_all_of_it_in_every_framework(agent: Agent, framework):
    built = build(agent, framework)
    for prompt in (
        "make it purple and add a FAQ and testimonials",
        "add a dark mode toggle",
        "make it always dark",
        "remove the testimonials",
        "take out the steps",
        'call it Loaf & "Love"',
        "change the headline to Bread first",
        "the footer should say: All rights to the crumbs",
        'change "Ask us anything" to "Write {to} us"',
    ):
        assert built.ask(prompt, limit=40).summary, (prompt, built.said)
    text, script = built.everything(), built.text(places.home(framework)[1])
    assert 'id="faq"' in text and 'id="testimonials"' not in text and 'id="steps"' not in text
    assert "Crumb &" not in text and "Write &#123;to&#125; us" in text and "All rights to the crumbs" in text
    assert "Steps" not in script and "Testimonials" not in script and "Faq" in script
    assert "ThemeToggle" in text and 'headline: "Bread first"' in built.text(WORDS[framework])
    assert re.search(r":root \{\s*color-scheme: dark;", built.text(THEME[framework]))
    assert f"--accent: {dict(colour.css(colour.asked_for('purple') or colour.Tone(0, 0)))['--accent']};" in text


@pytest.mark.parametrize("prompt", ["remove the steps", "take out the section about how it works"])
def test_it_takes_out_a_section(built: Agent, prompt):
    built.ask(prompt)
    assert 'id="steps"' not in built.everything()
    assert "Steps" not in built.text(places.home(built.framework)[1])
    assert built.summary == "Taken out: The steps."


def test_it_takes_out_the_section_of_that_name_only(built: Agent):
    built.ask("add a contact form")
    assert built.ask("remove the contact form").summary == "Taken out: Contact."
    text = built.everything()
    assert 'id="enquiry"' in text and 'id="contact"' not in text
    assert built.ask("remove the contact form").summary == "Taken out: The enquiry form."
    assert 'id="enquiry"' not in built.everything()


@pytest.mark.parametrize("framework", recipes.FRAMEWORKS)
def test_it_takes_out_what_led_to_a_section(agent: Agent, framework):
    built = build(agent, framework)
    built.ask("remove the offers, the steps and the enquiry form", limit=40)
    text = built.everything()
    assert 'id="offers"' not in text and "#offers" not in text and "#steps" not in text and 'id="story"' in text
    assert "#story" in text and "#top" in text and "content.action.href" not in text
    assert framework != "html" or "#enquiry" not in text
    built.ask("remove the story")
    assert "#story" not in built.everything()
    assert framework == "html" or "nav: [] as {" in built.text(WORDS[framework])


def test_it_still_works_after_other_follow_ups_and_an_edit_by_hand(built: Agent):
    built.ask("add testimonials and a dark mode toggle")
    page = built.root / PAGE[built.framework]
    by_hand = page.read_text().replace("</main>", "<p>Mine</p>\n</main>", 1)
    page.write_text(by_hand)
    for prompt in ("add a FAQ", "remove the testimonials", "make it teal", "make it plum"):
        assert built.ask(prompt).summary, (prompt, built.said)
    text = built.everything()
    assert "<p>Mine</p>" in text and 'id="faq"' in text and 'id="testimonials"' not in text


def test_it_edits_rather_than_rewrites(built: Agent):
    before = {str(path): path.read_text() for path in built.root.rglob("*") if path.is_file()}
    for prompt in ("make it teal", "add testimonials", "remove the steps", "call it Loaf", "add a dark mode toggle"):
        built.ask(prompt)
    written = {file["path"] for name, i in built.calls if name == "write_files" for file in i["files"]}
    assert not {path for path in written if str(built.root / path) in before}


def test_it_changes_a_quoted_text(built: Agent):
    built.ask('change "Country loaf" to "City loaf"')
    assert "City loaf" in built.text(WORDS[built.framework])
    assert "Country loaf" not in built.text(WORDS[built.framework])


def test_it_does_several_things_in_one_go(built: Agent):
    built.ask("make it purple and add a FAQ and a team section")
    assert {'id="faq"', 'id="team"'} <= set(re.findall(r'id="\w+"', built.everything()))
    assert THEME[built.framework] in changed(built)
    assert [name for name, _ in built.calls].count("finish") == 1


def test_it_keeps_a_note_when_told_to(built: Agent):
    built.ask("Please remember that prices are in pounds.")
    assert ("remember", {"notes": ["prices are in pounds."]}) in built.calls
    assert changed(built) == set()


def test_it_names_the_part_of_a_request_it_cannot_do(built: Agent):
    built.ask("make it teal, add a FAQ and connect it to Stripe")
    assert "colours are new" in built.summary and "FAQ" in built.summary
    assert "I do not know how to do the rest: “connect it to Stripe”." in built.summary
    built.ask("make it purple and add a gallery and a newsletter")
    assert "do not know" not in built.summary


def test_it_says_honestly_what_it_cannot_do(built: Agent):
    built.ask("please integrate a payment provider")
    assert changed(built) == set()
    assert "changed nothing" in built.said and "scripted demo model" in built.said


def test_it_builds_another_app_when_asked_to(built: Agent):
    built.ask("Now build a kanban board called Lanes")
    assert "kanban" in built.summary


def test_it_copes_with_a_project_it_did_not_write(agent: Agent):
    agent.framework = "react"
    (agent.root / "src").mkdir()
    (agent.root / "src/App.tsx").write_text("export default function App() {\n  return <p>hi</p>;\n}\n")
    agent.messages = [{"role": "user", "content": "Something else"}, {"role": "assistant", "content": "Done."}]
    agent.ask("make it green")
    assert changed(agent) == set()
    assert "The colours are as they were" in agent.said


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("Where do I change the words?", "{words}"),
        ("Where does “Country loaf” stand?", "- `{words}`, line"),
        ("Which pages and components are there?", "{page}"),
        ("What is in {words}?", "lines"),
        ("What is in src/nothing.ts?", "no file"),
        ("where is the flux compensator?", "stands in no file"),
        ("what can you do?", "a dashboard, a portfolio, a blog or a shop"),
    ],
)
def test_it_answers_a_question_from_the_files_with_read_only_tools(built: Agent, prompt, expected):
    built.offered = ("list_files", "read_files", "search")
    known = {"words": WORDS[built.framework], "page": PAGE[built.framework]}
    built.ask(prompt.format(**known))
    assert {name for name, _ in built.calls} <= set(built.offered)
    assert expected.format(**known) in built.said
    assert "not an AI" in built.said
