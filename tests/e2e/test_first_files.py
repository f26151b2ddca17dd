"""A picture with the first prompt: chosen, pasted or dropped, kept through the sign-up, and sent with the words."""

from tests.api.test_attachments import png
from tests.e2e.conftest import BUILD_MS, WORKSPACE

PICTURE = {"name": "look.png", "mimeType": "image/png", "buffer": png(40, 30)}
# What a browser hands to a page on a paste or a drop; no file of this computer is needed.
GIVE = """(target, [kind, name, bytes]) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], name, {type: "image/png"}));
    const real = {bubbles: true, cancelable: true};
    if (kind === "paste") target.dispatchEvent(new ClipboardEvent("paste", {...real, clipboardData: data}));
    else for (const type of ["dragover", "drop"])
        target.dispatchEvent(new DragEvent(type, {...real, dataTransfer: data}));
}"""
# Whether this browser keeps so many files for the next prompt: it does so after they are shown.
KEPT = """(count) => new Promise((say) => {
    indexedDB.open("vibe", 1).onsuccess = ({target: {result: database}}) => {
        database.transaction("files").objectStore("files").get("new").onsuccess = ({target: {result}}) => {
            database.close();
            say((result?.length ?? 0) === count);
        };
    };
})"""


def give(page, kind, target, name, content):
    page.locator(target).first.evaluate(GIVE, [kind, name, list(content)])


