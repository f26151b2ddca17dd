"""A person's whole way with their account: sign up, verify, second factor, passkey, keys, tokens, usage, out again."""

import re
import time

import pytest
from allauth.mfa.totp.internal import auth

from accounts.models import User
from tests.e2e.conftest import PASSWORD


@pytest.fixture
def context(browser, stack):
    """By a name: browsers give no passkey to a bare address."""
    context = browser.new_context(base_url=stack.url.replace("127.0.0.1", "localhost"))
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def verified(page):
    """A key that the browser has; `verified(False)`: it does not know its owner's finger any more."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    kind = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options = {**kind, "isUserVerified": True, "automaticPresenceSimulation": True}
    key = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]
    return lambda is_so: devtools.send("WebAuthn.setUserVerified", {"authenticatorId": key, "isUserVerified": is_so})


def code(secret):
    return auth.format_hotp_value(auth.hotp_value(secret, int(time.time()) // 30))


def mailed(stack, eventually, after, pattern):
    """The newest match in the mails that the site wrote to its log since."""
    found = lambda: re.findall(pattern, stack.log("web")[after:].replace("=\n", "").replace("=3D", "="))  # noqa: E731
    return eventually(found, 20)[-1]


def test_it_takes_a_person_from_sign_up_to_deletion(stack, page, sign_up, verified, eventually):
    from playwright.sync_api import expect

    main = page.locator("main")
    before = len(stack.log("web"))
    page.goto("/accounts/signup/")
    email = sign_up(page)
    page.wait_for_url("**/projects/")
    page.goto(mailed(stack, eventually, before, r"https?://\S+/accounts/confirm-email/\S+/").replace("https", "http"))
    main.get_by_role("button", name="Confirm").click()
    page.wait_for_url(lambda url: "/confirm-email/" not in url)
    page.goto("/accounts/email/")
    expect(main.locator(".badge.good")).to_contain_text("Verified")

    page.goto("/accounts/2fa/")
    main.get_by_role("link", name="Activate").click()
    page.wait_for_url(re.compile("/activate/|/reauthenticate/"))
    if "reauthenticate" in page.url:
        page.fill("input[name=password]", PASSWORD)
        main.get_by_role("button", name="Confirm").click()
    secret = page.input_value("#authenticator_secret")
    page.fill("input[name=code]", code(secret))
    main.get_by_role("button", name="Activate").click()
    expect(page.locator("body")).to_contain_text("Recovery Codes", ignore_case=True)
    page.goto("/accounts/2fa/recovery-codes/")
    recovery = page.input_value("#recovery_codes").split()
    assert len(recovery) == 10

    page.goto("/settings/")
    expect(main).to_contain_text("No keys for Anthropic")
    page.fill("#token-name", "Laptop")
    page.select_option("#token-scope", "read")
    page.get_by_role("button", name="Create token").click()
    expect(page.locator("#new-token")).to_be_in_viewport()
    token = page.locator("#new-token").inner_text()
    answer = page.request.post("/api/v1/projects/", data={"prompt": "x"}, headers={"Authorization": f"Bearer {token}"})
    assert answer.status == 403
    page.goto("/usage/")
    expect(main).to_contain_text("25 credits")
    page.fill("#id_cap", "2.5")
    main.get_by_role("button", name="Save").click()
    expect(page.get_by_text("A run now stops at")).to_be_visible()
    expect(page.locator("#id_cap")).to_have_value("2.5")

    page.goto("/accounts/sessions/")
    expect(main.locator(".token-list li")).to_have_count(1)
    page.context.clear_cookies()
    page.goto("/accounts/login/")
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.fill("input[name=code]", recovery[0])
    main.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/projects/")

    page.goto("/accounts/2fa/webauthn/add/")
    page.fill("input[name=password]", PASSWORD)
    main.get_by_role("button", name="Confirm").click()
    page.fill("input[name=name]", "Laptop")
    page.check("input[name=passwordless]")
    verified(False)
    main.get_by_role("button", name="Add").click()
    expect(page.locator(".toast.error")).to_contain_text("passkey")
    # Said again, it stands there once.
    before = page.locator(".toast.error").element_handle()
    main.get_by_role("button", name="Add").click()
    before.wait_for_element_state("hidden")
    expect(page.locator(".toast.error")).to_have_count(1)
    verified(True)
    main.get_by_role("button", name="Add").click()
    page.wait_for_url(lambda url: not url.endswith("/add/"))
    page.goto("/accounts/2fa/webauthn/")
    expect(main).to_contain_text("Laptop")
    page.context.clear_cookies()
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/projects/")

    page.goto("/settings/delete/")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download everything").click()
    assert download.value.suggested_filename.endswith(".zip")
    page.fill("#id_password", PASSWORD)
    page.get_by_role("button", name="Delete my account").click()
    expect(page.locator("body")).to_contain_text("are deleted")
    assert not User.objects.filter(email=email).exists()