def test_it_keeps_a_visitors_files_until_they_have_signed_up(page, sign_up):
    from playwright.sync_api import expect

    from agents.prompts import attached
    from projects import attachments
    from projects.models import Attachment, Message

    page.goto("/")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add pictures or text files").press("Enter")
    chooser.value.set_files(PICTURE)
    expect(page.locator("#tray img")).to_have_js_property("naturalWidth", 40)
    give(page, "paste", "#prompt", "image.png", png(5, 4))
    give(page, "drop", "h1", "image.png", png(6, 4))
    expect(page.locator("#tray img")).to_have_count(3)

    # What cannot be sent is said at once, as in the workspace; what was added can be taken away by keyboard.
    page.set_input_files("#attach-input", {"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"%PDF\xff"})
    expect(page.locator("#prompt-error")).to_contain_text("a.pdf was not added. Only pictures")
    many = [{"name": f"{n}.txt", "mimeType": "text/plain", "buffer": b"x"} for n in range(6)]
    page.set_input_files("#attach-input", many)
    expect(page.locator("#prompt-error")).to_have_text("At most 8 files can go with a message.")
    for n in range(5):
        page.get_by_role("button", name=f"Remove {n}.txt").press("Enter")
    expect(page.get_by_role("button", name="Remove image.png").last).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#tray li")).to_have_count(2)

    # Nothing of it is lost by a reload, nor by signing up; nothing of it is on the server before.
    page.select_option("select[name=framework]", "html")
    page.fill("#prompt", "a landing page for a tea shop")
    page.wait_for_function(KEPT, arg=2)
    page.reload()
    expect(page.locator("#tray li")).to_have_count(2)
    page.select_option("select[name=framework]", "html")
    page.press("#prompt", "Enter")
    page.wait_for_url("**/accounts/signup/**")
    assert not Attachment.objects.exists()
    sign_up(page)
    page.wait_for_url(WORKSPACE)
    said = page.locator(".say").first
    expect(said).to_contain_text("a landing page for a tea shop")
    expect(said.locator("img").first).to_have_js_property("naturalWidth", 40)

    message = Message.objects.get(role="user")
    sent = message.attachments.all()
    assert [(one.name, attachments.content(one)[:4]) for one in sent] == [
        ("look.png", b"\x89PNG"),
        ("image.png", b"\x89PNG"),
    ]
    assert [block["type"] for block in attached.blocks(message)] == ["image", "image"]
    # They went with that prompt, so the next one begins without.
    page.goto("/projects/")
    expect(page.locator("#prompt")).to_have_value("")
    expect(page.locator("#tray")).to_be_hidden()

    # Who is signed in needs no detour.
    page.fill("#prompt", "a second page")
    page.set_input_files("#attach-input", PICTURE)
    page.press("#prompt", "Enter")
    page.wait_for_url(WORKSPACE)
    expect(page.locator(".say img")).to_have_js_property("naturalWidth", 40)


def test_it_gives_the_files_back_when_the_prompt_is_refused(page, begin):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop")
    page.goto("/")
    page.fill("#prompt", "One with a broken picture")
    page.set_input_files("#attach-input", [PICTURE, {**PICTURE, "name": "cut.png", "buffer": png()[:20]}])
    expect(page.locator("#tray li")).to_have_count(2)
    page.press("#prompt", "Enter")
    page.wait_for_url("**/projects/new/")
    expect(page.locator("#prompt-error")).to_contain_text("Only pictures")
    expect(page.locator("#prompt")).to_have_value("One with a broken picture")
    page.get_by_role("button", name="Remove cut.png").click()
    page.press("#prompt", "Enter")
    page.wait_for_url(WORKSPACE)
    expect(page.locator(".say img")).to_have_js_property("naturalWidth", 40)


def test_it_keeps_words_and_files_of_a_refused_prompt_whatever_is_looked_at_meanwhile(page, begin):
    from playwright.sync_api import expect

    from usage.models import Account, Entry

    path = begin(page, "a landing page for a tea shop")
    expect(page.locator(".done")).to_have_count(1, timeout=BUILD_MS)

    def is_there_after_a_look_at_a_project():
        page.goto(path)
        expect(page.locator("#link")).to_have_attribute("data-link", "live")
        page.goto("/projects/")
        expect(page.locator("#prompt")).to_have_value("A second app")
        expect(page.locator("#tray img")).to_be_visible()

    page.goto("/projects/")
    page.fill("#prompt", "A second app")
    page.set_input_files("#attach-input", PICTURE)
    expect(page.locator("#tray img")).to_be_visible()
    page.wait_for_function(KEPT, arg=1)
    # The network is away, and nobody knows what became of it.
    page.route("**/projects/new/", lambda route: route.abort())
    page.press("#prompt", "Enter")
    page.wait_for_url("chrome-error://**")
    page.unroute("**/projects/new/")
    is_there_after_a_look_at_a_project()

    account = Account.objects.get()
    Entry.objects.create(account=account, kind="charge", amount=-account.balance, key="all-spent")
    Account.objects.update(balance=0)
    page.press("#prompt", "Enter")
    expect(page.locator("#prompt-error")).to_contain_text("credits")
    is_there_after_a_look_at_a_project()


def test_it_says_so_when_the_browser_lost_or_cannot_keep_the_files(page, context, sign_up):
    from playwright.sync_api import expect

    from projects.models import Project

    page.goto("/")
    page.fill("#prompt", "a page about tea")
    page.set_input_files("#attach-input", PICTURE)
    page.press("#prompt", "Enter")
    page.wait_for_url("**/accounts/signup/**")
    page.evaluate("() => new Promise((done) => (indexedDB.deleteDatabase('vibe').onsuccess = done))")
    sign_up(page)
    expect(page.locator("#prompt-error")).to_contain_text("not in this browser any more")
    expect(page.locator("#prompt")).to_have_value("a page about tea")
    assert not Project.objects.exists()

    context.clear_cookies()
    context.add_init_script("Object.defineProperty(window, 'indexedDB', {value: undefined})")
    page.goto("/")
    page.set_input_files("#attach-input", PICTURE)
    expect(page.locator("#tray img")).to_be_visible()
    page.fill("#prompt", "a page about coffee")
    page.press("#prompt", "Enter")
    expect(page.locator("#prompt-error")).to_contain_text("This browser cannot keep files until you have signed up.")
    expect(page.locator(".send")).to_be_enabled()
